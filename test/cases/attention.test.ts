import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { act, COMPANY, ROUTES } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';

interface Item {
  id: string;
  kind: string;
  message: string;
  dueOn: string | null;
  organs: { id: string }[];
  case: { id: string } | null;
  matter: { id: string } | null;
  agreement: string | null;
}

/** Attention lists an item for the people who have to act on it and for auditors, and for nobody else. */
describe('attention', () => {
  let hub: TestHub;
  let clock: TestClock;
  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    hub = await testHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const QUERY = `query($filter: AttentionFilter, $first: Int!, $after: String) { attention(filter: $filter, first: $first, after: $after) {
    edges { node { id kind message dueOn organs { id } case { id } matter { id name } agreement } } pageInfo { hasNextPage endCursor } } }`;
  const page = async (person: string, filter: object, first = 100, after: string | null = null) => {
    const { data, errors } = await hub.ask(person, QUERY, { filter, first, after });
    if (errors) throw new Error(JSON.stringify(errors));
    return data.attention;
  };
  const items = async (person: string, ...kinds: string[]): Promise<Item[]> =>
    (await page(person, { kinds })).edges.map((edge: { node: Item }) => edge.node);
  const accept = async () => {
    const input = { matter: ROUTES.WINDOW_FORWARD.matter, applicant: COMPANY };
    const made = await act(hub, 'window-yudu', 'acceptCase', 'ApplicationInput', input, 'case { id number }');
    return made.case;
  };

  test('lists a case that exceeds the limit of its step for window, organ and auditor', async () => {
    clock.set('2026-03-02T01:00:00Z');
    const { id, number } = await accept();
    const overdue = async (person: string) =>
      (await items(person, 'STEP_OVERDUE')).filter((one) => one.case?.id === id);
    // The limit is five working days after Monday 2 March, so Monday 9 March is the last day.
    clock.set('2026-03-09T15:59:59Z');
    expect(await overdue('window-yudu')).toEqual([]);
    clock.set('2026-03-09T16:00:00Z');
    expect(await overdue('window-yudu')).toMatchObject([
      { dueOn: '2026-03-09', message: expect.stringContaining(number) },
    ]);
    expect(await overdue('auditor')).toHaveLength(1);
    expect(await overdue('yudu-xzspj.reviewer')).toHaveLength(1);
    expect(await overdue('ganzhou-xzspj.approver')).toEqual([]);
    expect(await overdue('window-xingguo')).toEqual([]);
    await act(hub, 'window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' }, 'case { id }');
    expect(await overdue('window-yudu')).toEqual([]);
    await act(hub, 'window-yudu', 'forwardCase', 'CaseNoteInput', { case: id }, 'case { id }');
    clock.set('2026-03-20T01:00:00Z');
    expect(await overdue('ganzhou-xzspj.approver')).toHaveLength(1);
    expect(await overdue('window-yudu')).toEqual([]);
  });

  test('a year without a calendar is flagged until the office loads one', async () => {
    clock.set('2026-12-30T01:00:00Z');
    const { id } = await accept();
    const flagged = async () => (await items('auditor', 'CALENDAR_MISSING')).filter((one) => one.case?.id === id);
    expect(await flagged()).toMatchObject([{ message: expect.stringContaining('2027') }]);
    const notice = {
      year: 2027,
      source: '示范通知（测试）',
      holidays: ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'],
      makeUpDays: [],
    };
    const loaded = await act(hub, 'administrator', 'loadCalendar', 'LoadCalendarInput', notice, 'movedCases');
    expect(loaded.refusal).toBeNull();
    expect(await flagged()).toEqual([]);
    clock.set('2026-03-02T01:00:00Z');
  });

  test('lists matters without an industry organ and matters without an agreement', async () => {
    const lacking = await items('auditor', 'INDUSTRY_ORGAN_MISSING');
    expect(lacking.length).toBeGreaterThan(40);
    expect(lacking.map((one) => one.matter?.id)).toContain('yd2022-3-25');
    const own = await items('yudu-jktj.approver', 'AGREEMENT_MISSING');
    expect(own).toMatchObject([
      { matter: { id: 'yd2022-2-44' }, organs: [{ id: 'ganzhou-jyj' }, { id: 'yudu-jktj' }] },
    ]);
    expect(await items('yudu-lyj.approver', 'AGREEMENT_MISSING')).toEqual([]);
  });

  test('lists an agreement that ends soon, and a missing agreement after its end', async () => {
    clock.set('2026-03-02T01:00:00Z');
    const number = '承接协议〔2026〕9号';
    const given = { cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj', matters: ['yd2022-2-44'] };
    const dates = { validFrom: '2026-03-01', validTo: '2026-03-31', scanDigest: 'ab'.repeat(32) };
    const recorded = await act(
      hub,
      'administrator',
      'recordAgreement',
      'RecordAgreementInput',
      { number, ...given, ...dates },
      'agreement { number endingSoon }',
    );
    expect(recorded).toMatchObject({ refusal: null, agreement: { endingSoon: true } });
    expect(await items('yudu-jktj.approver', 'AGREEMENT_ENDING')).toMatchObject([
      { agreement: number, dueOn: '2026-03-31' },
    ]);
    expect(await items('yudu-jktj.approver', 'AGREEMENT_MISSING')).toEqual([]);
    const asked = await hub.ask(
      'yudu-jktj.approver',
      '{ agreements(first: 5, filter: { endingWithinDays: 30 }) { edges { node { number } } } }',
    );
    expect(asked.data.agreements.edges).toEqual([{ node: { number } }]);
    clock.set('2026-04-01T01:00:00Z');
    expect(await items('yudu-jktj.approver', 'AGREEMENT_ENDING')).toEqual([]);
    expect(await items('yudu-jktj.approver', 'AGREEMENT_MISSING')).toHaveLength(1);
    clock.set('2026-03-02T01:00:00Z');
  });

  test('pages are complete and stable; nobody can read the items of another organ', async () => {
    const all = (await page('auditor', {})).edges.map((edge: { node: Item }) => edge.node.id);
    const walked: string[] = [];
    for (let after: string | null = null; ; ) {
      const part: { edges: { node: Item }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } = await page(
        'auditor',
        {},
        7,
        after,
      );
      walked.push(...part.edges.map((edge) => edge.node.id));
      if (!part.pageInfo.hasNextPage) break;
      after = part.pageInfo.endCursor;
    }
    expect(walked.slice(0, all.length)).toEqual(all);
    expect(new Set(walked).size).toBe(walked.length);
    const foreign = await hub.ask('yudu-lyj.approver', QUERY, { filter: { organ: 'yudu-slj' }, first: 5 });
    expect(foreign.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const applicant = await hub.ask('applicant-company', QUERY, { filter: {}, first: 5 });
    expect(applicant.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const bad = await hub.ask('auditor', QUERY, { filter: {}, first: 5, after: 'bm90IGEgY3Vyc29y' });
    expect(bad.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});
