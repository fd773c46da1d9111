import { afterAll, beforeAll, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway } from '../support/stubs.ts';

/** The gateway package collects an error for each wrong value, each with the whole value: their size is quadratic. */

const UNKNOWN_KEYS = 300;

let gateway: StubGateway;
beforeAll(async () => {
  gateway = await createStubGateway(testClock('2022-09-29'), {});
});
afterAll(() => gateway.stop());

const unknownKeys = Object.fromEntries(Array.from({ length: UNKNOWN_KEYS }, (_, index) => [`key${index}`, index]));
const wrongSteps = Array<string>(UNKNOWN_KEYS).fill('X');

test.each([
  ['unknown keys', 'query($v: MatterFilter) { matters(first: 1, filter: $v) { totalCount } }', unknownKeys, 'filter'],
  ['wrong items', 'query($v: [CaseStep!]) { queue(first: 1, steps: $v) { __typename } }', wrongSteps, 'steps[0]'],
])('of %s in a variable the first is refused, and no other is looked for', async (_kind, query, v, argument) => {
  const payload = { query, variables: { v } };
  const response = await gateway.app.inject({ method: 'POST', url: '/graphql', payload });
  expect(response.statusCode).toBe(400);
  const { errors } = response.json();
  expect(errors.map((error: { extensions: unknown }) => error.extensions)).toEqual([
    { code: 'BAD_USER_INPUT', argument, arguments: [{ argument, message: expect.any(String) }] },
  ]);
});

test('of several wrong variables the first is refused', async () => {
  const query = 'query($a: Int!, $b: Int!) { organs(first: $a) { __typename } matters(first: $b) { totalCount } }';
  const response = await gateway.app.inject({ method: 'POST', url: '/graphql', payload: { query, variables: {} } });
  expect(response.json().errors).toHaveLength(1);
});
