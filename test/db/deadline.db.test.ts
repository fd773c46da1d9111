import { setTimeout as pause } from 'node:timers/promises';
import { type SQL, sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionPool, connect } from '../../db/client.ts';
import { Deadline, runWithDeadline, SharedWork } from '../../db/deadline.ts';
import { createScratchDatabase } from '../support/database.ts';
import { waitUntil } from '../support/until.ts';

/** A deadline cancels the statements of a read in the database, and nothing else. */

const NAME = 'test-deadline';
/** drizzle wraps the error of a statement. */
const EXCEEDED = { cause: { code: 'DEADLINE_EXCEEDED' } };
const ENDLESS_MS = 3_600_000;

let database: { url: string; drop(): Promise<void> };
let admin: postgres.Sql;
let pools: ConnectionPool[] = [];
beforeAll(async () => {
  database = await createScratchDatabase();
  admin = postgres(database.url, { max: 2, onnotice: () => {} });
  await admin`create table thing (id int primary key)`;
  await admin`create sequence counter`;
  await admin`insert into thing values (1)`;
});
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  pools = [];
});
afterAll(async () => {
  await admin?.end();
  await database?.drop();
});

function open(maxConnections: number): ConnectionPool['db'] {
  const pool = connect(database.url, NAME, maxConnections);
  pools.push(pool);
  return pool.db;
}

function begin(ms: number, party = 'address:a', kind: 'read' | 'write' = 'read'): Deadline {
  const deadline = new Deadline(() => party);
  deadline.begin(kind, ms);
  return deadline;
}

/** Returns what the pools' connections are doing in the database. */
async function listActive(): Promise<string[]> {
  const rows = await admin`select query from pg_stat_activity where application_name = ${NAME} and state <> 'idle'`;
  return rows.map((row) => row.query);
}

const readPid = async (db: ConnectionPool['db']) =>
  (await db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`))[0]?.pid;
/** Sleeps longer than any test, with an answer of its own. */
const SLEEP: SQL = sql`select pg_sleep(3600)`;

describe('a read at its deadline', () => {
  test('is cancelled in the database, and its connection goes on', async () => {
    const db = open(1);
    const pid = await readPid(db);
    await expect(runWithDeadline(begin(50), async () => db.execute(SLEEP))).rejects.toMatchObject(EXCEEDED);
    expect(await readPid(db)).toBe(pid);
    expect(await listActive()).toEqual([]);
  });

  test('is cancelled while it waits for a lock', async () => {
    const db = open(1);
    await admin.begin(async (lock) => {
      await lock`lock table thing in access exclusive mode`;
      const read = runWithDeadline(begin(50), async () => db.execute(sql`select id from thing`));
      await expect(read).rejects.toMatchObject(EXCEEDED);
      await waitUntil('it is gone', async () => (await listActive()).length === 0);
    });
    expect([...(await db.execute(sql`select id from thing`))]).toEqual([{ id: 1 }]);
  });

  test('is dropped while it waits for a connection', async () => {
    const db = open(1);
    const slow = new Deadline(() => 'address:b');
    slow.begin('read', ENDLESS_MS);
    const holding = runWithDeadline(slow, async () => db.execute(SLEEP)).catch((error) => error);
    await waitUntil('the connection is in use', async () => (await listActive()).length === 1);
    const queued = runWithDeadline(begin(20), async () => db.execute(sql`select nextval('counter')`));
    await expect(queued).rejects.toMatchObject(EXCEEDED);
    slow.abandon();
    expect(await holding).toMatchObject(EXCEEDED);
    const [row] = await db.execute<{ value: string }>(sql`select nextval('counter')::text as value`);
    expect(row?.value).toBe('1');
  });

  test('sends nothing any more after it', async () => {
    const db = open(1);
    const deadline = begin(ENDLESS_MS);
    deadline.abandon();
    await expect(runWithDeadline(deadline, async () => db.execute(sql`select 1`))).rejects.toMatchObject(EXCEEDED);
    await expect(runWithDeadline(deadline, () => db.transaction(async () => 1))).rejects.toMatchObject(EXCEEDED.cause);
  });

  test('leaves work alone that others wait for as well', async () => {
    const db = open(1);
    const deadline = begin(ENDLESS_MS);
    const work = new SharedWork<unknown>();
    const run = async () => db.execute(sql`select 7 as n, pg_sleep(0.2)`);
    const left = runWithDeadline(deadline, () => work.share('a', run));
    const shared = work.share('a', run);
    deadline.abandon();
    await expect(left).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await shared).toMatchObject([{ n: 7 }]);
  });
});

test('a transaction that only reads is cancelled, and its connection goes on', async () => {
  const db = open(1);
  const pid = await readPid(db);
  const deadline = begin(ENDLESS_MS);
  const later: unknown[] = [];
  const reading = runWithDeadline(deadline, () =>
    db.transaction(
      async (tx) => {
        await tx.execute(SLEEP).catch(() => {});
        later.push(await tx.execute(sql`select 1`).catch((error) => error));
        throw new Error('ended');
      },
      { accessMode: 'read only', isolationLevel: 'repeatable read' },
    ),
  );
  await waitUntil('it runs', async () => (await listActive()).some((query) => query.includes('pg_sleep(3600)')));
  deadline.abandon();
  await expect(reading).rejects.toThrow('ended');
  expect(later).toMatchObject([EXCEEDED]);
  expect(await readPid(db)).toBe(pid);
  expect(await listActive()).toEqual([]);
});

test('a cancellation never reaches the statement of another request', async () => {
  const db = open(3);
  const failures: unknown[] = [];
  const others = async (signal: AbortSignal) => {
    while (!signal.aborted) await db.execute(sql`select pg_sleep(0.001)`).catch((error) => failures.push(error));
  };
  const end = new AbortController();
  const running = [others(end.signal), others(end.signal)];
  let cancelled = 0;
  // The deadline falls around the end of the statement, so that the cancellation often comes too late.
  for (let i = 0; i < 300; i++) {
    await runWithDeadline(begin(i % 6), async () => db.execute(sql`select pg_sleep(0.003)`)).catch(() => cancelled++);
  }
  end.abort();
  await Promise.all(running);
  expect(failures).toEqual([]);
  expect(cancelled).toBeGreaterThan(0);
});

test('slow reads of one caller leave connections to the others, and to nested work', async () => {
  const db = open(8);
  const deadlines = Array.from({ length: 30 }, () => begin(ENDLESS_MS, 'address:slow'));
  const slow = deadlines.map((deadline) => runWithDeadline(deadline, async () => db.execute(SLEEP)).catch(() => {}));
  await waitUntil('it has its part', async () => (await listActive()).length === 4);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      runWithDeadline(begin(ENDLESS_MS, `address:${i}`), async () => db.execute(sql`select 1`)),
    ),
  );
  expect([answers.length, (await listActive()).length]).toEqual([10, 4]);
  for (const deadline of deadlines) deadline.abandon();
  await Promise.all(slow);
  await waitUntil('nothing of it runs', async () => (await listActive()).length === 0);
});

test('transactions that each need a second connection do not wait for each other for ever', async () => {
  const db = open(3);
  const work = () => db.transaction(async (tx) => [await tx.execute(sql`select 1`), await db.execute(sql`select 2`)]);
  expect(await Promise.all(Array.from({ length: 20 }, work))).toHaveLength(20);
});

test('a write is not cut, and the hub does not cut its own work', async () => {
  const db = open(2);
  const deadline = begin(1, 'person:p', 'write');
  const written = runWithDeadline(deadline, () =>
    db.transaction(async (tx) => {
      await tx.execute(sql`insert into thing values (2)`);
      await tx.execute(sql`select pg_sleep(0.1)`);
      return deadline.signal.aborted;
    }),
  );
  expect(await written).toBe(true);
  expect(await admin`select id from thing where id = 2`).toHaveLength(1);
});

test('PostgreSQL has time limits of its own, for statements, locks and idle transactions', async () => {
  const [row] = await open(1).execute(sql`select current_setting('statement_timeout') as statement,
    current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`);
  expect(row).toEqual({ statement: '15s', lock: '10s', idle: '1min' });
});

test('a connection that does not answer is given up, and another one takes its place', async () => {
  const db = open(1);
  const pid = await readPid(db);
  // A stopped server process answers neither the statement nor its cancellation.
  process.kill(pid ?? 0, 'SIGSTOP');
  try {
    await expect(runWithDeadline(begin(50), async () => db.execute(sql`select 1`))).rejects.toMatchObject(EXCEEDED);
    expect(await readPid(db)).not.toBe(pid);
  } finally {
    process.kill(pid ?? 0, 'SIGCONT');
    await pause(0);
  }
});
