import { QueryPlanner } from '@apollo/query-planner';
import { Kind, parse } from 'graphql';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { MAX_STEPS_PLANNED_HERE } from '../../gateway/plan/planner.ts';
import { createParserPool, type ParserPool } from '../../subgraphs/kernel/foreign/pool.ts';
import { countPlanningSteps } from '../../subgraphs/kernel/graphql/document-limits.ts';
import { listPlans } from '../security/abuse/plan-kinds.ts';
import { testClock } from '../support/clock.ts';
import { testParsers } from '../support/parsers.ts';
import { createStubGateway, postQuery, type StubGateway } from '../support/stubs.ts';

/** Where operations are planned. `planned` are the steps of each that the gateway's own thread planned. */

const clock = testClock('2022-09-29');
const matter = { id: 'm1', mainItem: '主项', name: '事项' };
const stubs = { matters: { Query: { matter: () => matter } } };
const countedParsers = { calls: 0 };
const parsers: ParserPool = {
  ...testParsers,
  open: (module) => {
    const run = testParsers.open(module);
    return (...call) => {
      countedParsers.calls += 1;
      return run(...call) as never;
    };
  },
};

let gateway: StubGateway;
const planHere = vi.spyOn(QueryPlanner.prototype, 'buildQueryPlan');
beforeAll(async () => {
  gateway = await createStubGateway(clock, stubs, 'local', { parsers });
});
afterAll(() => gateway.stop());
beforeEach(() => {
  planHere.mockClear();
  countedParsers.calls = 0;
});

const buildQuery = (fields: number) =>
  `{ ${Array.from({ length: fields }, (_, i) => `a${i}: matter(id: "m1") { name }`).join(' ')} }`;
const LONG = `{ matter(id: "m1") { ${Array.from({ length: MAX_STEPS_PLANNED_HERE }, (_, i) => `a${i}: name`).join(' ')} } }`;

test('a short operation is planned here', async () => {
  expect((await postQuery(gateway.app, buildQuery(2))).data).toEqual({ a0: { name: '事项' }, a1: { name: '事项' } });
  expect([planHere.mock.calls.length, countedParsers.calls]).toEqual([1, 0]);
});

test('a long operation is planned in a worker, once, and answered as if it were planned here', async () => {
  for (const _ of [1, 2]) {
    const { data } = await postQuery(gateway.app, LONG);
    expect(Object.values(data?.matter ?? {})).toEqual(Array(MAX_STEPS_PLANNED_HERE).fill('事项'));
  }
  expect([planHere.mock.calls.length, countedParsers.calls]).toEqual([0, 1]);
});

test('each operation of a document has its own plan', async () => {
  const document = `query A ${LONG} query B ${LONG.replace('a0: name', 'only: name')}`;
  const run = async (operationName: string) => {
    const payload = { query: document, operationName };
    const response = await gateway.app.inject({ method: 'POST', url: '/graphql', payload });
    return Object.keys(response.json().data.matter)[0];
  };
  expect([await run('A'), await run('B'), await run('A')]).toEqual(['a0', 'only', 'a0']);
  expect([planHere.mock.calls.length, countedParsers.calls]).toEqual([0, 2]);
});

test('no document has more planned here than the limit', async () => {
  for (const { body } of listPlans()) {
    const { query, operationName, variables } = JSON.parse(String(body));
    planHere.mockClear();
    await gateway.app.inject({ method: 'POST', url: '/graphql', payload: { query, operationName, variables } });
    if (planHere.mock.calls.length === 0) continue;
    const document = parse(query);
    const [operation] = document.definitions.filter(
      (definition) =>
        definition.kind === Kind.OPERATION_DEFINITION && (definition.name?.value ?? null) === (operationName ?? null),
    );
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('planned without an operation');
    expect(countPlanningSteps(operation, document)).toBeLessThanOrEqual(MAX_STEPS_PLANNED_HERE);
  }
  expect(countedParsers.calls).toBeGreaterThan(0);
});

test('planning that passes its time or finds no place is refused with its code', async () => {
  const impatient = createParserPool({ deadlineMs: 0 });
  const busy = createParserPool({ waiting: 0 });
  const outcomes = [];
  for (const pool of [impatient, busy]) {
    const refusing = await createStubGateway(clock, stubs, 'local', { parsers: pool });
    const { status, errors } = await postQuery(refusing.app, LONG);
    outcomes.push([status, errors?.[0]?.extensions.code, refusing.faults.length]);
    await refusing.stop();
    await pool.stop();
  }
  expect(outcomes).toEqual([
    [503, 'DEADLINE_EXCEEDED', 0],
    [503, 'OVERLOADED', 0],
  ]);
});
