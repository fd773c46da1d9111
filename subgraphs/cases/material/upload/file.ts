import type { FileFormat } from '../../../kernel/events/guide-fact.ts';
import { Refusal } from '../../../kernel/refusal.ts';
import { requireLine } from '../../../kernel/text.ts';
import { type ContainerFormat, examineContainer, readContainerFormat } from './format/container.ts';
import { findJpegFault } from './format/jpeg.ts';
import { findActiveContent, findPdfFault, isPdfStart } from './format/pdf.ts';
import { findPngFault } from './format/png.ts';
import { findTiffFault } from './format/tiff.ts';

/** Determines what a file is from its bytes alone. */

interface MediaTypeRow {
  format: FileFormat;
  /** The first one is added to a name that has none of them. */
  endings: readonly string[];
  /** Other names that senders use for the type. */
  aliases?: readonly string[];
}

const ZIP_TYPES = ['application/zip', 'application/x-zip-compressed'] as const;
const OFFICE = 'application/vnd.openxmlformats-officedocument';

/** Accepted types. */
export const MEDIA_TYPES = {
  'application/pdf': { format: 'PDF', endings: ['pdf'], aliases: ['application/x-pdf'] },
  'image/jpeg': { format: 'JPEG', endings: ['jpg', 'jpeg'], aliases: ['image/jpg', 'image/pjpeg'] },
  'image/png': { format: 'PNG', endings: ['png'] },
  'application/ofd': { format: 'OFD', endings: ['ofd'], aliases: ['application/vnd.ofd', ...ZIP_TYPES] },
  [`${OFFICE}.wordprocessingml.document`]: { format: 'DOCX', endings: ['docx'], aliases: ZIP_TYPES },
  [`${OFFICE}.spreadsheetml.sheet`]: { format: 'XLSX', endings: ['xlsx'], aliases: ZIP_TYPES },
  'image/tiff': { format: 'TIFF', endings: ['tif', 'tiff'], aliases: ['image/tif', 'image/x-tiff'] },
} as const satisfies Record<string, MediaTypeRow>;
export type MediaType = keyof typeof MEDIA_TYPES;

export const MAX_FILE_BYTES = 20 * 1_048_576;
/** Characters of a file name without its ending. */
export const MAX_FILE_NAME_CHARS = 120;

function toMediaType(format: FileFormat): MediaType {
  const types = Object.keys(MEDIA_TYPES) as MediaType[];
  const type = types.find((candidate) => MEDIA_TYPES[candidate].format === format);
  if (type === undefined) throw new Error(`no media type of ${format}`);
  return type;
}

/** The generic type, which does not identify a file. */
const GENERIC_TYPE = 'application/octet-stream';

/**
 * Returns the type of a file, determined by its content. The file must be complete as far as its structure shows.
 * Refuses FILE_EMPTY, FILE_TOO_LARGE, FILE_TYPE_NOT_ALLOWED, FILE_BROKEN, FILE_ENCRYPTED, FILE_INFECTED,
 * FILE_TOO_COMPLEX.
 */
export function requireFile(data: Uint8Array): MediaType {
  return toMediaType(identify(toBuffer(data)).format);
}

function toBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function identify(bytes: Buffer): { kind: FileKind; format: FileFormat } {
  if (bytes.length === 0) throw new Refusal('FILE_EMPTY');
  if (bytes.length > MAX_FILE_BYTES) throw new Refusal('FILE_TOO_LARGE');
  const kind = FILE_KINDS.find(({ begins }) => begins(bytes));
  if (!kind) throw new Refusal('FILE_TYPE_NOT_ALLOWED');
  return { kind, format: kind.readFormat(bytes) };
}

/** The test string of EICAR, in two parts so that scanners do not report this source file. */
const EICAR = Buffer.from(['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD', '-ANTIVIRUS-TEST-FILE!$H+H*'].join(''));

/**
 * Examines a whole file in a worker: its type, and what must not be in it. This is no virus scanner; an office connects
 * one. Refuses what `requireFile` and `findActiveContent` refuse, and FILE_INFECTED.
 */
export function examineFile(data: Uint8Array): MediaType {
  const bytes = toBuffer(data);
  const { kind, format } = identify(bytes);
  requireNoEicar(bytes);
  kind.examine?.(bytes, format);
  return toMediaType(format);
}

function requireNoEicar(bytes: Buffer): void {
  if (bytes.includes(EICAR)) throw new Refusal('FILE_INFECTED', null, 'EICAR 测试文件');
}

/** Refuses FILE_TYPE_MISMATCH if the sender's content type, or the ending of the name, contradicts the bytes. */
export function requireMatchingType(mediaType: MediaType, contentType: string | null, name: string): void {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? GENERIC_TYPE;
  const { endings, aliases = [] }: MediaTypeRow = MEDIA_TYPES[mediaType];
  if (![GENERIC_TYPE, '', mediaType, ...aliases].includes(type)) {
    throw new Refusal('FILE_TYPE_MISMATCH', 'content-type');
  }
  const ending = endingOf(name);
  const rows: readonly MediaTypeRow[] = Object.values(MEDIA_TYPES);
  const hasKnownEnding = rows.some((row) => row.endings.includes(ending));
  if (hasKnownEnding && !endings.includes(ending)) throw new Refusal('FILE_TYPE_MISMATCH', 'name');
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
  const endings: readonly string[] = MEDIA_TYPES[mediaType].endings;
  return endings.includes(endingOf(name)) ? name : `${name}.${endings[0]}`;
}

function endingOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
}

interface FileKind {
  begins(bytes: Buffer): boolean;
  /** Refuses FILE_BROKEN and what else keeps the hub from telling the format. */
  readFormat(bytes: Buffer): FileFormat;
  /** Refuses what must not be in a file of this format. */
  examine?: (bytes: Buffer, format: FileFormat) => void;
}

/** A file of one format. `findFault` describes in words what is wrong with it, or returns null if nothing is. */
function buildKind(
  format: FileFormat,
  heads: readonly (readonly number[])[],
  findFault: (bytes: Buffer) => string | null,
): FileKind {
  return {
    begins: (bytes) => heads.some((head) => bytes.subarray(0, head.length).equals(Buffer.from(head))),
    readFormat(bytes) {
      const fault = findFault(bytes);
      if (fault !== null) throw new Refusal('FILE_BROKEN', null, fault);
      return format;
    },
  };
}

const FILE_KINDS: readonly FileKind[] = [
  {
    ...buildKind('PDF', [], findPdfFault),
    begins: isPdfStart,
    examine(bytes) {
      const activeName = findActiveContent(bytes);
      if (activeName !== null) throw new Refusal('FILE_INFECTED', null, `PDF 含活动内容 ${activeName}`);
    },
  },
  buildKind('JPEG', [[0xff, 0xd8, 0xff]], findJpegFault),
  buildKind('PNG', [[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]], findPngFault),
  buildKind(
    'TIFF',
    [
      [0x49, 0x49, 0x2a, 0x00],
      [0x4d, 0x4d, 0x00, 0x2a],
    ],
    findTiffFault,
  ),
  {
    begins: (bytes) => bytes.toString('latin1', 0, 4) === 'PK\u0003\u0004',
    readFormat: readContainerFormat,
    examine: (bytes, format) => examineContainer(bytes, format as ContainerFormat, requireNoEicar),
  },
];
