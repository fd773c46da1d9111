import { createHash } from 'node:crypto';
import { LogFault } from './fault.ts';

/** The Merkle tree of RFC 6962 §2.1 over SHA-256: hashes, proofs, verification (RFC 9162 §2.1.3.2, §2.1.4.2). */

export const HASH_BYTES = 32;
/** The root of a tree without leaves. */
export const EMPTY_ROOT: Uint8Array = createHash('sha256').digest();

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** Reads the hash of the perfect subtree over leaf `index * 2 ** height` and the `2 ** height - 1` leaves after it. */
export type ReadHash = (height: number, index: number) => Promise<Uint8Array> | Uint8Array;

/** Leaves from `start` up to, but not including, `end`. */
interface Range {
  start: number;
  end: number;
}

export function hashLeaf(entry: Uint8Array): Uint8Array {
  return createHash('sha256').update(LEAF_PREFIX).update(entry).digest();
}

export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(NODE_PREFIX).update(left).update(right).digest();
}

/** Returns the root over a row of subtrees, such as a tree's frontier. Each must be at least as high as the next. */
export function foldSubtrees(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return EMPTY_ROOT;
  return hashes.reduceRight((right, left) => hashNode(left, right));
}

/** Returns the root of the first `size` leaves. Throws LogFault. */
export async function computeRoot(readHash: ReadHash, size: number): Promise<Uint8Array> {
  return hashRange(readHash, { start: 0, end: requireSize(size) });
}

/** Returns the proof that a tree of `size` leaves contains leaf `index`: siblings from the leaf up. Throws LogFault. */
export async function proveInclusion(readHash: ReadHash, index: number, size: number): Promise<Uint8Array[]> {
  requireIndex(index, size);
  const siblings: Range[] = [];
  let { start, end }: Range = { start: 0, end: size };
  while (end - start > 1) {
    const middle = start + largestPowerBelow(end - start);
    if (index < middle) {
      siblings.push({ start: middle, end });
      end = middle;
    } else {
      siblings.push({ start, end: middle });
      start = middle;
    }
  }
  return Promise.all(siblings.reverse().map((range) => hashRange(readHash, range)));
}

/** Returns the proof that the tree of `size` leaves extends that of `oldSize` leaves. Throws LogFault. */
export async function proveConsistency(readHash: ReadHash, oldSize: number, size: number): Promise<Uint8Array[]> {
  if (requireSize(oldSize) > requireSize(size)) throw new LogFault('OLD_SIZE_LARGER');
  if (oldSize === 0 || oldSize === size) return [];
  const ranges: Range[] = [];
  let { start, end }: Range = { start: 0, end: size };
  while (oldSize !== end) {
    const middle = start + largestPowerBelow(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The verifier knows the hash of the last subtree only if that subtree is the whole old tree.
  if (start !== 0) ranges.push({ start, end });
  return Promise.all(ranges.reverse().map((range) => hashRange(readHash, range)));
}

/** Throws LogFault unless `proof` leads from the leaf with this hash and index to the root of a tree of this size. */
export function requireIncluded(
  { index, size, root }: { index: number; size: number; root: Uint8Array },
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  requireIndex(index, size);
  for (const hash of [root, leaf, ...proof]) requireHash(hash);
  let [position, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw new LogFault('PROOF_TOO_LONG');
    if (isOdd(position) || position === last) {
      hash = hashNode(sibling, hash);
      while (!isOdd(position) && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      hash = hashNode(hash, sibling);
    }
    [position, last] = [half(position), half(last)];
  }
  if (last !== 0) throw new LogFault('PROOF_TOO_SHORT');
  if (!isSame(hash, root)) throw new LogFault('ROOT_WRONG');
}

/** Size and root of a tree, as in a checkpoint. */
export interface TreeHead {
  size: number;
  root: Uint8Array;
}

/** Throws LogFault unless `proof` shows that the tree `next` begins with the leaves of `old`. */
export function requireConsistent(old: TreeHead, next: TreeHead, proof: readonly Uint8Array[]): void {
  if (requireSize(old.size) > requireSize(next.size)) throw new LogFault('OLD_SIZE_LARGER');
  for (const hash of [old.root, next.root, ...proof]) requireHash(hash);
  for (const head of [old, next]) {
    if (head.size === 0 && !isSame(head.root, EMPTY_ROOT)) throw new LogFault('ROOT_WRONG');
  }
  if (old.size === 0 || old.size === next.size) {
    if (proof.length > 0) throw new LogFault('PROOF_TOO_LONG');
    if (old.size === next.size && !isSame(old.root, next.root)) throw new LogFault('ROOTS_OF_ONE_SIZE_DIFFER');
    return;
  }
  requireGrowth(old, next, isPowerOfTwo(old.size) ? [old.root, ...proof] : proof);
}

function requireGrowth(old: TreeHead, next: TreeHead, path: readonly Uint8Array[]): void {
  let [position, last] = [old.size - 1, next.size - 1];
  while (isOdd(position)) [position, last] = [half(position), half(last)];
  const [first, ...rest] = path;
  if (!first) throw new LogFault('PROOF_TOO_SHORT');
  let [oldHash, newHash] = [first, first];
  for (const hash of rest) {
    if (last === 0) throw new LogFault('PROOF_TOO_LONG');
    if (isOdd(position) || position === last) {
      [oldHash, newHash] = [hashNode(hash, oldHash), hashNode(hash, newHash)];
      while (!isOdd(position) && position !== 0) [position, last] = [half(position), half(last)];
    } else {
      newHash = hashNode(newHash, hash);
    }
    [position, last] = [half(position), half(last)];
  }
  if (last !== 0) throw new LogFault('PROOF_TOO_SHORT');
  if (!isSame(oldHash, old.root)) throw new LogFault('OLD_ROOT_WRONG');
  if (!isSame(newHash, next.root)) throw new LogFault('ROOT_WRONG');
}

/** Hashes a row of leaves from its perfect subtrees, the highest first. The row must begin at a subtree boundary. */
async function hashRange(readHash: ReadHash, { start, end }: Range): Promise<Uint8Array> {
  const parts: (Promise<Uint8Array> | Uint8Array)[] = [];
  for (let position = start; position < end; ) {
    const height = computeHeight(end - position);
    const width = 2 ** height;
    parts.push(readHash(height, position / width));
    position += width;
  }
  return foldSubtrees(await Promise.all(parts));
}

/** Returns the height of the highest perfect subtree in a row of leaves. Logarithms are not exact near 2 ** 53. */
function computeHeight(leaves: number): number {
  let height = 0;
  while (2 ** (height + 1) <= leaves) height++;
  return height;
}

/** Returns the largest power of two below `count`. */
function largestPowerBelow(count: number): number {
  return 2 ** computeHeight(count - 1);
}

function requireSize(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) throw new LogFault('SIZE_MALFORMED');
  return size;
}

function requireIndex(index: number, size: number): void {
  if (requireSize(size) === 0) throw new LogFault('TREE_EMPTY');
  if (!Number.isSafeInteger(index) || index < 0) throw new LogFault('INDEX_MALFORMED');
  if (index >= size) throw new LogFault('INDEX_OUTSIDE_TREE');
}

function requireHash(hash: Uint8Array): void {
  if (hash.length !== HASH_BYTES) throw new LogFault('HASH_LENGTH');
}

// Sizes have up to 53 bits, so 32-bit operators must not be used.
const half = (value: number) => Math.floor(value / 2);
const isOdd = (value: number) => value % 2 === 1;
const isPowerOfTwo = (value: number) => 2 ** computeHeight(value) === value;

export function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
