import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sql, TransactionSql, UnsafeQueryOptions } from 'postgres';
import { HUB_CALLER } from '../subgraphs/kernel/http/caller.ts';
import { withCommitCallbacks } from './commit.ts';
import { awaitUntil, currentDeadline } from './deadline.ts';
import { type Statement, withPreparedStatements } from './driver.ts';
import { type Place, Places } from './places.ts';

/**
 * The client that drizzle uses: connections that one statement or one transaction has for itself. A cancellation can
 * therefore never reach the statement of another request, and no statement waits behind a slow one of another request.
 */

const CANCEL_POLL_MS = 20;
/** A connection whose statement does not end after its cancellation is given up. */
const CANCEL_TIMEOUT_MS = 5_000;

/** What the pool uses of the driver: a client with one connection. */
export type Connection = Sql;

/** Returns another connection in place of one that does not answer. */
export interface Connector {
  replace(connection: Connection): Connection;
}

interface Pool {
  readonly places: Places<Connection>;
  readonly connector: Connector;
  /** Whether the current work holds a connection of this pool, so that it must not wait for one that it holds. */
  readonly holders: AsyncLocalStorage<boolean>;
}

/** Returns a client for drizzle over connections. */
export function createPooledClient(connections: readonly Connection[], connector: Connector): Sql {
  const [first] = connections;
  if (!first) throw new RangeError('a pool has at least one connection');
  const pool: Pool = { places: new Places(connections), connector, holders: new AsyncLocalStorage() };
  const overrides: Record<PropertyKey, unknown> = {
    unsafe: (text: string, values?: unknown[], options?: UnsafeQueryOptions) => {
      let isRaw = false;
      const start = (connection: Connection): Statement => {
        const statement = withPreparedStatements(connection).unsafe(text, values as never[], options) as Statement;
        if (isRaw) statement.values();
        return statement;
      };
      // What drizzle awaits. Like the driver's own statement it is sent when it is awaited.
      const lazyStatement = {
        values: () => {
          isRaw = true;
          return lazyStatement;
        },
        // biome-ignore lint/suspicious/noThenProperty: drizzle awaits it in place of the driver's own thenable.
        then: (onFulfilled: () => unknown, onRejected: () => unknown) =>
          runStatement(pool, start).then(onFulfilled, onRejected),
      };
      return lazyStatement;
    },
    begin: (run: (tx: TransactionSql) => Promise<unknown>) =>
      withCommitCallbacks(client, () => runTransaction(pool, run)),
  };
  const client: Sql = new Proxy(first, { get: (target, name) => overrides[name] ?? Reflect.get(target, name) });
  return client;
}

function acquirePlace({ places, holders }: Pool): Promise<Place<Connection>> {
  const deadline = currentDeadline();
  return places.acquire({
    party: deadline?.party ?? HUB_CALLER,
    isNested: holders.getStore() ?? false,
    signal: deadline?.readSignal ?? null,
  });
}

/** Runs one statement. At the deadline of a read the caller gets the reason at once, and the database cancels it. */
async function runStatement(pool: Pool, start: (connection: Connection) => Statement): Promise<unknown> {
  const signal = currentDeadline()?.readSignal ?? null;
  const place = await acquirePlace(pool);
  let ends: Promise<boolean> | null = null;
  try {
    // Throws if the driver cannot write a parameter.
    const statement = start(place.connection);
    if (!signal) return await statement;
    const settled = statement.then(
      () => true,
      () => true,
    );
    try {
      return await awaitUntil(signal, statement);
    } finally {
      if (signal.aborted) ends = hasWorked(cancelWhenSent(statement, settled));
    }
  } finally {
    if (ends) void releaseAfter([ends], place, pool.connector);
    else place.release();
  }
}

/** Returns whether a cancellation worked. It never rejects: that nobody awaits it yet must not end the process. */
function hasWorked(cancellation: Promise<void>): Promise<boolean> {
  return cancellation.then(
    () => true,
    () => false,
  );
}

/** Releases a place when nothing on it is under way any more. A connection that does not answer is given up. */
async function releaseAfter(
  ends: readonly Promise<boolean>[],
  place: Place<Connection>,
  connector: Connector,
): Promise<void> {
  const hasEnded = await Promise.race([
    Promise.all(ends).then((worked) => worked.every(Boolean)),
    pause(CANCEL_TIMEOUT_MS, false, { ref: false }),
  ]);
  place.release(hasEnded ? undefined : connector.replace(place.connection));
}

/** What the driver does not publish of a statement. */
interface StatementInternals {
  /** Set when it is sent. A statement that is cancelled before would block its connection for ever. */
  state: object | null;
  /** Whether the server is working on it. */
  active: boolean;
  /** Resolves when the server has taken the cancellation. */
  canceller: (statement: Statement) => Promise<void>;
}

/** Cancels a statement. Resolves when neither it nor its cancellation is on the way any more. */
async function cancelWhenSent(statement: Statement, settled: Promise<boolean>): Promise<void> {
  const internals = statement as unknown as StatementInternals;
  const isSettled = () => Promise.race([settled, pause(CANCEL_POLL_MS, false, { ref: false })]);
  while (internals.state === null) if (await isSettled()) return;
  await internals.canceller(statement);
  await settled;
}

/**
 * Runs a transaction. A deadline does not cut it, unless it is read only, but none begins after the deadline of a read.
 */
async function runTransaction(pool: Pool, run: (tx: TransactionSql) => Promise<unknown>): Promise<unknown> {
  const signal = currentDeadline()?.readSignal ?? null;
  const place = await acquirePlace(pool);
  const cancellations: Promise<boolean>[] = [];
  const begin = (tx: TransactionSql) => run(signal ? cutReads(tx, signal, cancellations) : tx);
  try {
    return await pool.holders.run(true, () => withPreparedStatements(place.connection).begin(begin));
  } finally {
    if (cancellations.length === 0) place.release();
    else void releaseAfter(cancellations, place, pool.connector);
  }
}

/** What drizzle sends first in a transaction with `accessMode: 'read only'`. */
const READ_ONLY = /^set transaction [a-z ]*\bread only\b/;

/** Returns the client of a transaction. If it is read only, the signal cancels what it does, and refuses the rest. */
function cutReads(tx: TransactionSql, signal: AbortSignal, cancellations: Promise<boolean>[]): TransactionSql {
  let isReadOnly = false;
  const unsafe = (text: string, values?: never[], options?: UnsafeQueryOptions) => {
    if (READ_ONLY.test(text)) isReadOnly = true;
    if (isReadOnly) signal.throwIfAborted();
    const statement = tx.unsafe(text, values, options) as Statement;
    if (!isReadOnly) return statement;
    const internals = statement as unknown as StatementInternals;
    const cancel = () => {
      if (internals.active) cancellations.push(hasWorked(internals.canceller(statement)));
    };
    signal.addEventListener('abort', cancel, { once: true });
    return statement;
  };
  return new Proxy(tx, { get: (target, name) => (name === 'unsafe' ? unsafe : Reflect.get(target, name)) });
}
