import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderProblemPage } from '../../gateway/page/problem.ts';
import { proxySubgraph } from '../../gateway/remote.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { identities } from '../support/services.ts';

/** An error of a subgraph's own route has the same form whether the subgraph runs in this process or in another. */

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
const LONG = 'x'.repeat(100_000);

/** Routes of a subgraph, each with another error. */
function addRoutes(app: FastifyInstance): void {
  app.get('/licenses/refused', (_request, reply) => reply.code(403).send({ code: 'FORBIDDEN', message: '不允许。' }));
  app.get('/licenses/gone', (_request, reply) =>
    reply.code(410).header('retry-after', '7').send({ code: 'LINK_ENDED', message: '<b>链接</b>已失效。' }),
  );
  app.get('/licenses/fault', async () => {
    throw new Error('password=hunter2');
  });
  app.get('/licenses/list', (_request, reply) => reply.code(404).send([{ code: 'X' }]));
  app.get('/licenses/long', (_request, reply) => reply.code(400).send({ code: 'LONG', text: LONG }));
  app.get('/licenses/text', (_request, reply) => reply.code(400).type('text/plain').send('no object'));
  app.get('/licenses/bytes', (_request, reply) => reply.code(502).send(Buffer.from([1, 2, 3])));
  app.get('/licenses/done', async () => ({ code: 'DONE', message: '完成。' }));
}

const faults: unknown[] = [];
const apps: FastifyInstance[] = [];
const create = (options: Parameters<typeof createApp>[1] = {}) => {
  const app = createApp((_, error) => faults.push(error), options);
  apps.push(app);
  return app;
};
let here: FastifyInstance;
let beyond: FastifyInstance;
beforeAll(async () => {
  here = create({ renderProblem: renderProblemPage });
  addRoutes(here);
  const subgraph = create();
  addRoutes(subgraph);
  subgraph.get('/licenses/broken-off', (_request, reply) => {
    reply.hijack();
    const head = 'HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"code"';
    reply.raw.socket?.end(head);
  });
  const baseUrl = await subgraph.listen({ host: '127.0.0.1', port: 0 });
  beyond = create({ renderProblem: renderProblemPage });
  await proxySubgraph(beyond, 'licenses', baseUrl, { identity: identities.gateway, now: () => new Date() });
});
afterAll(async () => {
  for (const app of apps.reverse()) await app.close();
});

async function ask(app: FastifyInstance, path: string, accept: string | undefined, method: 'GET' | 'HEAD' = 'GET') {
  const answer = await app.inject({ method, url: path, headers: accept === undefined ? {} : { accept } });
  const { 'content-type': type, 'retry-after': retryAfter } = answer.headers;
  const body = answer.body.replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, '<incident>');
  return { status: answer.statusCode, type, retryAfter, policy: answer.headers['content-security-policy'], body };
}

describe.each([
  ['/licenses/refused', 403],
  ['/licenses/gone?lang=en', 410],
  ['/licenses/fault', 500],
  ['/licenses/unknown', 404],
  ['/licenses/list', 404],
  ['/licenses/long', 400],
  ['/licenses/text', 400],
  ['/licenses/bytes', 502],
  ['/licenses/done', 200],
])('%s', (path, status) => {
  test.each([BROWSER, '*/*', 'application/json', undefined])('for who accepts %s', async (accept) => {
    const local = await ask(here, path, accept);
    expect(local.status).toBe(status);
    expect(await ask(beyond, path, accept)).toEqual(local);
  });
});

test('a person gets a page that shows what the subgraph answered, escaped, and nothing of a fault', async () => {
  const gone = await ask(beyond, '/licenses/gone', BROWSER);
  expect([gone.type, gone.retryAfter]).toEqual(['text/html; charset=utf-8', '7']);
  expect(gone.body).toContain('&lt;b&gt;链接&lt;/b&gt;已失效。');
  const fault = await ask(beyond, '/licenses/fault', BROWSER);
  expect(fault.body).toContain('故障编号: <code><incident></code>');
  expect(fault.body).not.toContain('hunter2');
});

test('an answer that breaks off is a page that says so', async () => {
  const answer = await ask(beyond, '/licenses/broken-off', BROWSER);
  expect([answer.status, answer.type]).toEqual([502, 'text/html; charset=utf-8']);
  expect(answer.body).toContain('<code>SUBGRAPH_AWAY</code>');
});
