import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IssuerSettings } from '../../gateway/sign-in/sign-in.ts';
import { StartRefusal } from '../../scripts/hub/check/checks.ts';
import { readMarker } from '../../scripts/hub/marker.ts';
import { findRunningDatabase } from '../../scripts/hub/running-database.ts';
import { askRunning, bootHub, makePlace, runSql } from '../faults/hub-place.ts';
import type { Answer } from '../support/hub.ts';
import { AUDIENCE, makeIssuerKey, signIssuerToken, startIssuer, type TestIssuer } from '../support/issuer.ts';

/** A hub in production: a folder of its own, people of an issuer, and nothing for trying out. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const place = makePlace();
const folder = place.path('office');
const key = makeIssuerKey('k');
let issuer: TestIssuer;
let hub: Awaited<ReturnType<typeof bootHub>>;
let settings: IssuerSettings;

beforeAll(async () => {
  issuer = await startIssuer(key);
  settings = {
    ...{ issuer: issuer.url, audience: AUDIENCE, kind: 'access', clients: [], holderClaim: 'id_number' },
    ...{ maxLifeSeconds: 3_600, staleSeconds: 600 },
  };
  hub = await bootHub(folder, { isProduction: true, issuer: settings });
});
afterAll(async () => {
  await hub?.stop();
  issuer?.close();
  place.remove();
});

async function ask(token: string, query: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await hub.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query } });
  return { status: response.statusCode, ...response.json() };
}
const sign = (claims: Record<string, unknown> = {}) => signIssuerToken(issuer, key, new Date(), claims);

test('a holder signs in by the code that the issuer vouches for', async () => {
  const token = await sign({ id_number: '11010519491231002X' });
  const answer = await ask(token, '{ cases(first: 1) { edges { cursor } } }');
  expect(answer).toMatchObject({ status: 200, data: { cases: { edges: [] } } });
});

test('roles that the issuer claims count for nothing', async () => {
  const answer = await ask(await sign({ roles: ['ADMINISTRATOR'], organ: 'yudu-lyj' }), '{ __typename }');
  expect(answer).toMatchObject({ status: 403, errors: [{ extensions: { code: 'PERSON_UNKNOWN' } }] });
});

test('no demo token counts, though the folder has a key for them', async () => {
  const answer = await askRunning(hub).ask('administrator', '{ __typename }');
  expect(answer).toMatchObject({ status: 401, errors: [{ extensions: { code: 'TOKEN_INVALID' } }] });
});

test('the plan is there, and neither agreements nor blanks', async () => {
  const { data } = await askRunning(hub).ask(null, '{ matters(first: 1) { totalCount } }');
  expect(data.matters.totalCount).toBe(108);
  await runSql(findRunningDatabase(folder), async (sql) => {
    const [counts] = await sql`select (select count(*)::int from cases.agreement) as agreements,
      (select count(*)::int from licenses.blank) as blanks, (select count(*)::int from seals.seal) > 0 as has_seals`;
    expect(counts).toEqual({ agreements: 0, blanks: 0, has_seals: true });
  });
});

test('the folder says what it is for, and gives no demo token', () => {
  expect(readMarker(folder)).toMatchObject({ demonstration: false });
  for (const [script, ...more] of [
    ['scripts/token.ts', 'administrator'],
    ['scripts/import.ts', 'package.json'],
  ]) {
    const env = { PATH: process.env.PATH, DATA_FOLDER: folder, HUB_URL: hub.url };
    const run = spawnSync(process.execPath, [script ?? '', ...more], { cwd: ROOT, env, encoding: 'utf8' });
    expect([run.status, run.stdout]).toEqual([1, '']);
    expect(run.stderr).toContain('属于正式系统');
  }
});

test('development does not open it, and production opens it again', async () => {
  await hub.stop();
  const refusal = await bootHub(folder).catch((error) => error);
  expect(refusal).toBeInstanceOf(StartRefusal);
  expect((refusal as StartRefusal).check.code).toBe('PRODUCTION_FOLDER');
  hub = await bootHub(folder, { isProduction: true, issuer: settings });
  expect(await ask(await sign({ id_number: '11010519491231002X' }), '{ __typename }')).toMatchObject({ status: 200 });
});

test.each<[string, Record<string, string>, RegExp]>([
  ['without an issuer', { NODE_ENV: 'production' }, /^系统拒绝运行 ISSUER_MISSING：.* — .*$/],
  [
    'without an audience',
    { OIDC_ISSUER: 'https://a.example' },
    /^OIDC_AUDIENCE: is missing \(needed with OIDC_ISSUER\)/,
  ],
  ['with an issuer that is no URL', { OIDC_ISSUER: 'a.example', OIDC_AUDIENCE: 'hub' }, /^OIDC_ISSUER: expected a URL/],
])('npm start in production %s ends with one line', (_, environment, line) => {
  const env = { PATH: process.env.PATH, DATA_FOLDER: place.path('new'), OIDC_ISSUER: '', ...environment };
  const run = spawnSync(process.execPath, ['scripts/start.ts'], { cwd: ROOT, env, encoding: 'utf8' });
  const lines = run.stderr.trimEnd().split('\n');
  expect([run.status, run.stdout.includes('token'), lines.length]).toEqual([1, false, 1]);
  expect(lines[0]).toMatch(line);
});

test('the files of secrets are of their owner only', () => {
  for (const file of ['secrets.json', 'signer/key-encryption-keys.json', 'library.json'])
    expect([file, statSync(join(folder, file)).mode & 0o077]).toEqual([file, 0]);
  expect(readFileSync(join(folder, 'secrets.json'), 'utf8')).toContain('tokenPrivateKey');
});
