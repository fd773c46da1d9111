import type { FastifyInstance } from 'fastify';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionPool, connect, type Database } from '../../db/client.ts';
import { readLegalBases, readMatters, readOrgans } from '../../seeds/load.ts';
import type { Envelope } from '../../subgraphs/kernel/events/events.ts';
import { serveSubgraph } from '../../subgraphs/kernel/http/serve.ts';
import { createMatters, type Matters } from '../../subgraphs/matters/index.ts';
import type { MatterRow } from '../../subgraphs/matters/matter.ts';
import { tokenKeys } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { testParsers } from '../support/parsers.ts';
import { servicesOf } from '../support/services.ts';
import { waitUntil } from '../support/until.ts';

const rows = readMatters();
const organs = readOrgans();
const clock = testClock('2026-03-02');

let database: TestDatabase;
let databaseConnection: ConnectionPool;
let admin: postgres.Sql;
let matters: Matters;
let app: FastifyInstance;
let selects = 0;
const sentEvents: Envelope[] = [];

/** Counts the queries that a reader starts. */
function countQueries(db: Database): Database {
  return new Proxy(db, {
    get(target, key) {
      if (key === 'select') selects++;
      const value = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

beforeAll(async () => {
  database = await createTestDatabase();
  databaseConnection = connect(database.urls.matters, 'test-matters');
  admin = postgres(database.adminUrl, { max: 1 });
  const cases = async (event: Envelope) => {
    sentEvents.push(event);
    return [];
  };
  matters = createMatters({
    db: countQueries(databaseConnection.db),
    now: clock,
    parsers: testParsers,
    send: { cases, licenses: async () => [] },
    pollMs: 20,
  });
  const keys = { tokenKey: tokenKeys.publicKey, services: servicesOf('matters'), now: clock };
  app = await serveSubgraph(matters, keys);
  await matters.importMatters(organs, rows, readLegalBases());
});

afterAll(async () => {
  await app?.close();
  await matters?.stop();
  await admin?.end();
  await databaseConnection?.close();
  await database?.drop();
});

interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever shape its own query asked for
  data?: any;
  errors?: { message: string; extensions: { code: string } }[];
}

/** Asks as the public, without a token. */
async function ask(query: string, variables: Record<string, unknown> = {}): Promise<Answer> {
  return (await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } })).json();
}

const idsOf = (connection: { edges: { node: { id: string } }[] }) => connection.edges.map(({ node }) => node.id);
const LIST = `query($filter: MatterFilter, $first: Int!, $after: String) {
  matters(filter: $filter, first: $first, after: $after) {
    totalCount edges { cursor node { id: code name } } pageInfo { hasNextPage endCursor }
  }
}`;

async function findMatterIds(filter: object): Promise<string[]> {
  const { data, errors } = await ask(LIST, { filter, first: 100 });
  if (errors) throw new Error(JSON.stringify(errors));
  expect(data.matters.totalCount).toBeGreaterThanOrEqual(data.matters.edges.length);
  return idsOf(data.matters);
}

describe('the catalogue for the public', () => {
  test('pages through all 108 matters in the order of the annexes', async () => {
    const pagedIds: string[] = [];
    let after: string | null = null;
    do {
      const { data } = await ask(LIST, { first: 25, after });
      expect(data.matters.totalCount).toBe(108);
      pagedIds.push(...idsOf(data.matters));
      after = data.matters.pageInfo.hasNextPage ? data.matters.pageInfo.endCursor : null;
    } while (after !== null);
    expect(pagedIds).toEqual(rows.map((row) => row.id));
  });

  test('filters by mode, power type, organ, annex and name, combined with AND', async () => {
    const expected = (matches: (row: MatterRow) => boolean) => rows.filter(matches).map((row) => row.id);
    expect(await findMatterIds({ mode: 'SUBSTANTIVE_REVIEW' })).toEqual(expected((row) => row.annex === 2));
    expect(await findMatterIds({ annex: 3, powerType: 'FILING' })).toEqual(
      expected((row) => row.annex === 3 && row.powerType === 'FILING'),
    );
    expect(await findMatterIds({ organ: 'yudu-xzspj' })).toHaveLength(17);
    expect(await findMatterIds({ organ: 'ganzhou-xzspj' })).toHaveLength(42);
    expect(await findMatterIds({ nameContains: '不动产' })).toHaveLength(12);
    expect(await findMatterIds({ nameContains: '竣工验收' })).toEqual(['yd2022-2-29']);
    expect(await findMatterIds({ nameContains: '燃气', mode: 'WINDOW_FORWARD' })).toEqual(['yd2022-3-38']);
  });

  test('treats a wildcard in a name as a literal character', async () => {
    for (const nameContains of ['%', '_', '\\']) expect(await findMatterIds({ nameContains })).toEqual([]);
    expect(await findMatterIds({ nameContains: '±0.00' })).toEqual(['yd2022-2-20']);
  });

  test('filters the mode by day: no matter was DIRECT before 2022-06-01', async () => {
    expect(await findMatterIds({ mode: 'DIRECT', on: '2022-05-31' })).toEqual([]);
    expect(await findMatterIds({ mode: 'DIRECT', on: '2022-06-01' })).toHaveLength(10);
  });

  test('names the legal basis of a day with its source, and the mark of an organ', async () => {
    const { data, errors } = await ask(`{ matter(id: "yd2022-3-07") {
      before: legalBasis(on: "2025-06-30") { text validFrom validTo }
      legalBasis(on: "2025-07-01") { text source isSample validFrom validTo }
      countyOrgan { documentMark }
    } }`);
    expect(errors).toBeUndefined();
    expect(data.matter.before).toMatchObject({ validFrom: null, validTo: '2025-06-30' });
    expect(data.matter.before.text).toContain('1996年修正');
    expect(data.matter.legalBasis).toMatchObject({ isSample: true, validFrom: '2025-07-01', validTo: null });
    expect(data.matter.legalBasis.source).toMatch(/^虚构示例/);
    expect(data.matter.countyOrgan).toEqual({ documentMark: '于自然资' });
  });

  test('returns one matter with its source', async () => {
    const { data, errors } = await ask(`{
      matter(id: "yd2022-3-31") {
        mainItem subItem name powerType licenseAction
        cityOrgan { name divisionCode } countyOrgan { name uscc }
        outcome { kind name licenseType validityMonths }
        source { annex row printed { column text } corrections { field printed corrected reason } flags }
        delegation {
          mode validFrom validTo
          accepts { organ { id: code } second { id: code } window } decides { organ { level } } supervises { organ { id: code } reason }
        }
      }
    }`);
    expect(errors).toBeUndefined();
    const row = rows.find((item) => item.id === 'yd2022-3-31');
    const { annex, printed, corrections, flags, outcome } = row ?? {};
    expect(data.matter).toMatchObject({
      mainItem: '药品零售企业许可',
      name: '药品零售企业许可（新办）',
      powerType: 'LICENSE',
      licenseAction: 'ISSUE',
      cityOrgan: { name: '赣州市行政审批局', divisionCode: '360700' },
      outcome,
      source: { annex, row: 31, printed, corrections, flags },
      delegation: {
        mode: 'WINDOW_FORWARD',
        validFrom: null,
        accepts: { organ: { id: 'yudu-xzspj' }, second: { id: 'ganzhou-xzspj' }, window: true },
        decides: { organ: { level: 'CITY' } },
        supervises: { organ: null, reason: expect.stringContaining('待明确') },
      },
    });
  });

  test('reads and returns a day as YYYY-MM-DD', async () => {
    const query = 'query($on: Date) { matter(id: "yd2022-1-07") { delegation(on: $on) { mode validFrom validTo } } }';
    expect((await ask(query, { on: '2022-05-31' })).data.matter.delegation).toBeNull();
    expect((await ask(query, { on: '2022-06-01' })).data.matter.delegation).toEqual({
      mode: 'DIRECT',
      validFrom: '2022-06-01',
      validTo: null,
    });
    expect((await ask(LIST, { first: 1, filter: { on: '0000-01-01' } })).errors?.[0]?.extensions.code).toBe(
      'BAD_USER_INPUT',
    );
    for (const on of ['2022-02-30', '2022-6-1', '2022-06-01T00:00:00Z', 20220601]) {
      expect((await ask(query, { on })).errors, String(on)).toHaveLength(1);
    }
  });

  test('returns null for an unknown matter; refuses a bad page size and a foreign cursor', async () => {
    expect((await ask('{ matter(id: "yd2022-9-99") { id: code } }')).data).toEqual({ matter: null });
    const organCursor = (await ask('{ organs(first: 1) { pageInfo { endCursor } } }')).data.organs.pageInfo.endCursor;
    for (const variables of [
      { first: 0 },
      { first: 101 },
      { first: 5, after: 'x' },
      { first: 5, after: organCursor },
    ]) {
      const { errors } = await ask(LIST, variables);
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    }
  });

  test('pages through all organs, city first', async () => {
    const first = await ask(
      '{ organs(first: 10) { edges { node { id: code level } } pageInfo { hasNextPage endCursor } } }',
    );
    const { endCursor } = first.data.organs.pageInfo;
    const rest = await ask(
      'query($after: String) { organs(first: 100, after: $after) { edges { node { id: code } } } }',
      {
        after: endCursor,
      },
    );
    const all = [...idsOf(first.data.organs), ...idsOf(rest.data.organs)];
    expect(all).toEqual(organs.map((organ) => organ.id).toSorted());
  });
});

describe('references from other subgraphs', () => {
  test('are resolved in order with one query per table; an unknown one is null', async () => {
    const query = `query($of: [_Any!]!) { _entities(representations: $of) {
      ... on Matter { id: code name countyOrgan { name } } ... on Organ { id: code name }
    } }`;
    const representations = [
      ...rows.slice(0, 60).map(({ id }) => ({ __typename: 'Matter', id })),
      { __typename: 'Matter', id: 'nobody' },
      { __typename: 'Organ', id: 'yudu-lyj' },
      { __typename: 'Organ', id: 'nobody' },
    ];
    selects = 0;
    const { data, errors } = await ask(query, { of: representations });
    expect(errors).toBeUndefined();
    expect(data._entities.map((item: { id: string } | null) => item?.id ?? null)).toEqual([
      ...rows.slice(0, 60).map((row) => row.id),
      null,
      'yudu-lyj',
      null,
    ]);
    expect(selects).toBeLessThanOrEqual(7);
  });
});

describe('importing a list of matters', () => {
  const changeRow = (id: string, change: Partial<MatterRow>) =>
    rows.filter((row) => row.id === id).map((row) => ({ ...row, ...change }));
  const listEvents = async (id: string) =>
    admin`select revision, payload from matters.outbox_event where stream = ${`matter:${id}`} order by revision`;

  test('sends cases one event for each matter', async () => {
    matters.start();
    await waitUntil('all matters are told', async () => sentEvents.length === 108);
    expect(new Set(sentEvents.map((event) => event.stream))).toEqual(new Set(rows.map((row) => `matter:${row.id}`)));
    expect(sentEvents.every((event) => event.type === 'DelegationChanged' && event.revision === 1)).toBe(true);
  });

  test('adds nothing and sends no event for the same list again', async () => {
    expect(await matters.importMatters(organs, rows)).toEqual({ added: 0 });
    const [count] = await admin`select count(*)::int as n from matters.outbox_event`;
    expect(count?.n).toBe(108);
  });

  test('gives an upgraded folder the marks and legal bases that it lacks, and replaces none', async () => {
    await admin`update matters.organ set document_mark = '自定' where id = 'yudu-sfj'`;
    await admin`update matters.organ set document_mark = null where id in ('yudu-lyj', 'yudu-slj')`;
    await admin`delete from matters.legal_basis where matter_id = 'yd2022-1-07'`;
    const renamed = organs.map((organ) => (organ.id === 'yudu-slj' ? { ...organ, documentMark: '自定' } : organ));
    await matters.importMatters(renamed, rows, readLegalBases());
    const marks = await admin`select id, document_mark as mark from matters.organ
      where id in ('yudu-sfj', 'yudu-lyj', 'yudu-slj') order by id`;
    expect(marks.map(({ mark }) => mark)).toEqual(['于林', '自定', null]);
    const { data } = await ask('{ matter(id: "yd2022-1-07") { legalBasis { text } } }');
    expect(data.matter.legalBasis.text).toContain('森林法');
    await admin`update matters.organ set document_mark = '于司' where id = 'yudu-sfj'`;
    await matters.importMatters(organs, rows, readLegalBases());
  });

  test('does not change existing matters and organs', async () => {
    const changedRows = changeRow('yd2022-3-38', { mainItem: '改名', mode: 'DIRECT', validFrom: '2024-01-01' });
    const renamedOrgans = organs.map((organ) => (organ.id === 'yudu-lyj' ? { ...organ, name: '改名' } : organ));
    expect(await matters.importMatters(renamedOrgans, changedRows)).toEqual({ added: 0 });
    const { data } = await ask('{ matter(id: "yd2022-3-38") { mainItem delegation { mode } } }');
    expect(data.matter).toEqual({ mainItem: '燃气经营许可证核发', delegation: { mode: 'WINDOW_FORWARD' } });
    expect((await listEvents('yd2022-3-38')).map((event) => event.revision)).toEqual([1]);
    const [organ] = await admin`select name from matters.organ where id = 'yudu-lyj'`;
    expect(organ?.name).not.toBe('改名');
  });

  test('adds no row of a list with one unknown organ', async () => {
    const [row] = rows;
    if (!row) throw new Error('no row');
    const newMatter = { ...row, id: 'yd2099-1-01', annex: 9 };
    const badRows = [newMatter, { ...newMatter, id: 'yd2099-1-02', row: 2, countyOrgan: 'nobody' }];
    await expect(matters.importMatters(organs, badRows)).rejects.toThrow();
    expect((await ask('{ matter(id: "yd2099-1-01") { id: code } }')).data.matter).toBeNull();
    expect(await listEvents('yd2099-1-01')).toHaveLength(0);
  });

  test('two concurrent imports add a matter once', async () => {
    const [row] = rows;
    if (!row) throw new Error('no row');
    const newMatter = [{ ...row, id: 'yd2099-1-03', annex: 9, row: 3 }];
    const answers = await Promise.all([
      matters.importMatters(organs, newMatter),
      matters.importMatters(organs, newMatter),
    ]);
    expect(answers.map((answer) => answer.added).toSorted()).toEqual([0, 1]);
    expect(await listEvents('yd2099-1-03')).toHaveLength(1);
  });
});

test('matters refuse the events of other subgraphs', async () => {
  const [event] = sentEvents;
  if (!event) throw new Error('nothing was sent');
  await expect(matters.receive('cases', event)).rejects.toThrow('matters take no DelegationChanged from cases');
});
