import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres, { type ParameterOrJSON, type Sql, type TransactionSql, type UnsafeQueryOptions } from 'postgres';

/** A subgraph's database, with the rights that `db/roles.ts` grants to its role. */
export type Database = PostgresJsDatabase;
/** The only handle that code may use inside a transaction. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** The handle for code that only reads. It cannot write. */
export type Reader = Pick<Database, 'select' | 'selectDistinct' | 'selectDistinctOn'>;

/** Maximum number of open connections of one subgraph. */
const POOL_SIZE = 8;
const CONNECT_TIMEOUT_SECONDS = 5;
/**
 * Pause before a reconnect. The driver's default grows to 20 s.
 * The hub must be available as soon as its database is.
 */
const BACKOFF_SECONDS = 0.25;
/** The server aborts a statement that takes longer. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** The server ends a transaction that is idle for longer, so that its locks are released. */
const IDLE_IN_TRANSACTION_MS = 60_000;

export interface Connected {
  db: Database;
  close(): Promise<void>;
}

/** Opens a pool. It connects on first use. If the server goes away, the next query connects again. */
export function connect(url: string, applicationName: string, poolSize = POOL_SIZE): Connected {
  const client = postgres(url, {
    max: poolSize,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    backoff: () => BACKOFF_SECONDS,
    onnotice: () => {},
    // drizzle knows the array types. Fetching them on connect is an extra query that no caller awaits.
    // If it fails while the server recovers, the unhandled rejection ends the process.
    fetch_types: false,
    connection: {
      application_name: applicationName,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      TimeZone: 'UTC',
    },
  });
  return { db: drizzle(preparing(client), { casing: 'snake_case' }), close: () => client.end({ timeout: 2 }) };
}

/**
 * Returns the same client, but it prepares each statement once per connection. drizzle describes a statement on every
 * call. That costs a second round trip and a plan for each of the hundred statements that issue a license.
 */
function preparing<Client extends Sql | TransactionSql>(client: Client): Client {
  const changed: Record<PropertyKey, unknown> = {
    unsafe: (text: string, values?: ParameterOrJSON<never>[], options?: UnsafeQueryOptions) =>
      client.unsafe(text, values, { ...options, prepare: true }),
  };
  if ('begin' in client)
    changed.begin = (run: (tx: TransactionSql) => unknown) => client.begin((tx) => run(preparing(tx)));
  if ('savepoint' in client) {
    changed.savepoint = (run: (tx: TransactionSql) => unknown) => client.savepoint((tx) => run(preparing(tx)));
  }
  return new Proxy(client, { get: (of, name) => changed[name] ?? Reflect.get(of, name) });
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
export async function together<const Sent extends readonly unknown[]>(
  sent: Sent,
): Promise<{ -readonly [At in keyof Sent]: Awaited<Sent[At]> }> {
  const settled = await Promise.allSettled(sent);
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0) throw failures.find((error) => !isAftermath(error)) ?? failures[0];
  return settled.map((one) => one.status === 'fulfilled' && one.value) as never;
}

/** Returns whether a statement failed only because an earlier one in its transaction failed (in_failed_sql_transaction). */
function isAftermath(error: unknown): boolean {
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
  const rehearsed: { result?: Result } = {};
  const rollBack = new Error('dry run');
  try {
    await db.transaction(async (tx) => {
      rehearsed.result = await run(tx);
      throw rollBack;
    });
  } catch (error) {
    if (error !== rollBack) throw error;
  }
  return rehearsed.result as Result;
}
