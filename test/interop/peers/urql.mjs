import { createClient, fetchExchange, gql } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { getIntrospectionQuery } from 'graphql';

/** `node urql.mjs <address> <token> <case>`: urql with its normalised cache and the hub's schema. Prints what a screen sees. */

const [, , address, token, caseId] = process.argv;
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
const ask = async (query) =>
  (await fetch(`${address}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })).json();
const { data: schema } = await ask(getIntrospectionQuery());
const warnings = [];
const client = createClient({
  url: `${address}/graphql`,
  preferGetMethod: false,
  fetchOptions: { headers },
  exchanges: [
    cacheExchange({
      schema,
      resolvers: { Query: { matters: relayPagination() } },
      logger: (level, message) => level === 'debug' || warnings.push(message),
    }),
    fetchExchange,
  ],
});
const run = async (operation) => {
  const { data, error } = await operation.toPromise();
  if (error) throw error;
  return data;
};
const CASE = gql`query Case($id: ID!) { case(id: $id) { id number step matter { id name } } }`;
const MATTERS = gql`query Matters($after: String) {
  matters(first: 3, after: $after) { edges { cursor node { id name } } pageInfo { hasNextPage endCursor hasPreviousPage startCursor } }
}`;
const FORWARD = gql`mutation Decide($input: DecideCaseInput!) {
  decideCase(input: $input) { case { id step } refusals { code path } }
}`;
const before = await run(client.query(CASE, { id: caseId }));
const refused = await run(client.mutation(FORWARD, { input: { case: before.case.id, decision: 'GRANTED' } }));
const first = await run(client.query(MATTERS, {}));
const second = await run(client.query(MATTERS, { after: first.matters.pageInfo.endCursor }));
const cached = await client.query(CASE, { id: caseId }, { requestPolicy: 'cache-only' }).toPromise();
console.log(
  JSON.stringify({
    step: before.case.step,
    cachedStep: cached.data?.case.step,
    refusals: refused.decideCase.refusals.map(({ code }) => code),
    matters: second.matters.edges.map(({ node }) => node.name),
    warnings,
  }),
);
process.exit(0);
