import { createHash } from 'node:crypto';

/** Consistency of Merkle trees (RFC 6962 §2.1): whether one tree extends another. */

export interface Tree {
  size: number;
  /** 32 bytes. */
  root: Buffer;
}

export const EMPTY = createHash('sha256').digest();

export function join(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest();
}

/** Returns whether exactly this proof (RFC 6962 §2.1.2) shows that `next` begins with the leaves of `old`. */
export function goesOn(old: Tree, next: Tree, proof: readonly Buffer[]): boolean {
  if (old.size > next.size) return false;
  if (next.size === 0 && !next.root.equals(EMPTY)) return false;
  if (old.size === 0) return proof.length === 0;
  const rest = [...proof];
  const roots = walk(old, old.size, next.size, true, rest);
  return roots !== null && rest.length === 0 && roots.old.equals(old.root) && roots.next.equals(next.root);
}

/** Computes both roots of `next` leaves, of which the first `old` are known. Returns null if the proof is too short. */
function walk(
  known: Tree,
  old: number,
  next: number,
  isWhole: boolean,
  proof: Buffer[],
): { old: Buffer; next: Buffer } | null {
  if (old === next) {
    const same = isWhole ? known.root : proof.shift();
    return same ? { old: same, next: same } : null;
  }
  let left = 1;
  while (left * 2 < next) left *= 2;
  const inner =
    old <= left ? walk(known, old, left, isWhole, proof) : walk(known, old - left, next - left, false, proof);
  const beside = proof.shift();
  if (!inner || !beside) return null;
  if (old <= left) return { old: inner.old, next: join(inner.next, beside) };
  return { old: join(beside, inner.old), next: join(beside, inner.next) };
}
