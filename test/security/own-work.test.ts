import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { createRemoteRootCertificate, requireLive } from '../../gateway/remote.ts';
import { currentCaller, runAsCaller } from '../../subgraphs/kernel/http/caller.ts';
import { serveSubgraph, subgraphSchema } from '../../subgraphs/kernel/http/serve.ts';
import { DEFAULT_HUB_LIMITS, type HubLimits } from '../../subgraphs/kernel/limits/limits.ts';
import { writeServiceToken } from '../../subgraphs/kernel/sealing/service-token.ts';
import { tokenKeys } from '../support/actors.ts';
import { testClock } from '../support/clock.ts';
import { identities, servicesOf } from '../support/services.ts';
import { createStubGateway } from '../support/stubs.ts';

/** What one process of the hub asks of another is not limited as the work of one caller. */

const clock = testClock('2022-09-29');
const PROOF = { identity: identities.gateway, now: clock };
/** Every caller has one request in a minute. */
const NARROW: HubLimits = {
  ...DEFAULT_HUB_LIMITS,
  operations: { ...DEFAULT_HUB_LIMITS.operations, requestsPerMinute: 1 },
};

/** The callers that the subgraph has seen. */
let seenCallers: string[] = [];
let app: FastifyInstance;
afterEach(() => app.close());

/** Serves a subgraph with the routes that a gateway reads. Returns its base URL. */
async function serveStub(): Promise<string> {
  const schema = subgraphSchema('type Query { nothing: Int }', {}, { masksCodes: false });
  const subgraph = { name: 'seals' as const, schema, receive: async () => {}, start: () => {}, stop: async () => {} };
  const options = { tokenKey: tokenKeys.publicKey, services: servicesOf('seals'), callerLimits: NARROW, now: clock };
  seenCallers = [];
  app = await serveSubgraph(subgraph, options, (routes) => {
    routes.get('/root.pem', async () => currentCaller());
    routes.addHook('preHandler', async () => void seenCallers.push(currentCaller()));
  });
  return app.listen({ host: '127.0.0.1', port: 0 });
}

describe('what the gateway reads from a subgraph', () => {
  test.each<[string, (baseUrl: string) => Promise<unknown>]>([
    ['the root certificate', (url) => createRemoteRootCertificate(url, PROOF)()],
    ['readiness', (url) => requireLive(url, 'seals', PROOF)],
  ])('(%s) is counted by the gateway, and the subgraph knows the caller', async (_title, read) => {
    const url = await serveStub();
    for (let i = 0; i < 3; i++) await runAsCaller({ key: 'person:a' }, () => read(url));
    expect(seenCallers).toEqual(['person:a', 'person:a', 'person:a']);
  });
});

test('what a service sends is the work of the hub', async () => {
  await serveStub();
  const authorization = `Bearer ${await writeServiceToken(identities.cases, 'seals', clock())}`;
  for (let i = 0; i < 3; i++) {
    await app.inject({ method: 'POST', url: '/events/cases', headers: { authorization }, payload: {} });
  }
  expect(seenCallers).toEqual(['hub', 'hub', 'hub']);
});

describe.each(['the gateway', 'a subgraph'])('whoever watches %s', (name) => {
  test.each(['/health/live', '/health/ready'])('%s is answered, whatever its address has spent', async (url) => {
    if (name === 'a subgraph') await serveStub();
    else app = (await createStubGateway(clock, {}, 'local', { callerLimits: NARROW })).app;
    await app.inject({ url: '/nothing' });
    expect((await app.inject({ url: '/nothing' })).statusCode).toBe(429);
    for (const method of ['GET', 'HEAD', 'GET'] as const) {
      expect((await app.inject({ method, url })).statusCode).toBe(200);
    }
  });
});
