import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { platformRoutes } from '../../subgraphs/cases/platform/routes.ts';
import { type PlatformDependencies, PROTOCOLS } from '../../subgraphs/cases/platform/workflow.ts';
import { supervisionRoutes } from '../../subgraphs/cases/supervision/webhook/routes.ts';
import type { WebhookDependencies } from '../../subgraphs/cases/supervision/webhook/workflow.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { keepBody } from '../../subgraphs/kernel/limits/body.ts';
import { DEFAULT_HUB_LIMITS, type OperationLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { countBodyBytes, type Origin } from '../../subgraphs/kernel/limits/operation-hook.ts';
import { createRoom } from '../../subgraphs/kernel/limits/room.ts';

/** What the bodies of requests take before and while they wait for their turn. */

/** Ends the handlers that run, in the order in which they began. */
const finishWork: (() => void)[] = [];
let parsed = 0;
let app: FastifyInstance;

function start(limits: Partial<OperationLimits>, origin: Origin = 'outside'): void {
  parsed = 0;
  const operations = { ...DEFAULT_HUB_LIMITS.operations, ...limits };
  app = createApp((_incident, fault) => expect.fail(String(fault)), {
    operations: { limits: operations, identify: async () => origin },
  });
  const hold = () => new Promise<object>((resolve) => finishWork.push(() => resolve({})));
  app.post('/held/json', hold);
  app.post('/free', async (request: FastifyRequest) => ({ bytes: countBodyBytes(request) }));
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
      parsed += 1;
      done(null, body);
    });
    scope.post('/held/bytes', hold);
  });
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const finish of finishWork.splice(0)) finish();
  await app.close();
});

const MARK = 'a body of this test';

function post(url: string, payload: string | Readable, from = '192.0.2.1') {
  return app.inject({
    method: 'POST',
    url,
    remoteAddress: from,
    headers: { 'content-type': 'application/json' },
    payload,
  });
}

const textOf = (bytes: number) => JSON.stringify(MARK.padEnd(bytes - 2));
const statusOf = async (bytes: number, from?: string) => (await post('/free', textOf(bytes), from)).statusCode;

describe('bodies of requests that wait', () => {
  test.each(['/held/json', '/held/bytes'])('of 72 requests of one caller 8 are parsed: %s', async (url) => {
    start({ waitingTimeoutMs: 600_000 });
    const parse = JSON.parse;
    vi.spyOn(JSON, 'parse').mockImplementation((text, reviver) => {
      if (String(text).includes(MARK)) parsed += 1;
      return parse(text, reviver);
    });
    const sent = Array.from({ length: 73 }, () => post(url, textOf(50_000)));
    // One is refused, so all others have arrived.
    expect((await Promise.race(sent)).statusCode).toBe(429);
    await expect.poll(() => finishWork.length).toBe(8);
    expect(parsed).toBe(8);
    for (let finished = 0; finished < 72; finished++) {
      await expect.poll(() => finishWork.length).toBeGreaterThan(0);
      finishWork.shift()?.();
    }
    const statuses = (await Promise.all(sent)).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 200)).toHaveLength(72);
    expect(parsed).toBe(72);
  });

  test('have room of their caller as they arrive, beyond their first 16 KiB', async () => {
    start({ maxHeldBytesPerCaller: 40_000 });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const head = 'POST /free HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 60000';
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head}\r\n\r\n${textOf(50_000)}`));
    await expect.poll(() => statusOf(50_000, '127.0.0.1')).toBe(429);
    expect(await statusOf(16_000, '127.0.0.1')).toBe(200);
    expect(await statusOf(50_000, '192.0.2.2')).toBe(200);
    socket.destroy();
    await expect.poll(() => statusOf(50_000, '127.0.0.1')).toBe(200);
    expect((await post('/free', textOf(60_000))).json().code).toBe('RATE_LIMITED');
  });

  test('have room of all callers, which a body in its place does not take', async () => {
    start({ maxHeldBytes: 60_001, maxHeldBytesPerCaller: 40_000, maxOperationsPerCaller: 1 });
    const [first, second] = [post('/held/json', textOf(50_000)), post('/held/json', textOf(50_000))];
    await expect.poll(() => finishWork.length).toBe(1);
    const refused = await post('/free', textOf(50_000), '192.0.2.2');
    expect([refused.statusCode, refused.json().code]).toEqual([503, 'OVERLOADED']);
    finishWork.shift()?.();
    await expect.poll(() => finishWork.length).toBe(1);
    expect(await statusOf(50_000, '192.0.2.2')).toBe(200);
    finishWork.shift()?.();
    expect([(await first).statusCode, (await second).statusCode]).toEqual([200, 200]);
  });

  test('are in one piece, however many pieces they came in', async () => {
    const room = createRoom({ all: 100_000, perCaller: 100_000 });
    const pieces = Readable.from(Array.from({ length: 50_000 }, (_, i) => Buffer.from([i % 256])));
    const whenRead = vi.fn(async () => {});
    const body = keepBody(pieces, { room, caller: 'a', maxBytes: 50_000, whenRead });
    const kept: Uint8Array[] = await body.toArray();
    expect(kept).toHaveLength(1);
    expect(Buffer.from(kept[0] ?? [])).toEqual(Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 256)));
    expect(whenRead.mock.calls).toEqual([[50_000]]);
  });

  test('that are too long are 413 in pieces as well', async () => {
    start({});
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(100_000, '1'));
    expect((await post('/free', Readable.from(pieces))).statusCode).toBe(413);
    expect(await statusOf(1_000)).toBe(200);
  });
});

test('the bytes of a body are counted, however it was sent', async () => {
  start({});
  expect((await post('/free', textOf(50_000))).json()).toEqual({ bytes: 50_000 });
  expect((await post('/free', Readable.from([textOf(50_000)]))).json()).toEqual({ bytes: 50_000 });
});

describe('JSON', () => {
  const MANY = `[${Array.from({ length: 20_001 }, () => '{}').join(',')}]`;

  test('of strangers has at most 20,000 values', async () => {
    start({});
    const refused = await post('/free', MANY);
    expect([refused.statusCode, refused.json().code]).toEqual([413, 'REQUEST_TOO_LARGE']);
  });

  test.each<Origin>(['gateway', 'service'])('of the hub itself may have more: %s', async (origin) => {
    start({}, origin);
    expect((await post('/free', MANY)).statusCode).toBe(200);
  });

  test.each(['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{', ''])(
    'that names a prototype, or is none, is 400: %s',
    async (text) => {
      start({});
      expect((await post('/free', text)).statusCode).toBe(400);
    },
  );
});

test.each<[string, (scope: FastifyInstance) => void]>([
  ...Object.values(PROTOCOLS).map(({ path }): [string, (scope: FastifyInstance) => void] => [
    path,
    (scope) => platformRoutes(scope, {} as PlatformDependencies, {}),
  ]),
  ['/cases/supervision/findings', (scope) => supervisionRoutes(scope, {} as WebhookDependencies)],
])('a message that finds no room may be sent again: %s', async (url, addRoutes) => {
  start({ maxHeldBytesPerCaller: 1 });
  addRoutes(app);
  const refused = await post(url, textOf(50_000));
  expect([refused.statusCode, refused.headers['retry-after'], refused.json()]).toEqual([
    429,
    '1',
    { code: 'RATE_LIMITED', message: expect.any(String), retryAfter: 1 },
  ]);
});
