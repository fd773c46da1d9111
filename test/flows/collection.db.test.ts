import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES, toBlankNumber } from '../support/flow.ts';
import { createHubOn, createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { findRefusalOfAct } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

const route = ROUTES.DIRECT;

describe('collection into the city library', () => {
  let hub: TestHub;
  let library: Awaited<ReturnType<typeof createTestLibrary>>;
  let root: string;
  beforeAll(async () => {
    library = await createTestLibrary();
    hub = await createTestHub({ library: library.settings });
    root = await hub.hub.seals.rootCertificate();
  });
  afterAll(async () => {
    await hub?.stop();
    await library?.stop();
  });

  const readCollection = async (identifier: string) => {
    const query =
      'query($id: ID!) { license(identifier: $id) { collection { state attempts collectedAt lastError } } }';
    return (await hub.ask('auditor', query, { id: identifier })).data.license.collection;
  };

  /** Returns the state of the duty for a refused collection: open, closed, or null if there is none. */
  const dutyOf = async (identifier: string): Promise<string | null> => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    const [row] =
      await sql`select closed_at from cases.duty where kind = 'COLLECTION_REFUSED' and identifier = ${identifier}`;
    await sql.end();
    return row ? (row.closed_at === null ? 'open' : 'closed') : null;
  };

  test('the hub retries while the library is unavailable, and a clerk can redrive the collection', async () => {
    const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 1);
    const pendingCollection = await waitUntil('an attempt has failed', async () => {
      const current = await readCollection(license.identifier);
      return current.attempts > 0 && current;
    });
    expect(pendingCollection).toMatchObject({
      state: 'PENDING',
      collectedAt: null,
      lastError: expect.stringContaining('无法连接'),
    });
    await library.open(root);
    const redrive = (person: string) =>
      findRefusalCode(hub, person, 'redriveCollection', 'RedriveCollectionInput', { identifier: license.identifier });
    expect(await redrive('window-xingguo')).toBe('ORGAN_WITHOUT_POWER');
    expect([null, 'COLLECTION_NOT_FAILED']).toContain(await redrive(route.prints));
    await waitUntil('it is collected', async () => (await readCollection(license.identifier)).state === 'COLLECTED');
    expect(await redrive(route.prints)).toBe('COLLECTION_NOT_FAILED');
    const [copy] = await library.copies();
    expect(copy).toMatchObject({
      identifier: license.identifier,
      document_digest: license.document.digest,
      state: 'VALID',
    });
  });

  test('acts arrive in order, and a restarted library continues where it stopped', async () => {
    const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 2);
    await waitUntil(
      'the first is collected',
      async () => (await readCollection(license.identifier)).state === 'COLLECTED',
    );
    await library.close();
    const refusalOfAct = (name: string) => findRefusalOfAct(hub, 'yudu-lyj', name, { identifier: license.identifier });
    for (const name of ['suspend', 'restore', 'revoke']) expect(await refusalOfAct(name)).toBeNull();
    await library.open(root);
    const copy = await waitUntil('the last act arrived', async () => {
      const libraryCopy = (await library.copies()).find((entry) => entry.identifier === license.identifier);
      return libraryCopy?.state === 'REVOKED' && libraryCopy;
    });
    expect(copy).toBeTruthy();
  });

  test('a library that trusts another root refuses until it is corrected and a clerk redrives', async () => {
    await library.close();
    // With its own key this hub has its own PKI. Otherwise all hubs of a test run share one PKI.
    const otherHub = await createHubOn(await createTestDatabase(), { keyEncryptionKey: randomBytes(32) }, false);
    await library.open(await otherHub.hub.seals.rootCertificate());
    await otherHub.stop();
    const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 3);
    const failedCollection = await waitUntil('it is refused', async () => {
      const current = await readCollection(license.identifier);
      return current.state === 'FAILED' && current;
    });
    expect(failedCollection.lastError).toContain('拒收');
    await waitUntil('somebody is shown it', async () => (await dutyOf(license.identifier)) === 'open');
    await library.close();
    await library.open(root);
    expect(
      await findRefusalCode(hub, route.prints, 'redriveCollection', 'RedriveCollectionInput', {
        identifier: license.identifier,
      }),
    ).toBeNull();
    await waitUntil('it is collected', async () => (await readCollection(license.identifier)).state === 'COLLECTED');
    await waitUntil('nobody is shown it any more', async () => (await dutyOf(license.identifier)) === 'closed');
  });

  test('the feed misses nothing if an older transaction commits later; files are served by digest', async () => {
    const query =
      'query($after: String) { licenseChanges(after: $after, first: 100) { edges { node { number revision act documentDigest signatureDigest } } pageInfo { endCursor hasNextPage } } }';
    const readChanges = async (after: string | null) =>
      (await hub.ask('library', query, { after })).data.licenseChanges;
    const sql = postgres(hub.adminUrl, { max: 2 });
    const pageBefore = await waitUntil('the feed has settled', async () => {
      const page = await readChanges(null);
      return page.edges.length >= 6 && page;
    });
    const olderTransaction = await sql.reserve();
    await olderTransaction`begin`;
    // The older transaction writes first and commits last, like a slow issue.
    await olderTransaction`insert into licenses.outbox_event (stream, revision, type, payload, occurred_at)
      select 'license:older', 1, type, payload, occurred_at from licenses.outbox_event where type = 'LicenseChanged' limit 1`;
    const newerLicense = await issueGrantedLicense(hub, route, await grantCase(hub, route), 4);
    const pageDuring = await readChanges(pageBefore.pageInfo.endCursor);
    expect(pageDuring.edges).toHaveLength(1);
    expect(pageDuring.edges[0].node).toMatchObject({ number: newerLicense.number, act: 'ISSUE', revision: 1 });
    await olderTransaction`insert into licenses.license_change (place, stream, revision)
      select max(place) + 1, 'license:older', 1 from licenses.license_change`;
    await olderTransaction`commit`;
    olderTransaction.release();
    const after = await readChanges(pageBefore.pageInfo.endCursor);
    expect(after.edges).toHaveLength(2);
    expect(after.edges[0]).toEqual(pageDuring.edges[0]);
    expect((await readChanges(pageDuring.pageInfo.endCursor)).edges).toHaveLength(1);
    expect((await readChanges(after.pageInfo.endCursor)).edges).toEqual([]);
    await sql.end();

    const fetchFile = async (person: string | null, digest: string) => {
      const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` };
      return hub.hub.app.inject({ method: 'GET', url: `/files/${digest}`, headers });
    };
    const { digest } = newerLicense.document;
    const pdf = await fetchFile('library', digest);
    expect([pdf.statusCode, pdf.headers['content-type']]).toEqual([200, 'application/pdf']);
    expect((await fetchFile('applicant-company', digest)).statusCode).toBe(200);
    for (const person of ['window-xingguo', 'applicant-citizen', null]) {
      expect((await fetchFile(person, digest)).statusCode).toBeGreaterThanOrEqual(401);
    }
    expect(toBlankNumber(route, 4)).toBe(newerLicense.paper.blankNumber);
  });
});
