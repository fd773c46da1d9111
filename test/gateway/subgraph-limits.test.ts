import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveSubgraph, subgraphSchema } from '../../subgraphs/kernel/http/serve.ts';
import { tokenKeys } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { servicesOf } from '../support/services.ts';

/** A subgraph in its own process holds limits on documents, whoever reaches it. */

const TYPES = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Query { node: Node }
  type Node { name: String, node: Node }
`;
let app: Awaited<ReturnType<typeof serveSubgraph>>;

beforeAll(async () => {
  const schema = subgraphSchema(TYPES, { Query: { node: () => ({ name: 'n' }) } }, { masksCodes: false });
  const subgraph = { name: 'matters' as const, schema, receive: async () => {}, start: () => {}, stop: async () => {} };
  const keys = { tokenKey: tokenKeys.publicKey, services: servicesOf('matters') };
  app = await serveSubgraph(subgraph, { ...keys, now: testClock('2022-09-29') });
});
afterAll(() => app.close());

async function codesOf(query: string): Promise<unknown[]> {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query } });
  return (response.json().errors ?? []).map(({ extensions }: { extensions: { code: string } }) => extensions.code);
}

const repeat = (count: number, build: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => build(i)).join(' ');

test('what the gateway sends is answered', async () => {
  expect(await codesOf(`{ node { ${repeat(400, (i) => `a${i}: name`)} } }`)).toEqual([]);
});

test.each([
  ['a document that is too deep', `{ ${'node { '.repeat(21)} name ${'}'.repeat(21)} }`, 'QUERY_TOO_DEEP'],
  ['one with too many root fields', `{ ${repeat(101, (i) => `a${i}: node { name }`)} }`, 'QUERY_TOO_WIDE'],
  ['one with too many fields', `{ node { ${repeat(5_001, (i) => `a${i}: name`)} } }`, 'QUERY_TOO_LARGE'],
  ['one with too many tokens', `{ node { ${repeat(50_001, () => 'name')} } }`, 'GRAPHQL_PARSE_FAILED'],
  ['introspection', '{ __schema { types { name } } }', 'GRAPHQL_VALIDATION_FAILED'],
])('%s is refused', async (_name, query, code) => {
  expect(await codesOf(query)).toContain(code);
});
