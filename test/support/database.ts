import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { databaseUrl, SUBGRAPHS, type SubgraphName } from '../../db/migrate.ts';
import { rolePassword, roleUrl } from '../../db/roles.ts';
import { TEMPLATE } from './postgres-setup.ts';

export interface TestDatabase {
  /** URL per subgraph, each with the rights of its own role alone. */
  urls: Record<SubgraphName, string>;
  /** The superuser's URL of the same database. */
  adminUrl: string;
  drop(): Promise<void>;
}

/** A migrated database of this test file's own, cloned from the run's template. */
export async function testDatabase(): Promise<TestDatabase> {
  const { url, drop } = await create(`tongquan_${shortId()}`, TEMPLATE);
  const databaseKey = Buffer.from(inject('databaseKey'), 'hex');
  const entries = SUBGRAPHS.map((name) => {
    const role = `tq_${name}`;
    return [name, roleUrl(url, role, rolePassword(databaseKey, role))] as const;
  });
  return { urls: Object.fromEntries(entries) as Record<SubgraphName, string>, adminUrl: url, drop };
}

/** An empty database; `url` is the superuser's. */
export function scratchDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return create(`scratch_${shortId()}`, 'template0');
}

function shortId(): string {
  return randomUUID().slice(0, 8);
}

async function create(name: string, template: string): Promise<{ url: string; drop(): Promise<void> }> {
  const adminUrl = inject('postgresUrl');
  await asAdmin(adminUrl, (sql) => sql`create database ${sql(name)} template ${sql(template)}`);
  return {
    url: databaseUrl(adminUrl, name),
    drop: () => asAdmin(adminUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`),
  };
}

async function asAdmin(url: string, run: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await run(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}
