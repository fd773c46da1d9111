/** A narrow reader of PDF files. It accepts only the form that Typst writes for this hub. */

const MAX_OBJECTS = 20_000;
/** Length of the tail in which the end of a PDF is searched. */
const TAIL_BYTES = 64;
const MAX_TRAILER_BYTES = 4_096;
/** A row of a cross-reference table (ISO 32000-1 §7.5.4). */
const ROW_BYTES = 20;
/** Every row except that of object 0, the head of the free list. */
const TABLE_ROWS_PATTERN = /^(?:\d{10} 00000 n\s{2})*$/;
/** The end of an object. With the white space up to the next object it has at most this many bytes. */
const OBJECT_END = '\nendobj';
const MAX_OBJECT_END_BYTES = 16;
const WHITE_SPACE: ReadonlySet<number> = new Set([...'\t\n\v\f\r \u00a0'].map((character) => character.charCodeAt(0)));

/** Thrown when a PDF does not have the form that this hub writes. The message is a sentence for a person. */
export class PdfError extends Error {
  override readonly name = 'PdfError';
}

/** An object from `n 0 obj` up to the next object. */
export interface PdfObject {
  number: number;
  /** Offsets of the object's start and end in the file. */
  start: number;
  end: number;
}

/** A file with one revision. */
export interface PdfFile {
  bytes: Buffer;
  /** The objects in file order. */
  objects: readonly PdfObject[];
  /** Offset of the cross-reference table, and its number of objects including the free one. */
  tableAt: number;
  size: number;
  /** Object numbers of the catalog and the information dictionary, and the file's identifiers as written. */
  root: number;
  info: number;
  id: string;
  /** Object numbers of the pages, in order. */
  pages: readonly number[];
}

/** Returns a Buffer over the same memory, without a copy. */
export function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Returns whether a file claims to contain its own seal. Only then its signature is read from inside. */
export function isSealedPdf(pdf: Uint8Array): boolean {
  // Search from the end, because the revision is there.
  return toBuffer(pdf).lastIndexOf('/ByteRange') >= 0;
}

/**
 * Reads every object of a file from its one cross-reference table. Throws PdfError for anything ambiguous: an appended
 * revision, bytes between objects, compressed objects, encryption.
 */
export function readPdfFile(pdf: Uint8Array): PdfFile {
  const bytes = toBuffer(pdf);
  if (bytes.toString('latin1', 0, 7) !== '%PDF-1.') throw new PdfError('不是 PDF 文件');
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - TAIL_BYTES));
  const tableAt = Number(/\nstartxref\n(\d{1,10})\n%%EOF\n?$/.exec(tail)?.[1]);
  if (!Number.isSafeInteger(tableAt)) throw new PdfError('PDF 结尾不完整');
  const head = /^xref\r?\n0 (\d{1,6})\r?\n/.exec(bytes.toString('latin1', tableAt, tableAt + TAIL_BYTES));
  const size = Number(head?.[1]);
  if (!head || size < 1 || size > MAX_OBJECTS) throw new PdfError('PDF 有追加的修订或交叉引用表不完整');
  const rowsAt = tableAt + head[0].length;
  const trailerAt = rowsAt + size * ROW_BYTES;
  if (bytes.length - trailerAt > MAX_TRAILER_BYTES) throw new PdfError('PDF 尾部不完整');
  const file = { bytes, tableAt, size, objects: readObjects(bytes, { rowsAt, trailerAt, tableAt }) };
  return { ...file, ...readTrailer(bytes.toString('latin1', trailerAt), file) };
}

/** Returns the text of an object, one character per byte. */
export function decodeObject({ bytes }: Pick<PdfFile, 'bytes'>, { start, end }: PdfObject): string {
  return bytes.toString('latin1', start, end);
}

/** Returns the text of the object with this number, one character per byte, or '' if there is none. */
export function readObjectText(file: Pick<PdfFile, 'bytes' | 'objects'>, number: number): string {
  const object = file.objects.find((candidate) => candidate.number === number);
  return object ? decodeObject(file, object) : '';
}

function readObjects(bytes: Buffer, table: { rowsAt: number; trailerAt: number; tableAt: number }): PdfObject[] {
  const rows = bytes.toString('latin1', table.rowsAt, table.trailerAt);
  const starts: { number: number; start: number }[] = [];
  const isWhole = rows.length === table.trailerAt - table.rowsAt;
  if (!isWhole || !TABLE_ROWS_PATTERN.test(rows.slice(ROW_BYTES))) throw new PdfError('PDF 交叉引用表不完整');
  for (let offset = ROW_BYTES; offset < rows.length; offset += ROW_BYTES) {
    starts.push({ number: offset / ROW_BYTES, start: Number(rows.slice(offset, offset + 10)) });
  }
  starts.sort((a, b) => a.start - b.start);
  return starts.map(({ number, start }, i) => {
    const end = starts[i + 1]?.start ?? table.tableAt;
    const head = `${number} 0 obj\n`;
    const isWhole = start + head.length <= end && matchesAt(bytes, head, start) && endsWithObjectEnd(bytes, start, end);
    if (!isWhole) throw new PdfError('PDF 对象之间有多余内容');
    return { number, start, end };
  });
}

/** Returns whether the Latin-1 `text` is at that offset. A file has many objects, and a string of each costs more. */
function matchesAt(bytes: Buffer, text: string, at: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (bytes[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

function endsWithObjectEnd(bytes: Buffer, start: number, end: number): boolean {
  const minEnd = Math.max(start, end - MAX_OBJECT_END_BYTES) + OBJECT_END.length;
  let at = end;
  while (at >= minEnd && WHITE_SPACE.has(bytes[at - 1] ?? 0)) at--;
  return at >= minEnd && matchesAt(bytes, OBJECT_END, at - OBJECT_END.length);
}

function readTrailer(
  trailer: string,
  file: Pick<PdfFile, 'bytes' | 'objects'>,
): Pick<PdfFile, 'root' | 'info' | 'id' | 'pages'> {
  const isWhole = /^trailer\s*<<[\s\S]*>>\s*startxref\n\d+\n%%EOF\n?$/.test(trailer);
  if (!isWhole || /\/(Prev|XRefStm|Encrypt)\b/.test(trailer)) throw new PdfError('PDF 有追加的修订、加密或尾部不完整');
  const root = Number(/\/Root (\d{1,6}) 0 R/.exec(trailer)?.[1]);
  const info = Number(/\/Info (\d{1,6}) 0 R/.exec(trailer)?.[1]);
  const id = /\/ID (\[\([^()\\]*\) \([^()\\]*\)\])/.exec(trailer)?.[1];
  const tree = Number(/\/Pages (\d{1,6}) 0 R/.exec(readObjectText(file, root))?.[1]);
  const kids = /\/Kids \[((?:\d{1,6} 0 R ?)+)\]/.exec(readObjectText(file, tree))?.[1];
  if (id === undefined || kids === undefined || !Number.isInteger(info)) throw new PdfError('PDF 尾部不完整');
  return { root, info, id, pages: [...kids.matchAll(/(\d{1,6}) 0 R/g)].map(([, number]) => Number(number)) };
}
