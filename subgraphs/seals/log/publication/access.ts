import type { Person } from '../../../kernel/actor.ts';
import { findReadScope, type ReadRule } from '../../../kernel/policy.ts';
import type { LeafKind } from '../leaf.ts';
import { splitEntries } from '../tile.ts';

/**
 * Who may read an entry of the log. An entry is closed if one of its digests can test a guess, because its content has
 * no random element. The entry itself says that it is open. Entries of releases up to 0.4 say nothing.
 */

type Entry = Readonly<Record<string, unknown>>;

const isSalted = (entry: Entry) => entry.isSalted === true;
/** For kinds whose digests are of what is public, or of what nobody can guess. */
const isAlwaysOpen = () => true;

/** When an entry of a kind is open. A kind that is not here is closed. */
const OPEN: Record<LeafKind, (entry: Entry) => boolean> = {
  SEAL_USE: isSalted,
  CODE_USE: isSalted,
  RECEIPT: isSalted,
  SEAL_EVENT: ({ reasonDigest, reasonCommitment }) => reasonDigest === null || typeof reasonCommitment === 'string',
  ATTESTATION: isAlwaysOpen,
  TIMESTAMP: isAlwaysOpen,
  REVOCATION_LIST: isAlwaysOpen,
  CERTIFICATE: isAlwaysOpen,
  ERASURE: isAlwaysOpen,
  VERIFIER: isAlwaysOpen,
};

/** Returns whether everybody may read an entry. Closed unless its text says that it is open. */
export function isOpenEntry(text: string): boolean {
  const entry = parseEntry(text);
  const rule = Object.entries(OPEN).find(([kind]) => kind === entry.kind)?.[1];
  return rule?.(entry) ?? false;
}

/** Returns whether everybody may read a tile of entries: all of its entries are open. */
export function isOpenTile(bytes: Uint8Array): boolean {
  try {
    return splitEntries(bytes).every((entry) => isOpenEntry(Buffer.from(entry).toString('utf8')));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function parseEntry(text: string): Entry {
  try {
    return { ...(JSON.parse(text) as object) };
  } catch {
    return {};
  }
}

/** Who reads closed entries with a token. Of an organ's people, those who answer for its seals. */
const CLOSED_ENTRIES: ReadRule = { everything: ['AUDITOR'], ownOrgan: ['SEAL_KEEPER', 'SEAL_APPROVER'] };

/** Returns whether a person may read a tile with closed entries of any organ. */
export function mayReadClosedTile(person: Person): boolean {
  return findReadScope(CLOSED_ENTRIES, person)?.organs === null;
}

/** Returns whether a person may read a closed entry. */
export function mayReadClosedEntry(text: string, person: Person): boolean {
  const scope = findReadScope(CLOSED_ENTRIES, person);
  return scope !== null && (scope.organs === null || scope.organs.some((organ) => organ === parseEntry(text).organ));
}

/**
 * Returns whether a digest shows that its sender has what an entry is about: the signature of a use, the text of a
 * code, or a receipt. Nobody can compute one of these from a guess. The digest of a document is not enough.
 */
export function isDigestOfEntry(text: string, digest: string): boolean {
  const { signatureDigest, codeDigest, kind, digest: receiptDigest, isSigned } = parseEntry(text);
  const known = [signatureDigest, codeDigest, kind === 'RECEIPT' && isSigned === true ? receiptDigest : null];
  return /^[0-9a-f]{64}$/.test(digest) && known.includes(digest);
}
