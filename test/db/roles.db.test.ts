import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SUBGRAPHS } from '../../db/migrate.ts';
import { LEDGERS } from '../../db/roles.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let admin: postgres.Sql;
let tables: { schema: string; name: string }[];

beforeAll(async () => {
  database = await createTestDatabase();
  admin = postgres(database.adminUrl, { max: 1 });
  tables =
    await admin`select schemaname as schema, tablename as name from pg_tables where schemaname = any(${[...SUBGRAPHS]})`;
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

test('every table in LEDGERS exists', () => {
  expect([...LEDGERS].filter((name) => !tables.some((table) => table.name === name))).toEqual([]);
});

describe.each(SUBGRAPHS)('role of %s', (name) => {
  let sql: postgres.Sql;
  beforeAll(() => {
    sql = postgres(database.urls[name], { max: 1 });
  });
  afterAll(() => sql.end());

  test('reads its own schema and no other', async () => {
    for (const table of tables) {
      const selection = sql`select * from ${sql(`${table.schema}.${table.name}`)} limit 1`;
      if (table.schema === name) await expect(selection, table.name).resolves.toBeDefined();
      else await expect(selection, `${table.schema}.${table.name}`).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('cannot update, delete or truncate a ledger', async () => {
    const ledgers = tables.filter((table) => table.schema === name && LEDGERS.has(table.name));
    for (const table of ledgers) {
      const path = `${name}.${table.name}`;
      await expect(sql`delete from ${sql(path)}`, path).rejects.toMatchObject({ code: '42501' });
      await expect(sql`truncate ${sql(path)}`, path).rejects.toMatchObject({ code: '42501' });
      const [column] =
        await admin`select attname as name from pg_attribute where attrelid = ${path}::regclass and attnum = 1`;
      await expect(sql`update ${sql(path)} set ${sql(column?.name)} = default`, path).rejects.toMatchObject({
        code: '42501',
      });
    }
  });

  test('cannot create tables or schemas, or read the migrations', async () => {
    await expect(sql`create table public.stray (id int)`).rejects.toMatchObject({ code: '42501' });
    await expect(sql`create schema stray`).rejects.toMatchObject({ code: '42501' });
    await expect(sql`select * from migrations.${sql(name)}`).rejects.toMatchObject({ code: '42501' });
  });
});
