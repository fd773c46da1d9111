import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { listRoutes, type Route } from '../support/routes.ts';

/** Every route of a whole hub gets bad parameters, bad queries and bad bodies. A new route is covered by itself. */

const WRONG = ['%00', '%E2%80%AE', 'a%E2%80%8Bb', 'a%0Ab', 'a%0Db', '%EF%BF%BF'];
const STRANGE = [
  'x',
  '%27',
  '11111111-1111-4111-8111-111111111111',
  '00000000-0000-0000-0000-00000000000g',
  '..%2F..',
  '0',
];
const BODIES = ['', '{', 'null', '{"a":"\\u0000"}', '\u0000', '[]'];
/** No instants either: the year 0, a day that does not exist, a leap second, an impossible offset. */
const BAD_DATES = [
  ...['', '0', '0000-01-01', '0000-12-31', '2026-02-30', '2026-13-01', '+010000-01-01', '-000001-01-01'],
  ...['0000-01-01T00:00:00Z', '2016-12-31T23:59:60Z', '2026-01-01T00:00:00+24:00', '0001-01-01T00:00:00+10:00'],
];
/** What no answer may contain: words of the database, unless HTML has an element of that name, and of stack traces. */
const INSIDE = /Failed query|(?<!<)select |insert into|\bat \w+ \(|node_modules|PostgresError|FST_ERR/i;

/** An argument of type Date or DateTime, and a query with a value for it. */
interface DateArgument {
  /** For example `Mutation.decideCase.input.validFrom`. */
  place: string;
  toQuery: (date: string) => string;
}

/** Returns whether a value at `path` holds what is at `target`. */
function isOnTheWay(path: string, target: string): boolean {
  return target.startsWith(path) && ['', '.', '['].includes(target.charAt(path.length));
}

/** Returns a literal of a type. It has the text of `date` at its path. Other optional fields are left out. */
function toLiteral(type: GraphQLInputType, path: string, date: { path: string; text: string }): string {
  if (isNonNullType(type)) return toLiteral(type.ofType, path, date);
  if (isListType(type)) return `[${toLiteral(type.ofType, `${path}[0]`, date)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (isInputObjectType(type)) return `{ ${toLiterals(Object.values(type.getFields()), path, date)} }`;
  if (path === date.path) return JSON.stringify(date.text);
  const { name } = getNamedType(type);
  if (name === 'Boolean') return 'true';
  if (name === 'Date') return '"2026-01-01"';
  return name === 'DateTime' ? '"2026-01-01T00:00:00Z"' : name === 'Int' || name === 'Float' ? '1' : '"x"';
}

function toLiterals(
  parts: readonly { name: string; type: GraphQLInputType }[],
  path: string,
  date: { path: string; text: string },
): string {
  return parts
    .filter(({ name, type }) => isNonNullType(type) || isOnTheWay(`${path}.${name}`, date.path))
    .map(({ name, type }) => `${name}: ${toLiteral(type, `${path}.${name}`, date)}`)
    .join(', ');
}

/** Returns the paths of the dates of a type. An input type within itself is read once. */
function listDatePaths(type: GraphQLInputType, path: string, seen: readonly string[] = []): string[] {
  if (isNonNullType(type)) return listDatePaths(type.ofType, path, seen);
  if (isListType(type)) return listDatePaths(type.ofType, `${path}[0]`, seen);
  if (!isInputObjectType(type)) return ['Date', 'DateTime'].includes(getNamedType(type).name) ? [path] : [];
  if (seen.includes(type.name)) return [];
  const fields = Object.values(type.getFields());
  return fields.flatMap((field) => listDatePaths(field.type, `${path}.${field.name}`, [...seen, type.name]));
}

/** Returns every date that a query or a mutation takes. */
function listDates(schema: GraphQLSchema): DateArgument[] {
  return [schema.getQueryType(), schema.getMutationType()].flatMap((root) =>
    Object.values(root?.getFields() ?? {}).flatMap((field) => {
      const fieldPath = `${root?.name}.${field.name}`;
      const selection = isLeafType(getNamedType(field.type)) ? '' : '{ __typename }';
      return field.args
        .flatMap(({ name, type }) => listDatePaths(type, `${fieldPath}.${name}`))
        .map((place) => ({
          place,
          toQuery: (text) => {
            const literals = toLiterals(field.args, fieldPath, { path: place, text });
            return `${root?.name.toLowerCase()} { ${field.name}(${literals}) ${selection} }`;
          },
        }));
    }),
  );
}

let hub: TestHub;
let routes: Route[];
const tokens: (string | null)[] = [null];
const faults: unknown[] = [];

beforeAll(async () => {
  hub = await createTestHub({ onFault: (_incident, error) => faults.push(error) });
  const person = { ...requireDemoPerson('yudu-lyj.approver'), roles: ROLES, window: '360731' };
  tokens.push(await tokenFor({ ...person, holderCode: requireDemoPerson('applicant-company').holderCode }, new Date()));
  routes = await listRoutes(hub.hub.app);
});
afterAll(() => hub.stop());

async function send(method: string, url: string, token: string | null | undefined, options: object = {}) {
  const headers = typeof token === 'string' ? { authorization: `Bearer ${token}` } : {};
  const response = await hub.hub.app.inject({ method: method as 'GET', url, headers, ...options });
  return { status: response.statusCode, body: response.body };
}

/** Whether an answer is a file of the release, the same for every parameter: a script of a page, or the schema. */
const isFixed = (route: string, status: number) => status === 200 && /^GET \/(?:page\/|schema\.graphql)/.test(route);

/** Returns a fault of the answer in words, or null. */
function describeFault(route: string, { status, body }: { status: number; body: string }): string | null {
  const isInside = !isFixed(route, status) && INSIDE.test(body.slice(0, 2_000));
  return status >= 500 || isInside ? `${route}: ${status} ${body.slice(0, 200)}` : null;
}

/** Returns code and message of an error in either form. */
function readProblem(body: string): { code: string; message: string } {
  const { errors: [error] = [], ...problem } = JSON.parse(body);
  return error ? { code: error.extensions.code, message: error.message } : problem;
}

describe('every route', () => {
  test('is found', () => {
    const urls = routes.map(({ url }) => url);
    expect(urls).toEqual(
      expect.arrayContaining(['/licenses/evidence/:identifier', '/cases/materials/:id', '/graphql']),
    );
    expect(routes.length).toBeGreaterThan(25);
  });

  test('a parameter that is no text is 400 and named', async () => {
    const unexpected: string[] = [];
    for (const { method, url } of routes) {
      const [, name] = /:(\w+)|(\*)/.exec(url) ?? [];
      for (const value of WRONG) {
        for (const token of tokens) {
          const targets = [`${url.replace(/:\w+|\*/, 'x')}?wrong=${value}`];
          if (/[:*]/.test(url)) targets.push(url.replace(/:\w+|\*/, value));
          for (const target of targets) {
            const answer = await send(method, target, token);
            const expectedName = target.includes('?') ? 'wrong' : (name ?? '（名称有误）');
            const { code, message } = readProblem(answer.body);
            const isNamed =
              answer.status === 400 && code === 'BAD_USER_INPUT' && message.startsWith(`参数 ${expectedName} `);
            if (!isNamed) unexpected.push(`${method} ${target}: ${answer.status} ${answer.body.slice(0, 100)}`);
          }
        }
      }
    }
    expect(unexpected).toEqual([]);
  });

  test('a strange parameter, query or body is never a fault', async () => {
    const unexpected: (string | null)[] = [];
    for (const { method, url } of routes) {
      for (const token of tokens) {
        for (const value of STRANGE) {
          const target = `${url.replace(/:\w+|\*/, value)}?kind=${value}&by=${value}&from=${value}`;
          unexpected.push(describeFault(`${method} ${target}`, await send(method, target, token)));
        }
        if (method !== 'POST') continue;
        for (const payload of BODIES) {
          for (const type of ['application/json', 'application/pdf', 'text/plain']) {
            const headers = { 'content-type': type, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
            const answer = await send(method, url, token, { payload, headers });
            unexpected.push(describeFault(`${method} ${url} ${type} ${payload}`, answer));
          }
        }
      }
    }
    expect(unexpected.filter((one) => one !== null)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('a path that cannot be decoded or that nobody serves has a code and a sentence', async () => {
    for (const [url, status, code] of [
      ['/licenses/evidence/%zz', 400, 'BAD_REQUEST'],
      ['/%E0%A4%A', 400, 'BAD_REQUEST'],
      ['/nothing', 404, 'NOT_FOUND'],
      [`/v/${'1'.repeat(300)}`, 414, 'REQUEST_TOO_LARGE'],
    ] as const) {
      const answer = await send('GET', url, null);
      expect([url, answer.status, JSON.parse(answer.body)]).toEqual([
        url,
        status,
        { code, message: expect.any(String) },
      ]);
    }
  });
});

describe('a bad date', () => {
  test.each(BAD_DATES)('%s is 400 and named in the query of the statistics', async (date) => {
    for (const name of ['from', 'to']) {
      const answer = await send('GET', `/cases/statistics.csv?by=MODE&${name}=${encodeURIComponent(date)}`, tokens[1]);
      expect([name, answer.status, JSON.parse(answer.body)]).toEqual([
        ...[name, 400],
        { code: 'BAD_USER_INPUT', message: `参数 ${name} 不符合要求：应为日期，如 2026-01-01。` },
      ]);
    }
    expect(faults).toEqual([]);
  });

  test('every date in the arguments of GraphQL is refused, and its place named', async () => {
    const dates = listDates(buildSchema(readFileSync('gateway/supergraph.graphql', 'utf8'), { assumeValidSDL: true }));
    expect(dates.length).toBeGreaterThan(20);
    const unexpected: string[] = [];
    for (const { place, toQuery } of dates) {
      for (const date of BAD_DATES) {
        const answer = await send('POST', '/graphql', tokens[1], { payload: { query: toQuery(date) } });
        const [error] = JSON.parse(answer.body).errors ?? [];
        const { code, argument } = error?.extensions ?? {};
        if (code !== 'BAD_USER_INPUT' || !place.endsWith(argument))
          unexpected.push(`${place} ${date}: ${answer.body.slice(0, 300)}`);
      }
    }
    expect(unexpected).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe('headers that are stored', () => {
  test.each([
    ['x-file-name', '%00.pdf'],
    ['x-file-name', 'a%E2%80%AEfdp.exe'],
    ['x-file-name', '%zz'],
  ])('%s: %s is refused', async (name, value) => {
    const headers = { authorization: `Bearer ${tokens[1]}`, 'content-type': 'application/pdf', [name]: value };
    const answer = await send('POST', '/cases/materials', null, { payload: '%PDF-1.7', headers });
    expect(answer).toMatchObject({ status: 422, body: expect.stringContaining('"FIELD_MALFORMED"') });
  });

  test.each(['not-a-uuid', '11111111-1111-4111-8111-111111111111', "'"])('webhook %s is unknown', async (webhook) => {
    const headers = {
      'content-type': 'application/json',
      'webhook-id': 'm1',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': 'v1,AAAA',
      'tongquan-webhook': webhook,
    };
    const answer = await send('POST', '/cases/supervision/findings', null, { payload: '{}', headers });
    expect(answer.status).toBe(401);
  });
});
