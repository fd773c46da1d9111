import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildSignedHeaders, parseSecret } from '../../scripts/supervisor/signature.ts';
import { testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  audienceOf,
  buildMessage,
  createForwardedCase,
  createPlatformKeys,
  GRANT_BODY,
  type PlatformKeys,
  registerPlatform,
  signMessage,
} from '../support/platform.ts';
import { administer } from '../support/proposal.ts';
import { listRoutes } from '../support/routes.ts';
import { waitForLicense } from '../support/supervision.ts';

/**
 * What comes over a route other than GraphQL is true in every subgraph when it is answered, as for mutations. A route
 * that takes something is in the list or fails the test.
 */

const ORGAN = 'yudu-lyj';
const HEADER = 'x-delayed-subgraphs';

interface Request {
  url: string;
  headers: Record<string, string>;
  payload: string;
}
/** An act of an outside system, and the type of the event by which another subgraph learns it. */
interface Act {
  request: Request;
  type: string;
}

const clock = testClock('2026-03-02T01:00:00Z');
let hub: TestHub;
let sql: postgres.Sql;
let keys: PlatformKeys;
let webhook: { id: string; secret: string };
let serial = 0;

const decideAtPlatform = async (url: string): Promise<Act> => {
  const { number } = await createForwardedCase(hub);
  const payload = JSON.stringify(buildMessage('DECIDED', number, clock(), GRANT_BODY));
  const signature = await signMessage(keys, payload, clock(), { aud: audienceOf(url) });
  const headers = { 'content-type': 'application/json', 'x-jws-signature': signature };
  return { request: { url, headers, payload }, type: 'CaseGranted' };
};
const ACTS: Readonly<Record<string, () => Promise<Act>>> = {
  'POST /cases/platform/v1/messages': () => decideAtPlatform('/cases/platform/v1/messages'),
  'POST /cases/platform/v2/messages': () => decideAtPlatform('/cases/platform/v2/messages'),
  'POST /cases/supervision/findings': async () => {
    const id = await grantCase(hub, ROUTES.DIRECT);
    await issueGrantedLicense(hub, ROUTES.DIRECT, id, ++serial);
    await waitForLicense(hub, id);
    const data = { case: id, kind: 'SUSPENSION', text: '检查发现问题', by: '系统' };
    const payload = JSON.stringify({ type: 'finding', data });
    const headers = buildSignedHeaders(webhook.id, parseSecret(webhook.secret), payload, clock());
    return { request: { url: '/cases/supervision/findings', headers, payload }, type: 'SupervisionOrdered' };
  },
};
/** Routes that change nothing of which another subgraph has a copy: an upload waits for its case. */
const WITHOUT_EVENTS = ['POST /cases/materials'];

const open = async (options: Parameters<typeof createTestHub>[0]) => {
  hub = await createTestHub({ now: clock, ...options });
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  keys = await createPlatformKeys();
  await registerPlatform(hub, keys);
  const input = { organ: ORGAN, url: 'http://127.0.0.1:9/hook' };
  const registered = await administer(
    hub,
    'registerWebhook',
    'RegisterWebhookInput',
    input,
    'webhook { id: uuid } secret',
  );
  webhook = { id: registered.webhook.id, secret: registered.secret };
};
const close = async () => {
  await sql?.end();
  await hub?.stop();
};

/** The newest event of a type that cases wrote, and whether licenses have taken it. */
async function readNewest(type: string): Promise<{ count: number; isTaken: boolean }> {
  const rows = await sql`select coalesce(inbox.revision, 0) >= event.revision as taken from cases.outbox_event event
    left join licenses.inbox on inbox.producer = 'cases' and inbox.stream = event.stream
    where event.type = ${type} order by event.occurred_at, event.stream`;
  return { count: rows.length, isTaken: rows.every(({ taken }) => taken) };
}
const send = ({ url, headers, payload }: Request) => hub.hub.app.inject({ method: 'POST', url, headers, payload });

describe.each(['local', 'http'] as const)('over %s', (transport) => {
  beforeAll(() => open({ transport, eventWaitMs: 9_000 }), 60_000);
  afterAll(close);

  test.each(Object.keys(ACTS))('%s answers when the other subgraph knows it', async (route) => {
    const { request, type } = (await ACTS[route]?.()) ?? expect.fail();
    const before = await readNewest(type);
    const answer = await send(request);
    expect([answer.statusCode, answer.headers[HEADER]]).toEqual([200, undefined]);
    expect(await readNewest(type)).toEqual({ count: before.count + 1, isTaken: true });
  });

  test('no route that takes something is missing here', async () => {
    const known = [...Object.keys(ACTS), ...WITHOUT_EVENTS].sort();
    const routes = (await listRoutes(hub.hub.app)).filter(({ method }) => method !== 'GET');
    const taking = routes.filter(({ url }) => /^\/(matters|cases|licenses|seals|files|log)\//.test(url));
    if (transport === 'local') expect(taking.map(({ method, url }) => `${method} ${url}`).sort()).toEqual(known);
    // The gateway hands everything on.
    else expect(taking.every(({ url }) => url.endsWith('/*'))).toBe(true);
  });
});

describe('while the other subgraph does not take events', () => {
  const held: (() => void)[] = [];
  beforeAll(async () => {
    await open({ eventWaitMs: 60 });
  }, 60_000);
  afterAll(async () => {
    for (const release of held) release();
    await close();
  });

  test.each(Object.keys(ACTS))('%s answers all the same and says so, also when it is repeated', async (route) => {
    const { request, type } = (await ACTS[route]?.()) ?? expect.fail();
    const { receive } = hub.hub.licenses;
    hub.hub.licenses.receive = () => new Promise((_, reject) => held.push(() => reject(new Error('held'))));
    for (const _ of ['first', 'repeated']) {
      const answer = await send(request);
      expect([answer.statusCode, answer.headers[HEADER]]).toEqual([200, 'licenses']);
      expect((await readNewest(type)).isTaken).toBe(false);
    }
    hub.hub.licenses.receive = receive;
  });
});
