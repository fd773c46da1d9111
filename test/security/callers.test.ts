import { type AddressInfo, connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULT_HUB_LIMITS, type HubLimits, type OperationLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway, type Stubs } from '../support/stubs.ts';

/** What one caller may have the hub do, in a minute and at the same time, while other callers go on. */

const clock = testClock('2022-09-29');
/** Ends the work of the stub, in the order in which it was started. */
const finishWork: (() => void)[] = [];
const stubs: Stubs = {
  licenses: {
    Query: {
      licenseStatus: (_parent, { identifier }) =>
        identifier === 'held' ? new Promise((resolve) => finishWork.push(() => resolve(null))) : null,
    },
  },
};

let gateway: StubGateway;
let app: FastifyInstance;

async function start(operations: Partial<OperationLimits>, trustedProxies: string[] = []): Promise<void> {
  const limits: HubLimits = { ...DEFAULT_HUB_LIMITS, operations: { ...DEFAULT_HUB_LIMITS.operations, ...operations } };
  gateway = await createStubGateway(clock, stubs, 'local', { callerLimits: limits, trustedProxies });
  app = gateway.app;
}

afterEach(async () => {
  for (const finish of finishWork.splice(0)) finish();
  await gateway.stop();
});

interface Sender {
  from?: string;
  headers?: Record<string, string>;
}

const post = (identifier: string, { from = '192.0.2.1', headers = {} }: Sender = {}) =>
  app.inject({
    method: 'POST',
    url: '/graphql',
    remoteAddress: from,
    headers,
    payload: { query: `{ licenseStatus(identifier: "${identifier}") { name } }` },
  });

const statusOf = async (identifier: string, sender?: Sender) => (await post(identifier, sender)).statusCode;

/** Sends requests one after another and returns their statuses. */
async function repeat(count: number, sender: (i: number) => Sender): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) statuses.push(await statusOf('free', sender(i)));
  return statuses;
}

describe('requests of a minute', () => {
  test('beyond the limit GraphQL and routes are 429 with Retry-After, and others go on', async () => {
    await start({ requestsPerMinute: 2 });
    expect(await repeat(2, () => ({}))).toEqual([200, 200]);
    const operation = await post('free');
    expect([operation.statusCode, operation.headers['retry-after']]).toEqual([429, '30']);
    const extensions = { code: 'RATE_LIMITED', retryAfter: 30 };
    expect(operation.json()).toEqual({ errors: [{ message: expect.any(String), extensions }] });
    for (const url of ['/', '/root.pem', '/v/x', '/nothing']) {
      const route = await app.inject({ url, remoteAddress: '192.0.2.1' });
      expect([url, route.statusCode, route.headers['retry-after']]).toEqual([url, 429, '30']);
      expect(route.json()).toEqual({ ...extensions, message: expect.any(String) });
    }
    expect(await statusOf('free', { from: '192.0.2.2' })).toBe(200);
  });

  test('a body that comes with a refused request is not waited for', async () => {
    await start({ requestsPerMinute: 1 });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    await app.inject({ url: '/' });
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(
        'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n',
      ),
    );
    let answer = '';
    socket.on('data', (part) => (answer += part));
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 429 /);
  });

  test.each<[string, string[], (i: number) => Sender, number[]]>([
    [
      'X-Forwarded-For of a stranger',
      [],
      (i) => ({ headers: { 'x-forwarded-for': `198.51.100.${i}` } }),
      [200, 200, 429],
    ],
    [
      'X-Forwarded-For of a stranger beside a trusted proxy',
      ['10.0.0.0/8'],
      (i) => ({ headers: { 'x-forwarded-for': `198.51.100.${i}` } }),
      [200, 200, 429],
    ],
    [
      'what a caller writes in front of the address that the proxy adds',
      ['10.0.0.0/8'],
      (i) => ({ from: '10.0.0.1', headers: { 'x-forwarded-for': `198.51.100.${i}, 198.51.100.9` } }),
      [200, 200, 429],
    ],
    [
      'different callers behind a trusted proxy',
      ['10.0.0.0/8'],
      (i) => ({ from: '10.0.0.1', headers: { 'x-forwarded-for': `198.51.100.${i}` } }),
      [200, 200, 200],
    ],
    ['addresses of one IPv6 network', [], (i) => ({ from: `2001:db8::${i}:1` }), [200, 200, 429]],
    ['bad tokens', [], (i) => ({ headers: { authorization: `Bearer a.b.${i}` } }), [401, 401, 429]],
    [
      'headers of the gateway',
      [],
      (i) => ({ headers: { 'x-hub-caller': `person:${i}`, 'x-hub-proof': 'a.b.c' } }),
      [200, 200, 429],
    ],
  ])('%s', async (_title, trustedProxies, sender, statuses) => {
    await start({ requestsPerMinute: 2 }, trustedProxies);
    expect(await repeat(3, sender)).toEqual(statuses);
  });

  test('a person is one caller at every address, and not the address', async () => {
    await start({ requestsPerMinute: 2 });
    const headers = { authorization: `Bearer ${await tokenFor(requireDemoPerson('auditor'), clock())}` };
    const other = { authorization: `Bearer ${await tokenFor(requireDemoPerson('library'), clock())}` };
    expect(await repeat(3, (i) => ({ from: `192.0.2.${i}`, headers }))).toEqual([200, 200, 429]);
    expect(await repeat(1, () => ({ from: '192.0.2.0' }))).toEqual([200]);
    expect(await repeat(1, () => ({ from: '192.0.2.0', headers: other }))).toEqual([200]);
  });

  test('a flood of addresses takes nothing from people', async () => {
    await start({ requestsPerMinute: 2, maxCountedCallers: 1 });
    expect(await repeat(4, (i) => ({ from: `192.0.2.${i}` }))).toEqual([200, 200, 200, 429]);
    const headers = { authorization: `Bearer ${await tokenFor(requireDemoPerson('auditor'), clock())}` };
    expect(await repeat(3, () => ({ headers }))).toEqual([200, 200, 429]);
  });
});

describe('operations at the same time', () => {
  test('one caller takes its part, its others wait, and another caller goes on', async () => {
    await start({ maxOperations: 4, maxOperationsPerCaller: 2, maxWaitingPerCaller: 3 });
    const held = Array.from({ length: 5 }, () => statusOf('held'));
    await expect.poll(() => finishWork.length).toBe(2);
    const refused = await post('free');
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '1']);
    expect(await statusOf('free', { from: '192.0.2.2' })).toBe(200);
    expect(finishWork).toHaveLength(2);
    for (let finished = 0; finished < 5; finished++) {
      await expect.poll(() => finishWork.length).toBeGreaterThan(0);
      finishWork.shift()?.();
    }
    expect(await Promise.all(held)).toEqual([200, 200, 200, 200, 200]);
    expect(await statusOf('free')).toBe(200);
  });

  test('routes wait for the same places', async () => {
    await start({ maxOperations: 2, maxOperationsPerCaller: 1, waitingTimeoutMs: 50 });
    const held = statusOf('held');
    await expect.poll(() => finishWork.length).toBe(1);
    const page = await app.inject({ url: '/root.pem', remoteAddress: '192.0.2.1' });
    expect([page.statusCode, page.json().code]).toEqual([429, 'RATE_LIMITED']);
    expect((await app.inject({ url: '/root.pem', remoteAddress: '192.0.2.2' })).statusCode).toBe(200);
    expect((await app.inject({ url: '/health/live', remoteAddress: '192.0.2.1' })).statusCode).toBe(200);
    finishWork.shift()?.();
    expect(await held).toBe(200);
  });

  test('beyond the places of all it is 503 with Retry-After', async () => {
    await start({ maxOperations: 2, maxOperationsPerCaller: 1, maxWaiting: 1, waitingTimeoutMs: 600_000 });
    const held = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((from) => statusOf('held', { from }));
    await expect.poll(() => finishWork.length).toBe(2);
    const refused = await post('free', { from: '192.0.2.4' });
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.json().errors[0].extensions).toEqual({ code: 'OVERLOADED', retryAfter: 1 });
    for (let finished = 0; finished < 3; finished++) {
      await expect.poll(() => finishWork.length).toBeGreaterThan(0);
      finishWork.shift()?.();
    }
    expect(await Promise.all(held)).toEqual([200, 200, 200]);
  });

  test('who breaks off keeps neither place nor turn: the work of a read ends with its deadline', async () => {
    await start({ maxOperations: 3, maxOperationsPerCaller: 1, maxWaitingPerCaller: 1, waitingTimeoutMs: 600_000 });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const send = () => {
      const body = JSON.stringify({ query: '{ licenseStatus(identifier: "held") { name } }' });
      const head = `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
      const socket = connect(port, '127.0.0.1', () => socket.write(`${head}\r\n\r\n${body}`));
      return socket;
    };
    const connections = () => new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)));
    const brokenOff = send();
    await expect.poll(() => finishWork.length).toBe(1);
    brokenOff.destroy();
    await expect.poll(connections).toBe(0);
    // Its work has not ended, but its place is free.
    expect(await statusOf('free', { from: '127.0.0.1' })).toBe(200);
    expect(finishWork).toHaveLength(1);
    const running = send();
    await expect.poll(() => finishWork.length).toBe(2);
    let requests = 0;
    app.server.on('request', () => {
      requests += 1;
    });
    const waiting = send();
    await expect.poll(() => requests).toBe(1);
    waiting.destroy();
    await expect.poll(connections).toBe(1);
    // The only turn is free again.
    const next = statusOf('free', { from: '127.0.0.1' });
    finishWork[1]?.();
    expect(await next).toBe(200);
    expect(finishWork).toHaveLength(2);
    finishWork[0]?.();
    running.destroy();
  });
});
