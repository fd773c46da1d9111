import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ConnectionPool, connect } from '../../db/client.ts';
import { appendEvent } from '../../subgraphs/kernel/events/outbox-store.ts';
import { type DeliverEvent, type Relay, startRelay } from '../../subgraphs/kernel/events/relay.ts';
import { messages } from '../../subgraphs/licenses/act/event-store.ts';
import { createLibraryClient, type LibraryDelivery } from '../../subgraphs/licenses/library/library-client.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { testParsers } from '../support/parsers.ts';
import { waitUntil } from '../support/until.ts';

/** A city library that never answers for some licenses, over HTTP. Input 33 of the shared cases. */

let database: TestDatabase;
let pool: ConnectionPool;
let relay: Relay | null = null;
let closePeer: () => Promise<unknown> = async () => {};
beforeAll(async () => {
  database = await createTestDatabase();
  pool = connect(database.urls.licenses, 'test-hanging');
});
afterEach(async () => {
  await relay?.stop();
  relay = null;
  await closePeer();
});
afterAll(async () => {
  await pool?.close();
  await database?.drop();
});

/** Longer than any test runs. */
const ENDLESS_MS = 3_600_000;

/** Starts a library that collects everything but the acts on hanging licenses. */
async function startPeer() {
  const peer = {
    isHanging: (_number: string): boolean => false,
    /** `number revision` of each act, in the order of collection. */
    collected: [] as string[],
    held: [] as { number: string; reply: ServerResponse }[],
    closedEarly: 0,
  };
  const server = createServer(async (request, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.url === '/token') return reply.end(JSON.stringify({ access_token: 'x', expires_in: 600 }));
    const { number, revision } = JSON.parse(Buffer.concat(chunks).toString()) as LibraryDelivery;
    if (peer.isHanging(number)) {
      reply.on('close', () => peer.closedEarly++);
      return void peer.held.push({ number, reply });
    }
    if (request.url === '/certificates/collect') peer.collected.push(`${number} ${revision}`);
    return reply.end(JSON.stringify({ code: 1, receipt: `receipt of ${number} ${revision}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closePeer = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { peer, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function appendActs(numbers: readonly string[], consumer: string): Promise<void> {
  const payload = {
    caseId: crypto.randomUUID(),
    actor: '王',
    organ: 'o',
    reason: 'r',
    voidedAt: '2026-03-02T01:00:00Z',
  };
  await pool.db.transaction(async (tx) => {
    for (const stream of numbers) {
      const event = { type: 'TaskVoided' as const, stream, occurredAt: new Date(), payload };
      await appendEvent(tx, messages, { [consumer]: ['TaskVoided'] }, event);
    }
  });
}

/** Relays streams, each a license of that number, to the library by the hub's own client. */
function startCollecting(url: string, consumer: string) {
  const client = createLibraryClient({
    parsers: testParsers,
    ...{ url, clientId: 'hub', clientSecret: 'a-secret-of-the-library', now: () => new Date() },
    timeoutMs: ENDLESS_MS,
  });
  const deliver: DeliverEvent = ({ stream: number, revision }, signal) => {
    const record = { number } as unknown as LibraryDelivery['record'];
    return client.deliver(
      {
        ...{ stream: number, revision, act: 'ISSUE', identifier: number, number, version: 1, state: 'VALID', record },
        ...{ changedAt: '2026-03-02T01:00:00Z', documentDigest: '', document: Buffer.from('%PDF') },
        ...{ mediaType: 'application/pdf', signature: null },
      },
      signal,
    );
  };
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  relay = startRelay({
    ...{ db: pool.db, tables: messages, consumer, deliver, onError },
    ...{ pollMs: 20, deliveryTimeoutMs: ENDLESS_MS },
  });
  return errors;
}

const licenses = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name} ${i}`);

test('while the library never answers for one license, 20 others are collected, each in order', async () => {
  const { peer, url } = await startPeer();
  const others = licenses('license', 20);
  peer.isHanging = (number) => number === 'hanging';
  await appendActs(['hanging'], 'library');
  const errors = startCollecting(url, 'library');
  await waitUntil('the library holds it', async () => peer.held.length === 1);
  await appendActs([...others, ...others, 'hanging'], 'library');
  await waitUntil('the others are collected', async () => peer.collected.length === 40);
  expect(peer.held.map(({ number, reply }) => [number, reply.destroyed])).toEqual([['hanging', false]]);
  for (const number of others) {
    expect(peer.collected.filter((act) => act.startsWith(`${number} `))).toEqual([`${number} 1`, `${number} 2`]);
  }
  peer.isHanging = () => false;
  peer.held[0]?.reply.end(JSON.stringify({ code: 1 }));
  await waitUntil('its acts follow in order', async () => peer.collected.length === 42);
  expect(peer.collected.slice(-2)).toEqual(['hanging 1', 'hanging 2']);
  expect(errors).toEqual([]);
});

test('more hanging licenses than one look leases delay no other either', async () => {
  const { peer, url } = await startPeer();
  peer.isHanging = (number) => number.startsWith('hanging');
  await appendActs(licenses('hanging', 30), 'many');
  startCollecting(url, 'many');
  await waitUntil('the library holds them', async () => peer.held.length === 30);
  await appendActs(licenses('other license', 20), 'many');
  await waitUntil('the others are collected', async () => peer.collected.length === 20);
  expect(peer.held.filter(({ reply }) => reply.destroyed)).toEqual([]);
});

test('stop ends the request to a silent library, gives the stream back, and counts no attempt', async () => {
  const { peer, url } = await startPeer();
  peer.isHanging = () => true;
  await appendActs(['hanging stop'], 'stopped');
  const errors = startCollecting(url, 'stopped');
  await waitUntil('the library holds it', async () => peer.held.length === 1);
  await relay?.stop();
  await waitUntil('its request has ended', async () => peer.closedEarly === 1);
  const { outboxDelivery } = messages;
  const rows = await pool.db.select().from(outboxDelivery);
  const row = rows.find(({ consumer }) => consumer === 'stopped');
  expect(row).toMatchObject({ delivered: 0, attempts: 0, lastError: null, lease: null, leasedUntil: null });
  expect(errors).toEqual([]);
});
