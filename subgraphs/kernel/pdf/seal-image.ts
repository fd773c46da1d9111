import { deflateSync, inflateSync } from 'node:zlib';
import { convertIndexedToRgb, type DecodedPng, decode, encode } from 'fast-png';
import { createCache } from '../cache.ts';
import { sha256 } from '../events/events.ts';
import { toBuffer } from './pdf.ts';
import type { Image } from './sealed-pdf.ts';

/** An office's own picture of a seal (印模图片), PNG (ISO/IEC 15948): its validation, and its form in a document. */

export const POINTS_PER_MM = 72 / 25.4;
/** Special seals (专用章) are 40 mm across. 国发〔1999〕25号 reserves 42 mm for the seals of the organs themselves. */
const DIAMETER_MM = 40;
/** Diameter in points, for a drawn seal and for an office's own picture. */
export const SEAL_DIAMETER_POINTS = DIAMETER_MM * POINTS_PER_MM;

const MAX_PNG_BYTES = 262_144;
const MIN_SIDE_PIXELS = 64;
const MAX_SIDE_PIXELS = 1_200;
/** Maximum ratio of the longer to the shorter side. Seals are round, or oval like the tax office's (45 mm by 30 mm). */
const MAX_SIDE_RATIO = 1.6;
/** Maximum total of both streams in a document. A seal has only a few flat areas. */
const MAX_STREAMS_BYTES = 393_216;

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const HEADER_BYTES = 13;
const CHANNELS_BY_COLOUR_TYPE: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Chunks that define the pixels. Other chunks, for instance about the author, are ignored. */
const PIXEL_CHUNKS = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
const ANIMATION_CHUNKS = new Set(['acTL', 'fcTL', 'fdAT']);
const MAX_CHUNKS = 1_000;

/** Thrown when a picture is too large or has another form. The message is a sentence for a person. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
  readonly isTooLarge: boolean;

  constructor(message: string, isTooLarge = false) {
    super(message);
    this.isTooLarge = isTooLarge;
  }
}

const MAX_CACHED_IMAGES = 50;
const imagesByDigest = createCache<Image>(MAX_CACHED_IMAGES);

/**
 * Converts a PNG for a document, as large as a drawn seal, with its proportions kept. Throws PictureError unless it is
 * a PNG of 8 bits per channel, 64 to 1,200 pixels a side, not animated, with correct check sums, and at most 256 KiB.
 */
export function toSealImage(png: Uint8Array): Image {
  const key = sha256(png);
  const cachedImage = imagesByDigest.get(key);
  if (cachedImage) return cachedImage;
  const { width, height, pixels } = readPng(toBuffer(png));
  const [colours, alpha] = [Buffer.alloc(width * height * 3), Buffer.alloc(width * height)];
  for (let i = 0; i < alpha.length; i++) {
    pixels.copy(colours, i * 3, i * 4, i * 4 + 3);
    alpha[i] = pixels[i * 4 + 3] ?? 0;
  }
  const scale = SEAL_DIAMETER_POINTS / Math.max(width, height);
  const image = {
    width: width * scale,
    height: height * scale,
    across: width,
    down: height,
    colours: deflateSync(colours, { level: 9 }),
    alpha: deflateSync(alpha, { level: 9 }),
  };
  if (image.colours.length + image.alpha.length > MAX_STREAMS_BYTES) {
    throw new PictureError('图片细节过多，请使用底色干净的印模图片', true);
  }
  imagesByDigest.set(key, image);
  return image;
}

const pngsByDigest = createCache<Uint8Array>(MAX_CACHED_IMAGES);

/** Converts an image from a document into a PNG. */
export function toPng({ across, down, colours, alpha }: Image): Uint8Array {
  const key = `${sha256(colours)} ${sha256(alpha)}`;
  const cachedPng = pngsByDigest.get(key);
  if (cachedPng) return cachedPng;
  const rgb = inflateSync(colours, { maxOutputLength: across * down * 3 });
  const opacity = inflateSync(alpha, { maxOutputLength: across * down });
  const data = Buffer.alloc(across * down * 4);
  for (let i = 0; i < across * down; i++) {
    rgb.copy(data, i * 4, i * 3, i * 3 + 3);
    data[i * 4 + 3] = opacity[i] ?? 0;
  }
  const png = encode({ width: across, height: down, data, channels: 4, depth: 8 });
  pngsByDigest.set(key, png);
  return png;
}

const buildPictureError = (detail: string) => new PictureError(detail);

function readPng(png: Buffer): { width: number; height: number; pixels: Buffer } {
  if (png.length > MAX_PNG_BYTES) throw new PictureError('图片超过 256 KiB', true);
  const chunks = readChunks(png);
  const { width, height, channels, colour } = readHeader(chunks[0]);
  requireDataLength(chunks, 2 * height * (1 + width * channels));
  let decoded: DecodedPng;
  try {
    const pixelChunks = chunks.filter(({ type }) => PIXEL_CHUNKS.has(type)).map(({ whole }) => whole);
    decoded = decode(Buffer.concat([SIGNATURE, ...pixelChunks]), { checkCrc: true });
    if (colour === 3) {
      const data = convertIndexedToRgb(decoded);
      decoded = { ...decoded, data, channels: data.length / (width * height) };
    }
  } catch {
    throw buildPictureError('图片已损坏');
  }
  if (decoded.data.length !== width * height * decoded.channels) throw buildPictureError('图片已损坏');
  return { width, height, pixels: toRgba(decoded, colour === 3) };
}

interface Chunk {
  type: string;
  body: Buffer;
  /** The whole chunk with its length and check sum. */
  whole: Buffer;
}

/** Returns the chunks from the header to the end chunk. Throws PictureError if bytes follow. */
function readChunks(png: Buffer): Chunk[] {
  if (!png.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw buildPictureError('不是 PNG 图片');
  const chunks: Chunk[] = [];
  let offset = SIGNATURE.length;
  while (offset < png.length) {
    if (offset + 12 > png.length || chunks.length >= MAX_CHUNKS) throw buildPictureError('图片已损坏');
    const end = offset + 12 + png.readUInt32BE(offset);
    if (end > png.length) throw buildPictureError('图片已损坏');
    const type = png.toString('latin1', offset + 4, offset + 8);
    if (ANIMATION_CHUNKS.has(type)) throw buildPictureError('不接受动画');
    // A critical chunk (its first letter is a capital) that this reader does not know.
    if (/^[A-Z]/.test(type) && !PIXEL_CHUNKS.has(type)) throw buildPictureError('图片已损坏');
    chunks.push({ type, body: png.subarray(offset + 8, end - 4), whole: png.subarray(offset, end) });
    offset = end;
  }
  const countChunks = (type: string) => chunks.filter((chunk) => chunk.type === type).length;
  const isWhole = chunks[0]?.type === 'IHDR' && chunks.at(-1)?.type === 'IEND';
  if (
    !isWhole ||
    countChunks('IHDR') !== 1 ||
    countChunks('IEND') !== 1 ||
    countChunks('PLTE') > 1 ||
    countChunks('tRNS') > 1
  )
    throw buildPictureError('图片已损坏');
  return chunks;
}

function readHeader(chunk: Chunk | undefined) {
  if (chunk?.body.length !== HEADER_BYTES) throw buildPictureError('图片已损坏');
  const [width, height] = [chunk.body.readUInt32BE(0), chunk.body.readUInt32BE(4)];
  const [depth = 0, colour = 0] = chunk.body.subarray(8);
  const channels = CHANNELS_BY_COLOUR_TYPE[colour];
  if (channels === undefined) throw buildPictureError('图片已损坏');
  if (depth !== 8) throw buildPictureError('图片须为每通道 8 位');
  const [shortSide, longSide] = [Math.min(width, height), Math.max(width, height)];
  if (shortSide < MIN_SIDE_PIXELS || longSide > MAX_SIDE_PIXELS) {
    throw buildPictureError(`图片每边须为 ${MIN_SIDE_PIXELS} 至 ${MAX_SIDE_PIXELS} 像素`);
  }
  if (longSide > shortSide * MAX_SIDE_RATIO) throw buildPictureError('图片过于狭长');
  return { width, height, channels, colour };
}

/** A few compressed bytes can inflate to very many. This check runs before the PNG library, which has no limit. */
function requireDataLength(chunks: readonly Chunk[], maxBytes: number): void {
  try {
    const data = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ body }) => body));
    inflateSync(data, { maxOutputLength: maxBytes });
  } catch {
    throw buildPictureError('图片已损坏');
  }
}

/** Returns red, green, blue and alpha of every pixel. */
function toRgba({ data, channels, transparency }: DecodedPng, isIndexed: boolean): Buffer {
  const isGrey = channels < 3;
  const pixels = Buffer.alloc((data.length / channels) * 4);
  for (let i = 0; i < pixels.length / 4; i++) {
    const offset = i * channels;
    const parts = isGrey
      ? [data[offset], data[offset], data[offset]]
      : [data[offset], data[offset + 1], data[offset + 2]];
    // tRNS can make one colour transparent. A palette already includes its alpha values.
    const isTransparent = !isIndexed && transparency && parts.every((part, n) => part === transparency[isGrey ? 0 : n]);
    const alpha = channels % 2 === 0 ? data[offset + channels - 1] : isTransparent ? 0 : 255;
    [...parts, alpha].forEach((part, n) => {
      pixels[i * 4 + n] = part ?? 0;
    });
  }
  return pixels;
}
