import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Connected, connect } from '../../db/client.ts';
import type { Envelope } from '../../subgraphs/kernel/events.ts';
import { append, Rejected, type Relay, receiveOnce, redrive, startRelay } from '../../subgraphs/kernel/outbox.ts';
import { messages } from '../../subgraphs/licenses/ledger.ts';
import { testDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Connected;
let admin: postgres.Sql;
let relays: Relay[] = [];
beforeAll(async () => {
  database = await testDatabase();
  pool = connect(database.urls.licenses, 'test-outbox');
  admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.stop()));
  relays = [];
});
afterAll(async () => {
  await Promise.all([pool.close(), admin.end()]);
  await database.drop();
});

const POLL_MS = 200;
const at = new Date('2026-03-02T01:00:00.000Z');
let streams = 0;

function tell(stream: string, reason: string, consumers = ['one', 'two']): Promise<number> {
  const wanting = Object.fromEntries(consumers.map((consumer) => [consumer, ['TaskVoided'] as const]));
  const payload = { caseId: crypto.randomUUID(), actor: '王', organ: 'organ', reason, voidedAt: at.toISOString() };
  const event = { type: 'TaskVoided' as const, stream, occurredAt: at, payload };
  return pool.db.transaction((tx) => append(tx, messages, wanting, event));
}

const open = (deliver: (event: Envelope) => Promise<string | null>, more: object = {}) => {
  const relay = startRelay({ db: pool.db, tables: messages, consumer: 'one', deliver, pollMs: POLL_MS, ...more });
  relays.push(relay);
  return relay;
};

test('delivers an event unchanged and with its revision to each of its consumers', async () => {
  const stream = `s${++streams}`;
  expect(await tell(stream, 'a')).toBe(1);
  expect(await tell(stream, 'b', ['one'])).toBe(2);
  expect(await tell(stream, 'c', [])).toBe(3);
  const heads =
    await admin`select consumer, head from licenses.outbox_delivery where stream = ${stream} order by consumer`;
  expect([...heads]).toEqual([
    { consumer: 'one', head: 2 },
    { consumer: 'two', head: 1 },
  ]);
  const heard: Envelope[] = [];
  open(async (event) => {
    heard.push(event);
    return `receipt ${event.revision}`;
  });
  await until('both are delivered', async () => heard.length === 2);
  expect(heard).toMatchObject([
    { stream, revision: 1, type: 'TaskVoided', occurredAt: at.toISOString(), payload: { reason: 'a' } },
    { stream, revision: 2, payload: { reason: 'b' } },
  ]);
  await until('both receipts are kept', async () => {
    const rows = await admin`select revision, receipt from licenses.outbox_receipt where stream = ${stream} order by 1`;
    return rows.length === 2 && rows[1]?.receipt === 'receipt 2';
  });
});

test('delivers the waiting events of one stream one after another without pauses', async () => {
  const stream = `s${++streams}`;
  for (let i = 0; i < 8; i++) await tell(stream, String(i), ['one']);
  const heard: number[] = [];
  const from = performance.now();
  open(async ({ revision }) => {
    heard.push(revision);
    return null;
  });
  await until('all are delivered', async () => heard.length === 8);
  expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(performance.now() - from).toBeLessThan(8 * POLL_MS);
});

test('an idle relay rarely looks, finds events of other processes, and finds its own at the next poll', async () => {
  const stream = `s${++streams}`;
  let looks = 0;
  const counting = new Proxy(pool.db, {
    get(target, key) {
      if (key === 'execute') looks++;
      const value = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const heard: string[] = [];
  open(
    async (event) => {
      heard.push(event.stream);
      return null;
    },
    { db: counting },
  );
  await pause(12 * POLL_MS);
  looks = 0;
  await pause(10 * POLL_MS);
  expect(looks).toBeLessThanOrEqual(2);

  const from = performance.now();
  await tell(stream, 'own', ['one']);
  await until('it is delivered', async () => heard.includes(stream));
  expect(performance.now() - from).toBeLessThan(8 * POLL_MS);

  await pause(12 * POLL_MS);
  const payload = { caseId: crypto.randomUUID(), actor: '王', organ: 'o', reason: 'r', voidedAt: at.toISOString() };
  await admin`insert into licenses.outbox_event (stream, revision, type, payload, occurred_at)
    values ('elsewhere', 1, 'TaskVoided', ${admin.json(payload)}, now())`;
  await admin`insert into licenses.outbox_delivery (consumer, stream, head) values ('one', 'elsewhere', 1)`;
  await until('it is delivered', async () => heard.includes('elsewhere'));
});

test('reads an event separately if the lease statement could not see it, without counting a failure', async () => {
  const stream = `s${++streams}`;
  await tell(stream, 'a', ['one']);
  // Simulates another copy that has just delivered the previous event: the row is the newest, the joined event is not.
  const unread = { type: null, payload: null, occurredAt: null };
  let isFirst = true;
  const db = new Proxy(pool.db, {
    get: (of, name) => {
      if (name !== 'execute') return Reflect.get(of, name);
      return async (...asked: Parameters<typeof of.execute>) => {
        const rows = await of.execute<{ stream?: string }>(...asked);
        const isLease = isFirst && rows[0]?.stream === stream;
        if (isLease) isFirst = false;
        return isLease ? rows.map((row) => ({ ...row, ...unread })) : rows;
      };
    },
  });
  const heard: Envelope[] = [];
  const faults: unknown[] = [];
  const deliver = async (event: Envelope) => {
    heard.push(event);
    return null;
  };
  open(deliver, { db, onError: (error: unknown) => faults.push(error) });
  await until('it is delivered', async () => heard.length + faults.length > 0);
  expect(isFirst).toBe(false);
  expect(faults).toEqual([]);
  expect(heard).toMatchObject([{ stream, revision: 1, occurredAt: at.toISOString(), payload: { reason: 'a' } }]);
});

test('a rejected event waits for a redrive, and onSettled is not called for a first-attempt delivery', async () => {
  const stream = `s${++streams}`;
  const settled: (string | null)[] = [];
  let isRefusing = true;
  open(
    async ({ revision }) => {
      if (revision === 2 && isRefusing) throw new Rejected('no');
      return null;
    },
    {
      onSettled: async (_: unknown, { revision }: Envelope, refused: Rejected | null) => {
        settled.push(`${revision} ${refused?.message ?? 'delivered'}`);
      },
    },
  );
  await tell(stream, 'a', ['one']);
  await tell(stream, 'b', ['one']);
  await tell(stream, 'c', ['one']);
  await until('the second is refused', async () => settled.length === 1);
  isRefusing = false;
  expect(await pool.db.transaction((tx) => redrive(tx, messages, 'one', stream))).toBe(true);
  await until('the third is delivered', async () => {
    const [row] = await admin`select delivered, attempts from licenses.outbox_delivery where stream = ${stream}`;
    return row?.delivered === 3 && row.attempts === 0;
  });
  expect(settled).toEqual(['2 no', '2 delivered']);
});

test('applies an event once, throws on a gap, and does not count a failed event as received', async () => {
  const stream = `s${++streams}`;
  const applied: number[] = [];
  const receive = (revision: number, fails = false) => {
    const event = {
      stream,
      revision,
      type: 'TaskVoided',
      occurredAt: at.toISOString(),
      payload: {},
    } as unknown as Envelope;
    return pool.db.transaction((tx) =>
      receiveOnce(tx, messages, 'cases', event, async () => {
        if (fails) throw new Error('fails');
        applied.push(revision);
      }),
    );
  };
  await expect(receive(2)).rejects.toThrow('2 arrived after 0');
  await expect(receive(1, true)).rejects.toThrow('fails');
  await Promise.all([receive(1), receive(1), receive(1)]);
  await expect(receive(3)).rejects.toThrow('3 arrived after 1');
  await expect(receive(2, true)).rejects.toThrow('fails');
  await Promise.all([receive(2), receive(2)]);
  await receive(1);
  expect(applied).toEqual([1, 2]);
});
