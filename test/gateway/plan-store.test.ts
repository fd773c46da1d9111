import { readFileSync } from 'node:fs';
import { ApolloGateway } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../gateway/cost/limits.ts';
import { readCostModel } from '../../gateway/cost/model.ts';
import { createCostControl } from '../../gateway/cost/plugin.ts';
import { createPlanStore } from '../../gateway/plan/store.ts';
import { PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { buildContext, type GraphContext } from '../../subgraphs/kernel/http/context.ts';

/** Planning is charged exactly when the gateway plans. The gateway is the real one, its subgraphs know nothing. */

const SDL = readFileSync(new URL('../../gateway/supergraph.graphql', import.meta.url), 'utf8');

/** Returns a function that runs an operation and tells what it spent and how many plans were stored. */
async function createPlanMeter(maxBytes: number) {
  const plans = createPlanStore(maxBytes);
  const { set } = plans.cache;
  let planCount = 0;
  plans.cache.set = (...entry) => {
    planCount += 1;
    return set.apply(plans.cache, entry);
  };
  const gateway = new ApolloGateway({
    supergraphSdl: SDL,
    buildService: () => ({ process: async () => ({ data: { license: null } }) }),
    queryPlannerConfig: { cache: plans.cache },
  });
  const readModel = () => {
    if (!gateway.schema) throw new Error('no schema');
    return readCostModel(gateway.schema, SDL);
  };
  const control = createCostControl(readModel, plans, DEFAULT_LIMITS, () => 0);
  const server = new ApolloServer<GraphContext>({ gateway, plugins: [control.plugin], logger: SILENT });
  await server.start();
  let rest = DEFAULT_LIMITS.anonymousCostPerMinute;
  return async (query: string, operationName?: string) => {
    const before = { rest, planCount };
    const request = { query, operationName, extensions: { cost: true } };
    const { body } = await server.executeOperation(request, { contextValue: buildContext(PUBLIC, null) });
    if (body.kind !== 'single') throw new Error('an answer in parts');
    const { cost } = (body.singleResult.extensions ?? {}) as { cost: { allowance: { rest: number } } };
    rest = cost.allowance.rest;
    return { spent: before.rest - rest, planCount: planCount - before.planCount };
  };
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
/** Two operations over one fragment, whose planning takes 101 steps or more. */
const FIELDS = Array.from({ length: 50 }, (_, i) => `a${i}: number`).join(' ');
const DOCUMENT = `query A { license(identifier: "x") { ...F } } query B { license(identifier: "x") { ...F } }
  fragment F on License { ${FIELDS} }`;
const PLANNING = 20 * 101;

test('each operation of a document is charged when it is planned, and not again', async () => {
  const run = await createPlanMeter(1_000_000);
  const outcomes = [await run(DOCUMENT, 'A'), await run(DOCUMENT, 'B'), await run(DOCUMENT, 'A')];
  expect(outcomes.map(({ planCount }) => planCount)).toEqual([1, 1, 0]);
  const [first = 0, second = 0, third = 0] = outcomes.map(({ spent }) => spent);
  expect(second).toBe(third + PLANNING);
  expect(first).toBeGreaterThan(second);
  const unnamed = DOCUMENT.replace(/query B.*/, '');
  expect((await run(unnamed)).planCount).toBe(1);
  expect(await run(unnamed)).toEqual({ planCount: 0, spent: third });
});

test('an operation whose plan has been forgotten is charged again', async () => {
  // One plan has room, two have not.
  const run = await createPlanMeter(1_200);
  const outcomes = [];
  for (const name of ['A', 'A', 'B', 'A']) outcomes.push(await run(DOCUMENT, name));
  expect(outcomes.map(({ planCount }) => planCount)).toEqual([1, 0, 1, 1]);
  expect(outcomes.map(({ spent }) => spent > PLANNING)).toEqual([true, false, true, true]);
});
