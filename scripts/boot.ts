import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import postgres from 'postgres';
import { type Embedded, startEmbedded } from '../db/embedded.ts';
import { databaseUrl, ensureDatabase, migrateDatabase, SUBGRAPHS, type SubgraphName } from '../db/migrate.ts';
import { makeRole, rolePassword, roleUrl } from '../db/roles.ts';
import { createHub, type Hub } from '../gateway/hub.ts';
import { openSecrets, type Secrets } from './secrets.ts';
import { seed } from './seed.ts';

/** Brings a whole hub up from a data folder, and down again; `npm start` and `npm run demo` stand on it. */

export interface BootOptions {
  /** Keeps the database, the secrets and what the library needs to know. */
  dataFolder: string;
  port: number;
  libraryPort: number;
  /** A PostgreSQL of the office's own, as a role that may create roles; null for the embedded one. */
  databaseUrl: string | null;
  /** False where the library is started apart (`npm run library`). */
  withLibrary: boolean;
  say: (line: string) => void;
}

export interface Running {
  url: string;
  libraryUrl: string;
  secrets: Secrets;
  hub: Hub;
  /** Settles when the embedded database ends without being asked. */
  databaseEnded: Promise<void>;
  stop(): Promise<void>;
}

/** What stops a start, in one line for a person. */
export class BootError extends Error {
  override readonly name = 'BootError';
}

const HOST = '127.0.0.1';
const LIBRARY_DATABASE = 'city_library';
const LIBRARY_ROLE = 'tq_city_library';
const LIBRARY_CLIENT_ID = 'tongquan-hub';
const LIBRARY_START_MS = 15_000;
const CHILD_STOP_MS = 4_000;

/** Starts everything in order; whatever fails, what was started before is stopped again. */
export async function boot(options: BootOptions): Promise<Running> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return { ...(await bootAll(options, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bootAll(options: BootOptions, undo: (() => Promise<void>)[]): Promise<Omit<Running, 'stop'>> {
  const { say, port, libraryPort } = options;
  const dataFolder = resolve(options.dataFolder);
  await requireFree(port, 'PORT');
  if (options.withLibrary) await requireFree(libraryPort, 'LIBRARY_PORT');
  undo.push(takeFolder(dataFolder));
  const secrets = openSecrets(dataFolder);

  say('数据库 database …');
  const database = await openDatabase(options, dataFolder, secrets, undo);
  say('结构 migrations …');
  const hubDatabase = await ensureDatabase(database.url, 'tongquan');
  await migrateDatabase(hubDatabase, secrets.databaseKey);

  say('网关和四个子图 gateway and four subgraphs …');
  const url = `http://${HOST}:${port}`;
  const libraryUrl = `http://${HOST}:${libraryPort}`;
  const hub = await createHub({
    ...secrets,
    databaseUrls: roleUrls(hubDatabase, secrets),
    publicUrl: url,
    library: { url: libraryUrl, clientId: LIBRARY_CLIENT_ID, clientSecret: secrets.librarySecret },
  });
  undo.push(() => hub.stop());
  say('事项、印章、空白证照 matters, seals, blanks …');
  const seeded = await seed(hub);
  say(`${seeded.matters} 个事项 matters，${seeded.seals} 枚印章 seals`);

  await leaveForLibrary(dataFolder, database.url, secrets, libraryPort, await hub.seals.rootCertificate());
  if (options.withLibrary) {
    say('市电子证照库（参考实现）reference city library …');
    undo.push(await startLibrary(dataFolder));
  }
  await hub.app.listen({ host: HOST, port });
  return { url, libraryUrl, secrets, hub, databaseEnded: database.ended };
}

/** The port must be free before anything is started; a clear word now beats half a hub later. */
async function requireFree(port: number, variable: string): Promise<void> {
  await new Promise<void>((done, fail) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      fail(
        new BootError(
          `端口 ${port} 不可用（${error.code}），可用 ${variable} 另选 — port ${port} is taken, choose another by ${variable}`,
        ),
      ),
    );
    probe.listen({ host: HOST, port }, () => probe.close(() => done()));
  });
}

/** One hub per folder: a second one would stop the first one's database. Gives the step that lets go of the folder. */
function takeFolder(folder: string): () => Promise<void> {
  const lock = join(folder, 'hub.pid');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    accessSync(folder, constants.W_OK);
  } catch {
    throw new BootError(`数据目录 ${folder} 不可写 — the data folder cannot be written`);
  }
  if (existsSync(lock)) {
    const pid = Number(readFileSync(lock, 'utf8'));
    if (pid !== process.pid && isHub(pid)) {
      throw new BootError(`数据目录 ${folder} 正由进程 ${pid} 使用 — the data folder is in use by process ${pid}`);
    }
  }
  writeFileSync(lock, String(process.pid));
  return async () => rmSync(lock, { force: true });
}

/** Whether a process is a running hub: numbers are used again, so its command line must say so too. */
function isHub(pid: number): boolean {
  try {
    return /scripts\/(start|demo)\.ts/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  } catch {
    return false;
  }
}

async function openDatabase(
  options: BootOptions,
  dataFolder: string,
  secrets: Secrets,
  undo: (() => Promise<void>)[],
): Promise<Pick<Embedded, 'url' | 'ended'>> {
  if (options.databaseUrl !== null) {
    await requireReachable(options.databaseUrl);
    return { url: options.databaseUrl, ended: new Promise(() => {}) };
  }
  const server = await startEmbedded({
    folder: join(dataFolder, 'postgres'),
    logFile: join(dataFolder, 'postgres.log'),
    password: createHmac('sha256', secrets.databaseKey).update('postgres').digest('base64url'),
  });
  undo.push(() => server.stop());
  return server;
}

async function requireReachable(url: string): Promise<void> {
  let client: postgres.Sql | null = null;
  try {
    client = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
    await client`select 1`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    throw new BootError(`DATABASE_URL 无法连接 — cannot be reached: ${code ?? message}`);
  } finally {
    await client?.end({ timeout: 1 }).catch(() => {});
  }
}

function roleUrls(adminUrl: string, { databaseKey }: Secrets): Record<SubgraphName, string> {
  const entries = SUBGRAPHS.map((name) => {
    const role = `tq_${name}`;
    return [name, roleUrl(adminUrl, role, rolePassword(databaseKey, role))] as const;
  });
  return Object.fromEntries(entries) as Record<SubgraphName, string>;
}

/** Leaves what the reference library needs to start: its own database and role, the root to trust, how the hub gets in. */
async function leaveForLibrary(
  folder: string,
  adminUrl: string,
  secrets: Secrets,
  port: number,
  rootPem: string,
): Promise<void> {
  const password = rolePassword(secrets.databaseKey, LIBRARY_ROLE);
  const url = await ensureDatabase(adminUrl, LIBRARY_DATABASE);
  const client = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await makeRole(client, LIBRARY_ROLE, password);
    await client.unsafe(`grant create, connect on database ${LIBRARY_DATABASE} to ${LIBRARY_ROLE}`);
    await client.unsafe(`grant create, usage on schema public to ${LIBRARY_ROLE}`);
  } finally {
    await client.end({ timeout: 2 });
  }
  const rootPemPath = join(folder, 'root.pem');
  writeFileSync(rootPemPath, rootPem);
  const left = {
    databaseUrl: roleUrl(databaseUrl(adminUrl, LIBRARY_DATABASE), LIBRARY_ROLE, password),
    rootPemPath,
    clientId: LIBRARY_CLIENT_ID,
    clientSecret: secrets.librarySecret,
    port,
  };
  writeFileSync(join(folder, 'library.json'), JSON.stringify(left, null, 2), { mode: 0o600 });
}

/** Starts the library as a child of its own process group. Gives the step that stops it. */
async function startLibrary(folder: string): Promise<() => Promise<void>> {
  const left = JSON.parse(readFileSync(join(folder, 'library.json'), 'utf8')) as Record<string, unknown>;
  const child = spawn(process.execPath, [join(import.meta.dirname, 'city-library/main.ts')], {
    detached: true,
    // The channel closes with this process, however it ends; the library then stops too.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ...process.env,
      LIBRARY_DATABASE_URL: String(left.databaseUrl),
      LIBRARY_ROOT_PEM: String(left.rootPemPath),
      LIBRARY_CLIENT_ID: String(left.clientId),
      LIBRARY_CLIENT_SECRET: String(left.clientSecret),
      LIBRARY_PORT: String(left.port),
    },
  });
  await new Promise<void>((done, fail) => {
    const timer = setTimeout(
      () => fail(new BootError('城市证照库没有启动 — the library did not start')),
      LIBRARY_START_MS,
    );
    child.stdout?.once('data', () => {
      clearTimeout(timer);
      done();
    });
    child.once('exit', (code) => fail(new BootError(`城市证照库启动失败（${code}）— the library failed to start`)));
  });
  return () => stopChild(child);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), CHILD_STOP_MS);
  await ended;
  clearTimeout(timer);
}
