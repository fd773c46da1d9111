import { inflateSync } from 'node:zlib';
import { objectText, PdfError, type PdfFile, type PdfObject, readPdfFile, textOf } from './pdf.ts';

/** Longest attachment that is read: a record is a few kilobytes. */
const ATTACHMENT_LIMIT_BYTES = 1_048_576;
/**
 * The bytes of the file `name` attached to a PDF (ISO 32000-1 §7.11.4), or null where the PDF has no attachment.
 *
 * A narrow reader on purpose: it knows the one form that this hub's documents have, one cross-reference table over objects
 * that fill the file without a gap, and throws PdfError for whatever could mean two things: an appended revision,
 * a second attachment, another name, an unknown filter, bytes between objects.
 */
export function readAttachment(pdf: Uint8Array | PdfFile, name: string): Uint8Array | null {
  const file = pdf instanceof Uint8Array ? readPdfFile(pdf) : pdf;
  // The beginning of the word: what is as short as that is found in a file twice as fast.
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

/** The objects that have `word`, and say what `pattern` tells before a stream of theirs begins. */
function objectsSaying(file: PdfFile, word: string, pattern: RegExp): PdfObject[] {
  const found: PdfObject[] = [];
  let at = file.bytes.indexOf(word);
  for (const object of file.objects) {
    if (at < 0) break;
    // What stands before the object is no object's.
    if (at < object.start) at = file.bytes.indexOf(word, object.start);
    if (at < 0 || at >= object.end) continue;
    const text = textOf(file, object);
    if (pattern.test(text.slice(0, streamAt(text)))) found.push(object);
    at = file.bytes.indexOf(word, object.end);
  }
  return found;
}

/** Where an object's stream keyword stands, or its end where it has none. */
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
    // Bytes behind the compressed data would be read by nobody, and could carry anything.
    if (engine.bytesWritten !== body.length) throw new Error('trailing bytes');
    return buffer;
  } catch {
    throw new PdfError('PDF 附件无法解压或过大');
  }
}
