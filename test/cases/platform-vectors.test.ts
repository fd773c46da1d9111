import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { computeThumbprint, isFromHub, signMessage } from '../../scripts/approval-platform/jws.ts';
import { parseMessage, parseSignature, requireValidSignature } from '../../subgraphs/cases/platform/message.ts';
import { payloads } from '../../subgraphs/kernel/events/events.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';

/** Vector files are named `platform-message.<rule>.json`. An invalid vector names its refusal code. */
interface Vector {
  code?: string;
  audience: string;
  receivedAt: string;
  key: { kid: string; jwk: { x: string }; validFrom: string; validTo: string | null };
  signature: string;
  body: string;
}

/** News from the hub, as a platform verifies it. */
interface NewsVector {
  secret: string;
  kid: string;
  url: string;
  receivedAt: string;
  signature: string;
  body: string;
}

function vectors<Shape = Vector>(folder: 'valid' | 'invalid', kind = 'platform-message.') {
  const folderUrl = new URL(`../vectors/${folder}/`, import.meta.url);
  const files = readdirSync(folderUrl).filter((file) => file.startsWith(kind));
  return files.map((file) => ({ file, vector: JSON.parse(readFileSync(new URL(file, folderUrl), 'utf8')) as Shape }));
}

async function codeOf({ audience, receivedAt, key, signature, body }: Vector): Promise<string | null> {
  const { kid, jwk, validFrom, validTo } = key;
  const registeredKey = {
    kid,
    x: jwk.x,
    validFrom: new Date(validFrom),
    validTo: validTo === null ? null : new Date(validTo),
  };
  try {
    const bytes = Buffer.from(body);
    await requireValidSignature(parseSignature(signature), registeredKey, bytes, {
      audience,
      now: new Date(receivedAt),
    });
    parseMessage(bytes);
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

describe('news of a case', () => {
  const isFromKnownHub = ({ secret, kid, url, receivedAt, signature, body }: NewsVector) => {
    const hub = { kid, secret: Buffer.from(secret, 'base64url'), aud: url };
    return isFromHub(signature, Buffer.from(body), hub, new Date(receivedAt));
  };
  const news = (folder: 'valid' | 'invalid') => vectors<NewsVector>(folder, 'platform-news.');
  test.each(news('valid'))('valid: $file', ({ vector }) => expect(isFromKnownHub(vector)).toBe(true));
  test.each(news('invalid'))('invalid: $file', ({ vector }) => expect(isFromKnownHub(vector)).toBe(false));
});

describe('the worked examples of docs/approval-platform.md', () => {
  const docsText = readFileSync(new URL('../../docs/approval-platform.md', import.meta.url), 'utf8');
  const readBlock = (name: string) => new RegExp(`\\n\`\`\`\\w+ ${name}\\n(.*)\\n\`\`\`\\n`).exec(docsText)?.[1] ?? '';
  const readExample = <Shape>(kind: string) => vectors<Shape>('valid', `${kind}.worked-example`)[0]?.vector as Shape;
  const headerOf = (signature: string) => Buffer.from(signature.split('.')[0] ?? '', 'base64url').toString('utf8');

  test('the message equals its vector and can be reproduced with the key of RFC 8037', () => {
    const { body, signature, key, audience, receivedAt } = readExample<Vector>('platform-message');
    expect([readBlock('message-body'), readBlock('message-signature')]).toEqual([body, signature]);
    expect(readBlock('message-header')).toBe(headerOf(signature));
    for (const value of [key.kid, key.jwk.x, audience, receivedAt]) expect(docsText).toContain(`\`${value}\``);
    expect(computeThumbprint(key.jwk.x)).toBe(key.kid);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.jwk.x, d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A' };
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    const signedAt = new Date(JSON.parse(headerOf(signature)).iat * 1000);
    expect(signMessage(body, { kid: key.kid, privateKey }, audience, signedAt)).toBe(signature);
  });

  test('the news equals its vector and has the members that the hub sends', () => {
    const { body, signature, secret, url, receivedAt } = readExample<NewsVector>('platform-news');
    expect([readBlock('news-body'), readBlock('news-signature')]).toEqual([body, signature]);
    expect(readBlock('news-header')).toBe(headerOf(signature));
    for (const value of [secret, url, receivedAt]) expect(docsText).toContain(`\`${value}\``);
    const { revision, ...news } = JSON.parse(body);
    const payload = { platformId: 'x', caseId: 'x', ...news };
    expect(payloads.ForwardedCaseChanged.parse(payload)).toEqual(payload);
    expect(revision).toBe(1);
  });
});
