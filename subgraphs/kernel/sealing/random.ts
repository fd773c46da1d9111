import { randomBytes } from 'node:crypto';

/** 128 bits. */
const SALT_BYTES = 16;

/** Returns a new random element (随机数) from the system's generator, in the form of `saltSchema`. */
export function makeSalt(): string {
  return randomBytes(SALT_BYTES).toString('base64url');
}
