import { type AddressInfo, connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { type ConnectionLimits, DEFAULT_HUB_LIMITS } from '../../subgraphs/kernel/limits/limits.ts';

/**
 * Clients that send slowly, take no answer, stay half open or open too many connections, over real sockets. The time
 * limits are small, and every test lets one fire: it waits until the server closes the connection.
 */

const NEVER_MS = 600_000;
/** No limit fires unless a test makes it small. */
const PATIENT: ConnectionLimits = {
  ...DEFAULT_HUB_LIMITS.connections,
  ...{ headersTimeoutMs: NEVER_MS, requestTimeoutMs: NEVER_MS, idleTimeoutMs: NEVER_MS },
  ...{ keepAliveTimeoutMs: NEVER_MS, speedWindowMs: NEVER_MS },
};
const SOON_MS = 100;
const BIG_ANSWER = 'x'.repeat(64_000_000);

let app: FastifyInstance;
let port: number;
let finishHeld: (() => void)[] = [];
const sockets: Socket[] = [];

async function start(limits: Partial<ConnectionLimits>, trustedProxies: string[] = []): Promise<void> {
  app = createApp(() => {}, { connections: { ...PATIENT, ...limits }, trustedProxies, bodyLimit: 1_000_000 });
  app.get('/', async () => 'ok');
  app.post('/', async () => 'ok');
  app.get('/big', async () => BIG_ANSWER);
  app.get('/held', () => new Promise((resolve) => finishHeld.push(() => resolve('held'))));
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const finish of finishHeld.splice(0)) finish();
  for (const socket of sockets.splice(0)) socket.destroy();
  await app.close();
  finishHeld = [];
});

const countOpen = () => new Promise<number>((resolve) => app.server.getConnections((_, count) => resolve(count)));

interface Client {
  socket: Socket;
  /** What has come back so far. */
  answer(): string;
  /** Resolves with everything that came back when the server has closed the connection. */
  closed: Promise<string>;
}

function open(bytes = '', options: { isReading?: boolean; localAddress?: string } = {}): Client {
  const { isReading = true, localAddress = '127.0.0.1' } = options;
  const socket = connect({ port, host: '127.0.0.1', localAddress }, () => socket.write(bytes));
  sockets.push(socket);
  let answer = '';
  if (isReading) socket.on('data', (part) => (answer += part.toString('latin1')));
  socket.on('error', () => {});
  return {
    socket,
    answer: () => answer,
    closed: new Promise((resolve) => socket.on('close', () => resolve(answer))),
  };
}

/** Sends one request on a connection of its own. Another caller gets its answer whatever the slow ones do. */
async function askAsOther(): Promise<string> {
  const answer = await open('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', { localAddress: '127.0.0.9' })
    .closed;
  return answer.slice(0, answer.indexOf('\r\n'));
}

/** Sends a byte each few milliseconds until the connection is closed. */
async function trickle({ socket, closed }: Client, byte: string): Promise<string> {
  const timer = setInterval(() => socket.writable && socket.write(byte), SOON_MS / 10);
  const answer = await closed;
  clearInterval(timer);
  return answer;
}

const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';

describe('a client that is too slow is cut off, and others go on', () => {
  test('it connects and says nothing', async () => {
    await start({ headersTimeoutMs: SOON_MS });
    const silent = open();
    expect(await askAsOther()).toBe('HTTP/1.1 200 OK');
    expect(await silent.closed).toMatch(/^(?:$|HTTP\/1\.1 408 )/);
  });

  test('its headers trickle', async () => {
    await start({ headersTimeoutMs: SOON_MS });
    const slow = open('GET / HTTP/1.1\r\nHost: a\r\nX: ');
    expect(await askAsOther()).toBe('HTTP/1.1 200 OK');
    expect(await trickle(slow, 'x')).toMatch(/^HTTP\/1\.1 408 [\s\S]+REQUEST_TIMEOUT/);
  });

  test('its body trickles below the least speed', async () => {
    await start({ speedWindowMs: SOON_MS });
    const slow = open(`${POST}Content-Length: 500000\r\n\r\n`);
    expect(await askAsOther()).toBe('HTTP/1.1 200 OK');
    expect(await trickle(slow, ' ')).toMatch(/^HTTP\/1\.1 408 [\s\S]+REQUEST_TIMEOUT/);
  });

  test('its chunks trickle below the least speed', async () => {
    await start({ speedWindowMs: SOON_MS });
    expect(await trickle(open(`${POST}Transfer-Encoding: chunked\r\n\r\n`), '1\r\n \r\n')).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('its body is fast enough but without end', async () => {
    await start({ speedWindowMs: SOON_MS, minBytesPerSecond: 1, requestTimeoutMs: 3 * SOON_MS });
    expect(await trickle(open(`${POST}Content-Length: 500000\r\n\r\n`), ' ')).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('its body goes on after the answer', async () => {
    await start({ speedWindowMs: SOON_MS });
    const slow = open('POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n');
    expect(await trickle(slow, ' ')).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('it takes no answer', async () => {
    await start({ speedWindowMs: SOON_MS, minBytesPerSecond: 1_000_000_000 });
    const closed = new Promise((resolve) => app.server.once('connection', (socket) => socket.on('close', resolve)));
    open('GET /big HTTP/1.1\r\nHost: a\r\n\r\n', { isReading: false });
    await closed;
    expect(await askAsOther()).toBe('HTTP/1.1 200 OK');
  });

  test('it takes no answer, and no byte moves', async () => {
    await start({ idleTimeoutMs: SOON_MS });
    const closed = new Promise((resolve) => app.server.once('connection', (socket) => socket.on('close', resolve)));
    open('GET /big HTTP/1.1\r\nHost: a\r\n\r\n', { isReading: false });
    await closed;
  });

  test('it keeps a connection without a request', async () => {
    // Node adds a second of its own to this limit.
    await start({ keepAliveTimeoutMs: 1 });
    const idle = open('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await idle.closed).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('it closes its half while the answer is made, and the hub goes on', async () => {
    await start({});
    const half = open('GET /held HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await expect.poll(() => finishHeld.length).toBe(1);
    half.socket.end();
    finishHeld[0]?.();
    expect(await half.closed).toMatch(/^HTTP\/1\.1 200 [\s\S]+held$/);
    expect(await askAsOther()).toBe('HTTP/1.1 200 OK');
  });
});

describe('a client that sends at the least speed is served', () => {
  test('a whole body in parts', async () => {
    await start({ speedWindowMs: SOON_MS, minBytesPerSecond: 10 });
    const client = open(`${POST}Connection: close\r\nContent-Length: 40\r\n\r\n`);
    expect(await trickle(client, '1')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a slow answer of the hub is nobody else’s fault', async () => {
    await start({ speedWindowMs: SOON_MS });
    const client = open('GET /held HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await expect.poll(() => finishHeld.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 3 * SOON_MS));
    finishHeld[0]?.();
    expect(await client.closed).toMatch(/^HTTP\/1\.1 200 [\s\S]+held$/);
  });
});

describe('a server that closes', () => {
  test.each(['', 'GET / HTTP/1.1\r\nhost: a'])(
    'does not wait for the headers of a client that sent %j',
    async (bytes) => {
      await start({});
      const client = open(bytes);
      await expect.poll(countOpen).toBe(1);
      await app.close();
      expect(await client.closed).toBe('');
    },
  );

  test('answers the requests that it has', async () => {
    await start({});
    const client = open('GET /held HTTP/1.1\r\nhost: a\r\n\r\n');
    await expect.poll(() => finishHeld.length).toBe(1);
    const closing = app.close();
    finishHeld.pop()?.();
    expect(await client.closed).toContain('held');
    await closing;
  });
});

describe('connections', () => {
  test('of one address are limited, and another connects', async () => {
    await start({ maxConnectionsPerAddress: 3 });
    const clients = [open(), open(), open()];
    await expect.poll(countOpen).toBe(3);
    expect(await open().closed).toBe('');
    expect(await askAsOther()).toBe('HTTP/1.1 200 OK');
    clients[0]?.socket.destroy();
    await expect.poll(countOpen).toBe(2);
    const next = open('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(next.answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('of an address that has too many give way when their requests are answered', async () => {
    await start({ maxConnectionsPerAddress: 3 });
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const busy = open(request('/held'));
    const used = [open(request('/')), open(request('/'))];
    await expect.poll(() => finishHeld.length).toBe(1);
    for (const { answer } of used) await expect.poll(answer).toMatch(/ok$/);
    const next = open(request('/held'));
    await expect.poll(() => finishHeld.length).toBe(2);
    expect(await countOpen()).toBe(3);
    const last = open(request('/held'));
    await expect.poll(() => finishHeld.length).toBe(3);
    for (const { closed } of used) expect(await closed).toMatch(/ok$/);
    expect(await open(request('/')).closed).toBe('');
    for (const finish of finishHeld) finish();
    for (const { answer } of [busy, next, last]) await expect.poll(answer).toMatch(/held$/);
  });

  test('of a trusted proxy are not counted by address', async () => {
    await start({ maxConnectionsPerAddress: 1 }, ['127.0.0.0/30']);
    for (let i = 0; i < 3; i++) open();
    await expect.poll(countOpen).toBe(3);
    open('', { localAddress: '127.0.0.9' });
    await expect.poll(countOpen).toBe(4);
    expect(await open('', { localAddress: '127.0.0.9' }).closed).toBe('');
  });

  test('are limited in all', async () => {
    await start({ maxConnections: 2 });
    open();
    open('', { localAddress: '127.0.0.9' });
    await expect.poll(countOpen).toBe(2);
    expect(await open('', { localAddress: '127.0.0.8' }).closed).toBe('');
  });

  test('are closed when too many requests wait on one', async () => {
    await start({ maxPipelinedRequests: 2 });
    const request = 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n';
    const two = open(request.repeat(2));
    await expect.poll(() => finishHeld.length).toBe(2);
    expect(await open(request.repeat(3)).closed).toBe('');
    for (const finish of finishHeld) finish();
    await expect.poll(() => two.answer().split('held').length).toBe(3);
  });

  test('headers are limited in size', async () => {
    await start({ maxHeaderBytes: 1_000 });
    const answer = await open(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(1_000)}\r\n\r\n`).closed;
    expect(answer).toMatch(/^HTTP\/1\.1 431 [\s\S]+HEADERS_TOO_LARGE/);
  });
});
