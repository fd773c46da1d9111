import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import { parse } from 'graphql';
import { PLANNER_LIMITS, SUPERGRAPH_SDL } from './supergraph.ts';

/** Planning as a parser of strangers' documents. A worker runs it (`subgraphs/kernel/foreign/pool.ts`). */

const supergraph = Supergraph.build(SUPERGRAPH_SDL, { validateSupergraph: false });
const apiSchema = supergraph.apiSchema();
const planner = new QueryPlanner(supergraph, { debug: PLANNER_LIMITS });

export const PARSERS = {
  /** Plans an operation of a document that has been validated. Returns the plan as JSON. */
  planOperation({ document, operationName }: { document: string; operationName: string | null }): string {
    const operation = operationFromDocument(apiSchema, parse(document), { operationName: operationName ?? undefined });
    return JSON.stringify(planner.buildQueryPlan(operation));
  },
};
