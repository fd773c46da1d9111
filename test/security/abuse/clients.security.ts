import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_HUB_LIMITS } from '../../../subgraphs/kernel/limits/limits.ts';
import { waitUntil } from '../../support/until.ts';
import { times } from './abuse.ts';
import { type AbusedHub, createAbusedHub } from './abused-hub.ts';
import { BROKEN_MESSAGES, STUCK_MESSAGES } from './messages.ts';
import { sampleAbuses } from './sample.ts';

/** Clients that are slow, half open, too many or that speak broken HTTP. The hub lets go of each; others go on. */

/** Where abusive clients connect from. The hub's other caller comes from a proxy that it trusts. */
const ABUSER = '127.0.0.2';
const IDLE_CONNECTIONS = 1_000;
const SLOW_CLIENTS = 50;
const PIPELINED = 2_000;
const SMALL_REQUEST = 'GET /health/live HTTP/1.1\r\nhost: hub\r\n\r\n';
/** An answer of some hundred kilobytes. */
const LARGE_QUERY = `{${times(10, (index) => `a${index}:matters(first:100){edges{node{id name mainItem delegations{mode}}}}`).join(' ')}}`;

let hub: AbusedHub;

beforeAll(async () => {
  const { connections, operations } = DEFAULT_HUB_LIMITS;
  const shortTimes = { headersTimeoutMs: 800, requestTimeoutMs: 1_600, idleTimeoutMs: 2_400, keepAliveTimeoutMs: 800 };
  hub = await createAbusedHub({
    callerLimits: { connections: { ...connections, ...shortTimes, speedWindowMs: 400 }, operations },
  });
  await hub.runSmallQuery();
});
afterAll(() => hub.stop());

interface Client {
  socket: Socket;
  /** What the hub has sent. */
  read(): string;
  closed: Promise<void>;
}

function openClient(text = ''): Client {
  const socket = connect({ port: hub.port, host: '127.0.0.1', localAddress: ABUSER });
  const chunks: Buffer[] = [];
  socket.on('error', () => {});
  socket.on('data', (chunk) => chunks.push(chunk));
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (text !== '') socket.write(text, 'latin1');
  return { socket, closed, read: () => Buffer.concat(chunks).toString('latin1') };
}

/** Returns how many requests on a connection were answered as if they were right. */
const countSuccesses = (answer: string) => answer.match(/HTTP\/1\.1 [23]\d\d /g)?.length ?? 0;

/** Waits until the hub holds no connection of an abuser. */
async function requireNoneLeft(): Promise<void> {
  await waitUntil('the hub has let go of every connection', async () => {
    const count = await new Promise<number>((resolve) => {
      hub.testHub.hub.app.server.getConnections((_error, found) => resolve(found));
    });
    return count === 0;
  });
}

describe('a message that two readers may understand differently is refused as a whole', () => {
  test.each(sampleAbuses(Object.entries(BROKEN_MESSAGES)))('%s', async (_kind, text) => {
    const client = openClient(text);
    await Promise.all([client.closed, hub.runSmallQuery()]);
    expect(countSuccesses(client.read())).toBe(0);
    expect(client.read()).not.toMatch(/HTTP\/1\.1 5\d\d |\bat \w{1,40} \(|node_modules/);
  });
});

describe(`${SLOW_CLIENTS} clients that stop in the middle are let go, and others go on`, () => {
  test.each(sampleAbuses(Object.entries(STUCK_MESSAGES)))('%s', async (_kind, text) => {
    const clients = times(SLOW_CLIENTS, () => openClient(text));
    await hub.runSmallQuery();
    await Promise.all(clients.map(({ closed }) => closed));
    expect(clients.map(({ read }) => countSuccesses(read())).filter((count) => count > 0)).toEqual([]);
    await requireNoneLeft();
  });
  test.each(sampleAbuses(Object.entries(STUCK_MESSAGES)))('%s, byte by byte', async (_kind, text) => {
    const clients = times(SLOW_CLIENTS, () => openClient());
    const drips = clients.map(({ socket }, index) => {
      let at = 0;
      return setInterval(() => socket.writable && socket.write(text[at++] ?? 'x', 'latin1'), 150 + index);
    });
    await hub.runSmallQuery();
    await Promise.all(clients.map(({ closed }) => closed));
    for (const drip of drips) clearInterval(drip);
    await requireNoneLeft();
  });
  test('a client that says that it ends before its request does', async () => {
    const clients = Object.values(STUCK_MESSAGES).map((text) => openClient(text));
    for (const { socket } of clients) socket.end();
    await hub.runSmallQuery();
    await Promise.all(clients.map(({ closed }) => closed));
    await requireNoneLeft();
  });
});

test(`${IDLE_CONNECTIONS} idle connections of one address take no place from others`, async () => {
  const clients = times(IDLE_CONNECTIONS, () => openClient());
  for (const _ of times(5, () => null)) await hub.runSmallQuery();
  await Promise.all(clients.map(({ closed }) => closed));
  await requireNoneLeft();
});

test('a client that never reads a large answer loses its connection', async () => {
  const body = JSON.stringify({ query: LARGE_QUERY });
  const head = `POST /graphql HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const clients = times(8, () => {
    const socket = connect({ port: hub.port, host: '127.0.0.1', localAddress: ABUSER });
    socket.on('error', () => {}).pause();
    socket.write(`${head}${body}`.repeat(20));
    return socket;
  });
  await hub.runSmallQuery();
  await requireNoneLeft();
  for (const socket of clients) socket.destroy();
  await hub.runSmallQuery();
});

test(`${PIPELINED} requests in one connection without waiting for an answer are cut off`, async () => {
  const clients = times(5, () => openClient(SMALL_REQUEST.repeat(PIPELINED)));
  await hub.runSmallQuery();
  await Promise.all(clients.map(({ closed }) => closed));
  for (const { read } of clients) expect(countSuccesses(read())).toBeLessThan(PIPELINED);
  await requireNoneLeft();
});

test('uploads that are broken off leave no place taken and no file', async () => {
  const token = await hub.testHub.token('applicant-company');
  const head = [
    'POST /cases/materials HTTP/1.1',
    'host: hub',
    `authorization: Bearer ${token}`,
    'content-type: application/pdf',
    'x-file-name: a.pdf',
    'content-length: 1000000',
  ].join('\r\n');
  for (const _ of times(3, () => null)) {
    const clients = times(10, () => openClient(`${head}\r\n\r\n%PDF-1.7\n${'x'.repeat(100_000)}`));
    await Promise.all(clients.map(({ socket }) => once(socket, 'connect')));
    for (const { socket } of clients) socket.destroy();
    await hub.runSmallQuery();
  }
  await requireNoneLeft();
  const answer = await hub.testHub.ask('applicant-company', '{ uploads(first: 10) { edges { node { id } } } }');
  expect([answer.data, answer.errors]).toEqual([{ uploads: { edges: [] } }, undefined]);
});

test('nothing of all this was a fault', () => {
  expect(hub.faults).toEqual([]);
});
