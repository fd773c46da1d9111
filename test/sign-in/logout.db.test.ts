import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERSON_SECONDS } from '../../gateway/sign-in/sign-in.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  AUDIENCE,
  buildLogoutRequest,
  makeIssuerKey,
  signIssuerToken,
  signLogoutToken,
  startIssuer,
  type TestIssuer,
} from '../support/issuer.ts';

/** An issuer ends sessions, and the hub follows, in one process and in separate ones. */

const key = makeIssuerKey('k');
const MINUTE_MS = 60_000;

describe.each(['local', 'http'] as const)('the hub, %s', (transport) => {
  let hub: TestHub;
  let issuer: TestIssuer;
  let clock: TestClock;
  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    issuer = await startIssuer(key);
    const settings = {
      ...{ issuer: issuer.url, audience: AUDIENCE, clients: [], holderClaim: 'id_number', kind: 'access' as const },
      ...{ maxLifeSeconds: 3_600, staleSeconds: 600 },
    };
    hub = await createTestHub({ now: clock, transport, identities: { issuers: [settings], takesOwnTokens: false } });
  });
  afterAll(async () => {
    await hub?.stop();
    issuer?.close();
  });

  const toSeconds = () => Math.floor(clock().getTime() / 1000);
  /** Signs a token of somebody who proves now who they are. */
  const signIn = (sub: string, claims: Record<string, unknown> = {}) =>
    signIssuerToken(issuer, key, clock(), {
      ...{ sub, id_number: '11010519491231002X', auth_time: toSeconds() },
      ...claims,
    });
  const logOut = (claims: Record<string, unknown>) => signLogoutToken(issuer, key, clock(), claims);
  const send = async (token: string) => (await hub.hub.app.inject(buildLogoutRequest(token))).statusCode;
  /** Returns `IN`, or the code of the refusal. */
  const ask = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const payload = { query: '{ viewer { roles } }' };
    const answer = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload });
    const { data, errors } = answer.json();
    return data?.viewer ? 'IN' : errors[0].extensions.code;
  };
  const askAll = (tokens: readonly string[]) => Promise.all(tokens.map(ask));

  test.each([
    ['sub', ['SESSION_ENDED', 'SESSION_ENDED', 'SESSION_ENDED', 'IN']],
    ['sid', ['SESSION_ENDED', 'IN', 'IN', 'IN']],
    ['sub and sid', ['SESSION_ENDED', 'IN', 'SESSION_ENDED', 'IN']],
  ])('an end by %s reaches its sessions within a minute, and no others', async (by, expected) => {
    const sub = `person by ${by}`;
    const tokens = [
      await signIn(sub, { sid: `${by} 1` }),
      await signIn(sub, { sid: `${by} 2` }),
      await signIn(sub),
      await signIn(`other ${sub}`, { sid: `${by} 3` }),
    ];
    expect(await askAll(tokens)).toEqual(['IN', 'IN', 'IN', 'IN']);
    clock.advance(1_000);
    const claims = {
      ...(by.includes('sub') ? { sub } : {}),
      ...(by.includes('sid') ? { sid: `${by} 1` } : {}),
    };
    expect(await send(await logOut(claims))).toBe(200);
    expect(PERSON_SECONDS * 1_000).toBeLessThanOrEqual(MINUTE_MS);
    clock.advance(PERSON_SECONDS * 1_000);
    expect(await askAll(tokens)).toEqual(expected);
    const renewed = await signIn(sub, { sid: `${by} 1`, auth_time: toSeconds() - 31 });
    expect(await ask(renewed)).toBe('SESSION_ENDED');
    expect(await ask(await signIn(sub, { sid: `${by} 4` }))).toBe('IN');
  });

  test('a token sent again ends nothing: who has signed in since stays', async () => {
    const logout = await logOut({ sub: 'replayed' });
    expect(await send(logout)).toBe(200);
    clock.advance(5_000);
    const token = await signIn('replayed');
    expect(await send(logout)).toBe(400);
    clock.advance(PERSON_SECONDS * 1_000);
    expect(await ask(token)).toBe('IN');
  });

  test('tokens sent at the same time count once', async () => {
    const logout = await logOut({ sub: 'twice' });
    const answers = await Promise.all([send(logout), send(logout), send(logout)]);
    expect(answers.sort()).toEqual([200, 400, 400]);
  });

  test('without auth_time a token of before the end is ended, and one of a new sign-in is not', async () => {
    const earlier = await signIn('timeless', { auth_time: undefined });
    expect(await send(await logOut({ sub: 'timeless' }))).toBe(200);
    clock.advance(1_000);
    expect(await ask(earlier)).toBe('SESSION_ENDED');
    expect(await ask(await signIn('timeless', { auth_time: undefined }))).toBe('IN');
  });

  test('the record says that the issuer ended it', async () => {
    const endedAt = new Date(clock());
    await send(await logOut({ sub: 'recorded', sid: 's', jti: 'statement' }));
    const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
    const rows = await sql`select issuer, statement_id, subject, session, ended_at, recorded_at
      from cases.issuer_logout where subject = 'recorded'`.finally(() => sql.end());
    expect([...rows]).toEqual([
      {
        ...{ issuer: issuer.url, statement_id: 'statement', subject: 'recorded', session: 's' },
        ...{ ended_at: endedAt, recorded_at: endedAt },
      },
    ]);
  });
});
