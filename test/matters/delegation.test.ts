import { describe, expect, test } from 'vitest';
import type { Mode } from '../../subgraphs/kernel/events/events.ts';
import {
  buildDelegationFact,
  type DelegationPeriod,
  deriveResponsibilities,
  findDelegation,
  type IndustryOrgan,
  insertPeriod,
  type Matter,
  nameOf,
  type OutcomePeriod,
} from '../../subgraphs/matters/matter.ts';

const TODAY = '2026-03-02';
const DUTIES = ['accepts', 'examines', 'decides', 'seals', 'liable', 'supervises'] as const;
const [CITY, COUNTY, CITY_INDUSTRY, COUNTY_INDUSTRY] = ['市局', '县局', '市行业局', '县行业局'];

const OUTCOME = { kind: 'LICENSE', name: '证', licenseType: null, validityMonths: null } as const;

function matterUnder(mode: Mode, overrides: Partial<Matter> = {}, validFrom: string | null = null): Matter {
  const unlimited = { validFrom: null, validTo: null };
  return {
    row: {
      id: 'm',
      annex: 1,
      row: 1,
      mainItem: '主项',
      subItem: '子项',
      powerType: 'LICENSE',
      cityOrgan: CITY,
      countyOrgan: COUNTY,
      printed: [],
      corrections: [],
      flags: [],
    },
    periods: [{ mode, cityOrgan: CITY, countyOrgan: COUNTY, runningCases: 'FOLLOW', validFrom, validTo: null }],
    industryOrgans: [
      { level: 'CITY', organ: CITY_INDUSTRY, ...unlimited },
      { level: 'COUNTY', organ: COUNTY_INDUSTRY, ...unlimited },
    ],
    outcomes: [{ licenseAction: 'ISSUE', outcome: OUTCOME, ...unlimited }],
    legalBases: [],
    ...overrides,
  };
}

function dutiesOf(matter: Matter, on = TODAY) {
  const delegation = findDelegation(matter, on);
  if (!delegation) throw new Error('not delegated');
  return deriveResponsibilities(matter, delegation, on);
}

/** The expected duties in each mode: first organ, second organ, whether at the integrated window. */
const TABLE: Record<Mode, Record<(typeof DUTIES)[number], readonly [string, string | null, boolean]>> = {
  DIRECT: {
    accepts: [COUNTY, null, false],
    examines: [COUNTY, null, false],
    decides: [COUNTY, null, false],
    seals: [COUNTY, null, false],
    liable: [COUNTY, null, false],
    supervises: [COUNTY_INDUSTRY, null, false],
  },
  SUBSTANTIVE_REVIEW: {
    accepts: [COUNTY, CITY, true],
    examines: [COUNTY, CITY, false],
    decides: [CITY, null, false],
    seals: [CITY, null, false],
    liable: [CITY, COUNTY, false],
    supervises: [CITY_INDUSTRY, null, false],
  },
  WINDOW_FORWARD: {
    accepts: [COUNTY, CITY, true],
    examines: [COUNTY, CITY, true],
    decides: [CITY, null, false],
    seals: [CITY, null, false],
    liable: [CITY, null, false],
    supervises: [CITY_INDUSTRY, null, false],
  },
};

describe.each(Object.keys(TABLE) as Mode[])('%s', (mode) => {
  test.each(DUTIES)('%s', (duty) => {
    const { organ, second, window, reason } = dutiesOf(matterUnder(mode))[duty];
    expect([organ, second, window]).toEqual(TABLE[mode][duty]);
    expect(reason).toMatch(/实施方案/);
  });

  test('without an industry organ nobody supervises, not even the approver', () => {
    const unlimited = { validFrom: null, validTo: null };
    const unnamedOrgans = [
      { level: 'CITY', organ: null, ...unlimited },
      { level: 'COUNTY', organ: null, ...unlimited },
    ] as const;
    for (const industryOrgans of [unnamedOrgans, []]) {
      const { supervises } = dutiesOf(matterUnder(mode, { industryOrgans }));
      expect(supervises).toMatchObject({ organ: null, second: null, reason: expect.stringContaining('待明确') });
    }
  });
});

test('marks what the plan does not state explicitly as inferred (推定)', () => {
  expect(dutiesOf(matterUnder('DIRECT')).seals.reason).toContain('推定');
  expect(dutiesOf(matterUnder('SUBSTANTIVE_REVIEW')).decides.reason).toContain('推定');
  expect(dutiesOf(matterUnder('SUBSTANTIVE_REVIEW')).seals.reason).toContain('市级审批专用章');
  expect(dutiesOf(matterUnder('WINDOW_FORWARD')).seals.reason).toContain('推定');
});

describe('which delegation is in force on a day', () => {
  const matter = matterUnder('DIRECT', {}, '2022-06-01');
  test.each([
    ['2022-05-31', null],
    ['2022-06-01', 'DIRECT'],
    ['2099-12-31', 'DIRECT'],
  ])('on %s: %s', (on, mode) => {
    expect(findDelegation(matter, on)?.mode ?? null).toBe(mode);
  });

  test('a delegation without a date in the plan is in force until another follows', () => {
    const [oldPeriod, laterPeriod] = insertPeriod<DelegationPeriod>(matterUnder('WINDOW_FORWARD').periods, {
      mode: 'DIRECT',
      runningCases: 'FOLLOW',
      cityOrgan: CITY,
      countyOrgan: COUNTY,
      validFrom: '2024-01-01',
      validTo: null,
    });
    expect(oldPeriod).toMatchObject({ mode: 'WINDOW_FORWARD', validFrom: null, validTo: '2023-12-31' });
    expect(laterPeriod).toMatchObject({ mode: 'DIRECT', validFrom: '2024-01-01', validTo: null });
    const matterWithBoth = matterUnder('DIRECT', {
      periods: [oldPeriod, laterPeriod].filter((period) => period !== undefined),
    });
    expect(findDelegation(matterWithBoth, '2023-12-31')?.mode).toBe('WINDOW_FORWARD');
    expect(findDelegation(matterWithBoth, '2024-01-01')?.mode).toBe('DIRECT');
  });
});

describe('adding a period to a history', () => {
  const periodFrom = (validFrom: string | null, organ: string) => ({ organ, validFrom, validTo: null });
  const history = insertPeriod(insertPeriod([], periodFrom('2022-06-01', 'a')), periodFrom('2024-03-01', 'c'));

  test('corrects the period with the same first day', () => {
    expect(insertPeriod(history, periodFrom('2024-03-01', 'd'))).toEqual([
      { organ: 'a', validFrom: '2022-06-01', validTo: '2024-02-29' },
      { organ: 'd', validFrom: '2024-03-01', validTo: null },
    ]);
  });

  test('added late, ends where the next period begins', () => {
    expect(insertPeriod(history, periodFrom('2023-01-01', 'b'))).toEqual([
      { organ: 'a', validFrom: '2022-06-01', validTo: '2022-12-31' },
      { organ: 'b', validFrom: '2023-01-01', validTo: '2024-02-29' },
      { organ: 'c', validFrom: '2024-03-01', validTo: null },
    ]);
  });

  test('without a first day, comes before every dated period', () => {
    expect(insertPeriod(history, periodFrom(null, 'z'))[0]).toEqual({
      organ: 'z',
      validFrom: null,
      validTo: '2022-05-31',
    });
  });

  test('added again, changes nothing', () => {
    expect(insertPeriod(history, periodFrom('2022-06-01', 'a'))).toEqual([
      { organ: 'a', validFrom: '2022-06-01', validTo: '2024-02-29' },
      { organ: 'c', validFrom: '2024-03-01', validTo: null },
    ]);
  });
});

describe('the snapshot for other subgraphs', () => {
  const organs = [CITY, COUNTY, CITY_INDUSTRY, COUNTY_INDUSTRY, '别局'].map((id) => ({
    id,
    name: id,
    level: 'CITY' as const,
    divisionCode: '360700',
    uscc: '11000000000000019Q',
  }));

  test('contains only the organs that it needs', () => {
    const fact = buildDelegationFact(matterUnder('SUBSTANTIVE_REVIEW'), organs);
    expect(fact.organs.map((organ) => organ.id)).toEqual([CITY, COUNTY, CITY_INDUSTRY, COUNTY_INDUSTRY]);
    expect(fact).toMatchObject({ matterId: 'm', name: '子项', delegations: [{ mode: 'SUBSTANTIVE_REVIEW' }] });
  });

  test('is split where an industry organ or the outcome changes, so that one event covers every day', () => {
    const unlimited = { validFrom: null, validTo: null };
    const industryOrgans = insertPeriod<IndustryOrgan>([{ level: 'COUNTY', organ: null, ...unlimited }], {
      level: 'COUNTY',
      organ: COUNTY_INDUSTRY,
      validFrom: '2025-01-01',
      validTo: null,
    });
    const outcomes = insertPeriod<OutcomePeriod>([{ licenseAction: 'ISSUE', outcome: OUTCOME, ...unlimited }], {
      licenseAction: 'RENEW',
      outcome: { ...OUTCOME, name: '新证' },
      validFrom: '2099-01-01',
      validTo: null,
    });
    const fact = buildDelegationFact(matterUnder('DIRECT', { industryOrgans, outcomes }, '2022-06-01'), organs);
    expect(
      fact.delegations.map((period) => [
        period.validFrom,
        period.validTo,
        period.supervises.organ,
        period.industry.county,
        period.licenseAction,
        period.outcome.name,
      ]),
    ).toEqual([
      ['2022-06-01', '2024-12-31', null, null, 'ISSUE', '证'],
      ['2025-01-01', '2098-12-31', COUNTY_INDUSTRY, COUNTY_INDUSTRY, 'ISSUE', '证'],
      ['2099-01-01', null, COUNTY_INDUSTRY, COUNTY_INDUSTRY, 'RENEW', '新证'],
    ]);
    expect(fact.delegations.every((period) => period.mode === 'DIRECT' && period.runningCases === 'FOLLOW')).toBe(true);
  });

  test('has no delegation after the end of a mode', () => {
    const matter = matterUnder('DIRECT', {}, '2022-06-01');
    const [first] = matter.periods;
    if (!first) throw new Error('no period');
    const periods = insertPeriod(matter.periods, {
      ...first,
      mode: null,
      runningCases: 'STAY',
      validFrom: '2024-01-01',
    });
    const fact = buildDelegationFact({ ...matter, periods }, organs);
    expect(fact.delegations.map((period) => [period.validFrom, period.validTo])).toEqual([
      ['2022-06-01', '2023-12-31'],
    ]);
    expect(findDelegation({ ...matter, periods }, '2023-12-31')?.mode).toBe('DIRECT');
    expect(findDelegation({ ...matter, periods }, '2024-01-01')).toBeNull();
    const newPeriods = insertPeriod(periods, { ...first, validFrom: '2026-01-01' });
    expect(
      buildDelegationFact({ ...matter, periods: newPeriods }, organs).delegations.map((period) => [
        period.validFrom,
        period.validTo,
      ]),
    ).toEqual([
      ['2022-06-01', '2023-12-31'],
      ['2026-01-01', null],
    ]);
  });
});

test('a matter is named after its sub-item, or after its main item if it has none', () => {
  expect(nameOf({ mainItem: '主项', subItem: '子项' })).toBe('子项');
  expect(nameOf({ mainItem: '主项', subItem: null })).toBe('主项');
});
