/** A strict reader of DER (ITU-T X.690). BER encodings that DER does not allow are errors. */

/** One element. Only a constructed element has `children`. */
export interface Der {
  /** The identifier octet: 0x30 SEQUENCE, 0x31 SET, 0xa0 [0] … */
  tag: number;
  /** Identifier, length and content octets. */
  bytes: Uint8Array;
  content: Uint8Array;
  children: readonly Der[];
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context1: 0xa1,
  context3: 0xa3,
} as const;

/** Bytes that are not DER, or not of the expected shape. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Maximum nesting depth. Signatures need less. */
const MAX_DEPTH = 24;
const CONSTRUCTED_BIT = 0x20;
const HIGH_TAG_MASK = 0x1f;

/** Reads one element that fills `bytes` completely. Throws DerError. */
export function readDer(bytes: Uint8Array): Der {
  const { element, end } = readElement(bytes, 0, 0);
  if (end !== bytes.length) throw new DerError('bytes after the end');
  return element;
}

function readElement(bytes: Uint8Array, start: number, depth: number): { element: Der; end: number } {
  if (depth > MAX_DEPTH) throw new DerError('nested too deep');
  const tag = bytes[start];
  if (tag === undefined || (tag & HIGH_TAG_MASK) === HIGH_TAG_MASK) throw new DerError('no element, or a tag above 30');
  const { length, contentStart } = readLength(bytes, start + 1);
  const end = contentStart + length;
  if (end > bytes.length) throw new DerError('an element longer than its surroundings');
  const content = bytes.subarray(contentStart, end);
  const children: Der[] = [];
  for (let at = 0; (tag & CONSTRUCTED_BIT) !== 0 && at < content.length; ) {
    const child = readElement(content, at, depth + 1);
    children.push(child.element);
    at = child.end;
  }
  return { element: { tag, bytes: bytes.subarray(start, end), content, children }, end };
}

function readLength(bytes: Uint8Array, at: number): { length: number; contentStart: number } {
  const first = bytes[at];
  if (first === undefined) throw new DerError('no length');
  if (first < 0x80) return { length: first, contentStart: at + 1 };
  const octets = first & 0x7f;
  if (octets < 1 || octets > 4 || at + octets >= bytes.length) throw new DerError('a length that DER does not allow');
  const length = bytes.subarray(at + 1, at + 1 + octets).reduce((sum, octet) => sum * 256 + octet, 0);
  const minLength = octets === 1 ? 0x80 : 256 ** (octets - 1);
  if (length < minLength) throw new DerError('a length not written in the shortest way');
  return { length, contentStart: at + 1 + octets };
}

/** Returns `element` if it exists and has the tag. Otherwise throws a DerError that names it. */
export function requireTag(element: Der | undefined, tag: number, elementName: string): Der {
  if (element?.tag !== tag) throw new DerError(`${elementName} is missing or of another kind`);
  return element;
}

/** Reads an OBJECT IDENTIFIER and returns its dotted form. Throws DerError. */
export function readOid(element: Der | undefined, elementName: string): string {
  const { content } = requireTag(element, TAG.oid, elementName);
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of content) {
    arc = arc * 128 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new DerError(`${elementName} has an arc too large`);
    if (octet >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first, ...rest] = arcs;
  if (first === undefined || (content.at(-1) ?? 0) >= 0x80)
    throw new DerError(`${elementName} is no object identifier`);
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}

/** Reads a non-negative INTEGER of at most 4 octets. Throws DerError. */
export function readSmallInteger(element: Der | undefined, elementName: string): number {
  const { content } = requireTag(element, TAG.integer, elementName);
  if (content.length === 0 || content.length > 4 || (content[0] ?? 0) >= 0x80)
    throw new DerError(`${elementName} is out of range`);
  return content.reduce((sum, octet) => sum * 256 + octet, 0);
}

/** Reads a UTCTime or GeneralizedTime in the form that RFC 5280 requires. Throws DerError. */
export function readTime(element: Der | undefined, elementName: string): Date {
  const text = Buffer.from(element?.content ?? []).toString('latin1');
  const pattern =
    element?.tag === TAG.utcTime
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
      : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
  const match = element?.tag === TAG.utcTime || element?.tag === TAG.generalizedTime ? pattern.exec(text) : null;
  if (!match) throw new DerError(`${elementName} is no time`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const century = element?.tag === TAG.utcTime ? (year < 50 ? 2000 : 1900) : 0;
  return new Date(Date.UTC(century + year, month - 1, day, hour, minute, second));
}

/** Returns whether two byte arrays are equal. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
