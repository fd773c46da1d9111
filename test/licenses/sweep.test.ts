import { describe, expect, test } from 'vitest';
import { CLOCK_LEEWAY_MS } from '../../subgraphs/kernel/period/freshness.ts';
import { findClockFault, MAX_GAP_MS, SweepWatch } from '../../subgraphs/licenses/validity/sweep.ts';

/** When the sweep of ended licenses trusts the clock. */

const NOW = new Date('2027-01-01T00:10:00+08:00');
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe('the sweep', () => {
  test.each([
    ['a first of January: many at once', 10 * MINUTE_MS, 50_000, null],
    ['an outage of ten days', MAX_GAP_MS, 50_000, null],
    ['a longer one, whatever is due', MAX_GAP_MS + 1, 1, 'CLOCK_AHEAD'],
    ['a year ahead with nothing to end', 365 * DAY_MS, 0, null],
    ['a day back', -DAY_MS, 1, 'CLOCK_BEHIND'],
    ['a day back with nothing to end', -DAY_MS, 0, null],
    ['a clock that is a little behind', -CLOCK_LEEWAY_MS, 1, null],
    ['a clock that is more than a little behind', -CLOCK_LEEWAY_MS - 1, 1, 'CLOCK_BEHIND'],
  ] as const)('%s', (_, gapMs, due, expected) => {
    const at = ago(gapMs);
    expect(findClockFault({ now: NOW, newestAt: at, sweptAt: at, due })).toBe(expected);
    // Before the first sweep, the newest act counts.
    expect(findClockFault({ now: NOW, newestAt: at, sweptAt: null, due })).toBe(expected);
  });

  test('an act under a clock that is ahead does not make it right', () => {
    const reading = { now: NOW, newestAt: ago(MINUTE_MS), sweptAt: ago(365 * DAY_MS), due: 1 };
    expect(findClockFault(reading)).toBe('CLOCK_AHEAD');
  });

  test.each([
    ['as far as it has run', 10 * MINUTE_MS, 10 * MINUTE_MS, null],
    ['a little further', 10 * MINUTE_MS + CLOCK_LEEWAY_MS, 10 * MINUTE_MS, null],
    ['a day further', DAY_MS, 10 * MINUTE_MS, 'CLOCK_AHEAD'],
    ['weeks, while it ran that long with nothing due', 31 * DAY_MS, 31 * DAY_MS, null],
  ] as const)('in a process that runs, the clock has gone %s', (_, gapMs, ranMs, expected) => {
    const at = ago(gapMs);
    expect(findClockFault({ now: NOW, newestAt: at, sweptAt: at, ranMs, due: 1 })).toBe(expected);
  });

  test('a database without a record', () => {
    expect(findClockFault({ now: NOW, newestAt: null, sweptAt: null, due: 50_000 })).toBeNull();
  });

  test('a process knows how long it has run since its own sweep, and not since that of another', () => {
    let ms = 1_000;
    const watch = new SweepWatch(() => ms);
    expect(watch.ranSince(NOW)).toBeNull();
    watch.swept(NOW);
    ms += 500;
    expect(watch.ranSince(new Date(NOW))).toBe(500);
    expect(watch.ranSince(ago(1))).toBeNull();
    expect(watch.ranSince(null)).toBeNull();
  });
});
