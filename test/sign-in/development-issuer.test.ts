import { createHash, randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAllowedOrigin } from '../../gateway/cors.ts';
import { createSignIn } from '../../gateway/sign-in/sign-in.ts';
import { findDemoPerson, listDemoPeople } from '../../scripts/demo/people.ts';
import {
  addDevelopmentIssuer,
  CODE_SECONDS,
  DEVELOPMENT_PATH,
  describeDevelopmentIssuer,
  TOKEN_SECONDS,
} from '../../scripts/hub/issuer/issuer.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';

/** The issuer of development, as a page of an office uses it, and the hub that believes its tokens. */

const START = new Date('2026-11-29T08:00:00Z').getTime();
let elapsed = 0;
const now = () => new Date(START + elapsed * 1000);
const APP = 'http://127.0.0.1:5173/signed-in?from=a';
const VERIFIER = randomBytes(32).toString('base64url');
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url');

let app: FastifyInstance;
let issuer: string;
beforeEach(async () => {
  elapsed = 0;
  app = createApp(() => {});
  // The port is known when it listens, as in a hub.
  const options = {
    issuer: 'http://127.0.0.1/dev-issuer',
    people: listDemoPeople(['yudu-lyj', 'yudu-xzspj']),
    organNames: new Map([['yudu-lyj', '于都县林业局']]),
    reach: 'local' as const,
    isAllowed: (origin: string) => isAllowedOrigin(origin, 'LOCAL'),
    now,
  };
  await addDevelopmentIssuer(app, options);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  issuer = options.issuer;
  base = url + DEVELOPMENT_PATH;
});
afterEach(() => app.close());
let base: string;

const REQUEST = {
  ...{
    response_type: 'code',
    client_id: 'office',
    redirect_uri: APP,
    scope: 'openid profile',
    state: 's-1',
    nonce: 'n-1',
  },
  ...{ code_challenge: challengeOf(VERIFIER), code_challenge_method: 'S256' },
};
type Changes = Record<string, string | undefined>;
const toForm = (values: Changes) =>
  new URLSearchParams(Object.entries(values).filter((pair): pair is [string, string] => pair[1] !== undefined));
const authorize = (changes: Changes = {}) =>
  fetch(`${base}/authorize?${toForm({ ...REQUEST, ...changes })}`, { redirect: 'manual' });
const choose = (changes: Changes = {}) =>
  fetch(`${base}/authorize`, {
    ...{ method: 'POST', redirect: 'manual' },
    body: toForm({ ...REQUEST, person: 'yudu-lyj.approver', ...changes }),
  });
const outcomeOf = (response: Response) =>
  Object.fromEntries(new URL(response.headers.get('location') ?? '').searchParams);
const getCode = async (changes: Changes = {}) => String(outcomeOf(await choose(changes)).code);
const redeem = async (changes: Changes) => {
  const grant = { grant_type: 'authorization_code', client_id: 'office', redirect_uri: APP, code_verifier: VERIFIER };
  const response = await fetch(`${base}/token`, { method: 'POST', body: toForm({ ...grant, ...changes }) });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
};

test('a person is chosen, the code redeemed, and the hub knows the person by the access token', async () => {
  const page = await authorize();
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const policy = page.headers.get('content-security-policy');
  expect(policy).toContain("form-action 'self' http://127.0.0.1:5173;");
  expect(policy).toContain("frame-ancestors 'none'");
  const html = await page.text();
  expect(html).toContain('<option value="yudu-lyj.approver">');
  expect(html).toContain('<optgroup label="于都县林业局">');
  const chosen = await choose();
  expect(chosen.status).toBe(303);
  const location = new URL(chosen.headers.get('location') ?? '');
  expect(location.href.startsWith(APP)).toBe(true);
  const { code, ...outcome } = outcomeOf(chosen);
  expect(outcome).toEqual({ from: 'a', state: 's-1', iss: issuer });
  const { status, body } = await redeem({ code });
  expect([status, body.token_type, body.expires_in]).toEqual([200, 'Bearer', TOKEN_SECONDS]);
  expect(decodeProtectedHeader(body.access_token ?? '')).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
  expect(decodeJwt(body.id_token ?? '')).toMatchObject({ aud: 'office', nonce: 'n-1', sub: 'yudu-lyj.approver' });
  const signIn = createSignIn({
    issuers: [describeDevelopmentIssuer(issuer, base)],
    resolvePerson: async ({ subject }) => findDemoPerson(subject),
    ...{ ownKey: tokenKeys.privateKey, demoKey: null, now },
  });
  expect(await signIn.readPerson(body.access_token ?? '', now())).toEqual(requireDemoPerson('yudu-lyj.approver'));
  await expect(signIn.readPerson(body.id_token ?? '', now())).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
});

test('a holder has the code of the register of holders', async () => {
  const { body } = await redeem({ code: await getCode({ person: 'applicant-citizen' }) });
  expect(decodeJwt(body.access_token ?? '')).toMatchObject({
    holder_code: '11010519491231002X',
    sub: 'applicant-citizen',
  });
});

describe('a code', () => {
  test('is good once', async () => {
    const code = await getCode();
    expect((await redeem({ code })).status).toBe(200);
    expect(await redeem({ code })).toEqual({ status: 400, body: { error: 'invalid_grant' } });
  });
  test('is good for one attempt, also for one that fails', async () => {
    const code = await getCode();
    expect((await redeem({ code, code_verifier: randomBytes(32).toString('base64url') })).body.error).toBe(
      'invalid_grant',
    );
    expect((await redeem({ code })).body.error).toBe('invalid_grant');
  });
  test.each<[string, Changes]>([
    ['another verifier', { code_verifier: randomBytes(32).toString('base64url') }],
    ['no verifier', { code_verifier: undefined }],
    ['the challenge as verifier', { code_verifier: challengeOf(VERIFIER) }],
    ['another client', { client_id: 'phone' }],
    ['another page', { redirect_uri: 'http://127.0.0.1:5173/signed-in' }],
    ['no page', { redirect_uri: undefined }],
  ])('is good for nobody else: %s', async (_, changes) => {
    expect((await redeem({ code: await getCode(), ...changes })).body).toEqual({ error: 'invalid_grant' });
  });
  test('is good for a minute', async () => {
    const [first, second] = [await getCode(), await getCode()];
    elapsed = CODE_SECONDS - 1;
    expect((await redeem({ code: first })).status).toBe(200);
    elapsed = CODE_SECONDS;
    expect((await redeem({ code: second })).body.error).toBe('invalid_grant');
  });
  test.each<[string, Changes, string]>([
    ['another grant', { grant_type: 'client_credentials' }, 'unsupported_grant_type'],
    ['no code', { code: undefined }, 'invalid_grant'],
    ['an invented code', { code: 'x' }, 'invalid_grant'],
  ])('is needed: %s', async (_, changes, error) => {
    expect((await redeem({ code: await getCode(), ...changes })).body).toEqual({ error });
  });
  test('a parameter twice, another type, and a long form are refused', async () => {
    const post = (body: string, type = 'application/x-www-form-urlencoded') =>
      fetch(`${base}/token`, { method: 'POST', body, headers: { 'content-type': type } });
    const twice = await post('grant_type=authorization_code&grant_type=authorization_code');
    expect([twice.status, await twice.json()]).toEqual([400, { error: 'invalid_request' }]);
    expect((await post('{}', 'application/json')).status).toBe(400);
    expect((await post('<a/>', 'text/xml')).status).toBe(415);
    expect((await post(`code=${'x'.repeat(8_192)}`)).status).toBe(413);
  });
});

test.each<[string, Changes]>([
  ['another site', { redirect_uri: 'https://office.example/signed-in' }],
  ['a site that begins like this machine', { redirect_uri: 'http://127.0.0.1.example/' }],
  ['a name in front', { redirect_uri: 'http://127.0.0.1@office.example/' }],
  ['a user', { redirect_uri: 'http://a@127.0.0.1:5173/' }],
  ['a fragment', { redirect_uri: `${APP}#a` }],
  ['an empty fragment', { redirect_uri: `${APP}#` }],
  ['a script', { redirect_uri: 'javascript:alert(1)' }],
  ['no page', { redirect_uri: undefined }],
  ['a path', { redirect_uri: '/signed-in' }],
  ['a line break', { redirect_uri: 'http://127.0.0.1:5173/a\r\nset-cookie: a' }],
  ['no client', { client_id: undefined }],
  ['an odd client', { client_id: '<b>' }],
])('an unknown client or page learns nothing: %s', async (_, changes) => {
  for (const response of [await authorize(changes), await choose(changes)]) {
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
    expect(await response.text()).not.toContain('<b>');
  }
});

test.each<[string, Changes, string]>([
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['a challenge without a method', { code_challenge_method: undefined }, 'invalid_request'],
  ['a short challenge', { code_challenge: 'abc' }, 'invalid_request'],
  ['the implicit flow', { response_type: 'token' }, 'unsupported_response_type'],
  ['a hybrid flow', { response_type: 'code id_token' }, 'unsupported_response_type'],
  ['no state', { state: undefined }, 'invalid_request'],
  ['a state with a space', { state: 'a b' }, 'invalid_request'],
  ['a long nonce', { nonce: 'n'.repeat(513) }, 'invalid_request'],
  ['no scope', { scope: 'profile' }, 'invalid_scope'],
  ['a silent sign-in', { prompt: 'none' }, 'login_required'],
])('the client hears what is wrong: %s', async (_, changes, error) => {
  for (const response of [await authorize(changes), await choose(changes)]) {
    expect(response.status).toBe(303);
    expect(outcomeOf(response)).toMatchObject({ error, iss: issuer });
    expect(outcomeOf(response)).not.toHaveProperty('code');
  }
});

test('only this machine reaches it, unless the operator says otherwise', async () => {
  const ask = (headers: Record<string, string>) => fetch(`${base}/keys`, { headers });
  expect((await ask({})).status).toBe(200);
  for (const name of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'])
    expect([name, (await ask({ [name]: '127.0.0.1' })).status]).toEqual([name, 403]);
  const remote = await app.inject({ url: `${DEVELOPMENT_PATH}/keys`, remoteAddress: '10.1.2.3' });
  expect([remote.statusCode, remote.json().code]).toEqual([403, 'FORBIDDEN']);
});

test.each([
  ['localhost:4000', 200],
  ['[::1]:4000', 200],
  ['127.0.0.1', 200],
  ['hub.office.example', 403],
  ['hub.office.example:4000', 403],
  ['127.0.0.1.office.example', 403],
  ['localhost.office.example', 403],
])('a page whose name leads to this machine signs nobody in: %s', async (host, status) => {
  const payload = String(toForm({ ...REQUEST, person: 'administrator' }));
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded' };
  for (const path of ['keys', `authorize?${toForm(REQUEST)}`])
    expect((await app.inject({ url: `${DEVELOPMENT_PATH}/${path}`, headers: { host } })).statusCode).toBe(status);
  const chosen = await app.inject({ method: 'POST', url: `${DEVELOPMENT_PATH}/authorize`, headers, payload });
  expect(chosen.statusCode).toBe(status === 200 ? 303 : status);
});

test('whoever is no demo person is not signed in', async () => {
  for (const person of ['root', 'yudu-jktj.approver', '', undefined]) {
    const response = await choose({ person });
    expect([response.status, response.headers.get('location')]).toEqual([200, null]);
  }
});

test('the page speaks English, and its other language keeps the request', async () => {
  const english = await (await authorize({ ui_locales: 'en' })).text();
  expect(english).toContain('<html lang="en">');
  expect(english).toMatch(/href="\/dev-issuer\/authorize\?[^"]*state=s-1[^"]*&amp;lang=zh"/);
});
