import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { readMatters, readOrgans } from '../../seeds/load.ts';
import { createMatters } from '../../subgraphs/matters/index.ts';
import { TILE_WIDTH } from '../../subgraphs/seals/log/tile.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  AUDIENCE,
  buildLogoutRequest,
  makeIssuerKey,
  signIssuerToken,
  signLogoutToken,
  startIssuer,
  type TestIssuer,
} from '../support/issuer.ts';
import { testParsers } from '../support/parsers.ts';
import { type SeparateProcesses, startProcesses } from '../support/separate-processes.ts';
import { tileOf } from '../support/tiles.ts';
import { waitUntil } from '../support/until.ts';

/** Tests each subgraph and the gateway in its own process, connected only by Postgres and HTTP. */

let database: TestDatabase;
let processes: SeparateProcesses;
/** A second gateway before the same subgraphs, in production. */
let office: string;
let issuer: TestIssuer;
const issuerKey = makeIssuerKey('k', 'RS256');
let keyFolder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  processes = await startProcesses(database.urls);
  issuer = await startIssuer(issuerKey);
  keyFolder = mkdtempSync(join(tmpdir(), 'tongquan-key-'));
  const keyFile = join(keyFolder, 'gateway-token.pem');
  writeFileSync(keyFile, tokenKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  office = await processes.startGateway('office', {
    ...{ NODE_ENV: 'production', OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: AUDIENCE, OIDC_HOLDER_CLAIM: 'id_number' },
    ...{ TOKEN_PRIVATE_KEY_FILE: keyFile, TOKEN_PUBLIC_KEY: '' },
  });
});
afterAll(async () => {
  processes?.stop();
  issuer?.close();
  await database?.drop();
  if (keyFolder) rmSync(keyFolder, { recursive: true, force: true });
});

async function ask(query: string, token?: string, url: string = processes.gateway) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { data: Record<string, unknown>; errors?: unknown };
}

test('a gateway in production ends the session that its issuer has ended', async () => {
  const claims = { sub: 'leaving', id_number: '11010519491231002X' };
  const [ended, other] = await Promise.all(
    ['ended', 'other'].map((sid) => signIssuerToken(issuer, issuerKey, new Date(), { ...claims, sid })),
  );
  const { url, ...request } = buildLogoutRequest(
    await signLogoutToken(issuer, issuerKey, new Date(), { sub: 'leaving', sid: 'ended' }),
  );
  const send = async () => (await fetch(`${office}${url}`, { ...request, body: request.payload })).status;
  expect([await send(), await send()]).toEqual([200, 400]);
  expect((await ask('{ viewer { roles } }', ended, office)).errors).toMatchObject([
    { extensions: { code: 'SESSION_ENDED' } },
  ]);
  expect(await ask('{ viewer { roles } }', other, office)).toEqual({ data: { viewer: { roles: ['APPLICANT'] } } });
});

test("a gateway in production takes tokens of its issuer only, and subgraphs only the gateway's", async () => {
  const query = '{ cases(first: 1) { edges { cursor } } }';
  const sign = (claims: Record<string, unknown>) => signIssuerToken(issuer, issuerKey, new Date(), claims);
  const holder = await sign({ id_number: '11010519491231002X' });
  expect(await ask(query, holder, office)).toEqual({ data: { cases: { edges: [] } } });
  const stranger = await ask(query, await sign({ roles: ['ADMINISTRATOR'] }), office);
  expect(stranger.errors).toMatchObject([{ extensions: { code: 'PERSON_UNKNOWN' } }]);
  const demoToken = await tokenFor(requireDemoPerson('administrator'), new Date());
  expect((await ask(query, demoToken, office)).errors).toMatchObject([{ extensions: { code: 'TOKEN_INVALID' } }]);
  expect((await ask(query, holder)).errors).toMatchObject([{ extensions: { code: 'TOKEN_INVALID' } }]);
  const upload = (url: string, token: string) =>
    fetch(`${url}/cases/materials`, { method: 'POST', body: 'x', headers: { authorization: `Bearer ${token}` } });
  expect((await upload(office, demoToken)).status).toBe(401);
  expect((await upload(office, holder)).status).not.toBe(401);
  expect((await upload(processes.gateway, holder)).status).toBe(401);
});

test('queries, tokens, files and revocation lists work, also beside a dead process, and each stops on SIGTERM', async () => {
  const { db, close } = connect(database.urls.matters, 'test');
  await createMatters({
    db,
    now: () => new Date(),
    parsers: testParsers,
    send: { cases: async () => [], licenses: async () => [] },
  }).importMatters(readOrgans(), readMatters());
  await close();
  expect(await ask('{ matters(first: 1) { totalCount } }')).toEqual({ data: { matters: { totalCount: 108 } } });

  const auditor = await tokenFor(requireDemoPerson('auditor'), new Date());
  const query =
    '{ cases(first: 1) { edges { cursor } } licenses(first: 1) { edges { cursor } } seals(first: 1) { edges { cursor } } }';
  expect(await ask(query, auditor)).toEqual({
    data: { cases: { edges: [] }, licenses: { edges: [] }, seals: { edges: [] } },
  });
  expect((await ask(query)).errors).toMatchObject([
    { extensions: { code: 'UNAUTHENTICATED' } },
    { extensions: { code: 'UNAUTHENTICATED' } },
    { extensions: { code: 'UNAUTHENTICATED' } },
  ]);

  const { gateway, children } = processes;
  const file = `${gateway}/files/${'a'.repeat(64)}`;
  expect((await fetch(file)).status).toBe(401);
  expect((await fetch(file, { headers: { authorization: `Bearer ${auditor}` } })).status).toBe(404);
  expect(await (await fetch(`${gateway}/root.pem`)).text()).toMatch(/^-----BEGIN CERTIFICATE-----/);

  const list = await fetch(`${gateway}/seals/issuing.crl`);
  expect([list.status, list.headers.get('content-type')]).toEqual([200, 'application/pkix-crl']);
  expect(await (await fetch(`${gateway}/seals/certificates.pem`)).text()).toMatch(/^# .+\n-----BEGIN CERTIFICATE-----/);

  expect(await (await fetch(`${gateway}/log/key`)).text()).toMatch(/^processes\.test\/log\+[0-9a-f]{8}\+\S{44}\n$/);
  const checkpoint = await waitUntil('a checkpoint', async () => {
    const answer = await fetch(`${gateway}/log/checkpoint`);
    return answer.ok && answer.text();
  });
  const size = Number(checkpoint.split('\n')[1]);
  const tile = await fetch(`${gateway}/log/${tileOf(0, size)}`);
  expect((await tile.arrayBuffer()).byteLength).toBe(32 * (((size - 1) % TILE_WIDTH) + 1));

  // The events of matters reach cases in its own process.
  const admin = connect(database.adminUrl, 'test');
  await waitUntil('cases know every matter', async () => {
    const [row] = await admin.db.execute('select count(*)::int as known from cases.matter_fact');
    return row?.known === 108;
  });
  await admin.close();

  const ended = new Map(
    Object.values(children).map((child) => [child, new Promise((resolve) => child.once('exit', resolve))]),
  );
  children.licenses?.kill('SIGTERM');
  if (children.licenses) await ended.get(children.licenses);
  expect(await ask(query, auditor)).toMatchObject({
    data: { cases: { edges: [] }, licenses: null, seals: { edges: [] } },
    errors: [{ path: ['licenses'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
  });
  for (const child of ended.keys()) child.kill('SIGTERM');
  expect(await Promise.all(ended.values())).toEqual([...ended].map(() => 0));
});
