import { Refusal } from '../../../../kernel/refusal.ts';

/** XML in documents of strangers: what every part must be, and the tags of the small parts that the hub judges. */

/** Elements within each other. Real documents have three dozen; readers call themselves for each level. */
const MAX_DEPTH = 500;
/** Maximum of a part that is judged: lists of parts and of relationships. */
const MAX_JUDGED_BYTES = 2_097_152;
const MAX_TAGS = 50_000;
const [LESS, GREATER, SLASH, QUESTION, EXCLAMATION] = [0x3c, 0x3e, 0x2f, 0x3f, 0x21];

function buildTooComplex(what: string): Refusal {
  return new Refusal('FILE_TOO_COMPLEX', null, what);
}

/**
 * Refuses FILE_TOO_COMPLEX for XML that a reader could fall over, or that says something else to a reader than to the
 * hub: another encoding than UTF-8, a document type with entities, elements too deep within each other.
 */
export function requirePlainXml(part: Buffer): void {
  const head = part.toString('latin1', 0, 200);
  const encoding = /^[^>]*\bencoding\s*=\s*["']([^"']*)["']/.exec(head)?.[1];
  // UTF-16 has zeros in every name of an element.
  if ((encoding !== undefined && !/^utf-8$/i.test(encoding)) || part.includes(0)) {
    throw buildTooComplex('XML 须为 UTF-8 编码');
  }
  if (part.includes('<!DOCTYPE') || part.includes('<!ENTITY')) throw buildTooComplex('XML 不得含有文档类型定义');
  let depth = 0;
  let isTag = false;
  for (let at = 0; at < part.length; at++) {
    const byte = part[at];
    if (byte === LESS) {
      const next = part[at + 1];
      if (next === SLASH) depth -= 1;
      isTag = next !== SLASH && next !== QUESTION && next !== EXCLAMATION;
    } else if (byte === GREATER) {
      if (isTag && part[at - 1] !== SLASH && ++depth > MAX_DEPTH) throw buildTooComplex('XML 嵌套过深');
      isTag = false;
    }
  }
}

/** A start tag, or an empty element: its name and attributes without prefixes, and the text right behind it. */
export interface XmlTag {
  name: string;
  attributes: ReadonlyMap<string, string>;
  text: string;
}

/** Lists the tags of a part that `requirePlainXml` accepts. Refuses FILE_BROKEN, FILE_TOO_COMPLEX. */
export function listXmlTags(part: Buffer): XmlTag[] {
  if (part.length > MAX_JUDGED_BYTES) throw buildTooComplex('文档的目录过大');
  const text = part.toString('utf8');
  const tags: XmlTag[] = [];
  for (let at = text.indexOf('<'); at >= 0; ) {
    const markup = readMarkup(text, at);
    if (markup.kind === 'TAG') {
      if (tags.length === MAX_TAGS) throw buildTooComplex('文档的目录过大');
      const next = text.indexOf('<', markup.end);
      const behind = text.slice(markup.end, next < 0 ? text.length : next);
      tags.push({ ...readTag(text.slice(at + 1, markup.end - 1)), text: decode(behind).trim() });
    }
    at = text.indexOf('<', markup.end);
  }
  return tags;
}

/** Kinds of markup that are no start tags, by how they begin and end. */
const OTHER_MARKUP: readonly (readonly [start: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['</', '>'],
];

function readMarkup(text: string, at: number): { kind: 'TAG' | 'OTHER'; end: number } {
  const other = OTHER_MARKUP.find(([start]) => text.startsWith(start, at));
  if (other) return { kind: 'OTHER', end: requireFound(text.indexOf(other[1], at)) + other[1].length };
  let quote: string | null = null;
  for (let end = at + 1; end < text.length; end++) {
    const character = text[end];
    if (quote !== null) quote = character === quote ? null : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return { kind: 'TAG', end: end + 1 };
  }
  return { kind: 'TAG', end: requireFound(-1) };
}

function requireFound(at: number): number {
  if (at < 0) throw new Refusal('FILE_BROKEN', null, '文档内的 XML 不完整');
  return at;
}

function readTag(inner: string): Omit<XmlTag, 'text'> {
  const attributes = new Map<string, string>();
  const qualified = /^[^\s/]*/.exec(inner)?.[0] ?? '';
  // It goes on where the last attribute ended, so that each character is looked at a constant number of times.
  const attribute = /\s+([^\s"'=/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
  let end = qualified.length;
  for (attribute.lastIndex = end; ; end = attribute.lastIndex) {
    const [, key = '', double, single] = attribute.exec(inner) ?? [];
    if (key === '') break;
    attributes.set(withoutPrefix(key), decode(double ?? single ?? ''));
  }
  requireFound(['', '/'].includes(inner.slice(end).trim()) ? end : -1);
  return { name: withoutPrefix(qualified), attributes };
}

function withoutPrefix(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w{2,4});/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code = Number.parseInt(name.slice(/^#x/i.test(name) ? 2 : 1), /^#x/i.test(name) ? 16 : 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
