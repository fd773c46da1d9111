/**
 * Opaque global ids, `id` of every object that implements Node: base64url (RFC 4648, without padding) of a mark, the
 * name of the type, and the object's own identifier. Only the graph knows them. What is stored, signed, logged or sent
 * holds own identifiers.
 */

/** The mark makes every global id begin alike. No own identifier of the hub does. */
const MARK = 'tq:';
const BEGINNING = Buffer.from(MARK).toString('base64url');

/** Longest global id that is read: that of 200 characters of four bytes. */
const MAX_GLOBAL_ID_CHARS = 1_200;

const CONTENT = /^tq:([A-Z][A-Za-z]*):(.+)$/su;

/** What a global id names. */
export interface GlobalId {
  /** Name of the GraphQL type. */
  type: string;
  /** The domain's own identifier, for example the UUID of a case. */
  own: string;
}

/** Returns the global id of an object. */
export function writeGlobalId({ type, own }: GlobalId): string {
  return Buffer.from(`${MARK}${type}:${own}`).toString('base64url');
}

/**
 * Reads a global id. Returns null for a text that does not begin like one, which may be an own identifier, and `BROKEN`
 * for one that does but is cut off, altered or too long. Does not know which types exist.
 */
export function parseGlobalId(text: string): GlobalId | 'BROKEN' | null {
  if (!text.startsWith(BEGINNING)) return null;
  if (text.length > MAX_GLOBAL_ID_CHARS) return 'BROKEN';
  const [, type, own] = CONTENT.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  if (type === undefined || own === undefined) return 'BROKEN';
  // The one writing of an id: no padding, no other alphabet, no bytes that are not UTF-8.
  return writeGlobalId({ type, own }) === text ? { type, own } : 'BROKEN';
}
