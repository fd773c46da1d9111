import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderSVG } from 'uqr';
import { createTypesetter, RenderError, requireVisible, type Typeset } from '../../kernel/document.ts';
import { canonical } from '../../kernel/events.ts';
import { drawSeal } from '../../kernel/seal-picture.ts';
import { makeSealable } from '../../kernel/sealed-pdf.ts';
import type { LicenseRecord } from '../record.ts';

/** Longest address in the QR code: beyond it the modules get too small to scan at 32 mm. */
const ADDRESS_LENGTH = 300;

const typeset = createTypesetter(dirname(fileURLToPath(import.meta.url)));

/**
 * Renders the document of a license version: PDF/A-3b (ISO 19005-3) with the record attached as `metadata.json` and a QR
 * code that leads to `record.KZ_HYDZ`. The same record gives the same bytes, in any process. Throws UnprintableText for a
 * character that the fonts lack or that shows nothing, RenderError where the template cannot set the record.
 */
export function renderLicense(record: LicenseRecord): Uint8Array {
  return set(record).pdf;
}

/** The same document with the seal's picture where the template puts it, ready for the signature. */
export function renderSealable(record: LicenseRecord): Uint8Array {
  const { pdf, seal } = set(record);
  if (!seal) throw new RenderError(`the template of ${record.ZZBS} says nowhere where the seal goes`);
  const { ZZQZMC: name, ZZBFJG: organ } = record;
  const picture = drawSeal(organ, name.startsWith(organ) ? name.slice(organ.length) : name);
  const place = { page: seal.page, x: seal.x - picture.width / 2, y: seal.y - picture.height / 2 };
  return makeSealable(pdf, { name, at: new Date(record.ZZQZSJ), picture, place });
}

function set(record: LicenseRecord): Typeset {
  const text = canonical(record);
  requireVisible(record);
  if (record.KZ_HYDZ.length > ADDRESS_LENGTH) throw new RenderError(`KZ_HYDZ is longer than ${ADDRESS_LENGTH}`);
  return typeset({
    template: 'license.typ',
    files: {
      'record.json': text,
      'metadata.json': text,
      'qr.svg': renderSVG(record.KZ_HYDZ, { ecc: 'M', border: 1 }),
    },
    name: record.ZZBS,
    createdAt: record.ZZQZSJ,
  });
}
