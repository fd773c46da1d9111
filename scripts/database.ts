import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { type Embedded, type EmbeddedOptions, startEmbedded } from '../db/embedded.ts';
import { BootError } from './folder.ts';
import type { Secrets } from './secrets.ts';

/** The database that a start found or brought up. */
export interface OpenDatabase {
  /** URL of a role that may make databases and roles. */
  url: string;
  /** Settles when the database is gone for good without having been asked. */
  lost: Promise<void>;
  stop(): Promise<void>;
}

const CONNECT_TIMEOUT_SECONDS = 5;
/** A server that ends more often than this within the window has a reason that another start does not mend. */
const RESTART_LIMIT = 3;
const RESTART_WINDOW_MS = 60_000;
/** What a server that was killed leaves behind (shared memory, children) is gone after this. */
const RESTART_PAUSE_MS = 200;

/** Brings up the embedded PostgreSQL in a data folder, and again on its port whenever it ends unasked. */
export async function openEmbedded(dataFolder: string, { databaseKey }: Secrets): Promise<OpenDatabase> {
  const options: EmbeddedOptions = {
    folder: join(dataFolder, 'postgres'),
    logFile: join(dataFolder, 'postgres.log'),
    password: createHmac('sha256', databaseKey).update('postgres').digest('base64url'),
  };
  let server = await startEmbedded(options);
  let stopping = false;
  const keep = async () => {
    const ends: number[] = [];
    for (;;) {
      await server.ended;
      if (stopping) return new Promise<void>(() => {});
      console.error('数据库意外停止，正在重新启动 — the database ended unexpectedly and is started again');
      ends.push(Date.now());
      if (ends.filter((at) => at > Date.now() - RESTART_WINDOW_MS).length > RESTART_LIMIT) return;
      server = await restart(options, server);
    }
  };
  const lost = keep().catch((error) => console.error(error instanceof Error ? error.message : error));
  const stop = async () => {
    stopping = true;
    await server.stop();
  };
  return { url: server.url, lost, stop };
}

async function restart(options: EmbeddedOptions, { port }: Embedded): Promise<Embedded> {
  await pause(RESTART_PAUSE_MS);
  return startEmbedded({ ...options, port });
}

/** A PostgreSQL of the office's own; it is not ours to stop. Throws BootError where it cannot be reached. */
export async function openForeign(url: string): Promise<OpenDatabase> {
  let client: postgres.Sql | null = null;
  try {
    client = postgres(url, { max: 1, connect_timeout: CONNECT_TIMEOUT_SECONDS, onnotice: () => {} });
    await client`select 1`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    throw new BootError(`DATABASE_URL 无法连接 — cannot be reached: ${code ?? message}`);
  } finally {
    await client?.end({ timeout: 1 }).catch(() => {});
  }
  return { url, lost: new Promise(() => {}), stop: async () => {} };
}
