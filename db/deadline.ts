import { AsyncLocalStorage } from 'node:async_hooks';
import { HUB_CALLER, runAsCaller } from '../subgraphs/kernel/http/caller.ts';
import { Overload } from '../subgraphs/kernel/limits/overload.ts';

/** The moment at which a request is answered whether or not its work has ended, and what then becomes of the work. */

/**
 * What a deadline ends. A read is cancelled in the database. A write is answered, but runs to its end: a transaction is
 * never cut, and what several transactions do is completed by their resumer.
 */
export type DeadlineKind = 'read' | 'write';

/** The deadline of one request. It begins when the kind of its work is known. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #readParty: () => string;
  #kind: DeadlineKind | null = null;
  #endsAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** `readParty` returns the key of the caller, by whom connections are shared. */
  constructor(readParty: () => string) {
    this.#readParty = readParty;
  }

  get party(): string {
    return this.#readParty();
  }

  /** Aborted when nobody waits any more. Its reason is the Overload to answer with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The signal that cancels reads, or null if this is no read. */
  get readSignal(): AbortSignal | null {
    return this.#kind === 'read' ? this.#controller.signal : null;
  }

  /** Milliseconds until the request is answered in any case. Infinite before it begins. */
  get remainingMs(): number {
    return this.#endsAtMs - performance.now();
  }

  /** Begins. Does nothing the second time: what a request does first decides. */
  begin(kind: DeadlineKind, ms: number): void {
    if (this.#kind !== null) return;
    this.#kind = kind;
    this.#endsAtMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.#end(), ms);
    this.#timer.unref();
  }

  /** The caller has gone away. A read ends now. */
  abandon(): void {
    if (this.#kind === 'read') this.#end();
    else this.clear();
  }

  /** The request is answered. */
  clear(): void {
    clearTimeout(this.#timer);
  }

  #end(): void {
    this.clear();
    this.#controller.abort(new Overload('DEADLINE_EXCEEDED'));
  }
}

const deadlines = new AsyncLocalStorage<Deadline>();

/** Returns the deadline of the current request, or null in the background. */
export function currentDeadline(): Deadline | null {
  return deadlines.getStore() ?? null;
}

/** Runs `run` as work of a request with this deadline. */
export function runWithDeadline<Result>(deadline: Deadline, run: () => Result): Result {
  return deadlines.run(deadline, run);
}

/**
 * Work whose result several requests wait for. It belongs to none of them: it runs as the hub's own and to its end.
 * A read among them waits until its own deadline.
 */
export class SharedWork<Result> {
  readonly #running = new Map<string, Promise<Result>>();

  /** Returns what the work of this name gives. Starts it by `run` unless it is running. */
  share(name: string, run: () => Promise<Result>): Promise<Result> {
    const running = this.#running.get(name) ?? this.#start(name, run);
    const signal = currentDeadline()?.readSignal;
    return signal ? awaitUntil(signal, running) : running;
  }

  #start(name: string, run: () => Promise<Result>): Promise<Result> {
    const running = deadlines
      .exit(() => runAsCaller({ key: HUB_CALLER }, run))
      .finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }
}

/** Returns what `promise` gives. Throws the reason of the signal as soon as it is aborted. The promise goes on. */
export async function awaitUntil<Value>(signal: AbortSignal, promise: PromiseLike<Value>): Promise<Value> {
  const { promise: end, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, end]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
