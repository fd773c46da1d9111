import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Every route of a whole hub gets bad parameters, bad queries and bad bodies. A new route is covered by itself. */

const WRONG = ['%00', '%E2%80%AE', 'a%E2%80%8Bb', 'a%0Ab', 'a%0Db', '%EF%BF%BF'];
const STRANGE = [
  'x',
  '%27',
  '11111111-1111-4111-8111-111111111111',
  '00000000-0000-0000-0000-00000000000g',
  '..%2F..',
  '0',
];
const BODIES = ['', '{', 'null', '{"a":"\\u0000"}', '\u0000', '[]'];
/** What no answer may contain: words of the database and of stack traces. */
const INSIDE = /Failed query|select |insert into|\bat \w+ \(|node_modules|PostgresError|FST_ERR/i;

interface Route {
  method: string;
  url: string;
}

let hub: TestHub;
let routes: Route[];
const tokens: (string | null)[] = [null];
const faults: unknown[] = [];

beforeAll(async () => {
  hub = await createTestHub({ onFault: (_incident, error) => faults.push(error) });
  const person = { ...requireDemoPerson('yudu-lyj.approver'), roles: ROLES, window: '360731' };
  tokens.push(await tokenFor({ ...person, holderCode: requireDemoPerson('applicant-company').holderCode }, new Date()));
  await hub.hub.app.ready();
  routes = readRoutes(hub.hub.app.printRoutes({ commonPrefix: false }));
});
afterAll(() => hub.stop());

/** Reads Fastify's tree of routes. Each line is a part of a path, indented by four characters for each level. */
function readRoutes(tree: string): Route[] {
  const parts: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods = ''] = /^([│ ]*(?:[├└]── )?)(\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    if (part === '') return [];
    parts.length = Math.max(indent.length / 4 - 1, 0);
    parts.push(part);
    const url = parts.join('');
    return methods.split(', ').flatMap((method) => (method === '' || method === 'HEAD' ? [] : [{ method, url }]));
  });
}

async function send(method: string, url: string, token: string | null, options: object = {}) {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await hub.hub.app.inject({ method: method as 'GET', url, headers, ...options });
  return { status: response.statusCode, body: response.body };
}

/** Returns a fault of the answer in words, or null. */
function describeFault(route: string, { status, body }: { status: number; body: string }): string | null {
  return status >= 500 || INSIDE.test(body.slice(0, 2_000)) ? `${route}: ${status} ${body.slice(0, 200)}` : null;
}

describe('every route', () => {
  test('is found', () => {
    const urls = routes.map(({ url }) => url);
    expect(urls).toEqual(
      expect.arrayContaining(['/licenses/evidence/:identifier', '/cases/materials/:id', '/graphql']),
    );
    expect(routes.length).toBeGreaterThan(25);
  });

  test('a parameter that is no text is 400 and named', async () => {
    const unexpected: string[] = [];
    for (const { method, url } of routes) {
      const [, name] = /:(\w+)|(\*)/.exec(url) ?? [];
      for (const value of WRONG) {
        for (const token of tokens) {
          const targets = [`${url.replace(/:\w+|\*/, 'x')}?wrong=${value}`];
          if (/[:*]/.test(url)) targets.push(url.replace(/:\w+|\*/, value));
          for (const target of targets) {
            const answer = await send(method, target, token);
            const expectedName = target.includes('?') ? 'wrong' : (name ?? '（名称有误）');
            const isNamed =
              answer.status === 400 && answer.body.includes(`"BAD_USER_INPUT","message":"参数 ${expectedName} `);
            if (!isNamed) unexpected.push(`${method} ${target}: ${answer.status} ${answer.body.slice(0, 100)}`);
          }
        }
      }
    }
    expect(unexpected).toEqual([]);
  });

  test('a strange parameter, query or body is never a fault', async () => {
    const unexpected: (string | null)[] = [];
    for (const { method, url } of routes) {
      for (const token of tokens) {
        for (const value of STRANGE) {
          const target = `${url.replace(/:\w+|\*/, value)}?kind=${value}&by=${value}&from=${value}`;
          unexpected.push(describeFault(`${method} ${target}`, await send(method, target, token)));
        }
        if (method !== 'POST') continue;
        for (const payload of BODIES) {
          for (const type of ['application/json', 'application/pdf', 'text/plain']) {
            const headers = { 'content-type': type, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
            const answer = await send(method, url, token, { payload, headers });
            unexpected.push(describeFault(`${method} ${url} ${type} ${payload}`, answer));
          }
        }
      }
    }
    expect(unexpected.filter((one) => one !== null)).toEqual([]);
    expect(faults).toEqual([]);
  });

  test('a path that cannot be decoded or that nobody serves has a code and a sentence', async () => {
    for (const [url, status, code] of [
      ['/licenses/evidence/%zz', 400, 'BAD_REQUEST'],
      ['/%E0%A4%A', 400, 'BAD_REQUEST'],
      ['/nothing', 404, 'NOT_FOUND'],
      [`/v/${'1'.repeat(300)}`, 414, 'REQUEST_TOO_LARGE'],
    ] as const) {
      const answer = await send('GET', url, null);
      expect([url, answer.status, JSON.parse(answer.body)]).toEqual([
        url,
        status,
        { code, message: expect.any(String) },
      ]);
    }
  });
});

describe('headers that are stored', () => {
  test.each([
    ['x-file-name', '%00.pdf'],
    ['x-file-name', 'a%E2%80%AEfdp.exe'],
    ['x-file-name', '%zz'],
  ])('%s: %s is refused', async (name, value) => {
    const headers = { authorization: `Bearer ${tokens[1]}`, 'content-type': 'application/pdf', [name]: value };
    const answer = await send('POST', '/cases/materials', null, { payload: '%PDF-1.7', headers });
    expect(answer).toMatchObject({ status: 422, body: expect.stringContaining('"FIELD_MALFORMED"') });
  });

  test.each(['not-a-uuid', '11111111-1111-4111-8111-111111111111', "'"])('webhook %s is unknown', async (webhook) => {
    const headers = {
      'content-type': 'application/json',
      'webhook-id': 'm1',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': 'v1,AAAA',
      'tongquan-webhook': webhook,
    };
    const answer = await send('POST', '/cases/supervision/findings', null, { payload: '{}', headers });
    expect(answer.status).toBe(401);
  });
});
