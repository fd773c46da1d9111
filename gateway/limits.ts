import { createLimitRule } from '../subgraphs/kernel/graphql/document-limits.ts';

/** Maximum tokens of one document. The parser stops there. */
export const MAX_TOKENS = 4_000;
/** Maximum nesting of fields. The deepest query of the front ends is 10 deep: license, case, delegation, organ. */
export const MAX_DEPTH = 14;
/**
 * Maximum nesting of fragments around a field, counted from the operation. The planner walks each level for each
 * field. A component that declares its own data adds one level.
 */
export const MAX_FRAGMENTS = 16;
/** Maximum `@include` and `@skip` around a field, counted from the operation. The plan repeats them for each fetch. */
export const MAX_CONDITIONS = 8;
/**
 * Maximum nesting of lists and objects in one literal. The planner's time doubles with each level. The deepest input
 * type needs at most 4.
 */
export const MAX_VALUE_DEPTH = 8;
/** Maximum characters of a name. Compilers of front ends make names of up to about 100. */
export const MAX_NAME_CHARS = 200;
/** Maximum root fields of one operation. Each is a separate query. */
export const MAX_ROOT_FIELDS = 20;
/** Maximum fields of one operation after fragments are expanded. A worker plans them in 20 to 180 ms. */
export const MAX_FIELDS = 500;
/** Maximum fields within introspection after fragments are expanded. A worker plans them in 50 ms. */
const MAX_INTROSPECTION_FIELDS = 6_500;

/** Refuses a document beyond the limits above. */
export const limitRule = createLimitRule({
  depth: MAX_DEPTH,
  fragments: MAX_FRAGMENTS,
  conditions: MAX_CONDITIONS,
  valueDepth: MAX_VALUE_DEPTH,
  nameChars: MAX_NAME_CHARS,
  rootFields: MAX_ROOT_FIELDS,
  fields: MAX_FIELDS,
  introspection: MAX_INTROSPECTION_FIELDS,
});
