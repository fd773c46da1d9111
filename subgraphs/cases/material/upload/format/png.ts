import { crc32, inflateSync } from 'node:zlib';
import { Refusal } from '../../../../kernel/refusal.ts';
import { requireModestImage } from './image.ts';

/** The structure of a PNG (ISO/IEC 15948). */

const HEADER_BYTES = 13;
/** Each chunk has 12 bytes around its data. */
const FRAME_BYTES = 12;
/** A file of 20 MiB in chunks of 4 KiB, the least in common use, has 5,120. */
const MAX_CHUNKS = 20_000;
/** Deflate makes at most this many bytes of one (zlib, technical details). */
const MAX_INFLATION = 1_032;
/** Maximum of all compressed texts and profiles together, inflated. */
const MAX_SIDE_DATA_BYTES = 16_777_216;

const CHANNELS_BY_COLOUR_TYPE: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const ANIMATION_CHUNKS: ReadonlySet<string> = new Set(['acTL', 'fcTL', 'fdAT']);

const INCOMPLETE = 'PNG 文件不完整';

/**
 * Returns in words what is wrong with a PNG, or null: chunks with their CRC from IHDR over IDAT to IEND, nothing after
 * it, and enough data for its pixels. Reads each byte once. Refuses FILE_TOO_COMPLEX.
 */
export function findPngFault(bytes: Buffer): string | null {
  let imageBytes = 0;
  let neededBytes = 0;
  let sideDataBytes = 0;
  let chunks = 0;
  for (let offset = 8; offset + FRAME_BYTES <= bytes.length; ) {
    if (++chunks > MAX_CHUNKS) throw new Refusal('FILE_TOO_COMPLEX', null, 'PNG 数据块过多');
    const end = offset + FRAME_BYTES + bytes.readUInt32BE(offset);
    if (end > bytes.length) return INCOMPLETE;
    const type = bytes.toString('latin1', offset + 4, offset + 8);
    const data = bytes.subarray(offset + 8, end - 4);
    if (crc32(bytes.subarray(offset + 4, end - 4)) !== bytes.readUInt32BE(end - 4)) return 'PNG 数据块校验不符';
    if ((offset === 8) !== (type === 'IHDR')) return 'PNG 文件头不正确';
    if (type === 'IHDR') {
      const needed = readNeededBytes(data);
      if (needed === null) return 'PNG 文件头不正确';
      neededBytes = needed;
    }
    if (ANIMATION_CHUNKS.has(type)) throw new Refusal('FILE_TOO_COMPLEX', null, '不接受动画');
    if (type === 'IDAT') imageBytes += data.length;
    const packed = findSideData(type, data);
    if (packed) sideDataBytes += measureSideData(packed, MAX_SIDE_DATA_BYTES - sideDataBytes);
    if (type === 'IEND') {
      if (end !== bytes.length) return 'PNG 结束标记之后还有其他内容';
      return imageBytes * MAX_INFLATION >= neededBytes ? null : 'PNG 没有足够的图像数据';
    }
    offset = end;
  }
  return INCOMPLETE;
}

/** Returns how many bytes the pixels of a header take, or null if the header is wrong. */
function readNeededBytes(header: Buffer): number | null {
  if (header.length !== HEADER_BYTES) return null;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth = 0, colourType = 0, compression, filter] = header.subarray(8);
  const channels = CHANNELS_BY_COLOUR_TYPE[colourType];
  const isKnown = channels !== undefined && [1, 2, 4, 8, 16].includes(depth) && compression === 0 && filter === 0;
  if (!isKnown || width === 0 || height === 0) return null;
  // Interlaced rows are shorter, and in all a little more.
  const decodedBytes = height * Math.floor((width * channels * depth) / 8);
  requireModestImage({ width, height, decodedBytes });
  return decodedBytes;
}

/** Returns the compressed text or profile of a chunk (11.3.2.3 and 11.3.3), or null if it has none. */
function findSideData(type: string, data: Buffer): Buffer | null {
  const keywordEnd = data.indexOf(0);
  if (type === 'zTXt' || type === 'iCCP') return data.subarray(keywordEnd + 2);
  if (type !== 'iTXt' || data[keywordEnd + 1] !== 1) return null;
  const languageEnd = data.indexOf(0, keywordEnd + 3);
  return data.subarray(data.indexOf(0, languageEnd + 1) + 1);
}

/** Returns how many bytes it has inflated. One that is broken has none: readers skip it. */
function measureSideData(packed: Buffer, maxBytes: number): number {
  try {
    return inflateSync(packed, { maxOutputLength: Math.max(1, maxBytes) }).length;
  } catch (error) {
    if (error instanceof RangeError) throw new Refusal('FILE_TOO_COMPLEX', null, 'PNG 附带的文字或配置过大');
    return 0;
  }
}
