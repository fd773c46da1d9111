import { isUtf8 } from 'node:buffer';

/**
 * A strict reader of DER (X.690 §10, §11). It accepts only the canonical encoding, so encoding again gives the same
 * bytes. Lengths are definite and shortest, numbers and identifiers shortest, sets in order, booleans 00 or FF, unused
 * bits zero. Strings are primitive, and nothing follows the end. A reader that accepts BER would let a forger change
 * some bits.
 */

/** One element: its tag octet, its content octets, its whole encoding, and its child elements. */
export interface Node {
  tag: number;
  body: Buffer;
  raw: Buffer;
  children: readonly Node[];
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  none: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8: 0x0c,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/**
 * Universal types in certificates, lists and signatures. Any other type is refused, because its contents are not
 * checked.
 */
const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(TAG));
const TIME_PATTERN = /^(\d{4}|\d{2})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{0,8}[1-9])?Z$/;
const PRINTABLE_PATTERN = /^[A-Za-z0-9 '()+,./:=?-]*$/;
const MAX_DEPTH = 24;
const MAX_LENGTH_OCTETS = 4;
const CONSTRUCTED = 0x20;
const CLASS_MASK = 0xc0;
const NUMBER_MASK = 0x1f;

/** Why bytes are not DER. */
class DerError extends Error {
  override readonly name = 'DerError';
}

/** An element as offsets into the parsed bytes. Creates a view only on access, because most elements need none. */
class Element implements Node {
  readonly tag: number;
  readonly children: readonly Node[];
  /** Offsets of the start of its contents and of its end. */
  readonly from: number;
  readonly until: number;
  readonly #bytes: Buffer;
  readonly #start: number;

  constructor(bytes: Buffer, start: number, from: number, until: number, children: readonly Node[]) {
    this.tag = bytes[start] ?? 0;
    this.children = children;
    this.from = from;
    this.until = until;
    this.#bytes = bytes;
    this.#start = start;
  }

  get body(): Buffer {
    return this.#bytes.subarray(this.from, this.until);
  }

  get raw(): Buffer {
    return this.#bytes.subarray(this.#start, this.until);
  }
}

/** Reads one element that fills `bytes`. Throws DerError. */
export function parseDer(bytes: Uint8Array): Node {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const node = readNode(buffer, 0, buffer.length, 0);
  if (node.until !== buffer.length) throw new DerError('bytes behind the end');
  return node;
}

const NO_CHILDREN: readonly Node[] = [];

function readNode(buffer: Buffer, start: number, end: number, depth: number): Element {
  if (depth > MAX_DEPTH) throw new DerError('nested too deep');
  if (end - start < 2) throw new DerError('cut short');
  const tag = buffer[start] ?? 0;
  if ((tag & NUMBER_MASK) === NUMBER_MASK) throw new DerError('a tag of more than one octet');
  const first = buffer[start + 1] ?? 0;
  let from = start + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > MAX_LENGTH_OCTETS || from + octets > end) throw new DerError('length not definite');
    length = buffer.readUIntBE(from, octets);
    if (length < 0x80 || (octets > 1 && buffer[from] === 0)) throw new DerError('length not shortest');
    from += octets;
  }
  const until = from + length;
  if (until > end) throw new DerError('cut short');
  const children = tag & CONSTRUCTED ? readNodes(buffer, from, until, depth + 1) : NO_CHILDREN;
  const node = new Element(buffer, start, from, until, children);
  if ((tag & CLASS_MASK) === 0) requireCanonical(buffer, node);
  return node;
}

function readNodes(buffer: Buffer, from: number, until: number, depth: number): Element[] {
  const nodes: Element[] = [];
  for (let at = from; at < until; ) {
    const node = readNode(buffer, at, until, depth);
    nodes.push(node);
    at = node.until;
  }
  return nodes;
}

function requireCanonical(bytes: Buffer, node: Element): void {
  const { tag, from, until } = node;
  const length = until - from;
  const first = bytes[from] ?? 0;
  if (tag === TAG.sequence) return;
  if (!KNOWN_TYPES.has(tag)) throw new DerError('a type that is not known, or a string in pieces');
  if (tag === TAG.set) requireOrder(node.children);
  if (tag === TAG.boolean && (length !== 1 || (first !== 0 && first !== 0xff))) throw new DerError('boolean');
  if (tag === TAG.none && length !== 0) throw new DerError('null');
  if (tag === TAG.integer || tag === TAG.enumerated) {
    const second = bytes[from + 1] ?? 0;
    const isPadded = length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (length === 0 || isPadded) throw new DerError('integer not shortest');
  }
  if (tag === TAG.bits) requireBits(bytes, from, until);
  if (tag === TAG.oid) requireOid(bytes, from, until);
  if (tag === TAG.utf8 && !isUtf8(node.body)) throw new DerError('not UTF-8');
  if (tag === TAG.printable && !PRINTABLE_PATTERN.test(bytes.toString('latin1', from, until))) {
    throw new DerError('not a printable string');
  }
  if (tag === TAG.utcTime || tag === TAG.generalizedTime) timeOf(node, true);
}

/** Requires the members of a SET OF in the order of their encodings (DER), without duplicates. Throws DerError. */
export function requireOrder(members: readonly Node[]): void {
  for (let i = 1; i < members.length; i++) {
    const [previous, member] = [members[i - 1], members[i]];
    if (previous && member && Buffer.compare(previous.raw, member.raw) >= 0) throw new DerError('set out of order');
  }
}

function requireBits(bytes: Buffer, from: number, until: number): void {
  const unused = from < until ? (bytes[from] ?? 8) : 8;
  if (unused > 7 || (until - from === 1 && unused !== 0)) throw new DerError('bit string');
  if (((bytes[until - 1] ?? 0) & ((1 << unused) - 1)) !== 0 && until - from > 1) throw new DerError('unused bits');
}

function requireOid(bytes: Buffer, from: number, until: number): void {
  let isArcStart = true;
  for (let at = from; at < until; at++) {
    const octet = bytes[at] ?? 0;
    if (isArcStart && octet === 0x80) throw new DerError('identifier not shortest');
    isArcStart = octet < 0x80;
  }
  if (from === until || !isArcStart) throw new DerError('identifier cut short');
}

/** Reads the elements of a SEQUENCE in order. Throws DerError for an unexpected element. */
export class Fields {
  #at = 0;
  readonly #nodes: readonly Node[];

  constructor(node: Node, tag: number = TAG.sequence) {
    if (node.tag !== tag) throw new DerError('not the type expected');
    this.#nodes = node.children;
  }

  next(tag?: number): Node {
    const node = this.#nodes[this.#at++];
    if (!node || (tag !== undefined && node.tag !== tag)) throw new DerError('element missing or of another type');
    return node;
  }

  /** Returns the next element if it has this tag, otherwise null. */
  optional(tag: number): Node | null {
    return this.#nodes[this.#at]?.tag === tag ? this.next(tag) : null;
  }

  end(): void {
    if (this.#at !== this.#nodes.length) throw new DerError('more elements than expected');
  }
}

/** Returns the only child of a node. Throws DerError if there is not exactly one or it has another tag. */
export function requireOnlyChild(node: Node, tag?: number): Node {
  const [child, ...more] = node.children;
  if (!child || more.length > 0 || (tag !== undefined && child.tag !== tag)) throw new DerError('not one element');
  return child;
}

/** Returns an OBJECT IDENTIFIER in dotted form. Throws DerError. */
export function oidOf(node: Node): string {
  if (node.tag !== TAG.oid) throw new DerError('not an identifier');
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of node.body) {
    arc = arc * 128 + (octet & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new DerError('identifier too long');
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [head = 0, ...rest] = arcs;
  const top = Math.min(2, Math.floor(head / 40));
  return [top, head - top * 40, ...rest].join('.');
}

/** Returns a non-negative integer of at most 6 octets. Throws DerError. */
export function numberOf(node: Node, tag: number = TAG.integer): number {
  if (node.tag !== tag || node.body.length > 6 || (node.body[0] ?? 0) >= 0x80) throw new DerError('not a small number');
  return node.body.readUIntBE(0, node.body.length);
}

/** Returns the contents of a BIT STRING of whole octets. Throws DerError. */
export function octetsOfBits(node: Node): Buffer {
  if (node.tag !== TAG.bits || node.body[0] !== 0) throw new DerError('not a bit string of octets');
  return node.body.subarray(1);
}

/**
 * Reads a UTCTime or GeneralizedTime in UTC with seconds. Accepts fractions only if `fractions` is set, without a
 * trailing zero. Throws DerError. Date.UTC would roll a 13th month over into the next year, so the fields are compared.
 */
export function timeOf({ tag, body }: Pick<Node, 'tag' | 'body'>, fractions = false): Date {
  const [, year = '', months, days, hours, minutes, seconds, fraction] =
    TIME_PATTERN.exec(body.toString('latin1')) ?? [];
  const digits = tag === TAG.utcTime ? 2 : tag === TAG.generalizedTime ? 4 : -1;
  if (year.length !== digits || (fraction && (!fractions || digits === 2))) throw new DerError('not a time');
  const fullYear = digits === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  const [month, day, hour] = [Number(months), Number(days), Number(hours)];
  const [minute, second] = [Number(minutes), Number(seconds)];
  const time = new Date(Date.UTC(fullYear, month - 1, day, hour, minute, second));
  const isRealDate = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour;
  if (!isRealDate || minute > 59 || second > 59 || fullYear < 100) throw new DerError('not a time');
  return fraction ? new Date(time.getTime() + Math.floor(Number(`0${fraction}`) * 1000)) : time;
}

/** Returns the text of a UTF8String or PrintableString. Throws DerError. */
export function textOf({ tag, body }: Node): string {
  if (tag !== TAG.utf8 && tag !== TAG.printable) throw new DerError('not a text');
  return body.toString('utf8');
}
