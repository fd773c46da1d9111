import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addLogoutRoute } from '../../gateway/sign-in/logout-route.ts';
import { createSignIn } from '../../gateway/sign-in/sign-in.ts';
import type { IssuerLogout } from '../../subgraphs/cases/person/register.ts';
import { addRegisterRoutes } from '../../subgraphs/cases/person/routes.ts';
import { writeCallerHeaders } from '../../subgraphs/kernel/http/caller-hook.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';
import {
  AUDIENCE,
  buildLogoutRequest,
  makeIssuerKey,
  signIssuerToken,
  signLogoutToken,
  startIssuer,
  type TestIssuer,
} from '../support/issuer.ts';
import { listRoutes } from '../support/routes.ts';
import { forgeIdentity, identities, servicesOf } from '../support/services.ts';

/** Which statements of an issuer end sessions (OpenID Connect Back-Channel Logout 1.0), and who may record them. */

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const now = new Date('2026-11-29T08:00:00Z');
const at = now.getTime() / 1000;
const key = makeIssuerKey('k');
const foreign = makeIssuerKey('k');
let issuer: TestIssuer;
let stranger: TestIssuer;
let app: FastifyInstance;
const recorded: IssuerLogout[] = [];
const faults: unknown[] = [];

beforeAll(async () => {
  issuer = await startIssuer(key);
  stranger = await startIssuer(foreign);
  const { readLogout } = createSignIn({
    issuers: [
      {
        ...{ issuer: issuer.url, audience: AUDIENCE, kind: 'access', clients: ['desk', 'app'] },
        ...{ maxLifeSeconds: 3_600, staleSeconds: 0 },
      },
    ],
    resolvePerson: async () => null,
    ...{ ownKey: tokenKeys.privateKey, demoKey: tokenKeys.publicKey, now: () => now },
  });
  app = createApp((_place, error) => faults.push(error));
  const recordLogout = async (logout: IssuerLogout) => {
    const isNew = recorded.every(({ id }) => id !== logout.id);
    if (isNew) recorded.push(logout);
    return isNew;
  };
  await addLogoutRoute(app, { readLogout, recordLogout, now: () => now });
});
afterAll(async () => {
  await app?.close();
  issuer?.close();
  stranger?.close();
});
beforeEach(() => {
  recorded.length = 0;
  faults.length = 0;
});

const sign = (claims: Record<string, unknown> = {}, header?: Record<string, unknown>) =>
  signLogoutToken(issuer, key, now, { sub: 'subject-1', ...claims }, header);
const send = async (...tokens: string[]) => {
  const { statusCode, headers, body } = await app.inject(buildLogoutRequest(...tokens));
  return { status: statusCode, cache: headers['cache-control'], body };
};
const DONE = { status: 200, cache: 'no-store', body: '' };

describe('a logout token', () => {
  test.each<[string, Record<string, unknown>, Partial<IssuerLogout>]>([
    ['by subject', {}, { subject: 'subject-1', session: null }],
    ['by session', { sub: undefined, sid: 's1' }, { subject: null, session: 's1' }],
    ['by both', { sid: 's1' }, { subject: 'subject-1', session: 's1' }],
    ['for a client', { aud: 'app' }, {}],
    ['for the hub and somebody else', { aud: ['else', AUDIENCE] }, {}],
    ['without exp', { exp: undefined }, {}],
    ['that says its type as Keycloak does', { typ: 'Logout' }, {}],
  ])('%s is recorded', async (_, claims, expected) => {
    expect(await send(await sign({ jti: 'j', ...claims }))).toEqual(DONE);
    expect(recorded).toMatchObject([{ issuer: issuer.url, id: 'j', endedAt: now, ...expected }]);
  });

  test.each([{}, { typ: 'JWT' }, { typ: 'logout+jwt' }, { typ: 'application/logout+JWT' }])(
    'with the header %o is recorded',
    async (header) => {
      expect(await send(await sign({}, header))).toEqual(DONE);
    },
  );

  test('of the same id ends nothing again', async () => {
    const token = await sign();
    expect(await send(token)).toEqual(DONE);
    expect(await send(token)).toMatchObject({ status: 400, cache: 'no-store' });
    expect(recorded.length).toBe(1);
  });
});

const seconds = (offset: number) => ({ iat: at + offset, exp: at + offset + 120 });
/** Claims of which each spoils a good logout token. */
const BAD_CLAIMS: Readonly<Record<string, Record<string, unknown>>> = {
  'of two and a half minutes ago': { iat: at - 151, exp: at + 600 },
  'of the future': seconds(31),
  'that has ended': { iat: at - 90, exp: at - 31 },
  'without iat': { iat: undefined },
  'without jti': { jti: undefined },
  'with a jti of no characters': { jti: '' },
  'with a jti that is too long': { jti: 'j'.repeat(256) },
  'without events': { events: undefined },
  'with another event': { events: { 'http://schemas.openid.net/event/other': {} } },
  'with an event that is no object': { events: { [EVENT]: true } },
  'with a list of events': { events: [EVENT] },
  'with a nonce': { nonce: 'n' },
  'of nobody': { sub: undefined },
  'of a subject of no characters': { sub: '' },
  'of a subject that is too long': { sub: 's'.repeat(256) },
  'of a subject that is a number': { sub: 7 },
  'of a session with a control character': { sid: 's\u0000' },
  'for another audience': { aud: 'another' },
  'without an audience': { aud: undefined },
  'of another issuer': { iss: 'https://issuer.example' },
  'that says it is an ID token': { typ: 'ID' },
};
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Tokens that are none of the issuer's logout tokens. */
const BAD_TOKENS: Readonly<Record<string, () => Promise<string> | string>> = {
  'by another key of the same name': () => signLogoutToken(issuer, foreign, now, { sub: 'subject-1' }),
  'of a strange issuer': () => signLogoutToken(stranger, foreign, now, { sub: 'subject-1' }),
  'that is an access token': () => signIssuerToken(issuer, key, now, { jti: 'j' }, { typ: 'at+jwt' }),
  'that is an ID token': () => signIssuerToken(issuer, key, now, { jti: 'j', aud: 'desk', sid: 's1' }),
  'of the type of an access token': () => sign({}, { typ: 'at+jwt' }),
  'of the type of another security event': () => sign({}, { typ: 'secevent+jwt' }),
  'that is a demo token': () => tokenFor(requireDemoPerson('administrator'), now),
  'without a signature': async () => `${encode({ alg: 'none' })}.${(await sign()).split('.')[1]}.`,
  'with claims changed after it was signed': async () => {
    const [header, , signature] = (await sign()).split('.');
    return `${header}.${(await sign({ sub: 'subject-2' })).split('.')[1]}.${signature}`;
  },
  'of a word': () => 'subject-1',
  'of no characters': () => '',
  'that is too long': () => sign({ more: 'x'.repeat(8_192) }),
};

describe('no sessions are ended by a token', () => {
  const cases = [
    ...Object.entries(BAD_CLAIMS).map(([title, claims]) => [title, () => sign(claims)] as const),
    ...Object.entries(BAD_TOKENS),
  ];
  test.each(cases)('%s', async (_, make) => {
    const { status, cache, body } = await send(await make());
    expect([status, cache, JSON.parse(body).error]).toEqual([400, 'no-store', 'invalid_request']);
    expect(recorded).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('while the keys of the issuer cannot be read', async () => {
    const away = await startIssuer(key);
    const { readLogout } = createSignIn({
      issuers: [
        {
          ...{ issuer: away.url, audience: AUDIENCE, kind: 'access', clients: [] },
          ...{ maxLifeSeconds: 3_600, staleSeconds: 0 },
        },
      ],
      resolvePerson: async () => null,
      ...{ ownKey: tokenKeys.privateKey, demoKey: null, now: () => now },
    });
    away.close();
    const token = await signLogoutToken(away, key, now, { sub: 'subject-1' });
    await expect(readLogout(token, now)).rejects.toMatchObject({ code: 'ISSUER_AWAY' });
  });
});

describe('no sessions are ended by a request', () => {
  test('with two tokens', async () => {
    expect((await send(await sign(), await sign())).status).toBe(400);
    expect(recorded).toEqual([]);
  });

  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])('of type %s', async (type) => {
    const { payload, ...request } = buildLogoutRequest(await sign());
    const json = JSON.stringify({ logout_token: await sign() });
    for (const body of [payload, json, '']) {
      const answer = await app.inject({ ...request, headers: { 'content-type': type }, payload: body });
      expect([answer.statusCode, answer.headers['cache-control']]).toEqual([400, 'no-store']);
    }
    expect(recorded).toEqual([]);
  });

  test('without a body, with the token in the address, or with a form that is too long', async () => {
    const { payload, ...request } = buildLogoutRequest(await sign());
    expect((await app.inject(request)).statusCode).toBe(400);
    expect((await app.inject({ ...request, url: `${request.url}?${payload}` })).statusCode).toBe(400);
    const padded = `${payload}&x=${'x'.repeat(16_384)}`;
    expect((await app.inject({ ...request, payload: padded })).statusCode).toBe(413);
    expect(recorded).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe('between the processes', () => {
  const logout = { issuer: 'https://i.example', id: 'j', subject: 's', session: null, endedAt: now.toISOString() };
  let register: FastifyInstance;
  let calls = 0;
  beforeAll(() => {
    register = createApp((_place, error) => faults.push(error), {
      gateway: { services: servicesOf('cases'), now: () => now },
    });
    const count = <Answer>(answer: Answer) => {
      calls++;
      return Promise.resolve(answer);
    };
    const resolvePerson = () => count(null);
    addRegisterRoutes(
      register,
      { resolvePerson, resolvePlace: () => count({ inherits: [], ended: null }), recordLogout: () => count(true) },
      () => now,
    );
  });
  afterAll(() => register.close());
  const post = async (url: string, headers: Record<string, string>, payload: object) =>
    (await register.inject({ method: 'POST', url, headers, payload })).statusCode;

  test('nobody but the gateway may ask the register', async () => {
    const person = await tokenFor(requireDemoPerson('administrator'), now);
    const strangers = [
      {},
      { authorization: `Bearer ${person}` },
      await writeCallerHeaders({ identity: identities.licenses, now: () => now }, 'cases'),
      await writeCallerHeaders({ identity: forgeIdentity('gateway'), now: () => now }, 'cases'),
      await writeCallerHeaders({ identity: identities.gateway, now: () => now }, 'seals'),
    ];
    const urls = (await listRoutes(register)).map(({ url }) => url);
    expect(urls.sort()).toEqual(['/logout', '/person', '/place']);
    for (const url of urls)
      for (const headers of strangers) expect([url, await post(url, headers, logout)]).toEqual([url, 403]);
    expect(calls).toBe(0);
  });

  test('the gateway records what ends somebody, and nothing else', async () => {
    const headers = await writeCallerHeaders({ identity: identities.gateway, now: () => now }, 'cases');
    expect(await post('/logout', headers, logout)).toBe(200);
    for (const bad of [{ subject: null }, { session: 7 }, { endedAt: 'yesterday' }, { more: 1 }, { id: undefined }])
      expect(await post('/logout', headers, { ...logout, ...bad })).toBe(400);
    expect(calls).toBe(1);
  });
});
