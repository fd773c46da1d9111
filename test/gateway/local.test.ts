import { LocalGraphQLDataSource } from '@apollo/gateway';
import { buildSchema, type GraphQLObjectType, type GraphQLScalarType, type GraphQLSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { createLocalSource } from '../../gateway/source/local.ts';
import { PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { buildContext, type GraphContext } from '../../subgraphs/kernel/http/context.ts';

/** A subgraph in this process answers as the stock source does, whether it has seen the operation or not. */

const contexts: GraphContext[] = [];
/** Validation reads a literal of a scalar once, and each execution once. */
let literalReadings = 0;

function buildSubgraph(): GraphQLSchema {
  const schema = buildSchema(
    `scalar Word type Query { echo(text: String!): Echo fault: String say(word: Word): Boolean }
      type Echo { text: String! length: Int! }`,
  );
  const { echo, fault } = (schema.getQueryType() as GraphQLObjectType).getFields();
  if (!echo || !fault) throw new Error('no field');
  echo.resolve = (_, { text }, context) => {
    contexts.push(context);
    return { text, length: text.length };
  };
  fault.resolve = () => {
    throw new Error('fault');
  };
  const word = schema.getType('Word') as GraphQLScalarType;
  word.parseLiteral = () => {
    literalReadings++;
    return null;
  };
  return schema;
}

const OPERATIONS: [string, { query: string; variables?: object; operationName?: string }][] = [
  ['a literal', { query: '{ echo(text: "a") { text } }' }],
  ['a variable', { query: 'query($t: String!) { echo(text: $t) { text length } }', variables: { t: 'ab' } }],
  ['another value of it', { query: 'query($t: String!) { echo(text: $t) { text length } }', variables: { t: 'abc' } }],
  ['no value of it', { query: 'query($t: String!) { echo(text: $t) { text length } }' }],
  ['one of two operations', { query: 'query A { fault } query B { echo(text: "b") { length } }', operationName: 'B' }],
  ['an operation that is not there', { query: 'query A { fault }', operationName: 'C' }],
  ['a fault', { query: '{ fault }' }],
  ['a field that is not there', { query: '{ nothing }' }],
  ['a broken text', { query: '{ echo(' }],
  ['no text', { query: '' }],
];

describe('a subgraph in this process', () => {
  const schema = buildSubgraph();
  const [local, stock] = [createLocalSource(schema), new LocalGraphQLDataSource<GraphContext>(schema)];
  const call = (request: object) => ({ request, context: buildContext(PUBLIC, null) }) as never;
  const toText = (answer: object) => JSON.stringify(answer);

  test.each(OPERATIONS)('answers %s as the stock source does, each time', async (_, request) => {
    const expected = toText(await stock.process(call(request)));
    for (let i = 0; i < 3; i++) expect(toText(await local.process(call(request)))).toBe(expected);
  });

  test('validates an operation once', async () => {
    literalReadings = 0;
    for (let i = 0; i < 3; i++) await local.process(call({ query: '{ say(word: "a") }' }));
    expect(literalReadings).toBe(1 + 3);
  });

  test('gives each call loaders of its own', async () => {
    contexts.length = 0;
    for (let i = 0; i < 2; i++) await local.process(call({ query: '{ echo(text: "a") { text } }' }));
    expect(contexts).toHaveLength(2);
    expect(contexts[0]?.loaders).not.toBe(contexts[1]?.loaders);
  });

  test('forgets what it has not seen for long, and answers it all the same', async () => {
    const ofLength = (n: number) => ({ query: `{ echo(text: "${'a'.repeat(100_000 + n)}") { length } }` });
    for (const n of [...Array(20).keys(), 0])
      expect(toText(await local.process(call(ofLength(n))))).toBe(`{"data":{"echo":{"length":${100_000 + n}}}}`);
  });
});
