import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';
import { createCache } from '../../kernel/cache.ts';

/** The only code that handles private keys. Keys leave it in an envelope. The data to sign comes in as bytes. */

const RSA_BITS = 3072;
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/**
 * First bytes of an envelope. An envelope of an earlier release has none: its key is encrypted directly under the
 * key-encryption key.
 */
const ENVELOPE_MARK = Buffer.from('TQE2');
const KEY_NAME_BYTES = 8;
const WRAPPED_BYTES = NONCE_BYTES + TAG_BYTES + KEY_BYTES;
/** Maximum of decrypted keys in the cache. Opening a key takes 0.5 ms, the signature itself 0.7 ms. */
const MAX_CACHED_KEYS = 64;

/** RSA-3072: seals and authorities. P-256 (FIPS 186-5): signatures that must be small. Ed25519 (RFC 8032): the log. */
export type KeyKind = 'RSA-3072' | 'P-256' | 'Ed25519';

/** How an ECDSA signature is written: DER in certificates and CMS, IEEE P1363 (r and s) in a JWS. */
export type EcdsaForm = 'der' | 'ieee-p1363';

/** A key pair whose private half only the signer can open. */
export interface GuardedKey {
  /** SubjectPublicKeyInfo, PEM. */
  publicKeyPem: string;
  /**
   * The envelope: the name of the key-encryption key, a data key wrapped under it, and the PKCS #8 key encrypted under
   * the data key. Both encryptions are AES-256-GCM and authenticate the key's id.
   */
  encrypted: Uint8Array;
}

/** Key-encryption keys (密钥加密密钥), 32 bytes each, kept outside the database. The first is for new envelopes. */
export type KeyRing = readonly Uint8Array[];

/** Signs with RSASSA-PKCS1-v1_5, ECDSA or EdDSA, depending on the key. Uses SHA-256 except for EdDSA. */
export type SignBytes = (data: Uint8Array, form?: EcdsaForm) => Uint8Array;

export interface Keys {
  /** Generates a key pair under an id that is bound to it. */
  generate(keyId: string, kind: KeyKind): Promise<GuardedKey>;
  /**
   * Returns a function that signs with a key. Throws unless the envelope was made under this id and one of these
   * key-encryption keys.
   */
  open(keyId: string, encrypted: Uint8Array): SignBytes;
  /**
   * Returns the same key in an envelope under the first key-encryption key, or the same bytes if it is already in one.
   */
  rewrap(keyId: string, encrypted: Uint8Array): Uint8Array;
}

/** Throws RangeError if there is no key-encryption key, or one does not have 32 bytes. */
export function createKeys(ring: KeyRing): Keys {
  const [newest] = ring;
  if (!newest || ring.some((key) => key.length !== KEY_BYTES)) {
    throw new RangeError('a key-encryption key has 32 bytes');
  }
  const keyCache = createCache<KeyObject>(MAX_CACHED_KEYS);
  return {
    async generate(keyId, kind) {
      const { publicKey, privateKey } = await makeKeyPair(kind);
      const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
      const encrypted = wrapKey(newest, keyId, plain);
      plain.fill(0);
      return { publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), encrypted };
    },
    open(keyId, encrypted) {
      const cacheKey = `${keyId} ${Buffer.from(encrypted).toString('base64')}`;
      const signingKey = keyCache.getOrCompute(cacheKey, () => {
        const plain = unwrapKey(ring, keyId, encrypted);
        const key = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
        plain.fill(0);
        return key;
      });
      const digest = signingKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
      return (data, dsaEncoding = 'der') => sign(digest, data, { key: signingKey, dsaEncoding });
    },
    rewrap(keyId, encrypted) {
      if (isEnvelope(encrypted) && readKeyName(encrypted).equals(computeKeyName(newest))) return encrypted;
      const plain = unwrapKey(ring, keyId, encrypted);
      const envelope = wrapKey(newest, keyId, plain);
      plain.fill(0);
      return envelope;
    },
  };
}

function makeKeyPair(kind: KeyKind): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  const make = promisify(generateKeyPair);
  if (kind === 'P-256') return make('ec', { namedCurve: kind });
  return kind === 'Ed25519' ? make('ed25519') : make('rsa', { modulusLength: RSA_BITS });
}

/** Returns the name of a key-encryption key in envelopes: the first bytes of its SHA-256. */
function computeKeyName(key: Uint8Array): Buffer {
  return createHash('sha256').update(key).digest().subarray(0, KEY_NAME_BYTES);
}

function isEnvelope(encrypted: Uint8Array): boolean {
  return ENVELOPE_MARK.equals(encrypted.subarray(0, ENVELOPE_MARK.length));
}

function readKeyName(envelope: Uint8Array): Buffer {
  return Buffer.from(envelope.subarray(ENVELOPE_MARK.length, ENVELOPE_MARK.length + KEY_NAME_BYTES));
}

function wrapKey(key: Uint8Array, keyId: string, plain: Uint8Array): Uint8Array {
  const dataKey = randomBytes(KEY_BYTES);
  const envelope = Buffer.concat([
    ENVELOPE_MARK,
    computeKeyName(key),
    encrypt(key, keyId, dataKey),
    encrypt(dataKey, keyId, plain),
  ]);
  dataKey.fill(0);
  return envelope;
}

function unwrapKey(ring: KeyRing, keyId: string, encrypted: Uint8Array): Buffer {
  if (!isEnvelope(encrypted)) return unwrapOldKey(ring, keyId, encrypted);
  const name = readKeyName(encrypted);
  const key = ring.find((candidate) => computeKeyName(candidate).equals(name));
  if (!key) throw new Error(`no key-encryption key ${name.toString('hex')}`);
  const offset = ENVELOPE_MARK.length + KEY_NAME_BYTES;
  const dataKey = decrypt(key, keyId, encrypted.subarray(offset, offset + WRAPPED_BYTES));
  const plain = decrypt(dataKey, keyId, encrypted.subarray(offset + WRAPPED_BYTES));
  dataKey.fill(0);
  return plain;
}

/** Decrypts a key of release 0.3 or earlier. Its envelope names no key-encryption key, so each is tried. */
function unwrapOldKey(ring: KeyRing, keyId: string, encrypted: Uint8Array): Buffer {
  let lastError: unknown;
  for (const key of ring) {
    try {
      return decrypt(key, keyId, encrypted);
    } catch (error) {
      lastError = error;
    }
  }
  throw lastError;
}

function encrypt(key: Uint8Array, keyId: string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(keyId));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function decrypt(key: Uint8Array, keyId: string, encrypted: Uint8Array): Buffer {
  const nonce = encrypted.subarray(0, NONCE_BYTES);
  const tag = encrypted.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(keyId)).setAuthTag(tag);
  return Buffer.concat([decipher.update(encrypted.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
}
