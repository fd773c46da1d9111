import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { requirePatchedDriver, UnpatchedDriver, withPreparedStatements } from './driver.ts';

/** A subgraph's database, with the rights that `db/roles.ts` grants to its role. */
export type Database = PostgresJsDatabase;
/** The only handle that code may use inside a transaction. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** The handle for code that only reads. It cannot write. */
export type Reader = Pick<Database, 'select' | 'selectDistinct' | 'selectDistinctOn'>;

/** Maximum number of open connections of one subgraph. */
const MAX_CONNECTIONS = 8;
const CONNECT_TIMEOUT_SECONDS = 5;
/**
 * Pause before a reconnect. The driver's default grows to 20 s.
 * The hub must be available as soon as its database is.
 */
const BACKOFF_SECONDS = 0.25;
/** The server aborts a statement that takes longer. */
const STATEMENT_TIMEOUT_MS = 15_000;
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
export function connect(url: string, applicationName: string, maxConnections = MAX_CONNECTIONS): ConnectionPool {
  requirePatchedDriver();
  const client = postgres(url, {
    max: maxConnections,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    backoff: () => BACKOFF_SECONDS,
    onnotice: () => {},
    // drizzle knows the array types. Fetching them on connect is an extra query that no caller awaits.
    // If it fails while the server recovers, the unhandled rejection ends the process.
    fetch_types: false,
    connection: {
      application_name: applicationName,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      TimeZone: 'UTC',
    },
  });
  return {
    db: drizzle(withPreparedStatements(client), { casing: 'snake_case' }),
    close: () => client.end({ timeout: 2 }),
  };
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
