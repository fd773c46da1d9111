import { expect, test } from 'vitest';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { PdfError, type PdfFile } from '../../subgraphs/kernel/pdf/pdf.ts';

/** A file with these objects. The reader of the attachment looks at nothing else. */
function buildFile(...texts: string[]): PdfFile {
  const objects = texts.map((text, i) => {
    const start = texts.slice(0, i).join('').length;
    return { number: i + 1, start, end: start + text.length };
  });
  const table = { tableAt: 0, size: texts.length + 1, root: 1, info: 0, id: '', pages: [] };
  return { bytes: Buffer.from(texts.join(''), 'latin1'), objects, ...table };
}

const LONG_CHARS = 1_048_576;
const repeat = (part: string) => part.repeat(Math.ceil(LONG_CHARS / part.length));
const STREAM = '<</Type /EmbeddedFile>> stream\n';

/** The only measure is the time limit of the test: an expression that reads the line again each time takes minutes. */
test.each([
  ['a list of names', repeat('/EmbeddedFiles<</Names[('), '/EF /F (name)', STREAM],
  ['a name of a list', `/EmbeddedFiles<</Names[(${repeat(') 1 ')}`, '/EF /F (name)', STREAM],
  ['a file', '', `/EF${repeat('/F (')}`, STREAM],
])('%s that begins again and again is refused at once', (_name, ...objects) => {
  expect(() => readAttachment(buildFile(...objects), 'name')).toThrow(PdfError);
});
