import { Refusal } from '../../../kernel/refusal.ts';
import { requireLine } from '../../../kernel/text.ts';
import { findJpegFault } from './jpeg.ts';
import { findActiveContent, findPdfFault } from './pdf.ts';
import { findPngFault } from './png.ts';

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
 * Refuses FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED, FILE_BROKEN, FILE_TOO_COMPLEX.
 */
export function requireFile(data: Uint8Array): MediaType {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length === 0) throw new Refusal('FILE_EMPTY');
  if (bytes.length > MAX_FILE_BYTES) throw new Refusal('FILE_TOO_LARGE');
  const kind = FILE_KINDS.find(({ head }) => bytes.subarray(0, head.length).equals(head));
  if (!kind) throw new Refusal('FILE_TYPE_NOT_ALLOWED');
  const fault = kind.findFault(bytes);
  if (fault !== null) throw new Refusal('FILE_BROKEN', null, fault);
  return kind.mediaType;
}

/** The test string of EICAR, in two parts so that scanners do not report this source file. */
const EICAR = Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*'].join(''));

/**
 * Examines a whole file in a worker: its type, and what must not be in it. This is no virus scanner; an office connects
 * one. Refuses what `requireFile` and `findActiveContent` refuse, and FILE_INFECTED.
 */
export function examineFile(data: Uint8Array): MediaType {
  const mediaType = requireFile(data);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.includes(EICAR)) throw new Refusal('FILE_INFECTED', null, 'EICAR 测试文件');
  const activeName = mediaType === 'application/pdf' ? findActiveContent(bytes) : null;
  if (activeName !== null) throw new Refusal('FILE_INFECTED', null, `PDF 含活动内容 ${activeName}`);
  return mediaType;
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
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
}

interface FileKind {
  mediaType: MediaType;
  head: Buffer;
  /** Describes in words what is wrong with a file that begins with `head`, or null if nothing is. */
  findFault(bytes: Buffer): string | null;
}

const FILE_KINDS: readonly FileKind[] = [
  { mediaType: 'application/pdf', head: Buffer.from('%PDF-'), findFault: findPdfFault },
  { mediaType: 'image/jpeg', head: Buffer.from([0xff, 0xd8, 0xff]), findFault: findJpegFault },
  {
    mediaType: 'image/png',
    head: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    findFault: findPngFault,
  },
];
