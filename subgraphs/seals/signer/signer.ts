import type { AuthorisationKeys, SealAuthorisation } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { canonical } from '../../kernel/events.ts';
import type { AttestRequest, CodeRequest, SealUseRequest, SignRequest } from '../../kernel/sign.ts';
import { requireAuthorised } from './authority.ts';
import { type Chain, derOf, signDetached } from './cms.ts';
import { type ListRequest, makeRevocationList } from './crl.ts';
import { compactJws } from './jws.ts';
import { createKeys, type GuardedKey, type KeyKind, type KeyRing } from './keys.ts';
import { requireCode, requireDocument } from './order.ts';
import {
  type CertificateRequest,
  type DistinguishedName,
  kidOf,
  makeCertificate,
  makeRequest,
  readCertificate,
} from './pki.ts';
import { makeToken, wholeSecond } from './timestamp.ts';

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
 * The signer (签名机): the only place with private keys. It keeps nothing but its key-encryption keys and the keys of
 * authorisations; every order carries the envelope of the key that it is for. It makes what it signs itself, so that nobody can have it
 * sign anything else, and each key is good for its own purpose and organ only: the id to which it is bound says which.
 */
export interface Signer {
  /** Makes a key pair under an id that is bound to it. */
  generate(order: { keyId: string; kind: KeyKind }): Promise<GuardedKey>;
  /** The same key in an envelope under the newest key-encryption key; the same bytes where it is that already. */
  rewrap(order: KeyRef): Promise<Uint8Array>;
  /** A certificate by an authority, PEM. */
  certify(order: { authority: KeyRef; request: CertificateRequest }): Promise<string>;
  /** A request for a certificate of a seal's key (PKCS #10), PEM. */
  request(order: { key: KeyRef; subject: DistinguishedName; publicKeyPem: string }): Promise<string>;
  /** A revocation list by an authority, DER. */
  publishList(order: { authority: KeyRef; request: ListRequest }): Promise<Uint8Array>;
  /** A timestamp token over a SHA-256 digest, DER, at the signer's own time. */
  stamp(order: { key: CertifiedKey; digest: Uint8Array }): Promise<Uint8Array>;
  /** A compact JWS by the key for statuses. */
  attest(order: { key: CertifiedKey; request: AttestRequest }): Promise<string>;
  /** The signature of a checkpoint of the log (C2SP tlog-checkpoint), Ed25519. */
  checkpoint(order: { key: KeyRef; text: string }): Promise<Uint8Array>;
  /**
   * The signature over a document, CMS with a timestamp: once the request's authorisation is proved to be a person's, about
   * exactly this. Refuses SEAL_AUTHORISATION_INVALID, SEAL_CONTENT_DIFFERS.
   */
  seal(order: {
    key: KeyRef;
    chain: Chain;
    stamp: CertifiedKey;
    request: SignRequest;
  }): Promise<{ signature: Uint8Array; signedAt: Date; by: Authoriser }>;
  /** The text of a QR code, compact JWS, on the same terms. */
  code(order: { key: CertifiedKey; request: CodeRequest }): Promise<{ code: string; by: Authoriser }>;
}

/** Ids of the keys that are no seal's. */
export const AUTHORITY_KEYS = ['root', 'issuing', 'timestamp', 'status', 'log'] as const;
type AuthorityKey = (typeof AUTHORITY_KEYS)[number];

const CODE_KEY = / code$/;
/** Origin, size, root: what the log's key signs, and nothing beside it. */
const CHECKPOINT = /^[^\s+]{1,200}\n(0|[1-9]\d{0,15})\n[A-Za-z0-9+/]{43}=\n$/;

/** The id to which a seal's key for QR codes is bound. */
export function codeKeyId(sealId: string): string {
  return `${sealId} code`;
}

/** Throws where a key is asked for what it is not for: no error of a person's, so no refusal. */
function requirePurpose({ keyId }: KeyRef, ...allowed: readonly (AuthorityKey | 'seal' | 'code')[]): void {
  const authority = AUTHORITY_KEYS.find((id) => id === keyId);
  const purpose = authority ?? (CODE_KEY.test(keyId) ? 'code' : 'seal');
  if (!allowed.includes(purpose)) throw new Error(`the key ${keyId} is not for this`);
}

/** Which organ a seal is of stands in the id to which its keys are bound. */
const SEAL_KEY = /^(.+)-(unit|approval|license)-seal( code)?$/;

/** Throws where a key is of no seal of the organ whose person authorised. */
function requireOrgan({ keyId }: KeyRef, organ: string): void {
  if (SEAL_KEY.exec(keyId)?.[1] !== organ) throw new Error(`the key ${keyId} is of no seal of ${organ}`);
}

async function authoriserOf(keys: AuthorisationKeys, request: SealUseRequest): Promise<Authoriser> {
  const { actor, actorName } = await requireAuthorised(keys, request);
  return { actor, actorName };
}

/** A signer in this process. */
export function createSigner(given: { ring: KeyRing; authorisationKeys: AuthorisationKeys; now: Clock }): Signer {
  const { authorisationKeys, now } = given;
  const keys = createKeys(given.ring);
  const open = ({ keyId, encrypted }: KeyRef) => keys.open(keyId, encrypted);
  const stamp = (key: CertifiedKey, digest: Uint8Array, at: Date) => {
    requirePurpose(key, 'timestamp');
    return makeToken({ digest, at, chain: [key.certificatePem] }, open(key));
  };
  return {
    generate: ({ keyId, kind }) => keys.generate(keyId, kind),
    rewrap: async ({ keyId, encrypted }) => keys.rewrap(keyId, encrypted),
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
    async attest({ key, request: { typ, claims } }) {
      requirePurpose(key, 'status');
      const x5c = [Buffer.from(derOf(key.certificatePem)).toString('base64')];
      const sign = open(key);
      return compactJws({ alg: 'ES256', typ, x5c }, JSON.stringify(claims), (data) => sign(data, 'ieee-p1363'));
    },
    async checkpoint({ key, text }) {
      requirePurpose(key, 'log');
      if (!CHECKPOINT.test(text)) throw new Error('this is no checkpoint');
      return open(key)(Buffer.from(text));
    },
    async seal({ key, chain, stamp: stampKey, request }) {
      requirePurpose(key, 'seal');
      requireOrgan(key, request.organ);
      const by = await authoriserOf(authorisationKeys, request);
      const documentDigest = Buffer.from(requireDocument(request, by.actorName), 'hex');
      const { profile } = request;
      // A PDF says when it was signed by the timestamp alone, which counts seconds.
      const signedAt = profile === 'PADES' ? wholeSecond(now()) : now();
      const asked = { profile, documentDigest, chain, signedAt };
      const signature = signDetached(asked, open(key), (digest) => stamp(stampKey, digest, signedAt));
      return { signature, signedAt, by };
    },
    async code({ key, request }) {
      requirePurpose(key, 'code');
      requireOrgan(key, request.organ);
      const by = await authoriserOf(authorisationKeys, request);
      requireCode(request, by.actorName);
      const kid = kidOf(readCertificate(key.certificatePem).raw);
      const header = { alg: 'ES256', kid, typ: 'tq-code-1' };
      const sign = open(key);
      return { code: compactJws(header, canonical(request.payload), (data) => sign(data, 'ieee-p1363')), by };
    },
  };
}
