import { readFileSync } from 'node:fs';
import { isSealedPdf } from '../subgraphs/kernel/pdf.ts';
import { pngOf } from '../subgraphs/kernel/seal-image.ts';
import { digestOfSealable, readSealedPdf } from '../subgraphs/kernel/sealed-pdf.ts';
import { renderLicense, renderSealable } from '../subgraphs/licenses/document/render.ts';
import { readRecord } from '../subgraphs/licenses/verify/attached.ts';

/**
 * `npm run rerender -- FILE.pdf…`: sets each license again from the record that it carries, the seal's picture drawn anew or, where it is the
 * office's own, taken out of the file, and compares every byte but the signature. What a sheet shows is then what its record says, and
 * nothing else. Exit 0 the same, 1 another
 * (a forgery, or set by another release: CHANGELOG.md names those that set otherwise), 2 not to be read.
 */
const EXIT = { same: 0, other: 1, unreadable: 2 } as const;

function rerender(path: string): keyof typeof EXIT {
  try {
    const file = readFileSync(path);
    const same = isSealedPdf(file) ? isSetAgain(file) : Buffer.from(renderLicense(readRecord(file))).equals(file);
    console.log(`${same ? '✓ 一致 same' : '✗ 不一致 other'}  ${path}`);
    return same ? 'same' : 'other';
  } catch (error) {
    console.error(`${path}：${error instanceof Error ? error.message : error}`);
    return 'unreadable';
  }
}

/** The digest that the signature is over is of every byte but its own. */
function isSetAgain(file: Uint8Array): boolean {
  const { base, image, digest } = readSealedPdf(file);
  return digestOfSealable(renderSealable(readRecord(base), image && pngOf(image))).equals(digest);
}

const paths = process.argv.slice(2);
if (paths.length === 0) console.error('用法 usage: npm run rerender -- FILE.pdf…');
process.exitCode = paths.length === 0 ? EXIT.unreadable : Math.max(...paths.map((path) => EXIT[rerender(path)]));
