import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { testParsers } from '../support/parsers.ts';
import { identities } from '../support/services.ts';
import { waitUntil } from '../support/until.ts';

/** Reads through the gateway have a deadline that reaches the database. */

const DEADLINE_MS = 400;
const QUERY = '{ matters(first: 1) { totalCount } }';

describe.each(['local', 'http'] as const)('a hub whose subgraphs are reached by %s', (transport) => {
  let hub: TestHub;
  let admin: postgres.Sql;
  let url: string;
  beforeAll(async () => {
    hub = await createTestHub({ transport, readDeadlineMs: DEADLINE_MS });
    url = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    admin = postgres(hub.adminUrl, { max: 2, onnotice: () => {} });
  });
  afterAll(async () => {
    await admin?.end();
    await hub?.stop();
  });

  /** Returns how many statements of requests wait for a lock. */
  const countWaiting = async () => {
    const rows = await admin`select 1 from pg_stat_activity where datname = current_database()
      and application_name like 'tongquan-%' and wait_event_type = 'Lock'`;
    return rows.length;
  };

  /** Runs `run` while nobody can read a table. */
  const whileLocked = (table: string, run: () => Promise<void>) =>
    admin.begin(async (lock) => {
      await lock`lock table ${lock(table)} in access exclusive mode`;
      await run();
    });

  test('a query is answered at its deadline, and its statements end', async () => {
    await whileLocked('matters.matter', async () => {
      const answer = await hub.ask(null, QUERY);
      expect([answer.status, answer.errors?.[0]?.extensions.code]).toEqual([503, 'DEADLINE_EXCEEDED']);
      await waitUntil('its statements have ended', async () => (await countWaiting()) === 0);
    });
    expect((await hub.ask(null, QUERY)).data.matters.totalCount).toBe(108);
  });

  test('a query of which one part hangs gives the other part', async () => {
    await whileLocked('cases.case_file', async () => {
      const query = `{ matters(first: 1) { totalCount } case(id: "${crypto.randomUUID()}") { id } }`;
      const { data, errors } = await hub.ask('auditor', query);
      expect(data).toEqual({ matters: { totalCount: 108 }, case: null });
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['DEADLINE_EXCEEDED']);
    });
  });

  test('a GET route is answered at its deadline', async () => {
    await whileLocked('seals.authority', async () => {
      const response = await fetch(`${url}/root.pem`);
      expect([response.status, (await response.json()) as object]).toMatchObject([503, { code: 'DEADLINE_EXCEEDED' }]);
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
      await waitUntil('its statements have ended', async () => (await countWaiting()) === 0);
    });
    expect((await fetch(`${url}/root.pem`)).status).toBe(200);
  });

  test('a mutation is not cut by the deadline of reads', async () => {
    let refusal: unknown;
    await whileLocked('cases.matter_fact', async () => {
      const mutation = `mutation($input: ApplicationInput!) { acceptCase(input: $input) { refusal { code } } }`;
      const input = { matter: 'yd2022-9-99', applicant: { name: '甲', codeKind: 'USCC', code: 'x' }, fields: [] };
      const answer = hub.ask('yudu-lyj.clerk', mutation, { input });
      await waitUntil('it waits', async () => (await countWaiting()) > 0);
      await waitUntil('a read begun later is over', async () => (await hub.ask('auditor', QUERY)).status === 200);
      refusal = answer;
    });
    expect(((await refusal) as { data: { acceptCase: object } }).data.acceptCase).toHaveProperty('refusal.code');
  });
});

describe('a client that goes away', () => {
  let hub: TestHub;
  let admin: postgres.Sql;
  let url: string;
  beforeAll(async () => {
    hub = await createTestHub({ transport: 'http', readDeadlineMs: 3_600_000 });
    url = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    admin = postgres(hub.adminUrl, { max: 2, onnotice: () => {} });
  });
  afterAll(async () => {
    await admin?.end();
    await hub?.stop();
  });

  test('ends the statements of its reads, through gateway and subgraph', async () => {
    const countWaiting = async () =>
      (
        await admin`select 1 from pg_stat_activity where application_name = 'tongquan-matters' and wait_event_type = 'Lock'
        and datname = current_database()`
      ).length;
    await admin.begin(async (lock) => {
      await lock`lock table matters.matter in access exclusive mode`;
      const client = new AbortController();
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ query: QUERY });
      const answer = fetch(`${url}/graphql`, { method: 'POST', headers, body, signal: client.signal }).catch(
        () => null,
      );
      await waitUntil('its statements wait', async () => (await countWaiting()) > 0);
      client.abort();
      await waitUntil('its statements have ended', async () => (await countWaiting()) === 0);
      await answer;
    });
  });
});

describe('a subgraph that hangs', () => {
  let peer: Server | undefined;
  afterEach(() => {
    peer?.closeAllConnections();
    peer?.close();
  });

  test('does not hold the operation beyond its deadline, and its request is ended', async () => {
    process.env.APOLLO_TELEMETRY_DISABLED = '1';
    const { createGateway } = await import('../../gateway/gateway.ts');
    const { tokenKeys } = await import('../support/actors.ts');
    let ended = 0;
    peer = createServer((request) => request.on('close', () => ended++).resume());
    await new Promise<void>((resolve) => peer?.listen(0, '127.0.0.1', resolve));
    const source = { url: `http://127.0.0.1:${(peer.address() as AddressInfo).port}/graphql` };
    const app = await createGateway({
      sources: { matters: source, cases: source, licenses: source, seals: source },
      tokenKey: tokenKeys.publicKey,
      identity: identities.gateway,
      parsers: testParsers,
      now: () => new Date(),
      readDeadlineMs: 2_000,
      rootCertificate: async () => '',
      checks: {},
      onFault: () => {},
    });
    try {
      const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query: QUERY } });
      expect([response.statusCode, response.json().errors[0].extensions.code]).toEqual([503, 'DEADLINE_EXCEEDED']);
      await waitUntil('the request to the subgraph has ended', async () => ended > 0);
    } finally {
      await app.close();
    }
  });
});
