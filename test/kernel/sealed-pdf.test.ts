import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isSealedPdf, PdfError, readPdfFile } from '../../subgraphs/kernel/pdf/pdf.ts';
import { toPng, toSealImage } from '../../subgraphs/kernel/pdf/seal-image.ts';
import { digestSealable, insertSignature, readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { renderLicense, renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { sampleRecord } from '../support/record.ts';
import { buildSealPng } from '../support/seal-png.ts';

/** A placeholder for a CMS: a DER value with the right length. */
const placeholderCms = Buffer.concat([Buffer.from([0x30, 0x82, 0x0f, 0xa0]), Buffer.alloc(4000, 0xa5)]);
const sealableFile = Buffer.from(renderSealable(sampleRecord));
const sealedFile = Buffer.from(insertSignature(sealableFile, placeholderCms));

/** Returns the result of reading, or null on a PdfError. Any other error is a defect. */
function readOrNull(pdf: Uint8Array) {
  try {
    return readSealedPdf(pdf);
  } catch (error) {
    if (error instanceof PdfError) return null;
    throw error;
  }
}

describe('a PDF with its seal inside', () => {
  test('returns the unsigned file, the signature, and the digest of everything else', () => {
    const sealedPdf = readSealedPdf(sealedFile);
    expect(Buffer.from(sealedPdf.unsigned).equals(Buffer.from(renderLicense(sampleRecord)))).toBe(true);
    expect(Buffer.from(sealedPdf.cms).equals(placeholderCms)).toBe(true);
    expect(sealedPdf.digest.equals(digestSealable(sealableFile))).toBe(true);
    expect(sealedPdf.name).toBe(sampleRecord.ZZQZMC);
    expect(sealedPdf.signedOn.toISOString()).toBe('2026-11-23T01:02:03.000Z');
    const [start, end] = [
      sealedFile.indexOf('/Contents <') + 10,
      sealedFile.indexOf('>', sealedFile.indexOf('/Contents <')) + 1,
    ];
    const coveredBytes = Buffer.concat([sealedFile.subarray(0, start), sealedFile.subarray(end)]);
    expect(createHash('sha256').update(coveredBytes).digest().equals(sealedPdf.digest)).toBe(true);
  });

  test('the same record gives the same bytes, and the first revision keeps its identifiers', () => {
    expect(Buffer.from(renderSealable(sampleRecord)).equals(sealableFile)).toBe(true);
    const { id } = readPdfFile(renderLicense(sampleRecord));
    expect(sealedFile.lastIndexOf(`/ID ${id}`)).toBeGreaterThan(renderLicense(sampleRecord).length);
    expect(isSealedPdf(renderLicense(sampleRecord))).toBe(false);
    expect(readOrNull(renderLicense(sampleRecord))).toBeNull();
  });

  test('refuses any changed byte, or returns another digest or signature', () => {
    const unchangedPdf = readSealedPdf(sealedFile);
    for (let at = 0; at < sealedFile.length; at += 97) {
      const changed = Buffer.from(sealedFile);
      changed.writeUInt8((changed.readUInt8(at) ^ (1 << (at % 8))) & 0xff, at);
      const sealedPdf = readOrNull(changed);
      const isSame = sealedPdf?.digest.equals(unchangedPdf.digest) && Buffer.from(sealedPdf.cms).equals(placeholderCms);
      expect(isSame ?? false, `byte ${at}`).toBe(false);
    }
  });

  const ownPictureFile = Buffer.from(insertSignature(renderSealable(sampleRecord, buildSealPng()), placeholderCms));

  test("with the office's own picture returns the same file and the picture", () => {
    const { unsigned, image, digest } = readSealedPdf(ownPictureFile);
    expect(Buffer.from(unsigned).equals(Buffer.from(renderLicense(sampleRecord)))).toBe(true);
    expect(image).toMatchObject({ across: 240, down: 240, width: 113.39, height: 113.39 });
    expect(toPng(image ?? toSealImage(buildSealPng()))).toEqual(toPng(toSealImage(buildSealPng())));
    expect(readSealedPdf(sealedFile).image).toBeNull();
    expect(digest.equals(readSealedPdf(sealedFile).digest)).toBe(false);
    for (let at = renderLicense(sampleRecord).length; at < ownPictureFile.length; at += 7) {
      const changed = Buffer.from(ownPictureFile);
      changed.writeUInt8((changed.readUInt8(at) ^ (1 << (at % 8))) & 0xff, at);
      const sealedPdf = readOrNull(changed);
      const isSame = sealedPdf?.digest.equals(digest) && Buffer.from(sealedPdf.cms).equals(placeholderCms);
      expect(isSame ?? false, `byte ${at}`).toBe(false);
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
    const changed = Buffer.from(ownPictureFile.toString('latin1').replace(from, to), 'latin1');
    expect(changed.equals(ownPictureFile)).toBe(false);
    expect(readOrNull(changed)).toBeNull();
  });

  const hexAt = sealedFile.indexOf('/Contents <') + '/Contents <'.length;
  const changeFile = (change: (file: Buffer) => Buffer | undefined) => {
    const file = Buffer.from(sealedFile);
    return change(file) ?? file;
  };
  const replaceText = (from: string | RegExp, to: string) =>
    changeFile((file) => Buffer.from(file.toString('latin1').replace(from, to), 'latin1'));
  test.each([
    ['upper-case hexadecimal digits', changeFile((file) => void file.write('A5', hexAt + 10, 'latin1'))],
    ['bytes after the signature in its room', changeFile((file) => void file.write('01', hexAt + 9000, 'latin1'))],
    ['a signature that is not a DER sequence', changeFile((file) => void file.write('31', hexAt, 'latin1'))],
    ['a length beyond the room', changeFile((file) => void file.write('ffff', hexAt + 4, 'latin1'))],
    ['an appended byte', changeFile((file) => Buffer.concat([file, Buffer.from('\n')]))],
    ['a missing last byte', changeFile((file) => file.subarray(0, -1))],
    [
      'an appended revision',
      changeFile((file) => Buffer.concat([file, file.subarray(renderLicense(sampleRecord).length)])),
    ],
    ['a range that omits bytes', replaceText(/\/ByteRange \[0 {9}/, '/ByteRange [9         ')],
    ['another form of signature', replaceText('/ETSI.CAdES.detached', '/adbe.pkcs7.detached')],
    ['a certification that allows changes', replaceText('/P 1 /V', '/P 3 /V')],
    ['a second field', replaceText('/SigFlags 3', '/SigFlags 2')],
    ['a hidden picture', replaceText('/F 132', '/F 134')],
    ['the picture on no page', replaceText(/\/P \d+ 0 R\n\/Rect/, '/P 1 0 R\n/Rect')],
    ['an invalid date', replaceText('/M (D:202611', '/M (D:202613')],
    ['only the first revision', changeFile(() => Buffer.from(renderLicense(sampleRecord)))],
    ['an empty file', Buffer.alloc(0)],
  ])('refuses %s', (_what, file) => {
    expect(readOrNull(file)).toBeNull();
  });
});
