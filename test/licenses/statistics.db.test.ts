import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { buildASTSchema, isEnumType, parse as parseGraph } from 'graphql';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DIMENSIONS,
  type Dimension,
  findFault,
  MEASURE_NAMES,
  MEASURES,
  type Measure,
  rowOf,
} from '../../subgraphs/licenses/statistics/measure.ts';
import { testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';

/** Statistics of licenses: what they count, for whom, and that the file has the numbers of the query. */

const START = '2026-03-02T01:00:00Z';
const clock = testClock(START);
let hub: TestHub;
let own: { identifier: string }[];

const ROW = 'parts { by key label organ { code } matter { code } } count averageSeconds longestSeconds';
const QUERY = `query($measure: LicenseMeasure!, $by: [LicenseDimension!]!, $filter: LicenseStatisticsFilter, $first: Int,
  $after: String) { licenseStatistics(measure: $measure, by: $by, filter: $filter, first: $first, after: $after) {
  edges { node { ${ROW} } } pageInfo { hasNextPage endCursor } totals { ${ROW} } asOf } }`;

interface Row {
  parts: { by: string; key: string; label: string }[];
  count: number;
  averageSeconds: number | null;
  longestSeconds: number | null;
}
type Variables = Record<string, unknown> & { measure: Measure; by: readonly Dimension[] };

interface Statistics {
  rows: Row[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
  totals: Row;
  asOf: string;
}

async function read(person: string, variables: Variables): Promise<Statistics> {
  const { data, errors } = await hub.ask(person, QUERY, { first: 100, ...variables });
  if (errors) throw new Error(JSON.stringify(errors));
  const { edges, ...rest } = data.licenseStatistics;
  return { ...rest, rows: edges.map(({ node }: { node: Row }) => node) };
}
/** Returns the counts of a question by its keys. */
const count = async (person: string, variables: Variables) =>
  Object.fromEntries(
    (await read(person, variables)).rows.map(({ parts, count }) => [parts.map(({ key }) => key).join(' '), count]),
  );
const faultOf = async (person: string | null, variables: Variables) => {
  const { errors } = await hub.ask(person, QUERY, { first: 100, ...variables });
  const extensions: { code?: string; argument?: string } = errors?.[0]?.extensions ?? {};
  return [extensions.code, extensions.argument ?? null];
};
const addressOf = (variables: Variables, filter: Record<string, string> = {}) => {
  const query = new URLSearchParams({ measure: variables.measure, by: variables.by.join(','), ...filter });
  return `/licenses/statistics.csv?${query.toString().replaceAll('%2C', ',')}`;
};
async function readCsv(person: string | null, url: string) {
  const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` };
  return hub.hub.app.inject({ url, headers });
}

beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  own = [];
  for (const serial of [1, 2, 3])
    own.push(await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), serial));
  clock.set('2026-04-10T01:00:00Z');
  const suspended = await actForOrgan(hub, 'yudu-lyj', 'suspend', { identifier: own[0]?.identifier });
  expect(suspended.refusal).toBeNull();
  await issueGrantedLicense(hub, ROUTES.WINDOW_FORWARD, await grantCase(hub, ROUTES.WINDOW_FORWARD), 1);
}, 300_000);
afterAll(() => hub?.stop());

describe('licenses by state on a day', () => {
  test('today, and as they were on an earlier day', async () => {
    const by = ['STATE'] as const;
    expect(await count('yudu-lyj.approver', { measure: 'LICENSES', by })).toEqual({ SUSPENDED: 1, VALID: 2 });
    const earlier = { measure: 'LICENSES' as const, by, filter: { on: '2026-04-09' } };
    expect(await count('yudu-lyj.approver', earlier)).toEqual({ VALID: 3 });
    expect(await count('auditor', { ...earlier, filter: { on: '2026-03-01' } })).toEqual({});
  });

  test('an end that time alone will bring is in the numbers of a later day', async () => {
    const later = { measure: 'LICENSES' as const, by: ['STATE'] as const, filter: { on: '2099-01-01' } };
    const states = await count('auditor', later);
    expect(states.LAPSED).toBeGreaterThan(0);
    expect(Object.values(states).reduce((sum, one) => sum + one, 0)).toBe(4);
  });

  test('each person counts what the list of licenses shows', async () => {
    const list = 'query($state: LicenseState) { licenses(filter: { state: $state }, first: 1) { totalCount } }';
    const people = ['yudu-lyj.clerk', 'ganzhou-xzspj.supervisor', 'window-yudu', 'yudu-jktj.reviewer', 'auditor'];
    for (const person of people) {
      const states = await count(person, { measure: 'LICENSES', by: ['STATE'] });
      for (const state of ['VALID', 'SUSPENDED', 'LAPSED']) {
        const { data } = await hub.ask(person, list, { state });
        expect([person, state, states[state] ?? 0]).toEqual([person, state, data.licenses.totalCount]);
      }
    }
  });

  test('the rows of three dimensions come page by page, named, and the totals are their sum', async () => {
    const question = { measure: 'LICENSES' as const, by: ['ISSUER', 'TYPE', 'ORIGIN'] as const };
    const first = await read('auditor', { ...question, first: 1 });
    const rest = await read('auditor', { ...question, after: first.pageInfo.endCursor });
    const rows = [...first.rows, ...rest.rows];
    expect(rows.map(({ parts }) => parts.map(({ label }) => label))).toEqual([
      ['赣州市行政审批局', '第三类医疗器械经营许可证', '制发'],
      ['于都县林业局', '林木采伐许可证', '制发'],
    ]);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(first.totals.count);
    expect(first).toMatchObject({ asOf: '2026-04-10', totals: { parts: [], count: 4 } });
  });

  test('a condition holds', async () => {
    const filter = { organ: 'yudu-lyj', matter: ROUTES.DIRECT.matter };
    expect(await count('auditor', { measure: 'LICENSES', by: ['DIVISION'], filter })).toEqual({ '360731': 3 });
    const none = { measure: 'LICENSES' as const, by: ['STATE'] as const, filter: { organ: 'yudu-slj' } };
    expect(await count('auditor', none)).toEqual({});
  });
});

describe('what happened in a period', () => {
  test('acts by act and month', async () => {
    expect(await count('auditor', { measure: 'ACTS', by: ['MONTH', 'ACT'] })).toEqual({
      '2026-03 ISSUE': 3,
      '2026-04 ISSUE': 1,
      '2026-04 SUSPEND': 1,
    });
    const march = { from: '2026-03-02', to: '2026-03-31' };
    expect(await count('auditor', { measure: 'ACTS', by: ['ISSUER'], filter: march })).toEqual({ 'yudu-lyj': 3 });
  });

  test('collections by state, with the time that they took', async () => {
    const by = ['STATE', 'MONTH'] as const;
    const before = await read('auditor', { measure: 'COLLECTIONS', by });
    expect(before.totals).toMatchObject({ count: 5, averageSeconds: null, longestSeconds: null });
    const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
    await sql`insert into licenses.outbox_receipt (consumer, stream, revision, delivered_at)
      select 'library', stream, revision, occurred_at + revision * interval '1 minute'
      from licenses.outbox_event where type = 'LicenseChanged'
        and stream in (select stream from licenses.outbox_event where type = 'LicenseChanged' and revision = 2)`;
    await sql`update licenses.outbox_delivery set rejected_at = now() where consumer = 'library' and stream in
      (select stream from licenses.outbox_event where type = 'LicenseChanged' and occurred_at > '2026-04-10T00:00:00Z'
        and revision = 1)`;
    await sql.end();
    const { rows, totals } = await read('auditor', { measure: 'COLLECTIONS', by });
    expect(
      rows.map(({ parts, count, longestSeconds }) => [parts.map(({ key }) => key), count, longestSeconds]),
    ).toEqual([
      [['COLLECTED', '2026-03'], 1, 60],
      [['COLLECTED', '2026-04'], 1, 120],
      [['FAILED', '2026-04'], 1, null],
      [['PENDING', '2026-03'], 2, null],
    ]);
    expect(totals).toMatchObject({ count: 5, averageSeconds: 90, longestSeconds: 120 });
  });

  test('blanks of the own organ by state', async () => {
    const states = await count('yudu-lyj.keeper', { measure: 'BLANKS', by: ['STATE', 'ISSUER'] });
    const used = 3 * (1 + toBlanks(ROUTES.DIRECT, 1).duplicateBlanks.length);
    expect(states).toEqual({ 'IN_STOCK yudu-lyj': 200 - used, 'PRINTED yudu-lyj': used });
  });

  test('orders: none yet; lapses: none yet', async () => {
    expect(await read('yudu-lyj.approver', { measure: 'ORDERS', by: ['STATE'] })).toMatchObject({
      rows: [],
      totals: { count: 0, averageSeconds: null },
    });
    expect((await read('auditor', { measure: 'LAPSES', by: ['MONTH'] })).totals.count).toBe(0);
  });
});

describe('who counts what', () => {
  test.each<[Measure, string, string | null]>([
    ['LICENSES', 'applicant-company', 'FORBIDDEN'],
    ['LICENSES', 'administrator', 'FORBIDDEN'],
    ['LICENSES', 'library', 'FORBIDDEN'],
    ['ORDERS', 'yudu-lyj.clerk', 'FORBIDDEN'],
    ['ORDERS', 'yudu-lyj.supervisor', null],
    ['BLANKS', 'window-yudu', null],
    ['BLANKS', 'administrator', 'FORBIDDEN'],
  ])('%s by %s: %s', async (measure, person, code) => {
    const variables = { measure, by: ['STATE'] as const };
    expect((await faultOf(person, variables))[0] ?? null).toBe(code);
    const { statusCode } = await readCsv(person, addressOf(variables));
    expect(statusCode).toBe(code === null ? 200 : 403);
  });

  test('another office counts nothing of it', async () => {
    for (const measure of MEASURE_NAMES.filter((one) => one !== 'BLANKS')) {
      const by = [rowOf(measure).dimensions[0] ?? 'STATE'];
      expect([measure, await count('xingguo-xzspj.approver', { measure, by })]).toEqual([measure, {}]);
    }
  });

  test('nobody without a token', async () => {
    expect((await faultOf(null, { measure: 'LICENSES', by: ['STATE'] }))[0]).toBe('UNAUTHENTICATED');
    expect((await readCsv(null, addressOf({ measure: 'LICENSES', by: ['STATE'] }))).statusCode).toBe(401);
  });
});

describe('a question that does not fit', () => {
  const none = { on: null, from: null, to: null, organ: null, licenseType: null, matter: null };
  test.each<[Variables, string]>([
    [{ measure: 'LICENSES', by: [] }, 'by'],
    [{ measure: 'LICENSES', by: ['STATE', 'STATE'] }, 'by'],
    [{ measure: 'LICENSES', by: ['STATE', 'TYPE', 'ISSUER', 'ORIGIN'] }, 'by'],
    [{ measure: 'LICENSES', by: ['MONTH'] }, 'by'],
    [{ measure: 'LICENSES', by: ['STATE'], filter: { from: '2026-01-01' } }, 'filter.from'],
    [{ measure: 'ACTS', by: ['ACT'], filter: { on: '2026-01-01' } }, 'filter.on'],
    [{ measure: 'ACTS', by: ['ACT'], filter: { from: '2026-01-02', to: '2026-01-01' } }, 'filter.to'],
    [{ measure: 'BLANKS', by: ['STATE'], filter: { to: '2026-01-01' } }, 'filter.to'],
    [{ measure: 'BLANKS', by: ['STATE'], filter: { matter: 'm' } }, 'filter.matter'],
    [{ measure: 'ORDERS', by: ['STATE'], filter: { licenseType: 't' } }, 'filter.licenseType'],
  ])('%j', async (variables, argument) => {
    expect(await faultOf('auditor', variables)).toEqual(['BAD_USER_INPUT', argument]);
    const { filter = {} } = variables as { filter?: Record<string, string> };
    const { statusCode, body } = await readCsv('auditor', addressOf(variables, filter));
    expect([statusCode, JSON.parse(body).message]).toEqual([
      400,
      expect.stringContaining(argument.split('.').at(-1) ?? ''),
    ]);
  });

  test('every other pair of measure and dimension is answered', async () => {
    for (const measure of MEASURE_NAMES)
      for (const dimension of DIMENSIONS) {
        const fits = (MEASURES[measure].dimensions as readonly Dimension[]).includes(dimension);
        expect(findFault({ measure, by: [dimension], conditions: none }) === null).toBe(fits);
        if (fits) expect((await read('auditor', { measure, by: [dimension] })).rows).toEqual(expect.any(Array));
      }
  });
});

describe('the file', () => {
  test.each(MEASURE_NAMES)('has the numbers of the query: %s', async (measure) => {
    const by = rowOf(measure).dimensions.slice(0, 3);
    const { rows, totals } = await read('auditor', { measure, by });
    const { statusCode, headers, body } = await readCsv('auditor', addressOf({ measure, by }));
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(body.startsWith('\ufeff')).toBe(true);
    const [heading, ...lines] = parse(body, { bom: true }) as string[][];
    expect(heading).toHaveLength(2 * by.length + (rowOf(measure).lag === null ? 1 : 3));
    const figures = ({ count, averageSeconds, longestSeconds }: Row) =>
      [count, ...(rowOf(measure).lag === null ? [] : [averageSeconds ?? '', longestSeconds ?? ''])].map(String);
    expect(lines.slice(0, -1)).toEqual(
      rows.map((row) => [...row.parts.flatMap(({ key, label }) => [key, label]), ...figures(row)]),
    );
    expect(lines.at(-1)?.slice(2 * by.length)).toEqual(figures(totals));
  });

  test('opens by a link, for its own query and no other', async () => {
    const url = addressOf({ measure: 'ACTS', by: ['MONTH', 'ACT'] }, { from: '2026-03-01' });
    const makeLink = async (person: string, payload: object) =>
      hub.hub.app.inject({
        ...{ method: 'POST', url: '/file-links', payload },
        headers: { authorization: `Bearer ${await hub.token(person)}` },
      });
    const link = (await makeLink('yudu-lyj.clerk', { url })).json();
    const opened = await hub.hub.app.inject({ url: link.url });
    expect([opened.statusCode, opened.body]).toEqual([200, (await readCsv('yudu-lyj.clerk', url)).body]);
    const other = link.url.replace('2026-03-01', '2026-04-01');
    expect((await hub.hub.app.inject({ url: other })).json().code).toBe('LINK_INVALID');
    expect((await makeLink('applicant-company', { url })).statusCode).toBe(403);
    expect((await makeLink('yudu-lyj.clerk', { url: '/licenses/statistics.csv?measure=X' })).statusCode).toBe(400);
  });

  test('an unknown parameter is named', async () => {
    const { statusCode, body } = await readCsv('auditor', `${addressOf({ measure: 'ACTS', by: ['ACT'] })}&x=1`);
    expect([statusCode, JSON.parse(body).message]).toEqual([400, '没有参数 x。']);
  });
});

test('the words of states are those of the graph', () => {
  const schema = buildASTSchema(
    parseGraph(readFileSync(new URL('../../gateway/supergraph.graphql', import.meta.url), 'utf8')),
    { assumeValidSDL: true },
  );
  const enums = {
    LICENSES: 'LicenseState',
    COLLECTIONS: 'CollectionState',
    ORDERS: 'SupervisionOrderState',
    BLANKS: 'BlankState',
  } as const;
  for (const [measure, name] of Object.entries(enums)) {
    const type = schema.getType(name);
    if (!isEnumType(type)) throw new Error(name);
    const words = type.getValues().map(({ name, description }) => [name, description?.trim().split(' (')[0]]);
    expect([measure, rowOf(measure as Measure).states]).toEqual([measure, Object.fromEntries(words)]);
  }
});
