import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type ConnectionPool, connect } from '../../db/client.ts';
import type { Envelope } from '../../subgraphs/kernel/events/events.ts';
import { appendEvent, Rejection, receiveOnce, redrive } from '../../subgraphs/kernel/events/outbox-store.ts';
import { type DeliverEvent, type Relay, startRelay } from '../../subgraphs/kernel/events/relay.ts';
import type { startLoop } from '../../subgraphs/kernel/loop.ts';
import { NoAnswer } from '../../subgraphs/kernel/outgoing/http-client.ts';
import { PeerError, Refusal } from '../../subgraphs/kernel/refusal.ts';
import { messages } from '../../subgraphs/licenses/act/event-store.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitUntil } from '../support/until.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: ConnectionPool;
let admin: postgres.Sql;
let relays: Relay[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
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
const EVENT_TIME = new Date('2026-03-02T01:00:00.000Z');
let streamCount = 0;

function appendTestEvent(stream: string, reason: string, consumers = ['one', 'two'], organ = 'organ'): Promise<number> {
  const consumersOfEvent = Object.fromEntries(consumers.map((consumer) => [consumer, ['TaskVoided'] as const]));
  const payload = {
    caseId: crypto.randomUUID(),
    actor: '王',
    organ,
    reason,
    voidedAt: EVENT_TIME.toISOString(),
  };
  const event = { type: 'TaskVoided' as const, stream, occurredAt: EVENT_TIME, payload };
  return pool.db.transaction((tx) => appendEvent(tx, messages, consumersOfEvent, event));
}

const openRelay = (deliver: DeliverEvent, overrides: object = {}) => {
  const relay = startRelay({ db: pool.db, tables: messages, consumer: 'one', deliver, pollMs: POLL_MS, ...overrides });
  relays.push(relay);
  return relay;
};

test('delivers an event unchanged and with its revision to each of its consumers', async () => {
  const stream = `s${++streamCount}`;
  expect(await appendTestEvent(stream, 'a')).toBe(1);
  expect(await appendTestEvent(stream, 'b', ['one'])).toBe(2);
  expect(await appendTestEvent(stream, 'c', [])).toBe(3);
  const heads =
    await admin`select consumer, head from licenses.outbox_delivery where stream = ${stream} order by consumer`;
  expect([...heads]).toEqual([
    { consumer: 'one', head: 2 },
    { consumer: 'two', head: 1 },
  ]);
  const receivedEvents: Envelope[] = [];
  openRelay(async (event) => {
    receivedEvents.push(event);
    return `receipt ${event.revision}`;
  });
  await waitUntil('both are delivered', async () => receivedEvents.length === 2);
  expect(receivedEvents).toMatchObject([
    { stream, revision: 1, type: 'TaskVoided', occurredAt: EVENT_TIME.toISOString(), payload: { reason: 'a' } },
    { stream, revision: 2, payload: { reason: 'b' } },
  ]);
  await waitUntil('both receipts are kept', async () => {
    const rows = await admin`select revision, receipt from licenses.outbox_receipt where stream = ${stream} order by 1`;
    return rows.length === 2 && rows[1]?.receipt === 'receipt 2';
  });
});

test('delivers the waiting events of one stream one after another without pauses', async () => {
  const stream = `s${++streamCount}`;
  for (let i = 0; i < 8; i++) await appendTestEvent(stream, String(i), ['one']);
  const receivedEvents: number[] = [];
  const deliver = async ({ revision }: Envelope) => {
    receivedEvents.push(revision);
    return null;
  };
  // No test outlives this pause.
  openRelay(deliver, { pollMs: 3_600_000 });
  await waitUntil('all are delivered', async () => receivedEvents.length === 8);
  expect(receivedEvents).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('an idle relay rarely looks, finds events of other processes, and finds its own at the next poll', async () => {
  const stream = `s${++streamCount}`;
  let lookCount = 0;
  const countingDb = new Proxy(pool.db, {
    get(target, key) {
      if (key === 'execute') lookCount++;
      const value = Reflect.get(target, key);
      return typeof value === 'function' && key !== '$client' ? value.bind(target) : value;
    },
  });
  const receivedEvents: string[] = [];
  const deliver = async (event: Envelope) => {
    receivedEvents.push(event.stream);
    return null;
  };
  let look: () => Promise<boolean> = () => expect.fail('no loop');
  const runLoop: typeof startLoop = (runOnce) => {
    look = () => runOnce(new AbortController().signal);
    return { stop: async () => {}, wake: () => {} };
  };
  // The polls of this relay are turns that the test makes. It stays busy longer than the test runs.
  openRelay(deliver, { db: countingDb, runLoop, pollMs: 3_600_000 });
  const poll = async (turns: number) => {
    lookCount = 0;
    for (let turn = 0; turn < turns; turn++) while (await look());
  };
  await poll(1);
  await poll(30);
  expect(lookCount).toBe(3);

  const payload = {
    caseId: crypto.randomUUID(),
    actor: '王',
    organ: 'o',
    reason: 'r',
    voidedAt: EVENT_TIME.toISOString(),
  };
  await admin`insert into licenses.outbox_event (stream, revision, type, payload, occurred_at)
    values ('elsewhere', 1, 'TaskVoided', ${admin.json(payload)}, now())`;
  await admin`insert into licenses.outbox_delivery (consumer, stream, head) values ('one', 'elsewhere', 1)`;
  await poll(10);
  expect(receivedEvents).toContain('elsewhere');

  await appendTestEvent(stream, 'own', ['one']);
  await poll(1);
  expect(receivedEvents).toContain(stream);
});

test('reads an event separately if the lease statement could not see it, without counting a failure', async () => {
  const stream = `s${++streamCount}`;
  await appendTestEvent(stream, 'a', ['one']);
  // Simulates another copy that has just delivered the previous event: the row is the newest, the joined event is not.
  const unreadEvent = { type: null, payload: null, occurredAt: null };
  let isFirst = true;
  const db = new Proxy(pool.db, {
    get: (target, name) => {
      if (name !== 'execute') return Reflect.get(target, name);
      return async (...args: Parameters<typeof target.execute>) => {
        const rows = await target.execute<{ stream?: string }>(...args);
        const isLease = isFirst && rows[0]?.stream === stream;
        if (isLease) isFirst = false;
        return isLease ? rows.map((row) => ({ ...row, ...unreadEvent })) : rows;
      };
    },
  });
  const receivedEvents: Envelope[] = [];
  const faults: unknown[] = [];
  const deliver = async (event: Envelope) => {
    receivedEvents.push(event);
    return null;
  };
  openRelay(deliver, { db, onError: (error: unknown) => faults.push(error) });
  await waitUntil('it is delivered', async () => receivedEvents.length + faults.length > 0);
  expect(isFirst).toBe(false);
  expect(faults).toEqual([]);
  expect(receivedEvents).toMatchObject([
    { stream, revision: 1, occurredAt: EVENT_TIME.toISOString(), payload: { reason: 'a' } },
  ]);
});

test('a silent peer takes its own part of what may be under way, and other peers get their events', async () => {
  const silent: Envelope[] = [];
  const answered: string[] = [];
  const deliver: DeliverEvent = (event) => {
    const { organ } = event.payload as { organ: string };
    if (organ === 'silent') return new Promise(() => silent.push(event));
    answered.push(organ);
    return Promise.resolve(null);
  };
  for (let i = 0; i < 40; i++) await appendTestEvent(`s${++streamCount}`, 'a', ['peers'], 'silent');
  openRelay(deliver, { consumer: 'peers', peerField: 'organ' });
  await waitUntil('the silent peer has its part', async () => silent.length >= 8);
  for (let i = 0; i < 5; i++) await appendTestEvent(`s${++streamCount}`, 'a', ['peers'], `organ ${i}`);
  await waitUntil('the others have theirs', async () => answered.length === 5);
  expect(silent.length).toBeLessThan(12);
});

test('a delivery that heeds no signal fails at its deadline, and its place is free again', async () => {
  const stream = `s${++streamCount}`;
  await appendTestEvent(stream, 'a', ['deaf']);
  const errors: unknown[] = [];
  let calls = 0;
  const deliver: DeliverEvent = () => (++calls === 1 ? new Promise(() => {}) : Promise.resolve(null));
  const onError = (error: unknown) => errors.push(error);
  openRelay(deliver, { consumer: 'deaf', onError, deliveryTimeoutMs: 1 });
  await waitUntil('it is delivered at the second attempt', async () => {
    const [row] = await admin`select delivered from licenses.outbox_delivery where stream = ${stream}`;
    return row?.delivered === 1;
  });
  expect(errors).toEqual([new PeerError('超时')]);
});

test('a rejected event waits for a redrive, and onSettled is not called for a first-attempt delivery', async () => {
  const stream = `s${++streamCount}`;
  const settlements: (string | null)[] = [];
  let isRefusing = true;
  openRelay(
    async ({ revision }) => {
      if (revision === 2 && isRefusing) throw new Rejection('no');
      return null;
    },
    {
      onSettled: async (_: unknown, { revision }: Envelope, rejection: Rejection | null) => {
        settlements.push(`${revision} ${rejection?.message ?? 'delivered'}`);
      },
    },
  );
  await appendTestEvent(stream, 'a', ['one']);
  await appendTestEvent(stream, 'b', ['one']);
  await appendTestEvent(stream, 'c', ['one']);
  await waitUntil('the second is refused', async () => settlements.length === 1);
  isRefusing = false;
  expect(await pool.db.transaction((tx) => redrive(tx, messages, 'one', stream))).toBe(true);
  await waitUntil('the third is delivered', async () => {
    const [row] = await admin`select delivered, attempts from licenses.outbox_delivery where stream = ${stream}`;
    return row?.delivered === 3 && row.attempts === 0;
  });
  expect(settlements).toEqual(['2 no', '2 delivered']);
});

test('a closed consumer is asked only when an event is due, and its events wait without an attempt', async () => {
  const [stream, consumer] = [`s${++streamCount}`, 'gated'];
  let [questions, isOpen] = [0, false];
  const revisions: number[] = [];
  openRelay(
    async ({ revision }) => {
      revisions.push(revision);
      return null;
    },
    {
      ...{ consumer, pollMs: 10 },
      isOpen: async () => {
        questions++;
        return isOpen;
      },
    },
  );
  const readRow = async () => {
    const [row] = await admin`select delivered, attempts, lease, last_error, rejected_at from licenses.outbox_delivery
      where consumer = ${consumer} and stream = ${stream}`;
    return { ...row };
  };
  // The relay of another consumer looks meanwhile.
  await appendTestEvent(`s${++streamCount}`, 'a', ['beside']);
  const looked: string[] = [];
  const notice: DeliverEvent = async (event) => {
    looked.push(event.stream);
    return null;
  };
  openRelay(notice, { consumer: 'beside', pollMs: 10 });
  await waitUntil('the other relay has looked', async () => looked.length === 1);
  expect(questions).toBe(0);
  for (const reason of ['a', 'b']) await appendTestEvent(stream, reason, [consumer]);
  await waitUntil('it was asked often', async () => questions > 5);
  const untouched = { attempts: 0, lease: null, last_error: null, rejected_at: null };
  expect([await readRow(), revisions]).toEqual([{ delivered: 0, ...untouched }, []]);
  isOpen = true;
  await waitUntil('both are delivered', async () => (await readRow()).delivered === 2);
  expect([await readRow(), revisions]).toEqual([{ delivered: 2, ...untouched }, [1, 2]]);
});

test('people read the reason of an error only if it was written for them, else an incident number', async () => {
  const publicErrors = [new PeerError('对方没有回执'), new NoAnswer('超时'), new Refusal('LICENSE_UNKNOWN')];
  const failures: (() => PromiseLike<unknown>)[] = [
    () => pool.db.execute(sql`select secret from no_such_table`),
    () => Promise.reject(new Error('http://10.0.0.7:4001/events/cases: HTTP 500')),
    () => Promise.reject(new TypeError('内部出错')),
    () => Promise.reject('http://10.0.0.7/'),
    ...publicErrors.map((error) => () => Promise.reject(error)),
  ];
  for (const [i, fail] of failures.entries()) {
    const stream = `s${++streamCount}`;
    await appendTestEvent(stream, 'a', ['one']);
    const incidents: (string | undefined)[] = [];
    const onError = (_error: unknown, held?: string, incident?: string) => {
      if (held === stream) incidents.push(incident);
    };
    const relay = openRelay(() => fail() as Promise<null>, { onError });
    const lastError = await waitUntil('it failed', async () => {
      const [row] = await admin`select last_error from licenses.outbox_delivery where stream = ${stream}`;
      return row?.last_error;
    });
    await relay.stop();
    const publicError = publicErrors[i - (failures.length - publicErrors.length)];
    const shown = `系统内部故障，将自动重试；如需报告，请提供故障编号 ${incidents.at(-1)}。`;
    expect(lastError).toBe(publicError?.message ?? shown);
    expect(incidents.at(-1)).toEqual(publicError ? undefined : expect.stringMatching(/^[0-9a-f-]{36}$/));
    await admin`update licenses.outbox_delivery set delivered = head where stream = ${stream}`;
  }
});

test('applies an event once, throws on a gap, and does not count a failed event as received', async () => {
  const stream = `s${++streamCount}`;
  const applied: number[] = [];
  const receive = (revision: number, fails = false) => {
    const event = {
      stream,
      revision,
      type: 'TaskVoided',
      occurredAt: EVENT_TIME.toISOString(),
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
