import { Refusal } from '../../../../kernel/refusal.ts';
import { requireModestImage } from './image.ts';

/** The structure of a TIFF (revision 6.0): its pages (IFDs), each with its size and the places of its data. */

const MAX_PAGES = 500;
/** Entries of one page. Programs write 10 to 60. */
const MAX_ENTRIES = 1_000;
/** Offsets and sizes of strips and tiles, of all pages together. */
const MAX_VALUES = 400_000;
/** Samples of a pixel: red, green, blue, and a few more. */
const MAX_SAMPLES = 32;
/** All pages together, decoded: 60 pages of A4 at 300 dpi in colour, or a thousand in black and white. */
const MAX_DECODED_BYTES = 1_600_000_000;
const ENTRY_BYTES = 12;
/** Types of the values that are read (section 2). */
const [SHORT, LONG] = [3, 4];
const TAG = { width: 256, length: 257, bits: 258, strips: 273, samples: 277, stripSizes: 279 } as const;
const TILE_TAG = { tiles: 324, tileSizes: 325 } as const;

const INCOMPLETE = 'TIFF 文件不完整';
const WRONG = 'TIFF 页面数据不正确';

/**
 * Returns in words what is wrong with a TIFF, or null: pages that follow each other to an end, each with a size and
 * with data within the file. Follows each page once. Refuses FILE_TOO_COMPLEX.
 */
export function findTiffFault(bytes: Buffer): string | null {
  const reader = createReader(bytes);
  if (bytes.length < 8) return INCOMPLETE;
  const seen = new Set<number>();
  let decodedBytes = 0;
  for (let at = reader.long(4); at !== 0; ) {
    if (seen.has(at)) return WRONG;
    if (seen.size === MAX_PAGES) throw new Refusal('FILE_TOO_COMPLEX', null, `TIFF 最多 ${MAX_PAGES} 页`);
    seen.add(at);
    if (at < 8 || at + 2 > bytes.length) return INCOMPLETE;
    const count = reader.short(at);
    const next = at + 2 + count * ENTRY_BYTES;
    if (count > MAX_ENTRIES) throw new Refusal('FILE_TOO_COMPLEX', null, 'TIFF 页面数据过多');
    if (next + 4 > bytes.length) return INCOMPLETE;
    const page = readPage(reader, at + 2, count);
    if (typeof page === 'string') return page;
    requireModestImage(page);
    decodedBytes += page.decodedBytes;
    if (decodedBytes > MAX_DECODED_BYTES) throw new Refusal('FILE_TOO_COMPLEX', null, 'TIFF 展开后过大');
    at = reader.long(next);
  }
  return seen.size === 0 ? WRONG : null;
}

interface TiffReader {
  bytes: Buffer;
  remainingValues: number;
  short(at: number): number;
  long(at: number): number;
}

function createReader(bytes: Buffer): TiffReader {
  const isLittle = bytes[0] === 0x49;
  return {
    bytes,
    remainingValues: MAX_VALUES,
    short: (at) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)),
    long: (at) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)),
  };
}

interface TiffPage {
  width: number;
  height: number;
  decodedBytes: number;
}

/** Reads the page whose entries begin at `from`. Returns in words what is wrong with it. */
function readPage(reader: TiffReader, from: number, count: number): TiffPage | string {
  const values = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const at = from + i * ENTRY_BYTES;
    const tag = reader.short(at);
    const isNeeded = [...Object.values(TAG), ...Object.values(TILE_TAG)].some((needed) => needed === tag);
    if (!isNeeded) continue;
    const list = readValues(reader, at);
    if (list === null || values.has(tag)) return WRONG;
    values.set(tag, list);
  }
  const [width = 0] = values.get(TAG.width) ?? [];
  const [height = 0] = values.get(TAG.length) ?? [];
  const offsets = values.get(TAG.strips) ?? values.get(TILE_TAG.tiles) ?? [];
  const sizes = values.get(TAG.stripSizes) ?? values.get(TILE_TAG.tileSizes) ?? [];
  const isPlaced = offsets.length > 0 && offsets.length === sizes.length;
  if (width === 0 || height === 0 || !isPlaced) return WRONG;
  if (offsets.some((offset, i) => offset + (sizes[i] ?? 0) > reader.bytes.length)) return INCOMPLETE;
  const samples = values.get(TAG.samples)?.[0] ?? 1;
  if (samples > MAX_SAMPLES) return WRONG;
  const bits = Math.max(1, ...(values.get(TAG.bits) ?? []).slice(0, MAX_SAMPLES));
  return { width, height, decodedBytes: height * Math.ceil((width * bits * samples) / 8) };
}

/** Reads the numbers of an entry, which are in it or at the offset that it has. Null if they are not in the file. */
function readValues(reader: TiffReader, at: number): number[] | null {
  const [type, count] = [reader.short(at + 2), reader.long(at + 4)];
  reader.remainingValues -= count;
  if (reader.remainingValues < 0) throw new Refusal('FILE_TOO_COMPLEX', null, 'TIFF 页面数据过多');
  if (type !== SHORT && type !== LONG) return null;
  const bytes = type === SHORT ? 2 : 4;
  const start = bytes * count <= 4 ? at + 8 : reader.long(at + 8);
  if (count === 0 || start + bytes * count > reader.bytes.length) return null;
  const read = type === SHORT ? reader.short : reader.long;
  return Array.from({ length: count }, (_, i) => read(start + i * bytes));
}
