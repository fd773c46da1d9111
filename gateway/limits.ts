import { createLimitRule } from '../subgraphs/kernel/graphql/document-limits.ts';

/** Maximum tokens of one document. The parser stops there. */
export const MAX_TOKENS = 4_000;
/** Maximum nesting of fields. The deepest query of the front ends is 10 deep: license, case, delegation, organ. */
export const MAX_DEPTH = 14;
/**
 * Maximum nesting of lists and objects in one literal. The planner's time doubles with each level. The deepest input
 * type needs at most 4.
 */
export const MAX_VALUE_DEPTH = 8;
/** Maximum root fields of one operation. Each is a separate query. */
export const MAX_ROOT_FIELDS = 20;
/** Maximum fields of one operation after fragments are expanded. Planning 1,000 takes 40 to 120 ms. */
export const MAX_FIELDS = 500;

/** Refuses a document beyond the limits above. */
export const limitRule = createLimitRule({
  depth: MAX_DEPTH,
  valueDepth: MAX_VALUE_DEPTH,
  rootFields: MAX_ROOT_FIELDS,
  fields: MAX_FIELDS,
});
