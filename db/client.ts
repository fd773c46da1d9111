import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres, { type ParameterOrJSON, type Sql, type TransactionSql, type UnsafeQueryOptions } from 'postgres';

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

/** Opens a pool. It connects on first use. If the server goes away, the next query connects again. */
export function connect(url: string, applicationName: string, maxConnections = MAX_CONNECTIONS): ConnectionPool {
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

/**
 * Returns the same client, but it prepares each statement once per connection. drizzle describes a statement on every
 * call. That costs a second round trip and a plan for each of the hundred statements that issue a license.
 */
function withPreparedStatements<Client extends Sql | TransactionSql>(client: Client): Client {
  const overrides: Record<PropertyKey, unknown> = {
    unsafe: (text: string, values?: ParameterOrJSON<never>[], options?: UnsafeQueryOptions) =>
      client.unsafe(text, values, { ...options, prepare: true }),
  };
  if ('begin' in client)
    overrides.begin = (run: (tx: TransactionSql) => unknown) => client.begin((tx) => run(withPreparedStatements(tx)));
  if ('savepoint' in client) {
    overrides.savepoint = (run: (tx: TransactionSql) => unknown) =>
      client.savepoint((tx) => run(withPreparedStatements(tx)));
  }
  return new Proxy(client, { get: (target, name) => overrides[name] ?? Reflect.get(target, name) });
}

/**
 * Sends statements of one transaction together. No statement waits for the answer of another, so all cost one round trip.
 *
 * The server runs the statements one after another in the order in which they start, each with its own snapshot.
 * A statement after a lock therefore sees what was committed while the lock was awaited. Calls of async functions start
 * in list order. Bare drizzle statements start after those calls.
 *
 * Returns the results in list order. Throws the first failure that is not only a consequence of another failure.
 * It throws after all statements are answered, so that no statement is in flight during the rollback.
 *
 * Compute anything that can throw before building the list. Otherwise the earlier statements of the list have started.
 */
export async function sendTogether<const Statements extends readonly unknown[]>(
  statements: Statements,
): Promise<{ -readonly [Index in keyof Statements]: Awaited<Statements[Index]> }> {
  const outcomes = await Promise.allSettled(statements);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 0) throw failures.find((error) => !isConsequentialFailure(error)) ?? failures[0];
  return outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value) as never;
}

/** Returns whether a statement failed only because an earlier one in its transaction failed (in_failed_sql_transaction). */
function isConsequentialFailure(error: unknown): boolean {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return cause instanceof postgres.PostgresError && cause.code === '25P02';
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
