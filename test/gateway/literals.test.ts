import {
  buildClientSchema,
  type GraphQLInputType,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_VALUE_DEPTH } from '../../gateway/limits.ts';
import { type Place, placesBelowRoots, placesOfRoots } from '../support/arguments.ts';
import { testClock } from '../support/clock.ts';
import { type Answer, createStubGateway, postQuery, type StubGateway } from '../support/stubs.ts';

/** Literals and numbers that JSON has and GraphQL has not: the gateway refuses them before it plans the query. */

const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

/** Literals that are wrong in every argument of their type. */
const NO_TEXT = [
  'true',
  'FOO',
  '1.5',
  '1e999',
  '-1e999',
  '["a"]',
  '[1e999]',
  '{a: 1e999}',
  '{}',
  nest(MAX_VALUE_DEPTH - 5),
];
const WRONG: Record<string, readonly string[]> = {
  String: [...NO_TEXT, '5'],
  ID: NO_TEXT,
  Date: [...NO_TEXT, '5', '["2026-01-01"]'],
  DateTime: [...NO_TEXT, '5', '["2026-01-01T00:00:00Z"]'],
  Int: ['true', 'FOO', '1.5', '1e999', '"1"', '99999999999', '[1]', '{a: 1}'],
  Boolean: ['5', 'FOO', '"true"', '[true]', '{a: true}'],
};

/** Stands for the literal in the values of a place. */
const MARK = Symbol('literal');

/** Writes a value as a literal of its type. */
function write(value: unknown, type: GraphQLInputType, literal: string): string {
  if (value === MARK) return literal;
  if (isNonNullType(type)) return write(value, type.ofType, literal);
  if (isListType(type)) return `[${(value as unknown[]).map((item) => write(item, type.ofType, literal)).join(', ')}]`;
  if (isEnumType(type)) return String(value);
  if (!isInputObjectType(type)) return JSON.stringify(value);
  const fields = Object.entries(value as object).map(([name, inner]) => {
    const field = type.getFields()[name];
    if (!field) throw new Error(`${type.name} has no field ${name}`);
    return `${name}: ${write(inner, field.type, literal)}`;
  });
  return `{${fields.join(', ')}}`;
}

/** Returns a document that gives every literal to a place, each under an alias of its own. */
function writeDocument({ field, operation, way, fill }: Place, literals: readonly string[]): string {
  const values = fill(MARK);
  const selection = isLeafType(getNamedType(field.type)) ? '' : '{ __typename }';
  const aliases = literals.map((literal, i) => {
    const used = field.args.filter(({ name }) => name in values);
    const args = used.map(({ name, type }) => `${name}: ${write(values[name], type, literal)}`);
    return `a${i}: ${field.name}(${args.join(', ')}) ${selection}`;
  });
  return `${operation} { ${way.reduceRight((inner, step) => `${step} { ${inner} }`, aliases.join(' '))} }`;
}

const extensionsOf = ({ errors }: Answer) => errors?.map(({ extensions }) => extensions);

describe.each(['local', 'http'] as const)('gateway, %s', (transport) => {
  let gateway: StubGateway;
  let schema: GraphQLSchema;
  const ask = (query: string) => postQuery(gateway.app, query);

  /** Sends a body as it is written: JSON.stringify knows no 1e999. */
  async function post(payload: string): Promise<Answer> {
    const headers = { 'content-type': 'application/json' };
    const response = await gateway.app.inject({ method: 'POST', url: '/graphql', headers, payload });
    return { status: response.statusCode, ...response.json() };
  }

  beforeAll(async () => {
    const matters = () => ({ edges: [], pageInfo: { hasNextPage: false }, totalCount: 0 });
    gateway = await createStubGateway(testClock('2022-09-29'), { matters: { Query: { matters } } }, transport);
    schema = buildClientSchema((await ask(getIntrospectionQuery())).data as never);
  });
  afterAll(() => gateway.stop());

  // Only variables travel to a subgraph.
  test.runIf(transport === 'local')('a literal of a wrong kind is BAD_USER_INPUT and names the argument', async () => {
    const places = [...placesOfRoots(schema), ...placesBelowRoots(schema)];
    expect(places.length).toBeGreaterThan(200);
    const unexpected: unknown[] = [];
    for (const place of places) {
      const literals = WRONG[place.scalar];
      if (!literals) throw new Error(`${place.coordinate}: say what is wrong for ${place.scalar}`);
      const answer = await ask(writeDocument(place, literals));
      const isNamed = ({ code, argument }: Record<string, unknown>) =>
        code === 'BAD_USER_INPUT' && argument === place.path;
      const named = extensionsOf(answer)?.filter(isNamed).length;
      if (named !== literals.length || answer.errors?.length !== named || answer.status !== 400) {
        unexpected.push([place.coordinate, place.path, answer.status, JSON.stringify(answer.errors).slice(0, 300)]);
      }
    }
    expect(unexpected).toEqual([]);
    expect(gateway.faults).toEqual([]);
  });

  test.each([
    ['{ matter(id: null) { id } }', 'id'],
    ['query($f: Int = 99999999999) { matters(first: $f) { totalCount } }', 'first'],
    [
      'query($f: MatterFilter = {nameContains: true}) { matters(first: 1, filter: $f) { totalCount } }',
      'filter.nameContains',
    ],
    ['query($f: Date = 1e999) { matters(first: 1, filter: {on: $f}) { totalCount } }', 'filter.on'],
    ['{ matters(first: 1, filter: {mode: NOPE}) { totalCount } }', 'filter.mode'],
  ])('%s is BAD_USER_INPUT and names the argument', async (query, argument) => {
    expect(await ask(query)).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: 'BAD_USER_INPUT', argument } }],
    });
  });

  test('a literal that is too deep is refused before it is planned', async () => {
    // Without the limit, each level doubles the time and the memory: 50 levels stop the process.
    const { errors, status } = await ask(`{ matters(first: 1, filter: {on: ${nest(50)}}) { totalCount } }`);
    expect(status).toBe(400);
    expect(errors?.map(({ extensions }) => extensions.code)).toContain('QUERY_TOO_DEEP');
    const codesAt = async (levels: number) =>
      extensionsOf(await ask(`{ matter(id: ${nest(levels)}) { id } }`))?.map(({ code }) => code);
    expect(await codesAt(MAX_VALUE_DEPTH + 1)).toContain('QUERY_TOO_DEEP');
    expect(await codesAt(MAX_VALUE_DEPTH)).toEqual(['BAD_USER_INPUT']);
  });

  test.each(['1e999', '-1e999', '5', 'true', '{}', '["2026-01-01"]'])(
    'a Date variable %s is refused by name',
    async (value) => {
      const query =
        'query($on: Date, $filter: MatterFilter) { a: matters(first: 1, filter: {on: $on}) { totalCount } b: matters(first: 1, filter: $filter) { totalCount } }';
      const send = (variables: string) => post(`{"query":${JSON.stringify(query)},"variables":${variables}}`);
      const [argument, message] = ['filter.on', expect.any(String)];
      const named = [{ code: 'BAD_USER_INPUT', argument, arguments: [{ argument, message }] }];
      expect(extensionsOf(await send(`{"on":${value}}`))).toEqual(named);
      expect(extensionsOf(await send(`{"filter":{"on":${value}}}`))).toEqual(named);
      expect(await send('{"on":"2026-01-01"}')).toMatchObject({ status: 200, data: { a: { totalCount: 0 } } });
    },
  );

  test.each([
    ['another operationName', { query: 'query A { __typename }', operationName: 'B' }],
    ['an empty operationName', { query: '{ __typename }', operationName: '' }],
    ['two operations and no operationName', { query: 'query A { __typename } query B { __typename }' }],
    ['a subscription', { query: 'subscription { x }' }],
  ])('%s is OPERATION_RESOLUTION_FAILURE', async (_name, body) => {
    expect(await post(JSON.stringify(body))).toMatchObject({
      status: 400,
      errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }],
    });
    expect(gateway.faults).toEqual([]);
  });
});
