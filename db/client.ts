import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { requirePatchedDriver, UnpatchedDriver } from './driver.ts';
import { createPooledClient } from './pool.ts';

/** A subgraph's database, with the rights that `db/roles.ts` grants to its role. */
export type Database = PostgresJsDatabase;
/** The only handle that code may use inside a transaction. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** The handle for code that only reads. It cannot write. */
export type Reader = Pick<Database, 'select' | 'selectDistinct' | 'selectDistinctOn'>;

/** Returns the client of a database: what its transactions name to `afterCommit`. */
export function clientOf(db: Database): object {
  return (db as Database & { $client: object }).$client;
}

/** Maximum number of open connections of one subgraph. */
const MAX_POOL_CONNECTIONS = 8;
const CONNECT_TIMEOUT_SECONDS = 5;
/** Statements under way have this long to end when the pool is closed. */
const CLOSE_TIMEOUT_SECONDS = 2;
/**
 * Pause before a reconnect. The driver's default grows to 20 s.
 * The hub must be available as soon as its database is.
 */
const BACKOFF_SECONDS = 0.25;
/** The server aborts a statement that takes longer. The deadline of a read is shorter, see `db/deadline.ts`. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** The server aborts a statement that waits longer for one lock. */
const LOCK_TIMEOUT_MS = 10_000;
/** The server ends a transaction that is idle for longer, so that its locks are released. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;

export interface ConnectionPool {
  db: Database;
  close(): Promise<void>;
}

/**
 * Opens a pool. It connects on first use. If the server goes away, the next query connects again.
 * Throws UnpatchedDriver.
 */
export function connect(url: string, applicationName: string, maxConnections = MAX_POOL_CONNECTIONS): ConnectionPool {
  requirePatchedDriver();
  const open = () => openConnection(url, applicationName);
  const connections = new Set(Array.from({ length: maxConnections }, open));
  const client = createPooledClient([...connections], {
    replace: (connection) => {
      connections.delete(connection);
      void connection.end({ timeout: 0 });
      const replacement = open();
      connections.add(replacement);
      return replacement;
    },
  });
  const close = async () => {
    await Promise.all([...connections].map((connection) => connection.end({ timeout: CLOSE_TIMEOUT_SECONDS })));
  };
  return { db: drizzle(client, { casing: 'snake_case' }), close };
}

/** Opens a client with one connection. It connects on first use. */
function openConnection(url: string, applicationName: string): postgres.Sql {
  const connection = postgres(url, {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    backoff: () => BACKOFF_SECONDS,
    onnotice: () => {},
    // drizzle knows the array types. Fetching them on connect is an extra query that no caller awaits.
    // If it fails while the server recovers, the unhandled rejection ends the process.
    fetch_types: false,
    connection: {
      application_name: applicationName,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      lock_timeout: LOCK_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      TimeZone: 'UTC',
    },
  });
  // drizzle sets its parsers and serializers on the client that it is given.
  drizzle(connection);
  return connection;
}

/** Like `connect`, for the main file of a process. If the driver is not patched, prints one line and exits. */
export function connectOrExit(...settings: Parameters<typeof connect>): ConnectionPool {
  try {
    return connect(...settings);
  } catch (error) {
    if (!(error instanceof UnpatchedDriver)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/**
 * Runs `run` in a transaction and returns its result. With `dryRun` it rolls the transaction back afterwards,
 * so that a rehearsal applies the same rules as the real run.
 */
export async function transact<Result>(
  db: Database,
  dryRun: boolean,
  run: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  if (!dryRun) return db.transaction(run);
  const rehearsal: { result?: Result } = {};
  const rollbackSignal = new Error('dry run');
  try {
    await db.transaction(async (tx) => {
      rehearsal.result = await run(tx);
      throw rollbackSignal;
    });
  } catch (error) {
    if (error !== rollbackSignal) throw error;
  }
  return rehearsal.result as Result;
}
