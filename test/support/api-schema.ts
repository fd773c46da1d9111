import { Supergraph } from '@apollo/federation-internals';
import type { GraphQLSchema } from 'graphql';
import { SUPERGRAPH_SDL } from '../../gateway/plan/supergraph.ts';

/** Builds the schema that callers of the gateway see. */
export function buildApiSchema(): GraphQLSchema {
  return Supergraph.build(SUPERGRAPH_SDL).apiSchema().toGraphQLJSSchema();
}
