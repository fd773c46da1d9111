import { inflateSync } from 'node:zlib';
import { PdfError, type PdfObject, readPdfFile } from '../../kernel/sealed-pdf.ts';

/** Longest attachment that is read: a record is a few kilobytes. */
const ATTACHMENT_LIMIT_BYTES = 1_048_576;
/**
 * The bytes of the file `name` attached to a PDF (ISO 32000-1 §7.11.4), or null where the PDF has no attachment.
 *
 * A narrow reader on purpose: it knows the one form that this hub's documents have, one cross-reference table over objects
 * that fill the file without a gap, and throws PdfError for whatever could mean two things: an appended revision,
 * a second attachment, another name, an unknown filter, bytes between objects.
 */
export function readAttachment(pdf: Uint8Array, name: string): Uint8Array | null {
  const file = Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength);
  const { objects, root } = readPdfFile(pdf);
  const heads = objects.map((object) => object.text.slice(0, streamAt(object.text)));
  const embedded = objects.filter((_, i) => /\/Type\s*\/EmbeddedFile\b/.test(heads[i] ?? ''));
  const specs = objects.filter((_, i) => /\/EF\b/.test(heads[i] ?? ''));
  if (embedded.length === 0 && specs.length === 0) return null;
  const [spec] = specs;
  const [stream] = embedded;
  if (!spec || !stream || specs.length !== 1 || embedded.length !== 1) {
    throw new PdfError(`PDF 附件应为一个，实为 ${embedded.length} 个`);
  }
  const catalog = objects.find((object) => object.number === root)?.text ?? '';
  const listed = /\/EmbeddedFiles\s*<<\s*\/Names\s*\[\((.*?)\)\s(\d+) 0 R\s*\]/.exec(catalog);
  const named = /\/F \((.*?)\)/.exec(spec.text)?.[1];
  const target = /\/EF\s*<<\s*\/F (\d+) 0 R/.exec(spec.text)?.[1];
  if (listed?.[1] !== name || named !== name) throw new PdfError(`PDF 附件不是 ${name}`);
  if (Number(listed[2]) !== spec.number || Number(target) !== stream.number) {
    throw new PdfError('PDF 附件结构不完整');
  }
  return decode(file, stream);
}

/** Where an object's stream keyword stands, or its end where it has none. */
function streamAt(object: string): number {
  const at = object.search(/>>\s*stream\r?\n/);
  return at < 0 ? object.length : at;
}

function decode(file: Buffer, { start, text }: PdfObject): Uint8Array {
  const match = />>\s*stream\r?\n/.exec(text);
  const dictionary = text.slice(0, match?.index ?? 0);
  const length = Number(/\/Length (\d{1,9})\b(?! \d+ R)/.exec(dictionary)?.[1]);
  const begin = (match?.index ?? 0) + (match?.[0].length ?? 0);
  if (!match || !Number.isInteger(length) || !/^\s*endstream\s*endobj\s*$/.test(text.slice(begin + length))) {
    throw new PdfError('PDF 附件长度不正确');
  }
  const body = file.subarray(start + begin, start + begin + length);
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
