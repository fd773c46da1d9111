import { crc32 } from 'node:zlib';
import { Refusal } from '../../kernel/refusal.ts';

/** Determines what a file is from its bytes alone. */

/** Accepted types, each with its file name endings. The first ending is added to a name that has none of them. */
export const MEDIA_TYPES = {
  'application/pdf': ['pdf'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/png': ['png'],
} as const;
export type MediaType = keyof typeof MEDIA_TYPES;

export const FILE_BYTES_MOST = 20 * 1_048_576;
/** Characters of a file name without its ending. */
export const FILE_NAME_LENGTH = 120;

/** Other names that senders use for a type. */
const ALIASES: Readonly<Record<string, MediaType>> = { 'image/jpg': 'image/jpeg' };
/** The generic type, which does not identify a file. */
const UNSAID = 'application/octet-stream';

/**
 * Returns the type of a file, determined by its first bytes. The file must be complete as far as its structure shows.
 * Refuses FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED, FILE_BROKEN.
 */
export function requireFile(data: Uint8Array): MediaType {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length === 0) throw new Refusal('FILE_EMPTY');
  if (bytes.length > FILE_BYTES_MOST) throw new Refusal('FILE_TOO_LARGE');
  const kind = KINDS.find(({ head }) => bytes.subarray(0, head.length).equals(head));
  if (!kind) throw new Refusal('FILE_TYPE_NOT_ALLOWED');
  const fault = kind.faultOf(bytes);
  if (fault !== null) throw new Refusal('FILE_BROKEN', null, fault);
  return kind.mediaType;
}

/** Refuses FILE_TYPE_MISMATCH if the sender's content type, or the ending of the name, contradicts the bytes. */
export function requireHonest(mediaType: MediaType, said: string | null, name: string): void {
  const type = said?.split(';')[0]?.trim().toLowerCase() ?? UNSAID;
  if (type !== UNSAID && type !== '' && (ALIASES[type] ?? type) !== mediaType) {
    throw new Refusal('FILE_TYPE_MISMATCH', 'content-type');
  }
  const ending = endingOf(name);
  const named = Object.values(MEDIA_TYPES).some((endings) => endings.some((one) => one === ending));
  if (named && !MEDIA_TYPES[mediaType].some((one) => one === ending)) throw new Refusal('FILE_TYPE_MISMATCH', 'name');
}

/**
 * Checks a file name as it is stored: no folder, no control or direction characters.
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED.
 */
export function requireFileName(name: string): void {
  if ([...name].length > FILE_NAME_LENGTH) throw new Refusal('FIELD_TOO_LONG', 'name', `最多 ${FILE_NAME_LENGTH} 字`);
  // Control characters, format characters (including marks that turn the writing direction) and lone surrogates.
  // No honest name needs one.
  if (name.trim() === '' || name !== name.trim() || /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029/\\]/u.test(name)) {
    throw new Refusal('FIELD_MALFORMED', 'name');
  }
}

/** Returns the name with an ending of its type, so that the file opens correctly wherever it is saved. */
export function trueName(name: string, mediaType: MediaType): string {
  const endings: readonly string[] = MEDIA_TYPES[mediaType];
  return endings.includes(endingOf(name)) ? name : `${name}.${endings[0]}`;
}

function endingOf(name: string): string {
  return /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

interface Kind {
  mediaType: MediaType;
  head: Buffer;
  /** Describes in words what is wrong with a file that begins with `head`, or null if nothing is. */
  faultOf(bytes: Buffer): string | null;
}

const KINDS: readonly Kind[] = [
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
  const cut = 'PNG 文件不完整';
  let data = false;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const end = at + 12 + length;
    if (end > bytes.length) return cut;
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) return 'PNG 数据块校验不符';
    if ((at === 8) !== (type === 'IHDR')) return 'PNG 文件头不正确';
    data ||= type === 'IDAT';
    if (type === 'IEND') {
      if (end !== bytes.length) return 'PNG 结束标记之后还有其他内容';
      return data ? null : 'PNG 没有图像数据';
    }
    at = end;
  }
  return cut;
}

const JPEG = { restartFirst: 0xd0, restartLast: 0xd7, end: 0xd9, scan: 0xda, fill: 0xff } as const;
/** Markers C0 to CF begin a frame, except those for tables (C4, CC) and a reserved one (C8). */
const NO_FRAME: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);

/**
 * Checks ISO/IEC 10918-1, annex B: segments from SOI over a frame and its scans to EOI.
 * Data after EOI is allowed, because phones put previews and depth maps there.
 */
function jpegFault(bytes: Buffer): string | null {
  const cut = 'JPEG 文件不完整';
  let frame = false;
  let scan = false;
  let at = 2;
  while (at + 2 <= bytes.length) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff) return 'JPEG 数据段不正确';
    if (marker === JPEG.fill) {
      at += 1;
      continue;
    }
    if (marker === JPEG.end) return frame && scan ? null : 'JPEG 没有图像数据';
    if (at + 4 > bytes.length) return cut;
    const length = bytes.readUInt16BE(at + 2);
    if (length < 2) return 'JPEG 数据段不正确';
    frame ||= marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.has(marker);
    scan ||= marker === JPEG.scan;
    at += 2 + length;
    if (marker === JPEG.scan) at = endOfScan(bytes, at);
  }
  return cut;
}

/**
 * Returns the offset of the next marker after entropy-coded data. In it, FF 00 is a byte and FF D0 to FF D7 are
 * restarts.
 */
function endOfScan(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next === undefined) break;
    const within = next === 0 || next === JPEG.fill || (next >= JPEG.restartFirst && next <= JPEG.restartLast);
    if (!within) return at;
  }
  return bytes.length;
}
