import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../evidence-files.ts';
import { readDatabaseKey } from './secrets.ts';

/** Returns the superuser URL of the hub's embedded database. Throws UsageError if it is not running. */
export function findRunningDatabase(folder: string): string {
  const pidFile = join(folder, 'postgres/postmaster.pid');
  if (!existsSync(pidFile))
    throw new UsageError(
      `${folder} 的数据库没有运行：先启动系统，或用 --database 指定 — the database of this folder does not run`,
    );
  const port = readFileSync(pidFile, 'utf8').split('\n')[3];
  const password = createHmac('sha256', readDatabaseKey(folder)).update('postgres').digest('base64url');
  return `postgres://postgres:${password}@127.0.0.1:${port}/tongquan`;
}
