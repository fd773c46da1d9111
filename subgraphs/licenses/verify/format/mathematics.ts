import { verify } from 'node:crypto';
import { ALGORITHM, type PublicKey } from './certificate.ts';
import { Fields, parseDer, TAG } from './der.ts';

/** Signed bytes, the identifier of the algorithm, and the signature. */
export interface SignedBytes {
  signed: Uint8Array;
  algorithm: string;
  signature: Buffer;
}

const MAX_RSA_BITS = 8_192;
const MAX_RSA_EXPONENT = 2n ** 32n;

/** Returns whether a verification with this key takes long. A stranger may choose an RSA key of any size. */
export function isSlow({ bits, exponent }: PublicKey): boolean {
  return bits > MAX_RSA_BITS || exponent > MAX_RSA_EXPONENT;
}

/**
 * Returns whether a signature is valid: RSASSA-PKCS1-v1_5 or ECDSA P-256, both with SHA-256, by node:crypto. Returns
 * false if the kind of key does not fit the algorithm, an RSA signature has another length than the key, or an ECDSA
 * signature is not DER, or the key is slow. Never throws.
 */
export function isSignatureValid(key: PublicKey, { signed, algorithm, signature }: SignedBytes): boolean {
  const { kind, bits, object } = key;
  try {
    if (!object || isSlow(key)) return false;
    if (algorithm === ALGORITHM.rsaSha256) {
      if (kind !== 'RSA' || signature.length !== Math.ceil(bits / 8)) return false;
    } else {
      if (algorithm !== ALGORITHM.ecdsaSha256 || kind !== 'P256') return false;
      const fields = new Fields(parseDer(signature));
      fields.next(TAG.integer);
      fields.next(TAG.integer);
      fields.end();
    }
    return verify('sha256', signed, object, signature);
  } catch {
    return false;
  }
}

const resultsByKey = new WeakMap<PublicKey, WeakMap<SignedBytes, boolean>>();

/**
 * The same, with a cache. Certificates and revocation lists of authorities recur with every document, and parsed
 * objects do not change.
 */
export function isSignatureValidCached(key: PublicKey, signedBytes: SignedBytes): boolean {
  const results = resultsByKey.get(key) ?? new WeakMap<SignedBytes, boolean>();
  resultsByKey.set(key, results);
  const isValid = results.get(signedBytes) ?? isSignatureValid(key, signedBytes);
  results.set(signedBytes, isValid);
  return isValid;
}
