import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../../db/embedded.ts';
import { BootError } from './folder.ts';
import type { Secrets } from './secrets.ts';

/** The database that a start found or started. */
export interface OpenDatabase {
  /** URL of a role that may create databases and roles. */
  url: string;
  /** Settles when the database has ended unexpectedly and will not be restarted. */
  lost: Promise<void>;
  stop(): Promise<void>;
}

const CONNECT_TIMEOUT_SECONDS = 5;
/** SQLSTATE of PostgreSQL. */
const WRONG_PASSWORD = '28P01';
/** A server that ends more often than this within the window has a fault that a restart does not fix. */
const MAX_RESTARTS = 3;
const RESTART_WINDOW_MS = 60_000;
/** After this pause the remains of a killed server (shared memory, children) are gone. */
const RESTART_PAUSE_MS = 200;

/** Starts the embedded PostgreSQL in a data folder. Restarts it on the same port whenever it ends unexpectedly. */
export async function openEmbedded(dataFolder: string, { databaseKey }: Secrets): Promise<OpenDatabase> {
  const options: EmbeddedOptions = {
    folder: join(dataFolder, 'postgres'),
    logFile: join(dataFolder, 'postgres.log'),
    password: createHmac('sha256', databaseKey).update('postgres').digest('base64url'),
  };
  let server = await startEmbedded(options);
  let isStopping = false;
  const keepRunning = async () => {
    const endTimes: number[] = [];
    for (;;) {
      await server.ended;
      if (isStopping) return new Promise<void>(() => {});
      console.error('数据库意外停止，正在重新启动 — the database ended unexpectedly and is started again');
      endTimes.push(Date.now());
      if (endTimes.filter((at) => at > Date.now() - RESTART_WINDOW_MS).length > MAX_RESTARTS) return;
      server = await restart(options, server);
    }
  };
  const lost = keepRunning().catch((error) => console.error(error instanceof Error ? error.message : error));
  const stop = async () => {
    isStopping = true;
    await server.stop();
  };
  return { url: server.url, lost, stop };
}

async function restart(options: EmbeddedOptions, { port }: EmbeddedServer): Promise<EmbeddedServer> {
  await pause(RESTART_PAUSE_MS);
  return startEmbedded({ ...options, port });
}

/** Connects to the office's own PostgreSQL; `stop` does not stop it. Throws BootError if it cannot be reached. */
export async function openForeign(url: string): Promise<OpenDatabase> {
  let client: postgres.Sql | null = null;
  try {
    client = postgres(url, { max: 1, connect_timeout: CONNECT_TIMEOUT_SECONDS, onnotice: () => {} });
    await client`select 1`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === WRONG_PASSWORD) throw new BootError(`DATABASE_URL 的密码被拒绝 — password refused (${code})`);
    throw new BootError(`DATABASE_URL 无法连接 — cannot be reached: ${code ?? message}`);
  } finally {
    await client?.end({ timeout: 1 }).catch(() => {});
  }
  return { url, lost: new Promise(() => {}), stop: async () => {} };
}
