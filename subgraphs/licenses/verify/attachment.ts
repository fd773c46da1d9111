import { inflateSync } from 'node:zlib';

/** Longest attachment that is read: a record is a few kilobytes. */
const ATTACHMENT_LIMIT_BYTES = 1_048_576;
const OBJECT_LIMIT = 20_000;
/** Where the end of a PDF is looked for. */
const TAIL_BYTES = 64;
const TRAILER_LIMIT_BYTES = 4_096;
/** A row of a cross-reference table (ISO 32000-1 §7.5.4). */
const ROW_BYTES = 20;

/** Why a PDF's attachment cannot be read as this hub writes it. */
export class AttachmentError extends Error {
  override readonly name = 'AttachmentError';
}

/**
 * The bytes of the file `name` attached to a PDF (ISO 32000-1 §7.11.4), or null where the PDF has no attachment.
 *
 * A narrow reader on purpose: it knows the one form that this hub's documents have, one cross-reference table over objects
 * that fill the file without a gap, and throws AttachmentError for whatever could mean two things: an appended revision,
 * a second attachment, another name, an unknown filter, bytes between objects.
 */
export function readAttachment(pdf: Uint8Array, name: string): Uint8Array | null {
  const file = Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength);
  const { objects, trailer } = readObjects(file.toString('latin1'));
  const heads = objects.map((object) => object.text.slice(0, streamAt(object.text)));
  const embedded = objects.filter((_, i) => /\/Type\s*\/EmbeddedFile\b/.test(heads[i] ?? ''));
  const specs = objects.filter((_, i) => /\/EF\b/.test(heads[i] ?? ''));
  if (embedded.length === 0 && specs.length === 0) return null;
  const [spec] = specs;
  const [stream] = embedded;
  if (!spec || !stream || specs.length !== 1 || embedded.length !== 1) {
    throw new AttachmentError(`PDF 附件应为一个，实为 ${embedded.length} 个`);
  }
  const root = /\/Root (\d+) 0 R/.exec(trailer)?.[1];
  const catalog = objects.find((object) => object.number === Number(root))?.text ?? '';
  const listed = /\/EmbeddedFiles\s*<<\s*\/Names\s*\[\((.*?)\)\s(\d+) 0 R\s*\]/.exec(catalog);
  const named = /\/F \((.*?)\)/.exec(spec.text)?.[1];
  const target = /\/EF\s*<<\s*\/F (\d+) 0 R/.exec(spec.text)?.[1];
  if (listed?.[1] !== name || named !== name) throw new AttachmentError(`PDF 附件不是 ${name}`);
  if (Number(listed[2]) !== spec.number || Number(target) !== stream.number) {
    throw new AttachmentError('PDF 附件结构不完整');
  }
  return decode(file, stream);
}

interface PdfObject {
  number: number;
  /** Where the object begins in the file. */
  start: number;
  /** From `n 0 obj` to just before the next object, one character per byte. */
  text: string;
}

/** Every object by the file's one cross-reference table. Refuses a file of more than one revision. */
function readObjects(text: string): { objects: PdfObject[]; trailer: string } {
  if (!text.startsWith('%PDF-1.')) throw new AttachmentError('不是 PDF 文件');
  const tableAt = Number(/\nstartxref\n(\d{1,10})\n%%EOF\n?$/.exec(text.slice(-TAIL_BYTES))?.[1]);
  if (!Number.isSafeInteger(tableAt)) throw new AttachmentError('PDF 结尾不完整');
  const head = /^xref\r?\n0 (\d{1,6})\r?\n/.exec(text.slice(tableAt, tableAt + TAIL_BYTES));
  const count = Number(head?.[1]);
  if (!head || count < 1 || count > OBJECT_LIMIT) throw new AttachmentError('PDF 有追加的修订或交叉引用表不完整');
  const rowsAt = tableAt + head[0].length;
  const trailer = text.slice(rowsAt + count * ROW_BYTES);
  if (trailer.length > TRAILER_LIMIT_BYTES) throw new AttachmentError('PDF 尾部不完整');
  if (
    !/^trailer\s*<<[\s\S]*>>\s*startxref\n\d+\n%%EOF\n?$/.test(trailer) ||
    /\/(Prev|XRefStm|Encrypt)\b/.test(trailer)
  ) {
    throw new AttachmentError('PDF 有追加的修订、加密或尾部不完整');
  }
  const starts: { number: number; start: number }[] = [];
  for (let number = 1; number < count; number++) {
    const row = /^(\d{10}) 00000 n\s{2}$/.exec(
      text.slice(rowsAt + number * ROW_BYTES, rowsAt + (number + 1) * ROW_BYTES),
    );
    if (!row) throw new AttachmentError('PDF 交叉引用表不完整');
    starts.push({ number, start: Number(row[1]) });
  }
  starts.sort((a, b) => a.start - b.start);
  const objects = starts.map(({ number, start }, i) => {
    const slice = text.slice(start, starts[i + 1]?.start ?? tableAt);
    if (!slice.startsWith(`${number} 0 obj\n`) || !/\nendobj\s*$/.test(slice.slice(-16))) {
      throw new AttachmentError('PDF 对象之间有多余内容');
    }
    return { number, start, text: slice };
  });
  return { objects, trailer };
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
    throw new AttachmentError('PDF 附件长度不正确');
  }
  const body = file.subarray(start + begin, start + begin + length);
  const filter = /\/(Filter|DecodeParms)\b\s*(\/\w+|\S+)?/.exec(dictionary);
  if (length > ATTACHMENT_LIMIT_BYTES) throw new AttachmentError('PDF 附件过大');
  if (!filter) return body;
  if (filter[2] !== '/FlateDecode' || dictionary.includes('/DecodeParms'))
    throw new AttachmentError('PDF 附件的过滤器不受支持');
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
    throw new AttachmentError('PDF 附件无法解压或过大');
  }
}
