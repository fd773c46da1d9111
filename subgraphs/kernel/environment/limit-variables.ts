import * as kinds from './kinds.ts';

/** The gateway and the hub in one process take this if the variable is absent. */
function gatewayDefault<const Text extends string>(value: Text) {
  return { start: { default: value }, gateway: { default: value } } as const;
}

/** Environment variables for what callers may ask of the gateway. */
export const LIMITS = {
  MAX_OPERATION_COST: {
    kind: kinds.count,
    about: 'Maximum cost of one GraphQL operation. One unit is about one field of one object.',
    uses: gatewayDefault('50000'),
  },
  COST_PER_MINUTE: {
    kind: kinds.count,
    about: 'Cost of the GraphQL operations that one person may run within a minute.',
    uses: gatewayDefault('1000000'),
  },
  ANONYMOUS_COST_PER_MINUTE: {
    kind: kinds.count,
    about: 'Cost of the GraphQL operations that one address may run within a minute without a token.',
    uses: gatewayDefault('200000'),
  },
  MAX_ANSWER_BYTES: {
    kind: kinds.count,
    about: 'Maximum size of a GraphQL answer.',
    uses: gatewayDefault('8388608'),
  },
} as const;
