import { eq, sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConnectionPool, connect, sendTogether, type Transaction } from '../../db/client.ts';
import { blank } from '../../subgraphs/licenses/tables.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitUntil } from '../support/until.ts';

/** Statements of one transaction that are sent together: their order, their snapshots, and the effect of a failure. */

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: ConnectionPool;
let admin: postgres.Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = connect(database.urls.licenses, 'test-together', 1);
  admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  await pool.db.insert(blank).values({ number: 'A1', organ: 'before', state: 'IN_STOCK', identifier: null });
});
afterAll(async () => {
  await Promise.all([pool.close(), admin.end()]);
  await database.drop();
});

const readOrgan = (tx: Transaction) => tx.select({ organ: blank.organ }).from(blank).where(eq(blank.number, 'A1'));
const lockBlank = async (tx: Transaction) => {
  await tx.select().from(blank).where(eq(blank.number, 'A1')).for('update');
};

/** Appends a letter to a setting of the transaction. Below, each kind of statement uses it. */
const appendLetter = (letter: string) =>
  sql<string>`set_config('test.said', coalesce(current_setting('test.said', true), '') || ${letter}, true)`;
const runRaw = async (tx: Transaction, letter: string) =>
  (await tx.execute<{ now: string }>(sql`select ${appendLetter(letter)} as now`))[0];
const runSelect = async (tx: Transaction, letter: string) =>
  (await tx.select({ now: appendLetter(letter) }).from(blank))[0];
const runUpdate = async (tx: Transaction, letter: string) => {
  await tx
    .update(blank)
    .set({ organ: appendLetter(letter) })
    .where(eq(blank.number, 'none'));
  return runSelect(tx, letter);
};
const runNested = async (tx: Transaction, letters: string) =>
  (await sendTogether([...letters].map((letter) => runSelect(tx, letter)))).at(-1);

// Twice: at first nothing is prepared on the connection, and the driver describes each statement before it runs it.
test.each(['at first', 'once prepared'])('statements of all kinds run in start order, %s', async () => {
  const rows = await pool.db.transaction((tx) =>
    sendTogether([
      runRaw(tx, 'a'),
      runSelect(tx, 'b'),
      runNested(tx, 'cd'),
      runRaw(tx, 'e'),
      runSelect(tx, 'f'),
      null,
      runUpdate(tx, 'g'),
    ]),
  );
  expect(rows.map((row) => row?.now)).toEqual(['a', 'ab', 'abcd', 'abcde', 'abcdef', undefined, 'abcdefg']);
});

test.each(['at first', 'once prepared'])('bare statements of all kinds run in list order, %s', async () => {
  const runBare = (tx: Transaction, letter: string) =>
    tx.execute<{ now: string }>(sql`select 1, ${appendLetter(letter)} as now`);
  const selectTwo = (tx: Transaction, letter: string) =>
    tx.select({ now: appendLetter(letter), one: sql`1` }).from(blank);
  const answers = await pool.db.transaction((tx) =>
    sendTogether([
      runBare(tx, 'a'),
      selectTwo(tx, 'b'),
      selectTwo(tx, 'c'),
      runBare(tx, 'd'),
      selectTwo(tx, 'e'),
      runBare(tx, 'f'),
    ]),
  );
  expect(answers.map(([row]) => row?.now)).toEqual(['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef']);
});

test('a statement after a lock sees what was committed while the lock was awaited', async () => {
  const lockHolder = await admin.reserve();
  let transaction: Promise<readonly unknown[]> | null = null;
  try {
    await lockHolder`begin`;
    await lockHolder`update licenses.blank set organ = 'after' where number = 'A1'`;
    transaction = pool.db.transaction((tx) => sendTogether([lockBlank(tx), readOrgan(tx)]));
    await waitUntil('the transaction waits', async () => {
      const [row] = await lockHolder`select count(*)::int as n from pg_locks where not granted`;
      return row?.n === 1;
    });
    await lockHolder`commit`;
  } finally {
    lockHolder.release();
  }
  expect((await transaction)[1]).toEqual([{ organ: 'after' }]);
});

test('throws the first failure after all statements are answered, and rolls back', async () => {
  const failWith = async (tx: Transaction, word: string) => tx.execute(sql`select ${word}::int`);
  const moveBlanks = async (tx: Transaction) => tx.update(blank).set({ organ: 'moved' });
  let laterError: unknown = null;
  const readTwice = async (tx: Transaction) => {
    await readOrgan(tx);
    await readOrgan(tx).catch((error) => {
      laterError = error;
      throw error;
    });
  };
  await expect(
    pool.db.transaction((tx) =>
      sendTogether([readTwice(tx), moveBlanks(tx), failWith(tx, 'first'), failWith(tx, 'second')]),
    ),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining('"first"') } });
  expect(laterError).toMatchObject({ cause: { code: '25P02' } });
  // The pool's one connection is usable again.
  await expect(pool.db.transaction(readOrgan)).resolves.toEqual([{ organ: 'after' }]);
});

test('rolls back if the driver cannot encode a statement', async () => {
  const runUnencodable = (tx: Transaction) => tx.execute(sql`select ${sql.param(undefined)}::text`);
  const moveBlanks = (tx: Transaction) => tx.update(blank).set({ organ: 'moved' });
  await expect(
    pool.db.transaction((tx) => sendTogether([moveBlanks(tx), runUnencodable(tx), readOrgan(tx), runUnencodable(tx)])),
  ).rejects.toMatchObject({ cause: { code: 'UNDEFINED_VALUE' } });
  await expect(pool.db.transaction(readOrgan)).resolves.toEqual([{ organ: 'after' }]);
});
