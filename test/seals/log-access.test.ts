import { describe, expect, test } from 'vitest';
import { LEAF_KINDS } from '../../subgraphs/seals/log/leaf.ts';
import { isDigestOfEntry, isOpenEntry, isOpenTile } from '../../subgraphs/seals/log/publication/access.ts';
import { bundleEntries, splitEntries } from '../../subgraphs/seals/log/tile.ts';

/** Which entries of the log everybody may read: only those that say that their digests can test no guess. */

const HASH = 'a'.repeat(64);
const entryOf = (kind: string, content: object = {}) => JSON.stringify({ v: 1, kind, ...content });
const KIND_CONTENTS: Record<(typeof LEAF_KINDS)[number], { open: object; closed: object | null }> = {
  SEAL_USE: { open: { contentDigest: HASH, isSalted: true }, closed: { contentDigest: HASH } },
  CODE_USE: { open: { contentDigest: HASH, isSalted: true }, closed: { contentDigest: HASH } },
  RECEIPT: { open: { documentDigest: HASH, isSalted: true }, closed: { documentDigest: HASH } },
  SEAL_EVENT: { open: { reasonCommitment: HASH }, closed: { reasonDigest: HASH } },
  ATTESTATION: { open: { digest: HASH }, closed: null },
  TIMESTAMP: { open: { digest: HASH }, closed: null },
  REVOCATION_LIST: { open: { digest: HASH }, closed: null },
  CERTIFICATE: { open: { digest: HASH }, closed: null },
  ERASURE: { open: { basis: 'UNLAWFUL' }, closed: null },
  VERIFIER: { open: { digest: HASH }, closed: null },
};

describe('an entry', () => {
  test.each(LEAF_KINDS)('%s is open if its digests can test no guess, and else closed', (kind) => {
    const { open, closed } = KIND_CONTENTS[kind];
    expect(isOpenEntry(entryOf(kind, open))).toBe(true);
    if (closed) expect(isOpenEntry(entryOf(kind, closed))).toBe(false);
  });

  test('of a seal without a reason is open, as release 0.4 wrote it too', () => {
    expect(isOpenEntry(entryOf('SEAL_EVENT', { reasonDigest: null }))).toBe(true);
    expect(isOpenEntry(entryOf('SEAL_EVENT'))).toBe(false);
  });

  test.each(['', '{', 'null', '[]', '1', '{}', entryOf('LATER', { isSalted: true }), entryOf('constructor')])(
    '%j is closed',
    (text) => expect(isOpenEntry(text)).toBe(false),
  );

  test.each([false, 'true', 1, null])('with isSalted %j is closed', (isSalted) => {
    expect(isOpenEntry(entryOf('SEAL_USE', { isSalted }))).toBe(false);
  });
});

describe('a tile', () => {
  const [open, closed] = [entryOf('SEAL_USE', { isSalted: true }), entryOf('SEAL_USE')];
  const bundle = (...entries: string[]) => bundleEntries(entries.map((entry) => Buffer.from(entry)));

  test('is open if all of its entries are', () => {
    expect([bundle(open), bundle(open, open), bundle(open, closed), bundle(closed, open)].map(isOpenTile)).toEqual([
      ...[true, true, false, false],
    ]);
  });

  test('is split into what was bundled, and closed if it is cut', () => {
    const whole = bundle(open, 'b', open);
    expect(splitEntries(whole).map(String)).toEqual([open, 'b', open]);
    for (const length of [1, whole.length - 1]) expect(isOpenTile(whole.subarray(0, length))).toBe(false);
  });
});

describe('the digest of what somebody has', () => {
  const use = entryOf('SEAL_USE', { signatureDigest: HASH, documentDigest: 'b'.repeat(64), contentDigest: HASH });
  test('opens the entry about it', () => {
    expect(isDigestOfEntry(use, HASH)).toBe(true);
    expect(isDigestOfEntry(entryOf('CODE_USE', { codeDigest: HASH }), HASH)).toBe(true);
    expect(isDigestOfEntry(entryOf('RECEIPT', { digest: HASH, isSigned: true }), HASH)).toBe(true);
  });

  test('does not if it can be computed from a guess', () => {
    expect(isDigestOfEntry(use, 'b'.repeat(64))).toBe(false);
    expect(isDigestOfEntry(entryOf('RECEIPT', { digest: HASH, isSigned: false }), HASH)).toBe(false);
    for (const digest of ['', 'undefined', 'null']) expect(isDigestOfEntry(entryOf('SEAL_USE'), digest)).toBe(false);
  });
});
