import { Overload } from '../subgraphs/kernel/overload.ts';

/** Shares the connections of a pool between callers: in turn, and none may take more than half of them. */

/** Most pieces of work that wait for a connection. */
const MAX_WAITING = 1_000;
/** Work without a deadline of its own waits this long. */
const MAX_WAIT_MS = 10_000;

/** Work that needs a connection. */
export interface Work {
  /** The caller. Work of different callers is served in turn. */
  party: string;
  /** Whether the limit of one caller applies. It does not to the hub's own work. */
  isLimited: boolean;
  /** Whether the same work holds a connection already. It takes the place that is kept free for it. */
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
  /** By party. The party that was served last is the last. */
  readonly #waiting = new Map<string, Waiting<Connection>[]>();
  readonly #held = new Map<string, number>();
  #waitingCount = 0;

  constructor(connections: readonly Connection[]) {
    this.#free = [...connections];
    this.#reserve = connections.length > 1 ? 1 : 0;
    this.#maxOfParty = Math.ceil(connections.length / 2);
  }

  /** Waits for a place. Throws OVERLOADED if too many wait or none gets free, and the reason of the signal. */
  acquire(work: Work): Promise<Place<Connection>> {
    const { signal } = work;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waitingCount >= MAX_WAITING) return Promise.reject(new Overload('OVERLOADED'));
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
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#add(waiting);
    this.#serve();
    return promise;
  }

  #add(waiting: Waiting<Connection>): void {
    const { party, isNested } = waiting.work;
    const queue = this.#waiting.get(party) ?? [];
    if (isNested) queue.unshift(waiting);
    else queue.push(waiting);
    this.#waiting.set(party, queue);
    this.#waitingCount++;
  }

  #remove(waiting: Waiting<Connection>): void {
    const { party } = waiting.work;
    const queue = this.#waiting.get(party) ?? [];
    const index = queue.indexOf(waiting);
    if (index === -1) return;
    queue.splice(index, 1);
    this.#waitingCount--;
    if (queue.length === 0) this.#waiting.delete(party);
  }

  #serve(): void {
    for (let next = this.#findNext(); next; next = this.#findNext()) {
      const connection = this.#free.pop();
      if (connection === undefined) return;
      const { party, isNested } = next.work;
      this.#remove(next);
      const queue = this.#waiting.get(party);
      if (queue && this.#waiting.delete(party)) this.#waiting.set(party, queue);
      if (!isNested) this.#held.set(party, (this.#held.get(party) ?? 0) + 1);
      next.serve(this.#makePlace(connection, next.work));
    }
  }

  #findNext(): Waiting<Connection> | null {
    for (const [first] of this.#waiting.values()) if (first && this.#mayServe(first.work)) return first;
    return null;
  }

  #mayServe({ party, isLimited, isNested }: Work): boolean {
    if (isNested) return this.#free.length > 0;
    if (this.#free.length <= this.#reserve) return false;
    return !isLimited || (this.#held.get(party) ?? 0) < this.#maxOfParty;
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
