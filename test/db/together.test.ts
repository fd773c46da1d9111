import { eq, sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connected, connect, type Transaction, together } from '../../db/client.ts';
import { blank } from '../../subgraphs/licenses/tables.ts';
import { testDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

/** Statements of one transaction that are sent together: their order, their snapshots, and the effect of a failure. */

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Connected;
let admin: postgres.Sql;
beforeAll(async () => {
  database = await testDatabase();
  pool = connect(database.urls.licenses, 'test-together', 1);
  admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  await pool.db.insert(blank).values({ number: 'A1', organ: 'before', state: 'IN_STOCK', identifier: null });
});
afterAll(async () => {
  await Promise.all([pool.close(), admin.end()]);
  await database.drop();
});

const read = (tx: Transaction) => tx.select({ organ: blank.organ }).from(blank).where(eq(blank.number, 'A1'));
const lock = async (tx: Transaction) => {
  await tx.select().from(blank).where(eq(blank.number, 'A1')).for('update');
};

/** Appends a letter to a setting of the transaction. Below, each kind of statement uses it. */
const said = (letter: string) =>
  sql<string>`set_config('test.said', coalesce(current_setting('test.said', true), '') || ${letter}, true)`;
const raw = async (tx: Transaction, letter: string) =>
  (await tx.execute<{ now: string }>(sql`select ${said(letter)} as now`))[0];
const built = async (tx: Transaction, letter: string) => (await tx.select({ now: said(letter) }).from(blank))[0];
const written = async (tx: Transaction, letter: string) => {
  await tx
    .update(blank)
    .set({ organ: said(letter) })
    .where(eq(blank.number, 'none'));
  return built(tx, letter);
};
const nested = async (tx: Transaction, letters: string) =>
  (await together([...letters].map((letter) => built(tx, letter)))).at(-1);

// Twice: at first nothing is prepared on the connection, and the driver describes each statement before it runs it.
test.each(['at first', 'once prepared'])('statements of all kinds run in start order, %s', async () => {
  const heard = await pool.db.transaction((tx) =>
    together([raw(tx, 'a'), built(tx, 'b'), nested(tx, 'cd'), raw(tx, 'e'), built(tx, 'f'), null, written(tx, 'g')]),
  );
  expect(heard.map((row) => row?.now)).toEqual(['a', 'ab', 'abcd', 'abcde', 'abcdef', undefined, 'abcdefg']);
});

test.each(['at first', 'once prepared'])('bare statements of all kinds run in list order, %s', async () => {
  const bare = (tx: Transaction, letter: string) => tx.execute<{ now: string }>(sql`select 1, ${said(letter)} as now`);
  const select = (tx: Transaction, letter: string) => tx.select({ now: said(letter), one: sql`1` }).from(blank);
  const answers = await pool.db.transaction((tx) =>
    together([bare(tx, 'a'), select(tx, 'b'), select(tx, 'c'), bare(tx, 'd'), select(tx, 'e'), bare(tx, 'f')]),
  );
  expect(answers.map(([row]) => row?.now)).toEqual(['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef']);
});

test('a statement after a lock sees what was committed while the lock was awaited', async () => {
  const holder = await admin.reserve();
  let asked: Promise<readonly unknown[]> | null = null;
  try {
    await holder`begin`;
    await holder`update licenses.blank set organ = 'after' where number = 'A1'`;
    asked = pool.db.transaction((tx) => together([lock(tx), read(tx)]));
    await until('the transaction waits', async () => {
      const [row] = await holder`select count(*)::int as n from pg_locks where not granted`;
      return row?.n === 1;
    });
    await holder`commit`;
  } finally {
    holder.release();
  }
  expect((await asked)[1]).toEqual([{ organ: 'after' }]);
});

test('throws the first failure after all statements are answered, and rolls back', async () => {
  const failing = async (tx: Transaction, word: string) => tx.execute(sql`select ${word}::int`);
  const move = async (tx: Transaction) => tx.update(blank).set({ organ: 'moved' });
  let later: unknown = null;
  const waiting = async (tx: Transaction) => {
    await read(tx);
    await read(tx).catch((error) => {
      later = error;
      throw error;
    });
  };
  await expect(
    pool.db.transaction((tx) => together([waiting(tx), move(tx), failing(tx, 'first'), failing(tx, 'second')])),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining('"first"') } });
  expect(later).toMatchObject({ cause: { code: '25P02' } });
  // The pool's one connection is usable again.
  await expect(pool.db.transaction(read)).resolves.toEqual([{ organ: 'after' }]);
});

test('rolls back if the driver cannot encode a statement', async () => {
  const unwritable = (tx: Transaction) => tx.execute(sql`select ${sql.param(undefined)}::text`);
  const move = (tx: Transaction) => tx.update(blank).set({ organ: 'moved' });
  await expect(
    pool.db.transaction((tx) => together([move(tx), unwritable(tx), read(tx), unwritable(tx)])),
  ).rejects.toMatchObject({ cause: { code: 'UNDEFINED_VALUE' } });
  await expect(pool.db.transaction(read)).resolves.toEqual([{ organ: 'after' }]);
});
