import { buildSchema, parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildExplorerHeaders, renderExplorerPage } from '../../gateway/page/explorer.ts';
import { EXAMPLES } from '../../gateway/page/static/explorer/examples.js';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway } from '../support/stubs.ts';

let gateway: StubGateway;
beforeAll(async () => {
  gateway = await createStubGateway(testClock('2026-03-02'), {});
});
afterAll(() => gateway.stop());

const get = (url: string, headers: Record<string, string> = {}) => gateway.app.inject({ url, headers });
const readPolicy = (policy = '') =>
  new Map(policy.split('; ').map((part) => [part.split(' ')[0] ?? '', part.split(' ').slice(1)]));

describe('the explorer', () => {
  test('may load scripts, workers and styles of the hub only', async () => {
    const { headers, body } = await get('/explorer');
    const policy = readPolicy(String(headers['content-security-policy']));
    expect([policy.get('default-src'), policy.get('script-src')]).toEqual([["'none'"], ["'self'"]]);
    expect([policy.get('worker-src'), policy.get('connect-src')]).toEqual([["'self'"], ["'self'"]]);
    expect(policy.get('style-src')).toEqual(["'self'", "'unsafe-inline'"]);
    expect(body).not.toContain('data-issuer');
    for (const [, url] of body.matchAll(/(?:src|href)="([^"]*)"/g)) expect(url).toMatch(/^(\/[^/]|\/$|#main$)/);
  });

  test('every file that it loads exists, and is revalidated by its ETag', async () => {
    const { body } = await get('/explorer');
    const workers = ['graphql', 'json', 'editor'].map((name) => `/page/graphiql/${name}.worker.js`);
    const files = [...body.matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, url]) => url ?? '');
    expect(files).toContain('/page/graphiql/graphiql.js');
    for (const url of [...files, ...workers]) {
      const answer = await get(url);
      expect([url, answer.statusCode]).toEqual([url, 200]);
      const etag = String(answer.headers.etag);
      expect((await get(url, { 'if-none-match': etag })).statusCode).toBe(304);
    }
    expect((await get('/page/graphiql/favicon')).statusCode).toBe(404);
  });

  test('names the issuer, escaped, and may connect to it', () => {
    const signIn = { issuer: 'https://login.example/realms/"x"', clientId: 'ex<plorer' };
    const page = renderExplorerPage('en', signIn);
    expect(page).toContain('data-issuer="https://login.example/realms/&quot;x&quot;" data-client="ex&lt;plorer"');
    const policy = readPolicy(buildExplorerHeaders(signIn)['content-security-policy']);
    expect(policy.get('connect-src')).toEqual(["'self'", 'https://login.example']);
  });

  test.each(EXAMPLES.map((example) => [example.key, example] as const))(
    'the example %s fits the schema',
    async (_, example) => {
      const { body } = await get('/schema.graphql');
      expect(validate(buildSchema(body), parse(example.query))).toEqual([]);
    },
  );
});

test('the schema as text says what introspection says', async () => {
  const { body, headers } = await get('/schema.graphql');
  expect(headers['content-type']).toBe('text/plain; charset=utf-8');
  const schema = buildSchema(body);
  const query = '{ __schema { types { name } } }';
  const answer = await gateway.app.inject({ method: 'POST', url: '/graphql', payload: { query } });
  const names: string[] = answer.json().data.__schema.types.map(({ name }: { name: string }) => name);
  expect(Object.keys(schema.getTypeMap()).sort()).toEqual(names.sort());
  expect(body).not.toMatch(/@join__|join__Graph|_entities/);
});
