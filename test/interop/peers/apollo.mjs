import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

/** `node apollo.mjs <address> <token> <case>`: Apollo Client with its cache as it is. Prints what a screen would see. */

const [, , address, token, caseId] = process.argv;
const client = new ApolloClient({
  link: new HttpLink({ uri: `${address}/graphql`, headers: { authorization: `Bearer ${token}` } }),
  cache: new InMemoryCache({
    typePolicies: { Query: { fields: { matters: relayStylePagination(['filter']) } } },
    possibleTypes: {},
  }),
});
const CASE = gql`query Case($id: ID!) { case(id: $id) { id number step matter { id name } } }`;
const LIST = gql`query Cases { cases(first: 5) { edges { node { id number step } } } }`;
const MATTERS = gql`query Matters($after: String) {
  matters(first: 3, after: $after) { edges { cursor node { id name } } pageInfo { hasNextPage endCursor } }
}`;
const EXAMINE = gql`mutation Examine($input: ExamineCaseInput!) {
  examineCase(input: $input) { case { id step } refusals { code path } }
}`;

const before = await client.query({ query: CASE, variables: { id: caseId } });
const list = await client.query({ query: LIST });
const { data: done } = await client.mutate({
  mutation: EXAMINE,
  variables: { input: { case: before.data.case.id, finding: 'APPROVED' } },
});
const readStep = (query, options) => client.readQuery({ query, ...options });
const after = readStep(CASE, { variables: { id: caseId } });
const listed = readStep(LIST).cases.edges.find(({ node }) => node.id === before.data.case.id);
const matters = client.watchQuery({ query: MATTERS });
const first = (await matters.result?.()) ?? (await client.query({ query: MATTERS }));
await matters.fetchMore({ variables: { after: first.data.matters.pageInfo.endCursor } });
const merged = client.readQuery({ query: MATTERS });
const keys = Object.keys(client.cache.extract());
console.log(
  JSON.stringify({
    steps: [before.data.case.step, done.examineCase.case?.step, after.case.step, listed?.node.step],
    refusals: done.examineCase.refusals,
    listedOnce: list.data.cases.edges.length,
    caseKeys: keys.filter((key) => key.startsWith('Case:')).length,
    matters: merged.matters.edges.map(({ node }) => node.name),
  }),
);
process.exit(0);
