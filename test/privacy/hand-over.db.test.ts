import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createForwardedCase, createPlatformKeys, PLATFORM_ORGAN, registerPlatform } from '../support/platform.ts';
import { administer } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

/** What the hub hands over to other systems is in the record of readings before it is sent, once for each message. */

interface Arrival {
  path: string;
  body: string;
  /** Rows of the record at this moment. */
  recorded: number;
}

let hub: TestHub;
let sql: postgres.Sql;
let peer: Server;
const arrivals: Arrival[] = [];

const TABLES = { '/platform': 'cases', '/hook': 'cases', '/certificates/collect': 'licenses' } as const;
const OBJECTS = { '/platform': 'PLATFORM_MESSAGE', '/hook': 'PUSH', '/certificates/collect': 'COLLECTION' } as const;
type Path = keyof typeof TABLES;
const isWatched = (path: string): path is Path => path in TABLES;

async function listHandOvers(path: Path) {
  return sql`select reader, organ, purpose, subject, holder_code, delivery from ${sql(TABLES[path])}.reading
    where object = ${OBJECTS[path]} order by serial`;
}

/** Takes each kind of message at its third attempt. */
async function answer(path: string, body: string): Promise<{ status: number; answer: object }> {
  if (path === '/token') return { status: 200, answer: { access_token: 'x', expires_in: 3_600 } };
  if (!isWatched(path)) return { status: 200, answer: { code: 1 } };
  const attempt = arrivals.push({ path, body, recorded: (await listHandOvers(path)).length });
  const count = arrivals.filter((arrival) => arrival.path === path).length;
  if (count < 3) return { status: 500, answer: { attempt } };
  return { status: 200, answer: { code: 1, receipt: 'r-1' } };
}

beforeAll(async () => {
  peer = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const reply = await answer(request.url ?? '', Buffer.concat(chunks).toString());
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(JSON.stringify(reply.answer));
  });
  peer.listen(0, '127.0.0.1');
  await once(peer, 'listening');
  const url = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  hub = await createTestHub({ library: { url, clientId: 'hub', clientSecret: 'secret-of-the-hub' } });
  sql = postgres(hub.adminUrl, { max: 4, onnotice: () => {} });
  await registerPlatform(hub, await createPlatformKeys(), { url: `${url}/platform` });
  const webhook = { organ: 'yudu-lyj', url: `${url}/hook` };
  await administer(hub, 'registerWebhook', 'RegisterWebhookInput', webhook, '__typename');
}, 60_000);
afterAll(async () => {
  await hub?.stop();
  await sql?.end();
  peer?.close();
});

test('platform, webhook and library: recorded before it is sent, once however often it is sent', async () => {
  const forwarded = await createForwardedCase(hub);
  const caseId = await grantCase(hub, ROUTES.DIRECT);
  const license = await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, 1);
  const expected = {
    '/platform': { reader: '赣州市审批平台', organ: PLATFORM_ORGAN, purpose: 'DECISION', subject: forwarded.id },
    '/hook': { reader: '监管系统', organ: 'yudu-lyj', purpose: 'SUPERVISION', subject: caseId },
    '/certificates/collect': { reader: '市电子证照库', organ: null, purpose: 'COLLECTION', subject: license.number },
  };
  for (const path of Object.keys(TABLES) as Path[]) {
    const own = await waitUntil(`${path} was asked three times`, async () => {
      const found = arrivals.filter((arrival) => arrival.path === path);
      return found.length >= 3 && found;
    });
    expect(own.map(({ recorded }) => recorded)).toEqual(own.map(() => 1));
    const rows = await listHandOvers(path);
    expect(rows).toEqual([expect.objectContaining({ ...expected[path], holder_code: COMPANY.code })]);
  }
  const bodyOf = (path: Path) => arrivals.find((arrival) => arrival.path === path)?.body ?? '';
  // The platform decides and the library keeps the license. A supervisor learns who, but no code.
  expect(bodyOf('/platform')).toContain(COMPANY.code);
  expect(bodyOf('/certificates/collect')).toContain(COMPANY.code);
  expect(bodyOf('/hook')).toContain(COMPANY.name);
  expect(bodyOf('/hook')).not.toContain(COMPANY.code);

  const query = `{ caseReadings(first: 100) { edges { node { object purpose organ { id: code } reader } } }
    licenseReadings(first: 100) { edges { node { object purpose organ { id: code } reader } } } }`;
  const { data } = await hub.ask('applicant-company', query);
  const nodes = [...data.caseReadings.edges, ...data.licenseReadings.edges].map((edge) => edge.node);
  expect(nodes).toContainEqual({
    ...{ object: 'PLATFORM_MESSAGE', purpose: 'DECISION', organ: { id: PLATFORM_ORGAN }, reader: null },
  });
  expect(nodes).toContainEqual({ object: 'PUSH', purpose: 'SUPERVISION', organ: { id: 'yudu-lyj' }, reader: null });
  expect(nodes).toContainEqual({ object: 'COLLECTION', purpose: 'COLLECTION', organ: null, reader: null });
});
