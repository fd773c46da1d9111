import { inflateSync } from 'node:zlib';

/**
 * Reads an attached file and the signature of a PDF (ISO 32000-1 §7.11.4). Deliberately limited: cross-reference
 * tables only, no encryption, attachments plain or FlateDecode.
 */

type Value = null | boolean | number | string | Uint8Array | Ref | Name | Value[] | Dict;
type Dict = Map<string, Value>;
class Ref {
  readonly number: number;
  constructor(number: number) {
    this.number = number;
  }
}
class Name {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The file is not a PDF, or it uses a feature that this reader does not support. */
export class PdfError extends Error {
  override readonly name = 'PdfError';
}

const MAX_ATTACHMENT_BYTES = 1_048_576;
const MAX_DEPTH = 32;
const MAX_REVISIONS = 64;
const MAX_TREE_NODES = 256;
const MAX_OBJECTS = 1_000_000;
const TAIL_BYTES = 1_024;

/** Returns the bytes of the one attachment called `name`. Throws PdfError if there is none or more than one. */
export function readAttachment(pdf: Uint8Array, name: string): Uint8Array {
  const file = openPdf(pdf);
  const names = requireDict(file.resolve(file.catalog.get('Names')), 'Names');
  const matchingSpecs = listFileSpecs(file, names.get('EmbeddedFiles')).filter(
    (spec) => decodeText(file.resolve(spec.get('UF') ?? spec.get('F') ?? null)) === name,
  );
  const [spec] = matchingSpecs;
  if (matchingSpecs.length !== 1 || !spec) throw new PdfError(`${matchingSpecs.length} attachments called ${name}`);
  const files = requireDict(file.resolve(spec.get('EF')), 'EF');
  const ref = files.get('F') ?? files.get('UF');
  if (!(ref instanceof Ref)) throw new PdfError('an attachment without a file');
  return file.stream(ref.number);
}

/**
 * Returns the one signature inside a PDF (ETSI EN 319 142-1) and the bytes that it covers. It must cover the whole file
 * except itself, so that nothing can be added before, between or after. Throws PdfError if there is not exactly one.
 */
export function readSignature(pdf: Uint8Array): { covered: Uint8Array; cms: Uint8Array } {
  const file = openPdf(pdf);
  const fields = file.resolve(requireDict(file.resolve(file.catalog.get('AcroForm')), 'AcroForm').get('Fields'));
  if (!Array.isArray(fields) || fields.length !== 1) throw new PdfError('not exactly one signature field');
  const field = requireDict(file.resolve(fields[0]), 'a field');
  const signature = requireDict(file.resolve(field.get('V')), 'a signature');
  const subFilter = signature.get('SubFilter');
  const contents = signature.get('Contents');
  const range = signature.get('ByteRange');
  if (!(subFilter instanceof Name) || subFilter.text !== 'ETSI.CAdES.detached')
    throw new PdfError('a signature of another form');
  if (!(contents instanceof Uint8Array) || !Array.isArray(range)) throw new PdfError('a signature without its range');
  const [zero, start, end, rest] = range.map((number) =>
    typeof number === 'number' && Number.isInteger(number) ? number : -1,
  );
  if (start === undefined || end === undefined || rest === undefined || range.length !== 4 || zero !== 0 || rest < 0)
    throw new PdfError('a range of another form');
  const gap = Buffer.from(pdf.subarray(start, end)).toString('latin1');
  const coversFile = end + rest === pdf.length && end > start && start > 0;
  if (!coversFile || gap.toLowerCase() !== `<${Buffer.from(contents).toString('hex')}>`)
    throw new PdfError('the signature does not cover the whole file');
  const covered = Buffer.concat([pdf.subarray(0, start), pdf.subarray(end)]);
  return { covered, cms: unpad(contents) };
}

/** Returns the DER value at the start of its reserved space. Throws PdfError unless only zeros follow it. */
function unpad(contents: Uint8Array): Uint8Array {
  const [tag, form, high = 0, low = 0] = contents;
  const length = 4 + high * 256 + low;
  if (tag !== 0x30 || form !== 0x82 || length > contents.length) throw new PdfError('a signature that is no CMS');
  if (contents.subarray(length).some((byte) => byte !== 0)) throw new PdfError('more behind the signature');
  return contents.subarray(0, length);
}

interface PdfFile {
  catalog: Dict;
  resolve(value: Value | undefined): Value;
  stream(number: number): Uint8Array;
}

function openPdf(pdf: Uint8Array): PdfFile {
  const text = Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength).toString('latin1');
  if (!text.startsWith('%PDF-')) throw new PdfError('not a PDF');
  const { offsets, trailer } = readCrossReferences(text);
  if (trailer.has('Encrypt')) throw new PdfError('encrypted');

  const object = (number: number) => {
    const at = offsets.get(number);
    if (at === undefined) throw new PdfError(`no object ${number}`);
    const head = /(\d{1,7})\s+\d{1,5}\s+obj/y;
    head.lastIndex = at;
    if (Number(head.exec(text)?.[1]) !== number) throw new PdfError(`object ${number} is not where the table says`);
    const parser = new Parser(text, head.lastIndex);
    return { value: parser.value(0), parser };
  };
  const resolve = (value: Value | undefined): Value => {
    let current = value ?? null;
    for (let hops = 0; current instanceof Ref; hops++) {
      if (hops > MAX_DEPTH) throw new PdfError('references in a circle');
      current = object(current.number).value;
    }
    return current;
  };
  const stream = (number: number): Uint8Array => {
    const { value, parser } = object(number);
    const head = requireDict(value, 'a stream');
    const start = parser.streamStart();
    const length = resolve(head.get('Length'));
    if (typeof length !== 'number' || length < 0 || start + length > pdf.length)
      throw new PdfError('a stream of no length');
    return decode(head, pdf.subarray(start, start + length), resolve);
  };
  return { catalog: requireDict(resolve(trailer.get('Root')), 'Root'), resolve, stream };
}

function decode(head: Dict, bytes: Uint8Array, resolve: PdfFile['resolve']): Uint8Array {
  const filter = resolve(head.get('Filter'));
  const filters = (Array.isArray(filter) ? filter : filter === null ? [] : [filter]).map(resolve);
  if (filters.length === 0) {
    if (bytes.length > MAX_ATTACHMENT_BYTES) throw new PdfError('an attachment too large');
    return bytes;
  }
  const [filterName] = filters;
  if (
    filters.length !== 1 ||
    !(filterName instanceof Name) ||
    filterName.text !== 'FlateDecode' ||
    head.has('DecodeParms')
  ) {
    throw new PdfError('an attachment with a filter other than FlateDecode');
  }
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_ATTACHMENT_BYTES });
  } catch (error) {
    throw new PdfError('an attachment that cannot be inflated', { cause: error });
  }
}

/** Lists every file specification in the name tree under `root`. */
function listFileSpecs(file: PdfFile, root: Value | undefined): Dict[] {
  const specs: Dict[] = [];
  const pendingNodes: (Value | undefined)[] = [root];
  for (let nodeCount = 0; pendingNodes.length > 0; nodeCount++) {
    if (nodeCount > MAX_TREE_NODES) throw new PdfError('a name tree too large');
    const node = requireDict(file.resolve(pendingNodes.pop()), 'EmbeddedFiles');
    const kids = file.resolve(node.get('Kids'));
    if (Array.isArray(kids)) pendingNodes.push(...kids.slice(0, MAX_TREE_NODES));
    const pairs = file.resolve(node.get('Names'));
    if (!Array.isArray(pairs)) continue;
    for (const [i, value] of pairs.slice(0, MAX_TREE_NODES).entries()) {
      if (i % 2 === 1) specs.push(requireDict(file.resolve(value), 'a file specification'));
    }
  }
  return specs;
}

/** Returns the offset of each object in its newest revision, and the newest trailer. */
function readCrossReferences(text: string): { offsets: Map<number, number>; trailer: Dict } {
  const tail = text.slice(-TAIL_BYTES);
  const start = /startxref\s+(\d{1,10})\s+%%EOF\s*$/.exec(tail)?.[1];
  if (start === undefined) throw new PdfError('no startxref at the end');
  const offsets = new Map<number, number>();
  const seenOffsets = new Set<number>();
  let newest: Dict | null = null;
  for (let at: Value = Number(start); at !== null; ) {
    if (typeof at !== 'number' || seenOffsets.has(at) || seenOffsets.size >= MAX_REVISIONS)
      throw new PdfError('revisions in a circle');
    seenOffsets.add(at);
    const trailer = readTable(text, at, offsets);
    newest ??= trailer;
    at = trailer.get('Prev') ?? null;
  }
  if (!newest) throw new PdfError('no trailer');
  return { offsets, trailer: newest };
}

/** Reads one table. The entry of a newer revision for the same object wins. */
function readTable(text: string, start: number, offsets: Map<number, number>): Dict {
  const keyword = /xref\s+/y;
  keyword.lastIndex = start;
  if (!keyword.test(text)) throw new PdfError('no cross-reference table');
  const section = /(\d{1,10}) (\d{1,10})\s+/y;
  const entry = /(\d{10}) \d{5} ([nf])\s+/y;
  let at = keyword.lastIndex;
  for (;;) {
    section.lastIndex = at;
    const match = section.exec(text);
    if (!match) break;
    const [first, count] = [Number(match[1]), Number(match[2])];
    if (first + count > MAX_OBJECTS) throw new PdfError('too many objects');
    at = section.lastIndex;
    for (let number = first; number < first + count; number++) {
      entry.lastIndex = at;
      const row = entry.exec(text);
      if (!row) throw new PdfError('a cross-reference table that ends early');
      at = entry.lastIndex;
      if (!offsets.has(number)) offsets.set(number, row[2] === 'n' ? Number(row[1]) : -1);
    }
  }
  if (!text.startsWith('trailer', at)) throw new PdfError('no trailer');
  return requireDict(new Parser(text, at + 'trailer'.length).value(0), 'trailer');
}

function requireDict(value: Value, valueName: string): Dict {
  if (value instanceof Map) return value;
  throw new PdfError(`${valueName} is no dictionary`);
}

function decodeText(value: Value): string | null {
  if (!(value instanceof Uint8Array)) return null;
  const bytes = Buffer.from(value);
  if (bytes[0] === 0xfe && bytes[1] === 0xff && bytes.length % 2 === 0)
    return bytes.subarray(2).swap16().toString('utf16le');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3).toString('utf8');
  return bytes.toString('latin1');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** Reads PDF values (ISO 32000-1 §7.3) from a position. */
class Parser {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new PdfError('nested too deep');
    this.#skip();
    if (this.#take(/<</y)) return this.#dict(depth);
    if (this.#take(/\[/y)) return this.#array(depth);
    const hex = this.#take(/<([\s\dA-Fa-f]*)>/y);
    if (hex) return Buffer.from(hex[1]?.replace(/\s/g, '').replace(/^(.(..)*)$/, '$10') ?? '', 'hex');
    if (this.#take(/\(/y)) return this.#string();
    const name = this.#take(/\/([^\s()<>[\]{}/%]*)/y);
    if (name) return new Name(unescapeName(name[1] ?? ''));
    const ref = this.#take(/(\d{1,7})\s+\d{1,5}\s+R(?![\w])/y);
    if (ref) return new Ref(Number(ref[1]));
    const number = this.#take(/[+-]?(\d+(?:\.\d*)?|\.\d+)/y);
    if (number) return Number(number[0]);
    const word = this.#take(/true|false|null/y);
    if (word) return word[0] === 'null' ? null : word[0] === 'true';
    throw new PdfError(`no value at ${this.#at}`);
  }

  /** Returns where the bytes of a stream begin. Must be called after its dictionary is read. */
  streamStart(): number {
    this.#skip();
    if (!this.#take(/stream(\r\n|\n)/y)) throw new PdfError('no stream');
    return this.#at;
  }

  #skip(): void {
    while (this.#take(/[\s\0]+|%[^\r\n]*/y)) {}
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at = pattern.lastIndex;
    return match;
  }

  #dict(depth: number): Dict {
    const entries: Dict = new Map();
    for (this.#skip(); !this.#take(/>>/y); this.#skip()) {
      const key = this.value(depth + 1);
      if (!(key instanceof Name) || entries.has(key.text))
        throw new PdfError('a dictionary key that is no name, or twice');
      entries.set(key.text, this.value(depth + 1));
    }
    return entries;
  }

  #array(depth: number): Value[] {
    const items: Value[] = [];
    for (this.#skip(); !this.#take(/\]/y); this.#skip()) items.push(this.value(depth + 1));
    return items;
  }

  #string(): Uint8Array {
    let decoded = '';
    for (let open = 1; ; ) {
      const part = this.#take(/[^()\\]+|\\(\r\n|[0-7]{1,3}|[\s\S])|[()]/y);
      if (!part) throw new PdfError('a string without an end');
      const [whole, escaped] = part;
      if (whole === '(') open++;
      if (whole === ')' && --open === 0) return Buffer.from(decoded, 'latin1');
      decoded += escaped === undefined ? whole : unescapeText(escaped);
    }
  }
}

function unescapeText(escaped: string): string {
  if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8) & 0xff);
  if (/^[\r\n]/.test(escaped)) return '';
  return ESCAPES[escaped] ?? escaped;
}

function unescapeName(name: string): string {
  return name.replace(/#([\dA-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
