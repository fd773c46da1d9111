import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toCanonicalJson } from '../../kernel/events/events.ts';
import { describeOwnership, readHeld } from '../../kernel/identity/co-ownership.ts';
import { OWNERS_LABEL } from '../../kernel/license-type/changes.ts';
import { createTypesetter, RenderError, requireVisible, type TypesetDocument } from '../../kernel/pdf/document.ts';
import { drawCode } from '../../kernel/pdf/qr.ts';
import { toSealImage } from '../../kernel/pdf/seal-image.ts';
import { drawSeal } from '../../kernel/pdf/seal-picture.ts';
import { EMPTY_CMS, insertSignature, makeSealable } from '../../kernel/pdf/sealed-pdf.ts';
import type { AttachedRecord } from '../act/record.ts';
import { type Form, listForms } from './forms.ts';

/** Maximum length of the text in the QR code. With longer text, the modules are too small to scan at 38 mm. */
const MAX_CODE_CHARS = 900;

const typeset = createTypesetter(dirname(fileURLToPath(import.meta.url)));

/**
 * Renders the document of a license version: PDF/A-3b (ISO 19005-3) with the record attached as `metadata.json`, and
 * its QR code. The same record gives the same bytes in any process. `form` is that of the record's type unless given.
 * Throws UnprintableText for a character that the fonts lack or that is invisible, and RenderError if the template
 * cannot typeset the record.
 */
export function renderLicense(record: AttachedRecord, form: Form = formOf(record)): Uint8Array {
  return typesetRecord(record, form).pdf;
}

/**
 * Renders the same document with the seal's picture in the place that the template defines, ready for the signature.
 * `own` is the office's own picture, PNG. If it is null, the hub draws one.
 */
export function renderSealable(
  record: AttachedRecord,
  organImage: Uint8Array | null = null,
  form: Form = formOf(record),
): Uint8Array {
  const { pdf, seal } = typesetRecord(record, form);
  if (!seal) throw new RenderError(`the template of ${record.ZZBS} says nowhere where the seal goes`);
  const { ZZQZMC: name, ZZBFJG: organ } = record;
  const drawPicture = () => drawSeal(organ, name.startsWith(organ) ? name.slice(organ.length) : name);
  const picture = organImage ? toSealImage(organImage) : drawPicture();
  const place = { page: seal.page, x: seal.x - picture.width / 2, y: seal.y - picture.height / 2 };
  return makeSealable(pdf, { name, at: new Date(record.ZZQZSJ), picture, place });
}

/** Renders a preview of the sealed document. An empty signature marks it as unsigned. */
export function renderPreview(record: AttachedRecord): Uint8Array {
  return insertSignature(renderSealable(record), EMPTY_CMS);
}

/**
 * Renders what a license's printer adds to a pre-printed blank (套打), PDF: the variable texts and the QR code, each
 * where the sealed sheet has it. What the blank bears is left out: frame, title, labels, fixed words. So is the seal:
 * the organ stamps the paper. The file is a printing aid, as its metadata says: no record is attached, and
 * nobody can seal it.
 */
export function renderOverprint(record: AttachedRecord, form: Form = formOf(record)): Uint8Array {
  return typesetRecord(record, form, { overprint: 'yes' }).pdf;
}

/** Returns the form of a sealed file. An earlier release may have printed it: what it printed begins the file. */
export function findFormOf(record: AttachedRecord, sealed: Uint8Array): Form {
  const [newest, ...earlier] = listForms(record.ZZLXDM);
  const begins = (form: Form) => {
    const printed = renderLicense(record, form);
    return Buffer.from(printed).equals(sealed.subarray(0, printed.length));
  };
  return earlier.find(begins) ?? newest;
}

/** Returns the form on which a record is printed now. */
function formOf(record: AttachedRecord): Form {
  return listForms(record.ZZLXDM)[0];
}

/** The holders with their codes and shares as a line, which every form prints. None for a sole holder. */
function listOwnerLines(record: AttachedRecord): { label: string; text: string }[] {
  const { holder, coOwnership } = readHeld(record);
  if (!coOwnership) return [];
  const text = describeOwnership({ holder, coOwnership }, ({ name, code }) => `${name}（${code}）`);
  return [{ label: OWNERS_LABEL, text }];
}

/**
 * Returns what the sheet shows of a record: all but the lines that its type does not print, and all holders. The
 * attachment has everything.
 */
function toPrinted(record: AttachedRecord): AttachedRecord {
  const hidden = new Set(record.KZ_BYX);
  const owners = listOwnerLines(record);
  if (hidden.size === 0 && owners.length === 0) return record;
  return { ...record, KZ_NR: [...owners, ...record.KZ_NR.filter(({ label }) => !hidden.has(label))] };
}

function typesetRecord(record: AttachedRecord, form: Form, inputs: Record<string, string> = {}): TypesetDocument {
  const text = toCanonicalJson(record);
  requireVisible(record);
  const code = record.KZ_EWM ?? record.KZ_HYDZ;
  if (code.length > MAX_CODE_CHARS) throw new RenderError(`the code is longer than ${MAX_CODE_CHARS}`);
  return typeset({
    template: `templates/${form}.typ`,
    inputs,
    files: {
      'record.json': toCanonicalJson(toPrinted(record)),
      'metadata.json': text,
      'qr.svg': drawCode(code),
    },
    name: record.ZZBS,
    createdAt: record.ZZQZSJ,
  });
}
