import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/**
 * A PDF with one seal in it: the file as it was set, and one incremental revision (ISO 32000-1 §7.5.6) with a signature of ETSI EN
 * 319 142 (`ETSI.CAdES.detached`), a certification that allows no change (DocMDP, P 1), and the seal's picture on a page.
 *
 * One revision has one form: reading takes its few values out, writes the revision again from them, and compares every byte.
 * Whatever another program, or another hand, would write is not read at all.
 */

/** Bytes kept free for the CMS: two certificates, a signature, a timestamp with two more take about 6,000. */
const CMS_ROOM_BYTES = 12_000;
/** ISO 32000-1 table 8.2: Print and Locked, so that the picture is printed and no viewer moves it. */
const WIDGET_FLAGS = 132;
const NAME_LENGTH = 200;
const PICTURE_LIMIT_BYTES = 1_048_576;

/** Drawn within a box from (0, 0), in points, by operators that need no resources. */
export interface Picture {
  width: number;
  height: number;
  operators: string;
}

/** What a revision says beside the signature. */
export interface Seal {
  /** Name of the seal, as viewers show the signer. */
  name: string;
  /** When it was sealed (`/M`), to the second: the record's time, not the machine's. */
  at: Date;
  picture: Picture;
  /** Page, from 1, and the picture's lower left corner in points from the page's. */
  place: Place;
}
export interface Place {
  page: number;
  x: number;
  y: number;
}

/**
 * Adds the revision: everything stands, and zeros where the signature goes. Throws PdfError where the file is not of the one
 * form that Typst writes, or has no such page.
 */
export function makeSealable(unsigned: Uint8Array, { name, at, picture, place }: Seal): Uint8Array {
  if (name.length === 0 || name.length > NAME_LENGTH) throw new PdfError('印章名称过长');
  const { x, y } = place;
  const values: Values = {
    name: Buffer.from(`\ufeff${name}`, 'utf16le').swap16().toString('hex'),
    at: pdfTime(at),
    page: place.page,
    rect: [x, y, x + picture.width, y + picture.height].map(writeNumber).join(' '),
    box: [picture.width, picture.height].map(writeNumber).join(' '),
    drawing: deflateSync(picture.operators, { level: 9 }),
  };
  return write(unsigned, values).bytes;
}

/** SHA-256 over the two byte ranges that the signature covers. */
export function digestOfSealable(sealable: Uint8Array): Buffer {
  return digestAround(sealable, roomOf(sealable));
}

/** Puts the CMS into the room left for it. Throws RangeError where it does not fit. */
export function insertSignature(sealable: Uint8Array, cms: Uint8Array): Uint8Array {
  if (cms.length > CMS_ROOM_BYTES) throw new RangeError(`a CMS of ${cms.length} bytes does not fit`);
  const sealed = Buffer.from(sealable);
  sealed.write(Buffer.from(cms).toString('hex'), roomOf(sealed).start + 1, 'latin1');
  return sealed;
}

export interface SealedPdf {
  /** The file as it was before it was sealed. */
  unsigned: Uint8Array;
  /** SignedData, DER. */
  cms: Uint8Array;
  /** SHA-256 over the two byte ranges. */
  digest: Buffer;
  /** `/M`. */
  signedOn: Date;
  /** `/Name`. */
  name: string;
}

/** Whether a file claims to be sealed from within: only then its signature is looked for there. */
export function isSealedPdf(pdf: Uint8Array): boolean {
  return Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength).includes('/ByteRange');
}

/** Reads a sealed file. Throws PdfError unless it is, byte for byte, what `makeSealable` writes. */
export function readSealedPdf(pdf: Uint8Array): SealedPdf {
  const file = Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength);
  const text = file.toString('latin1');
  const previous = /\n\/Prev (\d{1,10})\n>>\nstartxref\n\d{1,10}\n%%EOF\n$/.exec(text.slice(-200))?.[1];
  if (previous === undefined) throw new PdfError('PDF 的修订不是本系统的签章形式');
  const tail = `startxref\n${previous}\n%%EOF`;
  const tailAt = text.indexOf(tail, Number(previous));
  if (tailAt < 0) throw new PdfError('PDF 的修订不完整');
  const unsigned = file.subarray(0, tailAt + tail.length);
  const values = readValues(file, text, unsigned.length);
  const { bytes, room } = write(unsigned, values);
  const given = Buffer.from(file);
  if (given.length !== bytes.length) throw new PdfError('PDF 的修订不是本系统的签章形式');
  const hex = given.subarray(room.start + 1, room.end - 1).toString('latin1');
  given.fill('0', room.start + 1, room.end - 1);
  if (!given.equals(bytes)) throw new PdfError('PDF 的修订不是本系统的签章形式');
  const name = Buffer.from(values.name, 'hex').swap16().toString('utf16le').slice(1);
  return { unsigned, cms: readCms(hex), digest: digestAround(file, room), signedOn: readTime(values.at), name };
}

/** The signature and zeros to the end of the room: a DER value says where it ends. */
function readCms(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.toString('hex') !== hex) throw new PdfError('PDF 签名不是小写十六进制');
  if (bytes[0] !== 0x30 || bytes[1] !== 0x82) throw new PdfError('PDF 签名不是 CMS');
  const length = 4 + bytes.readUInt16BE(2);
  if (length > bytes.length || bytes.subarray(length).some((byte) => byte !== 0)) {
    throw new PdfError('PDF 签名之后有多余内容');
  }
  return bytes.subarray(0, length);
}

/** What varies from one sealed file to the next. */
interface Values {
  /** UTF-16BE with its mark, hex. */
  name: string;
  at: string;
  page: number;
  rect: string;
  box: string;
  /** The picture's operators, deflated. */
  drawing: Uint8Array;
}

interface Room {
  /** From `<` to behind `>`. */
  start: number;
  end: number;
}

const NUMBER = '-?\\d{1,5}(?:\\.\\d{1,2})?';
const HEAD = new RegExp(
  `/Name <([0-9a-f]{8,${4 * NAME_LENGTH + 4}})>\\n/M \\((D:\\d{14}Z)\\)[\\s\\S]*?/BBox \\[0 0 (${NUMBER} ${NUMBER})\\]\\n/Length (\\d{1,7})\\n>>\\nstream\\n`,
);
const WIDGET = new RegExp(`/Rect \\[(${NUMBER}(?: ${NUMBER}){3})\\]`);

function readValues(file: Buffer, text: string, from: number): Values {
  const revision = text.slice(from);
  const head = HEAD.exec(revision);
  const [, name = '', at = '', box = '', length = ''] = head ?? [];
  const drawingAt = from + (head?.index ?? 0) + (head?.[0].length ?? 0);
  const drawing = file.subarray(drawingAt, drawingAt + Number(length));
  const after = text.slice(drawingAt + drawing.length);
  const rect = WIDGET.exec(after)?.[1];
  const pageObject = Number(/\/P (\d{1,6}) 0 R\n/.exec(after)?.[1]);
  if (!head || rect === undefined || drawing.length > PICTURE_LIMIT_BYTES) {
    throw new PdfError('PDF 的修订不是本系统的签章形式');
  }
  const page = readPdfFile(file.subarray(0, from)).pages.indexOf(pageObject) + 1;
  return { name, at, page, rect, box, drawing };
}

/** The file with its revision, the room for the signature empty. */
function write(unsigned: Uint8Array, values: Values): { bytes: Buffer; room: Room } {
  const file = readPdfFile(unsigned);
  const base = Buffer.from(unsigned);
  const parts = objectsOf(file, values);
  const chunks: Buffer[] = [base, Buffer.from('\n')];
  let at = base.length + 1;
  const offsets = new Map<number, number>();
  for (const { number, body } of parts) {
    const bytes = Buffer.concat([Buffer.from(`${number} 0 obj\n`), body, Buffer.from('\nendobj\n')]);
    offsets.set(number, at);
    at += bytes.length;
    chunks.push(bytes);
  }
  const size = file.size + NEW_OBJECTS;
  const table = [...offsets].sort(([a], [b]) => a - b).map(([number, offset]) => row(number, offset));
  const { root, info, id, tableAt } = file;
  const trailer = `trailer\n<<\n/Size ${size}\n/Root ${root} 0 R\n/Info ${info} 0 R\n/ID ${id}\n/Prev ${tableAt}\n>>\nstartxref\n${at}\n%%EOF\n`;
  chunks.push(Buffer.from(`xref\n${table.join('')}${trailer}`, 'latin1'));
  const bytes = Buffer.concat(chunks);
  const room = roomOf(bytes);
  const ranges = [0, room.start, room.end, bytes.length - room.end].map((one) => String(one).padEnd(10)).join(' ');
  bytes.write(`[${ranges}]`, bytes.indexOf(RANGES, base.length), 'latin1');
  return { bytes, room };
}

/** One subsection per object: `f`, the free head, stands in the first table. */
const row = (number: number, offset: number) => `${number} 1\n${String(offset).padStart(10, '0')} 00000 n \n`;

const RANGES = `[${Array(4).fill('#'.repeat(10)).join(' ')}]`;
const CONTENTS = `/Contents <${'0'.repeat(2 * CMS_ROOM_BYTES)}>`;
const NEW_OBJECTS = 3;

function objectsOf(file: PdfFile, values: Values): { number: number; body: Buffer }[] {
  const { name, at, page, rect, box, drawing } = values;
  const pageNumber = file.pages[page - 1];
  if (pageNumber === undefined) throw new PdfError(`PDF 没有第 ${page} 页`);
  const [signature, picture, field] = [file.size, file.size + 1, file.size + 2];
  const certifies = `/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>]`;
  const signed = `<<\n/Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n/Name <${name}>\n/M (${at})\n${certifies}\n/ByteRange ${RANGES}\n${CONTENTS}\n>>`;
  const drawn = `<<\n/Type /XObject\n/Subtype /Form\n/Resources << >>\n/Filter /FlateDecode\n/BBox [0 0 ${box}]\n/Length ${drawing.length}\n>>\nstream\n`;
  const widget = `<<\n/Type /Annot\n/Subtype /Widget\n/FT /Sig\n/T (Seal)\n/V ${signature} 0 R\n/P ${pageNumber} 0 R\n/Rect [${rect}]\n/F ${WIDGET_FLAGS}\n/AP << /N ${picture} 0 R >>\n>>`;
  const form = `/AcroForm << /Fields [${field} 0 R] /SigFlags 3 >>\n/Perms << /DocMDP ${signature} 0 R >>`;
  return [
    { number: signature, body: Buffer.from(signed, 'latin1') },
    { number: picture, body: Buffer.concat([Buffer.from(drawn), drawing, Buffer.from('\nendstream')]) },
    { number: field, body: Buffer.from(widget) },
    { number: pageNumber, body: extend(file, pageNumber, `/Annots [${field} 0 R]`, /\/Annots\b/) },
    { number: file.root, body: extend(file, file.root, form, /\/(AcroForm|Perms)\b/) },
  ];
}

/** A dictionary of the first revision with more entries; one that has them already is none of ours. */
function extend(file: PdfFile, number: number, more: string, taken: RegExp): Buffer {
  const text = file.objects.find((object) => object.number === number)?.text ?? '';
  const [, dictionary] = /^\d+ 0 obj\n(<<[\s\S]*)>>\s*endobj\s*$/.exec(text) ?? [];
  if (dictionary === undefined || taken.test(dictionary)) throw new PdfError(`PDF 对象 ${number} 不能扩展`);
  return Buffer.from(`${dictionary}${more}\n>>`, 'latin1');
}

function roomOf(bytes: Uint8Array): Room {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf('\n/Contents <') + 11;
  return { start, end: start + 2 * CMS_ROOM_BYTES + 2 };
}

function digestAround(bytes: Uint8Array, { start, end }: Room): Buffer {
  return createHash('sha256').update(bytes.subarray(0, start)).update(bytes.subarray(end)).digest();
}

function writeNumber(points: number): string {
  return String(Math.round(points * 100) / 100);
}

/** UTC, to the second. */
function pdfTime(at: Date): string {
  return `D:${at.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}

function readTime(text: string): Date {
  const iso = text.replace(/^D:(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = new Date(iso);
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso) throw new PdfError('PDF 签章时间不正确');
  return time;
}

// The narrow reader of PDF files: one form, the one that Typst writes for this hub.

const OBJECT_LIMIT = 20_000;
/** Where the end of a PDF is looked for. */
const TAIL_BYTES = 64;
const TRAILER_LIMIT_BYTES = 4_096;
/** A row of a cross-reference table (ISO 32000-1 §7.5.4). */
const ROW_BYTES = 20;

/** Why a PDF cannot be read as this hub writes it; a sentence for a person. */
export class PdfError extends Error {
  override readonly name = 'PdfError';
}

export interface PdfObject {
  number: number;
  /** Where the object begins in the file. */
  start: number;
  /** From `n 0 obj` to just before the next object, one character per byte. */
  text: string;
}

/** A file of one revision. */
export interface PdfFile {
  objects: readonly PdfObject[];
  /** Where its cross-reference table begins, and how many objects it counts, the free one among them. */
  tableAt: number;
  size: number;
  /** Object numbers of catalog and information, and the file's identifiers as they stand. */
  root: number;
  info: number;
  id: string;
  /** Object numbers of the pages, in order. */
  pages: readonly number[];
}

/**
 * Every object of a file by its one cross-reference table. Throws PdfError for whatever could mean two things: an appended
 * revision, bytes between objects, compressed objects, encryption.
 */
export function readPdfFile(pdf: Uint8Array): PdfFile {
  const text = Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength).toString('latin1');
  if (!text.startsWith('%PDF-1.')) throw new PdfError('不是 PDF 文件');
  const tableAt = Number(/\nstartxref\n(\d{1,10})\n%%EOF\n?$/.exec(text.slice(-TAIL_BYTES))?.[1]);
  if (!Number.isSafeInteger(tableAt)) throw new PdfError('PDF 结尾不完整');
  const head = /^xref\r?\n0 (\d{1,6})\r?\n/.exec(text.slice(tableAt, tableAt + TAIL_BYTES));
  const size = Number(head?.[1]);
  if (!head || size < 1 || size > OBJECT_LIMIT) throw new PdfError('PDF 有追加的修订或交叉引用表不完整');
  const rowsAt = tableAt + head[0].length;
  const objects = readObjects(text, { rowsAt, size, tableAt });
  return { objects, tableAt, size, ...readTrailer(text.slice(rowsAt + size * ROW_BYTES), objects) };
}

function readObjects(text: string, table: { rowsAt: number; size: number; tableAt: number }): PdfObject[] {
  const starts: { number: number; start: number }[] = [];
  for (let number = 1; number < table.size; number++) {
    const from = table.rowsAt + number * ROW_BYTES;
    const row = /^(\d{10}) 00000 n\s{2}$/.exec(text.slice(from, from + ROW_BYTES));
    if (!row) throw new PdfError('PDF 交叉引用表不完整');
    starts.push({ number, start: Number(row[1]) });
  }
  starts.sort((a, b) => a.start - b.start);
  return starts.map(({ number, start }, i) => {
    const slice = text.slice(start, starts[i + 1]?.start ?? table.tableAt);
    if (!slice.startsWith(`${number} 0 obj\n`) || !/\nendobj\s*$/.test(slice.slice(-16))) {
      throw new PdfError('PDF 对象之间有多余内容');
    }
    return { number, start, text: slice };
  });
}

function readTrailer(trailer: string, objects: readonly PdfObject[]): Pick<PdfFile, 'root' | 'info' | 'id' | 'pages'> {
  if (trailer.length > TRAILER_LIMIT_BYTES) throw new PdfError('PDF 尾部不完整');
  const whole = /^trailer\s*<<[\s\S]*>>\s*startxref\n\d+\n%%EOF\n?$/.test(trailer);
  if (!whole || /\/(Prev|XRefStm|Encrypt)\b/.test(trailer)) throw new PdfError('PDF 有追加的修订、加密或尾部不完整');
  const root = Number(/\/Root (\d{1,6}) 0 R/.exec(trailer)?.[1]);
  const info = Number(/\/Info (\d{1,6}) 0 R/.exec(trailer)?.[1]);
  const id = /\/ID (\[\([^()\\]*\) \([^()\\]*\)\])/.exec(trailer)?.[1];
  const textOf = (number: number) => objects.find((object) => object.number === number)?.text ?? '';
  const tree = Number(/\/Pages (\d{1,6}) 0 R/.exec(textOf(root))?.[1]);
  const kids = /\/Kids \[((?:\d{1,6} 0 R ?)+)\]/.exec(textOf(tree))?.[1];
  if (id === undefined || kids === undefined || !Number.isInteger(info)) throw new PdfError('PDF 尾部不完整');
  return { root, info, id, pages: [...kids.matchAll(/(\d+) 0 R/g)].map(([, number]) => Number(number)) };
}
