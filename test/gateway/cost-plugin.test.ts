import { ApolloServer } from '@apollo/server';
import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../gateway/cost/limits.ts';
import { readCostModel } from '../../gateway/cost/model.ts';
import { createCostControl } from '../../gateway/cost/plugin.ts';
import { PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { buildContext, type GraphContext } from '../../subgraphs/kernel/http/context.ts';

const SDL = 'type Query { one: One } type One { name: String }';

/** Runs operations under a clock that stands still. Returns what each of them spent. `planned` has what is planned. */
function createMeter(planned = new Set<string>()) {
  const schema = buildSchema(SDL);
  const control = createCostControl(
    () => readCostModel(schema, SDL),
    { isPlanned: async (...key) => planned.size === planned.add(String(key)).size },
    DEFAULT_LIMITS,
    () => 0,
  );
  const server = new ApolloServer<GraphContext>({ schema, plugins: [control.plugin] });
  let before = DEFAULT_LIMITS.anonymousCostPerMinute;
  return async (query: string, operationName?: string) => {
    const request = { query, operationName, extensions: { cost: true } };
    const { body } = await server.executeOperation(request, { contextValue: buildContext(PUBLIC, null) });
    if (body.kind !== 'single') throw new Error('an answer in parts');
    const { cost } = (body.singleResult.extensions ?? {}) as { cost: { allowance: { rest: number } } };
    const spent = before - cost.allowance.rest;
    before = cost.allowance.rest;
    return spent;
  };
}

test('a document that is new costs its tokens and 20 for each step of planning, once', async () => {
  const run = createMeter();
  // The first and the last token of a document are its start and its end.
  expect(await run('{ one { name } }')).toBe(2 + 8 + 2 * 20);
  expect(await run('{ one { name } }')).toBe(2);
  const fragments = `{ one { ...A ...A } } fragment A on One { name x: name }`;
  expect(await run(fragments)).toBe(1 + 4 + 21 + (1 + 4 * 2) * 20);
});

test('each operation of a document is planned by itself, and again after its plan is forgotten', async () => {
  const planned = new Set<string>();
  const run = createMeter(planned);
  const document = 'query A { ...F } query B { ...F } fragment F on Query { one { name } }';
  const plan = 2 * 2 * 20;
  expect(await run(document, 'A')).toBe(2 + 24 + plan);
  expect(await run(document, 'B')).toBe(2 + plan);
  expect(await run(document, 'A')).toBe(2);
  planned.clear();
  expect(await run(document, 'B')).toBe(2 + plan);
});

test('a document that is refused after parsing costs its tokens, one that does not parse nothing', async () => {
  const run = createMeter();
  expect(await run('{ one { nonsense } }')).toBe(8);
  expect(await run('{ one { ')).toBe(0);
});
