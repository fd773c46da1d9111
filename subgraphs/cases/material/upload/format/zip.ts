import { crc32, inflateRawSync } from 'node:zlib';
import { Refusal } from '../../../../kernel/refusal.ts';
import { findTextProblem } from '../../../../kernel/text.ts';

/**
 * A strict reader of ZIP files (PKWARE APPNOTE 6.3). Programs differ in what they make of a ZIP whose central directory
 * and local headers disagree; here each must say the same. Libraries (yauzl, fflate) are lenient where this is strict.
 */

/** A part of a container. */
export interface ZipEntry {
  name: string;
  isDeflated: boolean;
  packedBytes: number;
  unpackedBytes: number;
  crc: number;
  /** Offset of its data. */
  start: number;
}

const MAX_ENTRIES = 5_000;
const MAX_NAME_CHARS = 255;
/** Maximum of one part, unpacked, and of all. */
const MAX_PART_BYTES = 33_554_432;
const MAX_UNPACKED_BYTES = 67_108_864;
/** Tables with empty cells reach 100. Deflate cannot pass 1,032. */
const MAX_RATIO = 250;
/** Parts up to this size may be packed as well as deflate can. */
const MAX_FREE_BYTES = 1_048_576;

const END = { signature: 0x06054b50, bytes: 22 } as const;
const DIRECTORY = { signature: 0x02014b50, bytes: 46 } as const;
const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;
/** General purpose flags (4.4.4): encryption of several kinds, and the size after the data. */
const FLAGS = { encrypted: 0x0001, sizeFollows: 0x0008, strongEncryption: 0x0040, maskedHeader: 0x2000 } as const;
const DEFLATE = 8;
const ZIP64_MARK = 0xffffffff;
/** A local header says less if the size comes after the data: signature, CRC and two sizes follow it. */
const MAX_DESCRIPTOR_BYTES = 16;

function buildBroken(what: string): Refusal {
  return new Refusal('FILE_BROKEN', null, what);
}

function buildTooComplex(what: string): Refusal {
  return new Refusal('FILE_TOO_COMPLEX', null, what);
}

/**
 * Returns the parts that the central directory of a ZIP lists, folders left out. It must be the end of the file, name
 * each part once, and agree with the headers of the parts, which lie one after another from the first byte.
 * Refuses FILE_BROKEN, FILE_ENCRYPTED, FILE_TOO_COMPLEX.
 */
export function listZipEntries(bytes: Buffer): ZipEntry[] {
  const end = bytes.length - END.bytes;
  // A comment would stand after it. Programs that write documents write none, and a second end could hide in it.
  if (end < 0 || bytes.readUInt32LE(end) !== END.signature) throw buildBroken('压缩包不完整或末尾有其他内容');
  const [count, size, from] = [
    bytes.readUInt16LE(end + 10),
    bytes.readUInt32LE(end + 12),
    bytes.readUInt32LE(end + 16),
  ];
  const isOneDisk = bytes.readUInt32LE(end + 4) === 0 && bytes.readUInt16LE(end + 8) === count;
  if (!isOneDisk || from + size !== end) throw buildBroken('压缩包目录不正确');
  if (count > MAX_ENTRIES) throw buildTooComplex(`压缩包内文件过多，最多 ${MAX_ENTRIES} 个`);
  const places: Place[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    if (at + DIRECTORY.bytes > end) throw buildBroken('压缩包目录不正确');
    const place = readDirectoryEntry(bytes, at);
    at = place.next;
    places.push(place);
  }
  if (at !== end) throw buildBroken('压缩包目录不正确');
  requireSizes(places);
  return requireOneAfterAnother(bytes, places, from).filter(({ name }) => !name.endsWith('/'));
}

/** What the central directory says of a part. */
interface Place extends Omit<ZipEntry, 'start'> {
  flags: number;
  header: number;
  /** Offset of the next entry of the directory. */
  next: number;
}

function readDirectoryEntry(bytes: Buffer, at: number): Place {
  if (bytes.readUInt32LE(at) !== DIRECTORY.signature) throw buildBroken('压缩包目录不正确');
  const flags = bytes.readUInt16LE(at + 8);
  const method = bytes.readUInt16LE(at + 10);
  const [crc, packedBytes, unpackedBytes] = [16, 20, 24].map((field) => bytes.readUInt32LE(at + field)) as [
    number,
    number,
    number,
  ];
  const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
    number,
    number,
    number,
  ];
  const header = bytes.readUInt32LE(at + 42);
  const start = at + DIRECTORY.bytes;
  if (flags & (FLAGS.encrypted | FLAGS.strongEncryption | FLAGS.maskedHeader)) throw new Refusal('FILE_ENCRYPTED');
  if (method !== 0 && method !== DEFLATE) throw buildTooComplex('压缩包使用了不接受的压缩方式');
  if ([packedBytes, unpackedBytes, header].includes(ZIP64_MARK)) throw buildTooComplex('不接受 ZIP64');
  if (method === 0 && packedBytes !== unpackedBytes) throw buildBroken('压缩包目录不正确');
  const name = readName(bytes.subarray(start, start + nameBytes));
  const next = start + nameBytes + extraBytes + commentBytes;
  return { name, isDeflated: method === DEFLATE, packedBytes, unpackedBytes, crc, flags, header, next };
}

/** Reads the name of a part: a relative path without steps back. Refuses FILE_BROKEN. */
function readName(bytes: Buffer): string {
  const name = bytes.toString('utf8');
  const parts = name.replace(/\/$/, '').split('/');
  const isPath = parts.every((part) => part !== '' && part !== '.' && part !== '..') && !/[\\:\ufffd]/.test(name);
  const isPlain = findTextProblem(name, { form: 'LINE', maxChars: MAX_NAME_CHARS }) === null;
  if (!isPath || !isPlain) throw buildBroken('压缩包内的文件名不正确');
  return name;
}

/** Refuses FILE_TOO_COMPLEX for what would unpack to very much, before anything is unpacked. */
function requireSizes(places: readonly Place[]): void {
  const total = places.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0);
  const isBomb = places.some(
    ({ packedBytes, unpackedBytes }) =>
      unpackedBytes > MAX_PART_BYTES || (unpackedBytes > MAX_FREE_BYTES && unpackedBytes > MAX_RATIO * packedBytes),
  );
  if (isBomb || total > MAX_UNPACKED_BYTES) throw buildTooComplex('压缩包展开后过大');
}

/** Parts that share bytes unpack to more than the file has (zip bombs without recursion); bytes between them hide. */
function requireOneAfterAnother(bytes: Buffer, places: readonly Place[], directory: number): ZipEntry[] {
  const names = new Set(places.map(({ name }) => name.toLowerCase()));
  if (names.size !== places.length) throw buildBroken('压缩包内有重名文件');
  const entries = new Map<Place, ZipEntry>();
  let end = 0;
  for (const place of [...places].sort((a, b) => a.header - b.header)) {
    if (place.header !== end) throw buildBroken('压缩包内的文件重叠或有间隔');
    const entry = readLocalEntry(bytes, place, directory);
    end = entry.start + entry.packedBytes;
    if (place.flags & FLAGS.sizeFollows) end += readDescriptorBytes(bytes, end, place);
    entries.set(place, entry);
  }
  if (end !== directory) throw buildBroken('压缩包内的文件重叠或有间隔');
  return places.map((place) => entries.get(place)).filter((entry) => entry !== undefined);
}

function readLocalEntry(bytes: Buffer, place: Place, directory: number): ZipEntry {
  const { name, isDeflated, packedBytes, unpackedBytes, crc, header } = place;
  const fault = buildBroken('压缩包目录与文件不一致');
  if (header + LOCAL.bytes > directory || bytes.readUInt32LE(header) !== LOCAL.signature) throw fault;
  const nameEnd = header + LOCAL.bytes + bytes.readUInt16LE(header + 26);
  const start = nameEnd + bytes.readUInt16LE(header + 28);
  const localName = bytes.toString('utf8', header + LOCAL.bytes, nameEnd);
  const isSame = localName === name && bytes.readUInt16LE(header + 8) === (isDeflated ? DEFLATE : 0);
  if (!isSame || start + packedBytes > directory) throw fault;
  const sizes = [14, 18, 22].map((field) => bytes.readUInt32LE(header + field));
  const isAnnounced = sizes[0] === crc && sizes[1] === packedBytes && sizes[2] === unpackedBytes;
  const isLater = (place.flags & FLAGS.sizeFollows) !== 0 && sizes.every((size) => size === 0);
  if (!isAnnounced && !isLater) throw fault;
  return { name, isDeflated, packedBytes, unpackedBytes, crc, start };
}

/** Returns the length of the data descriptor (4.3.9), which may have a signature. */
function readDescriptorBytes(bytes: Buffer, at: number, { crc, packedBytes, unpackedBytes }: Place): number {
  const descriptor = Buffer.alloc(MAX_DESCRIPTOR_BYTES);
  descriptor.writeUInt32LE(0x08074b50, 0);
  [crc, packedBytes, unpackedBytes].forEach((value, i) => {
    descriptor.writeUInt32LE(value, 4 + 4 * i);
  });
  for (const expected of [descriptor, descriptor.subarray(4)]) {
    if (bytes.subarray(at, at + expected.length).equals(expected)) return expected.length;
  }
  throw buildBroken('压缩包目录与文件不一致');
}

/** Returns the content of a part. Refuses FILE_BROKEN if it is not what the directory says. */
export function unpackEntry(bytes: Buffer, entry: ZipEntry): Buffer {
  const packed = bytes.subarray(entry.start, entry.start + entry.packedBytes);
  const content = entry.isDeflated ? unpackDeflated(packed, entry.unpackedBytes) : packed;
  if (content === null || content.length !== entry.unpackedBytes || crc32(content) !== entry.crc) {
    throw buildBroken(`压缩包内的 ${entry.name} 已损坏`);
  }
  return content;
}

function unpackDeflated(packed: Buffer, maxBytes: number): Buffer | null {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, maxBytes) });
  } catch {
    return null;
  }
}
