import { createHash } from 'node:crypto';

/** A cache of limited size. It evicts the entry that was set first. */
export interface BoundedCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  /** Returns the cached value, or computes and caches it. Does not cache a call that throws. */
  getOrCompute(key: string, compute: () => Value): Value;
}

/** `undefined` cannot be cached. */
export function createCache<Value>(maxEntries: number): BoundedCache<Value> {
  const entries = new Map<string, Value>();
  const set = (key: string, value: Value) => {
    if (entries.size >= maxEntries && !entries.has(key)) {
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    }
    entries.set(key, value);
  };
  return {
    get: (key) => entries.get(key),
    set,
    delete: (key) => {
      entries.delete(key);
    },
    getOrCompute: (key, compute) => {
      const cachedValue = entries.get(key);
      if (cachedValue !== undefined) return cachedValue;
      const value = compute();
      set(key, value);
      return value;
    },
  };
}

/** Maximum number of results of one function that `memoizeByDigest` keeps. */
const MAX_RESULTS = 1_024;

/**
 * Caches the results of a pure function by the SHA-256 of its input bytes. Every document repeats the same
 * certificates, revocation lists and keys of authorities. The cache does not change results. It does not store a call
 * that throws.
 */
export function memoizeByDigest<Result>(compute: (bytes: Buffer) => Result): (bytes: Uint8Array) => Result {
  const results = createCache<Result>(MAX_RESULTS);
  return (bytes) => {
    // Copy the bytes: the caller may change them later, and a slice would keep the whole file in memory.
    return results.getOrCompute(createHash('sha256').update(bytes).digest('base64'), () => compute(Buffer.from(bytes)));
  };
}
