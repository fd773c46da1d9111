import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { grantRoles, makeRoles } from './roles.ts';

/** The subgraphs. Each has a schema of its name, a role `tq_<name>` and a folder `db/migrations/<name>`. */
export const SUBGRAPHS = ['matters', 'cases', 'licenses', 'seals'] as const;
export type SubgraphName = (typeof SUBGRAPHS)[number];

/** Key of the advisory lock. Any constant works if every copy of the hub uses the same one. */
const MIGRATION_LOCK = 360_731;
const CONNECT_TIMEOUT_SECONDS = 5;

/**
 * Applies the migrations of every subgraph, then creates the roles and their grants. It is safe if several copies start
 * at once. It skips a subgraph without a migrations folder. Returns the names of the subgraphs that have tables.
 */
export async function migrateDatabase(adminUrl: string, databaseKey: Uint8Array): Promise<SubgraphName[]> {
  const client = postgres(adminUrl, { max: 1, onnotice: () => {}, connect_timeout: CONNECT_TIMEOUT_SECONDS });
  try {
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`;
    const migratedSubgraphs = SUBGRAPHS.filter((name) =>
      existsSync(join(resolveMigrationsFolder(name), 'meta/_journal.json')),
    );
    for (const name of migratedSubgraphs) {
      if (!createsOwnSchema(name)) await client`create schema if not exists ${client(name)}`;
      await migrate(drizzle(client), {
        migrationsFolder: resolveMigrationsFolder(name),
        migrationsSchema: 'migrations',
        migrationsTable: name,
      });
    }
    await makeRoles(client, SUBGRAPHS, databaseKey);
    await grantRoles(client, migratedSubgraphs);
    return migratedSubgraphs;
  } finally {
    await client.end({ timeout: 2 });
  }
}

/**
 * Returns whether the migrations create the schema. drizzle-kit does that only if the tables file exports the schema.
 */
function createsOwnSchema(name: SubgraphName): boolean {
  const files = readdirSync(resolveMigrationsFolder(name)).filter((file) => file.endsWith('.sql'));
  return files.some((file) =>
    readFileSync(join(resolveMigrationsFolder(name), file), 'utf8').includes(`CREATE SCHEMA "${name}"`),
  );
}

function resolveMigrationsFolder(name: SubgraphName): string {
  return fileURLToPath(new URL(`migrations/${name}`, import.meta.url));
}

/** A row of a migration in the journal that drizzle-kit writes. */
interface JournalEntry {
  when: number;
}

/** Returns the migrations of a database that this release does not have, as `<subgraph> <when>`. Only reads. */
export async function listUnknownMigrations(client: postgres.Sql): Promise<string[]> {
  const unknown: string[] = [];
  for (const name of SUBGRAPHS) {
    const [table] = await client`select to_regclass(${`migrations.${name}`}) is not null as known`;
    if (table?.known !== true) continue;
    const journal = readFileSync(join(resolveMigrationsFolder(name), 'meta/_journal.json'), 'utf8');
    const { entries } = JSON.parse(journal) as { entries: JournalEntry[] };
    const rows = await client`select created_at from migrations.${client(name)}`;
    const times = rows.map((row) => Number(row.created_at));
    unknown.push(
      ...times.filter((time) => !entries.some(({ when }) => when === time)).map((time) => `${name} ${time}`),
    );
  }
  return unknown;
}

/** Creates a database if it is missing and returns its URL. `adminUrl` may name any database of the server. */
export async function ensureDatabase(adminUrl: string, name: string): Promise<string> {
  const client = postgres(adminUrl, { max: 1, onnotice: () => {}, connect_timeout: CONNECT_TIMEOUT_SECONDS });
  try {
    const [databaseRow] = await client`select 1 from pg_database where datname = ${name}`;
    if (!databaseRow) {
      await client`create database ${client(name)} template template0 encoding 'UTF8'`;
      // Everybody may connect to a new database unless this is said.
      await client`revoke all on database ${client(name)} from public`;
    }
  } finally {
    await client.end({ timeout: 2 });
  }
  return toDatabaseUrl(adminUrl, name);
}

/** Returns the URL of another database on the same server with the same user. */
export function toDatabaseUrl(url: string, name: string): string {
  const targetUrl = new URL(url);
  targetUrl.pathname = `/${name}`;
  return targetUrl.href;
}
