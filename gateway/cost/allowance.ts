/** How much each caller may ask for in a minute: a token bucket per caller, with bounded memory. */

const MINUTE_MS = 60_000;
/** Callers whose spending is remembered. Beyond it, whoever spent least recently is forgotten. */
const MAX_CALLERS = 20_000;

export interface Allowance {
  /** Units that the caller may still spend now, a whole number. */
  rest(caller: string, perMinute: number): number;
  /**
   * Spends `cost` and returns 0, or spends nothing and returns the seconds until the caller has it. `perMinute` is both
   * the capacity of the bucket and what flows into it within a minute.
   */
  spend(caller: string, perMinute: number, cost: number): number;
  /** Spends `cost` for work that is done already, whether or not the caller has it. */
  charge(caller: string, perMinute: number, cost: number): void;
}

interface Bucket {
  spent: number;
  atMs: number;
}

/** Creates the allowance of all callers. `nowMs` is a clock that only goes forward, in milliseconds. */
export function createAllowance(nowMs: () => number, maxCallers: number = MAX_CALLERS): Allowance {
  // In the order of the last spending: a Map keeps the order in which its keys were added.
  const buckets = new Map<string, Bucket>();
  const readSpent = (caller: string, perMinute: number): number => {
    const bucket = buckets.get(caller);
    return bucket ? Math.max(0, bucket.spent - ((nowMs() - bucket.atMs) * perMinute) / MINUTE_MS) : 0;
  };
  const forgetOldest = () => {
    for (const [caller, { atMs }] of buckets) {
      // After a minute without spending every bucket is full again.
      if (buckets.size <= maxCallers && nowMs() - atMs < MINUTE_MS) return;
      buckets.delete(caller);
    }
  };
  const setSpent = (caller: string, spent: number) => {
    buckets.delete(caller);
    buckets.set(caller, { spent, atMs: nowMs() });
    forgetOldest();
  };
  return {
    rest: (caller, perMinute) => Math.max(0, Math.floor(perMinute - readSpent(caller, perMinute))),
    spend(caller, perMinute, cost) {
      const spent = readSpent(caller, perMinute);
      const missing = spent + cost - perMinute;
      if (missing > 0) return Math.ceil((missing / perMinute) * (MINUTE_MS / 1_000));
      setSpent(caller, spent + cost);
      return 0;
    },
    charge: (caller, perMinute, cost) => setSpent(caller, readSpent(caller, perMinute) + cost),
  };
}
