import { readdirSync, readFileSync } from 'node:fs';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Migration of a release 0.4 database: reads of materials become readings, in their order, with the reader's words. */

let database: TestDatabase;
let sql: postgres.Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  await sql`drop schema cases cascade`;
  await sql`create schema cases`;
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

const folder = new URL('../../db/migrations/cases/', import.meta.url);
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.sql'))
  .sort();
const place = files.findIndex((file) => file.endsWith('_reading.sql'));

async function migrate(from: number, to: number): Promise<void> {
  for (const file of files.slice(from, to))
    await sql.unsafe(readFileSync(new URL(file, folder), 'utf8').replaceAll('--> statement-breakpoint', ''));
}

test('every read of a material is kept, and new readings follow', async () => {
  await migrate(0, place);
  const caseId = crypto.randomUUID();
  const uploadId = crypto.randomUUID();
  const digest = '0'.repeat(64);
  await sql`insert into cases.case_file (id, number, matter_id, division_code, matter, delegation, applicant_name,
    applicant_code_kind, applicant_code, fields, parties, step, closed, waits_organs, rests_since, requested_by,
    request_digest)
    values (${caseId}, '3607312026112900001', 'm', '360731', '{}', '{}', '某人', 'CITIZEN_NUMBER', '11010519491231002X',
    '[]', array['o'], 'ACCEPTED', false, array['o'], now(), 'x', ${digest})`;
  await sql`insert into cases.material_file (digest, media_type, size_bytes, state, tried_at, bytes)
    values (${digest}, 'application/pdf', 1, 'READY', now(), '\\x00')`;
  await sql`insert into cases.material_upload (id, digest, name, uploader_id, uploaded_at)
    values (${uploadId}, ${digest}, '图纸.pdf', 'x', now())`;
  for (const [reader, purpose] of [
    ['甲', null],
    ['乙', '核对图纸'],
  ] as const)
    await sql`insert into cases.material_read (upload_id, case_id, reader_id, reader, organ, purpose, at)
      values (${uploadId}, ${caseId}, ${`id of ${reader}`}, ${reader}, 'o', ${purpose}, '2026-11-01T00:00:00Z')`;
  await migrate(place, files.length);

  const common = { subject: caseId, number: '3607312026112900001', holder_code: '11010519491231002X' };
  const object = { object: 'MATERIAL', object_id: uploadId, purpose: null, delivery: null, organ: 'o' };
  expect(await sql`select * from cases.reading order by serial`).toEqual([
    expect.objectContaining({ ...common, ...object, serial: '1', reader: '甲', reader_id: 'id of 甲', remark: null }),
    expect.objectContaining({ ...common, ...object, serial: '2', reader: '乙', remark: '核对图纸' }),
  ]);
  const [next] =
    await sql`insert into cases.reading (subject, number, holder_code, object, object_id, reader_id, reader,
    at) values ('s', 'n', 'c', 'CODE', 'o', 'r', 'r', now()) returning serial`;
  expect(next?.serial).toBe('3');
});
