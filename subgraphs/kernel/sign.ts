import { z } from 'zod';
import { type Day, within } from './day.ts';
import { ACTS, type SealGrant } from './events.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** Where a signature stands: inside the PDF whose byte ranges it covers (ETSI EN 319 142), or beside the file that it covers whole. */
export const SIGNATURE_PROFILES = ['PADES', 'CADES'] as const;
export type SignatureProfile = (typeof SIGNATURE_PROFILES)[number];

/** What the keeper of a seal must know to judge a use of it, whatever is made by it. */
const sealUse = z.object({
  /** Same id, same signature, for ever: a repeated call answers what the first one made. */
  issuanceId: z.uuid(),
  /** The organ that seals; seals picks its seal granted for the matter. */
  organ: z.string(),
  matterId: z.string(),
  caseId: z.string().nullable(),
  act: z.enum([...ACTS, 'SPOIL', 'DECISION']),
  /** Identifier of the license version sealed, or whose act is sealed; number of the case whose decision document is sealed. */
  identifier: z.string(),
  /** The blank that the new sheet is printed on, where the act makes one: nobody can say later that it was another. */
  blankNumber: z.string().max(64).nullable().optional(),
  /** What the person authorised, word for word; its digest (`contentDigest`) is the one in the authorisation. */
  content: z.record(z.string(), z.unknown()),
  /** The person's seal authorisation, a JWS. */
  authorisation: z.string(),
});

export type SealUseRequest = z.infer<typeof sealUse>;

/** Bytes, which cross HTTP in base64. */
export const bytes = z.codec(z.base64(), z.instanceof(Uint8Array<ArrayBufferLike>), {
  decode: (text) => new Uint8Array(Buffer.from(text, 'base64')),
  encode: (octets) => Buffer.from(octets).toString('base64'),
});

/** `seals.sign`, called by licenses and, for decision documents, by cases. */
export const signRequest = sealUse.extend({
  profile: z.enum(SIGNATURE_PROFILES),
  /** What is sealed: a PDF with room for the signature (PADES), or the whole file (CADES). The keeper reads it, and seals nothing but what was authorised. */
  document: bytes,
});
export type SignRequest = z.infer<typeof signRequest>;

/** Either a signature, or PENDING where a remote signer has not answered yet. A refusal is thrown. */
export type SignAnswer =
  | {
      state: 'SIGNED';
      /** CMS SignedData, DER, detached, with a timestamp of the signature (RFC 3161); CAdES has a signing time, PAdES has none. */
      signature: Uint8Array;
      sealId: string;
      sealName: string;
      signedAt: string;
    }
  | { state: 'PENDING'; reason: string };

export type Sign = (request: SignRequest) => Promise<SignAnswer>;

/** Whether one of a seal's grants lets `person` authorise it for a matter on a day. */
export function isGranted(grants: readonly SealGrant[], matter: string, person: string, day: Day): boolean {
  return grants.some(
    (grant) =>
      grant.matter === matter &&
      (grant.person === null || grant.person === person) &&
      within(day, grant.from, grant.to),
  );
}

/** `seals.picture`, called by licenses and cases before they set what is to be sealed; `personId` is whoever authorised the seal. */
export const pictureRequest = z.object({ organ: z.string(), matterId: z.string(), personId: z.string() });
export type PictureRequest = z.infer<typeof pictureRequest>;
/** The office's own picture, PNG, of the seal that `sign` would use, or null where it is drawn. A refusal is thrown, as by `sign`. */
export type ReadPicture = (request: PictureRequest) => Promise<Uint8Array | null>;

/** What a QR code says of a license version, so that it can be checked without network (二维码). */
export const codePayload = z.strictObject({
  /** Identifier (GB/T 36904); it names the version too. */
  i: z.string().max(120),
  /** Holder's name, masked. */
  h: z.string().max(60),
  /** Issuing organ's name. */
  o: z.string().max(60),
  /** First and last day, YYYY-MM-DD; the last is 长期 where there is none. */
  f: z.string().max(10),
  t: z.string().max(10),
  /** SHA-256 of the canonical record without its QR code, base64url. */
  d: z.string().length(43),
});
export type CodePayload = z.infer<typeof codePayload>;

/** `seals.signCode`, called by licenses before the document is rendered. */
export const codeRequest = sealUse.extend({
  payload: codePayload,
  /** The license's record, of which the payload speaks. */
  record: z.record(z.string(), z.unknown()),
});
export type CodeRequest = z.infer<typeof codeRequest>;

/** Compact JWS (RFC 7515), ES256 by the small key of the seal; the suite is named in the header's `typ`. A refusal is thrown. */
export type SignCode = (request: CodeRequest) => Promise<string>;

/** Longest JSON text of claims that is attested. */
const CLAIMS_LIMIT_BYTES = 2_097_152;

/** `seals.attest`, called by licenses: signs what licenses say of their state, with the key for that alone. */
export const attestRequest = z.object({
  typ: z.enum(['statuslist+jwt', 'license-status+jwt']),
  claims: z
    .record(z.string(), z.unknown())
    .refine((claims) => Buffer.byteLength(JSON.stringify(claims)) <= CLAIMS_LIMIT_BYTES, 'at most 2 MiB of text'),
});
export type AttestRequest = z.infer<typeof attestRequest>;
/** Compact JWS, ES256; `x5c` carries the certificates below the root. */
export type Attest = (request: AttestRequest) => Promise<string>;

/** What `seals.stamp` is asked across HTTP: the digest in hex. */
export const stampRequest = z.object({ digest });

/** `seals.stamp`: a timestamp token (RFC 3161, DER) over a SHA-256 digest, for evidence that outlives its keys. */
export type Stamp = (digest: Uint8Array) => Promise<Uint8Array>;

/** What is asked of `seals.material` beside what holds for all: the certificates of codes, by the `kid` of each, and the log's proof of a use. */
export const materialRequest = z.object({
  codes: z.array(z.string().regex(/^[0-9a-f]{16}$/)).max(100),
  /** Issuance id, or null. */
  use: z.uuid().nullable(),
});
export type MaterialRequest = z.infer<typeof materialRequest>;

/** `seals.record`, called by licenses: what another system answered for what the hub handed it (回执), for the log. */
export const receiptRecord = z.object({
  from: z.literal('library'),
  stream: z.string().min(1).max(200),
  revision: z.int().positive(),
  /** Of the license version that the act is about. */
  identifier: z.string().min(1).max(200),
  documentDigest: digest,
  /** SHA-256 of the receipt. */
  digest,
  /** Whether the giver's signature on it was verified. */
  isSigned: z.boolean(),
});
export type ReceiptRecord = z.infer<typeof receiptRecord>;
/** Once for each giver, stream and revision; again changes nothing. Throws where another receipt stands there. */
export type RecordReceipt = (receipt: ReceiptRecord) => Promise<void>;

/** What evidence holds beside signatures, each DER: the root, the issuing authority, the certificates of codes, the revocation lists. */
export interface Material {
  root: Uint8Array;
  issuing: Uint8Array;
  codes: Uint8Array[];
  rootList: Uint8Array;
  issuingList: Uint8Array;
  /** That the use stands in the transparency log (C2SP tlog-proof, its entry in `extra`); null where none was asked for, or it has no place yet. */
  log: string | null;
  /** Keys of the log and of its witnesses, each as text (vkey). */
  logKeys: string[];
}
/** `seals.material`, called by licenses. */
export type ReadMaterial = (asked: MaterialRequest) => Promise<Material>;
