import { EMPTY_ROOT, foldSubtrees, hashNode, type ReadHash } from '../../kernel/tlog/tree.ts';

/** Tiles (C2SP tlog-tiles): the tree as rows of 256 hashes, each row a static file. */

export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const MAX_LEVEL = 63;
const ENTRY_LENGTH_BYTES = 2;
/** Maximum of bytes of an entry: a bundle stores the length in two bytes. */
export const MAX_ENTRY_BYTES = 65_535;

/** A tile of hashes or of entries. `width` is below 256 while the tile is partial. */
export interface Tile {
  level: number | 'entries';
  n: number;
  width: number;
}

/** Returns a tile's path below the log's address: `tile/0/x001/234.p/5`. */
export function tilePath({ level, n, width }: Tile): string {
  const digits = String(n).padStart(Math.ceil(String(n).length / 3) * 3, '0');
  const [last, ...leadingParts] = (digits.match(/\d{3}/g) ?? []).reverse();
  const index = [...leadingParts.reverse().map((part) => `x${part}`), last].join('/');
  return `tile/${level}/${index}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Parses a tile path. Returns null unless it is in the canonical form. */
export function parseTilePath(path: string): Tile | null {
  const [, levelText, indexText, width = String(TILE_WIDTH)] =
    /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path) ?? [];
  if (levelText === undefined || indexText === undefined) return null;
  const level: Tile['level'] = levelText === 'entries' ? levelText : Number(levelText);
  const tile = { level, n: Number(indexText.replaceAll(/[x/]/g, '')), width: Number(width) };
  const isTile = tile.width >= 1 && tile.width <= TILE_WIDTH && (level === 'entries' || level <= MAX_LEVEL);
  return isTile && tilePath(tile) === path ? tile : null;
}

/**
 * Returns the tiles that a tree of `size` leaves has and a tree of `from` leaves does not have, hashes before entries.
 * Leaves out tiles that are partial at `size` and full at `newest`: nobody needs them.
 */
export function listNewTiles(from: number, size: number, newest: number): Tile[] {
  const hashTiles: Tile[] = [];
  for (let level = 0; ; level++) {
    const [oldWidth, newWidth, finalWidth] = [from, size, newest].map((leaves) => countHashes(leaves, level)) as [
      number,
      number,
      number,
    ];
    if (newWidth === 0) break;
    const tiles = listRowTiles(oldWidth, newWidth, finalWidth).map((tile) => ({ level, ...tile }));
    hashTiles.push(...tiles);
  }
  return [...hashTiles, ...listRowTiles(from, size, newest).map((tile) => ({ level: 'entries' as const, ...tile }))];
}

/** Returns the number of hashes on a level of a tree. */
function countHashes(leaves: number, level: number): number {
  return Math.floor(leaves / TILE_WIDTH ** level);
}

function listRowTiles(oldWidth: number, newWidth: number, finalWidth: number): { n: number; width: number }[] {
  const tiles: { n: number; width: number }[] = [];
  if (newWidth === oldWidth) return tiles;
  for (let n = Math.floor(oldWidth / TILE_WIDTH); n * TILE_WIDTH < newWidth; n++) {
    const width = Math.min(newWidth - n * TILE_WIDTH, TILE_WIDTH);
    if (width === TILE_WIDTH || finalWidth < (n + 1) * TILE_WIDTH) tiles.push({ n, width });
  }
  return tiles;
}

/** Concatenates entries, each after its length in two bytes. Throws RangeError if an entry is too long. */
export function bundleEntries(entries: readonly Uint8Array[]): Uint8Array {
  const parts = entries.flatMap((entry) => {
    if (entry.length > MAX_ENTRY_BYTES) throw new RangeError('an entry of the log has at most 65535 bytes');
    const length = Buffer.alloc(ENTRY_LENGTH_BYTES);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  });
  return Buffer.concat(parts);
}

/** Splits what `bundleEntries` has concatenated. Throws RangeError if the last entry is cut. */
export function splitEntries(bytes: Uint8Array): Uint8Array[] {
  const bundle = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const start = at + ENTRY_LENGTH_BYTES;
    if (start > bundle.length) throw new RangeError('a bundle of entries is cut');
    at = start + bundle.readUInt16BE(at);
    if (at > bundle.length) throw new RangeError('a bundle of entries is cut');
    entries.push(bundle.subarray(start, at));
  }
  return entries;
}

/** The hashes of the partial tile on each level: all that is needed to grow a tree. */
export type Frontier = readonly (readonly Uint8Array[])[];

/** The hash of a full tile: level 1 covers 256 leaves, level 2 covers 65536. */
export interface TileHash {
  level: number;
  index: number;
  hash: Uint8Array;
}

/** Adds leaves to a tree of `size` leaves. Returns the new root and the hashes of tiles that became full. */
export function growTree(
  frontier: Frontier,
  size: number,
  leaves: readonly Uint8Array[],
): { root: Uint8Array; fullTiles: TileHash[] } {
  const rows = frontier.map((row) => [...row]);
  const fullTiles: TileHash[] = [];
  leaves.forEach((leaf, i) => {
    let hash = leaf;
    for (let level = 0; ; level++) {
      const row = rows[level] ?? [];
      rows[level] = row;
      row.push(hash);
      if (row.length < TILE_WIDTH) break;
      hash = rootOfRow(row);
      rows[level] = [];
      fullTiles.push({ level: level + 1, index: (size + i + 1) / TILE_WIDTH ** (level + 1) - 1, hash });
    }
  });
  return { root: rootOfFrontier(rows), fullTiles };
}

/** Returns the root of the tree that has this frontier. */
export function rootOfFrontier(frontier: Frontier): Uint8Array {
  const subtrees = frontier.toReversed().flatMap((row) => listSubtreeRoots(row));
  return subtrees.length === 0 ? EMPTY_ROOT : foldSubtrees(subtrees);
}

/** Returns the rows of a frontier, level by level: the start of the partial tile and its number of hashes. */
export function listFrontierRows(size: number): { level: number; start: number; count: number }[] {
  const rows: { level: number; start: number; count: number }[] = [];
  for (let level = 0, width = size; width > 0; level++, width = countHashes(size, level)) {
    rows.push({ level, start: width - (width % TILE_WIDTH), count: width % TILE_WIDTH });
  }
  return rows;
}

function listSubtreeRoots(row: readonly Uint8Array[]): Uint8Array[] {
  const subtrees: Uint8Array[] = [];
  let offset = 0;
  for (let width = TILE_WIDTH; width >= 1; width /= 2) {
    if (row.length - offset < width) continue;
    subtrees.push(rootOfRow(row.slice(offset, offset + width)));
    offset += width;
  }
  return subtrees;
}

/** Returns the root over hashes, whose number must be a power of two. */
function rootOfRow(row: readonly Uint8Array[]): Uint8Array {
  let level = [...row];
  while (level.length > 1) {
    level = level.flatMap((left, i) => {
      const right = level[i + 1];
      return i % 2 === 0 && right ? [hashNode(left, right)] : [];
    });
  }
  const [root] = level;
  if (!root) throw new RangeError('a row without hashes');
  return root;
}

/** Reads `count` hashes of a level from `start`, or as many as there are. */
export type ReadRow = (level: number, start: number, count: number) => Promise<Uint8Array[]>;

/** Returns a function that reads the hash of any subtree from tiles. It reads each tile once. */
export function createHashReader(readRow: ReadRow): ReadHash {
  const tiles = new Map<string, Promise<Uint8Array[]>>();
  return async (height, index) => {
    const level = Math.floor(height / TILE_HEIGHT);
    const width = 2 ** (height % TILE_HEIGHT);
    const n = Math.floor((index * width) / TILE_WIDTH);
    const name = `${level} ${n}`;
    const tile = tiles.get(name) ?? readRow(level, n * TILE_WIDTH, TILE_WIDTH);
    tiles.set(name, tile);
    const start = index * width - n * TILE_WIDTH;
    const row = (await tile).slice(start, start + width);
    if (row.length !== width) throw new RangeError(`the log has no hash ${height}/${index}`);
    return rootOfRow(row);
  };
}
