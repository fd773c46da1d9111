import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CostLimits, DEFAULT_LIMITS } from '../../gateway/cost/limits.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway, type Stubs } from '../support/stubs.ts';

const clock = testClock('2022-09-29');
const LONG_NAME = '名'.repeat(1_000);
let calls = 0;
const stubs: Stubs = {
  matters: {
    Query: {
      matter: () => {
        calls += 1;
        return { id: 'm1', name: '事项', mainItem: LONG_NAME };
      },
      matters: () => {
        calls += 1;
        return { edges: [], pageInfo: { hasNextPage: false }, totalCount: 0 };
      },
    },
  },
};

interface Sent {
  status: number;
  retryAfter: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the answer depends on the test's query
  body: any;
}

async function send(
  app: FastifyInstance,
  payload: object,
  headers: Record<string, string> = {},
  remoteAddress = '192.0.2.1',
): Promise<Sent> {
  const {
    statusCode,
    headers: answered,
    body,
  } = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', ...headers },
    payload: JSON.stringify(payload),
    remoteAddress,
  });
  return { status: statusCode, retryAfter: answered['retry-after'] as string | undefined, body: JSON.parse(body) };
}

const repeat = (count: number, build: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => build(i)).join(' ');

const withGateway = async (limits: Partial<CostLimits>, run: (app: FastifyInstance) => Promise<void>) => {
  const gateway = await createStubGateway(clock, stubs, 'local', { limits: { ...DEFAULT_LIMITS, ...limits } });
  try {
    await run(gateway.app);
  } finally {
    await gateway.stop();
  }
};

describe.each(['local', 'http'] as const)('operations, %s', (transport) => {
  let gateway: StubGateway;
  const ask = (query: string, more: object = {}) => send(gateway.app, { query, ...more });

  beforeAll(async () => {
    const limits = { ...DEFAULT_LIMITS, maxAnswerBytes: 400_000, anonymousCostPerMinute: 10_000_000 };
    gateway = await createStubGateway(clock, stubs, transport, { limits });
  });
  afterAll(() => gateway.stop());

  test('one that is too expensive is refused with cost, budget and path, and nothing of it runs', async () => {
    calls = 0;
    const { status, body } = await ask(`{ matter(id: "m1") { name }
      license(identifier: "x") { ${'versions { '.repeat(6)} number ${'}'.repeat(6)} } }`);
    expect(status).toBe(400);
    expect(body).toEqual({
      errors: [
        {
          message: expect.stringContaining('查询的代价为 6555571，上限为 50000，主要来自 license.versions.versions'),
          extensions: {
            code: 'OPERATION_TOO_EXPENSIVE',
            cost: 6_555_571,
            budget: 50_000,
            path: `license.${'versions.'.repeat(6)}number`,
          },
        },
      ],
    });
    expect(calls).toBe(0);
  });

  test.each([110, 170])('introspection under %i times as many aliases is refused', async (count) => {
    const { status, body } = await ask(`{ ${repeat(count, (i) => `a${i}: __schema { ...F }`)} }
      fragment F on __Schema { ${repeat(count, (i) => `t${i}: types { name }`)} }`);
    expect(status).toBe(400);
    expect(body.errors[0].extensions.code).toMatch(/^(OPERATION_TOO_EXPENSIVE|QUERY_TOO_)/);
    const few = await ask(`{ ${repeat(19, (i) => `a${i}: __schema { ...F }`)} }
      fragment F on __Schema { ${repeat(count, (i) => `t${i}: types { name }`)} }`);
    expect(few.body.errors[0].extensions.code).toBe('OPERATION_TOO_EXPENSIVE');
  });

  test('a filter of 45 kB under 20 aliases is refused before the catalogue is asked', async () => {
    calls = 0;
    const filter = 'a'.repeat(45_000);
    const { body } = await ask(
      `query($f: MatterFilter) { ${repeat(20, (i) => `a${i}: matters(first: 1, filter: $f) { totalCount }`)} }`,
      { variables: { f: { nameContains: filter } } },
    );
    expect(new Set(Object.values(body.data))).toEqual(new Set([null]));
    expect(body.errors.length).toBeGreaterThan(0);
    const argument = 'filter.nameContains';
    for (const { extensions } of body.errors) {
      expect(extensions).toEqual({
        code: 'BAD_USER_INPUT',
        argument,
        arguments: [{ argument, message: expect.any(String) }],
      });
    }
    expect(calls).toBe(0);
  });

  test('several operations in one request are refused', async () => {
    const { status } = await send(gateway.app, [{ query: '{ __typename }' }, { query: '{ __typename }' }]);
    expect(status).toBe(400);
  });

  test('GET is measured as POST is', async () => {
    const query = `{ license(identifier: "x") { ${'versions { '.repeat(6)} number ${'}'.repeat(6)} } }`;
    const { statusCode, body } = await gateway.app.inject({
      url: `/graphql?${new URLSearchParams({ query })}`,
      headers: { 'apollo-require-preflight': 'true' },
    });
    expect(statusCode).toBe(400);
    expect(JSON.parse(body).errors[0].extensions.code).toBe('OPERATION_TOO_EXPENSIVE');
  });

  test('an answer that is too large is refused', async () => {
    // 160 times 3,000 bytes.
    const { status, body } = await ask(`{ matter(id: "m1") { ${repeat(160, (i) => `a${i}: mainItem`)} } }`);
    const extensions = { code: 'ANSWER_TOO_LARGE' };
    if (transport === 'local') {
      expect(status).toBe(400);
      expect(body).toEqual({ errors: [{ message: '答复超过 400000 字节。请减少字段或 first。', extensions }] });
    } else {
      expect(body).toMatchObject({ data: { matter: null }, errors: [{ extensions }] });
    }
    const smaller = await ask(`{ matter(id: "m1") { ${repeat(100, (i) => `a${i}: mainItem`)} } }`);
    expect(smaller.body.errors).toBeUndefined();
  });

  test('cost and rest are told on request, and only then', async () => {
    const query = '{ matter(id: "m1") { name } }';
    const cost = { requested: 11, budget: 50_000, allowance: { rest: expect.any(Number), perMinute: 10_000_000 } };
    expect((await ask(query, { extensions: { cost: true } })).body).toEqual({
      data: { matter: { name: '事项' } },
      extensions: { cost },
    });
    expect((await send(gateway.app, { query }, { 'x-query-cost': 'true' })).body.extensions).toEqual({ cost });
    expect((await ask(query)).body).toEqual({ data: { matter: { name: '事项' } } });
    const unparsed = await ask('{', { extensions: { cost: true } });
    expect(unparsed.body.extensions.cost.requested).toBeNull();
  });
});

describe('the allowance of a caller', () => {
  const query = '{ matters(first: 100) { edges { node { name } } } }';

  test('pays for the bytes of a body, whether it tells its length or comes in chunks', async () => {
    await withGateway({ anonymousCostPerMinute: 800 }, async (app) => {
      const headers = { 'content-type': 'application/json' };
      const statuses: number[] = [];
      // 100,000 bytes cost 1,000, which is more than the allowance ever is.
      for (const padding of ['', 'a'.repeat(100_000)]) {
        const text = JSON.stringify({ query: '{ matter(id: "m1") { name } }', padding });
        for (const payload of [text, Readable.from([text])]) {
          statuses.push((await app.inject({ method: 'POST', url: '/graphql', headers, payload })).statusCode);
        }
      }
      expect(statuses).toEqual([200, 200, 429, 429]);
    });
  });

  test('is spent by operations, then answers RATE_LIMITED until it has flowed back', async () => {
    await withGateway({ anonymousCostPerMinute: 800, maxOperationCost: 600 }, async (app) => {
      // 221 for the operation, 1 for the request, and the first time 80 for 4 fields and 20 for the tokens.
      for (let i = 0; i < 3; i += 1) expect((await send(app, { query })).status).toBe(200);
      const refused = await send(app, { query });
      expect(refused.status).toBe(429);
      expect(Number(refused.retryAfter)).toBeGreaterThan(0);
      expect(refused.body.errors[0].extensions).toEqual({
        code: 'RATE_LIMITED',
        retryAfter: Number(refused.retryAfter),
      });
    });
  });

  test('is of each caller alone, and larger for a person', async () => {
    await withGateway({ anonymousCostPerMinute: 450, costPerMinute: 800, maxOperationCost: 400 }, async (app) => {
      const authorization = `Bearer ${await tokenFor(requireDemoPerson('auditor'), clock())}`;
      expect((await send(app, { query })).status).toBe(200);
      expect((await send(app, { query })).status).toBe(429);
      expect((await send(app, { query }, {}, '192.0.2.2')).status).toBe(200);
      for (let i = 0; i < 3; i += 1) expect((await send(app, { query }, { authorization })).status).toBe(200);
      expect((await send(app, { query }, { authorization }, '192.0.2.3')).status).toBe(429);
    });
  });

  test('is also spent by what is parsed and refused', async () => {
    await withGateway({ anonymousCostPerMinute: 500 }, async (app) => {
      const bad = { query: `{ nonsense # ${'x'.repeat(20_000)}\n }` };
      expect((await send(app, bad)).status).toBe(400);
      expect((await send(app, bad)).status).toBe(400);
      const refused = await send(app, bad);
      expect(refused.status).toBe(429);
      expect(Number(refused.retryAfter)).toBeGreaterThan(0);
      expect(refused.body.errors[0].extensions.code).toBe('RATE_LIMITED');
    });
  });

  test('bounds the budget of one operation, which otherwise could never run', async () => {
    await withGateway({ anonymousCostPerMinute: 200, maxOperationCost: 600 }, async (app) => {
      const { status, body } = await send(app, { query });
      expect(status).toBe(400);
      expect(body.errors[0].extensions).toMatchObject({ code: 'OPERATION_TOO_EXPENSIVE', budget: 100 });
    });
  });
});
