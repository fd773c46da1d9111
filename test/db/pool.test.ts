import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Deadline, runWithDeadline } from '../../db/deadline.ts';
import { type Connection, createPooledClient } from '../../db/pool.ts';

/** What the pool does when the driver fails. The connections are not real. */

const ENDLESS_MS = 3_600_000;

interface FakeStatement extends Promise<unknown[]> {
  state: object | null;
  active: boolean;
  canceller(): Promise<void>;
  fail(): void;
}

/** Returns a connection whose statements are answered by `answer`. */
function fakeConnection(answer: (text: string) => Promise<unknown[]>): Connection {
  const connection = {
    unsafe: (text: string) => answer(text),
    begin: async (run: (tx: unknown) => Promise<unknown>) => run({ unsafe: connection.unsafe }),
  };
  return connection as unknown as Connection;
}

/** Returns a statement that the server works on, and whose cancellation fails. */
function uncancellable(): FakeStatement {
  const { promise, reject } = Promise.withResolvers<unknown[]>();
  return Object.assign(promise, {
    state: {},
    active: true,
    canceller: () => Promise.reject(new Error('connection refused')),
    fail: () => reject(new Error('connection ended')),
  });
}

const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => void process.off('unhandledRejection', note));

function beginRead(): Deadline {
  const deadline = new Deadline(() => 'address:a');
  deadline.begin('read', ENDLESS_MS);
  return deadline;
}

describe('a cancellation that fails', () => {
  const statement = { current: uncancellable() };
  const replaced: Connection[] = [];
  const answer = (text: string) =>
    text.includes('slow') ? statement.current : Object.assign(Promise.resolve([]), { active: false });
  const healthy = fakeConnection(async () => ['answer of another connection']);
  const open = () =>
    createPooledClient([fakeConnection(answer)], {
      replace: (connection) => {
        replaced.push(connection);
        return healthy;
      },
    });
  beforeEach(() => {
    statement.current = uncancellable();
    replaced.length = 0;
  });

  test('in a transaction that only reads it is no unhandled rejection, and the connection is given up', async () => {
    const client = open();
    const deadline = beginRead();
    const read = runWithDeadline(deadline, async () =>
      client.begin(async (tx) => {
        await tx.unsafe('set transaction isolation level repeatable read read only');
        await tx.unsafe('slow');
      }),
    ).catch((error) => error);
    await nextTurn();
    deadline.abandon();
    await nextTurn();
    expect(unhandled).toEqual([]);
    statement.current.fail();
    expect(await read).toMatchObject({ message: 'connection ended' });
    expect(await client.unsafe('next')).toEqual(['answer of another connection']);
    expect(replaced).toHaveLength(1);
  });

  test('of one statement it is none either', async () => {
    const client = open();
    const deadline = beginRead();
    const read = runWithDeadline(deadline, async () => client.unsafe('slow')).catch((error) => error);
    await nextTurn();
    deadline.abandon();
    expect(await read).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await nextTurn();
    expect(unhandled).toEqual([]);
    expect(await client.unsafe('next')).toEqual(['answer of another connection']);
    expect(replaced).toHaveLength(1);
  });
});

test.each([
  ['an undefined parameter', [undefined], 'UNDEFINED_VALUE'],
  ['too many parameters', Array.from({ length: 65_534 }, () => 1), 'MAX_PARAMETERS_EXCEEDED'],
])('%s fails its statement and keeps no connection', async (_name, values, code) => {
  const client = createPooledClient([fakeConnection(async () => ['row'])], { replace: (connection) => connection });
  const send = (parameters: unknown[]) => client.unsafe('select 1', parameters as never[]);
  await expect(runWithDeadline(beginRead(), async () => send(values))).rejects.toMatchObject({ code });
  await expect((async () => send(values))()).rejects.toMatchObject({ code });
  const deadline = beginRead();
  const next = runWithDeadline(deadline, async () => send([]));
  await nextTurn();
  deadline.abandon();
  expect(await next).toEqual(['row']);
});

test('a transaction on one database is not nested work of another one', async () => {
  const sent: string[] = [];
  const end = Promise.withResolvers<unknown[]>();
  const open = (name: string) => {
    const connection = fakeConnection((text) => {
      sent.push(`${name} ${text}`);
      return end.promise;
    });
    return createPooledClient([connection, connection], { replace: (replaced) => replaced });
  };
  const [licenses, seals] = [open('licenses'), open('seals')];
  const transaction = licenses.begin(async () => Promise.all([seals.unsafe('a'), seals.unsafe('b')]));
  const within = licenses.begin(async () => licenses.unsafe('c'));
  await nextTurn();
  // The second connection of seals stays free for transactions of seals.
  expect(sent).toEqual(['seals a']);
  end.resolve([]);
  await Promise.all([transaction, within]);
  expect(sent).toEqual(['seals a', 'seals b', 'licenses c']);
});
