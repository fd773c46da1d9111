import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { measureJson } from '../../gateway/answer-size.ts';
import { createAllowance } from '../../gateway/cost/allowance.ts';

describe('the allowance', () => {
  test('flows back evenly within a minute', () => {
    let nowMs = 0;
    const allowance = createAllowance(() => nowMs);
    expect(allowance.rest('a', 600)).toBe(600);
    expect(allowance.spend('a', 600, 500)).toBe(0);
    expect(allowance.spend('a', 600, 200)).toBe(10);
    expect(allowance.rest('a', 600)).toBe(100);
    nowMs = 9_999;
    expect(allowance.spend('a', 600, 200)).toBe(1);
    nowMs = 10_000;
    expect(allowance.spend('a', 600, 200)).toBe(0);
    nowMs = 1_000_000;
    expect(allowance.rest('a', 600)).toBe(600);
  });

  test('nobody spends more than the capacity and what flowed into it', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(30_000), cost: fc.integer({ min: 1, max: 700 }) }));
    fc.assert(
      fc.property(steps, (list) => {
        let nowMs = 0;
        let spent = 0;
        const allowance = createAllowance(() => nowMs);
        for (const { waitMs, cost } of list) {
          nowMs += waitMs;
          if (allowance.spend('a', 600, cost) === 0) spent += cost;
        }
        expect(spent).toBeLessThanOrEqual(600 + (nowMs * 600) / 60_000 + 1e-6);
      }),
    );
  });

  test('remembers a bounded number of callers, those who spent last', () => {
    const allowance = createAllowance(() => 0, 2);
    for (const caller of ['a', 'b', 'c']) allowance.spend(caller, 100, 60);
    expect(['a', 'b', 'c'].map((caller) => allowance.rest(caller, 100))).toEqual([100, 40, 40]);
  });
});

describe('the size of an answer', () => {
  test('is the length of its JSON, save commas', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = Buffer.byteLength(JSON.stringify(value));
        const measured = measureJson(value, 1_000_000);
        expect(measured).toBeGreaterThanOrEqual(bytes);
        expect(measured).toBeLessThanOrEqual(bytes * 1.5 + 1);
      }),
    );
  });

  test('is not measured to its end once it is too large', () => {
    let reads = 0;
    const row = {
      get name() {
        reads += 1;
        return 'x'.repeat(100);
      },
    };
    expect(
      measureJson(
        Array.from({ length: 1_000 }, () => row),
        1_000,
      ),
    ).toBeGreaterThan(1_000);
    expect(reads).toBeLessThan(15);
    expect(measureJson('x'.repeat(10_000), 1_000)).toBeGreaterThan(1_000);
  });
});
