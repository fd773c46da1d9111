import { ENVIRONMENT } from '../../subgraphs/kernel/environment/variables.ts';

/** Limits on the work of operations. The defaults are those of the environment variables. */
export interface CostLimits {
  /** Maximum cost of one operation, in units. */
  maxOperationCost: number;
  /** Units that a person may spend within a minute. */
  costPerMinute: number;
  /** Units that an address may spend within a minute without a token. */
  anonymousCostPerMinute: number;
  /** People, and addresses, that are counted by themselves. */
  maxCountedCallers: number;
  /** Maximum bytes of an answer, and of what one subgraph answers over HTTP. */
  maxAnswerBytes: number;
}

export const DEFAULT_LIMITS: CostLimits = {
  maxOperationCost: Number(ENVIRONMENT.MAX_OPERATION_COST.uses.gateway.default),
  costPerMinute: Number(ENVIRONMENT.COST_PER_MINUTE.uses.gateway.default),
  anonymousCostPerMinute: Number(ENVIRONMENT.ANONYMOUS_COST_PER_MINUTE.uses.gateway.default),
  maxCountedCallers: Number(ENVIRONMENT.MAX_COUNTED_CALLERS.uses.gateway.default),
  maxAnswerBytes: Number(ENVIRONMENT.MAX_ANSWER_BYTES.uses.gateway.default),
};

/** The settings of a process from which limits are read. */
export interface CostSettings {
  MAX_OPERATION_COST: number;
  COST_PER_MINUTE: number;
  ANONYMOUS_COST_PER_MINUTE: number;
  MAX_COUNTED_CALLERS: number;
  MAX_ANSWER_BYTES: number;
}

export function readCostLimits(settings: CostSettings): CostLimits {
  return {
    maxOperationCost: settings.MAX_OPERATION_COST,
    costPerMinute: settings.COST_PER_MINUTE,
    anonymousCostPerMinute: settings.ANONYMOUS_COST_PER_MINUTE,
    maxCountedCallers: settings.MAX_COUNTED_CALLERS,
    maxAnswerBytes: settings.MAX_ANSWER_BYTES,
  };
}
