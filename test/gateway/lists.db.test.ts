import { buildSchema, type GraphQLField, getNamedType, isEnumType, isNonNullType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../../subgraphs/kernel/actor.ts';
import { DEFAULT_PAGE_ROWS } from '../../subgraphs/kernel/list/page.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

interface Fault {
  code: string;
  argument?: string;
}

/** Every list of the schema, also one that is new: its arguments, and walks through it in both directions. */

/** Lists that page forward only: their cursors are positions that readers keep. */
const FORWARD_ONLY: ReadonlySet<string> = new Set(['licenseChanges']);

/** Values of the arguments that a list requires besides those of a page. */
const REQUIRED: Readonly<Record<string, string>> = {
  'Query.caseStatistics': 'by: MATTER',
  'Query.licenseStatistics': 'measure: LICENSES, by: STATE',
  'Query.platformMessages': 'case: "none"',
  'Query.searchCases': 'text: "有限"',
  'Query.searchLicenses': 'text: "有限"',
  'Query.searchMatters': 'text: "许可"',
  'Query.searchOrgans': 'text: "局"',
};

/** For a list below the roots, an operation that leads to it: `%` stands for the field. */
const PLACES: Readonly<Record<string, { query: string; path: readonly string[] }>> = {
  Matter: { query: `{ matter(id: "${ROUTES.DIRECT.matter}") { % } }`, path: ['matter'] },
  Task: { query: '{ tasks(first: 1) { edges { node { % } } } }', path: ['tasks', 'edges', '0', 'node'] },
  DelegationImport: {
    query: '{ delegationImports(first: 1) { edges { node { % } } } }',
    path: ['delegationImports', 'edges', '0', 'node'],
  },
};

interface ListPlace {
  coordinate: string;
  name: string;
  type: string;
  hasBackward: boolean;
  /** Values of its argument orderBy. */
  orders: readonly string[];
  hasTotalCount: boolean;
}

interface AnsweredPage {
  edges: { cursor: string }[];
  totalCount?: number;
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

let hub: TestHub;
let token: string;
let lists: ListPlace[];
beforeAll(async () => {
  hub = await createTestHub();
  for (const serial of [1, 2, 3]) {
    await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), serial);
    const { accepts, matter } = ROUTES.DIRECT;
    const input = { matter, applicant: COMPANY, fields: [{ label: '采伐地点', text: '示范林场' }] };
    await runMutation(hub, accepts, 'acceptCase', 'ApplicationInput', input, 'case { id }');
  }
  // Somebody who holds every position in an organ, so that no list is closed.
  const holder = requireDemoPerson('applicant-company').holderCode;
  const person = { ...requireDemoPerson('yudu-lyj.approver'), roles: ROLES, window: '360731', holderCode: holder };
  token = await tokenFor(person, new Date());
  const text = (await hub.hub.app.inject({ url: '/schema.graphql' })).body;
  lists = listLists(text);
});
afterAll(() => hub?.stop());

/** Returns every field that answers a connection. Throws if the walk cannot reach it. */
function listLists(sdl: string): ListPlace[] {
  const schema = buildSchema(sdl, { assumeValidSDL: true });
  const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type));
  return objects.flatMap((type) =>
    Object.values(type.getFields())
      .filter((field: GraphQLField<unknown, unknown>) => getNamedType(field.type).name.endsWith('Connection'))
      .map((field) => {
        const coordinate = `${type.name}.${field.name}`;
        const required = field.args.filter(
          (argument) => isNonNullType(argument.type) && argument.defaultValue === undefined,
        );
        if (required.length > 0 && !REQUIRED[coordinate]) throw new Error(`${coordinate} needs a row in REQUIRED`);
        if (type.name !== 'Query' && !PLACES[type.name]) throw new Error(`${type.name} needs a row in PLACES`);
        const hasBackward = field.args.some(({ name }) => name === 'last');
        const order = field.args.find(({ name }) => name === 'orderBy');
        const orderType = order && getNamedType(order.type);
        const orders = isEnumType(orderType) ? orderType.getValues().map(({ name }) => name) : [];
        const answered = getNamedType(field.type);
        const hasTotalCount = isObjectType(answered) && 'totalCount' in answered.getFields();
        return { hasTotalCount, coordinate, name: field.name, type: type.name, hasBackward, orders };
      }),
  );
}

async function ask(list: ListPlace, args: string): Promise<{ page: AnsweredPage | null; errors: unknown[] }> {
  const given = [REQUIRED[list.coordinate], args].filter(Boolean).join(', ');
  const total = list.hasTotalCount ? 'totalCount' : '';
  const selection = `{ ${total} edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
  const field = `${list.name}${given ? `(${given})` : ''} ${selection}`;
  const place = PLACES[list.type] ?? { query: '{ % }', path: [] };
  const response = await hub.hub.app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { authorization: `Bearer ${token}` },
    payload: { query: place.query.replace('%', field) },
  });
  const { data, errors = [] } = response.json();
  const parent = place.path.reduce((value, name) => value?.[name], data);
  return {
    page: parent?.[list.name] ?? null,
    errors: errors.map(({ extensions: { code, argument } }: { extensions: Fault }) => ({ code, argument })),
  };
}

async function read(list: ListPlace, args: string): Promise<AnsweredPage> {
  const { page, errors } = await ask(list, args);
  if (!page) throw new Error(`${list.coordinate}(${args}): ${JSON.stringify(errors)}`);
  return page;
}

/** Reads a list page by page and returns its cursors in the order of the list. */
async function walk(
  list: ListPlace,
  count: number,
  direction: 'FORWARD' | 'BACKWARD',
  order?: string,
): Promise<string[]> {
  const pages: AnsweredPage[] = [];
  const [counter, bound] = direction === 'FORWARD' ? ['first', 'after'] : ['last', 'before'];
  for (let cursor: string | null = null; ; ) {
    const ordered = order === undefined ? '' : `orderBy: ${order}, `;
    const page = await read(list, `${ordered}${counter}: ${count}${cursor === null ? '' : `, ${bound}: "${cursor}"`}`);
    const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
    expect([startCursor, endCursor]).toEqual([page.edges[0]?.cursor ?? null, page.edges.at(-1)?.cursor ?? null]);
    const [goesOn, cameFrom] =
      direction === 'FORWARD' ? [hasNextPage, hasPreviousPage] : [hasPreviousPage, hasNextPage];
    expect([list.coordinate, cameFrom]).toEqual([list.coordinate, pages.length > 0]);
    pages.push(page);
    cursor = direction === 'FORWARD' ? endCursor : startCursor;
    if (!goesOn) break;
  }
  const inOrder = direction === 'FORWARD' ? pages : pages.toReversed();
  const cursors = inOrder.flatMap(({ edges }) => edges.map((edge) => edge.cursor));
  if (list.hasTotalCount) for (const page of pages) expect(page.totalCount, list.coordinate).toBe(cursors.length);
  return cursors;
}

describe('every list', () => {
  test('pages in both directions, except the feed', () => {
    expect(lists.length).toBeGreaterThan(30);
    expect(lists.filter(({ hasBackward }) => !hasBackward).map(({ name }) => name)).toEqual([...FORWARD_ONLY]);
  });

  test('without arguments has at most the default number of rows', async () => {
    for (const list of lists) {
      const { page } = await ask(list, '');
      if (list.type === 'DelegationImport') continue;
      expect(page?.edges.length ?? 0, list.coordinate).toBeLessThanOrEqual(DEFAULT_PAGE_ROWS);
      expect(page, list.coordinate).not.toBeNull();
    }
    expect((await read(requireList('matters'), '')).edges).toHaveLength(DEFAULT_PAGE_ROWS);
  });

  test('meets the same rows forward and backward, whatever the size of a page', async () => {
    const walked: string[] = [];
    for (const list of lists) {
      if (list.type === 'DelegationImport') continue;
      const all = await walk(list, 100, 'FORWARD');
      expect(new Set(all).size).toBe(all.length);
      if (all.length >= 3) walked.push(list.name);
      const count = Math.min(99, Math.max(1, Math.ceil(all.length / 3) - 1));
      expect(await walk(list, count, 'FORWARD'), list.coordinate).toEqual(all);
      if (list.hasBackward) expect(await walk(list, count, 'BACKWARD'), list.coordinate).toEqual(all);
    }
    expect(walked).toEqual(expect.arrayContaining(['matters', 'organs', 'searchMatters', 'searchOrgans', 'tasks']));
    expect(walked).toEqual(
      expect.arrayContaining(['cases', 'licenses', 'licenseChanges', 'sealUses', 'seals', 'people']),
    );
    expect(walked).toEqual(expect.arrayContaining(['approvalPushes', 'attention', 'blanks', 'queue', 'runningCases']));
  });

  test('in each of its orders meets the same rows, and an order refuses the cursors of another', async () => {
    const ordered = lists.filter(({ orders }) => orders.length > 0);
    expect(ordered.map(({ name }) => name)).toEqual(expect.arrayContaining(['cases', 'licenses']));
    for (const list of ordered) {
      const positions = (cursors: readonly string[]) =>
        cursors.map((cursor) => JSON.parse(Buffer.from(cursor, 'base64url').toString()).slice(1).join());
      const walks = new Map<string, string[]>();
      for (const order of list.orders) {
        const all = await walk(list, 100, 'FORWARD', order);
        expect(all.length, list.name).toBeGreaterThanOrEqual(3);
        expect(await walk(list, 2, 'FORWARD', order)).toEqual(all);
        expect(await walk(list, 2, 'BACKWARD', order)).toEqual(all);
        walks.set(order, all);
      }
      for (const [order, all] of walks) {
        const opposite = order.endsWith('_ASC') ? order.replace('_ASC', '_DESC') : order.replace('_DESC', '_ASC');
        expect(positions(all), order).toEqual(positions(walks.get(opposite) ?? []).reverse());
        const { errors } = await ask(list, `orderBy: ${opposite}, after: "${all[0]}"`);
        expect(errors).toEqual([{ code: 'BAD_USER_INPUT', argument: 'after' }]);
      }
    }
  });

  test('refuses wrong counts, forged cursors, cursors of another list, and arguments of both directions', async () => {
    const { endCursor } = (await read(requireList('organs'), 'first: 1')).pageInfo;
    const forward: [args: string, argument: string][] = [
      ['first: 0', 'first'],
      ['first: 101', 'first'],
      ['after: "AAAA"', 'after'],
      [`after: "${Buffer.from('["9","9","9","9","9"]').toString('base64url')}"`, 'after'],
      ['first: 2, after: "%"', 'after'],
    ];
    const backward: typeof forward = [
      ['last: 0', 'last'],
      ['last: -1', 'last'],
      ['last: 101', 'last'],
      ['before: "AAAA"', 'before'],
      ['last: 2, before: "%"', 'before'],
      ['first: 1, last: 1', 'last'],
    ];
    for (const list of lists) {
      if (list.type === 'DelegationImport' || list.name === 'organs') continue;
      for (const [args, argument] of list.hasBackward ? [...forward, ...backward] : forward) {
        const { errors } = await ask(list, args.replace('%', endCursor ?? ''));
        expect([list.coordinate, args, errors]).toEqual([
          list.coordinate,
          args,
          [{ code: 'BAD_USER_INPUT', argument }],
        ]);
      }
    }
  });

  test('refuses its own cursor for the other direction', async () => {
    for (const list of lists) {
      const own = (await ask(list, 'first: 1')).page?.pageInfo.endCursor;
      if (!own || !list.hasBackward) continue;
      const codes = async (args: string) => (await ask(list, args)).errors;
      const [before, after] = [
        { code: 'BAD_USER_INPUT', argument: 'before' },
        { code: 'BAD_USER_INPUT', argument: 'after' },
      ];
      expect(await codes(`after: "${own}", before: "${own}"`), list.coordinate).toEqual([before]);
      expect(await codes(`first: 1, before: "${own}"`), list.coordinate).toEqual([before]);
      expect(await codes(`last: 1, after: "${own}"`), list.coordinate).toEqual([after]);
    }
  });
});

function requireList(name: string): ListPlace {
  const list = lists.find((candidate) => candidate.name === name);
  if (!list) throw new Error(`no list ${name}`);
  return list;
}
