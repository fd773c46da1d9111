import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';

/** The only code that touches a private key. Keys leave it encrypted; what is signed comes to it as bytes. */

const RSA_BITS = 3072;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Decrypted keys kept at hand: opening one takes 0.5 ms where the signature itself takes 0.7 ms. */
const KEYS_AT_HAND = 64;

/** RSA-3072 for seals and authorities; P-256 (FIPS 186-5) where signatures must be small; Ed25519 (RFC 8032) for the log. */
export type KeyKind = 'RSA-3072' | 'P-256' | 'Ed25519';

/** How an ECDSA signature is written: DER in certificates and CMS, IEEE P1363 (r and s) in a JWS. */
export type EcdsaForm = 'der' | 'ieee-p1363';

/** A key pair whose private half only the signer can open. */
export interface GuardedKey {
  /** SubjectPublicKeyInfo, PEM. */
  publicKeyPem: string;
  /** Nonce, tag, and the PKCS #8 key in AES-256-GCM; the key's id is authenticated with it. */
  encrypted: Uint8Array;
}

export interface Signer {
  /** Makes a key pair under an id that is bound to it. */
  generate(keyId: string, kind: KeyKind): Promise<GuardedKey>;
  /**
   * RSASSA-PKCS1-v1_5 or ECDSA, as the key is, with SHA-256 over `data`, or Ed25519 over `data` itself. Throws where the key was not encrypted by this signer
   * under this id.
   */
  sign(keyId: string, encrypted: Uint8Array, data: Uint8Array, form?: EcdsaForm): Uint8Array;
}

/** A signer whose keys are encrypted under `keyEncryptionKey`: 32 bytes that stand outside the database. */
export function createSigner(keyEncryptionKey: Uint8Array): Signer {
  if (keyEncryptionKey.length !== 32) throw new RangeError('the key-encryption key has 32 bytes');
  const atHand = new Map<string, KeyObject>();
  return {
    async generate(keyId, kind) {
      const { publicKey, privateKey } = await makePair(kind);
      const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
      const encrypted = encrypt(keyEncryptionKey, keyId, plain);
      plain.fill(0);
      return { publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), encrypted };
    },
    sign(keyId, encrypted, data, form = 'der') {
      const name = `${keyId} ${Buffer.from(encrypted).toString('base64')}`;
      let key = atHand.get(name);
      if (!key) {
        const plain = decrypt(keyEncryptionKey, keyId, encrypted);
        key = createPrivateKey({ key: plain, format: 'der', type: 'pkcs8' });
        plain.fill(0);
        if (atHand.size >= KEYS_AT_HAND) atHand.clear();
        atHand.set(name, key);
      }
      return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', data, { key, dsaEncoding: form });
    },
  };
}

function makePair(kind: KeyKind) {
  const make = promisify(generateKeyPair);
  if (kind === 'Ed25519') return make('ed25519');
  return kind === 'P-256' ? make('ec', { namedCurve: kind }) : make('rsa', { modulusLength: RSA_BITS });
}

function encrypt(key: Uint8Array, keyId: string, plain: Uint8Array): Uint8Array {
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
