import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogFault, type LogFaultCode } from '../../subgraphs/kernel/tlog/fault.ts';
import {
  computeRoot,
  EMPTY_ROOT,
  hashLeaf,
  proveConsistency,
  proveInclusion,
  requireConsistent,
  requireIncluded,
} from '../../subgraphs/kernel/tlog/tree.ts';
import {
  bundleEntries,
  createHashReader,
  growTree,
  listFrontierRows,
  listNewTiles,
  parseTilePath,
  rootOfFrontier,
  TILE_WIDTH,
  type Tile,
  tilePath,
} from '../../subgraphs/seals/log/tile.ts';

/** Tests the tree against a literal implementation of RFC 6962, a recursion over lists. */

const hash = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const byte = (value: number) => Buffer.from([value]);
const splitOf = (n: number) => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

function hashTree(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return hash();
  if (leaves.length === 1) return Buffer.from(leaves[0] ?? []);
  const k = splitOf(leaves.length);
  return hash(byte(1), hashTree(leaves.slice(0, k)), hashTree(leaves.slice(k)));
}

function provePath(m: number, leaves: readonly Uint8Array[]): Buffer[] {
  if (leaves.length <= 1) return [];
  const k = splitOf(leaves.length);
  if (m < k) return [...provePath(m, leaves.slice(0, k)), hashTree(leaves.slice(k))];
  return [...provePath(m - k, leaves.slice(k)), hashTree(leaves.slice(0, k))];
}

function proveSubtree(m: number, leaves: readonly Uint8Array[], whole: boolean): Buffer[] {
  if (m === leaves.length) return whole ? [] : [hashTree(leaves)];
  const k = splitOf(leaves.length);
  if (m <= k) return [...proveSubtree(m, leaves.slice(0, k), whole), hashTree(leaves.slice(k))];
  return [...proveSubtree(m - k, leaves.slice(k), false), hashTree(leaves.slice(0, k))];
}

const LEAVES = Array.from({ length: 700 }, (_, i) => hashLeaf(Buffer.from(`leaf ${i}`)));
const ROWS = [LEAVES, [hashTree(LEAVES.slice(0, 256)), hashTree(LEAVES.slice(256, 512))]];
const readHash = createHashReader(async (level, start, count) => (ROWS[level] ?? []).slice(start, start + count));
const toHexList = (hashes: readonly Uint8Array[]) => hashes.map((item) => Buffer.from(item).toString('hex'));

function codeOf(run: () => void): LogFaultCode | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof LogFault) return error.code;
    throw error;
  }
}

const sizes = fc.integer({ min: 1, max: LEAVES.length });

describe('a tree', () => {
  test('hashes leaves and nodes as RFC 6962 does', () => {
    expect(Buffer.from(hashLeaf(Buffer.from('x')))).toEqual(hash(byte(0), Buffer.from('x')));
    expect(Buffer.from(EMPTY_ROOT)).toEqual(hash());
  });

  test('has the published roots of the common test leaves of other logs', () => {
    const entries = [
      '',
      '00',
      '10',
      '2021',
      '3031',
      '40414243',
      '5051525354555657',
      '606162636465666768696a6b6c6d6e6f',
    ];
    const leaves = entries.map((entry) => hashLeaf(Buffer.from(entry, 'hex')));
    const roots = [1, 2, 3, 4, 5, 6, 7, 8].map((size) => growTree([], 0, leaves.slice(0, size)).root);
    expect(toHexList(roots).map((root) => root.slice(0, 16))).toEqual([
      ...['6e340b9cffb37a98', 'fac54203e7cc696c', 'aeb6bcfe274b70a1', 'd37ee418976dd957'],
      ...['4e3bbb1f7b478dcf', '76e67dadbcdf1e10', 'ddb89be403809e32', '5dc9da79a70659a9'],
    ]);
  });

  test('has the root of the recursion at every size', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (size) => {
        expect(toHexList([await computeRoot(readHash, size)])).toEqual(toHexList([hashTree(LEAVES.slice(0, size))]));
      }),
    );
    expect(await computeRoot(readHash, 0)).toEqual(EMPTY_ROOT);
  });

  test('proves every leaf as the recursion does, and no other leaf, index or proof', async () => {
    const inputs = sizes.chain((size) => fc.tuple(fc.constant(size), fc.nat({ max: size - 1 }), fc.nat()));
    await fc.assert(
      fc.asyncProperty(inputs, async ([size, index, noise]) => {
        const leaves = LEAVES.slice(0, size);
        const proof = await proveInclusion(readHash, index, size);
        expect(toHexList(proof)).toEqual(toHexList(provePath(index, leaves)));
        const [leaf, root] = [LEAVES[index] ?? EMPTY_ROOT, hashTree(leaves)];
        requireIncluded({ index, size, root }, leaf, proof);
        expect(codeOf(() => requireIncluded({ index, size, root }, hashLeaf(randomBytes(8)), proof))).toBe(
          'ROOT_WRONG',
        );
        const otherIndex = noise % size;
        if (otherIndex !== index)
          expect(codeOf(() => requireIncluded({ index: otherIndex, size, root }, leaf, proof))).not.toBe(null);
        expect(codeOf(() => requireIncluded({ index, size, root }, leaf, [...proof, EMPTY_ROOT]))).toBe(
          'PROOF_TOO_LONG',
        );
        if (proof.length > 0) {
          expect(codeOf(() => requireIncluded({ index, size, root }, leaf, proof.slice(0, -1)))).toBe(
            'PROOF_TOO_SHORT',
          );
          const alteredProof = proof.map((item, i) => (i === noise % proof.length ? EMPTY_ROOT : item));
          expect(codeOf(() => requireIncluded({ index, size, root }, leaf, alteredProof))).toBe('ROOT_WRONG');
        }
      }),
    );
  });

  test('proves consistency with every smaller tree as the recursion does, and with no other tree', async () => {
    const inputs = sizes.chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size }), fc.nat()));
    await fc.assert(
      fc.asyncProperty(inputs, async ([size, oldSize, noise]) => {
        const proof = await proveConsistency(readHash, oldSize, size);
        expect(toHexList(proof)).toEqual(toHexList(proveSubtree(oldSize, LEAVES.slice(0, size), true)));
        const old = { size: oldSize, root: hashTree(LEAVES.slice(0, oldSize)) };
        const next = { size, root: hashTree(LEAVES.slice(0, size)) };
        requireConsistent(old, next, proof);
        expect(codeOf(() => requireConsistent(old, next, [...proof, EMPTY_ROOT]))).toBe('PROOF_TOO_LONG');
        const forged = { size, root: hashTree(LEAVES.slice(1, size + 1)) };
        expect(codeOf(() => requireConsistent(old, forged, proof))).toBe(
          oldSize === size ? 'ROOTS_OF_ONE_SIZE_DIFFER' : 'ROOT_WRONG',
        );
        if (proof.length > 0) {
          expect(codeOf(() => requireConsistent(old, next, proof.slice(0, -1)))).toBe('PROOF_TOO_SHORT');
          expect(codeOf(() => requireConsistent({ size: oldSize, root: EMPTY_ROOT }, next, proof))).toMatch(
            /^(OLD_)?ROOT_WRONG$/,
          );
          const alteredProof = proof.map((item, i) => (i === noise % proof.length ? EMPTY_ROOT : item));
          expect(codeOf(() => requireConsistent(old, next, alteredProof))).toMatch(/^(OLD_)?ROOT_WRONG$/);
        }
      }),
    );
  });

  test('computes correctly near Number.MAX_SAFE_INTEGER', async () => {
    const size = Number.MAX_SAFE_INTEGER;
    const hashedNodes: [number, number][] = [];
    const inventHash = (height: number, index: number) => {
      hashedNodes.push([height, index]);
      return hash(Buffer.from(`${height} ${index}`));
    };
    const proof = await proveInclusion(inventHash, size - 1, size);
    expect(proof).toHaveLength(52);
    expect(hashedNodes.every(([height, index]) => Number.isSafeInteger(index) && height < 53)).toBe(true);
    const leaf = inventHash(0, size - 1);
    const root = await computeRoot(inventHash, size);
    // The subtree hashes are invented but consistent, so the proof verifies.
    expect(codeOf(() => requireIncluded({ index: size - 1, size, root }, leaf, proof))).toBeNull();
  });
});

describe('tiles', () => {
  test('let a tree grow in any steps to the root of the recursion, and return each full tile hash once', async () => {
    const steps = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(steps, async (counts) => {
        let size = 0;
        const higher: Uint8Array[] = [];
        for (const count of counts) {
          const leaves = LEAVES.slice(size, size + count);
          const rows = [LEAVES, higher];
          const frontier = listFrontierRows(size).map(({ level, start, count }) =>
            (rows[level] ?? []).slice(start, start + count),
          );
          expect(toHexList([rootOfFrontier(frontier)])).toEqual(toHexList([hashTree(LEAVES.slice(0, size))]));
          const { root, fullTiles } = growTree(frontier, size, leaves);
          for (const { level, index, hash } of fullTiles) {
            expect([level, index]).toEqual([1, higher.length]);
            higher.push(hash);
          }
          size += leaves.length;
          expect(toHexList([root])).toEqual(toHexList([hashTree(LEAVES.slice(0, size))]));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('support a tree of three levels and its proofs', async () => {
    const leaves = Array.from({ length: 66_000 }, (_, i) => hashLeaf(Buffer.from(`leaf ${i}`)));
    const rows: Uint8Array[][] = [leaves];
    const row = async (level: number, start: number, count: number) => (rows[level] ?? []).slice(start, start + count);
    let size = 0;
    for (const count of [65_535, 1, 464]) {
      const inputs = listFrontierRows(size).map(({ level, start, count }) => row(level, start, count));
      const { root, fullTiles } = growTree(await Promise.all(inputs), size, leaves.slice(size, size + count));
      for (const { level, index, hash } of fullTiles) {
        rows[level] ??= [];
        expect(rows[level]).toHaveLength(index);
        rows[level].push(hash);
      }
      size += count;
      expect(toHexList([root])).toEqual(toHexList([hashTree(leaves.slice(0, size))]));
    }
    expect(rows.map((item) => item.length)).toEqual([66_000, 257, 1]);
    const reader = createHashReader(row);
    const root = hashTree(leaves);
    for (const index of [0, 65_535, 65_536, 65_999]) {
      const proof = await proveInclusion(reader, index, size);
      expect(toHexList(proof)).toEqual(toHexList(provePath(index, leaves)));
      requireIncluded({ index, size, root }, leaves[index] ?? EMPTY_ROOT, proof);
    }
    for (const old of [1, 65_535, 65_536, 65_537]) {
      const proof = await proveConsistency(reader, old, size);
      requireConsistent({ size: old, root: hashTree(leaves.slice(0, old)) }, { size, root }, proof);
    }
  });

  test('of 70,000 leaves match the specification', () => {
    const tiles = listNewTiles(0, 70_000, 70_000);
    const count = (level: Tile['level'], isWhole: boolean) =>
      tiles.filter((tile) => tile.level === level && (tile.width === TILE_WIDTH) === isWhole);
    expect([count(0, true).length, count(0, false)[0]?.width]).toEqual([273, 112]);
    expect([count(1, true).length, count(1, false)[0]?.width]).toEqual([1, 17]);
    expect([count(2, true).length, count(2, false)[0]?.width]).toEqual([0, 1]);
    expect([count('entries', true).length, count('entries', false)[0]?.width]).toEqual([273, 112]);
    expect(listNewTiles(0, 256, 256).map(tilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000']);
    expect(listNewTiles(255, 256, 256).map(tilePath)).toEqual(['tile/0/000', 'tile/1/000.p/1', 'tile/entries/000']);
    expect(listNewTiles(3, 5, 600).map(tilePath)).toEqual([]);
    expect(listNewTiles(5, 5, 5)).toEqual([]);
  });

  test('have exactly one path each', () => {
    expect(tilePath({ level: 0, n: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 'entries', n: 0, width: 5 })).toBe('tile/entries/000.p/5');
    fc.assert(
      fc.property(fc.nat(63), fc.nat(2 ** 40), fc.integer({ min: 1, max: 256 }), (level, n, width) => {
        expect(parseTilePath(tilePath({ level, n, width }))).toEqual({ level, n, width });
      }),
    );
    const malformedPaths = [
      'tile/00/000',
      'tile/64/000',
      'tile/0/00',
      'tile/0/x000/000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
    ];
    const otherMalformedPaths = [
      'tile/0/000.p/05',
      'tile/0/000/',
      'tile/0/001/000',
      '/tile/0/000',
      'tile/../000',
      'tile/0/000.p/1/',
    ];
    for (const provePath of [...malformedPaths, ...otherMalformedPaths])
      expect(parseTilePath(provePath), provePath).toBeNull();
  });

  test('of entries contain each entry after its length', () => {
    expect(Buffer.from(bundleEntries([Buffer.from('ab'), Buffer.alloc(0)])).toString('hex')).toBe('000261620000');
    expect(() => bundleEntries([Buffer.alloc(65_536)])).toThrow(RangeError);
  });
});
