import { createHash } from 'node:crypto';
import type { GatewayConfig } from '@apollo/gateway';
import { InMemoryLRUCache } from '@apollo/utils.keyvaluecache';

type QueryPlanCache = NonNullable<NonNullable<GatewayConfig['queryPlannerConfig']>['cache']>;
type QueryPlan = NonNullable<Awaited<ReturnType<QueryPlanCache['get']>>>;

/** Tells whether an operation is planned. */
export interface PlanIndex {
  /**
   * Returns whether the plan of an operation is stored, and keeps it from being the next that is forgotten.
   * `queryHash` is the SHA-256 of the document, `operationName` what the request names.
   */
  isPlanned(queryHash: string, operationName: string | null | undefined): Promise<boolean>;
}

export interface PlanStore extends PlanIndex {
  /** For `queryPlannerConfig.cache` of the gateway. */
  cache: QueryPlanCache;
  /** Stores the plan of an operation. */
  store(queryHash: string, operationName: string | null | undefined, plan: QueryPlan): Promise<void>;
}

/** Creates the store of query plans: the latest ones, up to `maxBytes` of JSON. */
export function createPlanStore(maxBytes: number): PlanStore {
  const cache = new InMemoryLRUCache<QueryPlan>({
    maxSize: maxBytes,
    sizeCalculation: (plan) => Buffer.byteLength(JSON.stringify(plan)),
  });
  return {
    cache,
    isPlanned: async (queryHash, operationName) => (await cache.get(buildKey(queryHash, operationName))) !== undefined,
    store: (queryHash, operationName, plan) => cache.set(buildKey(queryHash, operationName), plan),
  };
}

/** The gateway's key. With any other, no operation would count as planned. */
function buildKey(queryHash: string, operationName: string | null | undefined): string {
  return operationName ? createHash('sha256').update(queryHash).update(operationName).digest('hex') : queryHash;
}
