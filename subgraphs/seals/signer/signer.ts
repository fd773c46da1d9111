import type { Clock } from '../../kernel/day.ts';
import { toCanonicalJson } from '../../kernel/events/events.ts';
import type { SealKind } from '../../kernel/events/seal-grant.ts';
import { Refusal } from '../../kernel/refusal.ts';
import {
  type AttestActsRequest,
  type AttestRequest,
  attestActsRequest,
  attestRequest,
  REGISTER_TYP,
} from '../../kernel/sealing/attest.ts';
import type { AuthorisationKeys, SealAuthorisation } from '../../kernel/sealing/authorisation.ts';
import type { ReadPersonSigning } from '../../kernel/sealing/person-signature.ts';
import { documentOf, mayBear } from '../../kernel/sealing/seal-kind.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../kernel/sealing/sign.ts';
import { requireAuthorisation } from './authority.ts';
import { computeKid, floorToSecond, readCertificate } from './certificate-fields.ts';
import { type Chain, derOf, signDetached } from './cms.ts';
import { requireCode, requireDocument } from './content/order.ts';
import { type ListRequest, makeRevocationList } from './crl.ts';
import { compactJws } from './jws.ts';
import { createKeys, type GuardedKey, type KeyKind, type KeyRing, type SignBytes } from './keys.ts';
import { answerPersonSigning, NO_PERSON_KEYS, type PersonKeys } from './person/credential.ts';
import { type CertificateRequest, type DistinguishedName, makeCertificate, makeRequest } from './pki.ts';
import { makeTimestampToken } from './timestamp.ts';

/** A private key in its envelope, under the id that is bound to it. */
export interface KeyRef {
  keyId: string;
  encrypted: Uint8Array;
}

/** A key with the certificate of its public half, PEM. */
export interface CertifiedKey extends KeyRef {
  certificatePem: string;
}

/** Who authorised what was sealed. */
export type Authoriser = Pick<SealAuthorisation, 'actor' | 'actorName'>;

/**
 * The signer (签名机): the only component with private keys. It keeps only its key-encryption keys, and the public keys of
 * the processes in which persons authorise. Every order carries the envelope of its key.
 *
 * It builds what it signs itself, so nobody can make it sign anything else. Each key works only for its own purpose and
 * organ, which the id bound to the key states.
 */
export interface Signer {
  /** Generates a key pair under an id that is bound to it. */
  generate(order: { keyId: string; kind: KeyKind }): Promise<GuardedKey>;
  /**
   * Returns the same key in an envelope under the newest key-encryption key, or the same bytes if it is already in one.
   */
  rewrap(order: KeyRef): Promise<Uint8Array>;
  /** Issues a certificate by an authority, PEM. */
  certify(order: { authority: KeyRef; request: CertificateRequest }): Promise<string>;
  /** Builds a certificate request (PKCS #10) for a seal's key, PEM. */
  request(order: { key: KeyRef; subject: DistinguishedName; publicKeyPem: string }): Promise<string>;
  /** Issues a revocation list by an authority, DER. */
  publishList(order: { authority: KeyRef; request: ListRequest }): Promise<Uint8Array>;
  /** Issues a timestamp token over a SHA-256 digest, DER, at the signer's own time. */
  stamp(order: { key: CertifiedKey; digest: Uint8Array }): Promise<Uint8Array>;
  /** Signs a compact JWS with the register's key. Throws ZodError unless the claims have the form of their type. */
  attest(order: { key: CertifiedKey; request: AttestRequest }): Promise<string>;
  /** Signs a compact JWS for each statement of the register. Throws ZodError unless all have their form. */
  attestActs(order: { key: CertifiedKey; request: AttestActsRequest }): Promise<string[]>;
  /** Signs a checkpoint of the log (C2SP tlog-checkpoint) with Ed25519. */
  checkpoint(order: { key: KeyRef; text: string }): Promise<Uint8Array>;
  /**
   * Signs a document: CMS with a timestamp. Requires that the request's authorisation is a person's and covers exactly
   * this document, and carries the person's own signature where the organ needs one. Refuses
   * SEAL_AUTHORISATION_INVALID, SEAL_CONTENT_DIFFERS, and what `requirePersonSignature` refuses.
   */
  seal(order: {
    key: KeyRef;
    chain: Chain;
    stamp: CertifiedKey;
    request: SignRequest;
  }): Promise<{ signature: Uint8Array; signedAt: Date; by: Authoriser }>;
  /** Signs a QR code on the same conditions. Returns a compact JWS. */
  code(order: { key: CertifiedKey; request: CodeRequest }): Promise<{ code: string; by: Authoriser }>;
  /** Returns which organs need a person's own signature and what a person signs with. Verifies a given signature. */
  personSigning: ReadPersonSigning;
}

/** Ids of the keys that belong to no seal. */
const AUTHORITY_KEYS = ['root', 'issuing', 'timestamp', 'status', 'log'] as const;
type AuthorityKey = (typeof AUTHORITY_KEYS)[number];

const CODE_KEY = / code$/;
/** Origin, size, root: the only text that the log's key signs. */
const CHECKPOINT = /^[^\s+]{1,200}\n(0|[1-9]\d{0,15})\n[A-Za-z0-9+/]{43}=\n$/;

/** Returns the id to which a seal's key for QR codes is bound. */
export function codeKeyId(sealId: string): string {
  return `${sealId} code`;
}

/** Throws if a key is used for another purpose. It is not a refusal, because no person can cause it. */
function requirePurpose({ keyId }: KeyRef, ...allowed: readonly (AuthorityKey | 'seal' | 'code')[]): void {
  const authority = AUTHORITY_KEYS.find((id) => id === keyId);
  const purpose = authority ?? (CODE_KEY.test(keyId) ? 'code' : 'seal');
  if (!allowed.includes(purpose)) throw new Error(`the key ${keyId} is not for this`);
}

/** The id to which a seal's keys are bound contains the seal's organ. */
const SEAL_KEY = /^(.+)-(unit|approval|license|acceptance)-seal( code)?$/;

/**
 * Throws unless the key belongs to a seal of the organ whose person authorised the use. Refuses
 * SEAL_AUTHORISATION_INVALID if no seal of that kind may go onto the document.
 */
function requireSealFor({ keyId }: KeyRef, { organ, act }: Pick<SealUseRequest, 'organ' | 'act'>): void {
  const [, ofOrgan, kind = ''] = SEAL_KEY.exec(keyId) ?? [];
  if (ofOrgan !== organ) throw new Error(`the key ${keyId} is of no seal of ${organ}`);
  if (!mayBear(documentOf(act), `${kind.toUpperCase()}_SEAL` as SealKind))
    throw new Refusal('SEAL_AUTHORISATION_INVALID');
}

async function requireAuthoriser(...request: Parameters<typeof requireAuthorisation>): Promise<Authoriser> {
  const { actor, actorName } = await requireAuthorisation(...request);
  return { actor, actorName };
}

function attestWith({ certificatePem }: CertifiedKey, sign: SignBytes, { typ, claims }: AttestRequest): string {
  const x5c = [Buffer.from(derOf(certificatePem)).toString('base64')];
  // Statements on states keep the order of their members, which earlier releases signed.
  const text = typ === REGISTER_TYP ? toCanonicalJson(claims) : JSON.stringify(claims);
  return compactJws({ alg: 'ES256', typ, x5c }, text, (data) => sign(data, 'ieee-p1363'));
}

interface SignerDependencies {
  ring: KeyRing;
  /** Public keys of the processes in which persons authorise. */
  publicKeys: AuthorisationKeys;
  /** Whether a statement, by its SHA-256 in hex, waited for its seal when keys changed. None does if absent. */
  isKnownAuthorisation?: (digest: string) => boolean;
  /** Reads whose own signatures count, and where one is needed. Without it no organ needs one. */
  readPersonKeys?: () => PersonKeys;
  now: Clock;
}

/** Creates a signer in this process. */
export function createSigner(dependencies: SignerDependencies): Signer {
  const { publicKeys: keys, isKnownAuthorisation: isKnown = () => false, now } = dependencies;
  const { readPersonKeys = () => NO_PERSON_KEYS } = dependencies;
  const verifyAuthoriser = (request: SealUseRequest) =>
    requireAuthoriser(request, { keys, isKnown, personKeys: readPersonKeys(), now: now() });
  const ring = createKeys(dependencies.ring);
  const open = ({ keyId, encrypted }: KeyRef) => ring.open(keyId, encrypted);
  const stamp = (key: CertifiedKey, digest: Uint8Array, at: Date) => {
    requirePurpose(key, 'timestamp');
    return makeTimestampToken({ digest, at, chain: [key.certificatePem] }, open(key));
  };
  return {
    generate: ({ keyId, kind }) => ring.generate(keyId, kind),
    rewrap: async ({ keyId, encrypted }) => ring.rewrap(keyId, encrypted),
    async certify({ authority, request }) {
      requirePurpose(authority, request.profile === 'root' || request.profile === 'issuing' ? 'root' : 'issuing');
      return makeCertificate(request, open(authority));
    },
    async request({ key, ...request }) {
      requirePurpose(key, 'seal');
      return makeRequest(request, open(key));
    },
    async publishList({ authority, request }) {
      requirePurpose(authority, 'root', 'issuing');
      return makeRevocationList(request, open(authority));
    },
    stamp: async ({ key, digest }) => stamp(key, digest, now()),
    async attest({ key, request }) {
      requirePurpose(key, 'status');
      return attestWith(key, open(key), attestRequest.parse(request));
    },
    async attestActs({ key, request }) {
      requirePurpose(key, 'status');
      const { statements } = attestActsRequest.parse(request);
      const sign = open(key);
      return statements.map((claims) => attestWith(key, sign, { typ: REGISTER_TYP, claims }));
    },
    async checkpoint({ key, text }) {
      requirePurpose(key, 'log');
      if (!CHECKPOINT.test(text)) throw new Error('this is no checkpoint');
      return open(key)(Buffer.from(text));
    },
    async seal({ key, chain, stamp: timestampKey, request }) {
      requirePurpose(key, 'seal');
      requireSealFor(key, request);
      const authoriser = await verifyAuthoriser(request);
      const documentDigest = Buffer.from(requireDocument(request, authoriser.actorName), 'hex');
      const { profile } = request;
      // In a PDF only the timestamp states the signing time, and it counts seconds.
      const signedAt = profile === 'PADES' ? floorToSecond(now()) : now();
      const cmsRequest = { profile, documentDigest, chain, signedAt };
      const signature = signDetached(cmsRequest, open(key), (digest) => stamp(timestampKey, digest, signedAt));
      return { signature, signedAt, by: authoriser };
    },
    async code({ key, request }) {
      requirePurpose(key, 'code');
      requireSealFor(key, request);
      const authoriser = await verifyAuthoriser(request);
      requireCode(request, authoriser.actorName);
      const kid = computeKid(readCertificate(key.certificatePem).raw);
      const header = { alg: 'ES256', kid, typ: 'tq-code-1' };
      const sign = open(key);
      return {
        code: compactJws(header, toCanonicalJson(request.payload), (data) => sign(data, 'ieee-p1363')),
        by: authoriser,
      };
    },
    personSigning: async (request) => answerPersonSigning(readPersonKeys(), request, now()),
  };
}
