import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConnectionPool, connect } from '../../db/client.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { writeAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { insertAct, keepRendered } from '../../subgraphs/licenses/act/act-store.ts';
import { findFile, storeSealedFile } from '../../subgraphs/licenses/act/file-store.ts';
import { performAct } from '../../subgraphs/licenses/act/issue-workflow.ts';
import * as tables from '../../subgraphs/licenses/tables.ts';
import { createTestDatabase } from '../support/database.ts';

/** The database assembles the sealed file from the rendered file and the part that the seal changed. */

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: ConnectionPool;
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
const renderedFile = Buffer.from('a file with room for ........ and more');
beforeAll(async () => {
  database = await createTestDatabase();
  client = connect(database.urls.licenses, 'test-sealed-file');
  await client.db.transaction((tx) => insertAct(tx, { ...row, id, number: '1' }));
  await keepRendered(client.db, id, { rendered: renderedFile, code: null });
});
afterAll(async () => {
  await client.close();
  await database.drop();
});

const storeSealedPart = (part: string, from: number, digest: string) =>
  client.db.transaction((tx) =>
    storeSealedFile(
      tx,
      id,
      { part: Buffer.from(part), from },
      { digest, mediaType: 'application/pdf', number: '1', name: 'n' },
    ),
  );

test('the sealed part replaces the reserved space', async () => {
  const sealedFile = Buffer.from('a file with room for 12345678 and more');
  await storeSealedPart('12345678', 21, sha256(sealedFile));
  expect((await findFile(client.db, sha256(sealedFile)))?.bytes).toEqual(sealedFile);
});

test('a file that differs from the sealed one is not stored', async () => {
  const otherDigest = sha256(Buffer.from('a file with room for 87654321 and more'));
  await expect(storeSealedPart('87654321', 20, otherDigest)).rejects.toThrow('is not what was sealed');
  expect(await findFile(client.db, otherDigest)).toBeNull();
});

test('an act that another process finished during rendering counts as done, and nothing is sealed again', async () => {
  const actId = crypto.randomUUID();
  const statement = { actor: 'p', actorName: 'p', organ: 'o', matter: 'm', caseId: null, act: 'SUSPEND' };
  const authorisedStatement = { ...statement, contentDigest: sha256('d'), authorisedAt: new Date().toISOString() };
  const identity = generateServiceKeys().identities.licenses;
  const authorisation = await writeAuthorisation(identity, authorisedStatement);
  const suspension = { ...row, id: actId, number: '2', act: 'SUSPEND' as const, authorisation };
  const failIfCalled = async () => {
    throw new Error('asked again');
  };
  const sealedDigests = { documentDigest: sha256('document'), signatureDigest: sha256('signature') };
  const outcome = await performAct(
    {
      db: client.db,
      now: () => new Date(),
      identity,
      personSigning: async () => ({ organs: [], rpId: null, credentials: [] }),
      publicUrl: 'http://localhost',
      ...{ sign: failIfCalled, signCode: failIfCalled, picture: failIfCalled, attest: failIfCalled },
      render: () => renderedFile,
      onStep: async (step) => {
        if (step !== 'rendered') return;
        await client.db
          .update(tables.act)
          .set({ ...sealedDigests, state: 'DONE', doneAt: new Date() })
          .where(eq(tables.act.id, actId));
      },
    },
    async (tx) => ({ ...(await insertAct(tx, suspension)), authorised: {} as never }),
  );
  expect(outcome).toEqual({ identifier: 'i', waitingFor: null });
});
