import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { keysOfPeriod } from '../../subgraphs/cases/list/finding.ts';
import { buildQueryCondition, type CaseQuery } from '../../subgraphs/cases/list/finding-store.ts';
import { caseFile } from '../../subgraphs/cases/tables.ts';
import { foldText } from '../../subgraphs/kernel/finding/fold.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Cases are found by number, applicant, matter, days and text, as far as the list would show them, from an index. */

const FOREST_CLERK = ROUTES.DIRECT.accepts;
const OTHERS = 100_000;
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
let hub: TestHub;
let admin: postgres.Sql;
const numbers: Record<string, string> = {};

beforeAll(async () => {
  hub = await createTestHub({ now: () => new Date('2026-11-20T02:00:00Z') });
  admin = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  const file = async (person: string, matter: string, applicant: object) => {
    const input = { matter, applicant, fields: linesFor(matter) };
    return (await runMutation(hub, person, 'receiveApplication', 'ApplicationInput', input, 'case { number }')).case
      .number;
  };
  numbers.company = await file(FOREST_CLERK, ROUTES.DIRECT.matter, COMPANY);
  numbers.citizen = await file(FOREST_CLERK, ROUTES.DIRECT.matter, CITIZEN);
  numbers.window = await file('window-yudu', ROUTES.WINDOW_FORWARD.matter, COMPANY);
}, 60_000);
afterAll(async () => {
  await admin?.end();
  await hub?.stop();
});

async function list(person: string, filter: object): Promise<string[]> {
  const query = 'query($filter: CaseFilter) { cases(filter: $filter, first: 100) { edges { node { number } } } }';
  const { data, errors } = await hub.ask(person, query, { filter });
  if (errors) throw Object.assign(new Error(errors[0]?.message), { extensions: errors[0]?.extensions });
  return data.cases.edges.map((edge: { node: { number: string } }) => edge.node.number);
}
async function search(person: string, text: string, page = 'first: 100') {
  const query = `query($text: String!) { searchCases(text: $text, ${page}) {
    edges { node { number } } pageInfo { hasNextPage endCursor } } }`;
  const { data, errors } = await hub.ask(person, query, { text });
  if (errors) throw Object.assign(new Error(errors[0]?.message), { extensions: errors[0]?.extensions });
  return data.searchCases;
}
const numbersOf = (found: { edges: { node: { number: string } }[] }) => found.edges.map(({ node }) => node.number);

describe('a case', () => {
  test('is found by number, name, matter and day, in any width', async () => {
    const { company = '', citizen = '' } = numbers;
    const wide = [...company].map((digit) => String.fromCodePoint((digit.codePointAt(0) ?? 0) + 0xfee0)).join('');
    for (const number of [company, ` ${company} `, wide])
      expect(await list(FOREST_CLERK, { number })).toEqual([company]);
    expect(await list(FOREST_CLERK, { applicantName: '贡江 示范' })).toEqual([company]);
    expect(await list(FOREST_CLERK, { applicantName: '李晓明' })).toEqual([citizen]);
    expect(await list(FOREST_CLERK, { text: '林木采伐' })).toEqual([citizen, company]);
    expect(await list(FOREST_CLERK, { text: company.slice(-5) })).toEqual([company]);
    expect(await list(FOREST_CLERK, { text: '江贡' })).toEqual([]);
    expect(await list(FOREST_CLERK, { receivedFrom: '2026-11-20', receivedTo: '2026-11-20' })).toHaveLength(2);
    expect(await list(FOREST_CLERK, { receivedFrom: '2026-11-21' })).toEqual([]);
    expect(await list(FOREST_CLERK, { receivedTo: '2026-11-19' })).toEqual([]);
    expect(await list(FOREST_CLERK, { receivedFrom: '0001-01-01', receivedTo: '9999-12-31' })).toHaveLength(2);
    expect(await list(FOREST_CLERK, { text: '林木采伐', applicantName: '晓明', closed: false })).toEqual([citizen]);
  });

  test('is found by nobody to whom the list does not show it', async () => {
    const { company = '', window = '' } = numbers;
    for (const person of ['yudu-sfj.clerk', 'window-yudu', 'applicant-citizen', 'yudu-sfj.approver']) {
      for (const filter of [{ number: company }, { text: company }])
        expect(await list(person, filter), person).toEqual([]);
      expect(numbersOf(await search(person, company))).toEqual([]);
    }
    expect(numbersOf(await search('window-yudu', '贡江'))).toEqual([window]);
    expect(numbersOf(await search(FOREST_CLERK, '贡江'))).toEqual([company]);
    expect(numbersOf(await search('applicant-company', '贡江'))).toEqual([window, company]);
    expect(numbersOf(await search('auditor', '贡江'))).toEqual([window, company]);
    expect(await list('applicant-company', { receivedFrom: '2026-11-20', receivedTo: '2026-11-20' })).toHaveLength(2);
    const { errors } = await hub.ask(null, '{ searchCases(text: "贡江", first: 1) { edges { node { number } } } }');
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  test('is not found by a code or by the lines of an application', async () => {
    for (const text of [COMPANY.code, COMPANY.code.slice(0, 8), '示范内容', '内容'])
      expect(await list('auditor', { text })).toEqual([]);
  });

  test('stands before those that only contain the text, and pages meet each once', async () => {
    const { company = '', citizen = '' } = numbers;
    expect(numbersOf(await search('auditor', company))[0]).toBe(company);
    const paged: string[] = [];
    for (let page = 'first: 1'; ; ) {
      const found = await search(FOREST_CLERK, '林木', page);
      paged.push(...numbersOf(found));
      if (!found.pageInfo.hasNextPage) break;
      page = `first: 1, after: "${found.pageInfo.endCursor}"`;
    }
    expect(paged).toEqual([citizen, company]);
  });

  test.each([
    { text: '林' },
    { text: '' },
    { applicantName: ' \u3000' },
    { text: '林'.repeat(101) },
    { text: '林业\u0000' },
    { receivedFrom: '2026-11-02', receivedTo: '2026-11-01' },
  ])('%j is BAD_USER_INPUT', async (filter) => {
    await expect(list('auditor', filter)).rejects.toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
  });
});

test('the database folds texts as the rule does', async () => {
  const texts = [
    '于府办发〔2022〕30号',
    '［甲］【乙】（戊）',
    'ＡＢＣ　１２３ Zz',
    ' 林\u00a0业\t\n\u000b\u2028\ufeff局',
    '㈱ﾊﾟ½',
    '',
    'É',
    '𠀀甲',
  ];
  for (const text of texts) {
    const [row] = await admin`select cases.fold_text(${text}) as folded`;
    expect(row?.folded, text).toBe(foldText(text));
  }
});

test('a period is whole months and single days', () => {
  const keys = keysOfPeriod('x', '2026-01-30', '2026-03-02', '2026-11-20');
  expect(keys).toEqual(['x|d:20260130', 'x|d:20260131', 'x|m:202602', 'x|d:20260301', 'x|d:20260302']);
  expect(keysOfPeriod('x', null, null, '2020-02-01')).toEqual(['x|m:202001', 'x|d:20200201']);
  expect(keysOfPeriod('x', '2026-11-21', null, '2026-11-20')).toEqual([]);
  expect(keysOfPeriod('x', '0001-01-01', '9999-12-31', '2026-12-31')).toHaveLength(84);
});

describe(`among ${OTHERS} cases`, () => {
  beforeAll(async () => {
    await admin`insert into cases.case_file (id, number, matter_id, division_code, matter, delegation, applicant_name,
      applicant_code_kind, applicant_code, fields, parties, step, closed, waits_organs, rests_since, requested_by,
      request_digest)
      select gen_random_uuid(), '360731' || to_char(date '2023-01-01' + (i % 1000), 'YYYYMMDD') || lpad((i / 1000 + 500)::text, 5, '0'),
        'yd2022-1-08', '360731', '{}', '{}', '某某' || chr(19968 + i % 5000) || chr(19968 + i % 4999) || '公司', 'USCC',
        'CODE' || i, '[]', array['yudu-sfj', 'ganzhou-sfj'], 'DELIVERED', true, array[]::text[], now(), 'x', ''
      from generate_series(1, ${OTHERS}) as i`;
    await admin`analyze cases.case_file`;
  }, 300_000);

  /** Explains the statement of a list with this filter, as the person, and returns its plan with what it counted. */
  async function explain(person: string, query: CaseQuery): Promise<string> {
    const { db, close } = connect(hub.databaseUrls.cases, 'explain', 1);
    const isFound = await buildQueryCondition(db, { actor: requireDemoPerson(person), today: '2026-11-20' }, query);
    const { sql, params } = db.select({ number: caseFile.number }).from(caseFile).where(isFound).limit(21).toSQL();
    await close();
    const rows = await admin.unsafe(`explain (analyze, format json) ${sql}`, params as string[]);
    return JSON.stringify(rows[0]);
  }
  const query = { text: null, applicantName: null, receivedFrom: null, receivedTo: null };

  test.each([
    ['text', { ...query, text: '360731202304' }],
    ['applicantName', { ...query, applicantName: '某某丁' }],
    ['period', { ...query, receivedFrom: '2023-02-03', receivedTo: '2023-02-04' }],
    ['text and period', { ...query, text: '公司', receivedFrom: '2023-02-03', receivedTo: '2023-02-04' }],
  ])('%s is answered from the index, and a scope without them reads no case', async (_, filter) => {
    const visible = await explain('yudu-sfj.clerk', filter);
    const hidden = await explain('yudu-lyj.clerk', filter);
    for (const plan of [visible, hidden]) {
      expect(plan).toContain('case_file_find');
      expect(plan).not.toContain('Seq Scan');
    }
    // Every node of the plan found nothing: no case of others was read and then dropped.
    expect(hidden).not.toMatch(/"Actual Rows":\s*(?!0\b)(?!0\.0+\b)\d/);
    expect(hidden).not.toMatch(/"Rows Removed by Filter":\s*[1-9]/);
  });
});
