import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isSealedPdf, PdfError, readPdfFile } from '../../subgraphs/kernel/pdf.ts';
import { imageOf, pngOf } from '../../subgraphs/kernel/seal-image.ts';
import { digestOfSealable, insertSignature, readSealedPdf } from '../../subgraphs/kernel/sealed-pdf.ts';
import { renderLicense, renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { sealPng } from '../support/picture.ts';
import { record } from '../support/record.ts';

/** A placeholder for a CMS: a DER value with the right length. */
const cms = Buffer.concat([Buffer.from([0x30, 0x82, 0x0f, 0xa0]), Buffer.alloc(4000, 0xa5)]);
const sealable = Buffer.from(renderSealable(record));
const sealed = Buffer.from(insertSignature(sealable, cms));

/** Returns the result of reading, or null on a PdfError. Any other error is a defect. */
function read(pdf: Uint8Array) {
  try {
    return readSealedPdf(pdf);
  } catch (error) {
    if (error instanceof PdfError) return null;
    throw error;
  }
}

describe('a PDF with its seal inside', () => {
  test('returns the unsigned file, the signature, and the digest of everything else', () => {
    const found = readSealedPdf(sealed);
    expect(Buffer.from(found.unsigned).equals(Buffer.from(renderLicense(record)))).toBe(true);
    expect(Buffer.from(found.cms).equals(cms)).toBe(true);
    expect(found.digest.equals(digestOfSealable(sealable))).toBe(true);
    expect(found.name).toBe(record.ZZQZMC);
    expect(found.signedOn.toISOString()).toBe('2026-11-23T01:02:03.000Z');
    const [start, end] = [sealed.indexOf('/Contents <') + 10, sealed.indexOf('>', sealed.indexOf('/Contents <')) + 1];
    const covered = Buffer.concat([sealed.subarray(0, start), sealed.subarray(end)]);
    expect(createHash('sha256').update(covered).digest().equals(found.digest)).toBe(true);
  });

  test('the same record gives the same bytes, and the first revision keeps its identifiers', () => {
    expect(Buffer.from(renderSealable(record)).equals(sealable)).toBe(true);
    const { id } = readPdfFile(renderLicense(record));
    expect(sealed.lastIndexOf(`/ID ${id}`)).toBeGreaterThan(renderLicense(record).length);
    expect(isSealedPdf(renderLicense(record))).toBe(false);
    expect(read(renderLicense(record))).toBeNull();
  });

  test('refuses any changed byte, or returns another digest or signature', () => {
    const right = readSealedPdf(sealed);
    for (let at = 0; at < sealed.length; at += 97) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8((changed.readUInt8(at) ^ (1 << (at % 8))) & 0xff, at);
      const found = read(changed);
      const same = found?.digest.equals(right.digest) && Buffer.from(found.cms).equals(cms);
      expect(same ?? false, `byte ${at}`).toBe(false);
    }
  });

  const own = Buffer.from(insertSignature(renderSealable(record, sealPng()), cms));

  test("with the office's own picture returns the same file and the picture", () => {
    const { unsigned, image, digest } = readSealedPdf(own);
    expect(Buffer.from(unsigned).equals(Buffer.from(renderLicense(record)))).toBe(true);
    expect(image).toMatchObject({ across: 240, down: 240, width: 113.39, height: 113.39 });
    expect(pngOf(image ?? imageOf(sealPng()))).toEqual(pngOf(imageOf(sealPng())));
    expect(readSealedPdf(sealed).image).toBeNull();
    expect(digest.equals(readSealedPdf(sealed).digest)).toBe(false);
    for (let at = renderLicense(record).length; at < own.length; at += 7) {
      const changed = Buffer.from(own);
      changed.writeUInt8((changed.readUInt8(at) ^ (1 << (at % 8))) & 0xff, at);
      const found = read(changed);
      const same = found?.digest.equals(digest) && Buffer.from(found.cms).equals(cms);
      expect(same ?? false, `byte ${at}`).toBe(false);
    }
  });

  test.each([
    ['another width', /\/Width 240/, '/Width 241'],
    ['a width in another notation', /\/Width 240/, '/Width 0240'],
    ['more bits', /BitsPerComponent 8/, 'BitsPerComponent 4'],
    ['another colour space', /DeviceRGB/, 'DeviceXYZ'],
    ['no mask', /\/SMask \d+ 0 R/, ''],
    ['another mask', /\/SMask \d+ 0 R/, '/SMask 1 0 R'],
    ['another length', /\/SMask (\d+) 0 R\n\/Length \d+/, '/SMask $1 0 R\n/Length 1'],
    ['the image at another position', /0 0 cm/, '1 0 cm'],
    ['the image drawn twice', /\/Im0 Do\n/, '/Im0 Do\n/Im0 Do\n'],
    ['another name', /\/Im0/g, '/Im1'],
    ['more operators', /\/Im0 Do\nQ/, '/Im0 Do\nQ f'],
    ['a box larger than the image', /BBox \[0 0 113.39/, 'BBox [0 0 213.39'],
  ])('refuses an image of another form: %s', (_, from, to) => {
    const changed = Buffer.from(own.toString('latin1').replace(from, to), 'latin1');
    expect(changed.equals(own)).toBe(false);
    expect(read(changed)).toBeNull();
  });

  const hexAt = sealed.indexOf('/Contents <') + '/Contents <'.length;
  const with_ = (change: (file: Buffer) => Buffer | undefined) => {
    const file = Buffer.from(sealed);
    return change(file) ?? file;
  };
  const replaced = (from: string | RegExp, to: string) =>
    with_((file) => Buffer.from(file.toString('latin1').replace(from, to), 'latin1'));
  test.each([
    ['upper-case hexadecimal digits', with_((file) => void file.write('A5', hexAt + 10, 'latin1'))],
    ['bytes after the signature in its room', with_((file) => void file.write('01', hexAt + 9000, 'latin1'))],
    ['a signature that is not a DER sequence', with_((file) => void file.write('31', hexAt, 'latin1'))],
    ['a length beyond the room', with_((file) => void file.write('ffff', hexAt + 4, 'latin1'))],
    ['an appended byte', with_((file) => Buffer.concat([file, Buffer.from('\n')]))],
    ['a missing last byte', with_((file) => file.subarray(0, -1))],
    ['an appended revision', with_((file) => Buffer.concat([file, file.subarray(renderLicense(record).length)]))],
    ['a range that omits bytes', replaced(/\/ByteRange \[0 {9}/, '/ByteRange [9         ')],
    ['another form of signature', replaced('/ETSI.CAdES.detached', '/adbe.pkcs7.detached')],
    ['a certification that allows changes', replaced('/P 1 /V', '/P 3 /V')],
    ['a second field', replaced('/SigFlags 3', '/SigFlags 2')],
    ['a hidden picture', replaced('/F 132', '/F 134')],
    ['the picture on no page', replaced(/\/P \d+ 0 R\n\/Rect/, '/P 1 0 R\n/Rect')],
    ['an invalid date', replaced('/M (D:202611', '/M (D:202613')],
    ['only the first revision', with_(() => Buffer.from(renderLicense(record)))],
    ['an empty file', Buffer.alloc(0)],
  ])('refuses %s', (_what, file) => {
    expect(read(file)).toBeNull();
  });
});
