import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Connected, connect } from '../../db/client.ts';
import { writeAuthorisation } from '../../subgraphs/kernel/actor.ts';
import { sha256 } from '../../subgraphs/kernel/events.ts';
import { perform } from '../../subgraphs/licenses/issue.ts';
import { insertAct, keepRendered } from '../../subgraphs/licenses/ledger.ts';
import { findFile, putSealed } from '../../subgraphs/licenses/store.ts';
import * as tables from '../../subgraphs/licenses/tables.ts';
import { testDatabase } from '../support/database.ts';

/** The database assembles the sealed file from the rendered file and the part that the seal changed. */

let database: Awaited<ReturnType<typeof testDatabase>>;
let pool: Connected;
const id = crypto.randomUUID();
const row = {
  act: 'ISSUE' as const,
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
const kept = Buffer.from('a file with room for ........ and more');
beforeAll(async () => {
  database = await testDatabase();
  pool = connect(database.urls.licenses, 'test-sealed-file');
  await pool.db.transaction((tx) => insertAct(tx, { ...row, id, number: '1' }));
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

test('the sealed part replaces the reserved space', async () => {
  const whole = Buffer.from('a file with room for 12345678 and more');
  await put('12345678', 21, sha256(whole));
  expect((await findFile(pool.db, sha256(whole)))?.bytes).toEqual(whole);
});

test('a file that differs from the sealed one is not stored', async () => {
  const other = sha256(Buffer.from('a file with room for 87654321 and more'));
  await expect(put('87654321', 20, other)).rejects.toThrow('is not what was sealed');
  expect(await findFile(pool.db, other)).toBeNull();
});

test('an act that another process finished during rendering counts as done, and nothing is sealed again', async () => {
  const act = crypto.randomUUID();
  const statement = { actor: 'p', actorName: 'p', organ: 'o', matter: 'm', caseId: null, act: 'SUSPEND' };
  const authorised = { ...statement, contentDigest: sha256('d'), authorisedAt: new Date().toISOString() };
  const authorisation = await writeAuthorisation('licenses', randomBytes(32), authorised);
  const own = { ...row, id: act, number: '2', act: 'SUSPEND' as const, authorisation };
  const never = async () => {
    throw new Error('asked again');
  };
  const sealed = { documentDigest: sha256('document'), signatureDigest: sha256('signature') };
  const outcome = await perform(
    {
      db: pool.db,
      now: () => new Date(),
      authorisationKey: randomBytes(32),
      publicUrl: 'http://localhost',
      ...{ sign: never, signCode: never, picture: never },
      render: () => kept,
      onStep: async (step) => {
        if (step !== 'rendered') return;
        await pool.db
          .update(tables.act)
          .set({ ...sealed, state: 'DONE', doneAt: new Date() })
          .where(eq(tables.act.id, act));
      },
    },
    async (tx) => ({ ...(await insertAct(tx, own)), authorised: {} as never }),
  );
  expect(outcome).toEqual({ identifier: 'i', waitingFor: null });
});
