import type { OutgoingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAllowedOrigins } from '../../gateway/cors.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { listRoutes, type Route } from '../support/routes.ts';

/** Pages of other origins, at every route of a whole hub. A new route is covered by itself. */

const OFFICE = 'https://office.test';
const FOREIGN = [
  ...['https://office.test.evil.test', 'https://evil.test', 'http://office.test', 'https://office.test:8443', 'null'],
  ...['http://localhost:5173', 'https://OFFICE.test', 'https://evil.test,https://office.test'],
];

describe.each(['local', 'http'] as const)('pages of other origins, subgraphs reached %s', (transport) => {
  let hub: TestHub;
  let routes: Route[];
  beforeAll(async () => {
    hub = await createTestHub({ transport, allowedOrigins: [OFFICE] });
    routes = await listRoutes(hub.hub.app);
    if (transport === 'http') routes.push({ method: 'GET', url: '/seals/issuing.crl' });
  });
  afterAll(() => hub?.stop());

  const send = async (method: string, url: string, headers: Record<string, string>) => {
    const target = url.replace(/:\w+/g, 'x').replace('*', 'x');
    return hub.hub.app.inject({ method: method as 'GET', url: target, headers });
  };
  const corsOf = (headers: OutgoingHttpHeaders) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')));
  const preflight = (origin: string, method: string) => ({
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,content-type',
  });

  test('an allowed origin may read every answer, without credentials', async () => {
    for (const { method, url } of routes.filter((route) => route.method !== 'OPTIONS')) {
      const { headers, statusCode } = await send(method, url, { origin: OFFICE });
      expect([url, statusCode < 500, corsOf(headers)]).toEqual([
        ...[url, true],
        {
          'access-control-allow-origin': OFFICE,
          'access-control-expose-headers':
            'content-disposition, content-range, accept-ranges, etag, location, retry-after, x-request-id',
        },
      ]);
      expect([url, headers.vary]).toEqual([url, expect.stringMatching(/Origin/)]);
    }
  });

  test('a preflight of an allowed origin is answered at every route', async () => {
    for (const { method, url } of routes) {
      const { headers, statusCode, body } = await send('OPTIONS', url, preflight(OFFICE, method));
      expect([url, statusCode, body]).toEqual([url, 204, '']);
      expect(corsOf(headers)).toMatchObject({
        'access-control-allow-origin': OFFICE,
        'access-control-allow-methods': 'GET, HEAD, POST',
        'access-control-allow-headers': expect.stringMatching(/^authorization, content-type, /),
        'access-control-max-age': '600',
      });
    }
  });

  test.each([...FOREIGN, undefined])('the origin %s gets no permission', async (origin) => {
    for (const { method, url } of routes) {
      const answers = [await send(method, url, origin === undefined ? {} : { origin })];
      if (origin !== undefined) answers.push(await send('OPTIONS', url, preflight(origin, method)));
      for (const { headers } of answers) {
        expect([url, corsOf(headers)]).toEqual([url, {}]);
        expect([url, headers.vary]).toEqual([url, expect.stringMatching(/Origin/)]);
      }
    }
  });

  test('GraphQL is no target of forms', async () => {
    const payloads = { 'text/plain': '{"query":"{ __typename }"}', 'application/x-www-form-urlencoded': 'query={a}' };
    const types = [...Object.entries(payloads), ['multipart/form-data; boundary=x', '--x--\r\n'] as const];
    for (const [type, payload] of types) {
      const headers = { origin: OFFICE, 'content-type': type };
      const answer = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload });
      expect([type, answer.statusCode, answer.json().data]).toEqual([type, expect.any(Number), undefined]);
      expect(answer.statusCode).toBeGreaterThanOrEqual(400);
      expect(answer.body).not.toMatch(/CSRF|apollo server/i);
    }
    const query = await hub.hub.app.inject({ url: '/graphql?query={__typename}', headers: { origin: OFFICE } });
    expect(query.json()).toEqual({ data: { __typename: 'Query' } });
  });
});

describe('the origins by the environment', () => {
  test.each([
    [undefined, false, 'LOCAL'],
    [undefined, true, []],
    [[OFFICE], false, [OFFICE]],
    [[OFFICE], true, [OFFICE]],
    [[], false, []],
  ])('ALLOWED_ORIGINS %j, production %s', (origins, isProduction, expected) => {
    expect(readAllowedOrigins(origins, isProduction)).toEqual(expected);
  });
});

describe('development', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub({ allowedOrigins: 'LOCAL' });
  });
  afterAll(() => hub?.stop());

  test.each([
    ...[
      'http://localhost:5173',
      'http://localhost:3000',
      'http://127.0.0.1:8080',
      'https://localhost',
      'http://[::1]:1',
    ],
  ])('%s is allowed', async (origin) => {
    const { headers } = await hub.hub.app.inject({ url: '/health/live', headers: { origin } });
    expect(headers['access-control-allow-origin']).toBe(origin);
  });
  test.each([
    ...['null', 'https://office.test', 'http://localhost.evil.test', 'http://evil.test/localhost', 'file://localhost'],
    ...['http://127.0.0.1.evil.test:80', 'http://localhost:5173@evil.test', 'http://127.0.0.2', 'http://localhost:x'],
  ])('%s is not', async (origin) => {
    const { headers } = await hub.hub.app.inject({ url: '/health/live', headers: { origin } });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});
