import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, findRefusalCode, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { administer } from '../support/proposal.ts';

/**
 * Tests calendars and clocks through the API on real PostgreSQL.
 * The tests depend on their order: 2027 has no calendar until one of them loads it.
 */

const MATTER = 'yd2022-1-07';
const CLERK = 'yudu-lyj.clerk';
const CLOCK =
  'clock { state dueOn statutoryDueOn limitDays remainingDays startedOn endedOn suspendedDays missingYear suspensions { kind from to reason papers } }';
const NOTICE = {
  year: 2027,
  source: '国办发明电〔2026〕测试号',
  holidays: ['2026-12-31', '2027-01-01', '2027-01-02', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'],
  makeUpDays: ['2027-01-09'],
};

describe('calendars and clocks', () => {
  let hub: TestHub;
  let clock: TestClock;
  beforeAll(async () => {
    clock = testClock('2022-09-29');
    hub = await createTestHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const loadCalendar = (input: object) =>
    administer(hub, 'loadCalendar', 'LoadCalendarInput', input, 'calendar { year version source } movedCases');
  const askPublicly = async (query: string) => (await hub.ask(null, query)).data;
  const acceptCase = async (extraInput: object = {}) => {
    const input = { matter: MATTER, applicant: COMPANY, ...extraInput };
    const { case: acceptedCase } = await runMutation(
      hub,
      CLERK,
      'acceptCase',
      'ApplicationInput',
      input,
      `case { id: uuid ${CLOCK} }`,
    );
    return acceptedCase;
  };
  const readClock = async (id: string) =>
    (await hub.ask(CLERK, `query($id: ID!) { case(id: $id) { ${CLOCK} } }`, { id })).data.case.clock;

  test('anybody may ask for working days and calendars', async () => {
    expect(await askPublicly('{ workingDay(from: "2022-09-29", days: 3) { day missingYear } }')).toEqual({
      workingDay: { day: '2022-10-09', missingYear: null },
    });
    expect(await askPublicly('{ workingDay(from: "2026-12-30", days: 3) { day missingYear } }')).toEqual({
      workingDay: { day: null, missingYear: 2027 },
    });
    const { calendar, none } = await askPublicly(
      '{ calendar(year: 2022) { version source loadedAt makeUpDays } none: calendar(year: 2027) { year } }',
    );
    expect(none).toBeNull();
    expect(calendar).toMatchObject({ version: 0, loadedAt: null, source: expect.stringMatching(/^chinese-days \d/) });
    expect(calendar.makeUpDays).toContain('2022-10-08');
  });

  test('lists calendars by year, newest first, page by page', async () => {
    const page = async (after: string | null) =>
      (
        await hub.ask(
          null,
          'query($after: String) { calendars(first: 20, after: $after) { edges { node { year } } pageInfo { hasNextPage endCursor } } }',
          { after },
        )
      ).data.calendars;
    const first = await page(null);
    const second = await page(first.pageInfo.endCursor);
    const years = [...first.edges, ...second.edges].map((edge) => edge.node.year);
    expect(years).toEqual([...years].sort((a, b) => b - a));
    expect(new Set(years).size).toBe(years.length);
    expect(years.at(-1)).toBe(2004);
    expect(second.pageInfo.hasNextPage).toBe(false);
  });

  test.each([-1, 2501])('refuses to count %i working days', async (days) => {
    const { errors } = await hub.ask(null, `{ workingDay(from: "2022-09-29", days: ${days}) { day } }`);
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('a case shows its clock in a single query, in a list and in a dry run', async () => {
    const preview = await acceptCase({ dryRun: true });
    expect(preview.clock).toMatchObject({ state: 'GREEN', startedOn: '2022-09-29', dueOn: '2022-11-01' });
    const { id } = await acceptCase();
    clock.set('2022-10-24T16:00:00Z');
    expect(await readClock(id)).toMatchObject({ state: 'GREEN', remainingDays: 5 });
    clock.set('2022-10-25T16:00:00Z');
    const { data } = await hub.ask(CLERK, `{ cases(first: 10) { edges { node { id: uuid ${CLOCK} } } } }`);
    expect(data.cases.edges).toHaveLength(1);
    expect(data.cases.edges[0].node.clock).toMatchObject({ state: 'AMBER', remainingDays: 4, dueOn: '2022-11-01' });
    clock.set('2022-11-01T16:00:00Z');
    expect(await readClock(id)).toMatchObject({ state: 'RED', remainingDays: -1 });
  });

  test('a special procedure stops the clock; the day on which it ends counts again', async () => {
    clock.set('2022-11-07');
    const { id } = await acceptCase();
    clock.set('2022-11-09');
    const pause = { case: id, kind: 'EXPERT_REVIEW', reason: '专家评审', papers: ['于林评〔2022〕1号'] };
    await runMutation(hub, 'yudu-lyj.reviewer', 'pauseCase', 'PauseCaseInput', pause, 'case { id }');
    expect(await readClock(id)).toEqual({
      state: 'STOPPED',
      dueOn: null,
      statutoryDueOn: null,
      limitDays: 20,
      remainingDays: 19,
      startedOn: '2022-11-07',
      endedOn: null,
      suspendedDays: 1,
      missingYear: null,
      suspensions: [{ kind: 'EXPERT_REVIEW', from: '2022-11-09', to: null, reason: '专家评审', papers: pause.papers }],
    });
    clock.set('2022-11-14');
    await runMutation(hub, 'yudu-lyj.reviewer', 'resumeCase', 'CaseNoteInput', { case: id }, 'case { id }');
    expect(await readClock(id)).toMatchObject({
      state: 'GREEN',
      remainingDays: 18,
      suspendedDays: 3,
      dueOn: '2022-12-08',
    });
  });

  test('silence for five working days counts as acceptance on the day of receipt', async () => {
    clock.set('2022-11-28');
    const input = { matter: MATTER, applicant: COMPANY, fields: linesFor(MATTER) };
    const filingAnswer = await runMutation(
      hub,
      'applicant-company',
      'receiveApplication',
      'ApplicationInput',
      input,
      `case { id: uuid ${CLOCK} }`,
    );
    expect(filingAnswer.case.clock).toMatchObject({ state: 'PENDING', startedOn: null });
    clock.set('2022-12-05T15:59:59Z');
    expect(await readClock(filingAnswer.case.id)).toMatchObject({ state: 'PENDING' });
    clock.set('2022-12-05T16:00:00Z');
    expect(await readClock(filingAnswer.case.id)).toMatchObject({
      state: 'GREEN',
      startedOn: '2022-11-28',
      dueOn: '2022-12-26',
    });
  });

  test('flags a year without a calendar until the office loads one; clocks then use it immediately', async () => {
    clock.set('2026-12-28');
    const { id, clock: unknownClock } = await acceptCase();
    expect(unknownClock).toMatchObject({ state: 'UNKNOWN', dueOn: null, missingYear: 2027, remainingDays: 20 });

    const preview = await loadCalendar({ ...NOTICE, dryRun: true });
    expect(preview).toMatchObject({ calendar: { year: 2027, version: 1 }, movedCases: 1 });
    expect(await readClock(id)).toMatchObject({ state: 'UNKNOWN' });
    expect(await askPublicly('{ calendar(year: 2027) { version } }')).toEqual({ calendar: null });

    const loadAnswer = await loadCalendar(NOTICE);
    expect(loadAnswer).toEqual({
      refusal: null,
      calendar: { year: 2027, version: 1, source: NOTICE.source },
      movedCases: 1,
    });
    // 20 working days: 29 and 30 December, 4 to 8 January, the make-up Saturday, 11 to 15, 18 to 22, and two more.
    expect(await readClock(id)).toMatchObject({ state: 'GREEN', dueOn: '2027-01-26', missingYear: null });
    expect(await askPublicly('{ workingDay(from: "2026-12-30", days: 1) { day } }')).toEqual({
      workingDay: { day: '2027-01-04' },
    });
  });

  test('the same calendar changes nothing; a correction is a new version and the old one stays readable', async () => {
    expect(await loadCalendar({ ...NOTICE, holidays: [...NOTICE.holidays].reverse() })).toMatchObject({
      calendar: { version: 1 },
      movedCases: 0,
    });
    const correction = { ...NOTICE, source: '国办发明电〔2026〕测试更正号', makeUpDays: [] };
    expect(await loadCalendar(correction)).toMatchObject({ calendar: { version: 2 }, movedCases: 1 });
    const { newest, first, never } = await askPublicly(`{
      newest: calendar(year: 2027) { version makeUpDays loadedAt }
      first: calendar(year: 2027, version: 1) { version makeUpDays }
      never: calendar(year: 2027, version: 3) { version }
    }`);
    expect(newest).toEqual({ version: 2, makeUpDays: [], loadedAt: '2026-12-28T04:00:00.000Z' });
    expect(first).toEqual({ version: 1, makeUpDays: ['2027-01-09'] });
    expect(never).toBeNull();
  });

  test('a calendar of the office overrides that of the package, which stays readable as version 0', async () => {
    const package2026 = (await askPublicly('{ calendar(year: 2026) { year holidays makeUpDays } }')).calendar;
    const temporaryCalendar = {
      ...package2026,
      holidays: [...package2026.holidays, '2026-12-29'],
      source: '临时放假通知',
    };
    expect(await loadCalendar(temporaryCalendar)).toMatchObject({ calendar: { version: 1 } });
    expect(await askPublicly('{ workingDay(from: "2026-12-28", days: 1) { day } }')).toEqual({
      workingDay: { day: '2026-12-30' },
    });
    expect(await askPublicly('{ calendar(year: 2026, version: 0) { holidays } }')).toEqual({
      calendar: { holidays: package2026.holidays },
    });
  });

  test('refuses a malformed calendar and names the wrong day', async () => {
    const answer = await loadCalendar({ ...NOTICE, makeUpDays: ['2027-01-08'] });
    expect(answer).toMatchObject({
      calendar: null,
      refusal: { code: 'CALENDAR_MALFORMED', field: 'makeUpDays', message: expect.stringContaining('2027-01-08') },
    });
    expect(await loadCalendar({ ...NOTICE, source: ' ' })).toMatchObject({
      refusal: { code: 'FIELD_MALFORMED', field: 'source' },
    });
  });

  test.each(['applicant-company', 'window-yudu', 'yudu-lyj.approver', 'yudu-lyj.supervisor', 'auditor', 'library'])(
    '%s may not load a calendar',
    async (person) => {
      expect(await findRefusalCode(hub, person, 'loadCalendar', 'LoadCalendarInput', NOTICE)).toBe('ROLE_NOT_ALLOWED');
    },
  );

  test('the public may not load a calendar', async () => {
    const query = 'mutation($input: LoadCalendarInput!) { loadCalendar(input: $input) { movedCases } }';
    const { errors } = await hub.ask(null, query, { input: NOTICE });
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });
});
