import { eq, sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connected, connect, type Transaction } from '../../db/client.ts';
import { logHead } from '../../subgraphs/seals/tables.ts';
import { together } from '../../subgraphs/seals/together.ts';
import { testDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

const LOCK = 4_711;
const HEAD = 1;

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Connected;
let admin: postgres.Sql;
beforeAll(async () => {
  database = await testDatabase();
  pool = connect(database.urls.seals, 'test-together', 1);
  admin = postgres(database.adminUrl, { max: 2, onnotice: () => {} });
  await pool.db.insert(logHead).values({ id: HEAD, size: 0, root: Buffer.alloc(32) });
});
afterAll(async () => {
  await Promise.all([pool.close(), admin.end()]);
  await database.drop();
});

const readHead = (tx: Transaction) => tx.select({ size: logHead.size }).from(logHead).where(eq(logHead.id, HEAD));

/** Adds a letter to what the transaction has said so far, by a statement of either kind. */
const said = (letter: string) =>
  sql<string>`set_config('test.said', coalesce(current_setting('test.said', true), '') || ${letter}, true)`;
const raw = (tx: Transaction, letter: string) => tx.execute(sql`select ${said(letter)} as now`);
const built = (tx: Transaction, letter: string) => tx.select({ now: said(letter) }).from(logHead);

// Twice: the first time nothing is prepared on the connection, and the driver asks what each statement is before it runs it.
test.each(['at first', 'once prepared'])('statements run in the order given, whatever their kind, %s', async () => {
  const answers = await pool.db.transaction((tx) =>
    together([raw(tx, 'a'), built(tx, 'b'), built(tx, 'c'), raw(tx, 'd'), built(tx, 'e'), raw(tx, 'f')]),
  );
  const heard = answers.map((rows) => (rows[0] as { now: string }).now);
  expect(heard).toEqual(['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef']);
});

test.each([1, 2])('a statement after a lock sees what was written while the lock was waited for (%i)', async (size) => {
  const holder = await admin.reserve();
  try {
    await holder`select pg_advisory_lock(${LOCK})`;
    const asked = pool.db.transaction((tx) =>
      together([tx.execute(sql`select pg_advisory_xact_lock(${LOCK})`), readHead(tx)]),
    );
    await until('the transaction waits', async () => {
      const [row] = await admin`select count(*)::int as n from pg_locks where objid = ${LOCK} and not granted`;
      return row?.n === 1;
    });
    await admin`update seals.log_head set size = ${size}`;
    await holder`select pg_advisory_unlock(${LOCK})`;
    expect((await asked)[1]).toEqual([{ size }]);
  } finally {
    holder.release();
  }
});

test('the first failure is the one that is thrown, and nothing stays', async () => {
  const move = (tx: Transaction, size: number) => tx.update(logHead).set({ size });
  const failing = (tx: Transaction, word: string) => tx.execute(sql`select ${word}::int`);
  await expect(
    pool.db.transaction((tx) => together([move(tx, 7), failing(tx, 'first'), move(tx, 8), failing(tx, 'second')])),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining('"first"') } });
  // The one connection of the pool is whole again.
  await expect(pool.db.transaction(readHead)).resolves.toEqual([{ size: 2 }]);
});
