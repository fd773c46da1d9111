import { describe, expect, test } from 'vitest';
import { dayOf, startOfDay } from '../../subgraphs/kernel/day.ts';
import { LICENSE_STATES, type LicenseState } from '../../subgraphs/kernel/license-acts.ts';
import { periodOf, stateOn } from '../../subgraphs/kernel/period/validity.ts';

const PERIOD = { validFrom: '2026-12-09', validUntil: '2026-12-28' };

describe('the state of a version on a day', () => {
  test.each([
    ['VALID', '2026-12-08', 'NOT_YET_VALID'],
    ['VALID', '2026-12-09', 'VALID'],
    ['VALID', '2026-12-28', 'VALID'],
    ['VALID', '2026-12-29', 'LAPSED'],
    ['SUSPENDED', '2026-12-08', 'SUSPENDED'],
    ['SUSPENDED', '2026-12-28', 'SUSPENDED'],
    ['SUSPENDED', '2026-12-29', 'LAPSED'],
  ] as const)('a %s one on %s is %s', (state, day, expected) => {
    expect(stateOn(state, PERIOD, day)).toBe(expected);
  });

  test.each(LICENSE_STATES.filter((state) => state !== 'VALID' && state !== 'SUSPENDED'))(
    '%s stays on every day',
    (state: LicenseState) => {
      for (const day of ['2026-12-08', '2026-12-09', '2026-12-29', '2099-01-01'])
        expect(stateOn(state, PERIOD, day)).toBe(state);
    },
  );

  test.each([
    ['VALID', '2026-12-08', 'NOT_YET_VALID'],
    ['VALID', '2026-12-28', 'VALID'],
    ['VALID', '2026-12-29', 'SUPERSEDED'],
    ['VALID', '2030-01-01', 'SUPERSEDED'],
    ['SUSPENDED', '2026-12-28', 'SUSPENDED'],
    ['SUSPENDED', '2026-12-29', 'SUPERSEDED'],
    ['REVOKED', '2026-12-29', 'REVOKED'],
  ] as const)('a %s one whose renewal begins the day after its end is %3$s on %s', (state, day, expected) => {
    expect(stateOn(state, { ...PERIOD, supersededFrom: '2026-12-29' }, day)).toBe(expected);
  });

  test('长期 never ends, and an unknown first day never holds back', () => {
    const endless = periodOf({ ZZYXQQSRQ: '2026-12-09', ZZYXQJZRQ: '长期' });
    expect(endless).toEqual({ validFrom: '2026-12-09', validUntil: null });
    expect(stateOn('VALID', endless, '9999-12-31')).toBe('VALID');
    expect(stateOn('VALID', { validFrom: null, validUntil: null }, '0001-01-01')).toBe('VALID');
  });

  test('the day turns at midnight of Asia/Shanghai, not of UTC', () => {
    const lastMoment = new Date(startOfDay('2026-12-29').getTime() - 1);
    expect(lastMoment.toISOString()).toBe('2026-12-28T15:59:59.999Z');
    expect(stateOn('VALID', PERIOD, dayOf(lastMoment))).toBe('VALID');
    expect(stateOn('VALID', PERIOD, dayOf(startOfDay('2026-12-29')))).toBe('LAPSED');
  });
});
