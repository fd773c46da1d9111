import type { ApolloGateway } from '@apollo/gateway';
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import type { ParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { countPlanningSteps } from '../../subgraphs/kernel/graphql/document-limits.ts';
import type { GraphContext } from '../../subgraphs/kernel/http/context.ts';
import type { PARSERS } from './parsers.ts';
import type { PlanStore } from './store.ts';

type Gateway = ApolloServerOptionsWithGateway<GraphContext>['gateway'];

/**
 * An operation of more steps is planned in a worker thread, so that the gateway's own thread is never held for long:
 * the planner takes up to 0.4 ms for a step. One of fewer steps is planned sooner than a worker could be asked.
 */
export const MAX_STEPS_PLANNED_HERE = 60;

/**
 * Returns the gateway as it is, but for where it plans: a long operation in a worker, within the pool's deadline and
 * memory. Such an operation fails with an Overload if the pool gives it up or has no place for it.
 */
export function planInWorkers(gateway: ApolloGateway, plans: PlanStore, parsers: ParserPool): Gateway {
  const parse = parsers.open<typeof PARSERS>(new URL('parsers.ts', import.meta.url));
  return {
    async load(options) {
      const { executor } = await gateway.load(options);
      return {
        async executor(context) {
          const { queryHash, source, document, operation, request } = context;
          const { operationName } = request;
          const isLong = countPlanningSteps(operation, document) > MAX_STEPS_PLANNED_HERE;
          if (isLong && !(await plans.isPlanned(queryHash, operationName))) {
            const plan = await parse('planOperation', { document: source, operationName: operationName ?? null });
            await plans.store(queryHash, operationName, JSON.parse(plan));
          }
          return executor(context);
        },
      };
    },
    onSchemaLoadOrUpdate: (callback) => gateway.onSchemaLoadOrUpdate(callback),
    stop: () => gateway.stop(),
  };
}
