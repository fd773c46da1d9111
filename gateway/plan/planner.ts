import type { ApolloGateway } from '@apollo/gateway';
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import { type DocumentNode, getOperationAST, print } from 'graphql';
import type { ParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { countPlanningSteps } from '../../subgraphs/kernel/graphql/document-limits.ts';
import type { GraphContext } from '../../subgraphs/kernel/http/context.ts';
import { listKeyNames, type PlannedDocument, renameAliases, restoreAliases } from './aliases.ts';
import type { PARSERS } from './parsers.ts';
import type { PlanStore } from './store.ts';
import { SUPERGRAPH_SDL } from './supergraph.ts';

type Gateway = ApolloServerOptionsWithGateway<GraphContext>['gateway'];

/**
 * An operation of more steps is planned in a worker thread, so that the gateway's own thread is never held for long:
 * the planner takes up to 0.4 ms for a step. One of fewer steps is planned sooner than a worker could be asked.
 */
export const MAX_STEPS_PLANNED_HERE = 60;

/**
 * Returns the gateway as it is, but for what it plans and where: a long operation in a worker, within the pool's
 * deadline and memory. Such an operation fails with an Overload if the pool gives it up or has no place for it.
 * Aliases that the planner would take for its own have other names while it works (`aliases.ts`).
 */
export function planInWorkers(gateway: ApolloGateway, plans: PlanStore, parsers: ParserPool): Gateway {
  const parse = parsers.open<typeof PARSERS>(new URL('parsers.ts', import.meta.url));
  const rename = createRenaming();
  return {
    async load(options) {
      const { executor } = await gateway.load(options);
      return {
        async executor(request) {
          const { queryHash } = request;
          const { operationName } = request.request;
          const { document, prefix } = rename(request.document);
          const operation = (prefix !== null && getOperationAST(document, operationName)) || request.operation;
          // Plans are stored by the client's document: the same one is always renamed in the same way.
          const context = { ...request, document, operation };
          const isLong = countPlanningSteps(operation, document) > MAX_STEPS_PLANNED_HERE;
          if (isLong && !(await plans.isPlanned(queryHash, operationName))) {
            const text = prefix === null ? request.source : print(document);
            const plan = await parse('planOperation', { document: text, operationName: operationName ?? null });
            await plans.store(queryHash, operationName, JSON.parse(plan));
          }
          const answer = await executor(context);
          return prefix === null ? answer : restoreAliases(answer, prefix);
        },
      };
    },
    onSchemaLoadOrUpdate: (callback) => gateway.onSchemaLoadOrUpdate(callback),
    stop: () => gateway.stop(),
  };
}

/** The server keeps the documents that it has parsed. Each is read once. */
function createRenaming(): (document: DocumentNode) => PlannedDocument {
  const keyNames = listKeyNames(SUPERGRAPH_SDL);
  const renamed = new WeakMap<DocumentNode, PlannedDocument>();
  return (document) => {
    const planned = renamed.get(document) ?? renameAliases(document, keyNames);
    renamed.set(document, planned);
    return planned;
  };
}
