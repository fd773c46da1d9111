import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toDatabaseUrl } from '../../db/migrate.ts';
import { UsageError } from '../evidence-files.ts';
import { HUB_DATABASE } from './check/database-state.ts';
import { readDatabaseKey } from './secrets.ts';

/**
 * Returns the database that a script reads: the one named by its option, else the hub's on the server that DATABASE_URL
 * names, as `npm start` takes it, else the embedded one. Throws UsageError if that does not run.
 */
export function findHubDatabase(option: string | undefined, serverUrl: string | undefined, folder: string): string {
  if (option !== undefined) return option;
  return serverUrl === undefined ? findRunningDatabase(folder) : toDatabaseUrl(serverUrl, HUB_DATABASE);
}

/** Returns the superuser URL of the hub's embedded database. Throws UsageError if it is not running. */
export function findRunningDatabase(folder: string): string {
  const pidFile = join(folder, 'postgres/postmaster.pid');
  if (!existsSync(pidFile))
    throw new UsageError(
      `${folder} 的数据库没有运行：先启动系统，或用 --database 指定 — the database of this folder does not run`,
    );
  const port = readFileSync(pidFile, 'utf8').split('\n')[3];
  const password = createHmac('sha256', readDatabaseKey(folder)).update('postgres').digest('base64url');
  return `postgres://postgres:${password}@127.0.0.1:${port}/${HUB_DATABASE}`;
}
