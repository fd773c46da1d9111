import { hash } from 'node:crypto';

/** Maximum number of entries in one cache. The oldest entry is evicted. */
const ENTRIES_MOST = 1_024;

/**
 * Caches the results of a pure function by the SHA-256 of its input bytes. Every document repeats the same certificates,
 * revocation lists and keys of authorities. The cache does not change results. It does not store a call that throws.
 */
export function remembered<Result>(read: (bytes: Buffer) => Result): (bytes: Uint8Array) => Result {
  const known = new Map<string, Result>();
  return (bytes) => {
    const key = hash('sha256', bytes, 'base64');
    const before = known.get(key);
    if (before !== undefined) return before;
    // Copy the bytes: the caller may change them later, and a slice would keep the whole file in memory.
    const result = read(Buffer.from(bytes));
    if (known.size >= ENTRIES_MOST) {
      const [oldest] = known.keys();
      if (oldest !== undefined) known.delete(oldest);
    }
    known.set(key, result);
    return result;
  };
}
