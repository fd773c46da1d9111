import type { UnsafeQueryOptions } from 'postgres';
import postgres from 'postgres';
import type { Transaction } from './client.ts';
import type { Statement, StatementClient } from './driver.ts';

/** Builds a statement or calls a function that sends some. It must use the handle that it gets, and no other. */
type Item = ((tx: Transaction) => unknown) | null;

type Result<One> = One extends (tx: Transaction) => infer Returned ? Awaited<Returned> : null;

/**
 * Runs functions of one transaction together, so that their statements share round trips.
 *
 * The order of statements is the order of rounds, then of the list, then of each function:
 * - What a function sends before it needs an answer is its part of the first round. A drizzle statement that it returns
 *   counts as sent by it.
 * - What it sends later waits until the whole round is answered. Then the next round goes out, in list order again.
 * - A list within a list takes the place of the function that called it.
 *
 * The server runs the statements one after another, each with its own snapshot. A statement after a lock therefore sees
 * what was committed while the lock was awaited.
 *
 * Returns the results in list order, null for null. Throws the first failure, in list order, that is not only a
 * consequence of another failure. It throws after all functions have ended, so that no statement is in flight during
 * the rollback. After a function that throws at once, none is called any more.
 *
 * Throws if the transaction's own handle is used meanwhile, and if a function opens a savepoint: what the other
 * functions do would be rolled back with it.
 */
export async function inOrder<const Items extends readonly Item[]>(
  tx: Transaction,
  items: Items,
): Promise<{ -readonly [Index in keyof Items]: Result<Items[Index]> }> {
  const handle = handleOf(tx);
  if (handle.isBatching) throw new Error('inOrder runs on this transaction already');
  const rounds = new Rounds(handle, items.length);
  const running: Promise<unknown>[] = [];
  handle.isBatching = true;
  try {
    for (const [lane, item] of items.entries()) {
      const { hasThrown, promise } = start(item, item && rounds.openLane(tx, lane));
      running.push(promise);
      if (hasThrown) break;
    }
    const outcomes = await Promise.allSettled(running);
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    if (failures.length > 0) throw failures.find((error) => !isConsequentialFailure(error)) ?? failures[0];
    return outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value) as never;
  } finally {
    handle.isBatching = false;
  }
}

/** Calls one function of the list. Calls `then` of a drizzle statement that it returns, which starts the statement. */
function start(item: Item, lane: Transaction | null): { hasThrown: boolean; promise: Promise<unknown> } {
  try {
    const returned = item && lane ? item(lane) : null;
    const promise = isThenable(returned)
      ? new Promise((resolve, reject) => void returned.then(resolve, reject))
      : Promise.resolve(returned);
    return { hasThrown: false, promise };
  } catch (error) {
    return { hasThrown: true, promise: Promise.reject(error) };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Returns whether a statement failed only because an earlier one in its transaction failed (in_failed_sql_transaction).
 */
function isConsequentialFailure(error: unknown): boolean {
  const cause = error instanceof Error && error.cause ? error.cause : error;
  return cause instanceof postgres.PostgresError && cause.code === '25P02';
}

/** How the statements of a transaction's handle reach the server. Each lane of a list has a handle of its own. */
interface Handle {
  /** 0 for the transaction itself, one more for each list within a list. */
  readonly depth: number;
  readonly schedule: Schedule;
  /** True while a list runs on this handle: only the list may send. */
  isBatching: boolean;
  build(text: string, values?: unknown[], options?: UnsafeQueryOptions): Statement;
  /** Sends a statement, now or in a later round. Resolves when it is answered. */
  send(statement: Statement): Promise<void>;
}

/** The statements of one list, round by round. */
class Rounds {
  readonly depth: number;
  readonly #parent: Handle;
  readonly #held: { statement: Statement; onAnswer: () => void }[][];
  #inFlight = 0;

  constructor(parent: Handle, laneCount: number) {
    this.#parent = parent;
    this.depth = parent.depth + 1;
    this.#held = Array.from({ length: laneCount }, () => []);
  }

  /** Returns the handle of `tx` with which the function at this place of the list sends its statements. */
  openLane(tx: Transaction, lane: number): Transaction {
    const handle: Handle = {
      depth: this.depth,
      schedule: this.#parent.schedule,
      isBatching: false,
      build: this.#parent.build,
      send: (statement) => this.#submit(lane, statement),
    };
    const client = {
      unsafe: (text: string, values?: unknown[], options?: UnsafeQueryOptions) => {
        if (handle.isBatching) throw new Error(BESIDE_LIST);
        return sendOnce(handle, handle.build(text, values, options));
      },
      savepoint: () => {
        throw new Error(SAVEPOINT_IN_LIST);
      },
    };
    return withClient(tx, client, handle);
  }

  /** Sends what is held as the next round. Does nothing while a round is unanswered. */
  flush(): void {
    if (this.#inFlight > 0) return;
    for (const lane of this.#held)
      for (const { statement, onAnswer } of lane.splice(0)) this.#send(statement, onAnswer);
  }

  #submit(lane: number, statement: Statement): Promise<void> {
    return new Promise((resolve) => {
      this.#held[lane]?.push({ statement, onAnswer: resolve });
      if (this.#inFlight === 0) this.#parent.schedule.add(this);
    });
  }

  #send(statement: Statement, onAnswer: () => void): void {
    this.#inFlight++;
    void this.#parent.send(statement).then(() => {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#parent.schedule.add(this);
      onAnswer();
    });
  }
}

/**
 * The lists of a transaction that may send their next round. All send when every function has run as far as it can
 * without an answer. When a statement starts therefore does not matter: an await can delay it by some promises.
 * The innermost list sends first, so that its statements are part of the outer list's round.
 */
class Schedule {
  readonly #due = new Set<Rounds>();

  add(rounds: Rounds): void {
    // Node runs a tick that is asked for by a promise when no settled promise is left to continue.
    if (this.#due.size === 0) queueMicrotask(() => process.nextTick(() => this.#flush()));
    this.#due.add(rounds);
  }

  #flush(): void {
    // Flushing a list may add the list around it.
    for (let next = this.#takeInnermost(); next; next = this.#takeInnermost()) next.flush();
  }

  #takeInnermost(): Rounds | null {
    let innermost: Rounds | null = null;
    for (const rounds of this.#due) if (!innermost || rounds.depth > innermost.depth) innermost = rounds;
    if (innermost) this.#due.delete(innermost);
    return innermost;
  }
}

const BESIDE_LIST = 'a statement is sent beside the list of inOrder: use the handle that the function gets';
const SAVEPOINT_IN_LIST = 'a savepoint within inOrder';

/** Sends a statement through its handle. Returns what drizzle awaits: it settles as the statement does. */
function sendOnce(handle: Handle, statement: Statement): Statement {
  const answered = handle.send(statement);
  const sent: Pick<Statement, 'then'> & { values(): unknown } = {
    values: () => {
      statement.values();
      return sent;
    },
    // biome-ignore lint/suspicious/noThenProperty: drizzle awaits it in place of the driver's own thenable.
    then: (onFulfilled, onRejected) => answered.then(() => statement).then(onFulfilled, onRejected),
  };
  return sent as Statement;
}

const handles = new WeakMap<Transaction, Handle>();

/** Returns the handle of a transaction. Makes one for a transaction that has none yet. */
function handleOf(tx: Transaction): Handle {
  const known = handles.get(tx);
  if (known) return known;
  const { session } = internalsOf(tx);
  const { client } = session;
  const build = client.unsafe;
  const handle: Handle = {
    depth: 0,
    schedule: new Schedule(),
    isBatching: false,
    build,
    send: (statement) => {
      statement.execute();
      return statement.then(
        () => {},
        () => {},
      );
    },
  };
  session.client = {
    unsafe: (...statement) => {
      if (handle.isBatching) throw new Error(BESIDE_LIST);
      return build(...statement);
    },
    savepoint: (...savepoint) => {
      if (handle.isBatching) throw new Error(SAVEPOINT_IN_LIST);
      return client.savepoint?.(...savepoint);
    },
  };
  handles.set(tx, handle);
  return handle;
}

/**
 * Returns a transaction that is the same, but sends through another client. It is made by drizzle's own constructors:
 * an object derived from `tx` would have a shape of its own, and code that meets a new shape each time runs slowly.
 */
function withClient(tx: Transaction, client: StatementClient, handle: Handle): Transaction {
  const { dialect, schema, nestedIndex, session, constructor: TransactionOf } = internalsOf(tx);
  const { constructor: SessionOf, options } = session;
  const lane = new TransactionOf(dialect, new SessionOf(client, dialect, session.schema, options), schema, nestedIndex);
  handles.set(lane, handle);
  return lane;
}

/** What drizzle does not publish of its transaction and its session (drizzle-orm/postgres-js/session). */
interface Internals {
  dialect: unknown;
  schema: unknown;
  nestedIndex: number;
  constructor: new (dialect: unknown, session: unknown, schema: unknown, nestedIndex: number) => Transaction;
  session: {
    client: StatementClient;
    schema: unknown;
    options: unknown;
    constructor: new (client: StatementClient, dialect: unknown, schema: unknown, options: unknown) => unknown;
  };
}

function internalsOf(tx: Transaction): Internals {
  const internals = tx as unknown as Internals;
  if (!internals.session?.client || !internals.dialect) throw new Error('drizzle keeps its session elsewhere');
  return internals;
}
