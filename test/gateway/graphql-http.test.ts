import { auditServer } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway } from '../support/stubs.ts';

/** The audit of GraphQL over HTTP by the working group's own package, and what the hub answers beyond it. */

let gateway: StubGateway;
let url: string;
beforeAll(async () => {
  gateway = await createStubGateway(testClock('2026-03-02'), {});
  url = `${await gateway.app.listen({ host: '127.0.0.1', port: 0 })}/graphql`;
});
afterAll(() => gateway.stop());

test('every audit passes, those of MAY and SHOULD too', async () => {
  const results = await auditServer({ url });
  expect(results.flatMap((result) => (result.status === 'ok' ? [] : [`${result.id} ${result.name}`]))).toEqual([]);
  expect(results.length).toBeGreaterThanOrEqual(61);
});

const post = (body: string, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
const BAD_DOCUMENT = JSON.stringify({ query: '{ noSuchField }' });

describe('a document that cannot be executed is', () => {
  test.each([
    ['application/json', 200],
    ['application/json, */*;q=0.5', 200],
    ['application/graphql-response+json', 400],
    ['application/graphql-response+json, application/json;q=0.9', 400],
    ['*/*', 400],
  ])('for a client that accepts %s: %i', async (accept, status) => {
    const answer = await post(BAD_DOCUMENT, { accept });
    expect([answer.status, (await answer.json()).errors[0].extensions.code]).toEqual([
      status,
      'GRAPHQL_VALIDATION_FAILED',
    ]);
  });
});

test.each([
  ['malformed JSON', '{bad', {}, 400, 'BAD_REQUEST'],
  ['another content type', '<a/>', { 'content-type': 'application/xml' }, 415, 'MEDIA_TYPE_NOT_ALLOWED'],
  ['a body that is too long', `{"query":"${' '.repeat(1_100_000)}"}`, {}, 413, 'REQUEST_TOO_LARGE'],
  ['no query', '{}', {}, 400, 'BAD_REQUEST'],
  ['a token that is none', BAD_DOCUMENT, { authorization: 'Bearer x' }, 401, 'TOKEN_INVALID'],
] as const)('%s is refused in the form of GraphQL', async (_, body, headers, status, code) => {
  const answer = await post(body, headers);
  const { errors, ...rest } = await answer.json();
  expect([answer.status, rest, errors.length, errors[0].extensions.code]).toEqual([status, {}, 1, code]);
  expect(errors[0].message).toMatch(/\p{Script=Han}/u);
});

test('a GET reads without further headers, and changes nothing', async () => {
  const read = await fetch(`${url}?query=${encodeURIComponent('{ __typename }')}`);
  expect([read.status, await read.json()]).toEqual([200, { data: { __typename: 'Query' } }]);
  const write = 'mutation { decideCase(input: { case: "1", decision: GRANTED }) { refusal { code } } }';
  const answer = await fetch(`${url}?query=${encodeURIComponent(write)}`);
  expect([answer.status, (await answer.json()).data]).toEqual([405, undefined]);
});
