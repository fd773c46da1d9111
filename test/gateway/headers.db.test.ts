import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSupervisor } from '../../scripts/supervisor/app.ts';
import { createWitness } from '../../scripts/witness/app.ts';
import { serveSigner } from '../../subgraphs/seals/signer/signer-routes.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { listRoutes, type Route } from '../support/routes.ts';
import { servicesOf } from '../support/services.ts';

/** Every answer of every app of the hub has the headers of `kernel/http/answer/headers.ts`. New routes are covered. */

/** Words of libraries and of stack traces. */
const VENDOR = /apollo server|fastify|express|postgres(?!ql)|node_modules|\bat \w+ \(|FST_ERR|CSRF/i;
const JSON_TYPE = { 'content-type': 'application/json' };
const BODIES = ['', '{', '[]', '{"query":"{ __typename }"}', '{"query":1}', '{"query":"{ nothing }"}'];

/** Returns what is wrong with the headers of an answer, in words. */
function listHeaderFaults(headers: OutgoingHttpHeaders, isHttps: boolean): string[] {
  const value = (name: string) => String(headers[name] ?? '');
  const policy = value('content-security-policy');
  const rules: [name: string, holds: boolean][] = [
    ['nosniff', value('x-content-type-options') === 'nosniff'],
    ['referrer', value('referrer-policy') === 'no-referrer'],
    ['policy', /default-src 'none'/.test(policy) && /frame-ancestors 'none'/.test(policy)],
    ['no unsafe scripts', !/script-src[^;]*unsafe/.test(policy)],
    ['cache', /no-store|no-cache|public, max-age=\d+/.test(value('cache-control'))],
    ['request id', value('x-request-id') !== ''],
    ['hsts', value('strict-transport-security') === (isHttps ? 'max-age=31536000; includeSubDomains' : '')],
    ['no banner', headers.server === undefined && headers['x-powered-by'] === undefined],
  ];
  return rules.filter(([, holds]) => !holds).map(([name]) => name);
}

type Send = (options: { method: string; url: string; headers?: object; payload?: string }) => Promise<{
  statusCode: number;
  headers: OutgoingHttpHeaders;
  body: string;
}>;
const sender = (app: FastifyInstance) => ((options) => app.inject(options as never)) as Send;

/** Sends good and bad requests to every route. Returns the faults of the answers and the statuses that occurred. */
async function tryRoutes(send: Send, routes: readonly Route[], tokens: readonly (string | null)[], isHttps: boolean) {
  const faults: string[] = [];
  const statuses = new Set<number>();
  const requests = routes.flatMap(({ method, url }) => {
    const target = url.replace(/:\w+/g, 'x').replace('*', 'x');
    const payloads = method === 'POST' ? BODIES : [''];
    return payloads.flatMap((payload) => [
      { method, url: target, payload, headers: JSON_TYPE },
      { method, url: target, payload, headers: { 'content-type': 'text/plain' } },
      { method: 'DELETE', url: target, payload, headers: {} },
      { method: 'OPTIONS', url: target, payload: '', headers: {} },
      { method, url: `${target}?a=%00`, payload, headers: {} },
      { method, url: `${target}/%zz`, payload, headers: {} },
      { method, url: `${target}${'x'.repeat(300)}`, payload, headers: {} },
    ]);
  });
  const tooLarge = { method: 'POST', url: '/graphql', payload: `"${'x'.repeat(1_100_000)}"`, headers: JSON_TYPE };
  for (const request of [...requests, tooLarge]) {
    for (const token of tokens) {
      const headers = { ...request.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
      const { statusCode, headers: answerHeaders, body } = await send({ ...request, headers });
      statuses.add(statusCode);
      const answerFaults = listHeaderFaults(answerHeaders, isHttps);
      const type = String(answerHeaders['content-type'] ?? '');
      // The schema and its labels are the hub's own words. Some look like a line of a stack, or name a way to deliver.
      const isSchema = ['/schema.graphql', '/labels.json'].includes(request.url) && statusCode === 200;
      if (/json|text\/plain/.test(type) && !isSchema && VENDOR.test(body))
        answerFaults.push(`vendor text: ${body.slice(0, 200)}`);
      const isFile = /application\/(pdf|octet|pkcs7|x-pem)|csv/.test(type) && !request.url.startsWith('/log/');
      if (isFile && !/^attachment; filename="/.test(String(answerHeaders['content-disposition'])))
        answerFaults.push('not an attachment');
      const place = `${request.method} ${request.url.slice(0, 60)} ${statusCode}`;
      if (answerFaults.length > 0) faults.push(`${place}: ${answerFaults.join(', ')}`);
    }
  }
  return { faults, statuses };
}

describe.each(['local', 'http'] as const)('the hub, subgraphs reached %s', (transport) => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub({ transport, publicUrl: 'https://hub.test' });
  });
  afterAll(() => hub?.stop());

  test('every answer of every route has the headers, and no library speaks in it', async () => {
    const routes = await listRoutes(hub.hub.app);
    expect(routes.length).toBeGreaterThan(transport === 'local' ? 25 : 15);
    const tokens = [null, 'x.y.z', await hub.token('auditor')];
    const { faults, statuses } = await tryRoutes(sender(hub.hub.app), routes, tokens, true);
    expect([...new Set(faults)]).toEqual([]);
    expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 404, 413, 414]));
  });
});

describe('the apps beside the gateway', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-headers-'));
  const ledgerPath = join(folder, 'ledger');
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
  const now = () => new Date();
  const { privateKey } = generateKeyPairSync('ed25519');
  const apps: [name: string, app: FastifyInstance][] = [
    ['signer', serveSigner({} as never, { services: servicesOf('signer'), now })],
    ['witness', createWitness({ name: 'w.test', privateKey, logs: [], memory: {} as never, now })],
    ['supervisor', createSupervisor({ webhook: 'w', hubUrl: 'http://hub.test', secret, ledgerPath, now }).app],
  ];
  afterAll(async () => {
    for (const [, app] of apps) await app.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(apps)('%s', async (_name, app) => {
    const routes = await listRoutes(app);
    expect(routes.length).toBeGreaterThan(0);
    const { faults } = await tryRoutes(sender(app), routes, [null], false);
    expect([...new Set(faults)]).toEqual([]);
  });
});
