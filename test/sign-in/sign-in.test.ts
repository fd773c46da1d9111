import type { FastifyInstance } from 'fastify';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSignIn, PERSON_SECONDS } from '../../gateway/sign-in/sign-in.ts';
import type { Identity, Person, ResolvePerson } from '../../subgraphs/kernel/actor.ts';
import { identifyCaller } from '../../subgraphs/kernel/http/context.ts';
import { TokenError } from '../../subgraphs/kernel/sealing/token.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';
import { AUDIENCE, makeIssuerKey, signIssuerToken, startIssuer, type TestIssuer } from '../support/issuer.ts';
import { answerAsPerson, createStubGateway, postQuery, type StubGateway } from '../support/stubs.ts';

/** From the issuer's token to the person whom the subgraphs see, in process and over HTTP. */

const key = makeIssuerKey('k');
const START = new Date('2026-11-29T08:00:00Z').getTime();
const clerk = requireDemoPerson('window-yudu');
let issuer: TestIssuer;
let elapsed = 0;
const now = () => new Date(START + elapsed * 1000);
beforeAll(async () => {
  issuer = await startIssuer(key);
});
afterAll(() => issuer.close());
beforeEach(() => {
  elapsed = 0;
  register = async ({ subject }) => (subject === 'clerk' ? clerk : null);
  lookups.length = 0;
});

let register: ResolvePerson;
const lookups: Identity[] = [];
const createTestSignIn = (takesOwnTokens: boolean) =>
  createSignIn({
    issuers: [
      {
        ...{ issuer: issuer.url, audience: AUDIENCE, kind: 'access', clients: [] },
        ...{ maxLifeSeconds: 3_600, staleSeconds: 600 },
      },
    ],
    resolvePerson: (identity, at) => {
      lookups.push(identity);
      return register(identity, at);
    },
    ownKey: tokenKeys.privateKey,
    demoKey: takesOwnTokens ? tokenKeys.publicKey : null,
    now,
  });
const sign = (claims: Record<string, unknown> = {}) => signIssuerToken(issuer, key, now(), { sub: 'clerk', ...claims });
const codeOf = (reading: Promise<unknown>) =>
  reading.then(
    () => 'TAKEN',
    (error) => (error instanceof TokenError ? error.code : error),
  );

describe('the person of a token', () => {
  test('is looked up once in PERSON_SECONDS, by the identity that the issuer vouches for', async () => {
    const signIn = createTestSignIn(false);
    const token = await sign();
    for (let i = 0; i < 5; i++) expect(await signIn.readPerson(token, now())).toEqual(clerk);
    expect(lookups).toMatchObject([{ issuer: issuer.url, subject: 'clerk' }]);
    elapsed = PERSON_SECONDS;
    register = async () => ({ ...clerk, roles: ['REVIEWER'] });
    expect((await signIn.readPerson(token, now())).roles).toEqual(['REVIEWER']);
    expect(lookups.length).toBe(2);
  });

  test('is nobody after the person has left, within a minute', async () => {
    const signIn = createTestSignIn(false);
    const token = await sign();
    await signIn.readPerson(token, now());
    register = async () => null;
    elapsed = PERSON_SECONDS;
    expect(PERSON_SECONDS).toBeLessThanOrEqual(60);
    expect(await codeOf(signIn.readPerson(token, now()))).toBe('PERSON_UNKNOWN');
  });

  test('is not kept beyond the life of the token', async () => {
    const signIn = createTestSignIn(false);
    const token = await sign({ exp: START / 1000 + 5 });
    await signIn.readPerson(token, now());
    elapsed = 5;
    await signIn.readPerson(token, now());
    expect(lookups.length).toBe(2);
    elapsed = 36;
    expect(await codeOf(signIn.readPerson(token, now()))).toBe('TOKEN_EXPIRED');
  });

  test('is looked up again when the clock has been set back, and so is the own token written again', async () => {
    const signIn = createTestSignIn(false);
    const token = await sign();
    await signIn.readPerson(token, now());
    const own = await signIn.writeToken(clerk, now());
    elapsed = -10;
    await signIn.readPerson(token, now());
    expect(lookups.length).toBe(2);
    expect(await signIn.writeToken(clerk, now())).not.toBe(own);
  });

  test('is looked up again if the register failed, and the failure is none of the token', async () => {
    const signIn = createTestSignIn(false);
    const token = await sign();
    register = () => Promise.reject(new Error('the database is away'));
    expect(await codeOf(signIn.readPerson(token, now()))).toEqual(new Error('the database is away'));
    register = async () => clerk;
    expect(await signIn.readPerson(token, now())).toEqual(clerk);
  });

  test('whose session has ended is told so', async () => {
    register = () => Promise.reject(new TokenError('SESSION_ENDED'));
    expect(await codeOf(createTestSignIn(false).readPerson(await sign(), now()))).toBe('SESSION_ENDED');
  });
});

describe("the hub's own tokens", () => {
  test('count at the edge only in development', async () => {
    const token = await tokenFor(clerk, now());
    expect(await createTestSignIn(true).readPerson(token, now())).toEqual(clerk);
    expect(await codeOf(createTestSignIn(false).readPerson(token, now()))).toBe('TOKEN_INVALID');
    expect(lookups).toEqual([]);
  });

  test("what the gateway writes for its subgraphs lives a minute, and says the register's roles", async () => {
    const signIn = createTestSignIn(false);
    const own = decodeJwt(await signIn.writeToken(clerk, now()));
    expect(own).toMatchObject({ sub: clerk.id, roles: clerk.roles, exp: START / 1000 + 60 });
    expect(await signIn.writeToken({ ...clerk }, now())).toBe(await signIn.writeToken(clerk, now()));
    elapsed = 20;
    expect(decodeJwt(await signIn.writeToken(clerk, now())).exp).toBe(START / 1000 + 80);
    const changed: Person = { ...clerk, roles: ['APPROVER'] };
    expect(decodeJwt(await signIn.writeToken(changed, now())).roles).toEqual(['APPROVER']);
  });
});

describe.each(['local', 'http'] as const)('the gateway, %s', (transport) => {
  let gateway: StubGateway;
  beforeAll(async () => {
    const stubs = { cases: { Query: { case: answerAsPerson((name) => ({ id: 'c1', number: name })) } } };
    const check = { tokenKey: tokenKeys.publicKey, signIn: createTestSignIn(false), now };
    const mount = async (app: FastifyInstance) => {
      app.get('/cases/mine', async (request, reply) => {
        const context = await identifyCaller(request, reply, check);
        return context ? { kind: context.actor.kind } : reply;
      });
    };
    gateway = await createStubGateway(now, stubs, transport, { signIn: check.signIn, mount });
  });
  afterAll(() => gateway.stop());
  const ask = (token: string) => postQuery(gateway.app, '{ case(id: "c1") { number } }', token);

  test("a token of the issuer reaches the subgraphs as the hub's own", async () => {
    expect(await ask(await sign())).toMatchObject({ status: 200, data: { case: { number: clerk.name } } });
  });
  test('somebody whom the register does not know is 403, in GraphQL and on routes', async () => {
    const token = await sign({ sub: 'stranger' });
    expect(await ask(token)).toMatchObject({ status: 403, errors: [{ extensions: { code: 'PERSON_UNKNOWN' } }] });
    const headers = { authorization: `Bearer ${token}` };
    const route = await gateway.app.inject({ url: '/cases/mine', headers });
    expect([route.statusCode, route.json().code]).toEqual([403, 'PERSON_UNKNOWN']);
  });
  test("a token of the hub's own is refused at the edge, though the subgraphs would read it", async () => {
    expect(await ask(await tokenFor(clerk, now()))).toMatchObject({
      ...{ status: 401, errors: [{ extensions: { code: 'TOKEN_INVALID' } }] },
    });
  });
  test('an issuer that is away is 503', async () => {
    elapsed = 4_000;
    issuer.answers.set('/keys', (_, response) => void response.writeHead(503).end());
    expect(await ask(await sign())).toMatchObject({
      ...{ status: 503, errors: [{ extensions: { code: 'ISSUER_AWAY' } }] },
    });
    issuer.answers.clear();
    expect(gateway.faults).toEqual([]);
  });
});
