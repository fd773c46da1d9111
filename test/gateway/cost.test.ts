import fc from 'fast-check';
import { buildSchema, execute, getIntrospectionQuery, Kind, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { measureCost } from '../../gateway/cost/cost.ts';
import { listUnstated, readCostModel } from '../../gateway/cost/model.ts';
import { MAX_COST } from '../../gateway/cost/values.ts';

const SDL = `
  directive @cost(weight: Int!) on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT
  directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!]) on FIELD_DEFINITION
  input Filter { words: String @cost(weight: 7), any: [Filter!] }
  type Query {
    thing(id: ID, filter: Filter): Thing @cost(weight: 10)
    things(first: Int!, dear: Boolean @cost(weight: 100)): Things!
      @cost(weight: 20) @listSize(slicingArguments: ["first"], sizedFields: ["edges"])
    node(id: ID!): Node @cost(weight: 10)
    nodes(ids: [ID!]!): [Node] @cost(weight: 10) @listSize(assumedSize: 20)
    page(first: Int, last: Int): Things! @cost(weight: 1)
      @listSize(slicingArguments: ["first", "last"], assumedSize: 20, sizedFields: ["edges"])
    pair(first: Int): [Thing!]! @cost(weight: 1) @listSize(slicingArguments: ["first"], assumedSize: 10)
  }
  interface Node { id: ID! }
  type Mark implements Node { id: ID!, notes: [String!]! @listSize(assumedSize: 5) }
  type Sign implements Node { id: ID!, name: String! }
  type Things { edges: [Edge!]!, total: Int! }
  type Edge { cursor: String!, node: Thing! }
  type Thing {
    name: String!
    tags: [String!]! @listSize(assumedSize: 5)
    parts: [Thing!]! @cost(weight: 3) @listSize(assumedSize: 4)
    parent: Thing
  }
`;
const schema = buildSchema(SDL);
const model = readCostModel(schema, SDL);
const CEILING = 100_000;

function measure(source: string, variables: Record<string, unknown> = {}, ceiling = CEILING) {
  const document = parse(source);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw new Error('no operation');
  return measureCost(model, { document, operation, variables }, ceiling);
}
const costOf = (source: string, variables?: Record<string, unknown>) => measure(source, variables).cost;

describe('the cost of an operation', () => {
  test.each([
    ['a field weighs 1, a root field its weight', '{ thing { name } }', 10 + 1],
    ['a list of leaves counts its items', '{ thing { tags } }', 10 + 1 + 5],
    ['a list multiplies what is in it', '{ thing { parts { name parent { name } } } }', 10 + 3 + 4 * 3],
    ['lists within lists multiply', '{ thing { parts { parts { name } } } }', 10 + 3 + 4 * (3 + 4)],
    [
      'a page has its first rows',
      '{ things(first: 30) { total edges { cursor node { name } } } }',
      20 + 1 + 1 + 30 * 3,
    ],
    ['a page has at most 100 rows', '{ things(first: 2000000000) { edges { cursor } } }', 20 + 1 + 100],
    ['a page of a wrong number counts one row', '{ things(first: -5) { edges { cursor } } }', 20 + 1 + 1],
    ['a list without its argument has its assumed size', '{ pair { name } }', 1 + 10],
    ['a short list is never longer than its assumed size', '{ pair(first: 90) { name } }', 1 + 10],
    ['last states a length as first does', '{ page(last: 30) { edges { cursor } } }', 1 + 1 + 30],
    ['a page without its arguments has the default size', '{ page { edges { cursor } } }', 1 + 1 + 20],
    ['a page may be longer than the default', '{ page(first: 90) { edges { cursor } } }', 1 + 1 + 90],
    ['a null states no length', '{ page(first: null, last: 3) { edges { cursor } } }', 1 + 1 + 3],
    ['two nulls leave the default', '{ page(first: null, last: null) { edges { cursor } } }', 1 + 1 + 20],
    ['of two lengths the longer counts', '{ page(first: 2, last: 30) { edges { cursor } } }', 1 + 1 + 30],
    ['a list is as long as its argument says', '{ pair(first: 9) { name } }', 1 + 9],
    ['an object behind an interface', '{ node(id: "x") { id } }', 10 + 1],
    [
      'every type behind an interface',
      '{ node(id: "x") { id ...on Mark { notes } ...on Sign { name } } }',
      10 + 1 + 6 + 1,
    ],
    ['a list of what ids name', '{ nodes(ids: ["x", "y", "z"]) { ...on Mark { notes } } }', 10 + 3 * 6],
    [
      'a list of ids is never counted longer than its assumed size',
      `{ nodes(ids: [${'"x",'.repeat(30)}]) { id } }`,
      10 + 20,
    ],
    ['each alias counts', '{ a: thing { name } b: thing { name } }', 2 * 11],
    ['what may be left out counts', '{ thing { name @include(if: false) ... @skip(if: true) { tags } } }', 10 + 1 + 6],
    ['an argument has its weight', '{ things(first: 1, dear: true) { total } }', 20 + 100 + 1],
    ['an input field has its weight', '{ thing(filter: { words: "x" }) { name } }', 10 + 7 + 1],
    [
      'input fields in lists count each',
      '{ thing(filter: { any: [{ words: "x" }, { words: "y" }] }) { name } }',
      10 + 2 * 7 + 1,
    ],
    ['so does a text by its length', `{ thing(id: "${'x'.repeat(1_000)}") { name } }`, 10 + 10 + 1],
    ['__typename counts', '{ __typename thing { __typename } }', 1 + 10 + 1],
  ])('%s', (_name, source, cost) => {
    expect(costOf(source)).toBe(cost);
  });

  test('variables give the length of a page, and their default if they are absent', () => {
    const source = 'query($n: Int! = 7) { things(first: $n) { edges { cursor } } }';
    expect(costOf(source, { n: 40 })).toBe(20 + 1 + 40);
    expect(costOf(source)).toBe(20 + 1 + 7);
    expect(costOf(source, { n: 'x' })).toBe(20 + 1 + 100);
    expect(costOf(source, { n: null })).toBe(20 + 1 + 100);
  });

  test('variables give the number of ids', () => {
    const source = 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    expect(costOf(source, { ids: ['x', 'y'] })).toBe(10 + 2);
    expect(costOf(source, { ids: 'x' })).toBe(10 + 1);
  });

  test('a variable that is null or absent leaves the assumed size', () => {
    const source = 'query($n: Int, $m: Int) { page(first: $n, last: $m) { edges { cursor } } }';
    expect(costOf(source)).toBe(2 + 20);
    expect(costOf(source, { n: null, m: null })).toBe(2 + 20);
    expect(costOf(source, { n: null, m: 4 })).toBe(2 + 4);
    expect(costOf(source, { n: 'x', m: 4 })).toBe(2 + 100);
  });

  test('variables hold input fields and texts', () => {
    const source = 'query($f: Filter) { a: thing(filter: $f) { name } b: thing(filter: $f) { name } }';
    expect(costOf(source, { f: { words: 'x'.repeat(300), any: { words: 'y' } } })).toBe(2 * (11 + 7 + 3 + 7));
    expect(costOf(source, { f: JSON.parse('{"__proto__": {"words": "x"}, "constructor": 1}') })).toBe(2 * 11);
    expect(costOf('query($f: Filter = { words: "x" }) { thing(filter: $f) { name } }')).toBe(11 + 7);
  });

  test('a variable that is used often is measured once', () => {
    let reads = 0;
    const variables = {
      get f() {
        reads += 1;
        return { words: 'x' };
      },
    };
    const fields = Array.from({ length: 200 }, (_, i) => `a${i}: thing(filter: $f) { name }`).join(' ');
    expect(costOf(`query($f: Filter) { ${fields} }`, variables)).toBe(200 * (11 + 7));
    expect(reads).toBe(1);
  });

  test('a fragment counts wherever it is spread', () => {
    const source = `
      { things(first: 10) { ...Rows } other: things(first: 3) { ...Rows } thing { ...Name ... on Thing { ...Name } } }
      fragment Rows on Things { edges { node { ...Name } } }
      fragment Name on Thing { name }
    `;
    expect(costOf(source)).toBe(20 + 1 + 10 * 2 + (20 + 1 + 3 * 2) + 10 + 2);
  });

  test('nested fragments that multiply saturate, and each is measured once', () => {
    const levels = 300;
    const fragments = Array.from({ length: levels }, (_, i) =>
      i === 0 ? 'fragment F0 on Thing { name }' : `fragment F${i} on Thing { parts { ${`...F${i - 1} `.repeat(10)} } }`,
    );
    expect(costOf(`{ thing { ...F${levels - 1} } } ${fragments.join(' ')}`)).toBe(MAX_COST);
    expect(costOf(`{ thing { ...F2 } } ${fragments.slice(0, 3).join(' ')}`)).toBe(10 + 3 + 4 * 10 * (3 + 4 * 10));
  });

  test('a fragment that contains itself ends the measuring', () => {
    expect(costOf('{ thing { ...F } } fragment F on Thing { name ...F }')).toBe(11);
  });

  test('names the most expensive path', () => {
    expect(
      measure('{ thing { name } things(first: 50) { edges { node { ...F } } } } fragment F on Thing { parts { tags } }')
        .path,
    ).toEqual(['things', 'edges', 'node', 'parts', 'tags']);
  });
});

/** Returns the number of fields that an execution resolves, with every list as long as it may be. */
function countResolved(source: string, sizes: { page: number; parts: number }): number {
  let resolved = 0;
  const thing = {};
  const answers: Record<string, (args: Record<string, number>) => unknown> = {
    'Query.thing': () => thing,
    'Query.things': ({ first = 0 }) => ({ rows: Math.min(first, sizes.page) }),
    'Query.pair': ({ first = 10 }) => Array.from({ length: first }, () => thing),
    'Things.total': () => 1,
    'Edge.cursor': () => 'c',
    'Edge.node': () => thing,
    'Thing.name': () => 'n',
    'Thing.tags': () => Array.from({ length: 5 }, () => 't'),
    'Thing.parts': () => Array.from({ length: sizes.parts }, () => thing),
    'Thing.parent': () => thing,
  };
  execute({
    schema,
    document: parse(source),
    fieldResolver(parent, args, _context, { parentType, fieldName }) {
      resolved += 1;
      if (parentType.name === 'Things' && fieldName === 'edges') return Array.from({ length: parent.rows }, () => ({}));
      return answers[`${parentType.name}.${fieldName}`]?.(args);
    },
  });
  return resolved;
}

/** Selections on Thing, at most `depth` levels of lists. */
const selectionOfThing = (depth: number): fc.Arbitrary<string> =>
  fc
    .array(
      depth === 0
        ? fc.constantFrom('name', 'tags', '...Leaf')
        : fc.oneof(
            fc.constantFrom('name', 'tags', '...Leaf'),
            selectionOfThing(depth - 1).map((inner) => `parts { ${inner} }`),
            selectionOfThing(depth - 1).map((inner) => `parent { ${inner} }`),
            selectionOfThing(depth - 1).map((inner) => `... on Thing { ${inner} }`),
          ),
      { minLength: 1, maxLength: 4 },
    )
    .map((selections) => aliasAll(selections).join(' '));

let aliasCount = 0;

/** Gives each field an alias of its own: GraphQL merges fields of one name. */
function aliasAll(selections: readonly string[]): string[] {
  return selections.map((selection) => {
    if (selection.startsWith('...')) return selection;
    aliasCount += 1;
    return `a${aliasCount}: ${selection}`;
  });
}

const rootSelection = fc.oneof(
  selectionOfThing(2).map((inner) => `thing { ${inner} }`),
  fc
    .tuple(fc.integer({ min: 1, max: 12 }), selectionOfThing(1))
    .map(([first, inner]) => `things(first: ${first}) { total edges { cursor node { ${inner} } } }`),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), selectionOfThing(1))
    .map(([first, inner]) => `pair(first: ${first}) { ${inner} }`),
);

test('no execution resolves more fields than its cost, however long its lists', () => {
  const operation = fc
    .array(rootSelection, { minLength: 1, maxLength: 3 })
    .map((roots) => `{ ${aliasAll(roots).join(' ')} }`);
  fc.assert(
    fc.property(operation, (source) => {
      const document = `${source} fragment Leaf on Thing { name parent { tags } }`;
      fc.pre(validate(schema, parse(document)).every(({ message }) => message.includes('never used')));
      const resolved = countResolved(document, { page: 100, parts: 4 });
      expect(costOf(document)).toBeGreaterThanOrEqual(resolved);
    }),
    { numRuns: 200 },
  );
});

/** Returns the number of fields that GraphQL resolves for an introspection. */
function countIntrospected(source: string): number {
  const count = (value: unknown): number => {
    if (Array.isArray(value)) return value.reduce((total, item) => total + count(item), 0);
    if (typeof value !== 'object' || value === null) return 0;
    return Object.values(value).reduce((total: number, inner) => total + 1 + count(inner), 0);
  };
  const { data } = execute({ schema, document: parse(source) }) as { data: unknown };
  return count(data);
}

describe('introspection', () => {
  test.each([
    ['the standard query', getIntrospectionQuery()],
    ['the standard query with everything', getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true })],
    ['types within types', '{ __schema { types { fields { type { fields { type { name } } } } } } }'],
    ['one type', '{ __type(name: "Thing") { fields { name args { name } } } }'],
    ['a type that is not there', '{ __type(name: "__proto__") { name } }'],
    ['aliases', '{ a: __schema { a: types { name } b: types { name } } b: __schema { types { name } } }'],
  ])('costs exactly the fields that it resolves: %s', (_name, source) => {
    expect(costOf(source)).toBe(countIntrospected(source));
  });

  test('a name may come by a variable', () => {
    const source = 'query($n: String!) { __type(name: $n) { fields { name } } }';
    expect(costOf(source, { n: 'Edge' })).toBe(1 + 1 + 2);
    expect(costOf(source, { n: 5 })).toBe(1);
  });

  test.each([110, 170])('%i times %i aliases cost more than any budget', (count) => {
    const repeat = (build: (i: number) => string) => Array.from({ length: count }, (_, i) => build(i)).join(' ');
    const source = `{ ${repeat((i) => `a${i}: __schema { ...F }`)} }
      fragment F on __Schema { ${repeat((i) => `t${i}: types { name fields { name } }`)} }`;
    expect(measure(source, {}, 50_000).cost).toBeGreaterThan(50_000);
  });

  test('the work ends at the ceiling', () => {
    const nested = `{ __schema { types { ${'fields { type { '.repeat(20)} name ${'} }'.repeat(20)} } } }`;
    expect(measure(nested, {}, 100).cost).toBe(MAX_COST);
  });
});

describe('the cost model', () => {
  test('names lists without a length and root fields without a weight', () => {
    const sdl = `${SDL.replace('tags: [String!]! @listSize(assumedSize: 5)', 'tags: [String!]! grid: [[Int]]')}
      extend type Query { bare: Things }`;
    const unstated = listUnstated(readCostModel(buildSchema(sdl), sdl));
    expect(unstated.toSorted()).toEqual(['Query.bare', 'Thing.grid', 'Thing.tags', 'Things.edges']);
    expect(listUnstated(model)).toEqual([]);
  });

  test('refuses a weight on a type', () => {
    const sdl = SDL.replace('type Edge', 'type Edge @cost(weight: 2)');
    expect(() => readCostModel(buildSchema(sdl), sdl)).toThrow('@cost on the type Edge');
  });
});
