import type { ApolloServerPlugin, GraphQLRequest, GraphQLResponse } from '@apollo/server';
import type { FastifyRequest } from 'fastify';
import { type DocumentNode, GraphQLError, type OperationDefinitionNode } from 'graphql';
import { countPlanningSteps } from '../../subgraphs/kernel/graphql/document-limits.ts';
import { currentCaller } from '../../subgraphs/kernel/http/caller.ts';
import type { GraphContext } from '../../subgraphs/kernel/http/context.ts';
import { createAllowance } from '../../subgraphs/kernel/limits/allowance.ts';
import { countBodyBytes } from '../../subgraphs/kernel/limits/operation-hook.ts';
import { Overload } from '../../subgraphs/kernel/limits/overload.ts';
import { measureJson } from '../answer-size.ts';
import type { PlanIndex } from '../plan/store.ts';
import { measureCost, type OperationCost } from './cost.ts';
import type { CostLimits } from './limits.ts';
import type { CostModel } from './model.ts';
import { MAX_COST } from './values.ts';

/** Measures each operation before it is planned, and refuses what is too expensive. */

/** A caller asks with it, or with `extensions: { "cost": true }`, for `extensions.cost` of the answer. */
export const COST_HEADER = 'x-query-cost';

/** So many bytes of a request cost one unit, whatever comes of them: they are read, parsed and validated. */
const BYTES_PER_UNIT = 100;

/** Units for each step of planning. Planning a field takes some twenty times as long as resolving it. */
const UNITS_PER_PLANNED_STEP = 20;

export interface CostControl {
  /** Charges the caller for reading a request. Throws a GraphQLError with the code RATE_LIMITED. */
  chargeRequest(request: FastifyRequest, context: GraphContext): void;
  plugin: ApolloServerPlugin<GraphContext>;
}

/**
 * `readModel` is called for the first operation, when the gateway has its schema. `nowMs` is a clock that only goes
 * forward. People and addresses are counted apart: no flood of addresses takes anything from people.
 */
export function createCostControl(
  readModel: () => CostModel,
  plans: PlanIndex,
  limits: CostLimits,
  nowMs: () => number = () => performance.now(),
): CostControl {
  let model: CostModel | null = null;
  const addresses = createAllowance(limits.anonymousCostPerMinute, limits.maxCountedCallers);
  const people = createAllowance(limits.costPerMinute, limits.maxCountedCallers);
  const allowanceOf = ({ actor }: GraphContext) => (actor.kind === 'public' ? addresses : people);
  const perMinuteOf = ({ actor }: GraphContext) =>
    actor.kind === 'public' ? limits.anonymousCostPerMinute : limits.costPerMinute;
  /** Half of the allowance at most: an operation that needs all of it would never find it unspent. */
  const mostOf = (context: GraphContext) => Math.floor(perMinuteOf(context) / 2);
  const budgetOf = (context: GraphContext) => Math.min(limits.maxOperationCost, mostOf(context));
  const spend = (context: GraphContext, cost: number) => {
    const seconds = allowanceOf(context).spend(currentCaller(), cost, nowMs());
    if (seconds > 0) throw new Overload('RATE_LIMITED', seconds);
  };
  const measure = (source: OperationSource, context: GraphContext): OperationCost => {
    model ??= readModel();
    const budget = budgetOf(context);
    const { document, operation, request } = source;
    const measured = measureCost(model, { document, operation, variables: request.variables ?? {} }, budget);
    if (measured.cost > budget) throw buildCostError(measured, budget);
    return measured;
  };
  return {
    chargeRequest(request, context) {
      try {
        spend(context, 1 + Math.floor((request.url.length + countBodyBytes(request)) / BYTES_PER_UNIT));
      } catch (error) {
        if (!(error instanceof Overload)) throw error;
        throw toContextError(error);
      }
    },
    plugin: {
      async requestDidStart({ request, contextValue }) {
        let requested: number | null = null;
        return {
          /** Called only for a document that is not among those validated before. */
          async validationDidStart({ document }) {
            allowanceOf(contextValue).charge(currentCaller(), countTokens(document), nowMs());
          },
          /** Each operation of a document is planned by itself, and again when its plan has been forgotten. */
          async didResolveOperation({ document, operation, queryHash }) {
            // Another plugin refuses a request without an operation.
            if (!operation) return;
            const { cost } = measure({ document, operation, request }, contextValue);
            requested = cost;
            const isPlanned = await plans.isPlanned(queryHash, request.operationName);
            const steps = isPlanned ? 0 : countPlanningSteps(operation, document);
            const total = cost + steps * UNITS_PER_PLANNED_STEP;
            spend(contextValue, Math.min(total, mostOf(contextValue)));
          },
          async willSendResponse({ response }) {
            limitAnswer(response, limits.maxAnswerBytes);
            if (!isCostWanted(request) || response.body.kind !== 'single') return;
            const perMinute = perMinuteOf(contextValue);
            const rest = allowanceOf(contextValue).rest(currentCaller(), nowMs());
            const cost = { requested, budget: budgetOf(contextValue), allowance: { rest, perMinute } };
            response.body.singleResult.extensions = { ...response.body.singleResult.extensions, cost };
          },
        };
      },
    },
  };
}

interface OperationSource {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  request: GraphQLRequest;
}

function isCostWanted({ extensions, http }: GraphQLRequest): boolean {
  return extensions?.cost === true || http?.headers.get(COST_HEADER) === 'true';
}

function countTokens({ loc }: DocumentNode): number {
  let count = 0;
  for (let token = loc?.startToken ?? null; token; token = token.next) count += 1;
  return count;
}

function buildCostError({ cost, path }: OperationCost, budget: number): GraphQLError {
  const words = cost >= MAX_COST ? `查询的代价超过上限 ${budget}` : `查询的代价为 ${cost}，上限为 ${budget}`;
  return new GraphQLError(`${words}，主要来自 ${path.join('.')}。请减少层数、字段或 first。`, {
    extensions: { code: 'OPERATION_TOO_EXPENSIVE', cost, budget, path: path.join('.'), http: { status: 400 } },
  });
}

/** Before an operation starts no plugin sees its answer, so the error itself says status and header. */
function toContextError(overload: Overload): GraphQLError {
  const headers = new Map([['retry-after', String(overload.retryAfterSeconds)]]);
  return new GraphQLError(overload.message, {
    extensions: { ...overload.extensions, http: { status: overload.statusCode, headers } },
  });
}

/** Replaces an answer that is too large by an error. */
function limitAnswer(response: GraphQLResponse, maxBytes: number): void {
  if (response.body.kind !== 'single' || measureJson(response.body.singleResult, maxBytes) <= maxBytes) return;
  const error = buildAnswerError(maxBytes);
  response.body.singleResult = { errors: [{ message: error.message, extensions: error.extensions }] };
  response.http.status = 400;
}

/** Builds the error for an answer that is too large, of the hub or of one subgraph. */
export function buildAnswerError(maxBytes: number): GraphQLError {
  return new GraphQLError(`答复超过 ${maxBytes} 字节。请减少字段或 first。`, {
    extensions: { code: 'ANSWER_TOO_LARGE' },
  });
}
