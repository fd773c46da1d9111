import { inflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { imageOf, PictureError, pngOf } from '../../subgraphs/kernel/seal-image.ts';
import { chunk, png as filePng } from '../support/files.ts';
import { sealPng } from '../support/picture.ts';

const plain = sealPng();
const IHDR = 8;
const afterHeader = 33;
const splice = (png: Buffer, at: number, put: Buffer, cut = 0) =>
  Buffer.concat([png.subarray(0, at), put, png.subarray(at + cut)]);
const header = (width: number, height: number, depth = 8, colour = 6) => {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body.set([depth, colour], 8);
  return chunk('IHDR', body);
};

/** Returns the colours and the alpha of the first pixel. */
function first(png: Uint8Array): number[] {
  const { colours, alpha } = imageOf(png);
  return [...inflateSync(colours).subarray(0, 3), ...inflateSync(alpha).subarray(0, 1)];
}

describe("an office's own picture", () => {
  test('is as large as a drawn seal, 40 mm, and keeps its proportions', () => {
    const side = (40 * 72) / 25.4;
    expect(imageOf(plain)).toMatchObject({ across: 240, down: 240, width: side, height: side });
    const oval = imageOf(sealPng(300, 200));
    expect(oval.width).toBeCloseTo(side, 8);
    expect(oval.height).toBeCloseTo((side * 2) / 3, 8);
  });

  test('survives the conversion to a document image and back', () => {
    const again = pngOf(imageOf(plain));
    expect(imageOf(again)).toEqual(imageOf(plain));
  });

  test('may be grey, have no alpha, have a palette, or have one transparent colour', () => {
    const shot = { width: 64, height: 64, depth: 8 as const };
    const filled = (...pixel: number[]) =>
      Uint8Array.from({ length: 64 * 64 * pixel.length }, (_, i) => pixel[i % pixel.length] ?? 0);
    expect(first(encode({ ...shot, channels: 1, data: filled(7) }))).toEqual([7, 7, 7, 255]);
    expect(first(encode({ ...shot, channels: 2, data: filled(7, 9) }))).toEqual([7, 7, 7, 9]);
    const rgb = Buffer.from(encode({ ...shot, channels: 3, data: filled(1, 2, 3) }));
    expect(first(rgb)).toEqual([1, 2, 3, 255]);
    expect(first(splice(rgb, afterHeader, chunk('tRNS', Buffer.from([0, 1, 0, 2, 0, 3]))))).toEqual([1, 2, 3, 0]);
    const grey = Buffer.from(encode({ ...shot, channels: 1, data: filled(1) }));
    const palette = Buffer.concat([
      chunk('PLTE', Buffer.from([9, 9, 9, 200, 10, 20])),
      chunk('tRNS', Buffer.from([255, 99])),
    ]);
    const indexed = splice(splice(grey, IHDR, header(64, 64, 8, 3), 25), afterHeader, palette);
    expect(first(indexed)).toEqual([200, 10, 20, 99]);
  });

  test('may name its author, which does not get into a document', () => {
    const said = splice(plain, afterHeader, chunk('tEXt', Buffer.from('Author\0nobody')));
    expect(imageOf(said).colours).toEqual(imageOf(plain).colours);
  });

  const wide = (width: number, height: number) => splice(plain, IHDR, header(width, height), 25);
  test.each([
    ['a file that is not a PNG', Buffer.from('GIF89a')],
    ['an empty file', Buffer.alloc(0)],
    ['a PNG without a header', splice(plain, IHDR, Buffer.alloc(0), 25)],
    ['a truncated PNG', plain.subarray(0, -5)],
    ['bytes after the end', Buffer.concat([plain, Buffer.from('x')])],
    ['a second end chunk', Buffer.concat([plain, chunk('IEND', Buffer.alloc(0))])],
    ['a wrong check sum', splice(plain, plain.length - 30, Buffer.from([(plain.at(-30) ?? 0) ^ 1]), 1)],
    ['16 bits per channel', splice(plain, IHDR, header(240, 240, 16), 25)],
    ['an unknown colour type', splice(plain, IHDR, header(240, 240, 8, 5), 25)],
    ['fewer pixels than the header says', wide(240, 250)],
    ['more pixels than the header says', wide(240, 100)],
    ['an animation', splice(plain, afterHeader, chunk('acTL', Buffer.alloc(8)))],
    ['an unknown critical chunk', splice(plain, afterHeader, chunk('XXXX', Buffer.alloc(1)))],
    ['a side of less than 64 pixels', filePng()],
    ['a side of more than 1,200 pixels', wide(1_201, 1_201)],
    ['a picture that is too narrow', sealPng(240, 100)],
    ['more than 256 KiB', Buffer.concat([plain, Buffer.alloc(262_144)])],
  ])('is refused: %s', (_, png) => {
    expect(() => imageOf(png)).toThrow(PictureError);
  });
});
