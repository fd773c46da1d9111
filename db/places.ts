import { HUB_CALLER } from '../subgraphs/kernel/http/caller.ts';
import { FairQueue } from '../subgraphs/kernel/limits/fair-queue.ts';
import { Overload } from '../subgraphs/kernel/limits/overload.ts';

/** Shares the connections of a pool between callers: in turn, and none may take more than half of them. */

/** Most pieces of work that wait for a connection, of all callers and of one. The hub's own count among all. */
const WAITING_LIMITS = { all: 1_000, perCaller: 100, unlimitedCaller: HUB_CALLER } as const;
/** Work without a deadline of its own waits this long. */
const MAX_WAIT_MS = 10_000;

/** Work that needs a connection. */
export interface Work {
  /** The caller. Work of different callers is served in turn. The hub itself has no limit of one caller. */
  party: string;
  /** Whether the same work holds a connection already. It takes the place kept free for it, and is not refused. */
  isNested: boolean;
  /** Ends the wait, with its reason. */
  signal: AbortSignal | null;
}

/** A connection that is used by nobody else until it is released. */
export interface Place<Connection> {
  readonly connection: Connection;
  /** Gives the connection back, or another one in its place. Must be called once. */
  release(replacement?: Connection): void;
}

interface Waiting<Connection> {
  work: Work;
  serve(place: Place<Connection>): void;
}

/** The places of one pool. A place is one connection. */
export class Places<Connection> {
  readonly #free: Connection[];
  /** Kept for nested work, so that those who hold a place cannot all wait for another one. */
  readonly #reserve: number;
  readonly #maxOfParty: number;
  readonly #queue = new FairQueue<Waiting<Connection>>(WAITING_LIMITS);
  /** Served before all others: whoever waits here keeps a connection from them. */
  readonly #nested: Waiting<Connection>[] = [];
  readonly #held = new Map<string, number>();

  constructor(connections: readonly Connection[]) {
    this.#free = [...connections];
    this.#reserve = connections.length > 1 ? 1 : 0;
    this.#maxOfParty = Math.ceil(connections.length / 2);
  }

  /**
   * Waits for a place. Throws RATE_LIMITED if too much work of the party waits, OVERLOADED if too much in all waits or
   * no place gets free, and the reason of the signal.
   */
  acquire(work: Work): Promise<Place<Connection>> {
    const { signal } = work;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<Place<Connection>>();
    const drop = (reason: unknown) => {
      this.#remove(waiting);
      end();
      reject(reason);
    };
    const onAbort = () => drop(signal?.reason);
    const timer = signal ? undefined : setTimeout(() => drop(new Overload('OVERLOADED')), MAX_WAIT_MS);
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const waiting: Waiting<Connection> = {
      work,
      serve: (place) => {
        end();
        resolve(place);
      },
    };
    const fullLimit = this.#add(waiting);
    if (fullLimit !== null) {
      end();
      return Promise.reject(new Overload(fullLimit === 'CALLER' ? 'RATE_LIMITED' : 'OVERLOADED'));
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#serve();
    return promise;
  }

  #add(waiting: Waiting<Connection>): 'ALL' | 'CALLER' | null {
    const { party, isNested } = waiting.work;
    if (!isNested) return this.#queue.add(party, waiting);
    this.#nested.push(waiting);
    return null;
  }

  #remove(waiting: Waiting<Connection>): void {
    const index = this.#nested.indexOf(waiting);
    if (index === -1) this.#queue.remove(waiting.work.party, waiting);
    else this.#nested.splice(index, 1);
  }

  #serve(): void {
    for (let next = this.#takeNext(); next; next = this.#takeNext()) {
      const connection = this.#free.pop();
      if (connection === undefined) return;
      const { party, isNested } = next.work;
      if (!isNested) this.#held.set(party, (this.#held.get(party) ?? 0) + 1);
      next.serve(this.#makePlace(connection, next.work));
    }
  }

  #takeNext(): Waiting<Connection> | null {
    if (this.#free.length === 0) return null;
    const nested = this.#nested.shift();
    if (nested) return nested;
    if (this.#free.length <= this.#reserve) return null;
    return this.#queue.take((party) => party === HUB_CALLER || (this.#held.get(party) ?? 0) < this.#maxOfParty);
  }

  #makePlace(connection: Connection, { party, isNested }: Work): Place<Connection> {
    return {
      connection,
      release: (replacement = connection) => {
        this.#free.push(replacement);
        const held = (this.#held.get(party) ?? 0) - 1;
        if (!isNested && held > 0) this.#held.set(party, held);
        else if (!isNested) this.#held.delete(party);
        this.#serve();
      },
    };
  }
}
