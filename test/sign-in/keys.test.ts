import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readIdentity } from '../../gateway/sign-in/identity.ts';
import {
  AWAY_SECONDS,
  createIssuerKeys,
  FRESH_SECONDS,
  type IssuerAddress,
  RETRY_SECONDS,
} from '../../gateway/sign-in/issuer-keys.ts';
import { TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { AUDIENCE, makeIssuerKey, signIssuerToken, startIssuer, type TestIssuer } from '../support/issuer.ts';

/** The keys of an issuer through time: rotated, withdrawn, unreadable, of somebody else. Counts what is asked for. */

const old = makeIssuerKey('old');
const next = makeIssuerKey('next');
const STALE_SECONDS = 3_600;
const START = new Date('2026-11-29T08:00:00Z').getTime();
const DISCOVERY = '/.well-known/openid-configuration';

let issuer: TestIssuer;
let elapsed: number;
const now = () => new Date(START + elapsed * 1000);
beforeEach(async () => {
  issuer = await startIssuer(old);
  elapsed = 0;
});
afterEach(() => issuer.close());

/** A reader with keys of its own. Returns a token's subject or the code of its refusal. */
function createReader(changes: Partial<IssuerAddress> = {}) {
  const findKey = createIssuerKeys({ issuer: issuer.url, staleSeconds: STALE_SECONDS, ...changes }, now);
  const rules = { issuer: issuer.url, audience: AUDIENCE, kind: 'access', clients: [], maxLifeSeconds: 3_600 } as const;
  return (token: string) =>
    readIdentity(token, rules, findKey, now()).then(
      ({ identity }) => identity.subject,
      (error) => (error instanceof TokenError ? error.code : error),
    );
}
const sign = (key = old, header: Record<string, unknown> = {}) => signIssuerToken(issuer, key, now(), {}, header);
const countReads = () => issuer.requests.filter((path) => path === '/keys').length;

test('keys are read once, for many tokens at once', async () => {
  const read = createReader();
  const tokens = await Promise.all(Array.from({ length: 20 }, () => sign()));
  expect(new Set(await Promise.all(tokens.map(read)))).toEqual(new Set(['subject-1']));
  expect(issuer.requests).toEqual([DISCOVERY, '/keys']);
});

describe('rotation', () => {
  test('a new key is read when its first token comes, and tokens of the old one stay good', async () => {
    const read = createReader();
    const before = await sign();
    expect(await read(before)).toBe('subject-1');
    issuer.keys = [next, old];
    elapsed = RETRY_SECONDS;
    expect(await read(await sign(next))).toBe('subject-1');
    expect(await read(before)).toBe('subject-1');
    expect(countReads()).toBe(2);
  });

  test('a withdrawn key counts until the keys are renewed, and no longer', async () => {
    const read = createReader();
    expect(await read(await sign())).toBe('subject-1');
    issuer.keys = [next];
    elapsed = FRESH_SECONDS;
    expect(await read(await sign())).toBe('subject-1');
    elapsed = FRESH_SECONDS + 1;
    expect(await read(await sign())).toBe('TOKEN_INVALID');
    expect(await read(await sign(next))).toBe('subject-1');
  });

  test('unknown keys do not make the hub ask for each token', async () => {
    const read = createReader();
    await read(await sign());
    for (let i = 0; i < 50; i++) {
      elapsed = i / 5;
      expect(await read(await sign(old, { kid: `unknown-${i}` }))).toBe('TOKEN_INVALID');
    }
    expect(countReads()).toBe(1);
    elapsed = RETRY_SECONDS;
    await Promise.all([1, 2, 3].map(async (i) => read(await sign(old, { kid: `unknown-${i}` }))));
    expect(countReads()).toBe(2);
  });

  test('a clock that was set back does not stop renewal', async () => {
    const read = createReader();
    await read(await sign());
    elapsed = -7_200;
    issuer.keys = [next];
    expect(await read(await sign(next))).toBe('subject-1');
  });
});

describe('the name of the key', () => {
  test('one key that fits is found without a name, of two none', async () => {
    const nameless = makeIssuerKey(undefined);
    issuer.keys = [nameless];
    expect(await createReader()(await sign(nameless))).toBe('subject-1');
    issuer.keys = [nameless, makeIssuerKey(undefined)];
    expect(await createReader()(await sign(nameless))).toBe('TOKEN_INVALID');
  });

  test('a token without a name is taken if its kind of key exists once', async () => {
    issuer.keys = [old, makeIssuerKey('rsa', 'RS256')];
    expect(await createReader()(await sign(old, { kid: undefined }))).toBe('subject-1');
    issuer.keys = [old, next];
    expect(await createReader()(await sign(old, { kid: undefined }))).toBe('TOKEN_INVALID');
  });

  test('two keys of one name are no key', async () => {
    issuer.keys = [old, makeIssuerKey('old')];
    expect(await createReader()(await sign())).toBe('TOKEN_INVALID');
  });
});

test.each<[string, (jwk: Record<string, unknown>) => Record<string, unknown>]>([
  ['for encryption', (jwk) => ({ ...jwk, use: 'enc' })],
  ['for another operation', (jwk) => ({ ...jwk, key_ops: ['sign'] })],
  ['for another algorithm', (jwk) => ({ ...jwk, alg: 'ES384' })],
  ['of another curve', (jwk) => ({ ...jwk, crv: 'P-384' })],
  ['with its private half', (jwk) => ({ ...jwk, d: old.privateKey.export({ format: 'jwk' }).d })],
  ['with a shared secret', (jwk) => ({ kty: 'oct', kid: jwk.kid, k: 'c2VjcmV0' })],
  ['without a kind', ({ kty: _, ...jwk }) => jwk],
  ['that is no point', (jwk) => ({ ...jwk, x: 'A'.repeat(43) })],
  ['with a name that is a number', (jwk) => ({ ...jwk, kid: 1 })],
])('a key %s is not used, and the others are', async (_, change) => {
  issuer.keys = [{ ...old, jwk: change(old.jwk) }, next];
  const read = createReader();
  expect(await read(await sign())).toBe('TOKEN_INVALID');
  expect(await read(await sign(next))).toBe('subject-1');
});

test.each<[string, number, string]>([
  ['too short', 1_024, 'AQAB'],
  ['too long', 8_200, 'AQAB'],
  ['with a long exponent', 2_048, 'AQABAQAB'],
])('an RSA key that is %s is not used', async (_, bits, e) => {
  const rsa = makeIssuerKey('rsa', 'RS256');
  const n = Buffer.alloc(bits / 8, 0xff).toString('base64url');
  issuer.keys = [{ ...rsa, jwk: { ...rsa.jwk, n, e } }];
  const read = createReader();
  expect(await read(await sign(rsa))).toBe('TOKEN_INVALID');
});

/** What an issuer may do instead of telling its keys. */
const json = (value: unknown): RequestListener => {
  return (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};
const html: RequestListener = (_, response) =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>');
const FAILURES: [string, string, () => RequestListener][] = [
  ['an error', DISCOVERY, () => (_, response) => void response.writeHead(500).end('{}')],
  ['no keys there', '/keys', () => (_, response) => void response.writeHead(404).end('{"keys":[]}')],
  ['a page instead of the discovery', DISCOVERY, () => html],
  ['a page instead of the keys', '/keys', () => html],
  ['a redirect', '/keys', () => (_, response) => void response.writeHead(302, { location: '/other' }).end()],
  ['a closed connection', '/keys', () => (_, response) => void response.destroy()],
  ['an answer that never comes', DISCOVERY, () => () => {}],
  ['keys that never come', '/keys', () => () => {}],
  ['an answer that never ends', '/keys', () => (_, response) => void response.write('{"keys":[')],
  ['a huge answer', '/keys', () => json({ keys: [], more: 'x'.repeat(131_072) })],
  ['very many keys', '/keys', () => json({ keys: Array.from({ length: 65 }, () => old.jwk) })],
  ['keys twice', '/keys', () => (_, response) => void response.end(`{"keys":[],"keys":[${JSON.stringify(old.jwk)}]}`)],
  ['keys that are no list', '/keys', () => json({ keys: { 0: old.jwk } })],
  ['a list instead of keys', '/keys', () => json([old.jwk])],
  ['null', DISCOVERY, () => json(null)],
  [
    'the discovery of another issuer',
    DISCOVERY,
    () => json({ issuer: 'https://a.example', jwks_uri: `${issuer.url}/keys` }),
  ],
  [
    'its own name with a slash more',
    DISCOVERY,
    () => json({ issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}/keys` }),
  ],
  ['keys without an address', DISCOVERY, () => json({ issuer: issuer.url })],
  ['keys at another origin', DISCOVERY, () => json({ issuer: issuer.url, jwks_uri: 'http://127.0.0.1:1/keys' })],
  ['keys in a file', DISCOVERY, () => json({ issuer: issuer.url, jwks_uri: 'file:///etc/passwd' })],
];
describe.each(FAILURES)('%s', (_, path, makeAnswer) => {
  const options = { timeoutMs: 200 };

  test('is no key: the token waits for better times, and the hub asks again only after a while', async () => {
    issuer.answers.set(path, makeAnswer());
    const read = createReader(options);
    const codes = await Promise.all([1, 2, 3].map(async () => read(await sign())));
    expect(codes).toEqual(['ISSUER_AWAY', 'ISSUER_AWAY', 'ISSUER_AWAY']);
    const count = issuer.requests.length;
    expect(await read(await sign())).toBe('ISSUER_AWAY');
    expect(issuer.requests.length).toBe(count);
    issuer.answers.clear();
    elapsed = RETRY_SECONDS;
    expect(await read(await sign())).toBe('subject-1');
  });

  test('does not end what was known: old keys count for a bounded time', async () => {
    const read = createReader(options);
    expect(await read(await sign())).toBe('subject-1');
    issuer.answers.set(path, makeAnswer());
    elapsed = FRESH_SECONDS + 1;
    expect(await read(await sign())).toBe('subject-1');
    expect(await read(await sign(next))).toBe('TOKEN_INVALID');
    elapsed = STALE_SECONDS + 1;
    expect(await read(await sign())).toBe('ISSUER_AWAY');
  });
});

describe('an issuer that has just been away and does not answer', () => {
  test('holds nobody whose key is known', async () => {
    const read = createReader({ timeoutMs: 3_600_000 });
    expect(await read(await sign())).toBe('subject-1');
    issuer.answers.set(DISCOVERY, (_, response) => void response.writeHead(503).end());
    elapsed = FRESH_SECONDS + 1;
    expect(await read(await sign())).toBe('subject-1');
    issuer.answers.set(DISCOVERY, () => {});
    elapsed += RETRY_SECONDS;
    for (let i = 0; i < 3; i++) expect(await read(await sign())).toBe('subject-1');
  });

  test('has its keys read first if the last attempt was long ago: a withdrawn key does not pass', async () => {
    const read = createReader();
    expect(await read(await sign())).toBe('subject-1');
    issuer.answers.set(DISCOVERY, (_, response) => void response.writeHead(503).end());
    elapsed = FRESH_SECONDS + 1;
    expect(await read(await sign())).toBe('subject-1');
    issuer.answers.clear();
    issuer.keys = [next];
    elapsed += AWAY_SECONDS + 1;
    expect(await read(await sign())).toBe('TOKEN_INVALID');
  });
});

test('keys at another origin count if the operator names their address', async () => {
  const other = await startIssuer(next);
  const jwksUrl = `${other.url}/keys`;
  issuer.answers.set(DISCOVERY, json({ issuer: issuer.url, jwks_uri: jwksUrl }));
  expect(await createReader({ jwksUrl })(await sign(next))).toBe('subject-1');
  expect(await createReader({ jwksUrl: `${jwksUrl}2` })(await sign(next))).toBe('ISSUER_AWAY');
  expect(await createReader()(await sign(next))).toBe('ISSUER_AWAY');
  other.close();
});

test('an issuer that answers with the keys of another one signs nobody in', async () => {
  const read = createReader();
  issuer.keys = [next];
  expect(await read(await sign(old))).toBe('TOKEN_INVALID');
});
