import { createHash } from 'node:crypto';

/** Consistency of Merkle trees (RFC 6962 §2.1): whether one tree extends another. */

export interface Tree {
  size: number;
  /** 32 bytes. */
  root: Buffer;
}

export const EMPTY_ROOT = createHash('sha256').digest();

export function hashNodes(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(left)
    .update(right)
    .digest();
}

/** Returns whether exactly this proof (RFC 6962 §2.1.2) shows that `next` begins with the leaves of `old`. */
export function isConsistent(old: Tree, next: Tree, proof: readonly Buffer[]): boolean {
  if (old.size > next.size) return false;
  if (next.size === 0 && !next.root.equals(EMPTY_ROOT)) return false;
  if (old.size === 0) return proof.length === 0;
  const remainingProof = [...proof];
  const roots = computeRoots(old, old.size, next.size, true, remainingProof);
  return roots !== null && remainingProof.length === 0 && roots.old.equals(old.root) && roots.next.equals(next.root);
}

/** Computes both roots of `next` leaves, of which the first `old` are known. Returns null if the proof is too short. */
function computeRoots(
  knownTree: Tree,
  old: number,
  next: number,
  isWhole: boolean,
  proof: Buffer[],
): { old: Buffer; next: Buffer } | null {
  if (old === next) {
    const root = isWhole ? knownTree.root : proof.shift();
    return root ? { old: root, next: root } : null;
  }
  let left = 1;
  while (left * 2 < next) left *= 2;
  const inner =
    old <= left
      ? computeRoots(knownTree, old, left, isWhole, proof)
      : computeRoots(knownTree, old - left, next - left, false, proof);
  const sibling = proof.shift();
  if (!inner || !sibling) return null;
  if (old <= left) return { old: inner.old, next: hashNodes(inner.next, sibling) };
  return { old: hashNodes(sibling, inner.old), next: hashNodes(sibling, inner.next) };
}
