import { describe, expect, test } from 'vitest';
import { PUBLISHED } from '../../subgraphs/cases/calendar/published.ts';
import { addDays, calendarOf } from '../../subgraphs/cases/calendar/working-day.ts';
import type { LicenseFact } from '../../subgraphs/cases/case.ts';
import {
  type GrantedLicense,
  publicationDueOn,
  publicationOf,
  publicationOverdueBefore,
  publishDecision,
  requireWithholdable,
  type SealedDecision,
} from '../../subgraphs/cases/publication/publication.ts';
import type { GrantContent } from '../../subgraphs/kernel/events/events.ts';
import type { HolderCodeKind } from '../../subgraphs/kernel/identity/identity.ts';
import type { LicenseTypeVersion } from '../../subgraphs/kernel/license-type/type.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import { COMPANY } from '../support/flow.ts';

/** What the list of granted licenses (双公示) shows, as rules of their own. */

const calendar = calendarOf(PUBLISHED);
const TODAY = '2026-03-20';
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' } as const;
const holderOf = (holder: { name: string; codeKind: string; code: string }) =>
  holder as { name: string; codeKind: HolderCodeKind; code: string };

const decisionOf = (changes: Partial<SealedDecision> = {}): SealedDecision => ({
  caseId: 'first',
  document: {
    title: '准予行政许可决定书',
    number: '于林许〔2026〕1号',
    matterName: '林木采伐许可证核发',
    organ: { id: 'yudu-lyj', name: '于都县林业局' },
  },
  organCode: '11000000000090018B',
  applicant: { holder: holderOf(COMPANY) },
  isVoided: false,
  decidedOn: '2026-03-02',
  publishedOn: '2026-03-02',
  ...changes,
});
const grantOf = (holder: { name: string; codeKind: string; code: string }) =>
  ({
    ...{ action: 'ISSUE', licenseName: '林木采伐许可证', licenseType: 'T', holder: holderOf(holder) },
    fields: [
      { label: '采伐地点', text: `${holder.name}的山场` },
      { label: '法定代表人', text: '王大力' },
      { label: '备注', text: '不公开的一行' },
    ],
    ...{ validFrom: '2026-03-02', validUntil: '2027-03-01' },
  }) as unknown as GrantContent;
const TYPE = {
  lines: [
    { label: '采伐地点', published: true },
    { label: '法定代表人', published: false },
    { label: '备注', published: false },
  ],
} as unknown as LicenseTypeVersion;
const factOf = (state: string, changes: object = {}) =>
  ({
    ...{ number: 'N', version: 1, identifier: 'I', state, earlier: null },
    license: { validFrom: '2026-03-02', validUntil: '2027-03-01' },
    ...changes,
  }) as unknown as LicenseFact;
const licenseOf = (changes: Partial<GrantedLicense> = {}): GrantedLicense => ({
  grant: grantOf(COMPANY),
  type: TYPE,
  fact: factOf('VALID'),
  steps: [{ caseId: 'first', act: 'ISSUE' }],
  ...changes,
});
const publish = (license: GrantedLicense | null = licenseOf(), decision = decisionOf(), today = TODAY) =>
  publishDecision(decision, license, { calendar, today });

describe('what is published', () => {
  test.each([
    ['LICENSE', 'GRANTED', { withheld: null }],
    ['LICENSE', 'REJECTED', null],
    ['CONFIRMATION', 'GRANTED', null],
    ['FILING', 'GRANTED', null],
    ['OTHER', 'GRANTED', null],
  ] as const)('of a %s that is %s: %j', (powerType, decision, expected) => {
    expect(publicationOf({ powerType }, { decision, withheld: null })).toEqual(expected);
    const withhold = () => requireWithholdable({ powerType }, { decision, withheld: 'STATE_SECRET' });
    if (expected === null) expect(withhold).toThrow(Refusal);
    else expect(withhold).not.toThrow();
  });

  test('an organisation by name, code and representative, with the lines that its type publishes', () => {
    expect(publish()).toMatchObject({
      ...{ counterpartName: COMPANY.name, counterpartKind: 'ORGANISATION', counterpartCode: COMPANY.code },
      ...{ legalRepresentative: '王大力', content: `采伐地点：${COMPANY.name}的山场` },
      ...{ validFrom: '2026-03-02', validUntil: '2027-03-01', state: 'VALID', withdrawal: null },
    });
    const shop = { ...COMPANY, code: '92360731MA00000000' };
    expect(publish(licenseOf({ grant: grantOf(shop) })).counterpartKind).toBe('INDIVIDUAL_BUSINESS');
    const foreign = { ...COMPANY, codeKind: 'FOREIGN_ORGANISATION', code: 'HKG/1234567' };
    expect(publish(licenseOf({ grant: grantOf(foreign) })).counterpartCode).toBeNull();
  });

  test('a person by the first character of the name alone', () => {
    const row = publish(licenseOf({ grant: grantOf(CITIZEN) }));
    expect(row).toMatchObject({
      ...{ counterpartName: '李**', counterpartKind: 'NATURAL_PERSON', counterpartCode: null },
      ...{ legalRepresentative: null, content: '采伐地点：李**的山场' },
    });
    expect(JSON.stringify(row)).not.toContain(CITIZEN.name);
    expect(JSON.stringify(row)).not.toContain(CITIZEN.code);
  });

  test('a decision without a license by the name of its matter', () => {
    expect(publish(null)).toMatchObject({ content: '林木采伐许可证核发', licenseName: null, state: 'VALID' });
  });
});

describe('what a later act makes of it', () => {
  const publishBoth = (act: GrantedLicense['steps'][number]['act'], fact: LicenseFact, today = TODAY) => {
    const steps = [...licenseOf().steps, { caseId: 'second', act }];
    const both = [decisionOf(), decisionOf({ caseId: 'second' })];
    return both.map((decision) => publish(licenseOf({ fact, steps }), decision, today));
  };

  test('a correction takes its place, and nothing of it is shown', () => {
    const [first, second] = publishBoth('CORRECT', factOf('VALID', { version: 2 }));
    expect(first).toMatchObject({ withdrawal: 'CORRECTED', counterpartName: null, content: null, state: null });
    expect(first?.documentNumber).toBe('于林许〔2026〕1号');
    expect(second).toMatchObject({ withdrawal: null, counterpartName: COMPANY.name, state: 'VALID' });
  });

  test('a change replaces it and withdraws nothing', () => {
    const [first, second] = publishBoth('CHANGE', factOf('VALID', { version: 2 }));
    expect([first, second].map((row) => [row?.state, row?.withdrawal])).toEqual([
      ['SUPERSEDED', null],
      ['VALID', null],
    ]);
  });

  test('a renewal takes over on its first day', () => {
    const license = { validFrom: '2027-03-02', validUntil: '2028-03-01' };
    const earlier = { identifier: 'I', version: 1, validFrom: '2026-03-02' };
    const fact = factOf('VALID', { version: 2, license, earlier });
    const statesOn = (day: string) => publishBoth('RENEW', fact, day).map(({ state }) => state);
    expect(statesOn('2027-03-01')).toEqual(['VALID', 'NOT_YET_VALID']);
    expect(statesOn('2027-03-02')).toEqual(['SUPERSEDED', 'VALID']);
  });

  test.each(['SUSPENDED', 'REVOKED', 'CANCELLED', 'RESCINDED', 'WITHDRAWN'])('%s is its state', (state) => {
    expect(publish(licenseOf({ fact: factOf(state) })).state).toBe(state);
  });

  test('time ends it, a task that is given up voids it, an erasure empties it', () => {
    expect(publish(licenseOf(), decisionOf(), '2027-03-02').state).toBe('LAPSED');
    const unmade = licenseOf({ fact: null, steps: [] });
    expect(publish(unmade)).toMatchObject({ state: null, licenseKey: null, withdrawal: null });
    expect(publish(unmade, decisionOf({ isVoided: true }))).toMatchObject({ withdrawal: 'VOIDED', licenseName: null });
    const erased = decisionOf({ applicant: { holder: holderOf({ ...COMPANY, code: '' }) } });
    expect(publish(licenseOf(), erased)).toMatchObject({ withdrawal: 'ERASED', counterpartName: null, content: null });
  });
});

describe('when it is published', () => {
  test.each([
    // A week with a weekend, the Spring Festival of 2026 with its make-up days, and a year without a calendar.
    ['2026-03-02', '2026-03-11'],
    ['2026-02-12', '2026-02-28'],
    ['2099-03-02', null],
  ])('decided on %s: at the latest on %s', (decidedOn, dueOn) => {
    expect(publicationDueOn(calendar, decidedOn)).toBe(dueOn);
    const lateBy = (days: number) =>
      publish(licenseOf(), decisionOf({ decidedOn, publishedOn: addDays(dueOn ?? decidedOn, days) })).isLate;
    expect([lateBy(0), lateBy(1)]).toEqual(dueOn === null ? [null, null] : [false, true]);
  });

  test('on every day of a year exactly the decisions are overdue whose last day has passed', () => {
    for (let today = '2026-01-20'; today < '2026-12-20'; today = addDays(today, 1)) {
      const before = publicationOverdueBefore(calendar, today);
      const isOverdue = (day: string) => (publicationDueOn(calendar, day) ?? '9999') < today;
      for (let back = 0; back < 30; back++) {
        const day = addDays(today, -back);
        expect([today, day, day < before]).toEqual([today, day, isOverdue(day)]);
      }
    }
  });
});
