import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { readMatters, readOrgans } from '../../seeds/load.ts';
import { writePublicKeys } from '../../subgraphs/kernel/sealing/service-keys.ts';
import { createMatters } from '../../subgraphs/matters/index.ts';
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
import { encodePrivateKey, identities, servicePublicKeys } from '../support/services.ts';
import { waitUntil } from '../support/until.ts';

/** Tests each subgraph and the gateway in its own process, connected only by Postgres and HTTP. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = ['matters', 'cases', 'licenses', 'seals'] as const;

let database: TestDatabase;
let gateway: string;
/** A second gateway before the same subgraphs, in production. */
let office: string;
let issuer: TestIssuer;
const issuerKey = makeIssuerKey('k', 'RS256');
let logFolder: string;
const children: ChildProcess[] = [];
const errors: string[] = [];

function run(file: string, environment: Record<string, string>): void {
  const child = spawn(process.execPath, [file], { cwd: ROOT, env: { PATH: process.env.PATH, ...environment } });
  child.stderr.on('data', (chunk) => errors.push(`${file}: ${chunk}`));
  children.push(child);
}

beforeAll(async () => {
  database = await createTestDatabase();
  const ports = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await findFreePort()] as const)));
  const key = () => randomBytes(32).toString('base64url');
  const port = await findFreePort();
  gateway = `http://127.0.0.1:${port}`;
  const shared = {
    ...Object.fromEntries(NAMES.map((name) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports[name]}`])),
    TOKEN_PUBLIC_KEY: tokenKeys.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    SERVICE_PUBLIC_KEYS: writePublicKeys(servicePublicKeys),
    KEY_ENCRYPTION_KEY: key(),
    DERIVATION_KEY: key(),
    PUBLIC_URL: gateway,
    LOG_ORIGIN: 'processes.test/log',
  };
  const signerPort = String(await findFreePort());
  run('subgraphs/seals/signer/main.ts', { ...shared, PORT: signerPort });
  logFolder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
  for (const name of NAMES) {
    run(`subgraphs/${name}/main.ts`, {
      ...shared,
      SERVICE_PRIVATE_KEY: encodePrivateKey(identities[name]),
      LOG_FOLDER: logFolder,
      SIGNER_URL: `http://127.0.0.1:${signerPort}`,
      DATABASE_URL: database.urls[name],
      PORT: String(ports[name]),
    });
  }
  run('gateway/main.ts', {
    ...shared,
    SERVICE_PRIVATE_KEY: encodePrivateKey(identities.gateway),
    PORT: String(port),
  });
  issuer = await startIssuer(issuerKey);
  const officePort = await findFreePort();
  office = `http://127.0.0.1:${officePort}`;
  const keyFile = join(logFolder, 'gateway-token.pem');
  writeFileSync(keyFile, tokenKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const signIn = { NODE_ENV: 'production', OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: AUDIENCE };
  run('gateway/main.ts', {
    ...{ ...shared, ...signIn, SERVICE_PRIVATE_KEY: encodePrivateKey(identities.gateway), PORT: String(officePort) },
    ...{ TOKEN_PRIVATE_KEY_FILE: keyFile, TOKEN_PUBLIC_KEY: '' },
    OIDC_HOLDER_CLAIM: 'id_number',
  });
  for (const url of [gateway, office]) {
    await waitUntil('the gateway is ready', async () =>
      fetch(`${url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    ).catch((error) => {
      throw new Error(`${error.message} ${errors.join('\n')}`);
    });
  }
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  issuer?.close();
  await database?.drop();
  if (logFolder) rmSync(logFolder, { recursive: true, force: true });
});

async function ask(query: string, token?: string, url: string = gateway) {
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
  expect((await upload(gateway, holder)).status).toBe(401);
});

test('queries, tokens, files and revocation lists work, also beside a dead process, and each stops on SIGTERM', async () => {
  const { db, close } = connect(database.urls.matters, 'test');
  await createMatters({
    db,
    now: () => new Date(),
    parsers: testParsers,
    send: { cases: async () => [] },
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
  const size = checkpoint.split('\n')[1];
  const tile = await fetch(`${gateway}/log/tile/0/000.p/${size}`);
  expect((await tile.arrayBuffer()).byteLength).toBe(32 * Number(size));

  // The events of matters reach cases in its own process.
  const admin = connect(database.adminUrl, 'test');
  await waitUntil('cases know every matter', async () => {
    const [row] = await admin.db.execute('select count(*)::int as known from cases.matter_fact');
    return row?.known === 108;
  });
  await admin.close();

  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  children[1 + NAMES.indexOf('licenses')]?.kill('SIGTERM');
  await ended[1 + NAMES.indexOf('licenses')];
  expect(await ask(query, auditor)).toMatchObject({
    data: { cases: { edges: [] }, licenses: null, seals: { edges: [] } },
    errors: [{ path: ['licenses'], extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
  });
  for (const child of children) child.kill('SIGTERM');
  expect(await Promise.all(ended)).toEqual(children.map(() => 0));
});
