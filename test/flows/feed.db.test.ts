import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type EmbeddedServer, startEmbedded } from '../../db/embedded.ts';
import { ensureDatabase } from '../../db/migrate.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { copyDatabase } from '../support/copy-database.ts';
import { toRoleUrls } from '../support/database.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createHubOn, createTestHub, type TestHub } from '../support/hub.ts';

/** The feed of changes after every table was copied into a new cluster, whose transaction ids start again. */
describe('licenseChanges in a new cluster', () => {
  const route = ROUTES.DIRECT;
  const serviceKeys = generateServiceKeys();
  let folder: string;
  let server: EmbeddedServer;
  let hub: TestHub;

  const readFeed = async (at: TestHub, after: string | null) =>
    (
      await at.ask(
        'library',
        `query($after: String) { licenseChanges(after: $after, first: 100) {
          edges { node { number revision } } pageInfo { endCursor } } }`,
        { after },
      )
    ).data.licenseChanges;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tongquan-cluster-'));
    server = await startEmbedded({
      folder: join(folder, 'postgres'),
      logFile: join(folder, 'postgres.log'),
      password: randomBytes(16).toString('hex'),
      durable: false,
    });
    hub = await createTestHub({ serviceKeys });
  });
  afterAll(async () => {
    await hub?.stop();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('is complete and in order, and goes on after each cursor, also one of release 0.4.1', async () => {
    const numbers: string[] = [];
    for (const serial of [1, 2, 3])
      numbers.push((await issueGrantedLicense(hub, route, await grantCase(hub, route), serial)).number);
    const before = await readFeed(hub, null);
    expect(before.edges.map(({ node }: { node: { number: string } }) => node.number)).toEqual(numbers);
    const oldCursor = await writeOldCursor(hub.adminUrl, numbers[1] ?? '');

    const url = await ensureDatabase(server.url, 'tongquan');
    await copyDatabase(hub.adminUrl, url, Buffer.from(inject('databaseKey'), 'hex'));
    const copy = { urls: toRoleUrls(url), adminUrl: url, drop: async () => {} };
    const restoredHub = await createHubOn(copy, { serviceKeys }, false);
    try {
      expect(await readFeed(restoredHub, null)).toEqual(before);
      const next = await issueGrantedLicense(restoredHub, route, await grantCase(restoredHub, route), 4);
      const after = await readFeed(restoredHub, before.pageInfo.endCursor);
      expect(after.edges).toEqual([{ node: { number: next.number, revision: 1 } }]);
      const whole = await readFeed(restoredHub, null);
      expect(whole.edges).toEqual([...before.edges, ...after.edges]);
      expect((await readFeed(restoredHub, oldCursor)).edges).toEqual(whole.edges.slice(2));
      const lostCursor = Buffer.from(JSON.stringify(['9', 'license:lost', '1'])).toString('base64url');
      expect((await readFeed(restoredHub, lostCursor)).edges).toEqual(whole.edges);
    } finally {
      await restoredHub.stop();
    }
  });
});

/** Writes the cursor that release 0.4.1 gave out for the first change of a license: transaction, stream, revision. */
async function writeOldCursor(adminUrl: string, number: string): Promise<string> {
  const sql = postgres(adminUrl, { max: 1 });
  const [row] = await sql`select xid::text from licenses.outbox_event where stream = ${`license:${number}`}`;
  await sql.end();
  return Buffer.from(JSON.stringify([row?.xid, `license:${number}`, '1'])).toString('base64url');
}
