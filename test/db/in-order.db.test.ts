import { eq, sql } from 'drizzle-orm';
import fc from 'fast-check';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionPool, connect, type Transaction } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import { blank } from '../../subgraphs/licenses/tables.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitUntil } from '../support/until.ts';

/**
 * Functions of one transaction that run together: the order of their statements, snapshots, and the effect of a
 * failure.
 */

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: ConnectionPool;
let admin: postgres.Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = connect(database.urls.licenses, 'test-in-order', 1);
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
const moveBlanks = (tx: Transaction) => tx.update(blank).set({ organ: 'moved' });
const failWith = (word: string) => async (tx: Transaction) => tx.execute(sql`select ${word}::int`);

/** Appends a letter to a setting of the transaction. Below, each kind of statement uses it. */
const appendLetter = (letter: string) =>
  sql<string>`set_config('test.letters', coalesce(current_setting('test.letters', true), '') || ${letter}, true)`;
const readLetters = async (tx: Transaction) =>
  (await tx.execute<{ letters: string }>(sql`select current_setting('test.letters', true) as letters`))[0]?.letters;

type Send = (tx: Transaction, letter: string) => PromiseLike<unknown>;
/** Every way in which the hub sends one statement, bare and within an async function. */
const BARE: Record<string, Send> = {
  raw: (tx, letter) => tx.execute(sql`select ${appendLetter(letter)}`),
  rawWithoutParameters: (tx, letter) =>
    tx.execute(sql`select set_config('test.letters',
      coalesce(current_setting('test.letters', true), '') || ${sql.raw(`'${letter}'`)}, true)`),
  select: (tx, letter) => tx.select({ now: appendLetter(letter) }).from(blank),
  selectDistinctOn: (tx, letter) => tx.selectDistinctOn([blank.number], { now: appendLetter(letter) }).from(blank),
  update: (tx, letter) =>
    tx
      .update(blank)
      .set({ organ: appendLetter(letter) })
      .where(eq(blank.number, 'A1')),
  updateReturning: (tx, letter) =>
    tx
      .update(blank)
      .set({ organ: 'x' })
      .where(eq(blank.number, 'A1'))
      .returning({ now: appendLetter(letter) }),
  insert: (tx, letter) =>
    tx
      .insert(blank)
      .values({ number: 'A1', organ: appendLetter(letter), state: 'IN_STOCK', identifier: null })
      .onConflictDoNothing(),
  delete: (tx, letter) => tx.delete(blank).where(eq(blank.number, appendLetter(letter))),
  with: (tx, letter) => {
    const letters = tx.$with('letters').as(tx.select({ now: appendLetter(letter).as('now') }).from(blank));
    return tx.with(letters).select().from(letters);
  },
};
const SEND: Record<string, Send> = {
  ...BARE,
  ...Object.fromEntries(
    Object.entries(BARE).map(([kind, send]) => [`${kind} in a function`, async (tx, letter) => await send(tx, letter)]),
  ),
};

/** A function of a list: nothing, statements one after another, or a list of its own followed by statements. */
type Plan = null | { first: Plan[]; steps: { kind: string; letter: string }[] };

const run = (plan: Plan) => (plan === null ? null : (tx: Transaction) => send(tx, plan));
const send = (tx: Transaction, { first, steps }: Exclude<Plan, null>): PromiseLike<unknown> => {
  const [only] = steps;
  if (first.length === 0 && steps.length === 1 && only) return requireSend(only.kind)(tx, only.letter);
  return (async () => {
    if (first.length > 0) await inOrder(tx, first.map(run));
    for (const { kind, letter } of steps) await requireSend(kind)(tx, letter);
  })();
};
const requireSend = (kind: string) => {
  const found = SEND[kind];
  if (!found) throw new Error(kind);
  return found;
};

/** The rounds of a plan by the rule: what comes after a list waits for the list's last round. */
const roundsOf = (plan: Plan): string[] => {
  if (plan === null) return [];
  return [...mergeRounds(plan.first.map(roundsOf)), ...plan.steps.map(({ letter }) => letter)];
};
const mergeRounds = (lists: string[][]): string[] =>
  Array.from({ length: Math.max(0, ...lists.map((list) => list.length)) }, (_, round) =>
    lists.map((list) => list[round] ?? '').join(''),
  );

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const stepsArbitrary = fc.array(
  fc.record({ kind: fc.constantFrom(...Object.keys(SEND)), letter: fc.constantFrom(...LETTERS) }),
  { maxLength: 3 },
);
const planArbitrary = (depth: number): fc.Arbitrary<Plan> =>
  fc.option(
    fc.record({
      first: depth === 0 ? fc.constant([]) : fc.array(planArbitrary(depth - 1), { maxLength: 3 }),
      steps: stepsArbitrary,
    }),
    { freq: 8 },
  );
const listArbitrary = fc.array(planArbitrary(2), { minLength: 1, maxLength: 5 });
/** Each letter stands for one statement, so that two statements that change places are always seen. */
const withOwnLetters = (plans: Plan[], letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ']): Plan[] =>
  plans.map((plan) =>
    plan === null
      ? null
      : {
          first: withOwnLetters(plan.first, letters),
          steps: plan.steps.map(({ kind }) => ({ kind, letter: letters.shift() ?? '?' })),
        },
  );

test('statements of any kinds run in the order of rounds, list and function', async () => {
  await fc.assert(
    fc.asyncProperty(
      listArbitrary.map((plans) => withOwnLetters(plans)),
      async (plans) => {
        const letters = await pool.db.transaction(async (tx) => {
          await inOrder(tx, plans.map(run));
          return readLetters(tx);
        });
        expect(letters ?? '').toBe(mergeRounds(plans.map(roundsOf)).join(''));
      },
    ),
    { numRuns: 150 },
  );
});

test('any statement that fails ends the transaction, and its error is the one that is thrown', async () => {
  await fc.assert(
    fc.asyncProperty(
      listArbitrary.map((plans) => withOwnLetters(plans)),
      fc.nat(),
      async (plans, seed) => {
        const items = plans.map(run);
        const place = seed % (items.length + 1);
        items.splice(place, 0, failWith('first'));
        items.splice(place + 1 + (seed % (items.length - place)), 0, failWith('second'));
        await expect(pool.db.transaction((tx) => inOrder(tx, items))).rejects.toMatchObject({
          cause: { message: expect.stringContaining('"first"') },
        });
        await expect(pool.db.transaction(readOrgan)).resolves.toHaveLength(1);
      },
    ),
    { numRuns: 30 },
  );
});

test('returns the results in list order', async () => {
  const results = await pool.db.transaction((tx) =>
    inOrder(tx, [
      (tx) => tx.select({ n: sql<number>`1` }).from(blank),
      null,
      async (tx) => [...(await tx.execute<{ n: number }>(sql`select 2 as n`))],
      () => 3,
      (tx) => inOrder(tx, [(tx) => tx.select({ n: sql<number>`4` }).from(blank)]),
      (tx) => tx.select({ n: sql<number>`5` }).from(blank),
    ]),
  );
  expect(results).toEqual([[{ n: 1 }], null, [{ n: 2 }], 3, [[{ n: 4 }]], [{ n: 5 }]]);
});

test('a statement after a lock sees what was committed while the lock was awaited', async () => {
  await admin`update licenses.blank set organ = 'before' where number = 'A1'`;
  const lockHolder = await admin.reserve();
  let transaction: Promise<readonly unknown[]> | null = null;
  try {
    await lockHolder`begin`;
    await lockHolder`update licenses.blank set organ = 'after' where number = 'A1'`;
    transaction = pool.db.transaction((tx) => inOrder(tx, [lockBlank, readOrgan]));
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

describe('a failure', () => {
  const expectUnchanged = async () => {
    const [row] = await pool.db.transaction(readOrgan);
    expect(row?.organ).not.toBe('moved');
  };

  test('is thrown after all functions have ended, and rolls back', async () => {
    let laterError: unknown = null;
    const readTwice = async (tx: Transaction) => {
      await readOrgan(tx);
      await readOrgan(tx).catch((error) => {
        laterError = error;
        throw error;
      });
    };
    const batch = pool.db.transaction((tx) =>
      inOrder(tx, [readTwice, moveBlanks, failWith('first'), failWith('second')]),
    );
    await expect(batch).rejects.toMatchObject({ cause: { message: expect.stringContaining('"first"') } });
    expect(laterError).toMatchObject({ cause: { code: '25P02' } });
    await expectUnchanged();
  });

  test('of a function that throws at once: nothing of what follows is called', async () => {
    let isCalled = false;
    const batch = pool.db.transaction((tx) =>
      inOrder(tx, [
        moveBlanks,
        () => {
          throw new Error('at once');
        },
        () => {
          isCalled = true;
        },
      ]),
    );
    await expect(batch).rejects.toThrow('at once');
    expect(isCalled).toBe(false);
    await expectUnchanged();
  });

  test.each([
    ['undefined', undefined, 'UNDEFINED_VALUE'],
    ['a date', new Date(0), 'UNSENDABLE_VALUE'],
    ['a list', [1], 'UNSENDABLE_VALUE'],
    ['a function', () => 1, 'UNSENDABLE_VALUE'],
  ])('of a parameter that cannot be sent: %s', async (_, value, code) => {
    const sendIt = (tx: Transaction) => tx.execute(sql`select ${sql.param(value)}::text`);
    const batch = pool.db.transaction((tx) => inOrder(tx, [moveBlanks, sendIt, readOrgan, sendIt]));
    await expect(batch).rejects.toMatchObject({ cause: { code } });
    await expectUnchanged();
  });

  test('of too many parameters', async () => {
    const sendIt = (tx: Transaction) =>
      tx.execute(
        sql`select ${sql.join(
          Array.from({ length: 65_534 }, (_, i) => sql`${i}::int`),
          sql`+`,
        )}`,
      );
    const batch = pool.db.transaction((tx) => inOrder(tx, [moveBlanks, sendIt]));
    await expect(batch).rejects.toMatchObject({ cause: { code: 'MAX_PARAMETERS_EXCEEDED' } });
    await expectUnchanged();
  });
});

describe('refuses what would break the order', () => {
  test('a started promise, by its type', () => {
    const giveStarted = (tx: Transaction) =>
      // @ts-expect-error A list holds functions. A promise has started before its turn.
      inOrder(tx, [readOrgan(tx)]);
    expect(giveStarted).toBeTypeOf('function');
  });

  test('the handle of the transaction itself', async () => {
    const batch = pool.db.transaction((tx) => inOrder(tx, [() => readOrgan(tx)]));
    await expect(batch).rejects.toMatchObject({ cause: { message: expect.stringContaining('beside the list') } });
    const nested = pool.db.transaction((outer) => inOrder(outer, [(lane) => inOrder(lane, [() => readOrgan(lane)])]));
    await expect(nested).rejects.toMatchObject({ cause: { message: expect.stringContaining('beside the list') } });
    const twice = pool.db.transaction((tx) => inOrder(tx, [() => inOrder(tx, [readOrgan])]));
    await expect(twice).rejects.toThrow('runs on this transaction already');
  });

  test('a savepoint', async () => {
    const batch = pool.db.transaction((tx) => inOrder(tx, [(tx) => tx.transaction(readOrgan)]));
    await expect(batch).rejects.toThrow('savepoint');
    const onRoot = pool.db.transaction((tx) => inOrder(tx, [() => tx.transaction(readOrgan)]));
    await expect(onRoot).rejects.toThrow('savepoint');
    const nested = pool.db.transaction((outer) =>
      inOrder(outer, [(lane) => inOrder(lane, [() => lane.transaction(readOrgan)])]),
    );
    await expect(nested).rejects.toThrow('savepoint');
  });

  test('none of it once the list has ended', async () => {
    const rows = await pool.db.transaction(async (tx) => {
      await inOrder(tx, [readOrgan]);
      await tx.transaction(readOrgan);
      return readOrgan(tx);
    });
    expect(rows).toHaveLength(1);
  });
});
