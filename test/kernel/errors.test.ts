import {
  buildSchema,
  type DocumentNode,
  execute,
  type GraphQLError,
  GraphQLError as GraphQLErrorClass,
  parse,
} from 'graphql';
import { expect, test } from 'vitest';
import { createErrorFormat } from '../../subgraphs/kernel/http/errors.ts';

/** Which argument an error of GraphQL itself names. */

const schema = buildSchema(`
  input Tree { name: String, count: Int, children: [Tree!] }
  type Query { echo(tree: Tree, text: String, count: Int, list: [Int!]): String }
`);
const SOURCE = `query($t: Tree, $x: String, $n: Int, $l: [Int!]) {
  echo(tree: $t, text: $x, count: $n, list: $l)
}`;
/** More than the body of a request may have. */
const LONG_CHARS = 1_048_576;

const format = createErrorFormat(() => {});
const runWith = async (variableValues: Record<string, unknown>, document: DocumentNode = parse(SOURCE)) =>
  (await execute({ schema, document, variableValues })).errors ?? [];
/** As Apollo Server does: the same message and nodes, the error itself within. */
const wrap = (error: GraphQLError) =>
  new GraphQLErrorClass(error.message, { nodes: error.nodes ?? null, originalError: error });
const named = (argument: string) => ({ argument, message: expect.any(String) });
const nameArguments = (errors: readonly GraphQLError[]) =>
  errors.map((error) => format({ message: error.message, extensions: { code: 'BAD_USER_INPUT' } }, error).extensions);

test.each<[string, Record<string, unknown>, string]>([
  ['a whole variable', { n: 'x' }, 'count'],
  ['a text that looks like a path', { n: 'x at "n.deep' }, 'count'],
  ['an object in place of a text', { x: { 'a at "x.deep': 1 } }, 'text'],
  ['a field within', { t: { children: [{ count: 1 }, { count: 'x at "t.name"; y' }] } }, 'tree.children[1].count'],
  ['an item of a list', { l: [1, 2.5] }, 'list[1]'],
  ['a field that does not exist', { t: { children: [{ 'a" at "t.name"; ': 1 }] } }, 'tree.children[0]'],
])('names %s', async (_name, variables, argument) => {
  const errors = await runWith(variables);
  const expected = [expect.objectContaining({ code: 'BAD_USER_INPUT', argument, arguments: [named(argument)] })];
  expect(nameArguments(errors)).toEqual(expected);
  expect(nameArguments(errors.map(wrap))).toEqual(expected);
});

/** The only measure is the time limit of the test: an expression that backtracks takes minutes here. */
test.each([' at "t', ' at "t.a', ' at "', '"; ', '"', 'Variable "$t" got invalid value '])(
  'a key that repeats %j takes no longer than another key',
  async (part) => {
    const key = part.repeat(Math.ceil(LONG_CHARS / part.length));
    const errors = await runWith({ t: { children: [{ [key]: 1 }] } });
    expect(nameArguments(errors)).toEqual([
      { code: 'BAD_USER_INPUT', argument: 'tree.children[0]', arguments: [named('tree.children[0]')] },
    ]);
  },
);

test('a document is read once, whatever its number of errors', async () => {
  const document = parse(SOURCE);
  const errors = await runWith({ l: Array(40).fill('x') }, document);
  const source = document.loc?.source;
  let reads = 0;
  Object.defineProperty(source, 'body', {
    get: () => {
      reads++;
      return SOURCE;
    },
  });
  expect(nameArguments(errors)).toHaveLength(40);
  expect(reads).toBe(1);
});
