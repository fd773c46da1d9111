import { hash } from 'node:crypto';

/** Maximum number of entries in one cache. The oldest entry is evicted. */
const MAX_ENTRIES = 1_024;

/**
 * Caches the results of a pure function by the SHA-256 of its input bytes. Every document repeats the same certificates,
 * revocation lists and keys of authorities. The cache does not change results. It does not store a call that throws.
 */
export function memoizeByDigest<Result>(compute: (bytes: Buffer) => Result): (bytes: Uint8Array) => Result {
  const results = new Map<string, Result>();
  return (bytes) => {
    const key = hash('sha256', bytes, 'base64');
    const cachedResult = results.get(key);
    if (cachedResult !== undefined) return cachedResult;
    // Copy the bytes: the caller may change them later, and a slice would keep the whole file in memory.
    const result = compute(Buffer.from(bytes));
    if (results.size >= MAX_ENTRIES) {
      const [oldest] = results.keys();
      if (oldest !== undefined) results.delete(oldest);
    }
    results.set(key, result);
    return result;
  };
}
