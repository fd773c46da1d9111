import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { KeyRing } from './keys.ts';

/** The file of key-encryption keys (密钥加密密钥). Only the signer reads it, and only its owner has access. */

const KEY_BYTES = 32;
const keyFileSchema = z.object({ keys: z.array(z.base64()).min(1).max(16) });

/** Reads the keys; the first is for new envelopes. Throws if the file is malformed. */
export function readKeyFile(path: string): KeyRing {
  const { keys } = keyFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  return keys.map((key) => new Uint8Array(Buffer.from(key, 'base64')));
}

/**
 * Reads the keys. If there is no file, creates it with its first key: atomically, and only once if two processes start
 * together.
 */
export function openKeyFile(path: string): KeyRing {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const draft = writeDraft(path, [randomBytes(KEY_BYTES)]);
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft);
    }
  }
  return readKeyFile(path);
}

/**
 * Adds a new key before the others. Does nothing if the file has several keys: an interrupted rotation has already
 * added the new one.
 */
export function addKey(path: string): void {
  if (readKeyFile(path).length > 1) return;
  renameSync(writeDraft(path, [randomBytes(KEY_BYTES), ...readKeyFile(path)]), path);
}

/** Removes all keys but the newest. Envelopes under an older key can no longer be opened. */
export function forgetOldKeys(path: string): void {
  renameSync(writeDraft(path, readKeyFile(path).slice(0, 1)), path);
}

/** Adds a key that an earlier release kept elsewhere, after the existing keys. */
export function adoptKey(path: string, key: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const keys = existsSync(path) ? readKeyFile(path) : [];
  if (keys.some((existing) => Buffer.from(existing).equals(key))) return;
  renameSync(writeDraft(path, [...keys, key]), path);
}

function writeDraft(path: string, keys: KeyRing): string {
  // Processes in different containers may have the same process id.
  const draft = `${path}.${randomUUID()}`;
  const text = JSON.stringify({ keys: keys.map((key) => Buffer.from(key).toString('base64')) }, null, 2);
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  return draft;
}
