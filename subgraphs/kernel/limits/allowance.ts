/**
 * What each caller may spend in a minute: requests, or the cost of operations. The allowance comes back steadily, so
 * that a caller can spend a whole minute's worth at once. Pure: the caller of a function brings the time.
 *
 * The table has a fixed size, and no flood of new callers takes an entry from a caller who has spent something: an
 * entry is only dropped once its allowance is whole again, which is when it equals a new one. While every entry is in
 * use, further callers spend from one common allowance.
 */
export interface Allowance {
  /**
   * Spends `amount` of a caller's allowance and returns 0. If it does not suffice, spends nothing and returns after how
   * many seconds it will. Infinity if `amount` is more than a whole minute's worth. `nowMs` must not go backwards.
   */
  spend(caller: string, amount: number, nowMs: number): number;
  /** Spends `amount` for work that is done already. What the caller lacks, it owes. */
  charge(caller: string, amount: number, nowMs: number): void;
  /** Returns what the caller can spend now, a whole number. */
  rest(caller: string, nowMs: number): number;
}

interface Entry {
  left: number;
  atMs: number;
}

const MS_PER_MINUTE = 60_000;
const MS_PER_SECOND = 1_000;

/** Creates a table in which each caller may spend `perMinute`. It counts `maxCallers` callers by themselves. */
export function createAllowance(perMinute: number, maxCallers: number): Allowance {
  /** The caller who spent longest ago comes first. */
  const entries = new Map<string, Entry>();
  const common: Entry = { left: perMinute, atMs: 0 };

  const restore = (entry: Entry, nowMs: number) => {
    entry.left = Math.min(perMinute, entry.left + (perMinute * Math.max(0, nowMs - entry.atMs)) / MS_PER_MINUTE);
    entry.atMs = nowMs;
  };
  /** Drops the oldest entry if its allowance is whole again. */
  const dropOldest = (nowMs: number): boolean => {
    const [oldest] = entries;
    if (!oldest) return false;
    const [key, entry] = oldest;
    restore(entry, nowMs);
    return entry.left >= perMinute && entries.delete(key);
  };
  const find = (caller: string, nowMs: number): Entry => {
    const known = entries.get(caller);
    if (!known && entries.size >= maxCallers && !dropOldest(nowMs)) return common;
    const entry = known ?? { left: perMinute, atMs: nowMs };
    entries.delete(caller);
    entries.set(caller, entry);
    return entry;
  };

  return {
    spend(caller, amount, nowMs) {
      if (amount > perMinute) return Number.POSITIVE_INFINITY;
      const entry = find(caller, nowMs);
      restore(entry, nowMs);
      if (entry.left < amount) return ((amount - entry.left) * MS_PER_MINUTE) / perMinute / MS_PER_SECOND;
      entry.left -= amount;
      return 0;
    },
    charge(caller, amount, nowMs) {
      const entry = find(caller, nowMs);
      restore(entry, nowMs);
      entry.left -= amount;
    },
    rest(caller, nowMs) {
      const entry = entries.get(caller);
      if (entry) restore(entry, nowMs);
      return Math.max(0, Math.floor(entry?.left ?? perMinute));
    },
  };
}
