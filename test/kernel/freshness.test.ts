import { describe, expect, test } from 'vitest';
import { startOfDay } from '../../subgraphs/kernel/day.ts';
import { CLOCK_LEEWAY_MS, isAhead, isFresh } from '../../subgraphs/kernel/period/freshness.ts';

const NOW = new Date('2026-11-30T00:00:00Z');
const HOUR_MS = 3_600_000;
const madeBefore = (ms: number) => new Date(NOW.getTime() - ms);

describe('a signed word', () => {
  test('is fresh up to its age, and as far ahead as clocks may differ', () => {
    for (const ms of [0, HOUR_MS, -CLOCK_LEEWAY_MS]) expect(isFresh(madeBefore(ms), NOW, HOUR_MS), `${ms}`).toBe(true);
    for (const ms of [HOUR_MS + 1, -CLOCK_LEEWAY_MS - 1])
      expect(isFresh(madeBefore(ms), NOW, HOUR_MS), `${ms}`).toBe(false);
  });

  test('is ahead if no clock that is right can have made it', () => {
    expect(isAhead(madeBefore(-CLOCK_LEEWAY_MS), NOW)).toBe(false);
    expect(isAhead(madeBefore(-CLOCK_LEEWAY_MS - 1), NOW)).toBe(true);
  });
});

test('the first instant of a day is of a year that PostgreSQL reads', () => {
  expect(startOfDay('0001-01-01').toISOString()).toBe('0001-01-01T00:00:00.000Z');
  expect(startOfDay('0001-01-02').toISOString()).toBe('0001-01-01T16:00:00.000Z');
  expect(startOfDay('9999-12-31').toISOString()).toBe('9999-12-30T16:00:00.000Z');
});
