import { z } from 'zod';
import { type Day, isWithin } from '../day.ts';
import { instantSchema } from '../day-schema.ts';
import type { SealGrant } from '../events/seal-grant.ts';
import { SEALED_ACT_NAMES } from '../license-acts.ts';
import { MAX_DUPLICATES } from '../license-type/type.ts';
import type { AttestActsRequest, AttestRequest } from './attest.ts';
import { authorisesFor, type Decider, decider } from './person-signature.ts';
import type { SealPurpose } from './seal-kind.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * The place of a signature. PADES: inside the PDF whose byte ranges it covers (ETSI EN 319 142).
 * CADES: in its own file, and it covers the whole signed file.
 */
export const SIGNATURE_PROFILES = ['PADES', 'CADES'] as const;
export type SignatureProfile = (typeof SIGNATURE_PROFILES)[number];

const level = z.enum(['CITY', 'COUNTY']);

/** The information that the seals subgraph needs to judge any use of a seal. */
const sealUse = z.object({
  /** Idempotency key: a repeated call with the same id always returns the first signature. */
  issuanceId: z.uuid(),
  /** The sealing organ. The seals subgraph picks the organ's seal with a grant for the matter. */
  organ: z.string(),
  matterId: z.string(),
  caseId: z.string().nullable(),
  act: z.enum(SEALED_ACT_NAMES),
  /** Level of the sealing organ, which with the act says the kind of the seal (`SEAL_KIND_OF`). */
  level,
  /**
   * Identifier of the license version that, or whose act, is sealed. For a decision document: the case number. For
   * another notice: its own number.
   */
  identifier: z.string(),
  /** The blank for the new sheet, if the act makes one. It is fixed here so that nobody can claim another one later. */
  blankNumber: z.string().max(64).nullable().optional(),
  /** The blanks for the duplicates of the sheet (副本), if the act makes any. */
  duplicateBlanks: z.array(z.string().max(64)).max(MAX_DUPLICATES).optional(),
  /** The authorised content, word for word. Its digest (`contentDigest`) equals the one in the authorisation. */
  content: z.record(z.string(), z.unknown()),
  /** The person's seal authorisation, a JWS. */
  authorisation: z.string(),
});

export type SealUseRequest = z.infer<typeof sealUse>;

/** Codec for bytes, which are base64 over HTTP. */
export const base64Bytes = z.codec(z.base64(), z.instanceof(Uint8Array<ArrayBufferLike>), {
  decode: (text) => new Uint8Array(Buffer.from(text, 'base64')),
  encode: (octets) => Buffer.from(octets).toString('base64'),
});

/** Request of `seals.sign`. Licenses calls it, and cases for decision documents. */
export const signRequest = sealUse.extend({
  profile: z.enum(SIGNATURE_PROFILES),
  /**
   * The file to seal: a PDF with room for the signature (PADES), or the whole file (CADES).
   * The seals subgraph reads it and seals only authorised content.
   */
  document: base64Bytes,
});
export type SignRequest = z.infer<typeof signRequest>;

/** A signature, or PENDING if a remote signer has not answered yet. The port throws a refusal. */
export type SignAnswer =
  | {
      state: 'SIGNED';
      /** CMS SignedData, DER, detached, with a signature timestamp (RFC 3161). Only CAdES has a signing time. */
      signature: Uint8Array;
      sealId: string;
      sealName: string;
      signedAt: string;
    }
  | { state: 'PENDING'; reason: string };

export type Sign = (request: SignRequest) => Promise<SignAnswer>;

/** Who authorised a use of an organ's seal for a matter, for what and when. */
export interface AuthorisedUse extends SealPurpose {
  organ: string;
  matterId: string;
  personId: string;
  /** Null if a release up to 0.4 wrote the authorisation. The signer takes only those of such a release. */
  decider: Decider | null;
}

/**
 * Returns whether one of a seal's grants allows a use on a day. A grant without a person is for whoever decides the
 * matter: for nobody but a person of the organ that decided, or one who decides for it by a recorded exception;
 * of a notice, for whoever did its step.
 */
export function isGranted(
  grants: readonly SealGrant[],
  { organ, matterId, personId, decider, act }: Omit<AuthorisedUse, 'level' | 'authorisedAt'>,
  day: Day,
): boolean {
  const isDecider = decider === null || authorisesFor(organ, decider, act);
  return grants.some(
    (grant) =>
      grant.matter === matterId &&
      (grant.person === null ? isDecider : grant.person === personId) &&
      isWithin(day, grant.from, grant.to),
  );
}

/** Request of `seals.picture`. Licenses and cases call it before they render a document to seal. */
export const pictureRequest = z.object({
  organ: z.string(),
  matterId: z.string(),
  personId: z.string(),
  decider: decider.nullable(),
  act: z.enum(SEALED_ACT_NAMES),
  level,
  authorisedAt: instantSchema,
}) satisfies z.ZodType<AuthorisedUse>;
export type PictureRequest = z.infer<typeof pictureRequest>;
/** Returns the office's own PNG of the seal that `sign` would use, or null if it is drawn. Refuses as `sign` does. */
export type ReadPicture = (request: PictureRequest) => Promise<Uint8Array | null>;

/** The content of a license version's QR code (二维码), with which it can be checked offline. */
export const codePayload = z.strictObject({
  /** Identifier (GB/T 36904). It includes the version. */
  i: z.string().max(120),
  /** Holder's name, masked. */
  h: z.string().max(60),
  /** Issuing organ's name. */
  o: z.string().max(60),
  /** First and last day, YYYY-MM-DD. `t` is 长期 if there is no last day. */
  f: z.string().max(10),
  t: z.string().max(10),
  /** SHA-256 of the canonical record without its QR code, base64url. */
  d: z.string().length(43),
});
export type CodePayload = z.infer<typeof codePayload>;

/** Request of `seals.signCode`. Licenses calls it before it renders the document. */
export const codeRequest = sealUse.extend({
  payload: codePayload,
  /** The license's record that the payload describes. */
  record: z.record(z.string(), z.unknown()),
});
export type CodeRequest = z.infer<typeof codeRequest>;

/** Returns a compact JWS (RFC 7515), ES256 with the seal's code key. The header's `typ` names the suite. May refuse. */
export type SignCode = (request: CodeRequest) => Promise<string>;

/** Returns a compact JWS, ES256. `x5c` carries the certificates below the root. */
export type Attest = (request: AttestRequest) => Promise<string>;

/** Attests statements of the register in one transaction. Returns a compact JWS for each, in their order. */
export type AttestActs = (request: AttestActsRequest) => Promise<string[]>;

/** Request of `seals.stamp` over HTTP: the digest in hex. */
export const stampRequest = z.object({ digest });

/**
 * `seals.stamp`: returns a timestamp token (RFC 3161, DER) over a SHA-256 digest, for evidence that outlives its keys.
 */
export type Stamp = (digest: Uint8Array) => Promise<Uint8Array>;

/**
 * Request of `seals.material`. Besides the common material it names certificates of codes by `kid`,
 * and a seal use whose log proof is wanted.
 */
export const evidenceMaterialRequest = z.object({
  codes: z.array(z.string().regex(/^[0-9a-f]{16}$/)).max(100),
  /** Issuance id, or null. */
  use: z.uuid().nullable(),
});
export type EvidenceMaterialRequest = z.infer<typeof evidenceMaterialRequest>;

/** Request of `seals.record`, called by licenses: a receipt (回执) of another system, for the log. */
export const receiptRecord = z.object({
  from: z.literal('library'),
  stream: z.string().min(1).max(200),
  revision: z.int().positive(),
  /** Identifier of the license version that the act concerns. */
  identifier: z.string().min(1).max(200),
  documentDigest: digest,
  /** SHA-256 of the receipt. */
  digest,
  /** Whether the sender's signature on the receipt was verified. */
  isSigned: z.boolean(),
  /** Whether the content of the document has a random element, so that its digest can test no guess. */
  isSalted: z.boolean().optional(),
});
export type ReceiptRecord = z.infer<typeof receiptRecord>;
/** Records one receipt per sender, stream and revision. Repeating it changes nothing. Throws if another one exists. */
export type RecordReceipt = (receipt: ReceiptRecord) => Promise<void>;

/** Evidence besides signatures, each DER: the root, the issuing authority, code certificates, revocation lists. */
export interface EvidenceMaterial {
  root: Uint8Array;
  issuing: Uint8Array;
  codes: Uint8Array[];
  rootList: Uint8Array;
  issuingList: Uint8Array;
  /**
   * Proof that the transparency log contains the seal use (C2SP tlog-proof, its entry in `extra`).
   * Null if the request named no use, or the use has no place in the log yet.
   */
  log: string | null;
  /** Keys of the log and of its witnesses, as text (vkey). */
  logKeys: string[];
}
/** `seals.material`, called by licenses. */
export type ReadEvidenceMaterial = (request: EvidenceMaterialRequest) => Promise<EvidenceMaterial>;
