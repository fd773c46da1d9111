import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GrantContent, sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { digestSealable } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { LicenseRecord } from '../../subgraphs/licenses/act/record.ts';
import { buildAttachedRecord, buildCodePayload } from '../../subgraphs/licenses/document/code.ts';
import { renderSealable } from '../../subgraphs/licenses/document/render.ts';
import { computeRecordDigest } from '../../subgraphs/licenses/license.ts';
import { buildUseLeaf } from '../../subgraphs/seals/log/leaf.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { waitUntil } from '../support/until.ts';

/**
 * The log attacked with the record of a known person. The attacker knows everything about a license but the holder's
 * citizen number: name, county, birthday within a year, every line, even the times. She hashes guesses and compares
 * them with every digest that the hub publishes.
 */

const HOLDER = { name: '罗德福', codeKind: 'CITIZEN_NUMBER', code: writeCitizenNumber('360731', '19870412', 31) };
/** What stands for the number in a text, before a guess replaces it. */
const PLACEHOLDER = '000000000000000000';
/** Renderings take a tenth of a second each, so the attack on a document has fewer guesses. */
const MAX_RENDERED_GUESSES = 5;

/** GB 11643-1999, with its check character. */
function writeCitizenNumber(division: string, birthday: string, serial: number): string {
  const body = `${division}${birthday}${String(serial).padStart(3, '0')}`;
  const sum = [...body].reduce((total, digit, i) => total + Number(digit) * (2 ** (17 - i) % 11), 0);
  return body + '10X98765432'.charAt(sum % 11);
}

/** Every number of the county of people born in two months of 1987: 60,000. */
function* guessNumbers(): Generator<string> {
  for (const month of ['03', '04'])
    for (let day = 1; day <= 30; day++)
      for (let serial = 0; serial < 1_000; serial++)
        yield writeCitizenNumber('360731', `1987${month}${String(day).padStart(2, '0')}`, serial);
}

/** Returns the number of which one of the texts has one of the digests, or null. */
function recoverNumber(contents: readonly object[], digests: ReadonlySet<string>): string | null {
  const parts = contents.map((content) => toCanonicalJson(content).split(PLACEHOLDER));
  for (const number of guessNumbers()) {
    for (const part of parts) {
      const hash = createHash('sha256').update(part.join(number)).digest();
      if (digests.has(hash.toString('hex')) || digests.has(hash.toString('base64url'))) return number;
    }
  }
  return null;
}

/** Returns every digest in a text, also in its parts that are base64. */
function findDigests(text: string): string[] {
  const decoded = [...text.matchAll(/[\w+/-]{40,}={0,2}/g)].map(([part]) => Buffer.from(part, 'base64').toString());
  return [text, ...decoded].flatMap((part) => [...part.matchAll(/[0-9a-f]{64}|[\w-]{43}/g)].map(([digest]) => digest));
}

let hub: TestHub;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let folder: string;
let sql: postgres.Sql;
let record: LicenseRecord;
let grant: GrantContent;
let code: string;
/** What the hub publishes or hands to others about the license, by where. */
let published: Record<string, string>;

const fetchText = async (url: string, person: string | null = null) => {
  const headers = person === null ? {} : { authorization: `Bearer ${await hub.token(person)}` };
  const { statusCode, body } = await hub.hub.app.inject({ url, headers });
  expect([url, statusCode]).toEqual([url, 200]);
  return body;
};
const listTiles = (path: string) =>
  readdirSync(join(folder, path), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name).slice(folder.length + 1));

beforeAll(async () => {
  library = await createTestLibrary();
  folder = mkdtempSync(join(tmpdir(), 'tongquan-log-'));
  hub = await createTestHub({ library: library.settings, log: { folder, witnesses: [library.witness] } });
  await library.open(await hub.hub.seals.rootCertificate(), [await hub.hub.seals.logKey()]);
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  const caseId = await grantCase(hub, ROUTES.DIRECT, { applicant: HOLDER });
  const { identifier, number } = await issueGrantedLicense(hub, ROUTES.DIRECT, caseId, 1);
  await waitUntil('the receipt has its place in the log', async () => {
    const rows = await sql`select from seals.log_leaf l join seals.log_sequence s using (serial)
      where l.kind = 'RECEIPT' and l.subject = ${`library license:${number} 1`}`;
    return rows.length === 1 && (await sql`select from seals.log_pending`).length === 0;
  });
  const [act] = await sql`select a.id, a.record, a.code, a.document_digest as digest, t.content from licenses.act a
    join licenses.certificate_task t using (case_id) where a.case_id = ${caseId}`;
  const [receipt] = await sql`select receipt from licenses.outbox_receipt where receipt is not null`;
  ({ record, code, content: grant } = act as unknown as typeof act & { record: LicenseRecord });
  await waitUntil('the log is published', async () => {
    const [head] = await sql<{ size: number }[]>`select size::int from seals.log_head`;
    return Number((await fetchText('/log/checkpoint')).split('\n')[1]) === head?.size;
  });
  const entryTiles = await Promise.all(listTiles('tile/entries').map((path) => fetchText(`/log/${path}`)));
  const feed = `{ licenseChanges(first: 10) { edges { node { act identifier documentDigest signatureDigest } } } }`;
  const verification = `{ verifyLicense(input: { digest: "${act?.digest}" }) { evidence license { documentDigest } } }`;
  published = {
    'entries of the log': entryTiles.join('\n'),
    'the proof of the use': await fetchText(`/log/proof/${act?.id}`),
    'the proof of the code': await fetchText(`/log/proof/${act?.id}?kind=CODE_USE`),
    'the proof of the receipt': await fetchText(`/log/proof/library%20license:${number}%201?kind=RECEIPT`),
    'the bundle': await fetchText(`/licenses/evidence/${identifier}`),
    'the page behind the code': await fetchText(`/v/${identifier}`),
    'the status list': await fetchText('/licenses/status-list'),
    'the QR code': code,
    'the receipt': receipt?.receipt,
    'the feed': JSON.stringify((await hub.ask('library', feed)).data),
    'a verification': JSON.stringify((await hub.ask(null, verification)).data),
  };
}, 120_000);
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await library?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** The record as release 0.4 wrote it, of somebody with this number. */
function oldRecord(number: string): LicenseRecord {
  const { KZ_SJS: _, ...rest } = record;
  return { ...rest, CZZTDM: number };
}
function oldGrant(number: string): GrantContent {
  const { salt: _, ...rest } = grant;
  return { ...rest, holder: { ...grant.holder, code: number } };
}
/** The record with its code, as the library gets it. Whoever sees the paper has the code. */
const attachCode = (candidate: LicenseRecord) => buildAttachedRecord(candidate, code);
const digestDocument = (candidate: LicenseRecord) =>
  digestSealable(renderSealable(attachCode(candidate))).toString('hex');

const digestsOf = (text: string) => new Set(findDigests(text));
const attackRecord = (text: string) =>
  recoverNumber([oldGrant(PLACEHOLDER), oldRecord(PLACEHOLDER), attachCode(oldRecord(PLACEHOLDER))], digestsOf(text));

describe('what release 0.4 published', () => {
  const useLeaf = () =>
    buildUseLeaf({
      ...{ issuanceId: '1', sealId: 's', organ: 'o', matterId: 'm', caseId: null, act: 'ISSUE', identifier: 'i' },
      ...{ blankNumber: null, contentDigest: sha256(toCanonicalJson(oldGrant(HOLDER.code))), authorisedById: 'a' },
      ...{ authorisation: 'j', suite: 'PAdES', documentDigest: digestDocument(oldRecord(HOLDER.code)) },
      ...{ signature: Buffer.of(1), isSalted: false, at: new Date() },
    }).entry;
  const surfaces: Record<string, () => string> = {
    'a leaf': useLeaf,
    'a QR code': () => Buffer.from(toCanonicalJson(buildCodePayload(oldRecord(HOLDER.code)))).toString('base64url'),
    'a receipt': () => toCanonicalJson({ recordDigest: computeRecordDigest(attachCode(oldRecord(HOLDER.code))) }),
  };
  test.each(Object.keys(surfaces))('%s tells the number', (name) => {
    expect(attackRecord(surfaces[name]?.() ?? '')).toBe(HOLDER.code);
  });

  test('the digest of a document tells which of a few numbers is the right one', () => {
    const digests = digestsOf(useLeaf());
    const guesses = [...guessNumbers()].slice(0, MAX_RENDERED_GUESSES).concat(HOLDER.code);
    expect(guesses.filter((number) => digests.has(digestDocument(oldRecord(number))))).toEqual([HOLDER.code]);
  });
});

describe('what this release publishes', () => {
  test('is read: every surface has what may be a digest', () => {
    for (const [name, text] of Object.entries(published))
      expect([name, findDigests(text).length]).not.toEqual([name, 0]);
  });

  test('tells no number, wherever it is read', () => {
    expect(attackRecord(Object.values(published).join('\n'))).toBeNull();
  });

  test('has no digest of the document of any number', () => {
    const digests = digestsOf(Object.values(published).join('\n'));
    expect(digests.has(digestDocument(oldRecord(HOLDER.code)))).toBe(false);
    expect(digests.has(digestDocument(record))).toBe(true);
  });

  test('has digests of the content with its random elements, and none of these', async () => {
    expect(record.KZ_SJS).toMatch(/^[\w-]{22}$/);
    expect(grant.salt).toMatch(/^[\w-]{22}$/);
    expect(grant.salt).not.toBe(record.KZ_SJS);
    const text = Object.values(published).join('\n');
    expect(digestsOf(text)).toContain(sha256(toCanonicalJson(grant)));
    expect(digestsOf(text)).toContain(buildCodePayload(record).d);
    expect(digestsOf(text)).toContain(computeRecordDigest(attachCode(record)));
    const events = await sql<{ salt: string }[]>`select reason_salt as salt from seals.seal_event
      where reason_salt is not null`;
    expect(events.length).toBeGreaterThan(10);
    for (const salt of [record.KZ_SJS, grant.salt, ...events.map((event) => event.salt)])
      expect(text).not.toContain(salt);
  });
});
