import { X509Certificate } from 'node:crypto';
import { sha256, toCanonicalJson } from '../../kernel/events/events.ts';
import type { ReceiptRecord } from '../../kernel/sealing/sign.ts';
import { hashLeaf } from '../../kernel/tlog/tree.ts';
import { MAX_ENTRY_BYTES } from './tile.ts';

/** Entries of the log (透明日志): digests and names of organs and offices, no data of a holder. */

/** Kinds of leaves. A later release may add kinds and must not change one. */
export const LEAF_KINDS = [
  'SEAL_USE',
  'CODE_USE',
  'ATTESTATION',
  'TIMESTAMP',
  'REVOCATION_LIST',
  'SEAL_EVENT',
  'CERTIFICATE',
  'RECEIPT',
  'ERASURE',
  'VERIFIER',
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

/** Format version of the entries. */
const VERSION = 1;

/** Builds a leaf of the log. `subject` is unique within its kind. Throws RangeError if the entry is too long. */
export function buildLeaf(kind: LeafKind, subject: string, content: object, at: Date): Leaf {
  const entry = toCanonicalJson({ v: VERSION, kind, ...content, at: at.toISOString() });
  const bytes = Buffer.from(entry);
  if (bytes.length > MAX_ENTRY_BYTES) throw new RangeError('an entry of the log has at most 65535 bytes');
  return { kind, subject, entry, hash: hashLeaf(bytes), at };
}

/** Fields that uses of a seal and of its key for QR codes share. */
interface Use {
  issuanceId: string;
  sealId: string;
  organ: string;
  matterId: string;
  caseId: string | null;
  act: string;
  identifier: string;
  blankNumber: string | null;
  duplicateBlanks?: string[] | null;
  contentDigest: string;
  authorisedById: string;
  /** The statement names its person, so the leaf holds only its digest. */
  authorisation: string;
  /** Whether content and document have random elements: the digests in the leaf can then test no guess. */
  isSalted: boolean;
  at: Date;
}

/** The mark of a leaf whose digests can test no guess. Leaves of releases up to 0.4 do not have the field. */
function markSalted(isSalted: boolean | undefined): { isSalted?: true } {
  return isSalted ? { isSalted } : {};
}

function contentOf(use: Use): object {
  const { issuanceId, sealId, organ, matterId, caseId, act, identifier, contentDigest, authorisedById } = use;
  const authorisationDigest = sha256(use.authorisation);
  // Left out if there is none: leaves of earlier uses do not have the field.
  const blank = use.blankNumber === null ? {} : { blankNumber: use.blankNumber };
  const duplicates = use.duplicateBlanks ? { duplicateBlanks: use.duplicateBlanks } : {};
  const salted = markSalted(use.isSalted);
  const about = { issuanceId, sealId, organ, matterId, caseId, act, identifier, contentDigest };
  const fields = { ...about, ...blank, ...duplicates, ...salted };
  return { ...fields, authorisedById, authorisationDigest };
}

/** Builds the leaf of a use of a seal (用印). */
export function buildUseLeaf(use: Use & { suite: string; documentDigest: string; signature: Uint8Array }): Leaf {
  const { suite, documentDigest } = use;
  const signatureFields = { suite, documentDigest, signatureDigest: sha256(use.signature) };
  return buildLeaf('SEAL_USE', use.issuanceId, { ...contentOf(use), ...signatureFields }, use.at);
}

/** Builds the leaf of a signed QR code (二维码). */
export function buildCodeLeaf(use: Use & { code: string }): Leaf {
  return buildLeaf('CODE_USE', use.issuanceId, { ...contentOf(use), codeDigest: sha256(use.code) }, use.at);
}

/** Builds the leaf of a separate timestamp (时间戳). */
export function buildTimestampLeaf(digest: Uint8Array, token: Uint8Array, at: Date): Leaf {
  const tokenDigest = sha256(token);
  return buildLeaf('TIMESTAMP', tokenDigest, { digest: Buffer.from(digest).toString('hex'), tokenDigest }, at);
}

/** Builds the leaf of a revocation list (证书吊销列表). */
export function buildListLeaf({
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
  return buildLeaf(
    'REVOCATION_LIST',
    `${authority} ${number}`,
    { authority, number, digest: sha256(bytes) },
    thisUpdate,
  );
}

/**
 * Builds the leaf of an act on a seal itself (制章、停用、授权、注销) or of an event of an application. It says who acted, and on
 * whose application. The reason is free text, so the leaf holds only a digest of it: with a random element, or alone in
 * events of releases up to 0.4.
 */
export function buildEventLeaf(event: {
  serial: number;
  sealId: string;
  event: string;
  matterId: string | null;
  actorId: string | null;
  appliedById: string | null;
  applicationId: string | null;
  reason: string | null;
  reasonSalt: string | null;
  at: Date;
}): Leaf {
  const { serial, sealId, matterId, actorId, appliedById, applicationId, reason, reasonSalt, at } = event;
  const reasonFields =
    reasonSalt === null
      ? { reasonDigest: reason === null ? null : sha256(reason) }
      : { reasonCommitment: sha256(toCanonicalJson({ reason, salt: reasonSalt })) };
  const content = {
    serial,
    sealId,
    event: event.event,
    matterId,
    actorId,
    appliedById,
    applicationId,
    ...reasonFields,
  };
  return buildLeaf('SEAL_EVENT', String(serial), content, at);
}

/**
 * Builds the leaf of another system's receipt (回执): its subject and the digest of its text. Anybody who has leaf and
 * receipt can match them.
 */
export function buildReceiptLeaf(
  { from, stream, revision, identifier, documentDigest, digest, isSigned, isSalted }: ReceiptRecord,
  at: Date,
): Leaf {
  const subject = `${stream} ${revision}`;
  const content = { from, subject, identifier, revision, documentDigest, digest, isSigned, ...markSalted(isSalted) };
  return buildLeaf('RECEIPT', `${from} ${subject}`, content, at);
}

/** Why the content of an act was erased (个人信息保护法 art. 47). */
export const BASES = ['PURPOSE_ENDED', 'RETENTION_ENDED', 'CONSENT_WITHDRAWN', 'UNLAWFUL'] as const;
export type ErasureBasis = (typeof BASES)[number];

/** Builds the leaf of a lawful erasure (合法删除): of which act, and why. The erased content had its own leaf. */
export function buildErasureLeaf(erasure: {
  issuanceId: string;
  identifier: string;
  basis: ErasureBasis;
  at: Date;
}): Leaf {
  const { issuanceId, identifier, basis, at } = erasure;
  return buildLeaf('ERASURE', issuanceId, { issuanceId, identifier, basis }, at);
}

/** The offline verifier that the hub hands out (`verify.mjs`), and the release that it is of. */
export interface VerifierFile {
  bytes: Uint8Array;
  release: string;
}

/**
 * Builds the leaf of the offline verifier. The same file can be held against what others recorded, so the hub cannot
 * hand out another one in secret.
 */
export function buildVerifierLeaf({ bytes, release }: VerifierFile, at: Date): Leaf {
  const digest = sha256(bytes);
  return buildLeaf('VERIFIER', digest, { digest, release }, at);
}

/** Whether two entries hold the same receipt: all fields but the time are equal. */
export function isSameReceipt(entryA: string, entryB: string): boolean {
  const contentOf = (entry: string) => toCanonicalJson({ ...(JSON.parse(entry) as object), at: null });
  return contentOf(entryA) === contentOf(entryB);
}

/** Builds the leaf of a certificate (证书), dated from the start of its validity: its profile, subject and digest. */
export function buildCertificateLeaf(profile: string, pem: string): Leaf {
  const { subject, raw, validFromDate } = new X509Certificate(pem);
  const digest = sha256(raw);
  return buildLeaf('CERTIFICATE', digest, { profile, subject, digest }, validFromDate);
}
