import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded } from '../../db/embedded.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { listProcesses } from '../support/processes.ts';
import { waitUntil } from '../support/until.ts';
import { copyStartedFolder } from './hub-place.ts';

/** Tests `npm start` from outside: a process with a folder, ports and signals. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let baseFolder: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  baseFolder = mkdtempSync(join(tmpdir(), 'tongquan-start-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await waitUntil('nothing of the tests is left running', async () => listProcesses(baseFolder).length === 0);
  rmSync(baseFolder, { recursive: true, force: true });
});

interface RunningHub {
  child: ChildProcess;
  port: number;
  libraryPort: number;
  folder: string;
  out(): string;
  err(): string;
  /** Resolves to the exit code, or null if a signal ended the process. */
  ended: Promise<number | null>;
}

async function startHub(
  name: string,
  environment: NodeJS.ProcessEnv = {},
  ports?: [number, number],
): Promise<RunningHub> {
  const folder = join(baseFolder, name);
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
  children.push(child);
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

async function waitUntilReady(hub: RunningHub): Promise<void> {
  const ended = hub.ended.then((code) => {
    throw new Error(`ended with ${code}: ${hub.out()} ${hub.err()}`);
  });
  const ready = waitUntil('the hub is ready', async () => /^ready /m.test(hub.out())).catch((error) => {
    throw new Error(`${error}: ${hub.out()} ${hub.err()}`);
  });
  await Promise.race([ended, ready]);
}

/** Returns when each file was written that only the first start may write: the database and its secrets. */
function readFirstStartFiles(folder: string): [string, number][] {
  return ['postgres/PG_VERSION', 'secrets.json'].map((name) => [name, statSync(join(folder, name)).mtimeMs]);
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function countMatters(port: number): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ matters(first: 1) { totalCount } }' }),
  });
  return ((await response.json()) as { data: { matters: { totalCount: number } } }).data.matters.totalCount;
}

test('starts, serves, and stops everything on SIGTERM; restarts with its data after SIGKILL', async () => {
  const firstHub = await startHub('life');
  await waitUntilReady(firstHub);
  expect(await countMatters(firstHub.port)).toBe(108);
  const health = await fetch(`http://127.0.0.1:${firstHub.port}/health/ready`);
  expect([health.status, await health.json()]).toMatchObject([200, { status: 'ready' }]);
  expect(firstHub.out()).toMatch(/^ready .*127\.0\.0\.1:\d+\/graphql/m);
  for (const role of ['APPLICANT', 'WINDOW_CLERK', 'REVIEWER', 'APPROVER', 'SEAL_KEEPER', 'SUPERVISOR', 'AUDITOR']) {
    expect(firstHub.out()).toContain(role);
  }
  expect(existsSync(join(firstHub.folder, 'postgres/PG_VERSION'))).toBe(true);

  const secondHub = await startHub('life', {}, [await findFreePort(), await findFreePort()]);
  expect(await secondHub.ended).not.toBe(0);
  expect(splitLines(secondHub.err())).toHaveLength(1);
  expect(secondHub.err()).toContain('in use');
  expect(await countMatters(firstHub.port)).toBe(108);

  // A stop that takes too long ends by the deadline of scripts/start.ts, with 1.
  firstHub.child.kill('SIGTERM');
  expect(await firstHub.ended).toBe(0);
  expect(listProcesses(firstHub.folder)).toEqual([]);

  const firstStartFiles = readFirstStartFiles(firstHub.folder);
  const restartedHub = await startHub('life', {}, [firstHub.port, firstHub.libraryPort]);
  await waitUntilReady(restartedHub);
  expect(readFirstStartFiles(restartedHub.folder)).toEqual(firstStartFiles);
  restartedHub.child.kill('SIGKILL');
  await restartedHub.ended;

  const thirdHub = await startHub('life', {}, [firstHub.port, firstHub.libraryPort]);
  await waitUntilReady(thirdHub);
  expect(await countMatters(thirdHub.port)).toBe(108);
  thirdHub.child.kill('SIGINT');
  expect(await thirdHub.ended).toBe(0);
  expect(listProcesses(thirdHub.folder)).toEqual([]);
}, 240_000);

test('a database killed under a running hub is restarted, and the hub answers again', async () => {
  await copyStartedFolder(join(baseFolder, 'outlive'));
  const hub = await startHub('outlive');
  await waitUntilReady(hub);
  const pid = Number(readFileSync(join(hub.folder, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGKILL');
  await waitUntil('the hub answers again', async () => (await countMatters(hub.port).catch(() => null)) === 108);
  expect(hub.err()).toContain('数据库意外停止');
  // The terminal names each fault by its number; what happened is in the log, as JSON.
  const logged = splitLines(readFileSync(join(hub.folder, 'hub.log'), 'utf8')).map((line) => JSON.parse(line));
  const incidents = logged.filter(({ event }) => event === 'fault').map(({ incident }) => incident);
  expect(incidents).not.toEqual([]);
  for (const incident of incidents) expect(hub.err()).toContain(`fault ${incident}`);
  expect(splitLines(hub.err()).filter((line) => /^\s*[{[]/.test(line))).toEqual([]);
  hub.child.kill('SIGTERM');
  expect(await hub.ended).toBe(0);
  expect(listProcesses(hub.folder)).toEqual([]);
}, 200_000);

test('SIGTERM during the first start stops everything in time', async () => {
  const hub = await startHub('early');
  await waitUntil('the database runs', async () => existsSync(join(hub.folder, 'postgres/postmaster.pid')));
  // A stop that takes too long ends by the deadline of scripts/start.ts, with 1.
  hub.child.kill('SIGTERM');
  expect(await hub.ended).toBe(0);
  await waitUntil('nothing is left', async () => listProcesses(hub.folder).length === 0);
  expect(splitLines(hub.err())).toEqual([]);
}, 60_000);

test.each([
  ['PORT', 0],
  ['LIBRARY_PORT', 1],
] as const)('a port in use is named in one line: %s', async (variable, index) => {
  const blockedPort = await listenOn(0);
  const address = blockedPort.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  const ports: [number, number] = [await findFreePort(), await findFreePort()];
  ports[index] = address.port;
  const hub = await startHub(`taken-${variable}`, {}, ports);
  await expectRefusal(hub, String(address.port), variable);
  expect(existsSync(join(hub.folder, 'postgres'))).toBe(false);
  blockedPort.close();
});

test.each([
  ['unreachable', `postgres://nobody@127.0.0.1:1/none`],
  ['no URL', 'nonsense'],
])('DATABASE_URL, %s, is refused in one line', async (name, url) => {
  const hub = await startHub(`database ${name}`, { DATABASE_URL: url });
  await expectRefusal(hub, 'DATABASE_URL');
});

test('DATABASE_URL: the hub uses an external PostgreSQL as a non-superuser role, and does not stop it', async () => {
  const folder = join(baseFolder, 'office');
  const officeDatabase = await startEmbedded({
    folder: join(folder, 'postgres'),
    logFile: join(folder, 'log'),
    password: 'office',
  });
  const sql = postgres(officeDatabase.url, { max: 1 });
  await sql`create role office with login createdb createrole password 'office'`;
  const url = officeDatabase.url.replace('postgres:office@', 'office:office@');
  const wrong = await startHub('wrong', { DATABASE_URL: url.replace('office:office@', 'office:wrong@') });
  await expectRefusal(wrong, 'DATABASE_URL', 'password refused');
  for (const round of [1, 2]) {
    const hub = await startHub('guest', { DATABASE_URL: url });
    await waitUntilReady(hub);
    expect(await countMatters(hub.port), `start ${round}`).toBe(108);
    expect(existsSync(join(hub.folder, 'postgres'))).toBe(false);
    expect(hub.out().match(/revoke connect on database "postgres" from public;/g)).toHaveLength(1);
    hub.child.kill('SIGTERM');
    expect(await hub.ended).toBe(0);
  }
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
  await sql.end();
  await officeDatabase.stop();
}, 120_000);

test('a data folder of another version is refused in one line', async () => {
  await copyStartedFolder(join(baseFolder, 'version'));
  writeFileSync(join(baseFolder, 'version/postgres/PG_VERSION'), '17\n');
  await expectRefusal(await startHub('version'), 'PostgreSQL 17');
});

test('a data folder that cannot be created is refused in one line', async () => {
  writeFileSync(join(baseFolder, 'file'), '');
  await expectRefusal(await startHub('file/data'), 'file/data');
});

test('a database without its secrets file is refused, not created again', async () => {
  const hub = await startHub('secrets');
  await waitUntil('the database runs', async () => existsSync(join(hub.folder, 'postgres/postmaster.pid')));
  hub.child.kill('SIGTERM');
  await hub.ended;
  rmSync(join(hub.folder, 'secrets.json'));
  await expectRefusal(await startHub('secrets'), 'secrets.json');
  expect(existsSync(join(hub.folder, 'postgres/PG_VERSION'))).toBe(true);
}, 60_000);

function splitLines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Expects an exit code above 0, one line on stderr that contains each of `words`, and no process left running. */
async function expectRefusal(hub: RunningHub, ...words: string[]): Promise<void> {
  expect(await hub.ended).toBeGreaterThan(0);
  expect(splitLines(hub.err())).toHaveLength(1);
  for (const word of words) expect(hub.err()).toContain(word);
  expect(listProcesses(hub.folder)).toEqual([]);
}
