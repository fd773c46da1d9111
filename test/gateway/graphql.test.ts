import { generateKeyPairSync } from 'node:crypto';
import { GraphQLError, getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  MAX_CONDITIONS,
  MAX_DEPTH,
  MAX_FIELDS,
  MAX_FRAGMENTS,
  MAX_ROOT_FIELDS,
  MAX_TOKENS,
} from '../../gateway/limits.ts';
import { mintToken } from '../../scripts/demo/people.ts';
import { writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import {
  answerAsPerson,
  buildStubSources,
  createStubGateway,
  postQuery,
  type StubGateway,
  type Stubs,
} from '../support/stubs.ts';

const clock = testClock('2022-09-29');
const matter = { id: 'm1', mainItem: '主项', name: '事项' };
const stubs: Stubs = {
  matters: {
    Query: {
      matter: () => matter,
      matters: () => ({ edges: [{ cursor: 'c', node: matter }], pageInfo: { hasNextPage: false }, totalCount: 1 }),
    },
  },
  cases: {
    Query: {
      case: answerAsPerson((name) => ({ id: 'c1', number: name, matter: { id: 'm1' } })),
      cases: () => {
        throw new GraphQLError('first 须为 1 至 100 的整数。', {
          extensions: { code: 'BAD_USER_INPUT', argument: 'first' },
        });
      },
    },
  },
  seals: {
    Query: {
      seal: () => {
        throw new Error('password=hunter2 at tq_seals');
      },
      seals: () => {
        throw new GraphQLError('此查询只供审计。', { extensions: { code: 'FORBIDDEN' } });
      },
    },
  },
};

describe.each(['local', 'http'] as const)('gateway, %s', (transport) => {
  let gateway: StubGateway;
  const ask = (query: string, token?: string) => postQuery(gateway.app, query, token);
  const codes = async (query: string, token?: string) =>
    (await ask(query, token)).errors?.map(({ extensions }) => extensions.code);

  beforeAll(async () => {
    gateway = await createStubGateway(clock, stubs, transport, { allowedOrigins: ['https://office.example'] });
  });
  afterAll(() => gateway.stop());

  test('the public can read the matters without a token', async () => {
    expect(await ask('{ matters(first: 1) { totalCount edges { node { name } } } }')).toMatchObject({
      data: { matters: { totalCount: 1, edges: [{ node: { name: '事项' } }] } },
    });
  });

  test('forwards the token to the subgraph', async () => {
    const token = await tokenFor(requireDemoPerson('window-yudu'), clock());
    expect((await ask('{ case(id: "c1") { number matter { id } } }', token)).data).toEqual({
      case: {
        number: requireDemoPerson('window-yudu').name,
        matter: { id: writeGlobalId({ type: 'Matter', own: 'm1' }) },
      },
    });
  });

  test('a missing token is UNAUTHENTICATED, and nulls only the field that needs it', async () => {
    const answer = await ask('{ case(id: "c1") { number } matter(id: "m1") { name } }');
    expect(answer.data).toEqual({ case: null, matter: { name: '事项' } });
    expect(answer.errors?.[0]).toMatchObject({ path: ['case'], extensions: { code: 'UNAUTHENTICATED' } });
  });

  test('an expired token is refused with TOKEN_EXPIRED and 401', async () => {
    const token = await tokenFor(requireDemoPerson('auditor'), new Date(clock().getTime() - 7_200_000), 3600);
    const answer = await ask('{ matter(id: "m1") { name } }', token);
    expect(answer).toMatchObject({ status: 401, errors: [{ extensions: { code: 'TOKEN_EXPIRED' } }] });
  });

  test('a forged token is refused with TOKEN_INVALID and 401', async () => {
    const token = await mintToken(requireDemoPerson('auditor'), generateKeyPairSync('ed25519').privateKey, clock());
    const answer = await ask('{ matter(id: "m1") { name } }', token);
    expect(answer).toMatchObject({ status: 401, errors: [{ extensions: { code: 'TOKEN_INVALID' } }] });
    expect(await codes('{ matter(id: "m1") { name } }', 'nonsense')).toEqual(['TOKEN_INVALID']);
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`;
    expect(await codes('{ matter(id: "m1") { name } }', unsigned)).toEqual(['TOKEN_INVALID']);
  });

  test('forwards the error codes of a subgraph with the argument they concern', async () => {
    expect((await ask('{ cases(first: 1) { edges { cursor } } }')).errors?.[0]?.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      argument: 'first',
      arguments: [{ argument: 'first', message: 'first 须为 1 至 100 的整数。' }],
    });
    expect(await codes('{ seals(first: 1) { edges { cursor } } }')).toEqual(['FORBIDDEN']);
  });

  test('masks a fault in Chinese with an incident number, and reports it to the operator', async () => {
    const answer = await ask('{ seal(id: "s1") { name } }');
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0]?.message).toMatch(/^系统内部故障/);
    expect(answer.errors?.[0]?.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', incident: expect.any(String) });
    expect(JSON.stringify(answer)).not.toMatch(/hunter2|stack|seals/);
    expect(String(gateway.faults.at(-1))).toContain('hunter2');
  });

  test('reports unknown fields and bad syntax', async () => {
    expect(await codes('{ matter(id: "m1") { nonsense } }')).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    expect(await codes('{ matter(id: "m1" { name } }')).toEqual(['GRAPHQL_PARSE_FAILED']);
  });

  test('limits depth, width, size and tokens of a query', async () => {
    const deep = (levels: number) =>
      `{ license(identifier: "x") ${'{ versions '.repeat(levels)}{ number }${' }'.repeat(levels)} }`;
    expect(await codes(deep(MAX_DEPTH - 1))).toEqual(['QUERY_TOO_DEEP']);
    expect(await codes(deep(MAX_DEPTH - 2))).not.toEqual(['QUERY_TOO_DEEP']);
    const wide = Array.from({ length: MAX_ROOT_FIELDS + 1 }, (_, i) => `a${i}: matter(id: "m1") { id }`).join(' ');
    expect(await codes(`{ ${wide} }`)).toEqual(['QUERY_TOO_WIDE']);
    // Each fragment spreads the previous one ten times, so that a short document selects 100,000 fields.
    const fragments = Array.from({ length: 6 }, (_, i) => {
      const inner = i === 0 ? 'name' : Array.from({ length: 10 }, () => `...F${i - 1}`).join(' ');
      return `fragment F${i} on Matter { ${inner} }`;
    });
    expect(10 ** 5).toBeGreaterThan(MAX_FIELDS);
    expect(await codes(`{ matter(id: "m1") { ...F5 } } ${fragments.join(' ')}`)).toContain('QUERY_TOO_LARGE');
    expect(await codes(`{ ${'__typename '.repeat(MAX_TOKENS)} }`)).toEqual(['QUERY_TOO_LARGE']);
  });

  test('limits fragments and conditions around a field', async () => {
    const around = (levels: number, head: string, leaf = 'id') =>
      `query($v: Boolean!) { matter(id: "m1") { name @skip(if: $v) ${head.repeat(levels)}${leaf}${'}'.repeat(levels)} } }`;
    const chain = (length: number) => {
      const fragments = Array.from({ length }, (_, i) => `fragment F${i} on Matter { ${i ? `...F${i - 1}` : 'id'} }`);
      return `{ matter(id: "m1") { ...F${length - 1} } } ${fragments.join(' ')}`;
    };
    const condition = 'id @include(if: $v) @skip(if: $v)';
    for (const [document, limit] of [
      [(levels: number) => around(levels, '... on Matter {'), MAX_FRAGMENTS],
      [(levels: number) => around(levels, '... {'), MAX_FRAGMENTS],
      [chain, MAX_FRAGMENTS],
      [(levels: number) => around(levels, '... @include(if: $v) {'), MAX_CONDITIONS],
      [(levels: number) => around(levels, '... @skip(if: true) {'), MAX_CONDITIONS],
      [(levels: number) => around(levels - 2, '... @include(if: $v) {', condition), MAX_CONDITIONS],
    ] as const) {
      expect((await codes(document(limit))) ?? []).not.toContain('QUERY_TOO_DEEP');
      expect(await codes(document(limit + 1))).toEqual(['QUERY_TOO_DEEP']);
    }
  });

  test('counts the fields of introspection, and answers what tools ask', async () => {
    expect((await ask(getIntrospectionQuery())).errors).toBeUndefined();
    // Nothing of it runs: no named type has a type within. The planner would expand 2^20 fields.
    const fragments = Array.from({ length: 20 }, (_, i) => {
      const inner = i === 0 ? 'name' : `a: ofType { ...F${i - 1} } b: ofType { ...F${i - 1} }`;
      return `fragment F${i} on __Type { ${inner} }`;
    });
    expect(await codes(`{ __type(name: "Matter") { ...F19 } } ${fragments.join(' ')}`)).toContain('QUERY_TOO_LARGE');
  });

  test('refuses a fragment that contains itself', async () => {
    const query = '{ matter(id: "m1") { ...F } } fragment F on Matter { name ...F }';
    expect(await codes(query)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });

  test('introspection answers', async () => {
    const answer = await ask(getIntrospectionQuery());
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toHaveProperty('__schema');
  });

  test('a browser that opens the address is led to the explorer', async () => {
    const url = '/graphql?query={__typename}';
    const { statusCode, headers } = await gateway.app.inject({ url, headers: { accept: 'text/html,*/*;q=0.8' } });
    expect([statusCode, headers.location]).toEqual([303, '/explorer?query=%7B__typename%7D']);
  });

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }, 400],
    [{ 'sec-fetch-site': 'same-site' }, 400],
    [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 400],
    [{ 'sec-fetch-site': 'cross-site', origin: 'https://office.example' }, 200],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{}, 200],
  ])('a GET with %j is %i: a foreign page has no work done', async (headers: Record<string, string>, status) => {
    const answer = await gateway.app.inject({
      url: '/graphql?query={__typename}',
      headers: { accept: '*/*', ...headers },
    });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    if (status === 400) expect(answer.json().errors[0].extensions.code).toBe('BAD_REQUEST');
    else expect(answer.json()).toEqual({ data: { __typename: 'Query' } });
  });
});

test('a subgraph that is down nulls only its own fields, as a masked fault', async () => {
  const gateway = await createStubGateway(clock, stubs, 'local', {
    sources: { ...buildStubSources(stubs), seals: { url: 'http://127.0.0.1:9/graphql' } },
  });
  const answer = await postQuery(gateway.app, '{ seal(id: "s1") { name } matter(id: "m1") { name } }');
  expect(answer.data).toEqual({ seal: null, matter: { name: '事项' } });
  expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(['INTERNAL_SERVER_ERROR']);
  await gateway.stop();
});
