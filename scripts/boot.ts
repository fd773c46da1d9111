import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { databaseUrl, ensureDatabase, migrateDatabase, SUBGRAPHS, type SubgraphName } from '../db/migrate.ts';
import { makeRole, rolePassword, roleUrl } from '../db/roles.ts';
import { createHub, type Hub } from '../gateway/hub.ts';
import type { LogSettings } from '../subgraphs/seals/index.ts';
import { openEmbedded, openForeign } from './database.ts';
import { BootError, takeFolder } from './folder.ts';
import { keyFileOf, openSecrets, type Secrets } from './secrets.ts';
import { seed } from './seed.ts';
import { startSigner } from './signer.ts';

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
  /** Hosts in private networks that a supervisor's webhook may name. */
  webhookHosts?: readonly string[];
  /** Authorities whose certificates of seals are taken, PEM. */
  trustedAuthorities?: readonly string[];
  /** Name and witnesses of the transparency log; its files stand in the data folder. */
  log?: Pick<LogSettings, 'origin' | 'witnesses'>;
  say: (line: string) => void;
  /** Aborted where the start is no longer wanted: what was started is stopped, and `boot` throws the reason. */
  signal?: AbortSignal;
}

export interface Running {
  url: string;
  libraryUrl: string;
  secrets: Secrets;
  hub: Hub;
  /** Settles when the embedded database is gone for good without having been asked. */
  databaseLost: Promise<void>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const LIBRARY_DATABASE = 'city_library';
const LIBRARY_ROLE = 'tq_city_library';
const LIBRARY_CLIENT_ID = 'tongquan-hub';
const LIBRARY_START_MS = 15_000;
const CHILD_STOP_MS = 2_000;
/** A hub that still waits for a slow library or reader is left behind: its database goes next. */
const HUB_STOP_MS = 3_000;
/** A hub that was killed a moment ago may still be letting go of its ports. */
const PORT_PATIENCE_MS = 1_500;
const PORT_POLL_MS = 100;

/** Starts everything in order; whatever fails, what was started before is stopped again. */
export async function boot(options: BootOptions): Promise<Running> {
  const undo: (() => Promise<void>)[] = [];
  let stopped = Promise.resolve();
  const stop = () => {
    stopped = stopped.then(async () => {
      for (let step = undo.pop(); step; step = undo.pop()) await step();
    });
    return stopped;
  };
  const abort = () => void stop();
  options.signal?.addEventListener('abort', abort);
  try {
    const running = await bootAll(options, undo);
    options.signal?.throwIfAborted();
    return { ...running, stop };
  } catch (error) {
    await stop();
    throw options.signal?.aborted ? options.signal.reason : error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

async function bootAll(options: BootOptions, undo: (() => Promise<void>)[]): Promise<Omit<Running, 'stop'>> {
  const { port, libraryPort } = options;
  const say = (line: string) => {
    options.signal?.throwIfAborted();
    options.say(line);
  };
  const dataFolder = resolve(options.dataFolder);
  await requireFree(port, 'PORT');
  if (options.withLibrary) await requireFree(libraryPort, 'LIBRARY_PORT');
  undo.push(takeFolder(dataFolder));
  requireSecretsOf(dataFolder);
  const secrets = openSecrets(dataFolder);

  say('数据库 database …');
  const { databaseUrl: foreign } = options;
  const database = await (foreign === null ? openEmbedded(dataFolder, secrets) : openForeign(foreign));
  undo.push(() => database.stop());
  say('结构 migrations …');
  const hubDatabase = await ensureDatabase(database.url, 'tongquan');
  await migrateDatabase(hubDatabase, secrets.databaseKey);

  say('网关和四个子图 gateway and four subgraphs …');
  const url = `http://${HOST}:${port}`;
  const libraryUrl = `http://${HOST}:${libraryPort}`;
  const signer = await startSigner(keyFileOf(dataFolder), secrets);
  undo.push(signer.stop);
  const hub = await createHub({
    ...secrets,
    signer: signer.signer,
    databaseUrls: roleUrls(hubDatabase, secrets),
    publicUrl: url,
    webhookHosts: options.webhookHosts,
    trustedAuthorities: options.trustedAuthorities,
    log: { ...options.log, folder: join(dataFolder, 'log') },
    library: { url: libraryUrl, clientId: LIBRARY_CLIENT_ID, clientSecret: secrets.librarySecret },
  });
  undo.push(() => Promise.race([hub.stop(), pause(HUB_STOP_MS, undefined, { ref: false })]));
  say('事项、印章、空白证照 matters, seals, blanks …');
  const seeded = await seed(hub);
  say(`${seeded.matters} 个事项 matters，${seeded.seals} 枚印章 seals`);

  await leaveForLibrary(dataFolder, database.url, secrets, libraryPort, await hub.seals.rootCertificate());
  if (options.withLibrary) {
    say('市电子证照库（参考实现）reference city library …');
    undo.push(await startLibrary(dataFolder));
  }
  options.signal?.throwIfAborted();
  await hub.app.listen({ host: HOST, port });
  return { url, libraryUrl, secrets, hub, databaseLost: database.lost };
}

/** The port must be free before anything is started; a clear word now beats half a hub later. */
async function requireFree(port: number, variable: string): Promise<void> {
  for (const end = Date.now() + PORT_PATIENCE_MS; ; await pause(PORT_POLL_MS)) {
    const code = await tryPort(port);
    if (code === null) return;
    if (code !== 'EADDRINUSE' || Date.now() > end) {
      throw new BootError(
        `端口 ${port} 不可用（${code}），可用 ${variable} 另选 — port ${port} is taken, choose another by ${variable}`,
      );
    }
  }
}

/** Null where the port can be listened on, else the system's code for why not. */
function tryPort(port: number): Promise<string | null> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    probe.listen({ host: HOST, port }, () => probe.close(() => done(null)));
  });
}

/** New secrets would open neither the database nor a seal's key: a folder that lost them must not be given others. */
function requireSecretsOf(folder: string): void {
  if (!existsSync(join(folder, 'postgres/PG_VERSION'))) return;
  const secrets = join(folder, 'secrets.json');
  const keys = keyFileOf(folder);
  // Up to 0.3 the hub's secrets held the key-encryption key.
  const held = existsSync(secrets) && readFileSync(secrets, 'utf8').includes('"keyEncryptionKey"');
  const missing = !existsSync(secrets) ? secrets : !existsSync(keys) && !held ? keys : null;
  if (missing === null) return;
  throw new BootError(`${missing} 不见了，请从备份恢复 — the secrets of this data folder are missing, restore them`);
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
