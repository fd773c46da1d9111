import { describe, expect, test } from 'vitest';
import { holdsLastDay, listDeemedPeriods, type Renewal } from '../../subgraphs/licenses/validity/renewal.ts';

/** What renewals make of the last day of a license. */

const buildRenewal = (changes: Partial<Renewal> = {}): Renewal => ({
  ...{ caseId: 'c', isRunning: true, isGranted: false, until: '2026-03-01', settledAt: null },
  ...{ caseNumber: '3607312026010100001', acceptedOn: '2026-01-01', isHeld: false },
  ...changes,
});
const until = (validUntil: string | null) => ({ validFrom: '2025-03-02', validUntil });

describe('a renewal holds off the last day', () => {
  test.each([
    ['that it was asked for', buildRenewal(), '2026-03-01', true],
    ['not a later one, which another renewal has given', buildRenewal(), '2027-03-01', false],
    ['not when it is settled', buildRenewal({ isRunning: false }), '2026-03-01', false],
    ['not one that the license did not have', buildRenewal({ until: null }), '2027-03-01', false],
    ['none of a license without one', buildRenewal(), null, false],
  ] as const)('%s', (_, renewal, validUntil, expected) => {
    expect(holdsLastDay(renewal, until(validUntil))).toBe(expected);
  });
});

describe('the time in which a license counted as renewed', () => {
  const list = (renewal: Renewal, start: string | null, today: string, endedAt: string | null = null) =>
    listDeemedPeriods(
      [renewal],
      { startOf: () => start, endedAt: endedAt === null ? null : new Date(endedAt) },
      today,
    ).map(({ from, until: last }) => [from, last]);
  const settled = (at: string) => buildRenewal({ isRunning: false, settledAt: new Date(at) });

  test('begins the day after the last day, and lasts while the renewal runs', () => {
    expect(list(buildRenewal(), null, '2026-03-01')).toEqual([]);
    expect(list(buildRenewal(), null, '2026-03-02')).toEqual([['2026-03-02', null]]);
  });

  test('lasts until the day before the renewal begins', () => {
    expect(list(settled('2026-03-08T04:00:00Z'), '2026-03-06', '2026-04-01')).toEqual([['2026-03-02', '2026-03-05']]);
    expect(list(settled('2025-12-03T04:00:00Z'), '2026-03-02', '2026-04-01')).toEqual([]);
  });

  test('lasts until the day of the refusal, in Asia/Shanghai', () => {
    expect(list(settled('2026-03-01T15:59:59Z'), null, '2026-04-01')).toEqual([]);
    expect(list(settled('2026-03-01T16:00:00Z'), null, '2026-04-01')).toEqual([['2026-03-02', '2026-03-02']]);
  });

  test('ends with the license, whatever the renewal does later', () => {
    expect(list(settled('2026-05-01T04:00:00Z'), null, '2026-06-01', '2026-03-09T04:00:00Z')).toEqual([
      ['2026-03-02', '2026-03-09'],
    ]);
    expect(list(buildRenewal(), null, '2026-06-01', '2026-02-09T04:00:00Z')).toEqual([]);
  });
});
