import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lost } from '../../scripts/resume/lost.ts';
import { SERIES } from '../../scripts/resume/series.ts';
import { createTestDatabase } from '../support/database.ts';

/** A hub that was set back gives no statement a revision that the city library has, also if it has lost the stream. */

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let sql: postgres.Sql;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

test('statements go on after the revisions that receipts name', async () => {
  await sql`insert into licenses.outbox_stream (stream, head) values ('register:1', 1), ('license:1', 1), ('register:3', 4)`;
  await sql`insert into licenses.outbox_delivery (consumer, stream, head, delivered)
    values ('library-statements', 'register:1', 1, 0), ('library', 'license:1', 1, 1),
      ('library-statements', 'register:3', 4, 4), ('cases', 'register:3', 4, 4)`;
  await sql`insert into cases.inbox (producer, stream, revision) values ('licenses', 'register:3', 4)`;
  const receipts = [
    ...['register:1', 'register:2', 'license:1', 'license:9'].map((stream) => ({ stream, revision: 3 })),
    { stream: 'register:3', revision: 2 },
  ];
  const lost: Lost = { leaves: [], uses: [], orphanUses: [], sealEvents: [], receipts };
  const series = SERIES.find(({ name }) => name.includes('city library'));
  await sql.begin((tx) => series?.skip(tx, { lost, collected: [], from: '2026-01-01', today: '2026-01-02' }));
  const rows = await sql`select s.stream, s.head, d.consumer, d.head as due, d.delivered
    from licenses.outbox_stream s left join licenses.outbox_delivery d using (stream) order by 1, 3`;
  const statements = 'library-statements';
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { stream: 'license:1', head: 3, consumer: 'library', due: 3, delivered: 3 },
    { stream: 'register:1', head: 3, consumer: 'cases', due: 3, delivered: 3 },
    { stream: 'register:1', head: 3, consumer: statements, due: 3, delivered: 3 },
    { stream: 'register:2', head: 3, consumer: 'cases', due: 3, delivered: 3 },
    { stream: 'register:2', head: 3, consumer: statements, due: 3, delivered: 3 },
    { stream: 'register:3', head: 4, consumer: 'cases', due: 4, delivered: 4 },
    { stream: 'register:3', head: 4, consumer: statements, due: 4, delivered: 4 },
  ]);
  const inbox = await sql`select stream, revision from cases.inbox order by 1`;
  expect(inbox.map((row) => ({ ...row }))).toEqual([
    { stream: 'register:1', revision: 3 },
    { stream: 'register:2', revision: 3 },
    { stream: 'register:3', revision: 4 },
  ]);
});
