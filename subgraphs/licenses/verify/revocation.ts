import { memoizeByDigest } from '../../kernel/cache.ts';
import { isAhead } from '../../kernel/period/freshness.ts';
import { algorithmOf, type Certificate, readExtension, USAGE } from './format/certificate.ts';
import { Fields, type Node, numberOf, octetsOfBits, parseDer, requireOnlyChild, TAG, timeOf } from './format/der.ts';
import { isSignatureValidCached } from './format/mathematics.ts';
import { Failure, readOrFail } from './verdict.ts';

/**
 * A parsed complete revocation list (证书吊销列表, RFC 5280 §5, version 2). Its signature has not been checked yet.
 */
export interface RevocationList {
  issuer: Buffer;
  signed: Buffer;
  algorithm: string;
  signature: Buffer;
  issuedAt: Date;
  nextAt: Date;
  /** Certificates that expired since then are still listed (expiredCertsOnCRL). Null if the list does not say so. */
  completeSince: Date | null;
  /** Entries by the content octets of the serial number, hex. */
  entries: ReadonlyMap<string, RevokedEntry>;
}

interface RevokedEntry {
  /** When the certificate became invalid: the earlier of revocation date and invalidity date. */
  effectiveAt: Date;
  /** certificateHold (暂停): a later list may remove it. */
  isOnHold: boolean;
}

const VERSION_2 = 1;
const LIST_EXTENSIONS = {
  issuerKeyId: '2.5.29.35',
  number: '2.5.29.20',
  delta: '2.5.29.27',
  part: '2.5.29.28',
  fresh: '2.5.29.46',
  expired: '2.5.29.60',
};
const ENTRY_EXTENSIONS = { reason: '2.5.29.21', invalidityDate: '2.5.29.24', certificateIssuer: '2.5.29.29' };
const REASON = { hold: 6, unused: 7, removeFromList: 8, max: 10 } as const;

const listFailure = (detail: string) => new Failure('TRY_LATER', detail);

/**
 * Reads a list, DER. Throws Failure TRY_LATER if it is not a list, is a partial or delta list, or contains unsupported
 * extensions.
 */
export const readList = memoizeByDigest((der) => readOrFail('TRY_LATER', '吊销列表无法解析', () => parseList(der)));

/** Returns the readable lists. Skips unreadable ones, so that they do not block the others. */
export function readLists(encodings: readonly Uint8Array[]): RevocationList[] {
  return encodings.flatMap((encoding) => {
    try {
      return [readList(encoding)];
    } catch {
      return [];
    }
  });
}

function parseList(der: Buffer): RevocationList {
  const whole = new Fields(parseDer(der));
  const tbs = whole.next(TAG.sequence);
  const algorithm = whole.next(TAG.sequence);
  const signature = octetsOfBits(whole.next(TAG.bits));
  whole.end();
  const fields = new Fields(tbs);
  if (numberOf(fields.next(TAG.integer)) !== VERSION_2) throw listFailure('吊销列表不是第 2 版');
  if (!fields.next(TAG.sequence).raw.equals(algorithm.raw)) throw listFailure('吊销列表签名算法前后不一致');
  const issuer = fields.next(TAG.sequence).raw;
  const [issuedAt, nextAt] = [timeOf(fields.next()), timeOf(fields.next())];
  const revokedEntries = fields.optional(TAG.sequence);
  const extensions = fields.optional(0xa0);
  fields.end();
  const completeSince = readExtensions(extensions ? requireOnlyChild(extensions, TAG.sequence).children : []);
  const entries = new Map<string, RevokedEntry>();
  for (const node of revokedEntries?.children ?? []) {
    const { serial, entry } = readEntry(node);
    if (entries.has(serial)) throw listFailure('吊销列表中序列号重复');
    entries.set(serial, entry);
  }
  const times = { issuedAt, nextAt, completeSince };
  return { issuer, signed: tbs.raw, algorithm: algorithmOf(algorithm), signature, ...times, entries };
}

/**
 * Refuses extensions that make a list incomplete. Returns the time since which the list keeps expired certificates, or
 * null.
 */
function readExtensions(extensions: readonly Node[]): Date | null {
  const { issuerKeyId, number, delta, part, fresh, expired } = LIST_EXTENSIONS;
  let completeSince: Date | null = null;
  const seen = new Set<string>();
  for (const node of extensions) {
    const { id, critical, value } = readExtension(node);
    if (seen.has(id)) throw listFailure(`吊销列表扩展 ${id} 重复`);
    seen.add(id);
    if (id === delta) throw listFailure('吊销列表是增量列表');
    if (id === part || id === fresh) throw listFailure('吊销列表是间接的、只列一部分或另有增量列表');
    if (id === expired) completeSince = timeOf(parseDer(value));
    else if (critical && id !== issuerKeyId && id !== number) throw listFailure(`吊销列表的关键扩展 ${id} 不认识`);
  }
  return completeSince;
}

function readEntry(node: Node): { serial: string; entry: RevokedEntry } {
  const fields = new Fields(node);
  const serial = fields.next(TAG.integer).body.toString('hex');
  let effectiveAt = timeOf(fields.next());
  let isOnHold = false;
  const extensions = fields.optional(TAG.sequence);
  fields.end();
  const seen = new Set<string>();
  for (const extension of extensions?.children ?? []) {
    const { id, critical, value } = readExtension(extension);
    if (seen.has(id)) throw listFailure(`吊销条目的扩展 ${id} 重复`);
    seen.add(id);
    if (id === ENTRY_EXTENSIONS.reason) {
      const reason = numberOf(parseDer(value), TAG.enumerated);
      if (reason === REASON.unused || reason === REASON.removeFromList || reason > REASON.max) {
        throw listFailure('吊销原因不认识');
      }
      isOnHold = reason === REASON.hold;
    } else if (id === ENTRY_EXTENSIONS.invalidityDate) {
      const invalid = timeOf(parseDer(value));
      if (invalid < effectiveAt) effectiveAt = invalid;
    } else if (id === ENTRY_EXTENSIONS.certificateIssuer || critical) {
      throw listFailure(`吊销条目的扩展 ${id} 不认识`);
    }
  }
  return { serial, entry: { effectiveAt, isOnHold } };
}

/** The revocation status of a certificate by the lists. */
export interface Revocation {
  /** Since when it is revoked, or null if no list contains it. */
  effectiveAt: Date | null;
  /**
   * Whether a list can show that it is not revoked: from its issuer, not from the future, valid until `at` or later.
   */
  isKnown: boolean;
}

/**
 * Finds the revocation status of a certificate at `at`. `now` is the time of the verification. Every list counts that
 * the issuer signed and that is not from the future. A revocation in any of them is permanent. A hold (暂停) counts only
 * if the newest list contains it. A list issued after the certificate expired may omit it. Such a list cannot show that
 * it was not revoked, unless the list declares that it keeps expired certificates.
 */
export function findRevocation(
  { serial, validUntil }: Certificate,
  issuer: Certificate,
  lists: readonly RevocationList[],
  { at, now }: { at: Date; now: Date },
): Revocation {
  const usableLists = lists
    .filter(
      (list) => list.issuer.equals(issuer.subject) && !isAhead(list.issuedAt, now) && isListSignedBy(list, issuer),
    )
    .sort((a, b) => a.issuedAt.getTime() - b.issuedAt.getTime());
  const newestList = usableLists.at(-1);
  const revocationTimes = usableLists.flatMap((list) => {
    const entry = list.entries.get(serial.toString('hex'));
    return entry && (!entry.isOnHold || list === newestList) ? [entry.effectiveAt.getTime()] : [];
  });
  return {
    effectiveAt: revocationTimes.length > 0 ? new Date(Math.min(...revocationTimes)) : null,
    isKnown: usableLists.some(
      ({ issuedAt, nextAt, completeSince }) =>
        nextAt >= at && issuedAt < nextAt && (issuedAt <= validUntil || (completeSince && completeSince <= validUntil)),
    ),
  };
}

function isListSignedBy(list: RevocationList, issuer: Certificate): boolean {
  return ((issuer.keyUsage ?? 0) & USAGE.cRLSign) !== 0 && isSignatureValidCached(issuer.key, list);
}
