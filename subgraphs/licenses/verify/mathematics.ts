import { verify } from 'node:crypto';
import { ALGORITHM, type PublicKey } from './certificate.ts';
import { Fields, parseDer, TAG } from './der.ts';

/** Something signed: the bytes, the algorithm by its identifier, the signature. */
export interface Signed {
  signed: Uint8Array;
  algorithm: string;
  signature: Buffer;
}

/**
 * Whether a signature is good: RSASSA-PKCS1-v1_5 or ECDSA P-256, both with SHA-256, by node:crypto. A key of another kind
 * than the algorithm, another length of signature and another form of an ECDSA signature than DER are not. Never throws.
 */
export function verifies({ kind, bits, object }: PublicKey, { signed, algorithm, signature }: Signed): boolean {
  try {
    if (!object) return false;
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

const known = new WeakMap<PublicKey, WeakMap<Signed, boolean>>();

/** The same for what comes again with every document, certificates and lists of authorities: what has been read once is not changed. */
export function verifiesAgain(key: PublicKey, one: Signed): boolean {
  const answers = known.get(key) ?? new WeakMap<Signed, boolean>();
  known.set(key, answers);
  const answer = answers.get(one) ?? verifies(key, one);
  answers.set(one, answer);
  return answer;
}
