import { inflateSync } from 'node:zlib';
import { objectText, PdfError, type PdfFile, type PdfObject, readPdfFile, textOf } from './pdf.ts';

/** A record is a few kilobytes, so a larger attachment is not read. */
const ATTACHMENT_LIMIT_BYTES = 1_048_576;
/**
 * Returns the bytes of the file `name` attached to a PDF (ISO 32000-1 §7.11.4), or null if the PDF has no attachment.
 *
 * The reader is narrow on purpose. It accepts only the form of this hub's documents: one cross-reference table over
 * objects that fill the file without a gap. Throws PdfError for anything ambiguous: an appended revision,
 * a second attachment, another name, an unknown filter, bytes between objects.
 */
export function readAttachment(pdf: Uint8Array | PdfFile, name: string): Uint8Array | null {
  const file = pdf instanceof Uint8Array ? readPdfFile(pdf) : pdf;
  // Only the beginning of the keyword: searching a file for a text this short is twice as fast.
  const embedded = objectsSaying(file, '/Embed', /\/Type\s*\/EmbeddedFile\b/);
  const specs = objectsSaying(file, '/EF', /\/EF\b/);
  if (embedded.length === 0 && specs.length === 0) return null;
  const [spec] = specs;
  const [stream] = embedded;
  if (!spec || !stream || specs.length !== 1 || embedded.length !== 1) {
    throw new PdfError(`PDF 附件应为一个，实为 ${embedded.length} 个`);
  }
  const listed = /\/EmbeddedFiles\s*<<\s*\/Names\s*\[\((.*?)\)\s(\d+) 0 R\s*\]/.exec(objectText(file, file.root));
  const text = textOf(file, spec);
  const named = /\/F \((.*?)\)/.exec(text)?.[1];
  const target = /\/EF\s*<<\s*\/F (\d+) 0 R/.exec(text)?.[1];
  if (listed?.[1] !== name || named !== name) throw new PdfError(`PDF 附件不是 ${name}`);
  if (Number(listed[2]) !== spec.number || Number(target) !== stream.number) {
    throw new PdfError('PDF 附件结构不完整');
  }
  return decode(file, stream);
}

/** Returns the objects that contain `keyword` and match `pattern` before their stream begins. */
function objectsSaying(file: PdfFile, word: string, pattern: RegExp): PdfObject[] {
  const found: PdfObject[] = [];
  let at = file.bytes.indexOf(word);
  for (const object of file.objects) {
    if (at < 0) break;
    // A match before this object belongs to no object.
    if (at < object.start) at = file.bytes.indexOf(word, object.start);
    if (at < 0 || at >= object.end) continue;
    const text = textOf(file, object);
    if (pattern.test(text.slice(0, streamAt(text)))) found.push(object);
    at = file.bytes.indexOf(word, object.end);
  }
  return found;
}

/** Returns the position of an object's stream keyword, or the object's length if it has no stream. */
function streamAt(object: string): number {
  const at = object.search(/>>\s*stream\r?\n/);
  return at < 0 ? object.length : at;
}

function decode(file: PdfFile, object: PdfObject): Uint8Array {
  const text = textOf(file, object);
  const match = />>\s*stream\r?\n/.exec(text);
  const dictionary = text.slice(0, match?.index ?? 0);
  const length = Number(/\/Length (\d{1,9})\b(?! \d+ R)/.exec(dictionary)?.[1]);
  const begin = (match?.index ?? 0) + (match?.[0].length ?? 0);
  if (!match || !Number.isInteger(length) || !/^\s*endstream\s*endobj\s*$/.test(text.slice(begin + length))) {
    throw new PdfError('PDF 附件长度不正确');
  }
  const body = file.bytes.subarray(object.start + begin, object.start + begin + length);
  const filter = /\/(Filter|DecodeParms)\b\s*(\/\w+|\S+)?/.exec(dictionary);
  if (length > ATTACHMENT_LIMIT_BYTES) throw new PdfError('PDF 附件过大');
  if (!filter) return body;
  if (filter[2] !== '/FlateDecode' || dictionary.includes('/DecodeParms'))
    throw new PdfError('PDF 附件的过滤器不受支持');
  try {
    const { buffer, engine } = inflateSync(body, {
      maxOutputLength: ATTACHMENT_LIMIT_BYTES,
      info: true,
    }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    // No reader looks at bytes after the compressed data, so they could hide anything.
    if (engine.bytesWritten !== body.length) throw new Error('trailing bytes');
    return buffer;
  } catch {
    throw new PdfError('PDF 附件无法解压或过大');
  }
}
