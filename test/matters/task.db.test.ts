import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTasks } from '../../seeds/load.ts';
import { computeTaskStatus, isOverdue, type Task, type TaskReport } from '../../subgraphs/matters/task/task.ts';
import { testClock } from '../support/clock.ts';
import { findRefusalCode, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

const tasks = readTasks();
const taskOf = (number: number): Task => {
  const task = tasks.find((entry) => entry.number === number);
  if (!task) throw new Error(`no task ${number}`);
  return task;
};
const organOf = ({ organ }: { organ: string | null }) => organ ?? '';
const at = new Date('2022-04-20T04:00:00Z');
const report = (organ: string, state: TaskReport['state'], percent: number): TaskReport => ({
  organ,
  state,
  percent,
  note: null,
  actor: '某人',
  at,
});
const [LEAD, OTHER, THIRD] = ['yudu-xzspj', 'yudu-sfj', 'yudu-lyj'];

describe('progress is a fold over reports', () => {
  const progressOf = (number: number, ...reports: TaskReport[]) => {
    const { state, percent, newest } = computeTaskStatus(taskOf(number), reports);
    return [state, percent, newest?.organ ?? null];
  };
  test.each<[string, unknown[], unknown[]]>([
    ['without a report', progressOf(1), ['NOT_STARTED', 0, null]],
    ['a responsible organ has begun', progressOf(1, report(OTHER, 'IN_PROGRESS', 50)), ['IN_PROGRESS', 0, null]],
    [
      'a responsible organ alone does not complete it',
      progressOf(1, report(OTHER, 'DONE', 100)),
      ['IN_PROGRESS', 0, null],
    ],
    ['the lead completes it', progressOf(1, report(LEAD, 'DONE', 100)), ['DONE', 100, LEAD]],
    [
      'the newest report counts',
      progressOf(1, report(LEAD, 'DONE', 100), report(LEAD, 'IN_PROGRESS', 60)),
      ['IN_PROGRESS', 60, LEAD],
    ],
    ['of two leads, one is not enough', progressOf(6, report(LEAD, 'DONE', 100)), ['IN_PROGRESS', 50, LEAD]],
    [
      'two leads complete it',
      progressOf(6, report(LEAD, 'DONE', 100), report('yudu-bb', 'DONE', 100)),
      ['DONE', 100, 'yudu-bb'],
    ],
    ['without a lead, one organ is not enough', progressOf(5, report(LEAD, 'DONE', 100)), ['IN_PROGRESS', 7, LEAD]],
  ])('%s', (_, progress, expected) => {
    expect(progress).toEqual(expected);
  });

  test('without a lead, it is done when every responsible organ is done', () => {
    const all = taskOf(5).responsible.map(({ organ }) => report(organ ?? '', 'DONE', 100));
    expect(progressOf(5, ...all)).toEqual(['DONE', 100, THIRD]);
    expect(progressOf(5, ...all.slice(1))[0]).toBe('IN_PROGRESS');
  });

  test('is overdue from the day after the last day in Asia/Shanghai, unless done', () => {
    const overdue = (number: number, today: string, ...reports: TaskReport[]) =>
      isOverdue(computeTaskStatus(taskOf(number), reports), today);
    expect([overdue(1, '2022-04-30'), overdue(1, '2022-05-01')]).toEqual([false, true]);
    expect(overdue(1, '2026-01-01', report(LEAD, 'DONE', 100))).toBe(false);
    expect(overdue(8, '2026-01-01')).toBe(false);
    expect(overdue(9, '2022-06-01')).toBe(true);
    expect(overdue(9, '2022-06-01', report(LEAD, 'DONE', 100))).toBe(false);
  });
});

const clock = testClock('2022-04-30T15:59:59Z');
let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
});
afterAll(() => hub?.stop());

const TASK = `number measure name content deadlinePrinted dueOn recurring othersToo supervisorLevel overdue flags
  leads { printed organ { id: code name } } responsible { printed organ { id: code } }
  body { clause text deadlinePrinted dueOn recurring supervisorLevel leads { printed organ { id: code } } }
  differences { field annex body sentence } printed { column text } corrections { field printed corrected reason }
  progress { state percent note by at organ { id: code name } }
  history(first: 100) { edges { node { state percent note by at organ { id: code } } } }`;

async function listTasks(
  filter: object | null = null,
  first = 100,
  after: string | null = null,
  person: string | null = null,
) {
  const query = `query($filter: TaskFilter, $first: Int!, $after: String) {
    tasks(filter: $filter, first: $first, after: $after) { edges { cursor node { ${TASK} } } pageInfo { hasNextPage endCursor } } }`;
  const { data, errors } = await hub.ask(person, query, { filter, first, after });
  if (errors) throw new Error(JSON.stringify(errors));
  return data.tasks;
}
const listNumbers = async (filter: object | null) =>
  (await listTasks(filter)).edges.map(({ node }: { node: { number: number } }) => node.number);
const reportProgress = (person: string, input: object) =>
  runMutation(
    hub,
    person,
    'reportTaskProgress',
    'ReportTaskProgressInput',
    { state: 'IN_PROGRESS', percent: 50, ...input },
    `task { ${TASK} }`,
  );
const refusalOfReport = (person: string, input: object) =>
  findRefusalCode(hub, person, 'reportTaskProgress', 'ReportTaskProgressInput', {
    task: 1,
    state: 'IN_PROGRESS',
    percent: 50,
    ...input,
  });

describe('the list of tasks', () => {
  test('is public, in the order of annex 4, page by page', async () => {
    const all = (await listTasks()).edges;
    expect(all).toHaveLength(12);
    const page = await listTasks(null, 5, all[4].cursor);
    expect(page.edges.map(({ node }: { node: { number: number } }) => node.number)).toEqual([6, 7, 8, 9, 10]);
    expect(page.pageInfo.hasNextPage).toBe(true);
    expect((await listTasks(null, 5, page.pageInfo.endCursor)).pageInfo.hasNextPage).toBe(false);
  });

  test('shows annex, body and every difference', async () => {
    const { node } = (await listTasks()).edges[7];
    expect(node).toMatchObject({
      deadlinePrinted: '长期坚持',
      dueOn: null,
      recurring: true,
      supervisorLevel: 'CITY',
      leads: [{ printed: '县行政审批局', organ: { id: LEAD, name: '于都县行政审批局' } }],
      body: { clause: '三.6', deadlinePrinted: '2022年5月', dueOn: '2022-05-31', supervisorLevel: 'COUNTY' },
    });
    expect(node.differences.map((entry: { field: string }) => entry.field)).toEqual([
      'DEADLINE',
      'SUPERVISOR_LEVEL',
      'CONTENT',
    ]);
    const leads = (await listTasks()).edges[11].node.leads;
    expect(leads).toEqual([
      { printed: '县行政审批局', organ: { id: LEAD, name: '于都县行政审批局' } },
      { printed: '县工信局', organ: { id: 'yudu-gxj', name: '于都县工业和信息化局' } },
    ]);
  });

  test('filters by organ, state and overdue', async () => {
    expect(await listNumbers({ organ: 'yudu-jktj' })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);
    expect(await listNumbers({ state: 'DONE' })).toEqual([]);
    expect(await listNumbers({ overdue: true })).toEqual([]);
    clock.set('2022-04-30T16:00:00Z');
    expect(await listNumbers({ overdue: true })).toEqual([1, 2, 3, 10, 11]);
    expect(await listNumbers({ overdue: true, organ: 'yudu-jktj' })).toEqual([1, 2, 3, 10]);
    expect(await listNumbers({ overdue: false, state: 'NOT_STARTED' })).toEqual([4, 5, 6, 7, 8, 9, 12]);
  });
});

describe('reporting progress', () => {
  test('a dry run shows the progress and stores nothing', async () => {
    const answer = await reportProgress('yudu-xzspj.approver', { task: 2, dryRun: true });
    expect(answer.task.progress).toMatchObject({ state: 'IN_PROGRESS', percent: 50 });
    expect((await listTasks()).edges[1].node.progress).toMatchObject({ state: 'NOT_STARTED', percent: 0, at: null });
  });

  test('responsible organs and the lead report; a task that the lead completed is not overdue', async () => {
    await reportProgress('yudu-sfj.reviewer', { task: 1, state: 'DONE', percent: 100 });
    await reportProgress('yudu-xzspj.reviewer', { task: 1, percent: 80, note: '指南已梳理' });
    const answer = await reportProgress('yudu-xzspj.approver', { task: 1, state: 'DONE', percent: 100 });
    expect(answer.task).toMatchObject({
      overdue: false,
      progress: { state: 'DONE', percent: 100, organ: { id: LEAD } },
    });
    expect(
      answer.task.history.edges.map(({ node }: { node: { percent: number; organ: object } }) => [
        node.percent,
        node.organ,
      ]),
    ).toEqual([
      [100, { id: LEAD }],
      [80, { id: LEAD }],
      [100, { id: OTHER }],
    ]);
    expect(await listNumbers({ overdue: true })).toEqual([2, 3, 10, 11]);
    expect(await listNumbers({ state: 'DONE' })).toEqual([1]);
  });

  test('everybody sees the organ, offices also see the person', async () => {
    const [publicEdge] = (await listTasks()).edges;
    const [citizenEdge] = (await listTasks(null, 1, null, 'applicant-citizen')).edges;
    const [clerkEdge] = (await listTasks(null, 1, null, 'yudu-lyj.clerk')).edges;
    for (const { node } of [publicEdge, citizenEdge])
      expect(node.progress).toMatchObject({ by: null, organ: { id: LEAD, name: '于都县行政审批局' } });
    expect(clerkEdge.node.progress.by).toMatch(/\p{Script=Han}{2,}/u);
    expect(publicEdge.node.history.edges.map((edge: { node: { by: null } }) => edge.node.by)).toEqual([
      null,
      null,
      null,
    ]);
  });

  test('history is read page by page, newest first', async () => {
    const query = (after: string) =>
      `{ tasks(first: 1) { edges { node { history(first: 2${after}) { edges { cursor node { percent } } pageInfo { hasNextPage endCursor } } } } } }`;
    const readHistory = async (after: string) => (await hub.ask(null, query(after))).data.tasks.edges[0].node.history;
    const first = await readHistory('');
    expect(first).toMatchObject({
      edges: [{ node: { percent: 100 } }, { node: { percent: 80 } }],
      pageInfo: { hasNextPage: true },
    });
    const rest = await readHistory(`, after: "${first.pageInfo.endCursor}"`);
    expect(rest).toMatchObject({ edges: [{ node: { percent: 100 } }], pageInfo: { hasNextPage: false } });
  });

  test('a recurring task can be done only for its dated part', async () => {
    expect(await refusalOfReport('yudu-xzspj.approver', { task: 8, state: 'DONE', percent: 100 })).toBe(
      'TASK_NEVER_DONE',
    );
    const { task } = await reportProgress('yudu-xzspj.approver', { task: 9, state: 'DONE', percent: 100 });
    expect(task).toMatchObject({ recurring: true, overdue: false, progress: { state: 'DONE' } });
  });
});

describe('every organ of the plan', () => {
  const organs = [
    ...new Set(tasks.flatMap(({ leads, responsible }) => [...leads, ...responsible]).map(organOf)),
  ].sort();
  const numbersOf = (organ: string) =>
    tasks.filter(({ leads, responsible }) => [...leads, ...responsible].some((entry) => organOf(entry) === organ));

  test('there are those that annex 4 names, also the four without a matter', () => {
    expect(organs).toHaveLength(17);
    expect(organs).toEqual(expect.arrayContaining(['yudu-bb', 'yudu-czj', 'yudu-gxj', 'yudu-rsj']));
  });

  test.each(organs)('%s reports on its tasks and on no other', async (organ) => {
    const own = numbersOf(organ).map(({ number }) => number);
    const input = { state: 'IN_PROGRESS', percent: 5, dryRun: true };
    for (const { number } of tasks) {
      const refusal = await refusalOfReport(`${organ}.approver`, { ...input, task: number });
      expect([number, refusal]).toEqual([number, own.includes(number) ? null : 'TASK_NOT_OF_ORGAN']);
    }
    const number = own.at(-1) ?? 0;
    const { task } = await reportProgress(`${organ}.reviewer`, { task: number, percent: 5 });
    expect(task.history.edges[0].node).toMatchObject({ percent: 5, organ: { id: organ } });
  });
});

describe('a report is refused', () => {
  test.each([
    ['TASK_UNKNOWN', 'yudu-xzspj.approver', { task: 13 }],
    ['TASK_NOT_OF_ORGAN', 'ganzhou-xzspj.approver', {}],
    ['TASK_NOT_OF_ORGAN', 'xingguo-xzspj.approver', {}],
    ['TASK_NOT_OF_ORGAN', 'yudu-jktj.approver', { task: 11 }],
    ['TASK_NOT_OF_ORGAN', 'administrator', {}],
    ['TASK_PERCENT_UNFIT', 'yudu-xzspj.approver', { percent: 100 }],
    ['TASK_PERCENT_UNFIT', 'yudu-xzspj.approver', { percent: -1 }],
    ['TASK_PERCENT_UNFIT', 'yudu-xzspj.approver', { state: 'DONE', percent: 99 }],
    ['TASK_PERCENT_UNFIT', 'yudu-xzspj.approver', { state: 'NOT_STARTED', percent: 1 }],
    ['FIELD_TOO_LONG', 'yudu-xzspj.approver', { note: '长'.repeat(501) }],
    ['FIELD_MALFORMED', 'yudu-xzspj.approver', { note: ' ' }],
    ['FIELD_MALFORMED', 'yudu-xzspj.approver', { note: '有 ' }],
  ])('%s: %s %j', async (code, person, input) => {
    expect(await refusalOfReport(person, input)).toBe(code);
  });

  test('a control character is wrong input', async () => {
    await expect(refusalOfReport('yudu-xzspj.approver', { note: '有\u0000' })).rejects.toThrow(
      '"code":"BAD_USER_INPUT","argument":"input.note"',
    );
  });

  test.each(['clerk', 'keeper', 'sealapprover', 'supervisor'])('ROLE_NOT_ALLOWED: %s', async (position) => {
    expect(await refusalOfReport(`yudu-xzspj.${position}`, {})).toBe('ROLE_NOT_ALLOWED');
  });
  test.each(['applicant-company', 'window-yudu', 'auditor', 'library'])('ROLE_NOT_ALLOWED: %s', async (person) => {
    expect(await refusalOfReport(person, {})).toBe('ROLE_NOT_ALLOWED');
  });
  test('UNAUTHENTICATED: the public', async () => {
    const query = 'mutation { reportTaskProgress(input: { task: 1, state: DONE, percent: 100 }) { refusal { code } } }';
    expect((await hub.ask(null, query)).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  test('TASK_REPORTS_FULL: after 2,000 reports', async () => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    await sql`insert into matters.task_report (number, state, percent, organ, actor_id, actor, at)
      select 12, 'IN_PROGRESS', 1, ${LEAD}, 'x', '某人', now() from generate_series(1, 2000)`;
    await sql.end();
    expect(await refusalOfReport('yudu-xzspj.approver', { task: 12 })).toBe('TASK_REPORTS_FULL');
  });
});

test('stores all reports of organs that report concurrently', async () => {
  await Promise.all(
    ['yudu-xzspj', 'yudu-sfj', 'yudu-lyj'].map((organ) => reportProgress(`${organ}.reviewer`, { task: 3 })),
  );
  expect((await listTasks()).edges[2].node.history.edges).toHaveLength(3);
});
