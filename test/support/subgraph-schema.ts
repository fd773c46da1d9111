import { readFileSync } from 'node:fs';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { addKernelTypes } from '../../subgraphs/kernel/graphql/descriptions.ts';

/** What federation defines, as far as the subgraphs import it. */
const DIRECTIVES = `
  directive @key(fields: String!, resolvable: Boolean) repeatable on OBJECT
  directive @shareable on OBJECT | FIELD_DEFINITION
  directive @external on OBJECT | FIELD_DEFINITION
  directive @inaccessible on FIELD_DEFINITION
  directive @cost(weight: Int!) on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
  directive @listSize(
    assumedSize: Int
    slicingArguments: [String!]
    sizedFields: [String!]
    requireOneSlicingArgument: Boolean
  ) on FIELD_DEFINITION
`;

/** Builds the schema of a subgraph by itself, as its file says it. */
export function buildSubgraphSchema(name: string): GraphQLSchema {
  const text = readFileSync(new URL(`../../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8');
  return buildSchema(DIRECTIVES + addKernelTypes(text.replace(/extend schema[\s\S]*?\)\n/, '')));
}
