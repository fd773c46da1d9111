import { deflateSync, inflateSync } from 'node:zlib';
import { convertIndexedToRgb, type DecodedPng, decode, encode } from 'fast-png';
import { sha256 } from './events.ts';
import { bufferOf } from './pdf.ts';
import { DIAMETER } from './seal-picture.ts';
import type { Image } from './sealed-pdf.ts';

/** An office's own picture of a seal (印模图片), PNG (ISO/IEC 15948): its validation, and its form in a document. */

const PNG_LIMIT_BYTES = 262_144;
const SIDE_LEAST = 64;
const SIDE_MOST = 1_200;
/** Maximum ratio of the longer to the shorter side. Seals are round, or oval like the tax office's (45 mm by 30 mm). */
const RATIO_MOST = 1.6;
/** Maximum total of both streams in a document. A seal has only a few flat areas. */
const STREAMS_LIMIT_BYTES = 393_216;

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const HEADER_BYTES = 13;
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** Chunks that define the pixels. Other chunks, for instance about the author, are ignored. */
const PIXELS = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
const ANIMATION = new Set(['acTL', 'fcTL', 'fdAT']);
const CHUNKS_MOST = 1_000;

/** Thrown when a picture is too large or has another form. The message is a sentence for a person. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
  readonly tooLarge: boolean;

  constructor(message: string, tooLarge = false) {
    super(message);
    this.tooLarge = tooLarge;
  }
}

const known = new Map<string, Image>();
const KNOWN_MOST = 50;

/**
 * Converts a PNG for a document, as large as a drawn seal, with its proportions kept. Throws PictureError unless it is
 * a PNG of 8 bits per channel, 64 to 1,200 pixels a side, not animated, with correct check sums, and at most 256 KiB.
 */
export function imageOf(png: Uint8Array): Image {
  const key = sha256(png);
  const before = known.get(key);
  if (before) return before;
  const { width, height, pixels } = readPng(bufferOf(png));
  const [colours, alpha] = [Buffer.alloc(width * height * 3), Buffer.alloc(width * height)];
  for (let i = 0; i < alpha.length; i++) {
    pixels.copy(colours, i * 3, i * 4, i * 4 + 3);
    alpha[i] = pixels[i * 4 + 3] ?? 0;
  }
  const scale = DIAMETER / Math.max(width, height);
  const image = {
    width: width * scale,
    height: height * scale,
    across: width,
    down: height,
    colours: deflateSync(colours, { level: 9 }),
    alpha: deflateSync(alpha, { level: 9 }),
  };
  if (image.colours.length + image.alpha.length > STREAMS_LIMIT_BYTES) {
    throw new PictureError('图片细节过多，请使用底色干净的印模图片', true);
  }
  if (known.size >= KNOWN_MOST) known.clear();
  known.set(key, image);
  return image;
}

const written = new Map<string, Uint8Array>();

/** Converts an image from a document into a PNG. */
export function pngOf({ across, down, colours, alpha }: Image): Uint8Array {
  const key = `${sha256(colours)} ${sha256(alpha)}`;
  const before = written.get(key);
  if (before) return before;
  const rgb = inflateSync(colours, { maxOutputLength: across * down * 3 });
  const opacity = inflateSync(alpha, { maxOutputLength: across * down });
  const data = Buffer.alloc(across * down * 4);
  for (let i = 0; i < across * down; i++) {
    rgb.copy(data, i * 4, i * 3, i * 3 + 3);
    data[i * 4 + 3] = opacity[i] ?? 0;
  }
  const png = encode({ width: across, height: down, data, channels: 4, depth: 8 });
  if (written.size >= KNOWN_MOST) written.clear();
  written.set(key, png);
  return png;
}

const malformed = (detail: string) => new PictureError(detail);

function readPng(png: Buffer): { width: number; height: number; pixels: Buffer } {
  if (png.length > PNG_LIMIT_BYTES) throw new PictureError('图片超过 256 KiB', true);
  const chunks = chunksOf(png);
  const { width, height, channels, colour } = readHeader(chunks[0]);
  requireLength(chunks, 2 * height * (1 + width * channels));
  let decoded: DecodedPng;
  try {
    const bare = chunks.filter(({ type }) => PIXELS.has(type)).map(({ whole }) => whole);
    decoded = decode(Buffer.concat([SIGNATURE, ...bare]), { checkCrc: true });
    if (colour === 3) {
      const data = convertIndexedToRgb(decoded);
      decoded = { ...decoded, data, channels: data.length / (width * height) };
    }
  } catch {
    throw malformed('图片已损坏');
  }
  if (decoded.data.length !== width * height * decoded.channels) throw malformed('图片已损坏');
  return { width, height, pixels: withAlpha(decoded, colour === 3) };
}

interface Chunk {
  type: string;
  body: Buffer;
  /** The whole chunk with its length and check sum. */
  whole: Buffer;
}

/** Returns the chunks from the header to the end chunk. Throws PictureError if bytes follow. */
function chunksOf(png: Buffer): Chunk[] {
  if (!png.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw malformed('不是 PNG 图片');
  const chunks: Chunk[] = [];
  let at = SIGNATURE.length;
  while (at < png.length) {
    if (at + 12 > png.length || chunks.length >= CHUNKS_MOST) throw malformed('图片已损坏');
    const end = at + 12 + png.readUInt32BE(at);
    if (end > png.length) throw malformed('图片已损坏');
    const type = png.toString('latin1', at + 4, at + 8);
    if (ANIMATION.has(type)) throw malformed('不接受动画');
    // A critical chunk (its first letter is a capital) that this reader does not know.
    if (/^[A-Z]/.test(type) && !PIXELS.has(type)) throw malformed('图片已损坏');
    chunks.push({ type, body: png.subarray(at + 8, end - 4), whole: png.subarray(at, end) });
    at = end;
  }
  const of = (type: string) => chunks.filter((one) => one.type === type).length;
  const whole = chunks[0]?.type === 'IHDR' && chunks.at(-1)?.type === 'IEND';
  if (!whole || of('IHDR') !== 1 || of('IEND') !== 1 || of('PLTE') > 1 || of('tRNS') > 1) throw malformed('图片已损坏');
  return chunks;
}

function readHeader(chunk: Chunk | undefined) {
  if (chunk?.body.length !== HEADER_BYTES) throw malformed('图片已损坏');
  const [width, height] = [chunk.body.readUInt32BE(0), chunk.body.readUInt32BE(4)];
  const [depth = 0, colour = 0] = chunk.body.subarray(8);
  const channels = CHANNELS[colour];
  if (channels === undefined) throw malformed('图片已损坏');
  if (depth !== 8) throw malformed('图片须为每通道 8 位');
  const [less, more] = [Math.min(width, height), Math.max(width, height)];
  if (less < SIDE_LEAST || more > SIDE_MOST) {
    throw malformed(`图片每边须为 ${SIDE_LEAST} 至 ${SIDE_MOST} 像素`);
  }
  if (more > less * RATIO_MOST) throw malformed('图片过于狭长');
  return { width, height, channels, colour };
}

/** A few compressed bytes can inflate to very many. This check runs before the PNG library, which has no limit. */
function requireLength(chunks: readonly Chunk[], mostBytes: number): void {
  try {
    const data = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ body }) => body));
    inflateSync(data, { maxOutputLength: mostBytes });
  } catch {
    throw malformed('图片已损坏');
  }
}

/** Returns red, green, blue and alpha of every pixel. */
function withAlpha({ data, channels, transparency }: DecodedPng, indexed: boolean): Buffer {
  const grey = channels < 3;
  const pixels = Buffer.alloc((data.length / channels) * 4);
  for (let i = 0; i < pixels.length / 4; i++) {
    const from = i * channels;
    const parts = grey ? [data[from], data[from], data[from]] : [data[from], data[from + 1], data[from + 2]];
    // tRNS can make one colour transparent. A palette already includes its alpha values.
    const none = !indexed && transparency && parts.every((part, n) => part === transparency[grey ? 0 : n]);
    const alpha = channels % 2 === 0 ? data[from + channels - 1] : none ? 0 : 255;
    [...parts, alpha].forEach((part, n) => {
      pixels[i * 4 + n] = part ?? 0;
    });
  }
  return pixels;
}
