import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/hub/port.ts';
import { findRunningDatabase } from '../../scripts/hub/running-database.ts';
import { waitUntil } from '../support/until.ts';

/** Runs the commands of docs/audit.md against a complete hub after its demo. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let env: NodeJS.ProcessEnv;
let hub: ChildProcess;
let hubOutput = '';

const run = (script: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: ROOT,
    env,
    encoding: 'utf8',
  });
  return { status, out: `${stdout}${stderr}` };
};
const exportPath = (name: string) => join(folder, 'export', name);
const runAudit = (...moreArgs: string[]) =>
  run(
    'scripts/audit/main.ts',
    '--log-key',
    exportPath('log-keys.txt'),
    '--checkpoint',
    `http://127.0.0.1:${env.LIBRARY_PORT}/log/checkpoint`,
    ...moreArgs,
  );

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tongquan-audit-'));
  const ports = { PORT: String(await findFreePort()), LIBRARY_PORT: String(await findFreePort()) };
  env = { PATH: process.env.PATH, DATA_FOLDER: join(folder, 'data'), ...ports };
  hub = spawn(process.execPath, ['scripts/start.ts'], { cwd: ROOT, env });
  for (const stream of [hub.stdout, hub.stderr]) stream?.on('data', (chunk) => (hubOutput += chunk));
  await waitUntil('the hub is ready', async () => /^ready /m.test(hubOutput));
  expect(run('scripts/demo/main.ts')).toMatchObject({ status: 0 });
}, 240_000);
afterAll(async () => {
  const exited = new Promise((resolve) => hub.once('close', resolve));
  hub.kill('SIGTERM');
  await exited;
  rmSync(folder, { recursive: true, force: true });
});

test('the export of a period verifies without the hub', async () => {
  const isComplete = await waitUntil('every use has its place', async () => {
    rmSync(exportPath(''), { recursive: true, force: true });
    const exportRun = run('scripts/export.ts', '--from', '2020-01-01', '--to', '2099-01-01', '--out', exportPath(''));
    expect(exportRun.status, exportRun.out).toBe(0);
    return !exportRun.out.includes('尚无日志证明');
  });
  expect(isComplete).toBe(true);
  const verifyArgs = [
    '--root',
    exportPath('root.pem'),
    '--log-key',
    exportPath('log-keys.txt'),
    '--certificates',
    exportPath('certificates.pem'),
  ];
  const lists = ['--crl', exportPath('root.crl'), '--crl', exportPath('issuing.crl')];
  const verification = run('scripts/verify.ts', exportPath('documents'), ...verifyArgs, ...lists);
  expect(verification.status, verification.out).toBe(0);
  expect(verification.out).toMatch(/TOTAL_PASSED [1-9]\d*，无法判定 INDETERMINATE 0，不通过 TOTAL_FAILED 0/);
  // With the key of another log, nothing is proven.
  const keys = readFileSync(exportPath('log-keys.txt'), 'utf8');
  writeFileSync(
    exportPath('other.txt'),
    'tongquan.test/another+3ef3c3a4+AZn5Iiy2yRBoVSzTLCSaGtUWJcmfRMZXd4F6fNzzQ4Zr\n',
  );
  const otherArgs = [...verifyArgs.slice(0, 2), '--log-key', exportPath('other.txt'), ...verifyArgs.slice(4)];
  expect(run('scripts/verify.ts', exportPath('documents'), ...otherArgs, ...lists).status).toBe(2);
  expect(keys.split('\n').filter((line) => line.includes('+')).length).toBe(2);
});

test('the audit is clean by the checkpoint of the library, and names a license changed in the database', async () => {
  const cleanRun = runAudit();
  expect(cleanRun.status, cleanRun.out).toBe(0);
  expect(cleanRun.out).toContain('没有问题 clean');
  const sql = postgres(findRunningDatabase(env.DATA_FOLDER ?? ''), { max: 1 });
  const [row] = await sql`update licenses.license_version set state = 'SUSPENDED' where state = 'VALID'
    and identifier = (select min(identifier) from licenses.license_version where state = 'VALID') returning identifier`;
  const auditRun = runAudit('--json');
  await sql`update licenses.license_version set state = 'VALID' where identifier = ${row?.identifier}`;
  await sql.end();
  expect(auditRun.status).toBe(1);
  const objects = auditRun.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).object);
  expect(objects).toContain(`license:${row?.identifier}`);
  expect(runAudit().status).toBe(0);
});

test('the audit exits with 2 without a key, with an invalid key, and with a checkpoint that no witness signed', () => {
  expect(run('scripts/audit/main.ts')).toMatchObject({ status: 2, out: expect.stringContaining('--log-key') });
  writeFileSync(exportPath('bad.txt'), 'no key\n');
  expect(run('scripts/audit/main.ts', '--log-key', exportPath('bad.txt')).status).toBe(2);
  const forgedCheckpoint = join(folder, 'checkpoint');
  writeFileSync(
    forgedCheckpoint,
    readFileSync(join(env.DATA_FOLDER ?? '', 'log/checkpoint'), 'utf8').replace(/^— library.*$/m, ''),
  );
  expect(runAudit('--checkpoint', forgedCheckpoint).status).toBe(2);
});
