import { hashNodes as joinHashes } from './tree.ts';

/** Computes proofs from the tiles that a log publishes (C2SP tlog-tiles). */

const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const HASH_BYTES = 32;

/** Reads a file of the log by its path below `/log/`. Returns null if there is none. */
export type ReadTile = (path: string) => Promise<Buffer | null>;

/**
 * Computes the proof that the tree of `size` leaves extends the tree of `old` leaves (RFC 6962 §2.1.2).
 * Throws if a tile is missing or incomplete.
 */
export async function computeProof(read: ReadTile, oldSize: number, size: number): Promise<Buffer[]> {
  if (oldSize === 0 || oldSize >= size) return [];
  const hashOf = makeHasher(read, size);
  const proof: Buffer[] = [];
  let [start, end] = [0, size];
  while (oldSize !== end) {
    const middle = start + largestPowerBelow(end - start);
    if (oldSize <= middle) {
      proof.push(await hashOf(middle, end));
      end = middle;
    } else {
      proof.push(await hashOf(start, middle));
      start = middle;
    }
  }
  if (start !== 0) proof.push(await hashOf(start, end));
  return proof.reverse();
}

/** Returns a function that computes the hash over the leaves from `start` to `end` (exclusive) in a tree of `size`. */
function makeHasher(read: ReadTile, size: number) {
  const tileCache = new Map<string, Promise<Buffer>>();
  const loadTile = (level: number, n: number): Promise<Buffer> => {
    const key = `${level}/${n}`;
    const cachedTile =
      tileCache.get(key) ??
      readTile(read, level, n, Math.min(TILE_WIDTH, Math.floor(size / TILE_WIDTH ** level) - n * TILE_WIDTH));
    tileCache.set(key, cachedTile);
    return cachedTile;
  };
  const hashPerfectTree = async (height: number, index: number): Promise<Buffer> => {
    const [level, rowHeight] = [Math.floor(height / TILE_HEIGHT), height % TILE_HEIGHT];
    const first = index * 2 ** rowHeight;
    const tile = await loadTile(level, Math.floor(first / TILE_WIDTH));
    const from = first % TILE_WIDTH;
    let row = Array.from({ length: 2 ** rowHeight }, (_, i) => hashAt(tile, from + i));
    while (row.length > 1) {
      row = row.flatMap((left, i) => (i % 2 === 0 ? [joinHashes(left, row[i + 1] as Buffer)] : []));
    }
    return row[0] as Buffer;
  };
  const hashOf = async (start: number, end: number): Promise<Buffer> => {
    const count = end - start;
    const height = Math.log2(count);
    if (Number.isInteger(height) && 2 ** height === count) return hashPerfectTree(height, start / count);
    const middle = start + largestPowerBelow(count);
    return joinHashes(await hashOf(start, middle), await hashOf(middle, end));
  };
  return hashOf;
}

/** Reads a tile with at least `width` hashes. A tile that was partial may be complete by now. */
async function readTile(read: ReadTile, level: number, n: number, width: number): Promise<Buffer> {
  const path = `tile/${level}/${pathOf(n)}`;
  const bytes = (width < TILE_WIDTH ? await read(`${path}.p/${width}`) : null) ?? (await read(path));
  if (!bytes || bytes.length < width * HASH_BYTES) throw new Error(`the log does not show ${path}`);
  return bytes;
}

function hashAt(tile: Buffer, index: number): Buffer {
  return tile.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}

/** Returns the path of tile `n`: groups of three digits, each but the last prefixed with x. */
function pathOf(n: number): string {
  const groups = [n % 1_000];
  for (let rest = Math.floor(n / 1_000); rest > 0; rest = Math.floor(rest / 1_000)) groups.unshift(rest % 1_000);
  return groups.map((group, i) => `${i < groups.length - 1 ? 'x' : ''}${String(group).padStart(3, '0')}`).join('/');
}

function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
