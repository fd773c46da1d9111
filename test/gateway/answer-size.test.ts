import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { measureJson } from '../../gateway/answer-size.ts';

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
