import { readFileSync } from 'node:fs';
import { isSealedPdf } from '../subgraphs/kernel/pdf/pdf.ts';
import { toPng } from '../subgraphs/kernel/pdf/seal-image.ts';
import { digestSealable, readSealedPdf } from '../subgraphs/kernel/pdf/sealed-pdf.ts';
import { renderLicense, renderSealable } from '../subgraphs/licenses/document/render.ts';
import { readRecord } from '../subgraphs/licenses/verify/format/attached.ts';

/**
 * `npm run rerender -- FILE.pdf…`: renders each license again from the record that it carries, and compares every byte
 * except the signature. The seal's picture is drawn again, or taken from the file if it is the office's own picture.
 * If the bytes are equal, the document shows exactly what its record says.
 * Exit 0: same. Exit 1: different, so a forgery or rendered by another release (CHANGELOG.md names the releases that
 * render differently). Exit 2: unreadable.
 */
const EXIT = { identical: 0, different: 1, unreadable: 2 } as const;

function rerender(path: string): keyof typeof EXIT {
  try {
    const file = readFileSync(path);
    const isSame = isSealedPdf(file) ? rendersSame(file) : Buffer.from(renderLicense(readRecord(file))).equals(file);
    console.log(`${isSame ? '✓ 一致 same' : '✗ 不一致 other'}  ${path}`);
    return isSame ? 'identical' : 'different';
  } catch (error) {
    console.error(`${path}：${error instanceof Error ? error.message : error}`);
    return 'unreadable';
  }
}

/** Returns whether rendering again gives the signed digest. That digest covers every byte except the signature. */
function rendersSame(file: Uint8Array): boolean {
  const { base, image, digest } = readSealedPdf(file);
  return digestSealable(renderSealable(readRecord(base), image && toPng(image))).equals(digest);
}

const paths = process.argv.slice(2);
if (paths.length === 0) console.error('用法 usage: npm run rerender -- FILE.pdf…');
process.exitCode = paths.length === 0 ? EXIT.unreadable : Math.max(...paths.map((path) => EXIT[rerender(path)]));
