import { describe, expect, test } from 'vitest';
import { remembered } from '../../subgraphs/kernel/remembered.ts';

/** The cache of a pure function returns what the function returns. */
describe('the cache', () => {
  const count = () => {
    const seen: string[] = [];
    const read = remembered((bytes) => {
      seen.push(bytes.toString('hex'));
      if (bytes.length === 0) throw new RangeError('nothing');
      return { bytes };
    });
    return { seen, read };
  };

  test('computes a result once per distinct bytes', () => {
    const { seen, read } = count();
    const first = read(Buffer.from([1, 2]));
    expect(read(Uint8Array.of(1, 2))).toBe(first);
    for (const other of [[1], [1, 3], [1, 2, 0]]) expect([...read(Uint8Array.from(other)).bytes]).toEqual(other);
    expect(seen).toEqual(['0102', '01', '0103', '010200']);
  });

  test('keeps a result when the caller changes its bytes later', () => {
    const { read } = count();
    const bytes = Buffer.from([1, 2]);
    const first = read(bytes);
    bytes[0] = 9;
    expect([...first.bytes]).toEqual([1, 2]);
    expect([...read(bytes).bytes]).toEqual([9, 2]);
  });

  test('does not store a call that throws', () => {
    const { seen, read } = count();
    for (const _ of [1, 2]) expect(() => read(Buffer.alloc(0))).toThrow(RangeError);
    expect(seen).toEqual(['', '']);
  });

  test('evicts the oldest entry when it is full', () => {
    const { seen, read } = count();
    for (let i = 0; i <= 1_024; i++) read(Buffer.from([i >> 8, i & 0xff]));
    read(Buffer.from([0, 1]));
    expect(seen.length).toBe(1_025);
    read(Buffer.from([0, 0]));
    expect(seen.length).toBe(1_026);
  });
});
