import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PdfError, readAttachment } from '../../scripts/city-library/document/pdf.ts';
import { makePdf } from './test-library.ts';

/** Writes a PDF from the texts of its objects. `first` is the number of the first object. */
function buildPdf(objects: readonly string[], trailer: string, prefix = '%PDF-1.7\n', first = 1): string {
  let text = prefix;
  const offsets = objects.map((object, i) => {
    const offset = text.length;
    text += `${first + i} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const start = text.length;
  const free = first === 1 ? '0 1\n0000000000 65535 f \n' : '';
  return `${text}xref\n${free}${first} ${objects.length}\n${offsets.join('')}trailer\n<< ${trailer} >>\nstartxref\n${start}\n%%EOF\n`;
}

const CATALOG = '<< /Type /Catalog /Names 2 0 R >>';
const namesWith = (...specs: string[]) =>
  `<< /EmbeddedFiles << /Names [${specs.map((spec, i) => `(${i}) ${spec}`).join(' ')}] >> >>`;
const streamObject = (data: string, more = '') => `<< /Length ${data.length} ${more} >>\nstream\n${data}\nendstream`;
const SPEC = '<< /Type /Filespec /F (metadata.json) /EF << /F 4 0 R >> >>';
const readRecord = (text: string) =>
  Buffer.from(readAttachment(Buffer.from(text, 'latin1'), 'metadata.json')).toString();
const pdfWith = (data: string) => buildPdf([CATALOG, namesWith('3 0 R'), SPEC, data], '/Size 5 /Root 1 0 R');

describe('reading the attached record', () => {
  it('reads plain and deflated attachments, written by this test and by Typst', () => {
    expect(readRecord(pdfWith(streamObject('{"a":1}')))).toBe('{"a":1}');
    expect(readRecord(pdfWith(streamObject(deflateSync('{"a":2}').toString('latin1'), '/Filter [/FlateDecode]')))).toBe(
      '{"a":2}',
    );
    expect(Buffer.from(readAttachment(makePdf('{"名":"称"}'), 'metadata.json')).toString()).toBe('{"名":"称"}');
  });

  it('reads names in hexadecimal, in UTF-16 and with escapes, and child nodes of the name tree', () => {
    const utf16 = `<FEFF${Buffer.from('metadata.json', 'utf16le').swap16().toString('hex')}>`;
    const encodedNames = [utf16, '(meta\\144ata.json)', '(metadata\\\n.json)', '<6d657461646174612e6a736f6e>'];
    for (const name of encodedNames) {
      const spec = `<< /UF ${name} /F (other) /EF << /UF 4 0 R >> >>`;
      expect(readRecord(buildPdf([CATALOG, namesWith('3 0 R'), spec, streamObject('x')], '/Root 1 0 R')), name).toBe(
        'x',
      );
    }
    const tree = '<< /EmbeddedFiles << /Kids [5 0 R] >> >>';
    expect(
      readRecord(buildPdf([CATALOG, tree, SPEC, streamObject('y'), '<< /Names [(a) 3 0 R] >>'], '/Root 1 0 R')),
    ).toBe('y');
  });

  it('reads the newest revision', () => {
    const oldPdf = pdfWith(streamObject('old'));
    const previous = /startxref\n(\d+)/.exec(oldPdf)?.[1];
    expect(readRecord(buildPdf([streamObject('new')], `/Root 1 0 R /Prev ${previous}`, oldPdf, 4))).toBe('new');
  });

  it('refuses no attachment and two attachments of the name', () => {
    expect(() => readRecord(buildPdf([CATALOG, namesWith(), SPEC, streamObject('x')], '/Root 1 0 R'))).toThrow(
      PdfError,
    );
    expect(() =>
      readRecord(buildPdf([CATALOG, namesWith('3 0 R', '3 0 R'), SPEC, streamObject('x')], '/Root 1 0 R')),
    ).toThrow('2 attachments');
  });

  it.each([
    ['a file that is not a PDF', 'hello'],
    [
      'an encrypted PDF',
      buildPdf([CATALOG, namesWith('3 0 R'), SPEC, streamObject('x')], '/Root 1 0 R /Encrypt 9 0 R'),
    ],
    [
      'a cycle of revisions',
      pdfWith(streamObject('x')).replace('/Size 5', `/Prev ${pdfWith(streamObject('x')).indexOf('xref\n0 1')} `),
    ],
    ['a cycle of references', buildPdf(['2 0 R', '1 0 R'], '/Root 1 0 R')],
    ['an object under another number', pdfWith(streamObject('x')).replace('3 0 obj', '7 0 obj')],
    ['an object that is missing', buildPdf([CATALOG], '/Root 1 0 R')],
    [
      'a zip bomb',
      pdfWith(streamObject(deflateSync(Buffer.alloc(9_000_000)).toString('latin1'), '/Filter /FlateDecode')),
    ],
    ['a stream longer than the file', pdfWith('<< /Length 99999 >>\nstream\nx\nendstream')],
    ['a negative length', pdfWith('<< /Length -1 >>\nstream\nx\nendstream')],
    ['an unknown filter', pdfWith(streamObject('x', '/Filter /LZWDecode'))],
    ['bytes that do not inflate', pdfWith(streamObject('x', '/Filter /FlateDecode'))],
    ['arrays without an end', buildPdf([CATALOG, '['.repeat(5000), SPEC], '/Root 1 0 R')],
    ['a string without an end', buildPdf([`<< /Names (${'('.repeat(50)}`], '/Root 1 0 R')],
    ['a duplicate key', buildPdf(['<< /Names 2 0 R /Names 3 0 R >>'], '/Root 1 0 R')],
    ['a table that ends early', pdfWith(streamObject('x')).replace('1 4\n', '1 9\n')],
    [
      'a cycle in the name tree',
      buildPdf([CATALOG, '<< /EmbeddedFiles 3 0 R >>', '<< /Kids [3 0 R] >>'], '/Root 1 0 R'),
    ],
  ])('refuses %s', (_what, text) => {
    expect(() => readRecord(text)).toThrow(PdfError);
  });
});
