import { hash } from 'node:crypto';

/** Most entries of one memory; the oldest gives way. */
const ENTRIES_MOST = 1_024;

/**
 * Remembers what a pure function gave for bytes, by their SHA-256: certificates, lists and keys of authorities come with every
 * document again. The result is the same with and without it; what throws is not remembered.
 */
export function remembered<Result>(read: (bytes: Buffer) => Result): (bytes: Uint8Array) => Result {
  const known = new Map<string, Result>();
  return (bytes) => {
    const key = hash('sha256', bytes, 'base64');
    const before = known.get(key);
    if (before !== undefined) return before;
    // A copy: the caller may write into its bytes afterwards, and a slice would keep the whole file alive.
    const result = read(Buffer.from(bytes));
    if (known.size >= ENTRIES_MOST) {
      const [oldest] = known.keys();
      if (oldest !== undefined) known.delete(oldest);
    }
    known.set(key, result);
    return result;
  };
}
