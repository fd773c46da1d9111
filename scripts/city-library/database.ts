import { readdirSync, readFileSync } from 'node:fs';
import postgres from 'postgres';

const POOL_SIZE = 8;
const CONNECT_TIMEOUT_SECONDS = 5;
const STATEMENT_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_SECONDS = 2;
const SCHEMA = 'city_library';
/** Advisory lock number; any number that no other program on this database uses. */
const MIGRATION_LOCK = 4_010_201_836;

export interface Database {
  sql: postgres.Sql;
  close(): Promise<void>;
}

/** Connects and migrates the library's tables. Throws if the database cannot be reached. */
export async function openDatabase(url: string): Promise<Database> {
  const sql = postgres(url, {
    max: POOL_SIZE,
    connect_timeout: CONNECT_TIMEOUT_SECONDS,
    onnotice: () => {},
    transform: postgres.camel,
    connection: {
      application_name: 'city-library',
      statement_timeout: STATEMENT_TIMEOUT_MS,
      search_path: SCHEMA,
      TimeZone: 'UTC',
    },
  });
  const close = () => sql.end({ timeout: CLOSE_TIMEOUT_SECONDS });
  try {
    await migrate(sql);
  } catch (error) {
    await close();
    throw error;
  }
  return { sql, close };
}

async function migrate(sql: postgres.Sql): Promise<void> {
  const folder = new URL('migrations/', import.meta.url);
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    await tx`create schema if not exists ${tx(SCHEMA)}`;
    await tx`create table if not exists migration (name text primary key, applied_at timestamptz not null default now())`;
    const applied = new Set((await tx<{ name: string }[]>`select name from migration`).map(({ name }) => name));
    for (const name of readdirSync(folder).sort()) {
      if (!name.endsWith('.sql') || applied.has(name)) continue;
      await tx.unsafe(readFileSync(new URL(name, folder), 'utf8'));
      await tx`insert into migration (name) values (${name})`;
    }
  });
}
