import { createHash, randomBytes } from 'node:crypto';

/** 128 bits. */
const SALT_BYTES = 16;

/**
 * Returns the random element of a second content that is made with a first one. It is the same for the same `salt`, and
 * who has one content cannot compute the other's.
 */
export function deriveSalt(salt: string, content: string): string {
  const digest = createHash('sha256').update(`${content}\n${salt}`).digest();
  return digest.subarray(0, SALT_BYTES).toString('base64url');
}

/** Returns a new random element (随机数) from the system's generator, in the form of `saltSchema`. */
export function makeSalt(): string {
  return randomBytes(SALT_BYTES).toString('base64url');
}
