import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** Reads and writes envelopes of keys with the key-encryption key, sharing no code with the signer. */

const MARK_BYTES = 4;
const NAME_BYTES = 8;
const HEAD_BYTES = 12 + 16;
const WRAPPED_BYTES = HEAD_BYTES + 32;

/** Offset of each part of an envelope. */
export const PARTS = {
  mark: 0,
  name: MARK_BYTES,
  nonce: MARK_BYTES + NAME_BYTES,
  tag: MARK_BYTES + NAME_BYTES + 12,
  wrapped: MARK_BYTES + NAME_BYTES + HEAD_BYTES,
  innerNonce: MARK_BYTES + NAME_BYTES + WRAPPED_BYTES,
  innerTag: MARK_BYTES + NAME_BYTES + WRAPPED_BYTES + 12,
  body: MARK_BYTES + NAME_BYTES + WRAPPED_BYTES + HEAD_BYTES,
};

function decrypt(key: Uint8Array, keyId: string, sealedBytes: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealedBytes.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(Buffer.from(keyId)).setAuthTag(sealedBytes.subarray(12, HEAD_BYTES));
  return Buffer.concat([decipher.update(sealedBytes.subarray(HEAD_BYTES)), decipher.final()]);
}

/** Returns the envelope's own key, and the private key inside, PKCS #8. Throws unless `key` opens the envelope. */
export function openEnvelope(keyId: string, envelope: Uint8Array, key: Uint8Array): { own: Buffer; plain: Buffer } {
  const bytes = Buffer.from(envelope);
  if (bytes.toString('latin1', 0, MARK_BYTES) !== 'TQE2') throw new Error('no envelope');
  const keyName = createHash('sha256').update(key).digest().subarray(0, NAME_BYTES);
  if (!bytes.subarray(MARK_BYTES, MARK_BYTES + NAME_BYTES).equals(keyName))
    throw new Error('another key-encryption key');
  const own = decrypt(key, keyId, bytes.subarray(PARTS.nonce, PARTS.innerNonce));
  return { own, plain: decrypt(own, keyId, bytes.subarray(PARTS.innerNonce)) };
}

export function openPrivateKey(keyId: string, envelope: Uint8Array, key: Uint8Array): KeyObject {
  return createPrivateKey({ key: openEnvelope(keyId, envelope, key).plain, format: 'der', type: 'pkcs8' });
}

/** Encrypts a key as releases up to 0.3 did: directly under the key-encryption key. */
export function encryptInOldFormat(keyId: string, plain: Uint8Array, key: Uint8Array): Uint8Array {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(keyId));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** Returns every form in which a private key could occur in a text: its numbers in hex, base64 and base64url. */
export function listKeyTraces(key: KeyObject): string[] {
  const { d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  const secrets = key.asymmetricKeyType === 'rsa' ? [d, p, q, dp, dq, qi] : [d];
  return secrets.flatMap((secret) => listByteTraces(Buffer.from(secret ?? '', 'base64url')));
}

/** Returns every form in which secret bytes could occur in a text. Throws for fewer than 32 bytes. */
export function listByteTraces(bytes: Uint8Array): string[] {
  if (bytes.length < 32) throw new RangeError('too few bytes to look for');
  const secret = Buffer.from(bytes);
  // Base64 encodes three bytes as four letters, so the secret can begin at any of three offsets of a longer text.
  const parts = [0, 1, 2].map((at) => secret.subarray(at, at + 27));
  return [
    secret.subarray(0, 32).toString('hex'),
    ...parts.flatMap((part) => [part.toString('base64'), part.toString('base64url')]),
  ];
}
