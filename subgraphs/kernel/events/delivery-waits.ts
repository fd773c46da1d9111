import { AsyncLocalStorage } from 'node:async_hooks';
import { SERVICES } from '../sealing/service-keys.ts';

/**
 * How an answer waits for the events that it depends on. Whoever commits an event for another subgraph gets a wait. The
 * relay that delivers the event ends it, or its deadline does.
 */

/** Names of subgraphs that had not taken an event when its wait ended. Empty if all had. */
export type Delayed = readonly string[];

/** How far a consumer is in a stream. `isStuck`: it does not take the next event for now. */
export interface Progress {
  stream: string;
  head: number;
  delivered: number;
  isStuck: boolean;
}

interface Wait {
  revision: number;
  /** Whether a turn of the relay has passed since it began. */
  isOld: boolean;
  end(delayed: Delayed): void;
}

/** How many times the length of a wait nobody waits for a consumer that let one pass, unless it takes an event. */
const REST_OF_WAITS = 10;

/** The waits for the events of one consumer. */
export class DeliveryWaits {
  readonly #consumer: string;
  readonly #maxMs: number;
  /** Until then no answer waits: each would hold its place for nothing while the consumer hangs. */
  #restsUntilMs = 0;
  readonly #waitsByStream = new Map<string, Set<Wait>>();

  constructor(consumer: string, maxMs: number) {
    this.#consumer = consumer;
    this.#maxMs = maxMs;
  }

  get isEmpty(): boolean {
    return this.#waitsByStream.size === 0;
  }

  /** Resolves when the consumer has taken the event or will not take it in time. Never rejects. */
  add(stream: string, revision: number): Promise<Delayed> {
    if (performance.now() < this.#restsUntilMs) return Promise.resolve([this.#consumer]);
    const waits = this.#waitsByStream.get(stream) ?? new Set();
    this.#waitsByStream.set(stream, waits);
    return new Promise((resolve) => {
      const end = (delayed: Delayed) => {
        clearTimeout(timer);
        waits.delete(wait);
        if (waits.size === 0 && this.#waitsByStream.get(stream) === waits) this.#waitsByStream.delete(stream);
        resolve(delayed);
      };
      const wait: Wait = { revision, isOld: false, end };
      const timer = setTimeout(() => {
        this.#restsUntilMs = performance.now() + REST_OF_WAITS * this.#maxMs;
        end([this.#consumer]);
      }, this.#maxMs);
      waits.add(wait);
    });
  }

  /** Ends the waits for the events of a stream up to `revision`. `delayed` has not taken what came of them. */
  settle(stream: string, revision: number, delayed: Delayed = []): void {
    this.#restsUntilMs = 0;
    this.#end(stream, revision, delayed);
  }

  #end(stream: string, revision: number, delayed: Delayed): void {
    for (const wait of [...(this.#waitsByStream.get(stream) ?? [])]) if (wait.revision <= revision) wait.end(delayed);
  }

  /**
   * Ends the waits of `streams` as their rows say, which another copy of the relay may have changed. A stream without a
   * row has no event at all.
   */
  compare(streams: readonly string[], rows: readonly Progress[]): void {
    const rowByStream = new Map(rows.map((row) => [row.stream, row]));
    for (const stream of streams) {
      const { head, delivered, isStuck } = rowByStream.get(stream) ?? { head: 0, delivered: 0, isStuck: false };
      this.#end(stream, delivered, []);
      for (const wait of [...(this.#waitsByStream.get(stream) ?? [])]) {
        // A savepoint that was rolled back took its event with it.
        if (wait.revision > head) wait.end([]);
        else if (isStuck) wait.end([this.#consumer]);
      }
    }
  }

  /** Returns streams whose waits were there at the last call already. Those of most events have ended before. */
  listOldStreams(): string[] {
    const streams: string[] = [];
    for (const [stream, waits] of this.#waitsByStream) {
      if ([...waits].some(({ isOld }) => isOld)) streams.push(stream);
      for (const wait of waits) wait.isOld = true;
    }
    return streams;
  }

  /** Ends all waits: nobody delivers any more. */
  endAll(): void {
    for (const waits of [...this.#waitsByStream.values()]) for (const wait of [...waits]) wait.end([this.#consumer]);
  }
}

const waitsOfWork = new AsyncLocalStorage<Promise<Delayed>[]>();

/** Whether an answer may have to wait for a consumer: another subgraph, and not a system outside the hub. */
export function isAwaited(consumer: string): boolean {
  return (SERVICES as readonly string[]).includes(consumer);
}

/** Returns the list that collects the waits of the current work, or null if nobody will wait. */
export function currentWaits(): Promise<Delayed>[] | null {
  return waitsOfWork.getStore() ?? null;
}

/** Waits until other subgraphs know what the current work has committed so far. Must be called outside transactions. */
export async function awaitOwnEvents(): Promise<Delayed> {
  const delayed = await Promise.all(currentWaits() ?? []);
  return [...new Set(delayed.flat())];
}

/** Runs `proceed` as the beginning of work whose events `awaitOwnEvents` waits for. */
export function collectWaits(proceed: () => void): void {
  waitsOfWork.run([], proceed);
}

/** Runs work, then waits until other subgraphs know what it has committed. Does not wait if the work throws. */
export function runAndAwaitEvents<Result>(run: () => Promise<Result>): Promise<{ result: Result; delayed: Delayed }> {
  return waitsOfWork.run([], async () => {
    const result = await run();
    return { result, delayed: await awaitOwnEvents() };
  });
}
