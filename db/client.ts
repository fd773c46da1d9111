import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres, { type ParameterOrJSON, type Sql, type TransactionSql, type UnsafeQueryOptions } from 'postgres';

/** A subgraph's database: everything that `db/roles.sql` lets its role do. */
export type Database = PostgresJsDatabase;
/** Inside a transaction only this is used. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** What code that reads receives: it cannot write. */
export type Reader = Pick<Database, 'select' | 'selectDistinct' | 'selectDistinctOn'>;

/** Connections that one subgraph may hold open. */
const POOL_SIZE = 8;
const CONNECT_TIMEOUT_SECONDS = 5;
/** Pause before a lost server is tried again. The driver's own grows to 20 s, and a hub must be back when its database is. */
const BACKOFF_SECONDS = 0.25;
/** A statement that takes longer is a fault, not patience. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** A transaction that nobody goes on with gives its locks back. */
const IDLE_IN_TRANSACTION_MS = 60_000;

export interface Connected {
  db: Database;
  close(): Promise<void>;
}

/** Opens a pool. Connects on first use; a server that goes away is found again by the next query. */
export function connect(url: string, applicationName: string, poolSize = POOL_SIZE): Connected {
  const client = postgres(url, {
    max: poolSize,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    backoff: () => BACKOFF_SECONDS,
    onnotice: () => {},
    // Array types are known to drizzle. Asking the server for them on connect is a query of its own, and where the server
    // is just recovering its failure is nobody's: the process would die of an unhandled rejection.
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
 * The same client, whose statements are prepared once per connection. drizzle asks for them anew each time, which takes a second
 * round trip and a plan for every one of the hundred statements of an issue.
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
 * Sends statements of one transaction together: none waits for another's answer, so all cost one round trip. The server runs them one after
 * another as they were started, each with a snapshot of its own, so what follows a lock sees what the lock has waited for. Calls of async
 * functions start as they stand; bare drizzle statements start after them. Gives the results in the order given; throws the first failure of
 * them that is no mere consequence of another, and only when all are answered, so that nothing is on its way when the transaction is rolled
 * back. Whatever could throw must be reckoned before the list is written: what stands before it in the list has started by then.
 */
export async function together<const Sent extends readonly unknown[]>(
  sent: Sent,
): Promise<{ -readonly [At in keyof Sent]: Awaited<Sent[At]> }> {
  const settled = await Promise.allSettled(sent);
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0) throw failures.find((error) => !isAftermath(error)) ?? failures[0];
  return settled.map((one) => one.status === 'fulfilled' && one.value) as never;
}

/** Whether a statement failed only because one before it in the transaction had (in_failed_sql_transaction). */
function isAftermath(error: unknown): boolean {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return cause instanceof postgres.PostgresError && cause.code === '25P02';
}

/**
 * Runs `run` in a transaction; with `dryRun` everything is done, answered, and rolled back, so that a rehearsal meets the
 * very rules that the act would.
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
