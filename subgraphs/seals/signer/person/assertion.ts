import { constants, createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import {
  type CredentialKind,
  computeChallenge,
  type PersonSignature,
} from '../../../kernel/sealing/person-signature.ts';

/**
 * Verifies a person's signature: a WebAuthn assertion, or a signature by the key of a certificate or by a bare key.
 * The registered key alone says which algorithm it is: ES256, EdDSA (Ed25519) or RS256. Pure functions. They use only
 * node's crypto, because the process with the seals' keys should load as little code as possible.
 */

/** The WebAuthn relying party that assertions must name. */
export interface RelyingParty {
  /** Its id: the host name of the pages, or a domain above it. */
  rpId: string;
  /** The origins of the pages that may ask for a signature. */
  origins: readonly string[];
}

/** A public key with which somebody signs. */
export interface VerificationKey {
  kind: CredentialKind;
  /** PEM: a certificate of the kind CERTIFICATE, else a SubjectPublicKeyInfo. */
  key: string;
}

const PUBLIC_KEY = /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{1,2000}\n-----END PUBLIC KEY-----\n?$/;
const CERTIFICATE = /^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]{1,12000}\n-----END CERTIFICATE-----\n?$/;
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 4096;
const RSA_EXPONENT = 65_537n;

/** Returns the public key, or null if it is malformed or of a kind that is not accepted. */
export function readKey({ kind, key }: VerificationKey): KeyObject | null {
  try {
    if (kind === 'CERTIFICATE') return CERTIFICATE.test(key) ? keepAccepted(new X509Certificate(key).publicKey) : null;
    return PUBLIC_KEY.test(key) ? keepAccepted(createPublicKey({ key, format: 'pem', type: 'spki' })) : null;
  } catch {
    return null;
  }
}

function keepAccepted(key: KeyObject): KeyObject | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const isAccepted =
    type === 'ed25519' ||
    (type === 'ec' && details?.namedCurve === 'prime256v1') ||
    (type === 'rsa' &&
      details?.publicExponent === RSA_EXPONENT &&
      (details.modulusLength ?? 0) >= MIN_RSA_BITS &&
      (details.modulusLength ?? 0) <= MAX_RSA_BITS);
  return isAccepted ? key : null;
}

/** Returns the validity of a certificate, or null if the key has none. The key must be readable. */
export function readValidity({ kind, key }: VerificationKey): { from: Date; to: Date } | null {
  if (kind !== 'CERTIFICATE') return null;
  const { validFromDate, validToDate } = new X509Certificate(key);
  return { from: validFromDate, to: validToDate };
}

/** Whether a signature is by the key over the text. Without a relying party no assertion is. */
export function isSignedBy(
  key: VerificationKey,
  text: string,
  { signature, webauthn }: PersonSignature,
  party: RelyingParty | null,
): boolean {
  const publicKey = readKey(key);
  if (!publicKey || (key.kind === 'WEBAUTHN') !== (webauthn !== undefined)) return false;
  const signatureBytes = Buffer.from(signature, 'base64url');
  if (!webauthn) return isSignature(publicKey, Buffer.from(text), signatureBytes);
  const authenticatorData = Buffer.from(webauthn.authenticatorData, 'base64url');
  const clientData = Buffer.from(webauthn.clientDataJson, 'base64url');
  if (!party || !isAuthenticated(authenticatorData, party) || !isAsked(clientData, text, party)) return false;
  // Web Authentication Level 3, §7.2: the assertion covers the authenticator data and the hash of the client data.
  const covered = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
  return isSignature(publicKey, covered, signatureBytes);
}

function isSignature(key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  const type = key.asymmetricKeyType;
  try {
    if (type === 'ed25519') return verify(null, data, key, signature);
    if (type === 'ec') return verify('sha256', data, { key, dsaEncoding: 'der' }, signature);
    return verify('sha256', data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  } catch {
    return false;
  }
}

/** Authenticator data without attested credential data (§6.1): hash of the relying party, flags, counter. */
const AUTHENTICATOR_DATA_BYTES = 37;
const FLAGS_OFFSET = 32;
const FLAGS = { present: 0x01, verified: 0x04, eligible: 0x08, backedUp: 0x10, attested: 0x40, extensions: 0x80 };

/** Whether the authenticator acted for this relying party, with its user present and verified. */
function isAuthenticated(data: Buffer, { rpId }: RelyingParty): boolean {
  if (data.length < AUTHENTICATOR_DATA_BYTES) return false;
  const flags = data.readUInt8(FLAGS_OFFSET);
  const has = (flag: number) => (flags & flag) !== 0;
  return (
    data.subarray(0, FLAGS_OFFSET).equals(createHash('sha256').update(rpId).digest()) &&
    has(FLAGS.present) &&
    has(FLAGS.verified) &&
    !has(FLAGS.attested) &&
    (has(FLAGS.eligible) || !has(FLAGS.backedUp)) &&
    has(FLAGS.extensions) === data.length > AUTHENTICATOR_DATA_BYTES
  );
}

const clientDataSchema = z.looseObject({
  type: z.literal('webauthn.get'),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
});

/** Whether a page of the relying party asked for exactly this text, and not from inside a page of another origin. */
function isAsked(clientData: Buffer, text: string, { origins }: RelyingParty): boolean {
  try {
    const { challenge, origin } = clientDataSchema.parse(JSON.parse(clientData.toString('utf8')));
    return challenge === computeChallenge(text) && origins.includes(origin);
  } catch {
    return false;
  }
}
