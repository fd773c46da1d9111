import { createHash } from 'node:crypto';
import { LogFault } from './fault.ts';

/** The Merkle tree of RFC 6962 §2.1 over SHA-256: hashes, proofs, verification (RFC 9162 §2.1.3.2, §2.1.4.2). */

export const HASH_BYTES = 32;
/** The root of a tree without leaves. */
export const EMPTY_ROOT: Uint8Array = createHash('sha256').digest();

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Reads the hash of the perfect subtree over leaf `index * 2 ** height` and the `2 ** height - 1` leaves after it. */
export type ReadHash = (height: number, index: number) => Promise<Uint8Array> | Uint8Array;

/** Leaves from `start` up to, but not including, `end`. */
interface Range {
  start: number;
  end: number;
}

export function leafHash(entry: Uint8Array): Uint8Array {
  return createHash('sha256').update(LEAF).update(entry).digest();
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

/** Returns the root over a row of subtrees, such as a tree's frontier. Each must be at least as high as the next. */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return EMPTY_ROOT;
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

/** Returns the root of the first `size` leaves. Throws LogFault. */
export async function rootAt(read: ReadHash, size: number): Promise<Uint8Array> {
  return hashOf(read, { start: 0, end: requireSize(size) });
}

/** Returns the proof that a tree of `size` leaves contains leaf `index`: siblings from the leaf up. Throws LogFault. */
export async function proveInclusion(read: ReadHash, index: number, size: number): Promise<Uint8Array[]> {
  requireIndex(index, size);
  const siblings: Range[] = [];
  let { start, end }: Range = { start: 0, end: size };
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      siblings.push({ start: middle, end });
      end = middle;
    } else {
      siblings.push({ start, end: middle });
      start = middle;
    }
  }
  return Promise.all(siblings.reverse().map((range) => hashOf(read, range)));
}

/** Returns the proof that the tree of `size` leaves extends that of `oldSize` leaves. Throws LogFault. */
export async function proveConsistency(read: ReadHash, oldSize: number, size: number): Promise<Uint8Array[]> {
  if (requireSize(oldSize) > requireSize(size)) throw new LogFault('OLD_SIZE_LARGER');
  if (oldSize === 0 || oldSize === size) return [];
  const needed: Range[] = [];
  let { start, end }: Range = { start: 0, end: size };
  while (oldSize !== end) {
    const middle = start + splitOf(end - start);
    if (oldSize <= middle) {
      needed.push({ start: middle, end });
      end = middle;
    } else {
      needed.push({ start, end: middle });
      start = middle;
    }
  }
  // The verifier knows the hash of the last subtree only if that subtree is the whole old tree.
  if (start !== 0) needed.push({ start, end });
  return Promise.all(needed.reverse().map((range) => hashOf(read, range)));
}

/** Throws LogFault unless `proof` leads from the leaf with this hash and index to the root of a tree of this size. */
export function requireIncluded(
  { index, size, root }: { index: number; size: number; root: Uint8Array },
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  requireIndex(index, size);
  for (const hash of [root, leaf, ...proof]) requireHash(hash);
  let [at, last, hash] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) throw new LogFault('PROOF_TOO_LONG');
    if (isOdd(at) || at === last) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw new LogFault('PROOF_TOO_SHORT');
  if (!isSame(hash, root)) throw new LogFault('ROOT_WRONG');
}

/** Size and root of a tree, as in a checkpoint. */
export interface Head {
  size: number;
  root: Uint8Array;
}

/** Throws LogFault unless `proof` shows that the tree `next` begins with the leaves of `old`. */
export function requireConsistent(old: Head, next: Head, proof: readonly Uint8Array[]): void {
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
  requireGrown(old, next, isPowerOfTwo(old.size) ? [old.root, ...proof] : proof);
}

function requireGrown(old: Head, next: Head, path: readonly Uint8Array[]): void {
  let [at, last] = [old.size - 1, next.size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  const [first, ...rest] = path;
  if (!first) throw new LogFault('PROOF_TOO_SHORT');
  let [before, after] = [first, first];
  for (const hash of rest) {
    if (last === 0) throw new LogFault('PROOF_TOO_LONG');
    if (isOdd(at) || at === last) {
      [before, after] = [nodeHash(hash, before), nodeHash(hash, after)];
      while (!isOdd(at) && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      after = nodeHash(after, hash);
    }
    [at, last] = [half(at), half(last)];
  }
  if (last !== 0) throw new LogFault('PROOF_TOO_SHORT');
  if (!isSame(before, old.root)) throw new LogFault('OLD_ROOT_WRONG');
  if (!isSame(after, next.root)) throw new LogFault('ROOT_WRONG');
}

/** Hashes a row of leaves from its perfect subtrees, the highest first. The row must begin at a subtree boundary. */
async function hashOf(read: ReadHash, { start, end }: Range): Promise<Uint8Array> {
  const parts: (Promise<Uint8Array> | Uint8Array)[] = [];
  for (let at = start; at < end; ) {
    const height = heightOf(end - at);
    const width = 2 ** height;
    parts.push(read(height, at / width));
    at += width;
  }
  return foldRight(await Promise.all(parts));
}

/** Returns the height of the highest perfect subtree in a row of leaves. Logarithms are not exact near 2 ** 53. */
function heightOf(leaves: number): number {
  let height = 0;
  while (2 ** (height + 1) <= leaves) height++;
  return height;
}

/** Returns the largest power of two below `count`. */
function splitOf(count: number): number {
  return 2 ** heightOf(count - 1);
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
const half = (of: number) => Math.floor(of / 2);
const isOdd = (of: number) => of % 2 === 1;
const isPowerOfTwo = (of: number) => 2 ** heightOf(of) === of;

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
