/** A reader of DER and of definite BER (X.690), for signatures of other authorities: their bytes are not canonical. */

export interface Element {
  tag: number;
  /** Contents, and the whole encoding. */
  body: Buffer;
  raw: Buffer;
  /** Elements within it. Empty for a primitive one. */
  children: readonly Element[];
}

const MAX_DEPTH = 20;
const MAX_ELEMENTS = 20_000;
const CONSTRUCTED = 0x20;
const LONG_TAG = 0x1f;
const MAX_LENGTH_OCTETS = 3;

/** Throws an error for what is not such an encoding. What follows the first element is not read. */
export function readDer(bytes: Buffer): Element {
  return readElement(bytes, 0, { elements: 0 }, 0);
}

function readElement(bytes: Buffer, from: number, count: { elements: number }, depth: number): Element {
  if (depth > MAX_DEPTH || ++count.elements > MAX_ELEMENTS) throw new RangeError('too many elements');
  const tag = bytes.readUInt8(from);
  if ((tag & LONG_TAG) === LONG_TAG) throw new RangeError('a long tag');
  const { length, start } = readLength(bytes, from + 1);
  if (start + length > bytes.length) throw new RangeError('an element ends behind the end');
  const body = bytes.subarray(start, start + length);
  const children: Element[] = [];
  if ((tag & CONSTRUCTED) !== 0) {
    for (let at = 0; at < body.length; ) {
      const child = readElement(body, at, count, depth + 1);
      children.push(child);
      at += child.raw.length;
    }
  }
  return { tag, body, raw: bytes.subarray(from, start + length), children };
}

function readLength(bytes: Buffer, at: number): { length: number; start: number } {
  const first = bytes.readUInt8(at);
  if (first < 0x80) return { length: first, start: at + 1 };
  const octets = first & 0x7f;
  if (octets === 0 || octets > MAX_LENGTH_OCTETS) throw new RangeError('a length that is not read');
  return { length: bytes.readUIntBE(at + 1, octets), start: at + 1 + octets };
}

/** Returns an object identifier in dots. */
export function readOid({ tag, body }: Element): string {
  if (tag !== 0x06 || body.length === 0) throw new RangeError('no object identifier');
  const numbers: number[] = [];
  let value = 0;
  for (const byte of body) {
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER / 256) throw new RangeError('an identifier that is too large');
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
  }
  const [head = 0, ...rest] = numbers;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - 40 * first, ...rest].join('.');
}
