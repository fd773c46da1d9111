import { readFileSync } from 'node:fs';
import { isSealedPdf } from '../subgraphs/kernel/pdf/pdf.ts';
import { toPng } from '../subgraphs/kernel/pdf/seal-image.ts';
import { digestSealable, readSealedPdf } from '../subgraphs/kernel/pdf/sealed-pdf.ts';
import { type Form, listForms } from '../subgraphs/licenses/document/forms.ts';
import { renderLicense, renderSealable } from '../subgraphs/licenses/document/render.ts';
import { readRecord } from '../subgraphs/licenses/verify/content/attached.ts';

/**
 * `npm run rerender -- FILE.pdf…`: renders each license again from the record that it carries, and compares every byte
 * except the signature. The seal's picture is drawn again, or taken from the file if it is the office's own picture.
 * If the bytes are equal, the document shows exactly what its record says. A sheet of an earlier release is compared
 * with the form on which its type was printed then.
 * Exit 0: same. Exit 1: different, so a forgery or rendered by a release whose layout is not kept (CHANGELOG.md names
 * those). Exit 2: unreadable.
 */
const EXIT = { identical: 0, different: 1, unreadable: 2 } as const;

function rerender(path: string): keyof typeof EXIT {
  try {
    const form = findForm(readFileSync(path));
    console.log(`${form === null ? '✗ 不一致 other' : `✓ 一致 same（版式 form ${form}）`}  ${path}`);
    return form === null ? 'different' : 'identical';
  } catch (error) {
    console.error(`${path}：${error instanceof Error ? error.message : error}`);
    return 'unreadable';
  }
}

/** Returns the form that gives the same bytes, or null. The signed digest covers every byte except the signature. */
function findForm(file: Uint8Array): Form | null {
  if (!isSealedPdf(file)) {
    const record = readRecord(file);
    return listForms(record.ZZLXDM).find((form) => Buffer.from(renderLicense(record, form)).equals(file)) ?? null;
  }
  const { base, image, digest } = readSealedPdf(file);
  const record = readRecord(base);
  const picture = image && toPng(image);
  return (
    listForms(record.ZZLXDM).find((form) => digestSealable(renderSealable(record, picture, form)).equals(digest)) ??
    null
  );
}

const paths = process.argv.slice(2);
if (paths.length === 0) console.error('用法 usage: npm run rerender -- FILE.pdf…');
process.exitCode = paths.length === 0 ? EXIT.unreadable : Math.max(...paths.map((path) => EXIT[rerender(path)]));
