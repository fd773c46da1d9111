import { crc32 } from 'node:zlib';
import { Refusal } from '../../../kernel/refusal.ts';
import { requireLine } from '../../../kernel/text.ts';

/** Determines what a file is from its bytes alone. */

/** Accepted types, each with its file name endings. The first ending is added to a name that has none of them. */
export const MEDIA_TYPES = {
  'application/pdf': ['pdf'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/png': ['png'],
} as const;
export type MediaType = keyof typeof MEDIA_TYPES;

export const MAX_FILE_BYTES = 20 * 1_048_576;
/** Characters of a file name without its ending. */
export const MAX_FILE_NAME_CHARS = 120;

/** Other names that senders use for a type. */
const ALIASES: Readonly<Record<string, MediaType>> = { 'image/jpg': 'image/jpeg' };
/** The generic type, which does not identify a file. */
const GENERIC_TYPE = 'application/octet-stream';

/**
 * Returns the type of a file, determined by its first bytes. The file must be complete as far as its structure shows.
 * Refuses FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED, FILE_BROKEN.
 */
export function requireFile(data: Uint8Array): MediaType {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length === 0) throw new Refusal('FILE_EMPTY');
  if (bytes.length > MAX_FILE_BYTES) throw new Refusal('FILE_TOO_LARGE');
  const kind = FILE_KINDS.find(({ head }) => bytes.subarray(0, head.length).equals(head));
  if (!kind) throw new Refusal('FILE_TYPE_NOT_ALLOWED');
  const fault = kind.faultOf(bytes);
  if (fault !== null) throw new Refusal('FILE_BROKEN', null, fault);
  return kind.mediaType;
}

/** Refuses FILE_TYPE_MISMATCH if the sender's content type, or the ending of the name, contradicts the bytes. */
export function requireMatchingType(mediaType: MediaType, contentType: string | null, name: string): void {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? GENERIC_TYPE;
  if (type !== GENERIC_TYPE && type !== '' && (ALIASES[type] ?? type) !== mediaType) {
    throw new Refusal('FILE_TYPE_MISMATCH', 'content-type');
  }
  const ending = endingOf(name);
  const hasKnownEnding = Object.values(MEDIA_TYPES).some((endings) =>
    endings.some((candidate) => candidate === ending),
  );
  if (hasKnownEnding && !MEDIA_TYPES[mediaType].some((candidate) => candidate === ending))
    throw new Refusal('FILE_TYPE_MISMATCH', 'name');
}

/**
 * Checks a file name as it is stored: no folder, no control or direction characters.
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED.
 */
export function requireFileName(name: string): void {
  requireLine(name, MAX_FILE_NAME_CHARS, 'name');
  if (/[/\\]/.test(name)) throw new Refusal('FIELD_MALFORMED', 'name', '不能含有斜线');
}

/** Returns the name with an ending of its type, so that the file opens correctly wherever it is saved. */
export function withEnding(name: string, mediaType: MediaType): string {
  const endings: readonly string[] = MEDIA_TYPES[mediaType];
  return endings.includes(endingOf(name)) ? name : `${name}.${endings[0]}`;
}

function endingOf(name: string): string {
  return /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

interface FileKind {
  mediaType: MediaType;
  head: Buffer;
  /** Describes in words what is wrong with a file that begins with `head`, or null if nothing is. */
  faultOf(bytes: Buffer): string | null;
}

const FILE_KINDS: readonly FileKind[] = [
  { mediaType: 'application/pdf', head: Buffer.from('%PDF-'), faultOf: pdfFault },
  { mediaType: 'image/jpeg', head: Buffer.from([0xff, 0xd8, 0xff]), faultOf: jpegFault },
  {
    mediaType: 'image/png',
    head: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    faultOf: pngFault,
  },
];

/** Readers look for the end of a PDF in this many last bytes (ISO 32000-1, annex H.3, note 18). */
const PDF_TAIL_BYTES = 1_024;

/**
 * Checks ISO 32000-1, 7.5.2 and 7.5.5: a version at the start.
 * At the end the offset of the cross-reference table and %%EOF, and nothing after it.
 */
function pdfFault(bytes: Buffer): string | null {
  if (!/^%PDF-[12]\.\d/.test(bytes.toString('latin1', 0, 8))) return '不是有效的 PDF 文件头';
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - PDF_TAIL_BYTES));
  const end = tail.lastIndexOf('%%EOF');
  if (end < 0) return '缺少 PDF 结束标记，文件可能没有传完';
  if (/[^\0\s]/.test(tail.slice(end + 5))) return 'PDF 结束标记之后还有其他内容';
  const offset = /startxref\s+(\d{1,10})\s+$/.exec(tail.slice(0, end))?.[1];
  if (offset === undefined || Number(offset) >= bytes.length) return 'PDF 交叉引用表缺失';
  return null;
}

/** Checks ISO/IEC 15948: chunks with their CRC from IHDR over IDAT to IEND, and nothing after it. */
function pngFault(bytes: Buffer): string | null {
  const incompleteMessage = 'PNG 文件不完整';
  let hasData = false;
  for (let offset = 8; offset + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(offset);
    const end = offset + 12 + length;
    if (end > bytes.length) return incompleteMessage;
    const type = bytes.toString('latin1', offset + 4, offset + 8);
    if (crc32(bytes.subarray(offset + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) return 'PNG 数据块校验不符';
    if ((offset === 8) !== (type === 'IHDR')) return 'PNG 文件头不正确';
    hasData ||= type === 'IDAT';
    if (type === 'IEND') {
      if (end !== bytes.length) return 'PNG 结束标记之后还有其他内容';
      return hasData ? null : 'PNG 没有图像数据';
    }
    offset = end;
  }
  return incompleteMessage;
}

const JPEG = { restartFirst: 0xd0, restartLast: 0xd7, end: 0xd9, scan: 0xda, fill: 0xff } as const;
/** Markers C0 to CF begin a frame, except those for tables (C4, CC) and a reserved one (C8). */
const NO_FRAME: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);

/**
 * Checks ISO/IEC 10918-1, annex B: segments from SOI over a frame and its scans to EOI.
 * Data after EOI is allowed, because phones put previews and depth maps there.
 */
function jpegFault(bytes: Buffer): string | null {
  const incompleteMessage = 'JPEG 文件不完整';
  let hasFrame = false;
  let hasScan = false;
  let offset = 2;
  while (offset + 2 <= bytes.length) {
    const marker = bytes[offset + 1] ?? 0;
    if (bytes[offset] !== 0xff) return 'JPEG 数据段不正确';
    if (marker === JPEG.fill) {
      offset += 1;
      continue;
    }
    if (marker === JPEG.end) return hasFrame && hasScan ? null : 'JPEG 没有图像数据';
    if (offset + 4 > bytes.length) return incompleteMessage;
    const length = bytes.readUInt16BE(offset + 2);
    if (length < 2) return 'JPEG 数据段不正确';
    hasFrame ||= marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.has(marker);
    hasScan ||= marker === JPEG.scan;
    offset += 2 + length;
    if (marker === JPEG.scan) offset = endOfScan(bytes, offset);
  }
  return incompleteMessage;
}

/**
 * Returns the offset of the next marker after entropy-coded data. In it, FF 00 is a byte and FF D0 to FF D7 are
 * restarts.
 */
function endOfScan(bytes: Buffer, from: number): number {
  for (let offset = bytes.indexOf(0xff, from); offset >= 0; offset = bytes.indexOf(0xff, offset + 1)) {
    const nextByte = bytes[offset + 1];
    if (nextByte === undefined) break;
    const isScanData =
      nextByte === 0 || nextByte === JPEG.fill || (nextByte >= JPEG.restartFirst && nextByte <= JPEG.restartLast);
    if (!isScanData) return offset;
  }
  return bytes.length;
}
