import { Refusal } from '../../../../kernel/refusal.ts';
import { requireModestImage } from './image.ts';

/** The structure of a JPEG (ISO/IEC 10918-1, annex B). */

const JPEG = { restartFirst: 0xd0, restartLast: 0xd7, end: 0xd9, scan: 0xda, fill: 0xff } as const;
/** Markers C0 to CF begin a frame, except those for tables (C4, CC) and a reserved one (C8). */
const NO_FRAME: ReadonlySet<number> = new Set([0xc4, 0xc8, 0xcc]);
/** Precision, height, width and number of components come after the length of a frame. */
const FRAME_HEAD_BYTES = 8;
/** Each scan passes over the whole image again. Programs write 10 or fewer. */
const MAX_SCANS = 64;

const INCOMPLETE = 'JPEG 文件不完整';
const WRONG_SEGMENT = 'JPEG 数据段不正确';

/**
 * Returns in words what is wrong with a JPEG, or null: segments from SOI over one frame and its scans to EOI. Data
 * after EOI is allowed, because phones put previews and depth maps there. Reads each byte once. Refuses
 * FILE_TOO_COMPLEX.
 */
export function findJpegFault(bytes: Buffer): string | null {
  let frames = 0;
  let scans = 0;
  let offset = 2;
  while (offset + 2 <= bytes.length) {
    const marker = bytes[offset + 1] ?? 0;
    if (bytes[offset] !== 0xff) return WRONG_SEGMENT;
    if (marker === JPEG.fill) {
      offset += 1;
      continue;
    }
    if (marker === JPEG.end) return frames === 1 && scans > 0 ? null : 'JPEG 没有图像数据';
    if (offset + 4 > bytes.length) return INCOMPLETE;
    const length = bytes.readUInt16BE(offset + 2);
    if (length < 2) return WRONG_SEGMENT;
    if (marker >= 0xc0 && marker <= 0xcf && !NO_FRAME.has(marker)) {
      frames += 1;
      if (offset + 2 + FRAME_HEAD_BYTES > bytes.length) return INCOMPLETE;
      const [height, width] = [bytes.readUInt16BE(offset + 5), bytes.readUInt16BE(offset + 7)];
      if (length < FRAME_HEAD_BYTES || height === 0 || width === 0) return WRONG_SEGMENT;
      requireModestImage({ width, height, decodedBytes: width * height * (bytes[offset + 9] ?? 0) });
    }
    offset += 2 + length;
    if (marker !== JPEG.scan) continue;
    if (++scans > MAX_SCANS) throw new Refusal('FILE_TOO_COMPLEX', null, `JPEG 扫描过多，最多 ${MAX_SCANS} 遍`);
    offset = findScanEnd(bytes, offset);
  }
  return INCOMPLETE;
}

/**
 * Returns the offset of the next marker after entropy-coded data. In it, FF 00 is a byte and FF D0 to FF D7 are
 * restarts.
 */
function findScanEnd(bytes: Buffer, from: number): number {
  for (let offset = from; offset + 1 < bytes.length; offset++) {
    if (bytes[offset] !== 0xff) continue;
    const next = bytes[offset + 1] ?? 0;
    const isScanData = next === 0 || next === JPEG.fill || (next >= JPEG.restartFirst && next <= JPEG.restartLast);
    if (!isScanData) return offset;
  }
  return bytes.length;
}
