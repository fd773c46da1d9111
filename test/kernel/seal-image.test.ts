import { inflateSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { PictureError, toPng, toSealImage } from '../../subgraphs/kernel/pdf/seal-image.ts';
import { buildPngChunk, buildPng as filePng } from '../support/files.ts';
import { buildSealPng } from '../support/seal-png.ts';

const plainPng = buildSealPng();
const IHDR = 8;
const AFTER_HEADER = 33;
const splicePng = (png: Buffer, at: number, insertion: Buffer, cutBytes = 0) =>
  Buffer.concat([png.subarray(0, at), insertion, png.subarray(at + cutBytes)]);
const buildHeader = (width: number, height: number, depth = 8, colour = 6) => {
  const body = Buffer.alloc(13);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  body.set([depth, colour], 8);
  return buildPngChunk('IHDR', body);
};

/** Returns the colours and the alpha of the first pixel. */
function readFirstPixel(png: Uint8Array): number[] {
  const { colours, alpha } = toSealImage(png);
  return [...inflateSync(colours).subarray(0, 3), ...inflateSync(alpha).subarray(0, 1)];
}

describe("an office's own picture", () => {
  test('is as large as a drawn seal, 40 mm, and keeps its proportions', () => {
    const side = (40 * 72) / 25.4;
    expect(toSealImage(plainPng)).toMatchObject({ across: 240, down: 240, width: side, height: side });
    const oval = toSealImage(buildSealPng(300, 200));
    expect(oval.width).toBeCloseTo(side, 8);
    expect(oval.height).toBeCloseTo((side * 2) / 3, 8);
  });

  test('survives the conversion to a document image and back', () => {
    const roundTrip = toPng(toSealImage(plainPng));
    expect(toSealImage(roundTrip)).toEqual(toSealImage(plainPng));
  });

  test('may be grey, have no alpha, have a palette, or have one transparent colour', () => {
    const imageOptions = { width: 64, height: 64, depth: 8 as const };
    const fillPixels = (...pixel: number[]) =>
      Uint8Array.from({ length: 64 * 64 * pixel.length }, (_, i) => pixel[i % pixel.length] ?? 0);
    expect(readFirstPixel(encode({ ...imageOptions, channels: 1, data: fillPixels(7) }))).toEqual([7, 7, 7, 255]);
    expect(readFirstPixel(encode({ ...imageOptions, channels: 2, data: fillPixels(7, 9) }))).toEqual([7, 7, 7, 9]);
    const rgb = Buffer.from(encode({ ...imageOptions, channels: 3, data: fillPixels(1, 2, 3) }));
    expect(readFirstPixel(rgb)).toEqual([1, 2, 3, 255]);
    expect(
      readFirstPixel(splicePng(rgb, AFTER_HEADER, buildPngChunk('tRNS', Buffer.from([0, 1, 0, 2, 0, 3])))),
    ).toEqual([1, 2, 3, 0]);
    const grey = Buffer.from(encode({ ...imageOptions, channels: 1, data: fillPixels(1) }));
    const palette = Buffer.concat([
      buildPngChunk('PLTE', Buffer.from([9, 9, 9, 200, 10, 20])),
      buildPngChunk('tRNS', Buffer.from([255, 99])),
    ]);
    const indexed = splicePng(splicePng(grey, IHDR, buildHeader(64, 64, 8, 3), 25), AFTER_HEADER, palette);
    expect(readFirstPixel(indexed)).toEqual([200, 10, 20, 99]);
  });

  test('may name its author, which does not get into a document', () => {
    const namedPng = splicePng(plainPng, AFTER_HEADER, buildPngChunk('tEXt', Buffer.from('Author\0nobody')));
    expect(toSealImage(namedPng).colours).toEqual(toSealImage(plainPng).colours);
  });

  const resizeHeader = (width: number, height: number) => splicePng(plainPng, IHDR, buildHeader(width, height), 25);
  test.each([
    ['a file that is not a PNG', Buffer.from('GIF89a')],
    ['an empty file', Buffer.alloc(0)],
    ['a PNG without a header', splicePng(plainPng, IHDR, Buffer.alloc(0), 25)],
    ['a truncated PNG', plainPng.subarray(0, -5)],
    ['bytes after the end', Buffer.concat([plainPng, Buffer.from('x')])],
    ['a second end chunk', Buffer.concat([plainPng, buildPngChunk('IEND', Buffer.alloc(0))])],
    ['a wrong check sum', splicePng(plainPng, plainPng.length - 30, Buffer.from([(plainPng.at(-30) ?? 0) ^ 1]), 1)],
    ['16 bits per channel', splicePng(plainPng, IHDR, buildHeader(240, 240, 16), 25)],
    ['an unknown colour type', splicePng(plainPng, IHDR, buildHeader(240, 240, 8, 5), 25)],
    ['fewer pixels than the header says', resizeHeader(240, 250)],
    ['more pixels than the header says', resizeHeader(240, 100)],
    ['an animation', splicePng(plainPng, AFTER_HEADER, buildPngChunk('acTL', Buffer.alloc(8)))],
    ['an unknown critical chunk', splicePng(plainPng, AFTER_HEADER, buildPngChunk('XXXX', Buffer.alloc(1)))],
    ['a side of less than 64 pixels', filePng()],
    ['a side of more than 1,200 pixels', resizeHeader(1_201, 1_201)],
    ['a picture that is too narrow', buildSealPng(240, 100)],
    ['more than 256 KiB', Buffer.concat([plainPng, Buffer.alloc(262_144)])],
  ])('is refused: %s', (_, png) => {
    expect(() => toSealImage(png)).toThrow(PictureError);
  });
});
