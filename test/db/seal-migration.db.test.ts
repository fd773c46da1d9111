import { readdirSync, readFileSync } from 'node:fs';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Migration of a release 0.3 database: keys become the first generation, matters become open grants. */

let database: TestDatabase;
let sql: postgres.Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  await sql`drop schema seals cascade`;
  await sql`drop schema licenses cascade`;
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

async function migrate(name: string, from: number, to: number): Promise<void> {
  const folder = new URL(`../../db/migrations/${name}/`, import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  for (const file of files.sort().slice(from, to)) {
    await sql.unsafe(readFileSync(new URL(file, folder), 'utf8').replaceAll('--> statement-breakpoint', ''));
  }
}

test('the seals schema keeps keys, certificates and grants', async () => {
  await sql`create schema if not exists seals`;
  await migrate('seals', 0, 5);
  await sql`insert into seals.seal (id, organ, name, kind, state, suite, valid_from, valid_until, certificate_pem, encrypted_key)
    values ('s', 'o', '某机关证照专用章', 'LICENSE_SEAL', 'IN_USE', 'x', now(), now(), 'PEM', '\\x01')`;
  await sql`insert into seals.seal_code_key values ('s', 'CODE', '\\x02')`;
  await sql`insert into seals.seal_grant values ('s', 'm1'), ('s', 'm2')`;
  await migrate('seals', 5, 6);
  const [certificate] = await sql`select * from seals.seal_certificate`;
  expect(certificate).toMatchObject({ seal_id: 's', generation: 1, certificate_pem: 'PEM', above: null });
  expect(certificate?.encrypted_key).toEqual(Buffer.from([1]));
  expect(await sql`select generation, certificate_pem from seals.seal_code_key`).toEqual([
    { generation: 1, certificate_pem: 'CODE' },
  ]);
  const openGrant = { seal_id: 's', person_id: null, valid_from: null, valid_to: null };
  expect(await sql`select * from seals.seal_grant order by matter_id`).toMatchObject([
    { matter_id: 'm1', ...openGrant },
    { matter_id: 'm2', ...openGrant },
  ]);
});

test('the licenses schema keeps its seal facts', async () => {
  await sql`create schema if not exists licenses`;
  await migrate('licenses', 0, 3);
  const sealRow = ['IN_USE', '某机关证照专用章'];
  await sql`insert into licenses.seal_fact (seal_id, organ, state, name, valid_from, valid_until, matters)
    values ('s', 'o', ${sealRow[0] ?? ''}, ${sealRow[1] ?? ''}, now(), now(), array['m1', 'm2']), ('t', 'o', 'ENDED', 'x', now(), now(), array[]::text[])`;
  await migrate('licenses', 3, 4);
  const openGrant = { person: null, from: null, to: null };
  expect(await sql`select seal_id, grants from licenses.seal_fact order by 1`).toEqual([
    {
      seal_id: 's',
      grants: [
        { matter: 'm1', ...openGrant },
        { matter: 'm2', ...openGrant },
      ],
    },
    { seal_id: 't', grants: [] },
  ]);
});
