import { inflateSync } from 'node:zlib';
import { Refusal } from '../../../../kernel/refusal.ts';
import { requireModestImage } from './image.ts';
import {
  ARRAY_START,
  findPdfNames,
  indexPdfNames,
  isPdfSpace,
  type PdfName,
  readPdfName,
  SLASH,
  skipPdfSpace,
} from './pdf-names.ts';

/** The structure of a PDF (ISO 32000-1) as far as the hub judges it, and the active content in it. */

/** Readers look for the end of a PDF in this many last bytes (ISO 32000-1, annex H.3, note 18). */
const TAIL_BYTES = 1_024;
const MAX_OFFSET_DIGITS = 10;

/**
 * What programs put before a PDF without harm: a byte-order mark, white space, zeros. Readers find the header within
 * 1,024 bytes (annex H.3, note 13). Anything else could make it a file of another kind as well.
 */
const LEAD = /^(?:\xef\xbb\xbf)?[\0\s]*(?=%PDF-)/;

/**
 * What gateways, printers and mail programs put behind one without harm: white space, filling, ends of print jobs (ESC)
 * and plain words. No markup, and nothing in which another file could be.
 */
const HARMLESS_BYTES: ReadonlySet<number> = new Set([
  ...[0x00, 0x09, 0x0a, 0x0c, 0x0d, 0x1a, 0x1b, 0x20, 0xff, 0xef, 0xbb, 0xbf],
  ...Buffer.from('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.,:;=+-@%'),
]);

/** Returns whether a file begins like a PDF. */
export function isPdfStart(bytes: Buffer): boolean {
  return LEAD.test(bytes.toString('latin1', 0, TAIL_BYTES));
}

/**
 * Returns in words what is wrong with a PDF, or null. Checks ISO 32000-1, 7.5.2 and 7.5.5: a version at the start; at
 * the end the offset of the cross-reference table and %%EOF, and nothing but `HARMLESS_BYTES` after it.
 */
export function findPdfFault(bytes: Buffer): string | null {
  const head = bytes.toString('latin1', 0, TAIL_BYTES).replace(LEAD, '');
  if (!/^%PDF-[12]\.\d/.test(head)) return '不是有效的 PDF 文件头';
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - TAIL_BYTES));
  const end = tail.lastIndexOf('%%EOF');
  if (end < 0) return '缺少 PDF 结束标记，文件可能没有传完';
  if (!Buffer.from(tail.slice(end + 5), 'latin1').every((byte) => HARMLESS_BYTES.has(byte)))
    return 'PDF 结束标记之后还有其他内容';
  const words = tail.slice(0, end).trimEnd();
  const start = words.lastIndexOf('startxref');
  const offset = start < 0 ? '' : words.slice(start + 'startxref'.length).trim();
  const isOffset = /^\d+$/.test(offset) && offset.length <= MAX_OFFSET_DIGITS && Number(offset) < bytes.length;
  return isOffset ? null : 'PDF 交叉引用表缺失';
}

/**
 * Names of actions that run programs or scripts by themselves or at a click, and of content with scripts of its own
 * (ISO 32000-1, 12.6.4, 12.7.8, 13.6.2, and Adobe's supplement).
 */
const ACTIVE_NAMES: ReadonlySet<string> = new Set(['JavaScript', 'Launch', 'Rendition', 'RichMedia', 'XFA']);
/** Filters that turn few bytes into many. */
const COMPRESSIONS: ReadonlySet<string> = new Set(['FlateDecode', 'Fl', 'LZWDecode', 'LZW', 'RunLengthDecode', 'RL']);
/** Filters behind which the hub cannot read text. Deflate it can read; the others are for pictures. */
const OPAQUE_FILTERS: ReadonlySet<string> = new Set([
  ...['ASCIIHexDecode', 'AHx', 'ASCII85Decode', 'A85', 'LZWDecode', 'LZW', 'RunLengthDecode', 'RL', 'Crypt'],
]);
const MAX_FILTERS = 8;
/** Names of interest in one file. Each picture has three. */
const MAX_NAMES = 200_000;
const NAMES = indexPdfNames([...ACTIVE_NAMES, 'Encrypt', 'Filter', 'ObjStm', 'Width', 'Height']);

/** Arrays and dictionaries within each other. Real files have a dozen; readers call themselves for each level. */
const MAX_DEPTH = 5_000;
/** Maximum of all object streams together, inflated, and of one. */
const MAX_OBJECT_BYTES = 33_554_432;
const MAX_OBJECT_STREAM_BYTES = 8_388_608;
const MAX_OBJECT_STREAMS = 5_000;

/**
 * Returns the name of active content in a PDF, or null. Looks at every byte, also within strings, comments and streams:
 * a reader finds objects by their offset, wherever they are. Object streams are inflated. Contents of pages are not.
 *
 * Refuses FILE_ENCRYPTED, and FILE_TOO_COMPLEX for what the hub cannot examine or a reader could fall over. The time is
 * linear in the size of the file and of its object streams.
 */
export function findActiveContent(bytes: Buffer): string | null {
  let objectStreams = 0;
  let hasOpaqueFilter = false;
  let remainingBytes = MAX_OBJECT_BYTES;
  let names = 0;
  let width = 0;
  const visit = (text: Buffer, name: PdfName): string | null => {
    if (++names > MAX_NAMES) throw buildOpaqueError();
    if (ACTIVE_NAMES.has(name.text)) return `/${name.text}`;
    if (name.text === 'Encrypt') throw new Refusal('FILE_ENCRYPTED');
    if (name.text === 'Filter') hasOpaqueFilter = readFilters(text, name.end) || hasOpaqueFilter;
    if (name.text === 'Width') width = readNumber(text, name.end);
    if (name.text === 'Height') {
      const height = readNumber(text, name.end);
      requireModestImage({ width, height, decodedBytes: width * height });
    }
    if (name.text !== 'ObjStm') return null;
    // An object stream cannot be within another one.
    if (text !== bytes || ++objectStreams > MAX_OBJECT_STREAMS) throw buildOpaqueError();
    const objects = readObjectStream(text, name.end, remainingBytes);
    remainingBytes -= objects.length;
    return findIn(objects);
  };
  const findIn = (text: Buffer): string | null => findPdfNames(text, NAMES, MAX_DEPTH, (name) => visit(text, name));
  const activeName = findIn(bytes);
  if (activeName === null && objectStreams > 0 && hasOpaqueFilter) throw buildOpaqueError();
  return activeName;
}

function buildOpaqueError(): Refusal {
  return new Refusal('FILE_TOO_COMPLEX', null, 'PDF 含有无法检查的数据');
}

/**
 * Reads the value of /Filter. Returns whether text could be hidden behind it. Refuses FILE_TOO_COMPLEX for compressed
 * data within compressed data, of which a few bytes can become terabytes.
 */
function readFilters(text: Buffer, from: number): boolean {
  let offset = skipPdfSpace(text, from);
  const isList = text[offset] === ARRAY_START;
  if (isList) offset = skipPdfSpace(text, offset + 1);
  const filters: string[] = [];
  while (text[offset] === SLASH && filters.length < (isList ? MAX_FILTERS : 1)) {
    const name = readPdfName(text, offset);
    if (!name) break;
    filters.push(name.text);
    offset = skipPdfSpace(text, name.end);
  }
  if (filters.filter((filter) => COMPRESSIONS.has(filter)).length > 1) {
    throw new Refusal('FILE_TOO_COMPLEX', null, 'PDF 含有多重压缩的数据');
  }
  // A reference to another object is not followed, and a far-off value not looked for.
  const isUnread = filters.length === 0 && /^[\s\d%]/.test(text.toString('latin1', offset, offset + 1));
  return isUnread || filters.length === MAX_FILTERS || filters.some((filter) => OPAQUE_FILTERS.has(filter));
}

function readNumber(text: Buffer, from: number): number {
  const start = skipPdfSpace(text, from);
  const digits = /^\d{1,9}/.exec(text.toString('latin1', start, start + 9))?.[0];
  return Number(digits ?? 0);
}

/**
 * Returns the text of the object stream whose dictionary has /ObjStm before `from` (ISO 32000-1, 7.5.7). Refuses
 * FILE_TOO_COMPLEX if no stream follows, or if it is neither plain nor deflated, or too long.
 */
function readObjectStream(text: Buffer, from: number, maxBytes: number): Buffer {
  const start = findStreamStart(text, from);
  if (start === null) throw buildOpaqueError();
  const isDeflated = ((text[start] ?? 0) & 0x0f) === 8 && text.readUInt16BE(start) % 31 === 0;
  let objects: Buffer;
  try {
    objects = isDeflated
      ? inflateSync(text.subarray(start), { maxOutputLength: Math.max(1, Math.min(MAX_OBJECT_STREAM_BYTES, maxBytes)) })
      : text.subarray(start, start + 64);
  } catch {
    throw buildOpaqueError();
  }
  // It begins with the numbers and offsets of its objects. What a predictor or another filter has changed does not.
  if (!/^[\t\n\r ]*\d+[\t\n\r ]+\d+[\t\n\r ]/.test(objects.toString('latin1', 0, 64))) throw buildOpaqueError();
  // The bytes of a plain one are looked at as those of the file.
  return isDeflated ? objects : Buffer.alloc(0);
}

/** A dictionary of a stream is short. */
const MAX_DICTIONARY_BYTES = 4_096;

/** Returns where the data begins of the stream whose dictionary `from` is in, or null. */
function findStreamStart(text: Buffer, from: number): number | null {
  const head = text.subarray(from, from + MAX_DICTIONARY_BYTES);
  for (let at = head.indexOf('stream'); at >= 0; at = head.indexOf('stream', at + 1)) {
    let before = at - 1;
    while (before >= 0 && isPdfSpace(head[before] ?? 0)) before -= 1;
    if (head[before] !== 0x3e || head[before - 1] !== 0x3e) continue;
    let start = from + at + 'stream'.length;
    if (text[start] === 0x0d) start += 1;
    if (text[start] === 0x0a) start += 1;
    return start + 1 < text.length ? start : null;
  }
  return null;
}
