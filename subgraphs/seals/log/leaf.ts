import { X509Certificate } from 'node:crypto';
import { canonical, sha256 } from '../../kernel/events.ts';
import type { ReceiptRecord } from '../../kernel/sign.ts';
import { leafHash } from '../../kernel/tlog/tree.ts';
import { ENTRY_BYTES_MOST } from './tile.ts';

/** What stands in the log (透明日志): digests and names of organs and offices, nothing of a holder. */

/** Kinds of leaves; a later release adds some and changes none. */
export const LEAF_KINDS = [
  'SEAL_USE',
  'CODE_USE',
  'ATTESTATION',
  'TIMESTAMP',
  'REVOCATION_LIST',
  'SEAL_EVENT',
  'CERTIFICATE',
  'RECEIPT',
] as const;
export type LeafKind = (typeof LEAF_KINDS)[number];

/** A leaf before it has a place. */
export interface Leaf {
  kind: LeafKind;
  subject: string;
  entry: string;
  hash: Uint8Array;
  at: Date;
}

/** Form of the entries. */
const VERSION = 1;

/** A leaf of the log; `subject` comes once in its kind. Throws RangeError where the entry is too long. */
export function leafOf(kind: LeafKind, subject: string, said: object, at: Date): Leaf {
  const entry = canonical({ v: VERSION, kind, ...said, at: at.toISOString() });
  const bytes = Buffer.from(entry);
  if (bytes.length > ENTRY_BYTES_MOST) throw new RangeError('an entry of the log has at most 65535 bytes');
  return { kind, subject, entry, hash: leafHash(bytes), at };
}

/** What uses of a seal and of its key for QR codes have in common. */
interface Use {
  issuanceId: string;
  sealId: string;
  organ: string;
  matterId: string;
  caseId: string | null;
  act: string;
  identifier: string;
  blankNumber: string | null;
  contentDigest: string;
  authorisedById: string;
  /** A statement that names its person: only its digest is told. */
  authorisation: string;
  at: Date;
}

function saidOf(use: Use): object {
  const { issuanceId, sealId, organ, matterId, caseId, act, identifier, contentDigest, authorisedById } = use;
  const authorisationDigest = sha256(use.authorisation);
  // Left out where there is none: a leaf of an earlier use says nothing of it.
  const paper = use.blankNumber === null ? {} : { blankNumber: use.blankNumber };
  const about = { issuanceId, sealId, organ, matterId, caseId, act, identifier, contentDigest, ...paper };
  return { ...about, authorisedById, authorisationDigest };
}

/** A use of a seal (用印). */
export function ofUse(use: Use & { suite: string; documentDigest: string; signature: Uint8Array }): Leaf {
  const { suite, documentDigest } = use;
  const more = { suite, documentDigest, signatureDigest: sha256(use.signature) };
  return leafOf('SEAL_USE', use.issuanceId, { ...saidOf(use), ...more }, use.at);
}

/** A signed QR code (二维码). */
export function ofCode(use: Use & { code: string }): Leaf {
  return leafOf('CODE_USE', use.issuanceId, { ...saidOf(use), codeDigest: sha256(use.code) }, use.at);
}

/** A statement on licenses' states (状态声明). */
export function ofAttestation(typ: string, jws: string, at: Date): Leaf {
  const digest = sha256(jws);
  return leafOf('ATTESTATION', digest, { typ, digest }, at);
}

/** A timestamp that stands alone (时间戳). */
export function ofTimestamp(digest: Uint8Array, token: Uint8Array, at: Date): Leaf {
  const tokenDigest = sha256(token);
  return leafOf('TIMESTAMP', tokenDigest, { digest: Buffer.from(digest).toString('hex'), tokenDigest }, at);
}

/** A revocation list (证书吊销列表). */
export function ofList({
  authority,
  number,
  bytes,
  thisUpdate,
}: {
  authority: string;
  number: number;
  bytes: Uint8Array;
  thisUpdate: Date;
}): Leaf {
  return leafOf('REVOCATION_LIST', `${authority} ${number}`, { authority, number, digest: sha256(bytes) }, thisUpdate);
}

/**
 * What was done with a seal itself (制章、停用、授权、注销), or asked of it: who did it, and whose application it rests on. The reason is
 * free text: only its digest is told.
 */
export function ofSealEvent(event: {
  serial: number;
  sealId: string;
  event: string;
  matterId: string | null;
  actorId: string | null;
  appliedById: string | null;
  applicationId: string | null;
  reason: string | null;
  at: Date;
}): Leaf {
  const { serial, sealId, matterId, actorId, appliedById, applicationId, reason, at } = event;
  const reasonDigest = reason === null ? null : sha256(reason);
  const said = { serial, sealId, event: event.event, matterId, actorId, appliedById, applicationId, reasonDigest };
  return leafOf('SEAL_EVENT', String(serial), said, at);
}

/** A receipt of another system (回执): for what, and the digest of its text, so that whoever has both can match them. */
export function ofReceipt(
  { from, stream, revision, identifier, documentDigest, digest, isSigned }: ReceiptRecord,
  at: Date,
): Leaf {
  const subject = `${stream} ${revision}`;
  const said = { from, subject, identifier, revision, documentDigest, digest, isSigned };
  return leafOf('RECEIPT', `${from} ${subject}`, said, at);
}

/** Whether two entries tell of one receipt: all but the time. */
export function isSameReceipt(one: string, other: string): boolean {
  const saidOf = (entry: string) => canonical({ ...(JSON.parse(entry) as object), at: null });
  return saidOf(one) === saidOf(other);
}

/** A certificate made (证书), from the second from which it holds: what it is for, whom it names, and its digest. */
export function certificateOf(profile: string, pem: string): Leaf {
  const { subject, raw, validFromDate } = new X509Certificate(pem);
  const digest = sha256(raw);
  return leafOf('CERTIFICATE', digest, { profile, subject, digest }, validFromDate);
}
