import { describe, expect, test } from 'vitest';
import { createCache, memoizeByDigest } from '../../subgraphs/kernel/cache.ts';

/** The cache of a pure function returns what the function returns. */
describe('the cache', () => {
  const createCountingCache = () => {
    const computedInputs: string[] = [];
    const compute = memoizeByDigest((bytes) => {
      computedInputs.push(bytes.toString('hex'));
      if (bytes.length === 0) throw new RangeError('nothing');
      return { bytes };
    });
    return { seen: computedInputs, read: compute };
  };

  test('computes a result once per distinct bytes', () => {
    const { seen: computedInputs, read: compute } = createCountingCache();
    const first = compute(Buffer.from([1, 2]));
    expect(compute(Uint8Array.of(1, 2))).toBe(first);
    for (const otherBytes of [[1], [1, 3], [1, 2, 0]])
      expect([...compute(Uint8Array.from(otherBytes)).bytes]).toEqual(otherBytes);
    expect(computedInputs).toEqual(['0102', '01', '0103', '010200']);
  });

  test('keeps a result when the caller changes its bytes later', () => {
    const { read: compute } = createCountingCache();
    const bytes = Buffer.from([1, 2]);
    const first = compute(bytes);
    bytes[0] = 9;
    expect([...first.bytes]).toEqual([1, 2]);
    expect([...compute(bytes).bytes]).toEqual([9, 2]);
  });

  test('does not store a call that throws', () => {
    const { seen: computedInputs, read: compute } = createCountingCache();
    for (const _ of [1, 2]) expect(() => compute(Buffer.alloc(0))).toThrow(RangeError);
    expect(computedInputs).toEqual(['', '']);
  });

  test('evicts the oldest entry when it is full', () => {
    const { seen: computedInputs, read: compute } = createCountingCache();
    for (let i = 0; i <= 1_024; i++) compute(Buffer.from([i >> 8, i & 0xff]));
    compute(Buffer.from([0, 1]));
    expect(computedInputs.length).toBe(1_025);
    compute(Buffer.from([0, 0]));
    expect(computedInputs.length).toBe(1_026);
  });
});

describe('createCache', () => {
  test('keeps at most its number of entries, and evicts the one that was set first', () => {
    const cache = createCache<number>(3);
    for (const [i, key] of ['a', 'b', 'c', 'a', 'd'].entries()) cache.set(key, i);
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual([undefined, 1, 2, 4]);
    cache.delete('b');
    cache.set('e', 5);
    expect(['b', 'c', 'd', 'e'].map((key) => cache.get(key))).toEqual([undefined, 2, 4, 5]);
  });

  test('computes what it lacks once, and not again if that throws', () => {
    const cache = createCache<number>(3);
    let calls = 0;
    const compute = () => {
      calls++;
      if (calls === 1) throw new Error('first');
      return calls;
    };
    expect(() => cache.getOrCompute('a', compute)).toThrow('first');
    expect(cache.getOrCompute('a', compute)).toBe(2);
    expect(cache.getOrCompute('a', compute)).toBe(2);
  });
});
