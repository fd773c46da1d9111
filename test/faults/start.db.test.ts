import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded } from '../../db/embedded.ts';
import { findFreePort } from '../../scripts/port.ts';
import { waitUntil } from '../support/until.ts';

/** Tests `npm start` from outside: a process with a folder, ports and signals. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FIRST_START_MS = 100_000;
const STOP_MS = 10_000;

let base: string;
const started: ChildProcess[] = [];

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'tongquan-start-'));
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await waitUntil('nothing of the tests is left running', async () => processesOf(base).length === 0);
  rmSync(base, { recursive: true, force: true });
});

interface Started {
  child: ChildProcess;
  port: number;
  libraryPort: number;
  folder: string;
  out(): string;
  err(): string;
  /** Resolves to the exit code, or null if a signal ended the process. */
  ended: Promise<number | null>;
}

async function start(name: string, environment: NodeJS.ProcessEnv = {}, ports?: [number, number]): Promise<Started> {
  const folder = join(base, name);
  const [port, libraryPort] = ports ?? [await findFreePort(), await findFreePort()];
  const child = spawn(process.execPath, ['scripts/start.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      DATA_FOLDER: folder,
      PORT: String(port),
      LIBRARY_PORT: String(libraryPort),
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, port, libraryPort, folder, out: () => out, err: () => err, ended };
}

async function ready(hub: Started): Promise<void> {
  const ended = hub.ended.then((code) => {
    throw new Error(`ended with ${code}: ${hub.out()} ${hub.err()}`);
  });
  const end = performance.now() + FIRST_START_MS;
  while (!/^ready /m.test(hub.out())) {
    if (performance.now() > end) throw new Error(`not ready: ${hub.out()} ${hub.err()}`);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
}

/** Returns command line and environment of the other processes that name a folder, such as database and library. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return `${readFileSync(`/proc/${pid}/cmdline`, 'utf8')} ${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
      } catch {
        return '';
      }
    })
    .filter((text) => text.includes(folder));
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function totalCount(port: number): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ matters(first: 1) { totalCount } }' }),
  });
  return ((await response.json()) as { data: { matters: { totalCount: number } } }).data.matters.totalCount;
}

test('starts, serves, and stops everything on SIGTERM; restarts with its data after SIGKILL', async () => {
  const first = await start('life');
  await ready(first);
  expect(await totalCount(first.port)).toBe(108);
  const health = await fetch(`http://127.0.0.1:${first.port}/health/ready`);
  expect([health.status, await health.json()]).toMatchObject([200, { status: 'ready' }]);
  expect(first.out()).toMatch(/^ready .*127\.0\.0\.1:\d+\/graphql/m);
  for (const role of ['APPLICANT', 'WINDOW_CLERK', 'REVIEWER', 'APPROVER', 'SEAL_KEEPER', 'SUPERVISOR', 'AUDITOR']) {
    expect(first.out()).toContain(role);
  }
  expect(existsSync(join(first.folder, 'postgres/PG_VERSION'))).toBe(true);

  const second = await start('life', {}, [await findFreePort(), await findFreePort()]);
  expect(await second.ended).not.toBe(0);
  expect(lines(second.err())).toHaveLength(1);
  expect(second.err()).toContain('in use');
  expect(await totalCount(first.port)).toBe(108);

  const from = performance.now();
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  expect(performance.now() - from).toBeLessThan(STOP_MS);
  expect(processesOf(first.folder)).toEqual([]);

  const again = await start('life', {}, [first.port, first.libraryPort]);
  const restarted = performance.now();
  await ready(again);
  expect(performance.now() - restarted).toBeLessThan(20_000);
  again.child.kill('SIGKILL');
  await again.ended;

  const after = await start('life', {}, [first.port, first.libraryPort]);
  await ready(after);
  expect(await totalCount(after.port)).toBe(108);
  after.child.kill('SIGINT');
  expect(await after.ended).toBe(0);
  expect(processesOf(after.folder)).toEqual([]);
}, 240_000);

test('a database killed under a running hub is restarted, and the hub answers again', async () => {
  const hub = await start('outlive', {}, [await findFreePort(), await findFreePort()]);
  await ready(hub);
  const pid = Number(readFileSync(join(hub.folder, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  await waitUntil('the hub answers again', async () => (await totalCount(hub.port).catch(() => null)) === 108);
  expect(hub.err()).toContain('数据库意外停止');
  hub.child.kill('SIGTERM');
  expect(await hub.ended).toBe(0);
  expect(processesOf(hub.folder)).toEqual([]);
}, 200_000);

test('SIGTERM during the first start stops everything in time', async () => {
  const hub = await start('early');
  await waitUntil('the database runs', async () => existsSync(join(hub.folder, 'postgres/postmaster.pid')));
  const from = performance.now();
  hub.child.kill('SIGTERM');
  await hub.ended;
  expect(performance.now() - from).toBeLessThan(STOP_MS);
  await waitUntil('nothing is left', async () => processesOf(hub.folder).length === 0);
  expect(lines(hub.err())).toEqual([]);
}, 60_000);

test.each([
  ['PORT', 0],
  ['LIBRARY_PORT', 1],
] as const)('a port in use is named in one line: %s', async (variable, index) => {
  const taken = await listen(0);
  const address = taken.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  const ports: [number, number] = [await findFreePort(), await findFreePort()];
  ports[index] = address.port;
  const hub = await start(`taken-${variable}`, {}, ports);
  await refused(hub, String(address.port), variable);
  expect(existsSync(join(hub.folder, 'postgres'))).toBe(false);
  taken.close();
});

test.each([
  ['unreachable', `postgres://nobody@127.0.0.1:1/none`],
  ['no URL', 'nonsense'],
])('DATABASE_URL, %s, is refused in one line', async (name, url) => {
  const hub = await start(`database ${name}`, { DATABASE_URL: url });
  await refused(hub, 'DATABASE_URL');
});

test('DATABASE_URL: the hub uses an external PostgreSQL as a non-superuser role, and does not stop it', async () => {
  const folder = join(base, 'office');
  const office = await startEmbedded({
    folder: join(folder, 'postgres'),
    logFile: join(folder, 'log'),
    password: 'office',
  });
  const sql = postgres(office.url, { max: 1 });
  await sql`create role office with login createdb createrole password 'office'`;
  const url = office.url.replace('postgres:office@', 'office:office@');
  for (const round of [1, 2]) {
    const hub = await start('guest', { DATABASE_URL: url });
    await ready(hub);
    expect(await totalCount(hub.port), `start ${round}`).toBe(108);
    expect(existsSync(join(hub.folder, 'postgres'))).toBe(false);
    hub.child.kill('SIGTERM');
    expect(await hub.ended).toBe(0);
  }
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  await sql.end();
  await office.stop();
}, 120_000);

test('a data folder of another version is refused in one line', async () => {
  const hub = await start('version');
  await waitUntil('the database runs', async () => existsSync(join(hub.folder, 'postgres/postmaster.pid')));
  hub.child.kill('SIGTERM');
  await hub.ended;
  writeFileSync(join(hub.folder, 'postgres/PG_VERSION'), '17\n');
  const again = await start('version');
  await refused(again, 'PostgreSQL 17');
}, 60_000);

test('a data folder that cannot be created is refused in one line', async () => {
  writeFileSync(join(base, 'file'), '');
  await refused(await start('file/data'), 'file/data');
});

test('a database without its secrets file is refused, not created again', async () => {
  const hub = await start('secrets');
  await waitUntil('the database runs', async () => existsSync(join(hub.folder, 'postgres/postmaster.pid')));
  hub.child.kill('SIGTERM');
  await hub.ended;
  rmSync(join(hub.folder, 'secrets.json'));
  await refused(await start('secrets'), 'secrets.json');
  expect(existsSync(join(hub.folder, 'postgres/PG_VERSION'))).toBe(true);
}, 60_000);

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Expects an exit code above 0, one line on stderr that contains each of `words`, and no process left running. */
async function refused(hub: Started, ...words: string[]): Promise<void> {
  expect(await hub.ended).toBeGreaterThan(0);
  expect(lines(hub.err())).toHaveLength(1);
  for (const word of words) expect(hub.err()).toContain(word);
  expect(processesOf(hub.folder)).toEqual([]);
}
