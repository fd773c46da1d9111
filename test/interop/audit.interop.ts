import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/client.ts';
import { findRunningDatabase } from '../../scripts/running-database.ts';
import { until } from '../support/until.ts';

/** Runs the commands of docs/audit.md against a complete hub after its demo. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let env: NodeJS.ProcessEnv;
let hub: ChildProcess;
let said = '';

const run = (script: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: ROOT,
    env,
    encoding: 'utf8',
  });
  return { status, out: `${stdout}${stderr}` };
};
const at = (name: string) => join(folder, 'export', name);
const audited = (...more: string[]) =>
  run(
    'scripts/audit/main.ts',
    '--log-key',
    at('log-keys.txt'),
    '--checkpoint',
    `http://127.0.0.1:${env.LIBRARY_PORT}/log/checkpoint`,
    ...more,
  );

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tongquan-audit-'));
  const ports = { PORT: String(await findFreePort()), LIBRARY_PORT: String(await findFreePort()) };
  env = { PATH: process.env.PATH, DATA_FOLDER: join(folder, 'data'), ...ports };
  hub = spawn(process.execPath, ['scripts/start.ts'], { cwd: ROOT, env });
  for (const stream of [hub.stdout, hub.stderr]) stream?.on('data', (chunk) => (said += chunk));
  await until('the hub is ready', async () => /^ready /m.test(said));
  expect(run('scripts/demo.ts')).toMatchObject({ status: 0 });
}, 240_000);
afterAll(async () => {
  const ended = new Promise((done) => hub.once('close', done));
  hub.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

test('the export of a period verifies without the hub', async () => {
  const proof = await until('every use has its place', async () => {
    rmSync(at(''), { recursive: true, force: true });
    const exported = run('scripts/export.ts', '--from', '2020-01-01', '--to', '2099-01-01', '--out', at(''));
    expect(exported.status, exported.out).toBe(0);
    return !exported.out.includes('尚无日志证明');
  });
  expect(proof).toBe(true);
  const given = ['--root', at('root.pem'), '--log-key', at('log-keys.txt'), '--certificates', at('certificates.pem')];
  const lists = ['--crl', at('root.crl'), '--crl', at('issuing.crl')];
  const judged = run('scripts/verify.ts', at('documents'), ...given, ...lists);
  expect(judged.status, judged.out).toBe(0);
  expect(judged.out).toMatch(/TOTAL_PASSED [1-9]\d*，无法判定 INDETERMINATE 0，不通过 TOTAL_FAILED 0/);
  // With the key of another log, nothing is proven.
  const keys = readFileSync(at('log-keys.txt'), 'utf8');
  writeFileSync(at('other.txt'), 'tongquan.test/another+3ef3c3a4+AZn5Iiy2yRBoVSzTLCSaGtUWJcmfRMZXd4F6fNzzQ4Zr\n');
  const other = [...given.slice(0, 2), '--log-key', at('other.txt'), ...given.slice(4)];
  expect(run('scripts/verify.ts', at('documents'), ...other, ...lists).status).toBe(2);
  expect(keys.split('\n').filter((line) => line.includes('+')).length).toBe(2);
});

test('the audit is clean by the checkpoint of the library, and names a license changed in the database', async () => {
  const clean = audited();
  expect(clean.status, clean.out).toBe(0);
  expect(clean.out).toContain('没有问题 clean');
  const sql = postgres(findRunningDatabase(env.DATA_FOLDER ?? ''), { max: 1 });
  const [row] = await sql`update licenses.license_version set state = 'SUSPENDED' where state = 'VALID'
    and identifier = (select min(identifier) from licenses.license_version where state = 'VALID') returning identifier`;
  const found = audited('--json');
  await sql`update licenses.license_version set state = 'VALID' where identifier = ${row?.identifier}`;
  await sql.end();
  expect(found.status).toBe(1);
  const objects = found.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).object);
  expect(objects).toContain(`license:${row?.identifier}`);
  expect(audited().status).toBe(0);
});

test('the audit exits with 2 without a key, with an invalid key, and with a checkpoint that no witness signed', () => {
  expect(run('scripts/audit/main.ts')).toMatchObject({ status: 2, out: expect.stringContaining('--log-key') });
  writeFileSync(at('bad.txt'), 'no key\n');
  expect(run('scripts/audit/main.ts', '--log-key', at('bad.txt')).status).toBe(2);
  const forged = join(folder, 'checkpoint');
  writeFileSync(
    forged,
    readFileSync(join(env.DATA_FOLDER ?? '', 'log/checkpoint'), 'utf8').replace(/^— library.*$/m, ''),
  );
  expect(audited('--checkpoint', forged).status).toBe(2);
});
