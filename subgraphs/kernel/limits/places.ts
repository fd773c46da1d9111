import { FairQueue } from './fair-queue.ts';
import { Overload } from './overload.ts';

/**
 * Places for work that runs at the same time. One caller can take only a part of them. Who finds no free place waits.
 * Callers who wait get free places in turn, however much each of them asks for. Pure: the edge sets the time limit.
 * The tables are as small as the limits, whoever asks.
 */

export interface PlaceLimits {
  maxOperations: number;
  maxOperationsPerCaller: number;
  maxWaiting: number;
  maxWaitingPerCaller: number;
}

/** Somebody who has asked for a place. */
export interface Ticket {
  /** Resolves when the place is taken. Rejects with Overload if the ticket is released or given up before. */
  taken: Promise<void>;
  /** Frees the place, or stops waiting for one. May be called more than once. */
  release(): void;
  /** Stops waiting, because it has taken too long. Does nothing if the place is taken. */
  giveUp(): void;
}

export interface Places {
  /** Asks for a place. Throws Overload RATE_LIMITED or OVERLOADED if too many wait already. */
  take(caller: string): Ticket;
  /** How many places are taken, and how many tickets wait. */
  count(): { taken: number; waiting: number };
}

interface Waiting {
  start(): void;
}

export function createPlaces(limits: PlaceLimits): Places {
  const queue = new FairQueue<Waiting>({ all: limits.maxWaiting, perCaller: limits.maxWaitingPerCaller });
  const takenBy = new Map<string, number>();
  let taken = 0;

  const mayRun = (caller: string) => (takenBy.get(caller) ?? 0) < limits.maxOperationsPerCaller;
  const change = (caller: string, by: 1 | -1) => {
    const count = (takenBy.get(caller) ?? 0) + by;
    if (count === 0) takenBy.delete(caller);
    else takenBy.set(caller, count);
    taken += by;
  };
  const startNext = () => {
    while (taken < limits.maxOperations) {
      const next = queue.take(mayRun);
      if (!next) return;
      next.start();
    }
  };

  const take = (caller: string): Ticket => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let state: 'waiting' | 'taken' | 'ended' = 'waiting';
    const place = {
      start() {
        state = 'taken';
        change(caller, 1);
        resolve();
      },
    };
    const end = () => {
      if (state === 'waiting' && queue.remove(caller, place)) {
        reject(new Overload(mayRun(caller) ? 'OVERLOADED' : 'RATE_LIMITED'));
      }
      if (state === 'taken') change(caller, -1);
      state = 'ended';
      startNext();
    };
    const fullLimit = queue.add(caller, place);
    if (fullLimit !== null)
      throw new Overload(fullLimit === 'CALLER' || !mayRun(caller) ? 'RATE_LIMITED' : 'OVERLOADED');
    startNext();
    return { taken: promise, release: end, giveUp: () => (state === 'waiting' ? end() : undefined) };
  };
  return { take, count: () => ({ taken, waiting: queue.size }) };
}
