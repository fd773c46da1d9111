import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { RenderError, UnprintableText } from '../../subgraphs/kernel/pdf/document.ts';
import { PdfError } from '../../subgraphs/kernel/pdf/pdf.ts';
import type { SealedRecord } from '../../subgraphs/licenses/act/record.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { sampleRecord } from '../support/record.ts';

const render = (changes: Partial<SealedRecord> = {}) => Buffer.from(renderLicense({ ...sampleRecord, ...changes }));
const pagesOf = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\s/g)?.length;
const attachmentOf = (pdf: Uint8Array) => Buffer.from(readAttachment(pdf, 'metadata.json') ?? []).toString('utf8');

describe('the document of a license', () => {
  test('has the same bytes for the same record after other renderings and in another process', () => {
    const firstPdf = render();
    render({ CZZT: '另一持证主体', KZ_NR: [] });
    expect(render().equals(firstPdf)).toBe(true);
    const program = `
      import { createHash } from 'node:crypto';
      import { renderLicense } from './subgraphs/licenses/document/render.ts';
      console.log(createHash('sha256').update(renderLicense(${JSON.stringify(sampleRecord)})).digest('hex'));`;
    const root = new URL('../..', import.meta.url);
    const args = ['--input-type=module-typescript', '--eval', program];
    expect(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim()).toBe(sha256(firstPdf));
  });

  test('declares PDF/A-3b, and the time of the seal authorisation as its creation time', () => {
    const text = render().toString('latin1');
    expect(text).toContain('<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>');
    expect(text).toContain('(D:20261123010203Z)');
  });

  test('contains the record in canonical form', () => {
    expect(attachmentOf(render())).toBe(toCanonicalJson(sampleRecord));
  });

  test('shows no line that is not printed, and has it in the attachment', () => {
    const lines = Array.from({ length: 8 }, (_, i) => ({ label: `内部备注${i}`, text: '不印的内容'.repeat(100) }));
    const hidden = render({ KZ_NR: lines, KZ_BYX: lines.map(({ label }) => label) });
    expect([pagesOf(render({ KZ_NR: lines })), pagesOf(hidden)]).toEqual([expect.toSatisfy((count) => count > 2), 1]);
    expect(attachmentOf(hidden)).toContain(lines[7]?.text);
  });

  test('fits on one page, and continues on more pages if it is long', () => {
    const longField = { label: '许可范围', text: '于都县贡江镇示范路一号'.repeat(45) };
    expect(pagesOf(render())).toBe(1);
    expect(pagesOf(render({ KZ_NR: Array.from({ length: 8 }, () => longField) }))).toBeGreaterThan(2);
    expect(pagesOf(render({ KZ_NR: [{ label: '地址'.repeat(10), text: 'x'.repeat(500) }] }))).toBe(1);
    expect(pagesOf(render({ KZ_NR: [{ label: '备注', text: '' }] }))).toBe(1);
  });

  test.each([
    '#panic("x")',
    '$x^2$ *粗* _斜_ @ref <label> `code`',
    '// comment \\ \\u{41} "quoted" \'single\'',
    '#include "/etc/passwd"',
    '= 标题\t',
    '{{}}[[]]#{',
  ])('treats %j as data, not as markup', (text) => {
    const trimmedText = text.trim();
    const lines = [{ label: trimmedText, text: trimmedText }];
    expect(attachmentOf(render({ CZZT: trimmedText, ZZMC: trimmedText, ZZBFJG: trimmedText, KZ_NR: lines }))).toContain(
      JSON.stringify(trimmedText),
    );
  });

  test('refuses a name with a character that has no glyph, and names the character', () => {
    expect(() => render({ CZZT: '㐂𬱖' })).not.toThrow();
    expect(() => render({ CZZT: '王𠮷𡈽' })).toThrow(expect.objectContaining({ characters: ['𠮷', '𡈽'] }));
    expect(() => render({ CZZT: '王😀' })).toThrow(UnprintableText);
  });

  test.each([
    ['a direction mark', '\u202e'],
    ['a zero-width joiner', '\u200d'],
    ['a variation selector', '\u{e0100}'],
    ['a control character', '\u0007'],
    ['a line separator', '\u2028'],
    ['a private-use character', '\ue000'],
    ['half a surrogate pair', '\ud842'],
  ])('refuses %s, which is invisible and changes how the text is read', (_, character) => {
    expect(() => render({ KZ_NR: [{ label: '地址', text: `甲${character}乙` }] })).toThrow();
  });

  test('throws RenderError for a record that it cannot render', () => {
    expect(() => render({ ZZBFRQ: 'yesterday' })).toThrow(RenderError);
    expect(() => render({ ZZQZSJ: 'yesterday' })).toThrow(RenderError);
    expect(() => render({ KZ_HYDZ: `http://127.0.0.1/${'x'.repeat(900)}` })).toThrow(RenderError);
    expect(() => render()).not.toThrow();
  });
});

describe('the attachment of a document', () => {
  const pdf = render();
  const text = pdf.toString('latin1');
  const replaceInPdf = (from: string | RegExp, to: string) => Buffer.from(text.replace(from, to), 'latin1');
  /** Appends an empty revision. The reader must refuse any appended revision. */
  const appendRevision = () => {
    const previous = /startxref\n(\d+)\n%%EOF/.exec(text.slice(-64))?.[1];
    const [, root] = /\/Root (\d+ 0 R)/.exec(text) ?? [];
    const size = /\/Size (\d+)/.exec(text.slice(Number(previous)))?.[1];
    const table = `\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size ${size} /Root ${root} /Prev ${previous} >>\n`;
    return Buffer.concat([pdf, Buffer.from(`${table}startxref\n${pdf.length + 1}\n%%EOF`)]);
  };

  test('is found only under its own name', () => {
    expect(() => readAttachment(pdf, 'other.json')).toThrow(PdfError);
  });
  test('is null if the PDF has none', () => {
    const pdfWithoutAttachment = replaceInPdf('/Type /EmbeddedFile', '/Type /EmbeddedNone')
      .toString('latin1')
      .replace('/EF <<', '/EG <<');
    expect(readAttachment(Buffer.from(pdfWithoutAttachment, 'latin1'), 'metadata.json')).toBeNull();
  });
  test.each<[string, Uint8Array]>([
    ['an empty file', Buffer.alloc(0)],
    ['a text file', Buffer.from('no PDF')],
    ['half a PDF', pdf.subarray(0, pdf.length / 2)],
    ['an appended revision', appendRevision()],
    ['bytes after the end', Buffer.concat([pdf, Buffer.from('x')])],
    ['bytes before the beginning', Buffer.concat([Buffer.from('x\n'), pdf])],
    ['a second attachment', replaceInPdf('/Type /FontDescriptor', '/Type /EmbeddedFile  ')],
    ['another filter', replaceInPdf(/(EmbeddedFile\n {2}\/Filter) \/FlateDecode/, '$1 /FlateDecoda')],
    [
      'a wrong length',
      replaceInPdf(/\/Length (\d)(\d*)\n {2}\/Type \/EmbeddedFile/, '/Length 9$2\n  /Type /EmbeddedFile'),
    ],
    ['another name in the catalogue', replaceInPdf('[(metadata.json)', '[(metadata.jsox)')],
    ['an encrypted file', replaceInPdf(/\/ID \[/, '/Encrypt [')],
  ])('is refused in %s', (_, bytes) => {
    expect(() => readAttachment(bytes, 'metadata.json')).toThrow(PdfError);
  });
  test('changed bytes throw PdfError or are read as they are; no other error occurs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(pdf.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const changedPdf = Buffer.from(pdf);
          for (const [at, byte] of changes) changedPdf[at] = byte;
          try {
            readAttachment(changedPdf, 'metadata.json');
          } catch (error) {
            expect(error).toBeInstanceOf(PdfError);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
