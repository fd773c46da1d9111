import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readMessage, readSignature, requireSigned } from '../../subgraphs/cases/platform/message.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';

/** Vector files are named `platform-message.<rule>.json`; the invalid ones say the code they are refused with. */
interface Vector {
  code?: string;
  audience: string;
  receivedAt: string;
  key: { kid: string; jwk: { x: string }; validFrom: string; validTo: string | null };
  signature: string;
  body: string;
}

function vectors(folder: 'valid' | 'invalid') {
  const home = new URL(`../vectors/${folder}/`, import.meta.url);
  const files = readdirSync(home).filter((file) => file.startsWith('platform-message.'));
  return files.map((file) => ({ file, vector: JSON.parse(readFileSync(new URL(file, home), 'utf8')) as Vector }));
}

async function codeOf({ audience, receivedAt, key, signature, body }: Vector): Promise<string | null> {
  const { kid, jwk, validFrom, validTo } = key;
  const known = { kid, x: jwk.x, validFrom: new Date(validFrom), validTo: validTo === null ? null : new Date(validTo) };
  try {
    const bytes = Buffer.from(body);
    await requireSigned(readSignature(signature), known, bytes, { audience, now: new Date(receivedAt) });
    readMessage(bytes);
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

describe('platform messages', () => {
  test.each(vectors('valid'))('valid: $file', async ({ vector }) => expect(await codeOf(vector)).toBeNull());
  test.each(vectors('invalid'))('invalid: $file', async ({ vector }) => {
    expect(vector.code).toBeDefined();
    expect(await codeOf(vector)).toBe(vector.code);
  });
});
