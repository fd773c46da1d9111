import { createHmac, createSign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readIdentity, type TokenRules } from '../../gateway/sign-in/identity.ts';
import { createIssuerKeys } from '../../gateway/sign-in/issuer-keys.ts';
import { TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { AUDIENCE, makeIssuerKey, signIssuerToken, startIssuer, type TestIssuer } from '../support/issuer.ts';

/** Which tokens of an issuer are taken, over real HTTP. */

const now = new Date('2026-11-29T08:00:00Z');
const at = Math.floor(now.getTime() / 1000);
const rsa = makeIssuerKey('rsa-1', 'RS256');
const pss = { ...makeIssuerKey('pss-1', 'PS256'), alg: 'PS256' };
const ec = makeIssuerKey('ec-1', 'ES256');
const ed = makeIssuerKey('ed-1', 'EdDSA');
const foreign = makeIssuerKey('ec-1', 'ES256');

let issuer: TestIssuer;
let stranger: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer(rsa, pss, ec, ed);
  stranger = await startIssuer(foreign);
});
afterAll(() => {
  issuer.close();
  stranger.close();
});

const rulesOf = (changes: Partial<TokenRules> = {}): TokenRules => ({
  ...{ issuer: issuer.url, audience: AUDIENCE, kind: 'access', clients: [], maxLifeSeconds: 3_600 },
  ...changes,
});
const read = (token: string, changes: Partial<TokenRules> = {}) =>
  readIdentity(
    token,
    rulesOf(changes),
    createIssuerKeys({ issuer: issuer.url, staleSeconds: 0 }, () => now),
    now,
  );
const sign = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key = ec) =>
  signIssuerToken(issuer, key, now, claims, header);
const codeOf = (reading: Promise<unknown>) =>
  reading.then(
    () => 'TAKEN',
    (error) => (error instanceof TokenError ? error.code : error),
  );
const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
/** Signs any texts as header and claims with the issuer's own key. */
const signTexts = (header: string, claims: string) => {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${createSign('sha256').update(input).sign({ key: ec.privateKey, dsaEncoding: 'ieee-p1363' }, 'base64url')}`;
};

test.each([rsa, pss, ec, ed])('a token signed with $alg is taken, and says who somebody is', async (key) => {
  const claims = { auth_time: at - 60, sid: 'session-1', id_number: '11010519491231002X' };
  expect(await read(await sign(claims, {}, key), { holderClaim: 'id_number' })).toEqual({
    identity: {
      ...{ issuer: issuer.url, subject: 'subject-1', name: '王芳', holderCode: '11010519491231002X' },
      ...{ issuedAt: now, authTime: new Date((at - 60) * 1000), session: 'session-1' },
    },
    expiresAt: new Date((at + 600) * 1000),
  });
});

test('the claims that are left out are null', async () => {
  const { identity } = await read(await sign({ name: undefined }));
  expect(identity).toMatchObject({ name: null, holderCode: null, authTime: null, session: null });
});

/** Claims, and the code: TAKEN, or that of the error. */
const CLAIMS: [string, Record<string, unknown>, string][] = [
  ['the audience in a list', { aud: ['other', AUDIENCE] }, 'TAKEN'],
  ['another audience', { aud: 'other' }, 'TOKEN_INVALID'],
  ['a list without the audience', { aud: ['other', `${AUDIENCE}x`] }, 'TOKEN_INVALID'],
  ['an empty list of audiences', { aud: [] }, 'TOKEN_INVALID'],
  ['no audience', { aud: undefined }, 'TOKEN_INVALID'],
  ['an audience that is an object', { aud: { [AUDIENCE]: 1 } }, 'TOKEN_INVALID'],
  ['another issuer', { iss: 'https://issuer.example' }, 'TOKEN_INVALID'],
  ['the issuer with a slash more', { iss: 'SLASH' }, 'TOKEN_INVALID'],
  ['no issuer', { iss: undefined }, 'TOKEN_INVALID'],
  ['no end', { exp: undefined }, 'TOKEN_INVALID'],
  ['an end that is a text', { exp: String(at + 60) }, 'TOKEN_INVALID'],
  ['an end with a fraction', { exp: at + 60.5 }, 'TOKEN_INVALID'],
  ['an end before its start', { iat: at, exp: at - 10 }, 'TOKEN_INVALID'],
  ['an end 29 s ago', { iat: at - 100, exp: at - 29 }, 'TAKEN'],
  ['an end 30 s ago', { iat: at - 100, exp: at - 30 }, 'TOKEN_EXPIRED'],
  ['the longest life', { exp: at + 3_600 }, 'TAKEN'],
  ['a life one second longer', { exp: at + 3_601 }, 'TOKEN_INVALID'],
  ['a life of a million years', { exp: 1e17 }, 'TOKEN_INVALID'],
  ['no start', { iat: undefined }, 'TOKEN_INVALID'],
  ['a start in 30 s', { iat: at + 30 }, 'TAKEN'],
  ['a start in 31 s', { iat: at + 31 }, 'TOKEN_INVALID'],
  ['a negative start', { iat: -1, exp: 60 }, 'TOKEN_EXPIRED'],
  ['good only in 30 s', { nbf: at + 30 }, 'TAKEN'],
  ['good only in 31 s', { nbf: at + 31 }, 'TOKEN_INVALID'],
  ['good from a text', { nbf: 'now' }, 'TOKEN_INVALID'],
  ['no subject', { sub: undefined }, 'TOKEN_INVALID'],
  ['an empty subject', { sub: '' }, 'TOKEN_INVALID'],
  ['a number as subject', { sub: 7 }, 'TOKEN_INVALID'],
  ['a subject of 255 characters', { sub: 'x'.repeat(255) }, 'TAKEN'],
  ['a subject of 256 characters', { sub: 'x'.repeat(256) }, 'TOKEN_INVALID'],
  ['a line break in the subject', { sub: 'a\nb' }, 'TOKEN_INVALID'],
  ['NUL in the subject', { sub: 'a\0b' }, 'TOKEN_INVALID'],
  ['a turned subject', { sub: 'a\u202eb' }, 'TOKEN_INVALID'],
  ['half a character', { sub: 'a\ud800' }, 'TOKEN_INVALID'],
  ['a name that is a list', { name: ['王芳'] }, 'TOKEN_INVALID'],
  ['a name with an invisible character', { name: '王\u200b芳' }, 'TOKEN_INVALID'],
  ['a name that is too long', { name: '王'.repeat(65) }, 'TOKEN_INVALID'],
  ['a session with a line break', { sid: 'a\rb' }, 'TOKEN_INVALID'],
  ['a sign-in that is a text', { auth_time: 'today' }, 'TOKEN_INVALID'],
  ['roles of its own, which count for nothing', { roles: ['ADMINISTRATOR'], organ: 'yudu-lyj' }, 'TAKEN'],
  ['a logout token', { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }, 'TOKEN_INVALID'],
  ['the nonce of an ID token', { nonce: 'n' }, 'TOKEN_INVALID'],
  ['the hash of an ID token', { at_hash: 'h' }, 'TOKEN_INVALID'],
  ['the type of an access token', { typ: 'Bearer' }, 'TAKEN'],
  ['the type of an ID token', { typ: 'ID' }, 'TOKEN_INVALID'],
  ['the type of a refresh token', { typ: 'Refresh' }, 'TOKEN_INVALID'],
];
test.each(CLAIMS)('%s', async (_, claims, code) => {
  const all = claims.iss === 'SLASH' ? { iss: `${issuer.url}/` } : claims;
  expect(await codeOf(read(await sign(all)))).toBe(code);
});

test.each<[string, unknown, string]>([
  ['a citizen number', '11010519491231002X', 'TAKEN'],
  ['a USCC', '91000000MA0000001R', 'TAKEN'],
  ['a wrong check character', '110105194912310021', 'TOKEN_INVALID'],
  ['a list', ['11010519491231002X'], 'TOKEN_INVALID'],
  ['a number', 110105194912310020, 'TOKEN_INVALID'],
  ['null', null, 'TAKEN'],
])('a holder claim that is %s', async (_, id_number, code) => {
  expect(await codeOf(read(await sign({ id_number }), { holderClaim: 'id_number' }))).toBe(code);
});

test.each<[string, Record<string, unknown>, readonly string[], string]>([
  ['a listed client', { azp: 'office' }, ['office', 'phone'], 'TAKEN'],
  ['a listed client by the name of RFC 9068', { client_id: 'phone' }, ['office', 'phone'], 'TAKEN'],
  ['another client', { azp: 'game' }, ['office'], 'TOKEN_INVALID'],
  ['another client that also names a listed one', { azp: 'game', client_id: 'office' }, ['office'], 'TOKEN_INVALID'],
  ['no client', {}, ['office'], 'TOKEN_INVALID'],
])('with a list of clients: %s', async (_, claims, clients, code) => {
  expect(await codeOf(read(await sign(claims), { clients }))).toBe(code);
});

test.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
  ['its own', { nonce: 'n', typ: 'ID' }, {}, 'TAKEN'],
  ['its own, with its client', { azp: AUDIENCE, aud: [AUDIENCE, 'other'] }, {}, 'TAKEN'],
  ['one of another client', { azp: 'other' }, {}, 'TOKEN_INVALID'],
  ['one for several without a client', { aud: [AUDIENCE, 'other'] }, {}, 'TOKEN_INVALID'],
  ['an access token', {}, { typ: 'at+jwt' }, 'TOKEN_INVALID'],
])('where ID tokens are taken: %s', async (_, claims, header, code) => {
  expect(await codeOf(read(await sign(claims, header), { kind: 'id' }))).toBe(code);
});

test.each<[string, Record<string, unknown>, string]>([
  ['at+jwt', { typ: 'at+jwt' }, 'TAKEN'],
  ['application/at+jwt', { typ: 'application/at+jwt' }, 'TAKEN'],
  ['JWT', { typ: 'JWT' }, 'TAKEN'],
  ['logout+jwt', { typ: 'logout+jwt' }, 'TOKEN_INVALID'],
  ['dpop+jwt', { typ: 'dpop+jwt' }, 'TOKEN_INVALID'],
  ['secevent+jwt', { typ: 'secevent+jwt' }, 'TOKEN_INVALID'],
])('the type %s in the header', async (_, header, code) => {
  expect(await codeOf(read(await sign({}, header)))).toBe(code);
});

describe('a forged signature', () => {
  const claims = () => encode({ iss: issuer.url, aud: AUDIENCE, sub: 'x', iat: at, exp: at + 60 });

  test('none, in any spelling', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      expect(await codeOf(read(`${encode({ alg })}.${claims()}.`))).toBe('TOKEN_INVALID');
      expect(await codeOf(read(`${encode({ alg })}.${claims()}.${encode('x')}`))).toBe('TOKEN_INVALID');
    }
  });
  test('HMAC with the public key as secret', async () => {
    const secrets = [rsa, ec].flatMap(({ publicKey, jwk }) => [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      Buffer.from(JSON.stringify(jwk)),
    ]);
    for (const secret of secrets) {
      const input = `${encode({ alg: 'HS256', kid: 'rsa-1' })}.${claims()}`;
      const forged = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
      expect(await codeOf(read(forged))).toBe('TOKEN_INVALID');
    }
  });
  test('the key of another issuer under the same kid', async () => {
    expect(await codeOf(read(await sign({}, {}, foreign)))).toBe('TOKEN_INVALID');
  });
  test('keys and addresses in the header are not read', async () => {
    const url = `${stranger.url}/keys`;
    for (const header of [{ jku: url }, { x5u: url }, { jwk: foreign.jwk }, { jku: url, kid: undefined }])
      expect(await codeOf(read(await sign({}, header, foreign)))).toBe('TOKEN_INVALID');
    expect(await codeOf(read(await sign({}, { jku: url, jwk: foreign.jwk })))).toBe('TAKEN');
    expect(stranger.requests).toEqual([]);
  });
  test('an extension that must be understood', async () => {
    const text = JSON.stringify({ iss: issuer.url, aud: AUDIENCE, sub: 'x', iat: at, exp: at + 60 });
    const header = (more: object) => JSON.stringify({ alg: 'ES256', kid: 'ec-1', ...more });
    expect(await codeOf(read(signTexts(header({}), text)))).toBe('TAKEN');
    for (const more of [
      { crit: ['exp'], exp: at + 60 },
      { crit: ['x'], x: 1 },
      { crit: [] },
      { crit: ['b64'], b64: false },
    ])
      expect([more, await codeOf(read(signTexts(header(more), text)))]).toEqual([more, 'TOKEN_INVALID']);
  });
  test('an algorithm that the key is not for', async () => {
    expect(await codeOf(read(await sign({}, { kid: 'pss-1' }, { ...pss, alg: 'RS256' })))).toBe('TOKEN_INVALID');
    expect(await codeOf(read(await sign({}, { alg: 'RS512' }, { ...rsa, alg: 'RS512' })))).toBe('TOKEN_INVALID');
  });
  test('altered claims, a cut signature, another form', async () => {
    const [header, body, signature] = (await sign()).split('.');
    const altered = encode({ iss: issuer.url, aud: AUDIENCE, sub: 'other', iat: at, exp: at + 60 });
    for (const token of [
      ...[`${header}.${altered}.${signature}`, `${header}.${body}.${signature?.slice(0, -2)}`],
      ...[`${header}.${body}`, `${header}.${body}.${signature}.x`, `..`, '', 'x', `${header}..${signature}`],
    ])
      expect([token, await codeOf(read(token))]).toEqual([token, 'TOKEN_INVALID']);
  });
  test('a name twice in header or claims', async () => {
    const header = '{"alg":"ES256","kid":"ec-1"}';
    const text = `"iss":"${issuer.url}","aud":"${AUDIENCE}","iat":${at},"exp":${at + 60}`;
    expect(await codeOf(read(signTexts(header, `{${text},"sub":"a"}`)))).toBe('TAKEN');
    for (const [first, second] of [
      [header, `{${text},"sub":"a","sub":"b"}`],
      [header, `{${text},"sub":"a","s\\u0075b":"b"}`],
      ['{"alg":"ES256","alg":"ES256","kid":"ec-1"}', `{${text},"sub":"a"}`],
      [header, `\ufeff{${text},"sub":"a"}`],
    ] as const)
      expect([second, await codeOf(read(signTexts(first, second)))]).toEqual([second, 'TOKEN_INVALID']);
  });
  test('a token beyond the longest text', async () => {
    expect(await codeOf(read(await sign({ more: 'x'.repeat(8_192) })))).toBe('TOKEN_INVALID');
  });
});
