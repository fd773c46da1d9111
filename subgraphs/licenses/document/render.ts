import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeQR } from 'qr';
import { createTypesetter, RenderError, requireVisible, type TypesetDocument } from '../../kernel/document.ts';
import { toCanonicalJson } from '../../kernel/events.ts';
import { toSealImage } from '../../kernel/seal-image.ts';
import { drawSeal } from '../../kernel/seal-picture.ts';
import { EMPTY_CMS, insertSignature, makeSealable } from '../../kernel/sealed-pdf.ts';
import type { AttachedRecord } from '../record.ts';

/** Longest text in the QR code: beyond it the modules get too small to scan at 38 mm. */
const CODE_LENGTH = 900;

const FOLDER = dirname(fileURLToPath(import.meta.url));
const typeset = createTypesetter(FOLDER);

/**
 * Renders the document of a license version: PDF/A-3b (ISO 19005-3) with the record attached as `metadata.json` and its QR
 * code. The same record gives the same bytes, in any process. Throws UnprintableText for a
 * character that the fonts lack or that shows nothing, RenderError where the template cannot set the record.
 */
export function renderLicense(record: AttachedRecord): Uint8Array {
  return set(record).pdf;
}

/**
 * The same document with the seal's picture where the template puts it, ready for the signature: the office's own, PNG, or a drawn one.
 */
export function renderSealable(record: AttachedRecord, own: Uint8Array | null = null): Uint8Array {
  const { pdf, seal } = set(record);
  if (!seal) throw new RenderError(`the template of ${record.ZZBS} says nowhere where the seal goes`);
  const { ZZQZMC: name, ZZBFJG: organ } = record;
  const drawn = () => drawSeal(organ, name.startsWith(organ) ? name.slice(organ.length) : name);
  const picture = own ? toSealImage(own) : drawn();
  const place = { page: seal.page, x: seal.x - picture.width / 2, y: seal.y - picture.height / 2 };
  return makeSealable(pdf, { name, at: new Date(record.ZZQZSJ), picture, place });
}

/** What a sealed document of the record would look like; nothing signs it, and it says so in the place of the signature. */
export function renderPreview(record: AttachedRecord): Uint8Array {
  return insertSignature(renderSealable(record), EMPTY_CMS);
}

/** The template of a license type (证照类型代码): its own, or the general one. */
function templateOf(type: string): string {
  const own = `templates/${type}.typ`;
  return /^\w{1,32}$/.test(type) && existsSync(join(FOLDER, own)) ? own : 'templates/general.typ';
}

function set(record: AttachedRecord): TypesetDocument {
  const text = toCanonicalJson(record);
  requireVisible(record);
  const code = record.KZ_EWM ?? record.KZ_HYDZ;
  if (code.length > CODE_LENGTH) throw new RenderError(`the code is longer than ${CODE_LENGTH}`);
  return typeset({
    template: templateOf(record.ZZLXDM),
    files: {
      'record.json': text,
      'metadata.json': text,
      'qr.svg': drawCode(code),
    },
    name: record.ZZBS,
    createdAt: record.ZZQZSJ,
  });
}

/**
 * A QR code (ISO/IEC 18004): a dashed line for each row of modules, which takes a seventh of what a rectangle for each run of modules does.
 */
function drawCode(text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 1 });
  const lines = rows.map((row, y) => {
    const [margin, ...dashes] = runsOf(row);
    return `<path d="M${margin} ${y}.5H${row.length}" stroke-dasharray="${dashes.join(' ')}"/>`;
  });
  // The margin's own rows hold no module.
  const drawn = lines.slice(1, -1).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${rows.length} ${rows.length}" stroke="#000">${drawn}</svg>`;
}

/** How many modules follow one another in each colour, the light margin first. */
function runsOf(row: readonly boolean[]): number[] {
  const runs: number[] = [];
  let begun = 0;
  for (let x = 1; x <= row.length; x++) {
    if (row[x] === row[begun]) continue;
    runs.push(x - begun);
    begun = x;
  }
  return runs;
}
