import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createScratchDatabase } from '../support/database.ts';
import { issueCertificate, pem } from './authority.ts';

const MAIN = new URL('../../scripts/city-library/main.ts', import.meta.url).pathname;

const folder = mkdtempSync(join(tmpdir(), 'tongquan-library-main-'));
let database: Awaited<ReturnType<typeof createScratchDatabase>>;
let environment: Record<string, string>;

beforeAll(async () => {
  database = await createScratchDatabase();
  const root = join(folder, 'root.pem');
  writeFileSync(
    root,
    pem(issueCertificate({ organization: '测试', common: '测试根', issuer: null, isCa: true }).certificate),
  );
  environment = {
    LIBRARY_DATABASE_URL: database.url,
    LIBRARY_ROOT_PEM: root,
    LIBRARY_CLIENT_ID: 'tongquan',
    LIBRARY_CLIENT_SECRET: 'a-secret-of-the-city-library',
    LIBRARY_PORT: '0',
  };
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

interface LibraryProcess {
  child: ChildProcess;
  output(): string;
  /** Resolves with the exit code. */
  exitCode: Promise<number | null>;
}

function start(change: Record<string, string> = {}, settings = environment): LibraryProcess {
  const env = { PATH: process.env.PATH, ...settings, ...change };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  }
  const exitCode = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { child, output: () => output, exitCode };
}

async function awaitUrl(libraryProcess: LibraryProcess): Promise<string> {
  for (let i = 0; i < 300; i++) {
    const url = /http:\S+/.exec(libraryProcess.output())?.[0];
    if (url) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return expect.fail(libraryProcess.output());
}

it('listens, answers, and stops on SIGTERM without waiting for a client', async () => {
  const libraryProcess = start();
  const url = await awaitUrl(libraryProcess);
  expect(await (await fetch(`${url}/health/live`)).json()).toEqual({ status: 'live' });
  // The second request never ends, and the client never closes the connection: a stop that waits for it never ends.
  const client = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  client.write('GET /health/live HTTP/1.1\r\nHost: library\r\n\r\nGET /health/live HTTP/1.1\r\n');
  await once(client, 'data');
  libraryProcess.child.kill('SIGTERM');
  expect(await libraryProcess.exitCode).toBe(0);
  client.destroy();
});

it('reads what npm start left in DATA_FOLDER, and names the file if there is none', async () => {
  const settings = {
    databaseUrl: database.url,
    rootPemPath: environment.LIBRARY_ROOT_PEM,
    clientId: 'tongquan',
    clientSecret: 'a-secret-of-the-city-library',
    port: 0,
  };
  writeFileSync(join(folder, 'library.json'), JSON.stringify(settings));
  const libraryProcess = start({ DATA_FOLDER: folder }, {});
  await awaitUrl(libraryProcess);
  libraryProcess.child.kill('SIGTERM');
  expect(await libraryProcess.exitCode).toBe(0);
  const empty = join(folder, 'empty');
  const unset = start({ DATA_FOLDER: empty }, {});
  expect(await unset.exitCode).toBe(1);
  expect(unset.output()).toContain(join(empty, 'library.json'));
});

it('stops when the process that started it closes the channel', async () => {
  const libraryProcess = start();
  await awaitUrl(libraryProcess);
  // Node emits no `close` for a child process after the parent disconnects the channel.
  const exitEvent = new Promise((resolve) => libraryProcess.child.once('exit', resolve));
  libraryProcess.child.disconnect();
  expect(await exitEvent).toBe(0);
});

it.each([
  ['a taken port', async () => ({ LIBRARY_PORT: String(await takePort()) }), '端口已被占用'],
  ['no database', async () => ({ LIBRARY_DATABASE_URL: 'postgres://x@127.0.0.1:1/x' }), '数据库无法连接'],
  [
    'an unknown database',
    async () => ({ LIBRARY_DATABASE_URL: database.url.replace(/\/\w+$/, '/nowhere') }),
    'nowhere',
  ],
  ['an invalid address', async () => ({ LIBRARY_DATABASE_URL: 'nonsense' }), 'LIBRARY_DATABASE_URL'],
  ['no root', async () => ({ LIBRARY_ROOT_PEM: join(folder, 'none.pem') }), '无法读取'],
  ['a root file without a certificate', async () => ({ LIBRARY_ROOT_PEM: MAIN }), '没有根证书'],
  ['a short secret', async () => ({ LIBRARY_CLIENT_SECRET: 'short' }), 'LIBRARY_CLIENT_SECRET'],
  ['an invalid port', async () => ({ LIBRARY_PORT: 'x' }), 'LIBRARY_PORT'],
])('exits with one clear line for %s', async (_what, change, line) => {
  const libraryProcess = start(await change());
  expect(await libraryProcess.exitCode).toBe(1);
  expect(libraryProcess.output().trim().split('\n')).toEqual([expect.stringContaining(line)]);
  await freePort();
});

let freePort: () => Promise<void> = async () => {};

async function takePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  freePort = () => new Promise((resolve) => server.close(() => resolve()));
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
