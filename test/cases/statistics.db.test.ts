import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionPool, connect, type Transaction } from '../../db/client.ts';
import { type CaseClock, clockOf } from '../../subgraphs/cases/calendar/clock.ts';
import { loadCalendar } from '../../subgraphs/cases/calendar/store.ts';
import {
  addDays,
  addWorkingDays,
  type Calendar,
  isWorkingDay,
  tryWithCalendar,
} from '../../subgraphs/cases/calendar/working-day.ts';
import { actOf, type Case, endsInLicenseAct, type StepRecord } from '../../subgraphs/cases/case.ts';
import { findMatter } from '../../subgraphs/cases/fact/store.ts';
import { CASE_ORDERS, listCases } from '../../subgraphs/cases/list/store.ts';
import { CASE_READS } from '../../subgraphs/cases/policy.ts';
import { insertCase, takeCaseNumber } from '../../subgraphs/cases/reception/store.ts';
import { DIMENSIONS, figuresOf, type Row, toLines } from '../../subgraphs/cases/statistics/statistics.ts';
import { statisticsOrder } from '../../subgraphs/cases/statistics/store.ts';
import * as statistics from '../../subgraphs/cases/statistics/workflow.ts';
import * as store from '../../subgraphs/cases/store.ts';
import { type Day, dayOf } from '../../subgraphs/kernel/day.ts';
import type { Mode } from '../../subgraphs/kernel/events/events.ts';
import type { GuideFact } from '../../subgraphs/kernel/events/guide-fact.ts';
import { writeCell, writeCsv } from '../../subgraphs/kernel/list/csv-text.ts';
import { delegationOn } from '../../subgraphs/kernel/period/delegation.ts';
import { findOfficeScope } from '../../subgraphs/kernel/policy.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { COMPANY } from '../support/flow.ts';
import { type Answer, createTestHub, type TestHub } from '../support/hub.ts';
import { administer } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

const MATTERS = ['yd2022-1-07', 'yd2022-1-08', 'yd2022-2-30', 'yd2022-3-25', 'yd2022-3-21'];
const GUIDE: GuideFact = { materials: [], steps: [], statutoryDays: 20, promisedDays: 4 };
const CASES = 120;
const SEED = 360731;

/** A random history of a case: its steps, each some days after the previous one. */
const caseHistory = fc
  .record({
    matter: fc.constantFrom(...MATTERS),
    guided: fc.boolean(),
    start: fc.integer({ min: 0, max: 240 }),
    late: fc.boolean(),
    gaps: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 8, maxLength: 8 }),
    opening: fc.constantFrom(
      'accepted',
      'accepted',
      'accepted',
      'supplemented',
      'silent',
      'refused',
      'missed',
      'withdrawn',
    ),
    pause: fc.constantFrom('none', 'none', 'resumed', 'open'),
    end: fc.constantFrom('GRANTED', 'GRANTED', 'REJECTED', 'WITHDRAWN', 'none'),
  })
  .map((history) => ({ ...history, steps: stepsOf(history) }));

function stepsOf(history: {
  opening: string;
  pause: string;
  end: string;
}): [StepRecord['step'], StepRecord['finding']?][] {
  const openings: Record<string, StepRecord['step'][]> = {
    accepted: ['RECEIVED', 'ACCEPTED'],
    supplemented: ['RECEIVED', 'SUPPLEMENT_ASKED', 'SUPPLEMENTED', 'ACCEPTED'],
    silent: ['RECEIVED'],
    refused: ['RECEIVED', 'NOT_ACCEPTED'],
    missed: ['RECEIVED', 'SUPPLEMENT_ASKED', 'SUPPLEMENT_MISSED'],
    withdrawn: ['RECEIVED', 'WITHDRAWN'],
  };
  const openingSteps = (openings[history.opening] ?? []).map((step): [StepRecord['step']] => [step]);
  if (openingSteps.at(-1)?.[0] !== 'ACCEPTED') return openingSteps;
  const pauseSteps: [StepRecord['step']][] = history.pause === 'none' ? [] : [['PAUSED']];
  if (history.pause === 'open') return [...openingSteps, ...pauseSteps];
  const resumeSteps: [StepRecord['step']][] = history.pause === 'resumed' ? [['RESUMED']] : [];
  if (history.end === 'none') return [...openingSteps, ...pauseSteps, ...resumeSteps];
  if (history.end === 'WITHDRAWN') return [...openingSteps, ...pauseSteps, ...resumeSteps, ['WITHDRAWN']];
  const finding = history.end === 'GRANTED' ? 'GRANTED' : 'REJECTED';
  return [...openingSteps, ...pauseSteps, ...resumeSteps, ['EXAMINED', 'APPROVED'], ['DECIDED', finding]];
}

/**
 * Counts working days from the day after the start to the end, without special procedures.
 * Returns null if the clock has not started or ended, or if a calendar year is missing.
 */
function daysUsed({ startedOn, endedOn, suspensions }: CaseClock, calendar: Calendar): number | null {
  if (startedOn === null || endedOn === null) return null;
  const days: Day[] = [];
  for (let day = addDays(startedOn, 1); day <= endedOn; day = addDays(day, 1)) days.push(day);
  const actual = days.filter((day) => !suspensions.some(({ from, to }) => from <= day && day < (to ?? '9999')));
  return tryWithCalendar(() => actual.filter((day) => isWorkingDay(calendar, day)).length).value;
}

/** Counts the figures one by one from the clock of each case. */
function countFigures(
  rows: readonly { kind: 'ACCEPTED' | 'CLOSED'; subject: Case; clock: CaseClock }[],
  calendar: Calendar,
) {
  const countRows = (kind: string, matches: (row: (typeof rows)[number]) => boolean = () => true) =>
    rows.filter((row) => row.kind === kind && matches(row)).length;
  const findingOf = ({ subject }: (typeof rows)[number]) =>
    subject.steps.find(({ step }) => step === 'DECIDED')?.finding ?? null;
  const decidedRows = rows.filter((row) => row.kind === 'CLOSED' && findingOf(row) !== null);
  const limitedRows = decidedRows.filter(({ clock }) => clock.dueOn !== null);
  const dayCounts = decidedRows.map(({ clock }) => daysUsed(clock, calendar)).filter((days) => days !== null);
  return figuresOf({
    accepted: countRows('ACCEPTED'),
    closed: countRows('CLOSED'),
    granted: countRows('CLOSED', (row) => findingOf(row) === 'GRANTED'),
    rejected: countRows('CLOSED', (row) => findingOf(row) === 'REJECTED'),
    timed: limitedRows.length,
    onTime: limitedRows.filter(({ clock }) => (clock.endedOn ?? '') <= (clock.dueOn ?? '')).length,
    measured: dayCounts.length,
    workingDays: dayCounts.reduce((sum, days) => sum + days, 0),
    overdueRunning: countRows('ACCEPTED', ({ clock }) => clock.state === 'RED'),
  });
}

interface Filter {
  from: Day | null;
  to: Day | null;
  matter: string | null;
  organ: string | null;
  mode: Mode | null;
  division: string | null;
}
const NO_FILTER: Filter = { from: null, to: null, matter: null, organ: null, mode: null, division: null };

describe('statistics', () => {
  let hub: TestHub;
  let clock: TestClock;
  let connection: ConnectionPool;
  let storedCases: store.StoredCase[];
  beforeAll(async () => {
    clock = testClock('2022-12-20');
    hub = await createTestHub({ now: clock });
    connection = connect(hub.databaseUrls.cases, 'test');
    await connection.db.transaction(async (tx) => {
      for (const history of fc.sample(caseHistory, { numRuns: CASES, seed: SEED })) await writeCase(tx, history);
    });
    storedCases = await readAll();
  });
  afterAll(async () => {
    await connection?.close();
    await hub?.stop();
  });

  async function writeCase(tx: Transaction, history: ReturnType<typeof caseHistory.generate>['value']): Promise<void> {
    const matter = await findMatter(tx, history.matter, '2022-06-01');
    if (!matter) throw new Error(history.matter);
    const delegation = delegationOn(matter, '2022-06-01');
    let ms = Date.parse(history.late ? '2026-12-20T15:00:00Z' : '2022-03-01T15:00:00Z');
    ms += (history.late ? history.start % 20 : history.start) * 86_400_000;
    const guide = history.guided ? { version: 1, ...GUIDE } : null;
    const records = history.steps.map(([step, finding = null], i): StepRecord => {
      ms += (history.gaps[i] ?? 0) * 86_400_000 + (i % 2 === 0 ? 3_600_000 : 0);
      const person = { actor: '某人', actorId: 'somebody', organ: delegation.countyOrgan };
      return { step, at: new Date(ms), ...person, note: null, finding, data: null };
    });
    const [first, ...rest] = records;
    if (!first) throw new Error('no steps');
    const number = await takeCaseNumber(tx, '360731', dayOf(first.at));
    const file = {
      ...{ id: crypto.randomUUID(), number, matter, delegation, fields: [], licenseNumber: null },
      ...{ applicant: { ...COMPANY, codeKind: 'USCC' as const }, act: null, acceptedBy: null, guide: null },
      coOwnership: null,
      reissuedSheets: null,
      agent: null,
      contact: null,
    };
    const request = { by: 'somebody', key: null, digest: '' };
    const insertion = await insertCase(tx, { file, divisionCode: '360731', request }, first);
    let subject = insertion?.subject;
    for (const record of rest) {
      if (!subject) throw new Error('no case');
      const acceptance = record.step === 'ACCEPTED' ? { acceptedBy: delegation.accepts.organ, guide } : {};
      subject = await store.addStep(tx, subject, record, acceptance);
    }
  }

  const readAll = async () => {
    const { rows } = await listCases(
      connection.db,
      { actor: requireDemoPerson('auditor'), today: '2026-11-24' },
      { steps: null, matter: null, closed: null, number: null, query: null },
      { order: CASE_ORDERS.RECEIVED_DESC, count: 1000, isBackward: false, cursor: null },
    );
    return [...rows];
  };
  const askStatistics = async (
    person: string,
    by: string,
    filter: Partial<Filter> = {},
    first = 100,
    after: string | null = null,
  ) => {
    const fields =
      'key label accepted closed granted rejected timed onTime onTimeRate averageWorkingDays overdueRunning';
    const answer = await hub.ask(
      person,
      `query($filter: StatisticsFilter, $by: StatisticsBy!, $first: Int!, $after: String) {
        caseStatistics(filter: $filter, by: $by, first: $first, after: $after) {
          edges { node { ${fields} matter { id: code } organ { id: code } } } pageInfo { hasNextPage endCursor } totals { ${fields} } asOf
        } }`,
      { filter, by, first, after },
    );
    return answer;
  };
  const fetchCsv = async (person: string | null, query: string) => {
    const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` };
    return hub.hub.app.inject({ method: 'GET', url: `/cases/statistics.csv?${query}`, headers });
  };

  /** Recomputes the statistics from the clock of each case, counted one by one. */
  async function countOneByOne(person: string, filter: Filter, by: (typeof DIMENSIONS)[number], now: Date) {
    const calendar = await loadCalendar(connection.db);
    const { organ: ownOrgan, window, roles } = requireDemoPerson(person);
    const seesAll = roles.includes('AUDITOR') || roles.includes('ADMINISTRATOR');
    const events = storedCases.flatMap(({ subject, parties, window: caseWindow }) => {
      const { delegation, acceptedBy, matter, steps, guide } = subject;
      const isVisible =
        seesAll || (ownOrgan !== null && parties.includes(ownOrgan)) || (window !== null && window === caseWindow);
      const organ = delegation.decides.organ ?? acceptedBy ?? '';
      const matchesFilter =
        (filter.matter === null || filter.matter === matter.matterId) &&
        (filter.organ === null || filter.organ === organ) &&
        (filter.mode === null || filter.mode === delegation.mode) &&
        (filter.division === null || filter.division === '360731');
      if (!isVisible || !matchesFilter) return [];
      const caseClock = clockOf({ steps, guideLimits: guide, powerType: matter.powerType, calendar, now });
      const event = (kind: 'ACCEPTED' | 'CLOSED', day: Day | null) => {
        if (day === null || caseClock.startedOn === null) return [];
        if ((filter.from !== null && day < filter.from) || (filter.to !== null && day > filter.to)) return [];
        const key = {
          ...{ MATTER: matter.matterId, ORGAN: organ, MODE: delegation.mode, MONTH: day.slice(0, 7) },
          ...{ DIVISION: '360731', ACCEPTED_BY: acceptedBy ?? '', POWER_TYPE: matter.powerType },
          ACTION: endsInLicenseAct(delegation) ? actOf(subject) : '',
        }[by];
        return [{ kind, key, subject, clock: caseClock }];
      };
      return [...event('ACCEPTED', caseClock.startedOn), ...event('CLOSED', caseClock.endedOn)];
    });
    const keys = [...new Set(events.map((event) => event.key))].sort();
    return {
      rows: keys.map((key) => ({
        key,
        ...countFigures(
          events.filter((event) => event.key === key),
          calendar,
        ),
      })),
      totals: countFigures(events, calendar),
    };
  }

  const DAYS = ['2022-04-01', '2022-06-15', '2022-09-30', '2022-10-09', '2022-12-31', '2026-12-25'];
  const orNull = <Value>(...values: Value[]) => fc.constantFrom<Value | null>(null, null, ...values);
  const question = fc.record({
    person: fc.constantFrom(
      'auditor',
      'administrator',
      'window-yudu',
      'window-xingguo',
      'yudu-lyj.clerk',
      'ganzhou-xzspj.approver',
    ),
    by: fc.constantFrom(...DIMENSIONS),
    now: fc.constantFrom('2022-06-01', '2022-08-15', '2022-12-20', '2026-12-29', '2027-02-01'),
    filter: fc.record({
      from: orNull(...DAYS),
      to: orNull(...DAYS),
      matter: orNull(...MATTERS),
      organ: orNull('ganzhou-xzspj', 'yudu-lyj'),
      mode: orNull<Mode>('DIRECT', 'SUBSTANTIVE_REVIEW', 'WINDOW_FORWARD'),
      division: orNull('360731', '360732'),
    }),
  });

  async function expectSameFigures({
    person,
    by,
    now,
    filter,
  }: {
    person: string;
    by: (typeof DIMENSIONS)[number];
    now: string;
    filter: Filter;
  }) {
    const nowDate = new Date(`${now}T12:00:00+08:00`);
    const scope = findOfficeScope(CASE_READS.caseStatistics, requireDemoPerson(person));
    if (scope === null) throw new Error(`${person} reads no statistics`);
    const request = { scope, filter, today: now };
    const actual = await statistics.countCases({ db: connection.db, now: () => nowDate }, request, by, {
      order: statisticsOrder(by),
      count: 1000,
      isBackward: false,
      cursor: null,
    });
    const expected = await countOneByOne(person, filter, by, nowDate);
    expect(actual.page.rows.map(({ label: _, ...row }) => row)).toEqual(expected.rows);
    const { label: _, key: __, ...totals } = actual.totals;
    expect(totals).toEqual(expected.totals);
  }

  test('the random cases cover every figure', async () => {
    const { totals } = await countOneByOne('auditor', NO_FILTER, 'MODE', new Date('2022-12-20T04:00:00Z'));
    expect(storedCases).toHaveLength(CASES);
    for (const number of Object.values(totals)) expect(number).toBeGreaterThan(0);
    expect(totals.onTimeRate).toBeLessThan(1);
  });

  test('equal a count one by one for every person, dimension, filter and time', async () => {
    await fc.assert(fc.asyncProperty(question, expectSameFigures), { numRuns: 60, seed: SEED });
  });

  test('the query and the CSV give the same numbers', async () => {
    for (const by of DIMENSIONS) {
      const { data } = await askStatistics('auditor', by, { from: '2022-05-01', to: '2022-12-31' });
      const response = await fetchCsv('auditor', `by=${by}&from=2022-05-01&to=2022-12-31`);
      expect(response.statusCode).toBe(200);
      expect(response.headers['content-type']).toBe('text/csv; charset=utf-8');
      expect(response.rawPayload.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
      const [, ...lines] = parse(response.rawPayload, { bom: true }) as string[][];
      const { edges, totals } = data.caseStatistics;
      const queryRows = [...edges.map((edge: { node: Row }) => edge.node), totals].map((row: Row) =>
        [
          ...[row.key, row.label, row.accepted, row.closed, row.granted, row.rejected, row.timed, row.onTime],
          ...[row.onTimeRate, row.averageWorkingDays, row.overdueRunning],
        ].map((cell) => (cell === null ? '' : String(cell))),
      );
      expect(edges.length).toBeGreaterThan(0);
      expect(lines).toEqual(queryRows);
    }
  });

  test('pages are complete, and labels explain the keys', async () => {
    const allMatters = (await askStatistics('auditor', 'MATTER')).data.caseStatistics;
    const pagedEdges = [];
    for (let after: string | null = null; ; ) {
      const page: Answer['data'] = (await askStatistics('auditor', 'MATTER', {}, 2, after)).data.caseStatistics;
      pagedEdges.push(...page.edges);
      expect(page.totals).toEqual(allMatters.totals);
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
    }
    expect(pagedEdges.map((edge) => edge.node)).toEqual(allMatters.edges.map((edge: { node: Row }) => edge.node));
    expect(allMatters.edges[0].node).toMatchObject({
      key: 'yd2022-1-07',
      label: expect.stringContaining('采伐'),
      matter: { id: 'yd2022-1-07' },
      organ: null,
    });
    const organs = (await askStatistics('auditor', 'ORGAN')).data.caseStatistics.edges.map(
      (edge: { node: Row }) => edge.node,
    );
    expect(organs).toContainEqual(
      expect.objectContaining({ key: 'ganzhou-xzspj', label: '赣州市行政审批局', organ: { id: 'ganzhou-xzspj' } }),
    );
    const [month] = (await askStatistics('auditor', 'MONTH', { from: '2022-06-01' })).data.caseStatistics.edges;
    expect(month.node).toMatchObject({ key: '2022-06', label: '2022年6月' });
    const modes = (await askStatistics('auditor', 'MODE')).data.caseStatistics.edges;
    expect(modes.map((edge: { node: Row }) => edge.node.label)).toEqual([
      '直接下放',
      '下放实质性审核权',
      '服务窗口前移',
    ]);
  });

  test.each(['applicant-company', 'library'])('%s may not ask', async (person) => {
    expect((await askStatistics(person, 'MODE')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await fetchCsv(person, 'by=MODE')).statusCode).toBe(403);
  });

  test('the public may not ask', async () => {
    const { errors } = await hub.ask(null, '{ caseStatistics(by: MODE, first: 1) { asOf } }');
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    expect((await fetchCsv(null, 'by=MODE')).statusCode).toBe(401);
  });

  test.each([
    ['', '参数 by 不符合要求。'],
    ['by=COLOUR', '参数 by 不符合要求。'],
    ['by=MODE&from=2022-02-30', '参数 from 不符合要求：应为日期，如 2026-01-01。'],
    ['by=MODE&from=0000-01-01', '参数 from 不符合要求：应为日期，如 2026-01-01。'],
    ['by=MODE&to=0000-12-31', '参数 to 不符合要求：应为日期，如 2026-01-01。'],
    ['by=MODE&from=2022-02-02&to=2022-02-01', '参数 to 不符合要求：末日不得早于首日。'],
    ['by=MODE&sort=up', '没有参数 sort。'],
    ['by=MODE&by=MONTH', '参数 by 不符合要求。'],
  ])('refuses the CSV query ?%s', async (query, message) => {
    const answer = await fetchCsv('auditor', query);
    expect([answer.statusCode, answer.json()]).toEqual([400, { code: 'BAD_USER_INPUT', message }]);
  });
  test('refuses a period that ends before it begins', async () => {
    const { errors } = await askStatistics('auditor', 'MODE', { from: '2022-02-02', to: '2022-02-01' });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  // Runs late because it changes the calendar. The load computes the figures that lacked 2027; settled figures stay.
  test('loading a calendar updates only the figures that are not settled', async () => {
    const askUntil2022 = () => askStatistics('auditor', 'MONTH', { to: '2022-12-31' });
    clock.set('2022-12-20');
    const statisticsBefore = await askUntil2022();
    const holidays = ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'];
    const notice = { year: 2027, source: '测试号', holidays, makeUpDays: [] };
    const loadAnswer = await administer(hub, 'loadCalendar', 'LoadCalendarInput', notice, 'movedCases');
    expect(loadAnswer.movedCases).toBeGreaterThan(0);
    expect(await askUntil2022()).toEqual(statisticsBefore);
    await fc.assert(fc.asyncProperty(question, expectSameFigures), { numRuns: 30, seed: SEED + 1 });
  });

  test('adds the figures of cases that are older than the statistics', async () => {
    const statisticsBefore = await askStatistics('auditor', 'MATTER');
    const { default: postgres } = await import('postgres');
    const sql = postgres(hub.adminUrl, { max: 1 });
    await sql`delete from cases.case_figure`;
    await sql.end();
    expect((await askStatistics('auditor', 'MATTER')).data.caseStatistics.totals.accepted).toBe(0);
    await statistics.backfillFigures(connection.db);
    expect(await askStatistics('auditor', 'MATTER')).toEqual(statisticsBefore);
  });

  test('a step that is written while a calendar is loaded uses the new calendar', async () => {
    const matter = await findMatter(connection.db, 'yd2022-1-07', '2022-06-01');
    if (!matter) throw new Error('no matter');
    const delegation = delegationOn(matter, '2022-06-01');
    const id = crypto.randomUUID();
    const file = {
      ...{ id, number: 'racing', matter, delegation, fields: [], licenseNumber: null },
      ...{ applicant: { ...COMPANY, codeKind: 'USCC' as const }, act: null, acceptedBy: null, guide: null },
      coOwnership: null,
      reissuedSheets: null,
      agent: null,
      contact: null,
    };
    const person = { actor: '某人', actorId: 'somebody', organ: null, note: null, finding: null, data: null };
    const first = { step: 'ACCEPTED' as const, at: new Date('2027-01-04T02:00:00Z'), ...person };
    const { default: postgres } = await import('postgres');
    const sql = postgres(hub.adminUrl, { max: 1 });
    const dueOn = async () => (await sql`select due_on::text from cases.case_figure where case_id = ${id}`)[0]?.due_on;
    const dueBefore = addWorkingDays(await loadCalendar(connection.db), '2027-01-04', 20);
    let pendingLoad: Promise<{ movedCases: number }> | undefined;
    await connection.db.transaction(async (tx) => {
      await insertCase(tx, { file, divisionCode: '360731', request: { by: 'x', key: null, digest: '' } }, first);
      const holidays = ['2027-01-01', '2027-01-05', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'];
      const notice = { year: 2027, source: '测试更正号', holidays, makeUpDays: [] };
      pendingLoad = administer(hub, 'loadCalendar', 'LoadCalendarInput', notice, 'movedCases');
      await waitUntil('the load waits for the step', async () => {
        const [row] =
          await sql`select count(*)::int as waiting from pg_locks where locktype = 'advisory' and not granted`;
        return row?.waiting === 1;
      });
    });
    expect((await pendingLoad)?.movedCases).toBeGreaterThan(0);
    expect(await dueOn()).toBe(addWorkingDays(await loadCalendar(connection.db), '2027-01-04', 20));
    expect(await dueOn()).not.toBe(dueBefore);
    await sql.end();
  });
});

describe('CSV', () => {
  const row = (label: string): Row => ({
    ...figuresOf({
      accepted: 3,
      closed: 2,
      granted: 1,
      rejected: 1,
      timed: 2,
      onTime: 1,
      measured: 2,
      workingDays: 5,
      overdueRunning: 1,
    }),
    key: 'k',
    label,
  });
  test('is RFC 4180 with a byte-order mark', () => {
    const text = writeCsv(toLines([row('甲"乙,丙\n丁')]));
    expect(text.startsWith('\ufeff代码,名称,受理')).toBe(true);
    expect(text.endsWith('\r\nk,"甲""乙,丙\n丁",3,2,1,1,2,1,0.5,2.5,1\r\n')).toBe(true);
  });
  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '＝1', '＠A'])(
    '%j is escaped so that it is no formula',
    (text) => {
      expect(writeCell(text).replace(/^"/, '').startsWith("'")).toBe(true);
    },
  );
  test.each(['1=1', '甲-乙', ''])('%j is not changed', (text) => expect(writeCell(text)).toBe(text));
});
