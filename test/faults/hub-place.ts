import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import postgres from 'postgres';
import { type EmbeddedServer, startEmbedded } from '../../db/embedded.ts';
import { toDatabaseUrl } from '../../db/migrate.ts';
import { findDemoPerson, mintToken } from '../../scripts/demo/people.ts';
import { type BootOptions, boot, type RunningHub } from '../../scripts/hub/boot.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { readDatabaseKey } from '../../scripts/hub/secrets.ts';
import { makeFolder } from '../support/database.ts';
import type { TestHub } from '../support/hub.ts';

/** Folders and databases of a real hub, to be set back, mixed and compared. */

/** Starts a hub as `npm start` does, without the library. */
export async function bootHub(dataFolder: string, options: Partial<BootOptions> = {}): Promise<RunningHub> {
  const [port, libraryPort] = [await findFreePort(), await findFreePort()];
  const place = { dataFolder, host: '127.0.0.1', port, libraryPort };
  return boot({ ...place, databaseUrl: null, withLibrary: false, say: () => {}, ...options });
}

/** Returns how tests ask a running hub. */
export function askRunning({ hub, secrets }: RunningHub): Pick<TestHub, 'ask'> {
  return {
    ask: async (person, query, variables = {}) => {
      const demoPerson = person === null ? null : findDemoPerson(person);
      const token = demoPerson && (await mintToken(demoPerson, secrets.tokenPrivateKey, new Date()));
      const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
      const response = await hub.app.inject({
        method: 'POST',
        url: '/graphql',
        headers,
        payload: { query, variables },
      });
      return { status: response.statusCode, ...response.json() };
    },
  };
}

/** A new folder for the copies of one test file. */
export function makePlace(): { path(name: string): string; remove(): void } {
  const base = mkdtempSync(join(tmpdir(), 'tongquan-place-'));
  chmodSync(base, 0o711);
  return {
    path: (name) => join(base, name),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** Copies a data folder, without the database unless it is asked for. Replaces what is at the target. */
export function copyFolder(from: string, to: string, withDatabase = false): void {
  rmSync(to, { recursive: true, force: true });
  // Keeps owners: the server of a hub that root starts runs as somebody else.
  execFileSync('cp', ['-a', from, to]);
  if (!withDatabase) rmSync(join(to, 'postgres'), { recursive: true, force: true });
}

/**
 * Copies a data folder, with its database, on which a hub started once and stopped. The run makes one: the keys of a
 * first start take ten seconds of one core.
 */
export async function copyStartedFolder(to: string): Promise<void> {
  const started = await makeFolder('started', async (folder) => {
    const running = await bootHub(folder);
    await running.stop();
  });
  copyFolder(started, to, true);
}

/** Starts the server of a stopped hub's folder, as its superuser. */
export function startServerOf(folder: string): Promise<EmbeddedServer> {
  const password = createHmac('sha256', readDatabaseKey(folder)).update('postgres').digest('base64url');
  return startEmbedded({
    folder: join(folder, 'postgres'),
    logFile: join(folder, 'server.log'),
    password,
    durable: false,
  });
}

/** Replaces the hub's database by a copy of another one on the same server. */
export async function useDatabase(adminUrl: string, source: string): Promise<void> {
  await runSql(adminUrl, async (sql) => {
    await sql`drop database if exists tongquan with (force)`;
    await sql`create database tongquan template ${sql(source)}`;
  });
}

export async function runSql<Result>(url: string, run: (sql: postgres.Sql) => Promise<Result>): Promise<Result> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await run(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** Returns the content of every table and sequence of a server, by path, and its databases and password hashes. */
export async function dumpServer(adminUrl: string): Promise<Record<string, string>> {
  const dump: Record<string, string> = {};
  const databases = await runSql(adminUrl, async (sql) => {
    const roles = await sql`select rolname, rolpassword from pg_authid order by 1`;
    dump.roles = JSON.stringify(roles);
    return sql<{ name: string }[]>`select datname as name from pg_database where not datistemplate order by 1`;
  });
  dump.databases = databases.map(({ name }) => name).join();
  for (const { name } of databases.filter((database) => ['tongquan', 'city_library'].includes(database.name))) {
    await runSql(toDatabaseUrl(adminUrl, name), async (sql) => {
      const tables = await sql<{ path: string }[]>`select format('%I.%I', schemaname, tablename) as path from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema') order by 1`;
      for (const { path } of tables) {
        const [row] = await sql.unsafe(
          `select md5(string_agg(t::text, chr(10) order by t::text)) as digest from ${path} t`,
        );
        dump[`${name} ${path}`] = String(row?.digest);
      }
      const sequences = await sql`select schemaname, sequencename, last_value from pg_sequences order by 1, 2`;
      dump[`${name} sequences`] = JSON.stringify(sequences);
    });
  }
  return dump;
}

/** Returns the digest of every file in a folder, by path. Logs and the database's own files are left out. */
export function dumpFolder(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const kept = files.map((file) => relative(folder, file)).filter((path) => !/^(postgres\/|.*\.log$)/.test(path));
  return Object.fromEntries(
    kept.sort().map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex'),
    ]),
  );
}
