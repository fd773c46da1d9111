import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ensureDatabase, migrateDatabase, SUBGRAPHS, type SubgraphName } from '../db/migrate.ts';
import { rolePassword, roleUrl } from '../db/roles.ts';
import { createHub, type Hub } from '../gateway/hub.ts';
import type { LogSettings } from '../subgraphs/seals/index.ts';
import { openEmbedded, openForeign } from './database.ts';
import { BootError, takeFolder } from './folder.ts';
import { LIBRARY_CLIENT_ID, leaveForLibrary, prepareLibrary, startLibrary } from './peer-library.ts';
import { keyFileOf, openSecrets, requireSecretsOf, type Secrets } from './secrets.ts';
import { seed } from './seed.ts';
import { startSigner } from './signer.ts';

/** Starts and stops a whole hub on a data folder. `npm start` and `npm run demo` use it. */

export interface BootOptions {
  /** Folder of the database, the secrets and the library's settings. */
  dataFolder: string;
  port: number;
  libraryPort: number;
  /** URL of the office's own PostgreSQL, with a role that may create roles; null for the embedded one. */
  databaseUrl: string | null;
  /** False if the library is started separately (`npm run library`). */
  withLibrary: boolean;
  /** Hosts in private networks that a supervisor's webhook may use. */
  webhookHosts?: readonly string[];
  /** Authorities whose seal certificates are accepted, PEM. */
  trustedAuthorities?: readonly string[];
  /** Name and witnesses of the transparency log; its files are in the data folder. */
  log?: Pick<LogSettings, 'origin' | 'witnesses'>;
  say: (line: string) => void;
  /** Aborted if the start is no longer wanted. `boot` then stops what it has started and throws the reason. */
  signal?: AbortSignal;
}

export interface Running {
  url: string;
  libraryUrl: string;
  secrets: Secrets;
  hub: Hub;
  /** Settles when the embedded database has ended unexpectedly and will not be restarted. */
  databaseLost: Promise<void>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** Time to wait for the hub, which may still wait for a slow library or reader. Its database stops next. */
const HUB_STOP_MS = 3_000;
/** A hub that was killed a moment ago may still be releasing its ports. */
const PORT_PATIENCE_MS = 1_500;
const PORT_POLL_MS = 100;

/** Starts everything in order. If a step fails, stops everything that was started before. */
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

  // Before the database: an interrupted start must not leave a database whose keys were never created.
  const signer = await startSigner(keyFileOf(dataFolder), secrets);
  undo.push(signer.stop);

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
  const library = await prepareLibrary(dataFolder, database.url, secrets, options.signal);
  const { name: id, receiptKey, witnessKey } = library;
  // The city library is a witness too, so its data and the log cannot be changed independently of each other.
  const others = options.log?.witnesses ?? [];
  const witnesses = [{ vkey: witnessKey, url: libraryUrl }, ...others.filter((one) => one.vkey !== witnessKey)];
  const hub = await createHub({
    ...secrets,
    signer: signer.signer,
    databaseUrls: roleUrls(hubDatabase, secrets),
    publicUrl: url,
    webhookHosts: options.webhookHosts,
    trustedAuthorities: options.trustedAuthorities,
    log: { ...options.log, folder: join(dataFolder, 'log'), witnesses },
    library: { url: libraryUrl, clientId: LIBRARY_CLIENT_ID, clientSecret: secrets.librarySecret, id, receiptKey },
    onPrepared: async (seals) => {
      const told = { rootPem: await seals.rootCertificate(), logKey: await seals.logKey() };
      leaveForLibrary(dataFolder, library, secrets, { port: libraryPort, hubUrl: url, ...told });
      if (!options.withLibrary) return;
      say('市电子证照库（参考实现）reference city library …');
      undo.push(await startLibrary(dataFolder));
    },
  });
  undo.push(() => Promise.race([hub.stop(), pause(HUB_STOP_MS, undefined, { ref: false })]));
  say('事项、印章、空白证照 matters, seals, blanks …');
  const seeded = await seed(hub);
  say(`${seeded.matters} 个事项 matters，${seeded.seals} 枚印章 seals`);

  options.signal?.throwIfAborted();
  await hub.app.listen({ host: HOST, port });
  return { url, libraryUrl, secrets, hub, databaseLost: database.lost };
}

/** Throws BootError unless the port is free. Checked first, so that no hub is left half started. */
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

/** Returns null if the port is available, otherwise the system's error code. */
function tryPort(port: number): Promise<string | null> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    probe.listen({ host: HOST, port }, () => probe.close(() => done(null)));
  });
}

function roleUrls(adminUrl: string, { databaseKey }: Secrets): Record<SubgraphName, string> {
  const entries = SUBGRAPHS.map((name) => {
    const role = `tq_${name}`;
    return [name, roleUrl(adminUrl, role, rolePassword(databaseKey, role))] as const;
  });
  return Object.fromEntries(entries) as Record<SubgraphName, string>;
}
