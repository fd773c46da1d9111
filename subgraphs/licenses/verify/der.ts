import { isUtf8 } from 'node:buffer';

/**
 * A strict reader of DER (X.690 §10, §11). What it accepts has one encoding only, so writing it again gives the same bytes:
 * lengths are definite and shortest, numbers and identifiers shortest, sets in order, booleans 00 or FF, unused bits zero,
 * strings in one piece, nothing behind the end. A general reader that also takes BER would leave bits for a forger to turn.
 */

/** One element: its tag octet, its contents, its whole encoding, and the elements inside it where it has any. */
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

/** Universal types that stand in certificates, lists and signatures; any other is refused, for its contents are not looked at. */
const KNOWN: ReadonlySet<number> = new Set(Object.values(TAG));
const PRINTABLE = /^[A-Za-z0-9 '()+,./:=?-]*$/;
const DEPTH_MOST = 24;
const LENGTH_OCTETS_MOST = 4;
const CONSTRUCTED = 0x20;
const CLASS = 0xc0;
const NUMBER = 0x1f;

/** Why bytes are no DER. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Reads one element that fills `bytes`. Throws DerError. */
export function parseDer(bytes: Uint8Array): Node {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const node = readNode(buffer, 0, buffer.length, 0);
  if (node.raw.length !== buffer.length) throw new DerError('bytes behind the end');
  return node;
}

function readNode(buffer: Buffer, start: number, end: number, depth: number): Node {
  if (depth > DEPTH_MOST) throw new DerError('nested too deep');
  if (end - start < 2) throw new DerError('cut short');
  const tag = buffer[start] ?? 0;
  if ((tag & NUMBER) === NUMBER) throw new DerError('a tag of more than one octet');
  const first = buffer[start + 1] ?? 0;
  let from = start + 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > LENGTH_OCTETS_MOST || from + octets > end) throw new DerError('length not definite');
    length = buffer.readUIntBE(from, octets);
    if (length < 0x80 || (octets > 1 && buffer[from] === 0)) throw new DerError('length not shortest');
    from += octets;
  }
  const until = from + length;
  if (until > end) throw new DerError('cut short');
  const body = buffer.subarray(from, until);
  const children: Node[] = [];
  if (tag & CONSTRUCTED) {
    for (let at = from; at < until; ) {
      const child = readNode(buffer, at, until, depth + 1);
      children.push(child);
      at += child.raw.length;
    }
  }
  if ((tag & CLASS) === 0) requireCanonical(tag, body, children);
  return { tag, body, raw: buffer.subarray(start, until), children };
}

function requireCanonical(tag: number, body: Buffer, children: readonly Node[]): void {
  if (!KNOWN.has(tag)) throw new DerError('a type that is not known, or a string in pieces');
  if (tag === TAG.set) requireOrder(children);
  const [first = 0, second = 0] = body;
  if (tag === TAG.boolean && (body.length !== 1 || (first !== 0 && first !== 0xff))) throw new DerError('boolean');
  if (tag === TAG.none && body.length !== 0) throw new DerError('null');
  if (tag === TAG.integer || tag === TAG.enumerated) {
    const padded = body.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (body.length === 0 || padded) throw new DerError('integer not shortest');
  }
  if (tag === TAG.bits) requireBits(body);
  if (tag === TAG.oid) requireOid(body);
  if (tag === TAG.utf8 && !isUtf8(body)) throw new DerError('not UTF-8');
  if (tag === TAG.printable && !PRINTABLE.test(body.toString('latin1'))) throw new DerError('not a printable string');
  if (tag === TAG.utcTime || tag === TAG.generalizedTime) timeOf({ tag, body }, true);
}

/** DER: the members of a SET OF stand in the order of their encodings; two alike would say one thing twice. */
export function requireOrder(members: readonly Node[]): void {
  members.forEach(({ raw }, i) => {
    const before = members[i - 1];
    if (before && Buffer.compare(before.raw, raw) >= 0) throw new DerError('set out of order');
  });
}

function requireBits(body: Buffer): void {
  const unused = body[0];
  if (unused === undefined || unused > 7 || (body.length === 1 && unused !== 0)) throw new DerError('bit string');
  if (((body.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0 && body.length > 1) throw new DerError('unused bits');
}

function requireOid(body: Buffer): void {
  let fresh = true;
  for (const octet of body) {
    if (fresh && octet === 0x80) throw new DerError('identifier not shortest');
    fresh = octet < 0x80;
  }
  if (body.length === 0 || !fresh) throw new DerError('identifier cut short');
}

/** Takes the elements of a SEQUENCE one after the other; whatever is not expected throws DerError. */
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

  /** The next element where it has this tag. */
  optional(tag: number): Node | null {
    return this.#nodes[this.#at]?.tag === tag ? this.next(tag) : null;
  }

  end(): void {
    if (this.#at !== this.#nodes.length) throw new DerError('more elements than expected');
  }
}

/** The only element inside one. */
export function only(node: Node, tag?: number): Node {
  const [child, ...more] = node.children;
  if (!child || more.length > 0 || (tag !== undefined && child.tag !== tag)) throw new DerError('not one element');
  return child;
}

/** An OBJECT IDENTIFIER in dots. */
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

/** A number from 0 that fits. */
export function numberOf(node: Node, tag: number = TAG.integer): number {
  if (node.tag !== tag || node.body.length > 6 || (node.body[0] ?? 0) >= 0x80) throw new DerError('not a small number');
  return node.body.readUIntBE(0, node.body.length);
}

/** The contents of a BIT STRING of whole octets. */
export function octetsOfBits(node: Node): Buffer {
  if (node.tag !== TAG.bits || node.body[0] !== 0) throw new DerError('not a bit string of octets');
  return node.body.subarray(1);
}

/**
 * UTCTime or GeneralizedTime, UTC, seconds always there; fractions only where they are asked for, without a trailing zero.
 * A thirteenth month is no time; a reader that rolls it over would say that it is.
 */
export function timeOf({ tag, body }: Pick<Node, 'tag' | 'body'>, fractions = false): Date {
  const text = body.toString('latin1');
  const [, year = '', rest = '', fraction = ''] = /^(\d{4}|\d{2})(\d{10})(\.\d{0,8}[1-9])?Z$/.exec(text) ?? [];
  const digits = tag === TAG.utcTime ? 2 : tag === TAG.generalizedTime ? 4 : -1;
  if (year.length !== digits || (fraction && (!fractions || digits === 2))) throw new DerError('not a time');
  const full = digits === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = [0, 2, 4, 6, 8].map((i) =>
    Number(rest.slice(i, i + 2)),
  );
  const time = new Date(Date.UTC(full, month - 1, day, hour, minute, second));
  const real = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour;
  if (!real || minute > 59 || second > 59 || full < 100) throw new DerError('not a time');
  return fraction ? new Date(time.getTime() + Math.floor(Number(`0${fraction}`) * 1000)) : time;
}

/** Text of a UTF8String or PrintableString. */
export function textOf({ tag, body }: Node): string {
  if (tag !== TAG.utf8 && tag !== TAG.printable) throw new DerError('not a text');
  return body.toString('utf8');
}
