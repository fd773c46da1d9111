import { randomUUID } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { inject } from 'vitest';
import { SUBGRAPHS, type SubgraphName, toDatabaseUrl } from '../../db/migrate.ts';
import { deriveRolePassword, toRoleUrl } from '../../db/roles.ts';
import { TEMPLATE } from './postgres-setup.ts';

export interface TestDatabase {
  /** URL per subgraph, with only the rights of its own role. */
  urls: Record<SubgraphName, string>;
  /** The superuser's URL of the same database. */
  adminUrl: string;
  drop(): Promise<void>;
}

/** Creates a migrated database for one test file. It is cloned from the run's template or one of `makeTemplate`. */
export async function createTestDatabase(template: string = TEMPLATE): Promise<TestDatabase> {
  const { url, drop } = await createDatabase(`tongquan_${createShortId()}`, template);
  return { urls: toRoleUrls(url), adminUrl: url, drop };
}

/** Returns the URL of each role in a database of the run, or of another cluster with the passwords of the run. */
export function toRoleUrls(url: string): Record<SubgraphName, string> {
  const databaseKey = Buffer.from(inject('databaseKey'), 'hex');
  const entries = SUBGRAPHS.map((name) => {
    const role = `tq_${name}`;
    return [name, toRoleUrl(url, role, deriveRolePassword(databaseKey, role))] as const;
  });
  return Object.fromEntries(entries) as Record<SubgraphName, string>;
}

/** Any constants work. Workers of one run that need the same template, or folder, wait for the first. */
const TEMPLATE_LOCK = 7_310_001;
const FOLDER_LOCK = 7_310_002;

/** Fills a clone of a template once per run. Returns its name, for `createTestDatabase`. */
export async function makeTemplate(
  name: string,
  fill: (database: TestDatabase) => Promise<void>,
  sourceTemplate: string = TEMPLATE,
): Promise<string> {
  await runAsAdmin(inject('postgresUrl'), async (sql) => {
    await sql`select pg_advisory_lock(${TEMPLATE_LOCK})`;
    const [templateRow] = await sql`select 1 from pg_database where datname = ${name}`;
    if (templateRow) return;
    const { url, drop } = await createDatabase(`${name}_filling`, sourceTemplate);
    await fill({ urls: toRoleUrls(url), adminUrl: url, drop });
    await sql`alter database ${sql(`${name}_filling`)} rename to ${sql(name)}`;
  });
  return name;
}

/** Fills a folder once per run. Returns its path, for copies. */
export async function makeFolder(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(inject('runFolder'), name);
  const unfinished = `${folder}.filling`;
  await runAsAdmin(inject('postgresUrl'), async (sql) => {
    await sql`select pg_advisory_lock(${FOLDER_LOCK})`;
    if (existsSync(folder)) return;
    rmSync(unfinished, { recursive: true, force: true });
    await fill(unfinished);
    renameSync(unfinished, folder);
  });
  return folder;
}

/** Creates an empty database. `url` is the superuser's. */
export function createScratchDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return createDatabase(`scratch_${createShortId()}`, 'template0');
}

function createShortId(): string {
  return randomUUID().slice(0, 8);
}

async function createDatabase(name: string, template: string): Promise<{ url: string; drop(): Promise<void> }> {
  const adminUrl = inject('postgresUrl');
  await runAsAdmin(adminUrl, (sql) => sql`create database ${sql(name)} template ${sql(template)}`);
  return {
    url: toDatabaseUrl(adminUrl, name),
    drop: () => runAsAdmin(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`),
  };
}

async function runAsAdmin(url: string, run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await run(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
