import postgres from 'postgres';
import { migrateDatabase, SUBGRAPHS } from '../../db/migrate.ts';

/**
 * Copies the rows of every table of a hub into an empty database, which may be of another cluster, and sets its
 * sequences, as `pg_dump` and `pg_restore` do. Roles of the target cluster get passwords of `databaseKey`.
 */
export async function copyDatabase(sourceUrl: string, targetUrl: string, databaseKey: Uint8Array): Promise<void> {
  await migrateDatabase(targetUrl, databaseKey);
  const source = postgres(sourceUrl, { max: 1, onnotice: () => {} });
  const target = postgres(targetUrl, { max: 1, onnotice: () => {} });
  try {
    await target`set session_replication_role = replica`;
    const tables = await source<{ path: string }[]>`select format('%I.%I', schemaname, tablename) as path
      from pg_tables where schemaname in ${source([...SUBGRAPHS])}`;
    await target.unsafe(`truncate ${tables.map(({ path }) => path).join(', ')}`);
    for (const { path } of tables) {
      const [copy] = await source.unsafe(`select coalesce(json_agg(t), '[]')::text as rows from ${path} t`);
      const rows = `json_populate_recordset(null::${path}, $1::text::json)`;
      await target.unsafe(`insert into ${path} overriding system value select * from ${rows}`, [copy?.rows]);
    }
    const sequences = await source<{ path: string; last: string }[]>`
      select format('%I.%I', schemaname, sequencename) as path, last_value as last from pg_sequences
      where schemaname in ${source([...SUBGRAPHS])} and last_value is not null`;
    for (const { path, last } of sequences) await target`select setval(${path}, ${last})`;
  } finally {
    await source.end();
    await target.end();
  }
}
