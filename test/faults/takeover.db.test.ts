import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toDatabaseUrl } from '../../db/migrate.ts';
import { audit } from '../../scripts/audit/audit.ts';
import { readMarker } from '../../scripts/hub/marker.ts';
import { findRunningDatabase } from '../../scripts/hub/running-database.ts';
import { locatePersonKeyFile, locateSignerKeyFile } from '../../scripts/hub/secrets.ts';
import { listCredentials, openPersonKeys } from '../../scripts/person-keys/keys.ts';
import { ENDINGS } from '../../scripts/takeover/endings.ts';
import { takeOver } from '../../scripts/takeover/takeover.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { AUDIENCE, makeIssuerKey, signIssuerToken, startIssuer, type TestIssuer } from '../support/issuer.ts';
import { waitUntil } from '../support/until.ts';
import { makeDemonstration } from './demonstration.ts';
import {
  askRunning,
  bootHub,
  copyFolder,
  dumpFolder,
  dumpServer,
  makePlace,
  runSql,
  startServerOf,
} from './hub-place.ts';

/** `npm run takeover`: a folder of a demonstration goes over into production. Nothing of the demonstration counts. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OPERATOR = '系统运维人员 ops';
/** The audit is later than everything that it audits, also by clocks of other processes. */
const AUDITED_AT = new Date(Date.now() + 600_000);
const place = makePlace();
const original = place.path('demonstration');
const folder = place.path('office');
const personKeyFile = locatePersonKeyFile(locateSignerKeyFile(folder));
const issuerKey = makeIssuerKey('k');
let issuer: TestIssuer;
let license: { identifier: string };
let lines: string[];

beforeAll(async () => {
  license = await makeDemonstration(original);
  issuer = await startIssuer(issuerKey);
});
beforeEach(() => copyFolder(original, folder, true));
afterAll(() => {
  issuer?.close();
  place.remove();
});

function run(isConfirmed: boolean, dataFolder = folder) {
  lines = [];
  const say = (line: string) => lines.push(line);
  return takeOver({ dataFolder, databaseUrl: null, isConfirmed, operator: OPERATOR, now: new Date(), say });
}

/** Runs statements on the database of the stopped hub. */
async function onDatabase<Result>(work: Parameters<typeof runSql<Result>>[1]): Promise<Result> {
  const server = await startServerOf(folder);
  try {
    return await runSql(toDatabaseUrl(server.url, 'tongquan'), work);
  } finally {
    await server.stop();
  }
}

async function dumpAll(): Promise<Record<string, string>> {
  const server = await startServerOf(folder);
  try {
    const dump = { ...dumpFolder(folder), ...(await dumpServer(server.url)) };
    // A migration sets the same passwords again, with another salt. Sequences go on also where nothing is kept.
    return Object.fromEntries(Object.entries(dump).filter(([path]) => !/^roles$|sequences$/.test(path)));
  } finally {
    await server.stop();
  }
}

function bootProduction() {
  const settings = { issuer: issuer.url, audience: AUDIENCE, kind: 'access' as const, clients: [] };
  return bootHub(folder, { isProduction: true, issuer: { ...settings, maxLifeSeconds: 3_600, staleSeconds: 600 } });
}

test('without --confirm it lists something of every kind and what stays, and changes nothing', async () => {
  const before = await dumpAll();
  expect(await run(false)).toBe('LISTED');
  for (const { name, reason } of ENDINGS)
    expect(lines.filter((line) => line.startsWith(`${name}: `) && line.endsWith(`（${reason}）`))).toHaveLength(1);
  expect(lines).toContain('  software-key');
  expect(lines.find((line) => line.startsWith('  证照版本'))).toBe('  证照版本 license versions: 1');
  expect(await dumpAll()).toEqual(before);
});

test('it ends each with a reason and the name of the operator, and changes no other table and no license', async () => {
  const before = await dumpAll();
  expect(await run(true)).toBe('DONE');
  const after = await dumpAll();
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (path) => before[path] !== after[path] && !path.includes('outbox'),
  );
  expect(changed.sort()).toEqual([
    'hub.json',
    'secrets.json',
    'signer/person-keys.json',
    'tongquan cases.agreement',
    'tongquan cases.appointment_end',
    'tongquan cases.duty_exception_end',
    'tongquan cases.platform',
    'tongquan cases.proposal_outcome',
    'tongquan cases.takeover',
    'tongquan cases.webhook',
    'tongquan licenses.blank',
    'tongquan licenses.blank_entry',
    'tongquan licenses.duty',
    'tongquan licenses.proposal_outcome',
    'tongquan matters.proposal_outcome',
    'tongquan seals.log_leaf',
    'tongquan seals.log_pending',
    'tongquan seals.seal_application_outcome',
    'tongquan seals.seal_event',
  ]);
  await onDatabase(async (sql) => {
    const tables = [
      ['cases.agreement', 'ended_by', 'end_reason'],
      ['cases.appointment_end', 'approved_by', 'reason'],
      ['cases.duty_exception_end', 'actor', 'reason'],
      ['cases.proposal_outcome', 'actor', 'reason'],
      ['matters.proposal_outcome', 'actor', 'reason'],
      ['licenses.proposal_outcome', 'actor', 'reason'],
      ['licenses.blank_entry', 'actor', 'reason'],
      ['seals.seal_application_outcome', 'actor', 'reason'],
    ];
    for (const [table = '', by = '', reason = ''] of tables) {
      const rows =
        await sql`select distinct ${sql(reason)} as reason from ${sql(table)} where ${sql(by)} = ${OPERATOR}`;
      expect([table, rows.length]).toEqual([table, 1]);
      expect(rows[0]?.reason).toMatch(/^演示转为正式运行/);
    }
  });
  expect(listCredentials(openPersonKeys(personKeyFile), new Date())).toEqual([]);
  expect(openPersonKeys(personKeyFile)).toMatchObject({ acceptsBareKeys: false, organs: [{ organ: 'yudu-lyj' }] });
  expect(readMarker(folder)).toMatchObject({ demonstration: false, takenOver: { by: OPERATOR } });
});

test('a second run does nothing', async () => {
  await run(true);
  const before = await dumpAll();
  expect([await run(true), lines.length]).toEqual(['NOTHING', 1]);
  expect(await run(false)).toBe('NOTHING');
  expect(await dumpAll()).toEqual(before);
});

test('a folder of release 0.4, which has no marker, is taken over', async () => {
  rmSync(join(folder, 'hub.json'));
  expect(await run(true)).toBe('DONE');
  expect(readMarker(folder)).toMatchObject({ demonstration: false });
});

test('what fails within the database leaves all of it as it was', async () => {
  await onDatabase(
    (sql) => sql`create function fail() returns trigger language plpgsql as 'begin raise ''planted''; end'`,
  );
  await onDatabase(
    (sql) => sql`create trigger fail before insert on seals.seal_application_outcome execute function fail()`,
  );
  const before = await dumpAll();
  await expect(run(true)).rejects.toThrow();
  expect(await dumpAll()).toEqual(before);
});

test('an interruption between database and files leaves a demonstration, and the next run does the rest', async () => {
  const keys = readFileSync(personKeyFile, 'utf8');
  const tokenKey = () => JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')).tokenPrivateKey;
  const demoKey = tokenKey();
  // A folder in the place of the new file: writing it fails, after the database was changed.
  const draft = `${personKeyFile}.${process.pid}.draft`;
  writeFileSync(join(folder, 'hub.json'), JSON.stringify({ ...(readMarker(folder) as object), demonstration: true }));
  spawnSync('mkdir', [draft]);
  await expect(run(true)).rejects.toThrow('EISDIR');
  expect(readMarker(folder)).toMatchObject({ demonstration: true });
  expect(readFileSync(personKeyFile, 'utf8')).toBe(keys);
  await expect(bootProduction()).rejects.toThrow('DEMONSTRATION_FOLDER');
  rmSync(draft, { recursive: true });
  expect(await run(true)).toBe('DONE');
  expect(lines.some((line) => ENDINGS.some(({ name }) => line.startsWith(name)))).toBe(false);
  expect(listCredentials(openPersonKeys(personKeyFile), new Date())).toEqual([]);
  expect(tokenKey()).not.toBe(demoKey);
});

test('it refuses the folder of a running hub, one without a hub, and one that is set back', async () => {
  const running = await bootHub(folder);
  await expect(run(true)).rejects.toThrow(/正由进程 \d+ 使用/);
  await running.stop();
  const missing = place.path('missing');
  await expect(run(true, missing)).rejects.toThrow('没有系统');
  expect(existsSync(missing)).toBe(false);
  rmSync(join(folder, 'log'), { recursive: true });
  await expect(run(true)).rejects.toThrow('LOG_MISSING');
  expect(readMarker(folder)).toMatchObject({ demonstration: true });
});

test('afterwards production starts, the audit is clean, and two first administrators bring people in', async () => {
  await run(true);
  const running = await bootProduction();
  try {
    const url = findRunningDatabase(folder);
    const names = ['a1=周甲', 'b2=唐乙'];
    const env = { PATH: process.env.PATH, DATA_FOLDER: folder };
    const args = ['scripts/administrators.ts', '--issuer', issuer.url, ...names];
    const named = spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
    expect([named.status, named.stderr]).toEqual([0, '']);
    const ask = async (sub: string, query: string, variables: object = {}) => {
      const headers = { authorization: `Bearer ${await signIssuerToken(issuer, issuerKey, new Date(), { sub })}` };
      const payload = { query, variables };
      return (await running.hub.app.inject({ method: 'POST', url: '/graphql', headers, payload })).json();
    };
    const list = JSON.stringify([
      { action: 'ENTER', subject: 'c3', name: '李丙', organ: 'yudu-lyj', roles: ['APPROVER'] },
    ]);
    const proposed = await ask(
      'a1',
      'mutation($input: ImportPeopleInput!) { importPeople(input: $input) { proposals { id: uuid } refusal { code } } }',
      {
        input: { format: 'JSON', list },
      },
    );
    const [proposal] = proposed.data.importPeople.proposals;
    const decide = 'mutation($input: DecideProposalInput!) { decideProposal(input: $input) { refusal { code } } }';
    const decision = { input: { proposal: proposal.id, approve: true } };
    expect((await ask('b2', decide, decision)).data.decideProposal.refusal).toBeNull();
    expect((await ask('c3', '{ viewer { name organ { id: code } } }')).data.viewer).toMatchObject({ name: '李丙' });
    const demo = await askRunning(running).ask('administrator', '{ __typename }');
    expect(demo).toMatchObject({ status: 401, errors: [{ extensions: { code: 'TOKEN_INVALID' } }] });
    // A revocation list is signed when somebody first asks for it.
    for (const path of ['/seals/root.crl', '/seals/issuing.crl', '/licenses/status-list'])
      expect((await running.hub.app.inject(path)).statusCode).toBe(200);
    await waitUntil('every leaf is published', () =>
      runSql(url, async (sql) => (await sql`select from seals.log_pending`).length === 0),
    );
    const logKey = readKey((await running.hub.app.inject('/log/key')).body.trim());
    const roots = [readFileSync(join(folder, 'root.pem'))];
    const findings = await runSql(url, async (sql) => {
      const found: string[] = [];
      const input = { sql, logFolder: join(folder, 'log'), logKey, witnesses: [], roots, now: AUDITED_AT };
      for await (const { code, object, detail } of audit(input)) found.push(`${code} ${object} ${detail}`);
      return found;
    });
    expect(findings).toEqual([]);
    const status = 'query($id: ID!) { licenseStatus(identifier: $id) { state } }';
    const { data } = await askRunning(running).ask(null, status, { id: license.identifier });
    expect(data.licenseStatus.state).toBe('VALID');
  } finally {
    await running.stop();
  }
});

test('the command says by its exit code what it did', () => {
  const env = { PATH: process.env.PATH, DATA_FOLDER: folder };
  const command = (...args: string[]) =>
    spawnSync(process.execPath, ['scripts/takeover/main.ts', ...args], { cwd: ROOT, env, encoding: 'utf8' }).status;
  expect([command('--wrong'), command(), command('--confirm'), command('--confirm')]).toEqual([2, 1, 0, 0]);
});
