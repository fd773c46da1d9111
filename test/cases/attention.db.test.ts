import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { administer } from '../support/proposal.ts';

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
    hub = await createTestHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const QUERY = `query($filter: AttentionFilter, $first: Int!, $after: String) { attention(filter: $filter, first: $first, after: $after) {
    edges { node { id kind message dueOn organs { id: code } case { id: uuid } matter { id: code name } agreement } } pageInfo { hasNextPage endCursor } } }`;
  const fetchPage = async (person: string, filter: object, first = 100, after: string | null = null) => {
    const { data, errors } = await hub.ask(person, QUERY, { filter, first, after });
    if (errors) throw new Error(JSON.stringify(errors));
    return data.attention;
  };
  const listItems = async (person: string, ...kinds: string[]): Promise<Item[]> =>
    (await fetchPage(person, { kinds })).edges.map((edge: { node: Item }) => edge.node);
  const acceptCase = async () => {
    const input = {
      matter: ROUTES.WINDOW_FORWARD.matter,
      applicant: COMPANY,
      fields: linesFor(ROUTES.WINDOW_FORWARD.matter),
    };
    const answer = await runMutation(
      hub,
      'window-yudu',
      'acceptCase',
      'ApplicationInput',
      input,
      'case { id: uuid number }',
    );
    return answer.case;
  };

  test('lists a case that exceeds the limit of its step for window, organ and auditor', async () => {
    clock.set('2026-03-02T01:00:00Z');
    const { id, number } = await acceptCase();
    const listOverdue = async (person: string) =>
      (await listItems(person, 'STEP_OVERDUE')).filter((item) => item.case?.id === id);
    // The limit is five working days after Monday 2 March, so Monday 9 March is the last day.
    clock.set('2026-03-09T15:59:59Z');
    expect(await listOverdue('window-yudu')).toEqual([]);
    clock.set('2026-03-09T16:00:00Z');
    expect(await listOverdue('window-yudu')).toMatchObject([
      { dueOn: '2026-03-09', message: expect.stringContaining(number) },
    ]);
    expect(await listOverdue('auditor')).toHaveLength(1);
    expect(await listOverdue('yudu-xzspj.reviewer')).toHaveLength(1);
    expect(await listOverdue('ganzhou-xzspj.approver')).toEqual([]);
    expect(await listOverdue('window-xingguo')).toEqual([]);
    await runMutation(
      hub,
      'window-yudu',
      'examineCase',
      'ExamineCaseInput',
      { case: id, finding: 'APPROVED' },
      'case { id }',
    );
    expect(await listOverdue('window-yudu')).toEqual([]);
    await runMutation(hub, 'window-yudu', 'forwardCase', 'CaseNoteInput', { case: id }, 'case { id }');
    clock.set('2026-03-20T01:00:00Z');
    expect(await listOverdue('ganzhou-xzspj.approver')).toHaveLength(1);
    expect(await listOverdue('window-yudu')).toEqual([]);
  });

  test('a year without a calendar is flagged until the office loads one', async () => {
    clock.set('2026-12-30T01:00:00Z');
    const { id } = await acceptCase();
    const listMissingCalendars = async () =>
      (await listItems('auditor', 'CALENDAR_MISSING')).filter((item) => item.case?.id === id);
    expect(await listMissingCalendars()).toMatchObject([{ message: expect.stringContaining('2027') }]);
    const notice = {
      year: 2027,
      source: '示范通知（测试）',
      holidays: ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'],
      makeUpDays: [],
    };
    const loadAnswer = await administer(hub, 'loadCalendar', 'LoadCalendarInput', notice, 'movedCases');
    expect(loadAnswer.refusal).toBeNull();
    expect(await listMissingCalendars()).toEqual([]);
    clock.set('2026-03-02T01:00:00Z');
  });

  test('lists matters without an industry organ and matters without an agreement', async () => {
    const industryItems = await listItems('auditor', 'INDUSTRY_ORGAN_MISSING');
    expect(industryItems.length).toBeGreaterThan(40);
    expect(industryItems.map((item) => item.matter?.id)).toContain('yd2022-3-25');
    const agreementItems = await listItems('yudu-jktj.approver', 'AGREEMENT_MISSING');
    expect(agreementItems).toMatchObject([
      { matter: { id: 'yd2022-2-44' }, organs: [{ id: 'ganzhou-jyj' }, { id: 'yudu-jktj' }] },
    ]);
    expect(await listItems('yudu-lyj.approver', 'AGREEMENT_MISSING')).toEqual([]);
  });

  test('lists an agreement that ends soon, and a missing agreement after its end', async () => {
    clock.set('2026-03-02T01:00:00Z');
    const number = '承接协议〔2026〕9号';
    const parties = { cityOrgan: 'ganzhou-jyj', countyOrgan: 'yudu-jktj', matters: ['yd2022-2-44'] };
    const dates = { validFrom: '2026-03-01', validTo: '2026-03-31', scanDigest: 'ab'.repeat(32) };
    const recordAnswer = await administer(
      hub,
      'recordAgreement',
      'RecordAgreementInput',
      { number, ...parties, ...dates },
      'agreement { number endingSoon }',
    );
    expect(recordAnswer).toMatchObject({ refusal: null, agreement: { endingSoon: true } });
    expect(await listItems('yudu-jktj.approver', 'AGREEMENT_ENDING')).toMatchObject([
      { agreement: number, dueOn: '2026-03-31' },
    ]);
    expect(await listItems('yudu-jktj.approver', 'AGREEMENT_MISSING')).toEqual([]);
    const endingAgreements = await hub.ask(
      'yudu-jktj.approver',
      '{ agreements(first: 5, filter: { endingWithinDays: 30 }) { edges { node { number } } } }',
    );
    expect(endingAgreements.data.agreements.edges).toEqual([{ node: { number } }]);
    clock.set('2026-04-01T01:00:00Z');
    expect(await listItems('yudu-jktj.approver', 'AGREEMENT_ENDING')).toEqual([]);
    expect(await listItems('yudu-jktj.approver', 'AGREEMENT_MISSING')).toHaveLength(1);
    clock.set('2026-03-02T01:00:00Z');
  });

  test('pages are complete and stable; nobody can read the items of another organ', async () => {
    const allIds = (await fetchPage('auditor', {})).edges.map((edge: { node: Item }) => edge.node.id);
    const pagedIds: string[] = [];
    for (let after: string | null = null; ; ) {
      const nextPage: { edges: { node: Item }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } =
        await fetchPage('auditor', {}, 7, after);
      pagedIds.push(...nextPage.edges.map((edge) => edge.node.id));
      if (!nextPage.pageInfo.hasNextPage) break;
      after = nextPage.pageInfo.endCursor;
    }
    expect(pagedIds.slice(0, allIds.length)).toEqual(allIds);
    expect(new Set(pagedIds).size).toBe(pagedIds.length);
    const foreignAnswer = await hub.ask('yudu-lyj.approver', QUERY, { filter: { organ: 'yudu-slj' }, first: 5 });
    expect(foreignAnswer.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const applicantAnswer = await hub.ask('applicant-company', QUERY, { filter: {}, first: 5 });
    // A holder is warned of the own licenses, and sees nothing of the offices.
    expect(applicantAnswer.errors).toBeUndefined();
    expect(applicantAnswer.data.attention.edges).toEqual([]);
    const badCursorAnswer = await hub.ask('auditor', QUERY, { filter: {}, first: 5, after: 'bm90IGEgY3Vyc29y' });
    expect(badCursorAnswer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});
