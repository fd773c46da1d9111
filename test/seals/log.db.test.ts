import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { digestSealable } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import {
  readCheckpoint,
  readProof,
  requireCheckpoint,
  requireLoggedLeaf,
} from '../../subgraphs/kernel/tlog/checkpoint.ts';
import { readKey, readNote } from '../../subgraphs/kernel/tlog/note.ts';
import { hashLeaf } from '../../subgraphs/kernel/tlog/tree.ts';
import type { Seals } from '../../subgraphs/seals/index.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { stateAttestation } from '../support/attestation.ts';
import { tileOf } from '../support/tiles.ts';
import { waitUntil } from '../support/until.ts';
import { COUNTY } from './requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from './seals-fixture.ts';

const ORIGIN = 'tongquan.test/yudu/seals';

let fixture: SealsFixture;
let seals: Seals;
let folder: string;
let app: FastifyInstance;
const faults: unknown[] = [];

beforeAll(async () => {
  fixture = await openSealsFixture((error) => faults.push(error));
  folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
  seals = fixture.openCopy(undefined, { folder });
  app = Fastify();
  seals.routes?.(app, {} as never);
});
afterAll(async () => {
  await app?.close();
  await seals?.stop();
  await fixture?.close();
  rmSync(folder, { recursive: true, force: true });
});

const fetchLog = (url: string, headers = {}) => app.inject({ url, headers });
const sizeOf = (note: string) => readCheckpoint(readNote(note).text).size;
const listLeaves = (kind: string) =>
  fixture.sql`select l.subject, l.entry, l.hash, s.index from seals.log_leaf l left join seals.log_sequence s using (serial)
    where kind = ${kind} order by serial`;
const waitUntilPublished = () =>
  waitUntil('every leaf is published', async () => {
    const [row] = await fixture.sql`select (select count(*)::int from seals.log_leaf) as leaves`;
    const at = join(folder, 'checkpoint');
    return existsSync(at) && sizeOf(readFileSync(at, 'utf8')) === row?.leaves;
  });
const readTrust = async () => {
  const log = readKey((await fetchLog('/log/key')).body.trimEnd());
  return { origin: ORIGIN, log, witnesses: [] };
};

/** Returns the Merkle tree hash over leaves, as RFC 6962 defines it. */
function hashTree(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (hashes.length <= 1) return only ?? createHash('sha256').digest();
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  const [left, right] = [hashTree(hashes.slice(0, k)), hashTree(hashes.slice(k))];
  return createHash('sha256')
    .update(Buffer.concat([Buffer.from([1]), left, right]))
    .digest();
}

/** Reads the whole log from its files alone and verifies the checkpoint over it. */
async function readLog(folderPath: string): Promise<string[]> {
  const note = readFileSync(join(folderPath, 'checkpoint'), 'utf8');
  const { size, root } = requireCheckpoint(note, await readTrust());
  const entries: string[] = [];
  const hashes: Buffer[] = [];
  for (let n = 0; n * 256 < size; n++) {
    const width = Math.min(256, size - n * 256);
    const name = `${String(n).padStart(3, '0')}${width === 256 ? '' : `.p/${width}`}`;
    const bundle = readFileSync(join(folderPath, 'tile/entries', name));
    for (let at = 0; at < bundle.length; ) {
      const length = bundle.readUInt16BE(at);
      entries.push(bundle.subarray(at + 2, at + 2 + length).toString());
      at += 2 + length;
    }
    const tile = readFileSync(join(folderPath, 'tile/0', name));
    for (let at = 0; at < tile.length; at += 32) hashes.push(tile.subarray(at, at + 32));
  }
  expect(hashes).toEqual(entries.map((entry) => Buffer.from(hashLeaf(Buffer.from(entry)))));
  expect(hashTree(hashes)).toEqual(Buffer.from(root));
  return entries;
}

describe('every use has a leaf', () => {
  test('of its kind, recorded with it, canonical, and without names of persons', async () => {
    const request = await fixture.request();
    const signature = await signatureOf(fixture.seals, request);
    const codeRequest = await fixture.codeRequest();
    const code = await fixture.seals.signCode(codeRequest);
    const jws = await fixture.seals.attest(stateAttestation());
    const digest = randomBytes(32);
    const token = await fixture.seals.stamp(digest);
    await fixture.seals.material({ codes: [], use: null });
    const at = fixture.clock().toISOString();
    const { issuanceId, organ, matterId, caseId, act, identifier } = request;
    const contentDigest = sha256(toCanonicalJson(request.content));
    const documentDigest = digestSealable(request.document).toString('hex');
    const [use] = await listLeaves('SEAL_USE');
    const expectedEntry = {
      ...{ v: 1, kind: 'SEAL_USE', issuanceId, sealId: fixture.countySeal, organ, matterId, caseId, act, identifier },
      ...{ contentDigest, authorisedById: `${COUNTY}.approver`, authorisationDigest: sha256(request.authorisation) },
      ...{ suite: expect.any(String), documentDigest, signatureDigest: sha256(signature), at, isSalted: true },
    };
    expect(JSON.parse(use?.entry)).toEqual(expectedEntry);
    expect(use?.entry).toBe(toCanonicalJson(JSON.parse(use?.entry)));
    expect(Buffer.from(use?.hash)).toEqual(Buffer.from(hashLeaf(Buffer.from(use?.entry))));
    const readLastEntry = async (kind: string) => JSON.parse((await listLeaves(kind)).at(-1)?.entry);
    expect(await readLastEntry('CODE_USE')).toMatchObject({
      issuanceId: codeRequest.issuanceId,
      codeDigest: sha256(code),
    });
    expect(await readLastEntry('ATTESTATION')).toMatchObject({ typ: 'license-status+jwt', digest: sha256(jws) });
    expect(await readLastEntry('TIMESTAMP')).toMatchObject({
      digest: digest.toString('hex'),
      tokenDigest: sha256(token),
    });
    expect(await readLastEntry('REVOCATION_LIST')).toMatchObject({ authority: 'issuing', number: 1 });
    expect((await listLeaves('CERTIFICATE')).map(({ entry }) => JSON.parse(entry).profile).sort()).toEqual(
      ['code', 'code', 'issuing', 'root', 'seal', 'seal', 'status', 'timestamp'].sort(),
    );
    const text = (await fixture.sql`select string_agg(entry, '') as all from seals.log_leaf`)[0]?.all;
    for (const name of ['钟文斌', '林场', '初始化']) expect(text).not.toContain(name);
  });

  test('also every event of a seal; a dry run and a refusal leave no leaf', async () => {
    const before = (await listLeaves('SEAL_EVENT')).length;
    const suspend = 'mutation($i: SealActInput!) { suspendSeal(input: $i) { refusal { code } } }';
    const input = { seal: fixture.citySeal, reason: '王小明遗失' };
    const keeper = requireDemoPerson('ganzhou-xzspj.keeper');
    await fixture.ask(keeper, suspend, { i: { ...input, dryRun: true } });
    expect(await listLeaves('SEAL_EVENT')).toHaveLength(before);
    await fixture.ask(keeper, suspend, { i: input });
    const [event] = (await listLeaves('SEAL_EVENT')).slice(before);
    expect(JSON.parse(event?.entry)).toMatchObject({ sealId: fixture.citySeal, event: 'SUSPENDED' });
    expect(event?.entry).not.toContain('王小明');
    const countBefore = (await listLeaves('SEAL_USE')).length;
    await expect(fixture.seals.sign(await fixture.request({ matterId: 'unknown' }))).rejects.toThrow();
    expect(await listLeaves('SEAL_USE')).toHaveLength(countBefore);
  });

  test('exactly once: a repeated issuance adds none, and if the leaf fails there is no signature', async () => {
    const request = await fixture.request();
    await fixture.seals.sign(request);
    const before = (await listLeaves('SEAL_USE')).length;
    await fixture.seals.sign(request);
    expect(await listLeaves('SEAL_USE')).toHaveLength(before);
    const failingRequest = await fixture.request();
    await fixture.sql`insert into seals.log_leaf (kind, subject, entry, hash, at) values ('SEAL_USE', ${failingRequest.issuanceId}, '{}', '', now())`;
    await expect(fixture.seals.sign(failingRequest)).rejects.toThrow();
    expect(
      await fixture.sql`select 1 from seals.seal_use where issuance_id = ${failingRequest.issuanceId}`,
    ).toHaveLength(0);
    await fixture.sql`delete from seals.log_leaf where subject = ${failingRequest.issuanceId}`;
  });
});

describe('the log', () => {
  test('returns 404 before its first checkpoint, and 409 for a leaf that is not sequenced yet', async () => {
    const [use] = await listLeaves('SEAL_USE');
    expect((await fetchLog('/log/checkpoint')).statusCode).toBe(404);
    expect(await fetchLog(`/log/proof/${use?.subject}`)).toMatchObject({ statusCode: 409 });
    expect(await fetchLog(`/log/proof/${randomUUID()}`)).toMatchObject({ statusCode: 404 });
    expect(await fetchLog(`/log/proof/${use?.subject}?kind=OTHER`)).toMatchObject({ statusCode: 404 });
  });

  test('sequences every leaf in the order of writing, and publishes files that verify by themselves', async () => {
    await seals.prepare();
    seals.start();
    await waitUntilPublished();
    const entries = await readLog(folder);
    const rows = await fixture.sql`select entry from seals.log_leaf order by serial`;
    expect(entries).toEqual(rows.map((row) => row.entry));
    expect(faults).toEqual([]);
  });

  test('serves its files: checkpoints cached for seconds, tiles for ever, entries gzipped on request', async () => {
    const checkpoint = await fetchLog('/log/checkpoint');
    expect(checkpoint.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'public, max-age=2',
    });
    const { size } = requireCheckpoint(checkpoint.body, await readTrust());
    const tile = await fetchLog(`/log/${tileOf(0, size)}`);
    expect([tile.rawPayload.length, tile.headers['cache-control']]).toEqual([
      32 * size,
      'public, max-age=31536000, immutable',
    ]);
    const path = `/log/${tileOf('entries', size)}`;
    const zipped = await fetchLog(path, { 'accept-encoding': 'gzip' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.rawPayload)).toEqual((await fetchLog(path)).rawPayload);
    for (const malformedPath of [
      '0/001',
      '0/000',
      '0/000.p/0',
      '0/000.p/256',
      '64/000',
      '..%2Fcheckpoint',
      '0/000.p/1%00',
    ]) {
      expect((await fetchLog(`/log/tile/${malformedPath}`)).statusCode, malformedPath).toBe(404);
    }
    expect(statSync(join(folder, tileOf(0, size))).mode & 0o777).toBe(0o644);
  });

  test('proves a use to a reader who has only the public key', async () => {
    const request = await fixture.request();
    const signature = await signatureOf(seals, request);
    const proof = await waitUntil('a proof', async () => {
      const answer = await fetchLog(`/log/proof/${request.issuanceId}`);
      return answer.statusCode === 200 && answer.body;
    });
    const entry = Buffer.from(readProof(proof).extra ?? []);
    requireLoggedLeaf(proof, hashLeaf(entry), await readTrust());
    expect(JSON.parse(entry.toString())).toMatchObject({ signatureDigest: sha256(signature) });
    const forged = Buffer.from(entry.toString().replace(COUNTY, 'somebody'));
    const trustedKeys = await readTrust();
    expect(() => requireLoggedLeaf(proof, hashLeaf(forged), trustedKeys)).toThrow('ROOT_WRONG');
  });

  test('records each receipt once', async () => {
    const receiptSubject = { stream: 'license:1', revision: 1, identifier: 'i', documentDigest: sha256('document') };
    const receipt = { from: 'library', ...receiptSubject, digest: sha256('receipt'), isSigned: true } as const;
    await seals.record(receipt);
    fixture.clock.advance(1_000);
    await seals.record(receipt);
    expect(await listLeaves('RECEIPT')).toHaveLength(1);
    await expect(seals.record({ ...receipt, digest: sha256('another') })).rejects.toThrow('library license:1 1');
    expect(await listLeaves('RECEIPT')).toHaveLength(1);
  });
});

describe('copies of the hub on one database', () => {
  test('never fork the log: two copies sequence concurrently while many write, over more than one tile', async () => {
    const otherFolder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
    const copies = [otherFolder, folder, null].map((at) => fixture.openCopy(undefined, { folder: at }));
    for (const copy of copies) copy.start();
    const writers = Array.from({ length: 8 }, async () => {
      for (let i = 0; i < 40; i++) await fixture.seals.attest(stateAttestation(i));
    });
    await Promise.all(writers);
    await waitUntilPublished();
    await waitUntil(
      'the other folder too',
      // A copy that has not published yet has no checkpoint at all.
      async () =>
        existsSync(join(otherFolder, 'checkpoint')) &&
        readFileSync(join(otherFolder, 'checkpoint'), 'utf8') === readFileSync(join(folder, 'checkpoint'), 'utf8'),
    );
    await Promise.all(copies.map((copy) => copy.stop()));
    const rows =
      await fixture.sql`select s.index, l.entry from seals.log_sequence s join seals.log_leaf l using (serial) order by 1`;
    expect(rows.map((row) => Number(row.index))).toEqual(rows.map((_, i) => i));
    expect(rows.length).toBeGreaterThan(320);
    const entries = rows.map((row) => row.entry);
    expect(await readLog(folder)).toEqual(entries);
    expect(await readLog(otherFolder)).toEqual(entries);
    // Partial tiles of a full tile are deleted, and no draft file is left.
    expect(existsSync(join(folder, 'tile/0/000.p'))).toBe(false);
    expect(
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.draft')),
    ).toEqual([]);
    const hashes = (
      await fixture.sql`select hash from seals.log_sequence join seals.log_leaf using (serial) order by index`
    ).map((row) => Buffer.from(row.hash));
    for (const { size, root } of await fixture.sql`select size, root from seals.log_checkpoint`) {
      expect(hashTree(hashes.slice(0, Number(size)))).toEqual(root);
    }
    expect(faults).toEqual([]);
    rmSync(otherFolder, { recursive: true });
  });

  test('refuse another origin than the first', async () => {
    await expect(fixture.openCopy(undefined, { origin: 'another.test/log' }).prepare()).rejects.toThrow(
      'cannot become',
    );
  });
});

describe('recovery', () => {
  test('an empty folder is filled again from the database', async () => {
    await seals.stop();
    const again = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
    const copy = fixture.openCopy(undefined, { folder: again });
    copy.start();
    await waitUntil('filled', async () => existsSync(join(again, 'checkpoint')));
    await waitUntilPublishedIn(again);
    await copy.stop();
    expect(await readLog(again)).toEqual(await readLog(folder));
    rmSync(again, { recursive: true });
  });

  const waitUntilPublishedIn = (folderPath: string) =>
    waitUntil('filled to the end', async () => {
      const [row] = await fixture.sql`select max(size)::int as size from seals.log_checkpoint`;
      return sizeOf(readFileSync(join(folderPath, 'checkpoint'), 'utf8')) === row?.size;
    });

  test('a tile with other content raises a fault and is not overwritten', async () => {
    const folderPath = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
    const copy = fixture.openCopy(undefined, { folder: folderPath });
    copy.start();
    await waitUntil('filled', async () => existsSync(join(folderPath, 'checkpoint')));
    await waitUntilPublishedIn(folderPath);
    await copy.stop();
    rmSync(join(folderPath, 'checkpoint'));
    writeFileSync(join(folderPath, 'tile/0/000'), 'forged');
    faults.length = 0;
    const second = fixture.openCopy(undefined, { folder: folderPath });
    second.start();
    await waitUntil('a fault', async () => faults.length > 0);
    await second.stop();
    expect(String(faults[0])).toContain('stands in the log with other content');
    expect(readFileSync(join(folderPath, 'tile/0/000'), 'utf8')).toBe('forged');
    // No checkpoint that needs the tile is published.
    const publishedSize = existsSync(join(folderPath, 'checkpoint'))
      ? sizeOf(readFileSync(join(folderPath, 'checkpoint'), 'utf8'))
      : 0;
    expect(publishedSize).toBeLessThan(256);
    rmSync(folderPath, { recursive: true });
  });

  test('a use inserted into the ledger by hand gets no leaf at the next start', async () => {
    const [head] = await fixture.sql`select size::int as size from seals.log_head`;
    expect(head?.size).toBeGreaterThan(0);
    const [row] =
      await fixture.sql`insert into seals.seal_use (issuance_id, seal_id, authorised_by_id, authorised_by, authorisation, organ,
        matter_id, act, identifier, content_digest, at, suite, document_digest, signature)
      select gen_random_uuid(), seal_id, authorised_by_id, authorised_by, authorisation, organ, matter_id, act, identifier, content_digest, at,
        suite, document_digest, signature from seals.seal_use limit 1 returning issuance_id`;
    await fixture.openCopy().prepare();
    expect(await fixture.sql`select 1 from seals.log_leaf where subject = ${row?.issuance_id}`).toHaveLength(0);
    await fixture.sql`delete from seals.seal_use where issuance_id = ${row?.issuance_id}`;
  });

  test('uses recorded by an earlier release get their leaves at the next start, once', async () => {
    await fixture.sql`create table seals.kept as select * from seals.log_leaf`;
    await fixture.sql`truncate seals.log_leaf, seals.log_pending, seals.log_sequence, seals.log_tile, seals.log_cosignature, seals.log_checkpoint, seals.log_head`;
    await fixture.openCopy().prepare();
    const kinds = ['SEAL_USE', 'CODE_USE', 'REVOCATION_LIST', 'SEAL_EVENT', 'CERTIFICATE'];
    const [row] = await fixture.sql`select count(*)::int as kept, count(l.serial)::int as same from seals.kept k
      left join seals.log_leaf l on l.kind = k.kind and l.subject = k.subject and l.entry = k.entry and l.hash = k.hash and l.at = k.at
      where k.kind = any(${kinds})`;
    expect(row?.kept).toBe(row?.same);
    const count = async () => (await fixture.sql`select count(*)::int as n from seals.log_leaf`)[0]?.n;
    const before = await count();
    expect(before).toBeGreaterThan(15);
    await fixture.openCopy().prepare();
    expect(await count()).toBe(before);
    expect((await fixture.sql`select count(*)::int as n from seals.log_pending`)[0]?.n).toBe(before);
  });

  test('a database that is older than the folder signs nothing', async () => {
    faults.length = 0;
    const copy = fixture.openCopy(undefined, { folder });
    await expect(copy.prepare()).rejects.toThrow('was it set back?');
    copy.start();
    await waitUntil('a fault', async () => faults.length > 0);
    await copy.stop();
    expect(String(faults[0])).toContain('was it set back?');
    expect(await fixture.sql`select 1 from seals.log_checkpoint`).toHaveLength(0);
  });
});
