import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connected, connect } from '../../db/client.ts';
import { sha256 } from '../../subgraphs/kernel/events.ts';
import { insertAct, keepRendered } from '../../subgraphs/licenses/ledger.ts';
import { findFile, putSealed } from '../../subgraphs/licenses/store.ts';
import { testDatabase } from '../support/database.ts';

/** The sealed file is put together in the database, from what was kept and what the seal changed of it. */

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Connected;
const id = crypto.randomUUID();
const kept = Buffer.from('a file with room for ........ and more');
beforeAll(async () => {
  database = await testDatabase();
  pool = connect(database.urls.licenses, 'test-sealed-file');
  const row = {
    id,
    act: 'ISSUE' as const,
    number: '1',
    version: 1,
    identifier: 'i',
    stateAfter: 'VALID' as const,
    record: {} as never,
    contentDigest: 'd',
    authorisation: 'a',
    organ: {} as never,
    matterId: 'm',
    actorId: 'p',
    actor: 'p',
    preparedAt: new Date(),
  };
  await pool.db.transaction((tx) => insertAct(tx, row));
  await keepRendered(pool.db, id, { rendered: kept, code: null });
});
afterAll(async () => {
  await pool.close();
  await database.drop();
});

const put = (part: string, from: number, digest: string) =>
  pool.db.transaction((tx) =>
    putSealed(
      tx,
      id,
      { part: Buffer.from(part), from },
      { digest, mediaType: 'application/pdf', number: '1', name: 'n' },
    ),
  );

test('the part stands where the room was', async () => {
  const whole = Buffer.from('a file with room for 12345678 and more');
  await put('12345678', 21, sha256(whole));
  expect((await findFile(pool.db, sha256(whole)))?.bytes).toEqual(whole);
});

test('what is not the file that was sealed is not stored', async () => {
  const other = sha256(Buffer.from('a file with room for 87654321 and more'));
  await expect(put('87654321', 20, other)).rejects.toThrow('is not what was sealed');
  expect(await findFile(pool.db, other)).toBeNull();
});
