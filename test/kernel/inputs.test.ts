import { graphql } from 'graphql';
import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import { describe, expect, test } from 'vitest';
import { writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';
import { MAX_WRONG_INPUTS } from '../../subgraphs/kernel/graphql/input-faults.ts';
import { FILE_INPUT, type InputRules } from '../../subgraphs/kernel/graphql/inputs.ts';
import { subgraphSchema } from '../../subgraphs/kernel/http/serve.ts';

const TYPES = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@listSize"])
  scalar Date
  scalar DateTime
  directive @nodeId(type: String) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION
  input Tree { name: String, on: Date, children: [Tree!], thing: ID @nodeId(type: "Thing") }
  type Query {
    echo(
      text: String, id: ID @nodeId(type: "Thing"), ids: [ID!] @nodeId(type: "Thing"), on: Date, at: DateTime
      tree: Tree, count: Int, other: ID @nodeId
    ): String
    read(file: String): String
    leaf: Leaf
  }
  type Thing @key(fields: "id") { id: ID! }
  type Leaf { find(name: String): String }
`;

const build = (rules: InputRules = { 'Query.read.file': FILE_INPUT }) =>
  subgraphSchema(
    TYPES,
    {
      Date: GraphQLLocalDate,
      DateTime: GraphQLDateTime,
      Query: {
        echo: (_: unknown, args: object) => JSON.stringify(args),
        read: (_: unknown, { file }: { file: string }) => file,
        leaf: () => ({ find: ({ name }: { name: string }) => name }),
      },
      Thing: { __resolveReference: (reference: object) => reference },
    },
    { masksCodes: false },
    rules,
  );

const schema = build();
const VARIABLES = '$text: String, $id: ID, $ids: [ID!], $on: Date, $at: DateTime, $tree: Tree';
const ECHO = `query(${VARIABLES}) { echo(text: $text, id: $id, ids: $ids, on: $on, at: $at, tree: $tree) }`;

const ask = async (source: string, variableValues: Record<string, unknown> = {}) => {
  const { data, errors } = await graphql({ schema, source, variableValues });
  return { data, error: errors?.[0]?.extensions ?? null };
};
const badInput = (argument: string) => ({
  ...{ code: 'BAD_USER_INPUT', argument },
  arguments: [{ argument, message: expect.stringContaining(argument) }],
});

describe('every argument is checked before its resolver runs', () => {
  test.each([
    ['text', { text: '甲\u0000' }, 'text'],
    ['id', { id: 'a\nb' }, 'id'],
    ['a long id', { id: 'x'.repeat(201) }, 'id'],
    ['a long text', { text: 'x'.repeat(4_001) }, 'text'],
    ['an item of a list', { ids: ['a', 'b\u200b'] }, 'ids[1]'],
    ['a list of too many items', { ids: Array.from({ length: 1_001 }, () => 'a') }, 'ids'],
    [
      'a list of too many items in an input',
      { tree: { children: [{ children: Array.from({ length: 1_001 }, () => ({})) }] } },
      'tree.children[0].children',
    ],
    ['a field of an input', { tree: { name: '\ud800' } }, 'tree.name'],
    ['a field of an input in an input', { tree: { children: [{}, { name: '\u202e' }] } }, 'tree.children[1].name'],
    ['an impossible date', { on: '2026-02-29' }, 'on'],
    ['the year 0', { on: '0000-01-01' }, 'on'],
    ['a date that is a number', { on: 20260101 }, 'on'],
    ['a date in an input', { tree: { children: [{ on: '2026-13-01' }] } }, 'tree.children[0].on'],
    ['a time without an offset', { at: '2026-01-01T00:00:00' }, 'at'],
    ['a time on an impossible day', { at: '2026-02-29T00:00:00Z' }, 'at'],
    ['the year 0 in UTC', { at: '0001-01-01T00:00:00+08:00' }, 'at'],
    ['the year 10000 in UTC', { at: '9999-12-31T23:59:59-08:00' }, 'at'],
    ['a leap second', { at: '2016-12-31T23:59:60Z' }, 'at'],
    ['a time that is an object', { at: {} }, 'at'],
  ])('%s', async (_name, variables, argument) => {
    expect(await ask(ECHO, variables)).toMatchObject({ data: { echo: null }, error: badInput(argument) });
  });

  test('all wrong values are named at once, in the order of the arguments, and the first by itself', async () => {
    const tree = { name: '\u0000', children: [{ on: '2026-13-01' }, { children: [{ name: '\u202e' }] }] };
    const { data, error } = await ask(ECHO, { text: '甲\u0000', ids: ['a', 'b\u200b', 'c\n'], at: 5, tree });
    expect(data).toEqual({ echo: null });
    expect(error?.argument).toBe('text');
    const named = (error?.arguments ?? []) as { argument: string }[];
    expect(named.map(({ argument }) => argument)).toEqual([
      ...['text', 'ids[1]', 'ids[2]', 'at', 'tree.name', 'tree.children[0].on', 'tree.children[1].children[0].name'],
    ]);
  });

  test('ten thousand wrong values are named up to a bound, and what is beyond is not looked at', async () => {
    let reads = 0;
    const child = {
      get name() {
        reads++;
        return '\u0000';
      },
    };
    const children = Array.from({ length: 100 }, () => ({ children: Array.from({ length: 100 }, () => child) }));
    const { errors } = await graphql({ schema, source: ECHO, variableValues: { tree: { children } } });
    const { arguments: named, hasMore } = errors?.[0]?.extensions ?? {};
    expect(named).toHaveLength(MAX_WRONG_INPUTS);
    expect(hasMore).toBe(true);
    expect(errors?.[0]?.message).toContain(`超过 ${MAX_WRONG_INPUTS} 处`);
    // GraphQL itself reads each value once.
    expect(reads).toBeLessThanOrEqual(10_000 + MAX_WRONG_INPUTS + 1);
  });

  test('literals are checked like variables', async () => {
    expect((await ask('{ echo(on: "2026-02-29") }')).error).toEqual(badInput('on'));
    expect((await ask('{ echo(at: 5) }')).error).toEqual(badInput('at'));
    expect((await ask('{ echo(tree: { children: { name: "\\u0000" } }) }')).error).toEqual(
      badInput('tree.children[0].name'),
    );
  });

  describe('representations of entities', () => {
    const askEntities = (of: unknown) =>
      ask('query($of: [_Any!]!) { _entities(representations: $of) { ... on Thing { id } } }', { of });

    test('a correct one reaches its resolver', async () => {
      const { data } = await askEntities([{ __typename: 'Thing', id: 'x' }]);
      expect(data).toEqual({ _entities: [{ id: writeGlobalId({ type: 'Thing', own: 'x' }) }] });
      const literal = await ask(
        '{ _entities(representations: { __typename: "Thing", id: "a\\u0000" }) { __typename } }',
      );
      expect(literal.error).toEqual(badInput('representations[0].id'));
    });

    test.each([
      ['a control character', { id: 'a\u0000' }, '.id'],
      ['a long text', { id: 'x'.repeat(201) }, '.id'],
      ['a lone surrogate in another field', { id: 'x', other: '\ud800' }, '.other'],
      ['a number', { id: 5 }, '.id'],
      ['null', { id: null }, '.id'],
      ['an object', { id: { x: 'a\u0000' } }, '.id'],
      ['a list', { id: ['a\u0000'] }, '.id'],
      ['a name that is no name', { id: 'x', 'a\u0000': 'x' }, ''],
    ])('%s is refused', async (_name, representation, place) => {
      const { error } = await askEntities([
        { __typename: 'Thing', id: 'x' },
        { __typename: 'Thing', ...representation },
      ]);
      expect(error).toEqual(badInput(`representations[1]${place}`));
    });

    test('what is no object is refused', async () => {
      expect((await askEntities(['x'])).error).toEqual(badInput('representations[0]'));
    });
  });

  test('arguments of fields without a resolver of their own are checked', async () => {
    expect(await ask('{ leaf { find(name: "甲") } }')).toMatchObject({ data: { leaf: { find: '甲' } } });
    expect((await ask('{ leaf { find(name: "\\u0000") } }')).error).toEqual(badInput('name'));
  });

  test('correct values reach the resolver as before', async () => {
    const variables = { text: '甲\n乙', id: 'x', ids: [], on: '2024-02-29', at: '2026-01-01T08:00:00+08:00' };
    const { data } = await ask(ECHO, variables);
    expect(JSON.parse(String(data?.echo))).toEqual({ ...variables, at: '2026-01-01T00:00:00.000Z' });
    expect((await ask(ECHO, { text: null, tree: null, on: null })).error).toBeNull();
  });

  test('a rule by coordinate replaces the default', async () => {
    const file = '\ufeffa\r\n'.repeat(2_000);
    expect(await ask('query($file: String) { read(file: $file) }', { file })).toMatchObject({ data: { read: file } });
    expect(() => build({ 'Query.read.fiel': FILE_INPUT })).toThrow(
      'no such argument of type String or ID: Query.read.fiel',
    );
  });

  describe('global ids', () => {
    const thing = writeGlobalId({ type: 'Thing', own: 'x' });
    const leaf = writeGlobalId({ type: 'Leaf', own: 'x' });

    test('the resolver receives the own identifier, wherever the id stands', async () => {
      const tree = { thing, children: [{ thing: 'y' }, { thing }] };
      const { data } = await ask(ECHO, { id: thing, ids: ['y', thing], tree });
      expect(JSON.parse(String(data?.echo))).toEqual({
        ...{ id: 'x', ids: ['y', 'x'] },
        tree: { thing: 'x', children: [{ thing: 'y' }, { thing: 'x' }] },
      });
    });

    test('is read once, although two fields share a variable', async () => {
      const nested = writeGlobalId({ type: 'Thing', own: thing });
      const query = 'query($tree: Tree) { a: echo(tree: $tree) b: echo(tree: $tree) }';
      const { data } = await ask(query, { tree: { thing: nested } });
      const echoed = JSON.stringify({ tree: { thing } });
      expect(data).toEqual({ a: echoed, b: echoed });
    });

    test('of another type, broken, or with an identifier that is none: refused by its path', async () => {
      for (const wrong of [leaf, `${thing}=`, writeGlobalId({ type: 'Thing', own: 'a\u0000' })]) {
        expect((await ask(ECHO, { id: wrong })).error).toEqual(badInput('id'));
        expect((await ask(ECHO, { ids: ['y', wrong] })).error).toEqual(badInput('ids[1]'));
        const tree = { children: [{}, { thing: wrong }] };
        expect((await ask(ECHO, { tree })).error).toEqual(badInput('tree.children[1].thing'));
      }
    });

    test('an ID of another system is left as it is', async () => {
      expect((await ask('query($id: ID) { echo(other: $id) }', { id: leaf })).data).toEqual({
        echo: JSON.stringify({ other: leaf }),
      });
    });

    test('in a representation', async () => {
      const query = 'query($of: [_Any!]!) { _entities(representations: $of) { ... on Thing { id } } }';
      const { data } = await ask(query, { of: [{ __typename: 'Thing', id: thing }] });
      expect(data).toEqual({ _entities: [{ id: thing }] });
      const { error } = await ask(query, { of: [{ __typename: 'Thing', id: leaf }] });
      expect(error).toEqual(badInput('representations[0].id'));
    });

    test('no schema is built with an ID that does not say what it names', () => {
      const bare = TYPES.replace('other: ID @nodeId', 'other: ID');
      expect(() => subgraphSchema(bare, {}, { masksCodes: false })).toThrow('Query.echo.other: say by @nodeId');
    });
  });
});
