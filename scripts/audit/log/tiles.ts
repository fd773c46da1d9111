import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMPTY_ROOT, hashNode, isSame } from '../../../subgraphs/kernel/tlog/tree.ts';
import { TILE_WIDTH, tilePath } from '../../../subgraphs/seals/log/tile.ts';
import { type AuditInput, buildFinding, type Finding } from '../finding.ts';

/** Reads the log's published files and recomputes the tree for comparison. */

/** A tree that grows leaf by leaf. It holds the hashes of its complete subtrees, the largest first. */
export class Tree {
  size = 0;
  readonly #stack: { hash: Uint8Array; leaves: number }[] = [];
  add(hash: Uint8Array): void {
    let node = { hash, leaves: 1 };
    for (let smallest = this.#stack.at(-1); smallest?.leaves === node.leaves; smallest = this.#stack.at(-1)) {
      this.#stack.pop();
      node = { hash: hashNode(smallest.hash, node.hash), leaves: 2 * node.leaves };
    }
    this.#stack.push(node);
    this.size++;
  }
  get root(): Uint8Array {
    const hashes = this.#stack.map((subtree) => subtree.hash);
    return (
      hashes.reduceRight<Uint8Array | null>((right, left) => (right ? hashNode(left, right) : left), null) ?? EMPTY_ROOT
    );
  }
}

const ENTRY_LENGTH_BYTES = 2;

/** Reads the published entries in order. */
export function readEntries(folder: string, size: number) {
  let at = 0;
  let n = -1;
  let bundle: (string | null)[] = [];
  return {
    async next(): Promise<{ entry: string | null; findings: Finding[] }> {
      const findings: Finding[] = [];
      if (Math.floor(at / TILE_WIDTH) !== n) {
        n = Math.floor(at / TILE_WIDTH);
        const tileEntries = readBundle(folder, n, Math.min(TILE_WIDTH, size - n * TILE_WIDTH));
        bundle = tileEntries.entries;
        findings.push(...tileEntries.findings);
      }
      return { entry: bundle[at++ % TILE_WIDTH] ?? null, findings };
    },
  };
}

function readBundle(folder: string, n: number, width: number): { entries: (string | null)[]; findings: Finding[] } {
  const path = tilePath({ level: 'entries', n, width });
  const object = `tile:${path}`;
  if (!existsSync(join(folder, path)))
    return { entries: [], findings: [buildFinding('TILE_MISSING', object, '文件不见了')] };
  const bytes = readFileSync(join(folder, path));
  const entries: string[] = [];
  let at = 0;
  while (at + ENTRY_LENGTH_BYTES <= bytes.length) {
    const length = bytes.readUInt16BE(at);
    at += ENTRY_LENGTH_BYTES;
    if (at + length > bytes.length) break;
    entries.push(bytes.toString('utf8', at, at + length));
    at += length;
  }
  const isWhole = at === bytes.length && entries.length === width;
  return {
    entries: entries.slice(0, width),
    findings: isWhole ? [] : [buildFinding('TILE_MALFORMED', object, '文件长度或条数不对')],
  };
}

/** Compares the published hashes of leaves and of whole tiles with the recomputed ones. */
export class TileReader {
  readonly findings: Finding[] = [];
  readonly #folder: string;
  readonly #size: number;
  #tile: Buffer | null = null;
  #n = -1;
  readonly #rows: Uint8Array[][] = [];
  readonly #stored: Map<string, Buffer>;
  constructor(folder: string, size: number, stored: Map<string, Buffer>) {
    this.#stored = stored;
    this.#folder = folder;
    this.#size = size;
  }
  *compare(index: number, hash: Uint8Array): Generator<Finding> {
    const n = Math.floor(index / TILE_WIDTH);
    if (n !== this.#n) {
      this.#n = n;
      this.#tile = this.#read(0, n);
    }
    const at = (index % TILE_WIDTH) * 32;
    const publishedHash = index < this.#size ? this.#tile?.subarray(at, at + 32) : undefined;
    if (publishedHash && !isSame(publishedHash, hash)) {
      yield buildFinding(
        'TILE_WRONG',
        `tile:${tilePath({ level: 0, n, width: this.#width(0, n) })}`,
        `第 ${index} 条的散列值不对`,
      );
      yield buildFinding('TILE_WRONG', `leaf:${index}`, '已公布的散列值与内容不一致');
    }
    this.#up(0, hash);
  }
  /** Adds a hash to a level. A complete row adds one hash to the level above. */
  #up(level: number, hash: Uint8Array): void {
    const row = this.#rows[level] ?? [];
    this.#rows[level] = row;
    row.push(hash);
    if (row.length < TILE_WIDTH) return;
    const parentHash = computeRoot(row);
    this.#rows[level] = [];
    const n = this.#above[level] ?? 0;
    this.#above[level] = n + 1;
    const name = `${level + 1} ${n}`;
    const stored = this.#stored.get(name);
    this.#stored.delete(name);
    if (!stored || !isSame(stored, parentHash)) this.#wrong(level, n, '数据库中整块的散列值不对');
    const tile = this.#read(level + 1, Math.floor(n / TILE_WIDTH));
    // Past the published size there is nothing to compare with.
    const isPublished = n % TILE_WIDTH < this.#width(level + 1, Math.floor(n / TILE_WIDTH));
    const publishedHash = isPublished ? tile?.subarray((n % TILE_WIDTH) * 32, (n % TILE_WIDTH) * 32 + 32) : undefined;
    const path = tilePath({
      level: level + 1,
      n: Math.floor(n / TILE_WIDTH),
      width: this.#width(level + 1, Math.floor(n / TILE_WIDTH)),
    });
    if (publishedHash && !isSame(publishedHash, parentHash))
      this.findings.push(buildFinding('TILE_WRONG', `tile:${path}`, `第 ${n} 个散列值不对`));
    this.#up(level + 1, parentHash);
  }
  /** Adds findings for a whole tile and for the tile that holds its hash. */
  #wrong(level: number, n: number, detail: string): void {
    const parentIndex = Math.floor(n / TILE_WIDTH);
    const paths = [
      tilePath({ level, n, width: TILE_WIDTH }),
      tilePath({ level: level + 1, n: parentIndex, width: this.#width(level + 1, parentIndex) }),
    ];
    for (const path of paths) this.findings.push(buildFinding('TILE_HASH_WRONG', `tile:${path}`, detail));
  }
  /** Yields a finding for each stored hash of a tile that does not exist. */
  *left(): Generator<Finding> {
    for (const name of this.#stored.keys()) yield buildFinding('TILE_HASH_WRONG', 'log', `数据库中多出散列值 ${name}`);
  }
  readonly #above: number[] = [];
  #width(level: number, n: number): number {
    return Math.min(TILE_WIDTH, Math.floor(this.#size / TILE_WIDTH ** level) - n * TILE_WIDTH);
  }
  #read(level: number, n: number): Buffer | null {
    const width = this.#width(level, n);
    if (width <= 0) return null;
    const path = tilePath({ level, n, width });
    const file = join(this.#folder, path);
    if (!existsSync(file)) {
      this.findings.push(buildFinding('TILE_MISSING', `tile:${path}`, '文件不见了'));
      return null;
    }
    const bytes = readFileSync(file);
    if (bytes.length !== width * 32) this.findings.push(buildFinding('TILE_MALFORMED', `tile:${path}`, '文件长度不对'));
    return bytes;
  }
}

/** Reads the stored hashes of whole tiles, keyed by level and index. */
export async function readTileHashes(sql: AuditInput['sql']): Promise<Map<string, Buffer>> {
  const rows = await sql<
    { name: string; hash: Buffer }[]
  >`select level || ' ' || index as name, hash from seals.log_tile`;
  return new Map(rows.map(({ name, hash }) => [name, hash]));
}

function computeRoot(row: readonly Uint8Array[]): Uint8Array {
  const tree = new Tree();
  for (const hash of row) tree.add(hash);
  return tree.root;
}
