import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PdfError, readAttachment } from '../../scripts/city-library/pdf.ts';
import { makePdf } from './city.ts';

/** Writes a PDF from the texts of its objects. `first` is the number of the first object. */
function write(objects: readonly string[], trailer: string, before = '%PDF-1.7\n', first = 1): string {
  let text = before;
  const offsets = objects.map((object, i) => {
    const at = text.length;
    text += `${first + i} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  const start = text.length;
  const free = first === 1 ? '0 1\n0000000000 65535 f \n' : '';
  return `${text}xref\n${free}${first} ${objects.length}\n${offsets.join('')}trailer\n<< ${trailer} >>\nstartxref\n${start}\n%%EOF\n`;
}

const CATALOG = '<< /Type /Catalog /Names 2 0 R >>';
const names = (...specs: string[]) =>
  `<< /EmbeddedFiles << /Names [${specs.map((spec, i) => `(${i}) ${spec}`).join(' ')}] >> >>`;
const stream = (data: string, more = '') => `<< /Length ${data.length} ${more} >>\nstream\n${data}\nendstream`;
const SPEC = '<< /Type /Filespec /F (metadata.json) /EF << /F 4 0 R >> >>';
const read = (text: string) => Buffer.from(readAttachment(Buffer.from(text, 'latin1'), 'metadata.json')).toString();
const pdf = (data: string) => write([CATALOG, names('3 0 R'), SPEC, data], '/Size 5 /Root 1 0 R');

describe('reading the attached record', () => {
  it('reads plain and deflated attachments, written by this test and by Typst', () => {
    expect(read(pdf(stream('{"a":1}')))).toBe('{"a":1}');
    expect(read(pdf(stream(deflateSync('{"a":2}').toString('latin1'), '/Filter [/FlateDecode]')))).toBe('{"a":2}');
    expect(Buffer.from(readAttachment(makePdf('{"名":"称"}'), 'metadata.json')).toString()).toBe('{"名":"称"}');
  });

  it('reads names in hexadecimal, in UTF-16 and with escapes, and child nodes of the name tree', () => {
    const utf16 = `<FEFF${Buffer.from('metadata.json', 'utf16le').swap16().toString('hex')}>`;
    const written = [utf16, '(meta\\144ata.json)', '(metadata\\\n.json)', '<6d657461646174612e6a736f6e>'];
    for (const name of written) {
      const spec = `<< /UF ${name} /F (other) /EF << /UF 4 0 R >> >>`;
      expect(read(write([CATALOG, names('3 0 R'), spec, stream('x')], '/Root 1 0 R')), name).toBe('x');
    }
    const tree = '<< /EmbeddedFiles << /Kids [5 0 R] >> >>';
    expect(read(write([CATALOG, tree, SPEC, stream('y'), '<< /Names [(a) 3 0 R] >>'], '/Root 1 0 R'))).toBe('y');
  });

  it('reads the newest revision', () => {
    const old = pdf(stream('old'));
    const previous = /startxref\n(\d+)/.exec(old)?.[1];
    expect(read(write([stream('new')], `/Root 1 0 R /Prev ${previous}`, old, 4))).toBe('new');
  });

  it('refuses no attachment and two attachments of the name', () => {
    expect(() => read(write([CATALOG, names(), SPEC, stream('x')], '/Root 1 0 R'))).toThrow(PdfError);
    expect(() => read(write([CATALOG, names('3 0 R', '3 0 R'), SPEC, stream('x')], '/Root 1 0 R'))).toThrow(
      '2 attachments',
    );
  });

  it.each([
    ['a file that is not a PDF', 'hello'],
    ['an encrypted PDF', write([CATALOG, names('3 0 R'), SPEC, stream('x')], '/Root 1 0 R /Encrypt 9 0 R')],
    ['a cycle of revisions', pdf(stream('x')).replace('/Size 5', `/Prev ${pdf(stream('x')).indexOf('xref\n0 1')} `)],
    ['a cycle of references', write(['2 0 R', '1 0 R'], '/Root 1 0 R')],
    ['an object under another number', pdf(stream('x')).replace('3 0 obj', '7 0 obj')],
    ['an object that is missing', write([CATALOG], '/Root 1 0 R')],
    ['a zip bomb', pdf(stream(deflateSync(Buffer.alloc(9_000_000)).toString('latin1'), '/Filter /FlateDecode'))],
    ['a stream longer than the file', pdf('<< /Length 99999 >>\nstream\nx\nendstream')],
    ['a negative length', pdf('<< /Length -1 >>\nstream\nx\nendstream')],
    ['an unknown filter', pdf(stream('x', '/Filter /LZWDecode'))],
    ['bytes that do not inflate', pdf(stream('x', '/Filter /FlateDecode'))],
    ['arrays without an end', write([CATALOG, '['.repeat(5000), SPEC], '/Root 1 0 R')],
    ['a string without an end', write([`<< /Names (${'('.repeat(50)}`], '/Root 1 0 R')],
    ['a duplicate key', write(['<< /Names 2 0 R /Names 3 0 R >>'], '/Root 1 0 R')],
    ['a table that ends early', pdf(stream('x')).replace('1 4\n', '1 9\n')],
    ['a cycle in the name tree', write([CATALOG, '<< /EmbeddedFiles 3 0 R >>', '<< /Kids [3 0 R] >>'], '/Root 1 0 R')],
  ])('refuses %s', (_what, text) => {
    expect(() => read(text)).toThrow(PdfError);
  });
});
