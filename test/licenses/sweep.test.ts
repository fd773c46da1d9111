import { describe, expect, test } from 'vitest';
import { CLOCK_LEEWAY_MS, findClockFault, MAX_AFTER_GAP, MAX_GAP_MS } from '../../subgraphs/licenses/validity/sweep.ts';

/** When the sweep of ended licenses trusts the clock. */

const NOW = new Date('2027-01-01T00:10:00+08:00');
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const DAY_MS = 86_400_000;

describe('the sweep', () => {
  test.each([
    ['a first of January: many at once', 10 * 60_000, 50_000, null],
    ['an outage of a month', MAX_GAP_MS, 50_000, null],
    ['a longer outage with few ends', MAX_GAP_MS + 1, MAX_AFTER_GAP, null],
    ['a year ahead with more ends than plausible', 365 * DAY_MS, MAX_AFTER_GAP + 1, 'CLOCK_AHEAD'],
    ['a day back', -DAY_MS, 1, 'CLOCK_BEHIND'],
    ['a day back with nothing to end', -DAY_MS, 0, null],
    ['a clock that is a little behind', -CLOCK_LEEWAY_MS, 1, null],
    ['a clock that is more than a little behind', -CLOCK_LEEWAY_MS - 1, 1, 'CLOCK_BEHIND'],
  ] as const)('%s', (_, gapMs, due, expected) => {
    expect(findClockFault({ now: NOW, newestAt: ago(gapMs), due })).toBe(expected);
  });

  test('a database without a record', () => {
    expect(findClockFault({ now: NOW, newestAt: null, due: 50_000 })).toBeNull();
  });
});
