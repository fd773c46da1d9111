import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { PdfError, type PdfFile, readObjectText, readPdfFile, toBuffer } from './pdf.ts';

/**
 * A PDF with one seal in it: the unsigned file, and one incremental revision (ISO 32000-1 §7.5.6). The revision has a
 * signature of ETSI EN 319 142 (`ETSI.CAdES.detached`), a certification that allows no change (DocMDP, P 1), and the
 * seal's picture on a page.
 *
 * A revision has exactly one form. The reader extracts its few values, writes the revision again from them, and
 * compares every byte. It refuses anything that another program writes.
 */

/** Space for the CMS. Two certificates, a signature and a timestamp with two more certificates need about 6,000. */
const MAX_CMS_BYTES = 12_000;
/** ISO 32000-1 table 8.2: Print and Locked, so that the picture is printed and no viewer moves it. */
const WIDGET_FLAGS = 132;
const MAX_NAME_CHARS = 200;
const MAX_PICTURE_BYTES = 1_048_576;
/** Length of the tail in which the end of a revision is searched. */
const TAIL_BYTES = 200;

/** A vector drawing in a box from (0, 0), in points. Its operators need no resources. */
export interface Drawing {
  width: number;
  height: number;
  operators: string;
}

/** An image for such a box: pixels row by row from the top, 8 bits per channel, both streams deflated. */
export interface Image {
  width: number;
  height: number;
  /** Number of pixels in a row, and number of rows. */
  across: number;
  down: number;
  /** Red, green and blue of each pixel, and its opacity (ISO 32000-1 §11.6.5.3). */
  colours: Buffer;
  alpha: Buffer;
}

export type Picture = Drawing | Image;

/** The content of a revision besides the signature. */
export interface SealRevision {
  /** Name of the seal. Viewers show it as the signer. */
  name: string;
  /** Time of sealing (`/M`), to the second. It is the record's time, not the machine's. */
  at: Date;
  picture: Picture;
  /** The page, counted from 1, and the picture's lower left corner in points from the page's lower left corner. */
  place: Place;
}
export interface Place {
  page: number;
  x: number;
  y: number;
}

/**
 * Adds the revision with zeros in place of the signature. Throws PdfError if the file does not have the form that Typst
 * writes, or has no such page.
 */
export function makeSealable(unsigned: Uint8Array, { name, at, picture, place }: SealRevision): Uint8Array {
  if (name.length === 0 || name.length > MAX_NAME_CHARS) throw new PdfError('印章名称过长');
  const { x, y } = place;
  const values: Values = {
    name: Buffer.from(`\ufeff${name}`, 'utf16le').swap16().toString('hex'),
    at: toPdfTime(at),
    page: place.page,
    rect: [x, y, x + picture.width, y + picture.height].map(writeNumber).join(' '),
    box: [picture.width, picture.height].map(writeNumber).join(' '),
    drawing: 'operators' in picture ? { operators: deflateDrawing(picture) } : picture,
  };
  const base = readPdfFile(unsigned);
  return Buffer.concat([unsigned, ...writeRevision(base, values).chunks]);
}

/** Cache of compressed drawings, because the same drawing is used in many files. */
const deflatedDrawings = new WeakMap<Drawing, Buffer>();

function deflateDrawing(drawing: Drawing): Buffer {
  const bytes = deflatedDrawings.get(drawing) ?? deflateSync(drawing.operators, { level: 9 });
  deflatedDrawings.set(drawing, bytes);
  return bytes;
}

/** Returns SHA-256 over the two byte ranges that the signature covers. */
export function digestSealable(sealable: Uint8Array): Buffer {
  return computeDigests(toBuffer(sealable), locateRoom(sealable)).digest;
}

/** Reads a file without its signature yet. Throws PdfError unless it is, byte for byte, what `makeSealable` writes. */
export function readSealable(sealable: Uint8Array): Omit<SealedPdf, 'cms' | 'fileDigest'> {
  // The room must be empty. The rest is checked with an empty CMS in the room.
  const { start, end } = locateRoom(sealable);
  const room = toBuffer(sealable).toString('latin1', start, end);
  if (room !== `<${'0'.repeat(2 * MAX_CMS_BYTES)}>`) throw buildFormError();
  return readSealedPdf(insertSignature(sealable, EMPTY_CMS));
}

/** A DER sequence that is not a CMS. */
export const EMPTY_CMS: Uint8Array = Buffer.concat([Buffer.from([0x30, 0x82, 0x00, 0x80]), Buffer.alloc(0x80)]);

/** Inserts the CMS into the room for it. Throws RangeError if it does not fit. */
export function insertSignature(sealable: Uint8Array, cms: Uint8Array): Uint8Array {
  if (cms.length > MAX_CMS_BYTES) throw new RangeError(`a CMS of ${cms.length} bytes does not fit`);
  const sealed = Buffer.from(sealable);
  sealed.write(Buffer.from(cms).toString('hex'), locateRoom(sealed).start + 1, 'latin1');
  return sealed;
}

export interface SealedPdf {
  /** The file before sealing, and its objects. */
  unsigned: Uint8Array;
  base: PdfFile;
  /** SignedData, DER. */
  cms: Uint8Array;
  /** SHA-256 over the two byte ranges. */
  digest: Buffer;
  /** SHA-256 of the whole file. */
  fileDigest: Buffer;
  /** `/M`. */
  signedOn: Date;
  /** `/Name`. */
  name: string;
  /** The office's own picture of the seal, or null if the seal is drawn. */
  image: Image | null;
}

/** Reads a sealed file. Throws PdfError unless it is, byte for byte, what `makeSealable` writes. */
export function readSealedPdf(pdf: Uint8Array): SealedPdf {
  const file = toBuffer(pdf);
  const revisionStart = findRevisionStart(file);
  const unsigned = file.subarray(0, revisionStart);
  const base = readPdfFile(unsigned);
  const values = readValues(file, base);
  const { chunks, room, length } = writeRevision(base, values);
  if (file.length !== revisionStart + length) throw buildFormError();
  let at = revisionStart;
  for (const chunk of chunks) {
    // The room holds the signature, which is read below. Every other byte must be equal.
    const isSame = chunk === EMPTY_ROOM || file.subarray(at, at + chunk.length).equals(chunk);
    if (!isSame) throw buildFormError();
    at += chunk.length;
  }
  const name = Buffer.from(values.name, 'hex').swap16().toString('utf16le').slice(1);
  const cms = readCms(file.subarray(room.start + 1, room.end - 1));
  const image = 'operators' in values.drawing ? null : { ...values.drawing, ...parseSize(values.box) };
  return { unsigned, base, cms, ...computeDigests(file, room), signedOn: parsePdfTime(values.at), name, image };
}

function parseSize(box: string): { width: number; height: number } {
  const [width = 0, height = 0] = box.split(' ').map(Number);
  return { width, height };
}

const buildFormError = () => new PdfError('PDF 的修订不是本系统的签章形式');

/** Returns the start of the revision: the end of the previous revision, whose table the trailer names. */
function findRevisionStart(file: Buffer): number {
  const end = file.toString('latin1', Math.max(0, file.length - TAIL_BYTES));
  const previous = /\n\/Prev (\d{1,10})\n>>\nstartxref\n\d{1,10}\n%%EOF\n$/.exec(end)?.[1];
  if (previous === undefined) throw buildFormError();
  const tail = `startxref\n${previous}\n%%EOF`;
  const at = file.indexOf(tail, Number(previous), 'latin1');
  if (at < 0) throw new PdfError('PDF 的修订不完整');
  return at + tail.length;
}

/** Reads the signature. Its DER length says where it ends. Only zeros may follow in the room. */
function readCms(room: Buffer): Uint8Array {
  const head = Buffer.from(room.toString('latin1', 0, 8), 'hex');
  if (head.length !== 4 || head[0] !== 0x30 || head[1] !== 0x82) throw new PdfError('PDF 签名不是 CMS');
  const length = 4 + head.readUInt16BE(2);
  const hex = room.toString('latin1', 0, 2 * length);
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.toString('hex') !== hex) throw new PdfError('PDF 签名不是小写十六进制');
  if (length > MAX_CMS_BYTES || !room.subarray(2 * length).equals(EMPTY_ROOM.subarray(2 * length))) {
    throw new PdfError('PDF 签名之后有多余内容');
  }
  return bytes;
}

/** The values that differ between sealed files. */
interface Values {
  /** UTF-16BE with a byte order mark, hex. */
  name: string;
  at: string;
  page: number;
  rect: string;
  box: string;
  /** The picture's deflated operators, or its pixels. */
  drawing: { operators: Buffer } | Pick<Image, 'across' | 'down' | 'colours' | 'alpha'>;
}

interface Room {
  /** From `<` to after `>`. */
  start: number;
  end: number;
}

const NUMBER = '-?\\d{1,5}(?:\\.\\d{1,2})?';
const SIGNED = new RegExp(`/Name <([0-9a-f]{8,${4 * MAX_NAME_CHARS + 4}})>\\n/M \\((D:\\d{14}Z)\\)\\n`);
const BOX = new RegExp(`/BBox \\[0 0 (${NUMBER} ${NUMBER})\\]`);
const STREAM = /\/Length (\d{1,7})\n>>\nstream\n/;
const IMAGE = /\/Width (\d{1,4})\n\/Height (\d{1,4})\n/;
const IMAGE_NAME = '/Im0';
const WIDGET = new RegExp(`/P (\\d{1,6}) 0 R\\n/Rect \\[(${NUMBER}(?: ${NUMBER}){3})\\]`);
/** More than the head of any object in a revision needs. */
const MAX_HEAD_BYTES = 2_048;

/** Extracts the values of a revision without strict checks. The caller writes it again and compares the bytes. */
function readValues(file: Buffer, base: PdfFile): Values {
  const readHead = (at: number) => file.toString('latin1', at, at + MAX_HEAD_BYTES);
  const revisionStart = base.bytes.length;
  const [, name, at] = SIGNED.exec(readHead(revisionStart)) ?? [];
  const roomEnd = locateRoomAfter(file, revisionStart).end;
  const head = readHead(roomEnd);
  const box = BOX.exec(head)?.[1];
  const form = findStreamAfter(file, roomEnd);
  // The form of an image names the image before the form's short stream begins.
  const imagePart = head.slice(0, form.start - roomEnd).includes(IMAGE_NAME) ? readImage(file, form.end) : null;
  const [, page, rect] = WIDGET.exec(readHead(imagePart?.end ?? form.end)) ?? [];
  if (name === undefined || at === undefined || box === undefined || rect === undefined) throw buildFormError();
  const drawing = imagePart?.image ?? { operators: file.subarray(form.start, form.end) };
  return { name, at, page: base.pages.indexOf(Number(page)) + 1, rect, box, drawing };
}

function readImage(file: Buffer, at: number) {
  const colours = findStreamAfter(file, at);
  const alpha = findStreamAfter(file, colours.end);
  const [, across, down] = IMAGE.exec(file.toString('latin1', at, colours.start)) ?? [];
  const bytes = { colours: file.subarray(colours.start, colours.end), alpha: file.subarray(alpha.start, alpha.end) };
  return { image: { across: Number(across), down: Number(down), ...bytes }, end: alpha.end };
}

/** Finds the first stream that seems to begin after `at`. */
function findStreamAfter(file: Buffer, at: number): { start: number; end: number } {
  const match = STREAM.exec(file.toString('latin1', at, at + MAX_HEAD_BYTES));
  const length = Number(match?.[1]);
  if (!match || length > MAX_PICTURE_BYTES) throw buildFormError();
  const start = at + match.index + match[0].length;
  return { start, end: Math.min(start + length, file.length) };
}

/** Writes the revision in chunks. One chunk is EMPTY_ROOM itself. The offsets of `room` count from the file's start. */
function writeRevision(file: PdfFile, values: Values): { chunks: Buffer[]; room: Room; length: number } {
  const revisionStart = file.bytes.length;
  const chunks: Buffer[] = [Buffer.from('\n')];
  let at = revisionStart + 1;
  let room: Room = { start: 0, end: 0 };
  const offsets = new Map<number, number>();
  for (const { number, body } of buildObjects(file, values)) {
    offsets.set(number, at);
    for (const chunk of [Buffer.from(`${number} 0 obj\n`), ...body, Buffer.from('\nendobj\n')]) {
      if (chunk === EMPTY_ROOM) room = { start: at - 1, end: at + chunk.length + 1 };
      chunks.push(chunk);
      at += chunk.length;
    }
  }
  const size = file.size + NEW_OBJECT_COUNT + ('operators' in values.drawing ? 0 : IMAGE_OBJECT_COUNT);
  const table = [...offsets].sort(([a], [b]) => a - b).map(([number, offset]) => writeTableRow(number, offset));
  const { root, info, id, tableAt } = file;
  const trailer = `trailer\n<<\n/Size ${size}\n/Root ${root} 0 R\n/Info ${info} 0 R\n/ID ${id}\n/Prev ${tableAt}\n>>\nstartxref\n${at}\n%%EOF\n`;
  const end = Buffer.from(`xref\n${table.join('')}${trailer}`, 'latin1');
  chunks.push(end);
  const tailBytes = at + end.length - room.end;
  const ranges = [0, room.start, room.end, tailBytes].map((position) => String(position).padEnd(10)).join(' ');
  chunks[RANGES_CHUNK_INDEX] = Buffer.from(`[${ranges}]`);
  return { chunks, room, length: at + end.length - revisionStart };
}

/** Writes one subsection per object. The free head (`f`) is in the first table. */
const writeTableRow = (number: number, offset: number) => `${number} 1\n${String(offset).padStart(10, '0')} 00000 n \n`;

/** The placeholder for four numbers of ten characters, and its index among the chunks of a revision. */
const RANGES_PLACEHOLDER = Buffer.alloc(4 * 10 + 5);
const RANGES_CHUNK_INDEX = 3;
const EMPTY_ROOM = Buffer.alloc(2 * MAX_CMS_BYTES, '0');
const CONTENTS = '\n/Contents <';
const NEW_OBJECT_COUNT = 3;
/** An image and its mask. Their numbers follow those of the other objects. */
const IMAGE_OBJECT_COUNT = 2;

function buildObjects(file: PdfFile, values: Values): { number: number; body: Buffer[] }[] {
  const { name, at, page, rect } = values;
  const pageNumber = file.pages[page - 1];
  if (pageNumber === undefined) throw new PdfError(`PDF 没有第 ${page} 页`);
  const [signature, picture, field] = [file.size, file.size + 1, file.size + 2];
  const reference = `/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 1 /V /1.2 >> >>]`;
  const signatureHead = `<<\n/Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached\n/Name <${name}>\n/M (${at})\n${reference}\n/ByteRange `;
  const widget = `<<\n/Type /Annot\n/Subtype /Widget\n/FT /Sig\n/T (Seal)\n/V ${signature} 0 R\n/P ${pageNumber} 0 R\n/Rect [${rect}]\n/F ${WIDGET_FLAGS}\n/AP << /N ${picture} 0 R >>\n>>`;
  const form = `/AcroForm << /Fields [${field} 0 R] /SigFlags 3 >>\n/Perms << /DocMDP ${signature} 0 R >>`;
  return [
    {
      number: signature,
      body: [Buffer.from(signatureHead), RANGES_PLACEHOLDER, Buffer.from(CONTENTS), EMPTY_ROOM, Buffer.from('>\n>>')],
    },
    ...buildPictureObjects(picture, field + 1, values),
    { number: field, body: [Buffer.from(widget)] },
    { number: pageNumber, body: [extendDictionary(file, pageNumber, `/Annots [${field} 0 R]`, /\/Annots\b/)] },
    { number: file.root, body: [extendDictionary(file, file.root, form, /\/(AcroForm|Perms)\b/)] },
  ];
}

/** Builds the appearance: only operators, or an image in the box with its pixels and its mask. */
function buildPictureObjects(
  form: number,
  image: number,
  { box, drawing }: Values,
): { number: number; body: Buffer[] }[] {
  const stream = (dictionary: string, bytes: Buffer) => [
    Buffer.from(`<<\n/Type /XObject\n${dictionary}\n/Length ${bytes.length}\n>>\nstream\n`),
    bytes,
    Buffer.from('\nendstream'),
  ];
  const bounds = `/BBox [0 0 ${box}]`;
  if ('operators' in drawing) {
    const dictionary = `/Subtype /Form\n/Resources << >>\n/Filter /FlateDecode\n${bounds}`;
    return [{ number: form, body: stream(dictionary, drawing.operators) }];
  }
  const { across, down, colours, alpha } = drawing;
  const resources = `/Resources << /XObject << ${IMAGE_NAME} ${image} 0 R >> >>`;
  const placement = Buffer.from(`q\n${box.replace(' ', ' 0 0 ')} 0 0 cm\n${IMAGE_NAME} Do\nQ`);
  const pixels = `/Subtype /Image\n/Width ${across}\n/Height ${down}\n/BitsPerComponent 8\n/Filter /FlateDecode`;
  return [
    { number: form, body: stream(`/Subtype /Form\n${resources}\n${bounds}`, placement) },
    { number: image, body: stream(`${pixels}\n/ColorSpace /DeviceRGB\n/SMask ${image + 1} 0 R`, colours) },
    { number: image + 1, body: stream(`${pixels}\n/ColorSpace /DeviceGray`, alpha) },
  ];
}

/** Adds entries to a dictionary of the first revision. Throws PdfError if it already has such entries. */
function extendDictionary(file: PdfFile, number: number, entries: string, conflictPattern: RegExp): Buffer {
  const [, dictionary] = /^\d+ 0 obj\n(<<[\s\S]*)>>\s*endobj\s*$/.exec(readObjectText(file, number)) ?? [];
  if (dictionary === undefined || conflictPattern.test(dictionary)) throw new PdfError(`PDF 对象 ${number} 不能扩展`);
  return Buffer.from(`${dictionary}${entries}\n>>`, 'latin1');
}

function locateRoom(file: Uint8Array): Room {
  return locateRoomAfter(toBuffer(file), findRevisionStart(toBuffer(file)));
}

/**
 * Finds the room by the first `/Contents`. The signature's dictionary is the revision's first object.
 * The name before it has only hexadecimal digits, so it cannot contain `/Contents`.
 */
function locateRoomAfter(bytes: Buffer, revisionStart: number): Room {
  const start = bytes.indexOf(CONTENTS, revisionStart, 'latin1') + CONTENTS.length - 1;
  return { start, end: start + 2 * MAX_CMS_BYTES + 2 };
}

/** Computes the file's digest without and with the room. It hashes the bytes before the room only once. */
function computeDigests(file: Buffer, { start, end }: Room): { digest: Buffer; fileDigest: Buffer } {
  const partialHash = createHash('sha256').update(file.subarray(0, start));
  const fileHash = partialHash.copy().update(file.subarray(start));
  return { digest: partialHash.update(file.subarray(end)).digest(), fileDigest: fileHash.digest() };
}

function writeNumber(points: number): string {
  return String(Math.round(points * 100) / 100);
}

/** Formats a time in UTC, to the second. */
function toPdfTime(at: Date): string {
  return `D:${at.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}

function parsePdfTime(text: string): Date {
  const [, year, month, day, hour, minute, second] = /^D:(....)(..)(..)(..)(..)(..)Z$/.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = new Date(iso);
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso) throw new PdfError('PDF 签章时间不正确');
  return time;
}
