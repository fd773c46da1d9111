import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { buildUseLeaf } from '../../subgraphs/seals/log/leaf.ts';
import { closeTiles } from '../../subgraphs/seals/log/publication/publish-workflow.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { tileOf } from '../support/tiles.ts';
import { waitUntil } from '../support/until.ts';

/** Entries of release 0.4 in the log: their tiles, proofs and bundles need a token, or what only its owner has. */

describe.each(['local', 'http'] as const)('entries of release 0.4, subgraphs reached %s', (transport) => {
  let hub: TestHub;
  let folder: string;
  let sql: postgres.Sql;
  let size = 0;
  /** Place of the planted leaf. */
  let index = 0;
  let license: { identifier: string; document: { digest: string } };
  const issuanceId = randomUUID();
  const signature = Buffer.from('a signature');
  const documentDigest = sha256('a document');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
    hub = await createTestHub({ transport, log: { folder } });
    sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
    license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    const leaf = buildUseLeaf({
      ...{ issuanceId, sealId: 'yudu-lyj-approval-seal', organ: 'yudu-lyj', matterId: 'm', caseId: null, act: 'ISSUE' },
      ...{ identifier: 'i', blankNumber: null, contentDigest: sha256('c'), authorisedById: 'a', authorisation: 'j' },
      ...{ suite: 'PAdES', documentDigest, signature, isSalted: false, at: new Date() },
    });
    await waitUntil('the uses have places', async () => (await sql`select from seals.log_pending`).length === 0);
    await sql`with l as (insert into seals.log_leaf (kind, subject, entry, hash, at)
      values (${leaf.kind}, ${leaf.subject}, ${leaf.entry}, ${Buffer.from(leaf.hash)}, ${leaf.at}) returning serial)
      insert into seals.log_pending select serial from l`;
    size = await waitUntil('the leaf is published', async () => {
      const place = await sql<{ index: number }[]>`select s.index::int from seals.log_sequence s
        join seals.log_leaf using (serial) where subject = ${issuanceId}`;
      const published = Number((await get('/log/checkpoint', null)).body.split('\n')[1]);
      if (place[0] === undefined || published <= place[0].index) return null;
      index = place[0].index;
      return published;
    });
  });
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  async function get(url: string, person: string | null, token?: string) {
    const bearer = token ?? (person === null ? null : await hub.token(person));
    const headers = bearer === null ? {} : { authorization: `Bearer ${bearer}` };
    return hub.hub.app.inject({ url, headers });
  }
  const statusesOf = async (url: string, persons: readonly (string | null)[]) =>
    Object.fromEntries(
      await Promise.all(persons.map(async (person) => [String(person), (await get(url, person)).statusCode])),
    );

  test('their tiles are for auditors; hash tiles and checkpoints stay public', async () => {
    const url = `/log/${tileOf('entries', size, index)}`;
    const persons = [null, 'auditor', 'yudu-lyj.clerk', 'yudu-lyj.keeper', 'applicant-company', 'administrator'];
    expect(await statusesOf(url, persons)).toEqual({
      ...{ null: 401, auditor: 200, 'yudu-lyj.clerk': 403, 'yudu-lyj.keeper': 403 },
      ...{ 'applicant-company': 403, administrator: 403 },
    });
    expect((await get(url, null, 'forged')).statusCode).toBe(401);
    expect((await get(url, 'auditor')).headers['cache-control']).toBe('no-store');
    expect((await get(`/log/${tileOf(0, size, index)}`, null)).statusCode).toBe(200);
  });

  test('a file server of another user cannot read them, whoever published or copied the files', async () => {
    const path = join(folder, tileOf('entries', size, index));
    const modeOf = () => statSync(path).mode & 0o777;
    expect(modeOf()).toBe(0o400);
    expect(statSync(join(folder, tileOf(0, size, index))).mode & 0o777).toBe(0o644);
    chmodSync(path, 0o644);
    await closeTiles(folder);
    expect(modeOf()).toBe(0o400);
  });

  test('their proofs are for auditors, who answers for the seal, and whoever has what was signed', async () => {
    const url = `/log/proof/${issuanceId}`;
    const persons = [null, 'auditor', 'yudu-lyj.keeper', 'ganzhou-xzspj.keeper', 'yudu-lyj.clerk'];
    expect(await statusesOf(url, persons)).toEqual({
      ...{ null: 401, auditor: 200, 'yudu-lyj.keeper': 200, 'ganzhou-xzspj.keeper': 403, 'yudu-lyj.clerk': 403 },
    });
    expect((await get(`${url}?digest=${sha256(signature)}`, null)).statusCode).toBe(200);
    for (const digest of [documentDigest, sha256('c'), '', 'undefined'])
      expect((await get(`${url}?digest=${digest}`, null)).statusCode).toBe(401);
  });

  test('a bundle with one is for whoever may see the license or has the file, and the page hides its digest', async () => {
    const { identifier, document } = license;
    const url = `/licenses/evidence/${identifier}`;
    const opened = await get(url, null);
    expect(opened.statusCode).toBe(200);
    const bundle = opened.json();
    const { isSalted: _, ...entry } = bundle.log.entry;
    await sql`insert into licenses.evidence_bundle (identifier, seq, bundle, stamped_at)
      values (${identifier}, 1, ${JSON.stringify({ ...bundle, log: { ...bundle.log, entry } })}, now())`;
    const askPublic = async (query: string) => (await hub.ask(null, query)).data;
    const statusQuery = `{ licenseStatus(identifier: "${identifier}") { documentDigest } }`;
    expect((await askPublic(statusQuery)).licenseStatus.documentDigest).toBe(document.digest);
    // The digest is public, so it opens nothing.
    expect((await get(`${url}?document=${document.digest}`, null)).statusCode).toBe(401);

    await sql`update licenses.license_version set record = record - 'KZ_SJS' where identifier = ${identifier}`;
    expect((await askPublic(statusQuery)).licenseStatus.documentDigest).toBeNull();
    expect((await get(`/v/${identifier}`, null)).body).not.toContain(document.digest);
    const persons = [null, 'auditor', 'applicant-company', 'applicant-citizen', 'yudu-lyj.clerk', 'xingguo-lyj.clerk'];
    expect(await statusesOf(url, persons)).toEqual({
      ...{ null: 401, auditor: 200, 'applicant-company': 200, 'applicant-citizen': 403 },
      ...{ 'yudu-lyj.clerk': 200, 'xingguo-lyj.clerk': 403 },
    });
    expect((await get(`${url}?document=${document.digest}`, null)).statusCode).toBe(200);
    for (const digest of [sha256('x'), '', document.digest.toUpperCase()])
      expect((await get(`${url}?document=${digest}`, null)).statusCode).toBe(401);
    const verification = `{ verifyLicense(input: { digest: "${document.digest}" }) { evidence } }`;
    expect((await askPublic(verification)).verifyLicense.evidence).toBe(`${url}?document=${document.digest}`);
  });
});
