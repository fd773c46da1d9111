import { Refusal } from '../../../../kernel/refusal.ts';

/** Names in the bytes of a PDF (ISO 32000-1, 7.3.5), found without regard to what is around them. */

/** A name with its escapes decoded, and where it ends. */
export interface PdfName {
  text: string;
  end: number;
}

export const SLASH = 0x2f;
export const ARRAY_START = 0x5b;
const [COMMENT, LINE_FEED, CARRIAGE_RETURN] = [0x25, 0x0a, 0x0d];
const [ARRAY_END, LESS, GREATER] = [0x5d, 0x3c, 0x3e];
/** No name of interest is longer. */
const MAX_NAME_CHARS = 20;

/** Bytes that end a name: white space and delimiters (ISO 32000-1, tables 1 and 2). */
const ENDS_NAME = new Uint8Array(256);
const IS_SPACE = new Uint8Array(256);
for (const byte of [0x00, 0x09, 0x0a, 0x0c, 0x0d, 0x20]) IS_SPACE[byte] = ENDS_NAME[byte] = 1;
for (const byte of Buffer.from('()<>[]{}/%', 'latin1')) ENDS_NAME[byte] = 1;

/** The value of a hexadecimal digit. Any other byte has one that makes the number too large. */
const NO_DIGIT = 255;
const HEX = new Uint8Array(256).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) {
  for (const digit of Buffer.from(value.toString(16) + value.toString(16).toUpperCase(), 'latin1')) HEX[digit] = value;
}

export function isPdfSpace(byte: number): boolean {
  return IS_SPACE[byte] === 1;
}

/** White space and comments between a name and its value are short. */
const MAX_SPACE_BYTES = 128;

/**
 * Returns the offset of the first byte from `from` on that is neither white space nor in a comment. Gives up after
 * `MAX_SPACE_BYTES`, where it returns the offset of a space.
 */
export function skipPdfSpace(text: Buffer, from: number): number {
  const end = Math.min(text.length, from + MAX_SPACE_BYTES);
  let isComment = false;
  for (let offset = from; offset < end; offset++) {
    const byte = text[offset] ?? 0;
    if (byte === COMMENT) isComment = true;
    else if (byte === LINE_FEED || byte === CARRIAGE_RETURN) isComment = false;
    else if (!isComment && !isPdfSpace(byte)) return offset;
  }
  return end;
}

/**
 * Calls `visit` for each of `names` until it returns a text, and returns that. Looks at each byte at most
 * `MAX_NAME_CHARS` times three. Refuses FILE_TOO_COMPLEX if arrays and dictionaries are within each other `maxDepth`
 * times.
 */
export function findPdfNames(
  text: Buffer,
  names: NameIndex,
  maxDepth: number,
  visit: (name: PdfName) => string | null,
): string | null {
  let depth = 0;
  for (let offset = 0; offset < text.length; offset++) {
    const byte = text[offset];
    if (byte === SLASH) {
      const name = readPdfName(text, offset, names);
      const found = name && visit(name);
      if (found) return found;
    } else if (byte === ARRAY_START || (byte === LESS && text[offset + 1] === LESS)) {
      if (byte === LESS) offset += 1;
      if (++depth > maxDepth) throw new Refusal('FILE_TOO_COMPLEX', null, 'PDF 嵌套过深');
    } else if (byte === ARRAY_END || (byte === GREATER && text[offset + 1] === GREATER)) {
      if (byte === GREATER) offset += 1;
      if (depth > 0) depth -= 1;
    }
  }
  return null;
}

/** Names by their length, as bytes. A file can have millions of names: a text is made only of the right ones. */
type NameIndex = readonly (readonly Uint8Array[])[];

export function indexPdfNames(names: Iterable<string>): NameIndex {
  const list = [...names];
  return Array.from({ length: MAX_NAME_CHARS + 1 }, (_, length) =>
    list.filter((name) => name.length === length).map((name) => Buffer.from(name, 'latin1')),
  );
}

const decoded = new Uint8Array(MAX_NAME_CHARS);

/** Reads the name whose slash is at `slash`. Returns null if it is too long, or not in the index if there is one. */
export function readPdfName(text: Buffer, slash: number, index?: NameIndex): PdfName | null {
  let length = 0;
  let offset = slash + 1;
  for (; offset < text.length; offset++) {
    let byte = text[offset] ?? 0;
    if (ENDS_NAME[byte] === 1) break;
    if (length === MAX_NAME_CHARS) return null;
    if (byte === 0x23) {
      const value = (HEX[text[offset + 1] ?? 0] ?? NO_DIGIT) * 16 + (HEX[text[offset + 2] ?? 0] ?? NO_DIGIT);
      if (value < 256) {
        byte = value;
        offset += 2;
      }
    }
    decoded[length++] = byte;
  }
  if (index && !isAmong(index[length] ?? [], length)) return null;
  return { text: Buffer.from(decoded.subarray(0, length)).toString('latin1'), end: offset };
}

/** Returns whether the first `length` decoded bytes are one of `names`, which have that length. */
function isAmong(names: readonly Uint8Array[], length: number): boolean {
  for (const name of names) {
    let i = 0;
    while (i < length && name[i] === decoded[i]) i += 1;
    if (i === length) return true;
  }
  return false;
}
