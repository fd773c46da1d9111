import { buildSchema, Kind, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { limitRule, MAX_CONDITIONS, MAX_FIELDS, MAX_FRAGMENTS } from '../../gateway/limits.ts';
import { countPlanningSteps } from '../../subgraphs/kernel/graphql/document-limits.ts';
import { listPlans } from './abuse/plan-kinds.ts';

/** What the planner may be given: no time is measured, the steps are counted. */

const SCHEMA = buildSchema('type Query { a: Int }');
const PLANS = listPlans().map(({ name, body }): [string, string] => [name, JSON.parse(String(body)).query]);

function countSteps(source: string): number[] {
  const document = parse(source);
  return document.definitions
    .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => countPlanningSteps(operation, document));
}

const codesOf = (source: string) =>
  validate(SCHEMA, parse(source), [limitRule]).map(({ extensions }) => String(extensions.code));

test.each(PLANS)('%s is refused, or planned in bounded steps', (_name, source) => {
  if (codesOf(source).length > 0) return;
  for (const steps of countSteps(source)) {
    expect(steps).toBeLessThanOrEqual(MAX_FIELDS * (1 + MAX_CONDITIONS + MAX_FRAGMENTS));
  }
});

test.each(PLANS.filter(([name]) => /: (9|226) conditions|: (9|226) constant|of (17|220) fragments/.test(name)))(
  '%s is refused',
  (_name, source) => {
    expect(codesOf(source)).toContain('QUERY_TOO_DEEP');
  },
);

test.each([
  ['fields', '{ a b { c d } }', 4],
  ['a fragment around two fields', '{ a ... { b { c } } }', 1 + 2 * 2],
  ['a condition around a fragment, and the fragment', '{ ...F @include(if: true) } fragment F on Query { b { c } }', 6],
  ['conditions of a field, around what it selects', '{ b @include(if: true) @skip(if: false) { c } }', 2 * 3],
  ['fragments in fragments', '{ ... { ... { ... { a } } } }', 4],
  ['introspection', '{ __schema { ... { types { name } } } }', 1 + 2 * 2],
])('steps of planning count %s', (_name, source, steps) => {
  expect(countSteps(source)).toEqual([steps]);
});

test('one document of many operations has steps for each', () => {
  const [, source = ''] = PLANS.find(([name]) => name.includes('one of 100')) ?? [];
  const steps = countSteps(source);
  expect(steps).toHaveLength(100);
  // The license, and 238 matters with their names, each in one fragment.
  expect(new Set(steps)).toEqual(new Set([1 + 2 * 2 * 238]));
});
