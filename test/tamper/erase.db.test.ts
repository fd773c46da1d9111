import { afterEach, beforeEach, expect, test } from 'vitest';
import { audit } from '../../scripts/audit/audit.ts';
import { eraseVersion, requireOrder } from '../../scripts/erase/erase.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { type HubClone, openHubClone } from './hub-clone.ts';
import { type Insider, openInsider } from './insider.ts';

/** Lawful erasure (合法删除): the log and the audit stay whole, nothing is left to test, and nobody can pretend one. */

let clone: HubClone;
let insider: Insider;
beforeEach(async () => {
  clone = await openHubClone(1);
  insider = await openInsider(clone);
});
afterEach(async () => {
  await insider?.sql.end();
  await clone?.close();
});

const AUDITED_AT = new Date(Date.now() + 120_000);

async function listFindings(): Promise<string[]> {
  const witnesses = clone.witnesses.map(({ vkey, checkpoint }) => ({ key: readKey(vkey), checkpoint }));
  const { logFolder, logKey, rootPem } = clone;
  const trust = { logFolder, logKey: readKey(logKey), witnesses, roots: [Buffer.from(rootPem)], now: AUDITED_AT };
  const codes = new Set<string>();
  for await (const { code } of audit({ sql: insider.sql, ...trust })) codes.add(code);
  return [...codes].sort();
}

async function findVersion(state: string): Promise<{ identifier: string; caseId: string; record: object }> {
  const [row] = await insider.sql`select v.identifier, v.case_id as "caseId", v.record
    from licenses.license_version v where v.state = ${state} order by v.identifier limit 1`;
  if (!row) throw new Error(`no version is ${state}`);
  return row as unknown as { identifier: string; caseId: string; record: object };
}

const erase = (identifier: string) => {
  const order = requireOrder({ identifier, basis: 'RETENTION_ENDED', orderedBy: '刘法官', at: AUDITED_AT });
  return insider.sql.begin((tx) => eraseVersion(tx, order));
};

test('destroys what digests could test and keeps the log: the audit is clean', async () => {
  const { identifier, caseId, record } = await findVersion('SUPERSEDED');
  const { KZ_SJS: salt, CZZTDM: code } = record as { KZ_SJS: string; CZZTDM: string };
  const [grant] = await insider.sql`select content->>'salt' as salt from licenses.certificate_task
    where case_id = ${caseId}`;
  const report = await erase(identifier);
  expect(report).toMatchObject({ hasClosedLeaves: false });
  expect([report.acts, report.files]).not.toContain(0);
  expect(await listFindings()).toEqual([]);

  // No row of any table holds a random element of it.
  const tables = await insider.sql`select schemaname as schema, tablename as name from pg_tables
    where schemaname in ('cases', 'licenses', 'seals')`;
  for (const { schema, name } of tables) {
    const rows = await insider.sql`select from ${insider.sql(schema)}.${insider.sql(name)} t
      where position(${salt} in t::text) > 0 or position(${grant?.salt} in t::text) > 0`;
    expect([schema, name, rows.length]).toEqual([schema, name, 0]);
  }
  const [erased] = await insider.sql`select record from licenses.license_version where identifier = ${identifier}`;
  expect(erased?.record).toMatchObject({ CZZT: '（已依法删除）', CZZTDM: '', KZ_NR: [], ZZBS: identifier });
  expect(JSON.stringify(erased)).not.toContain(code);
});

test('destroys the reasons of what was proposed for it, and the digest of the request', async () => {
  const { identifier, caseId } = await findVersion('SUPERSEDED');
  const id = crypto.randomUUID();
  const content = JSON.stringify({ identifier, reason: '因身体原因' });
  await insider.change(insider.sql`insert into licenses.proposal
    (id, kind, organ, content, proposed_by_id, proposed_by, at) values (${id}, 'SUSPEND', 'x', ${content}, 'x', 'x', now())`);
  await insider.change(insider.sql`insert into licenses.proposal_outcome
    (proposal_id, outcome, actor_id, actor, reason, at) values (${id}, 'REJECTED', 'y', 'y', '因身体原因', now())`);
  await erase(identifier);
  const [row] = await insider.sql`select p.content, o.reason, f.request_digest as digest from licenses.proposal p
    join licenses.proposal_outcome o on o.proposal_id = p.id join cases.case_file f on f.id = ${caseId} where p.id = ${id}`;
  expect(JSON.parse(row?.content)).toEqual({ identifier, reason: '（已依法删除）' });
  expect(row).toMatchObject({ reason: '（已依法删除）', digest: '' });
});

test('without its record is a finding, and so is a record of an erasure that was none', async () => {
  const { identifier } = await findVersion('SUPERSEDED');
  await erase(identifier);
  await insider.change(insider.sql`delete from seals.erasure where identifier = ${identifier}`);
  expect(await listFindings()).toEqual(expect.arrayContaining(['DOCUMENT_MISSING', 'LEAF_WITHOUT_ROW']));
});

test('cannot be pretended to hide an altered license', async () => {
  const { identifier } = await findVersion('VALID');
  await insider.change(insider.sql`insert into seals.erasure (issuance_id, identifier, basis, ordered_by, at)
    select id, identifier, 'UNLAWFUL', 'x', now() from licenses.act where identifier = ${identifier}`);
  expect(await listFindings()).toEqual(expect.arrayContaining(['ERASURE_INCOMPLETE', 'USE_WITHOUT_LEAF']));
});

test('is refused for a version in force, an unknown one, twice, without a basis or a person', async () => {
  const [valid, ended] = [await findVersion('VALID'), await findVersion('SUPERSEDED')];
  await expect(erase(valid.identifier)).rejects.toThrow('仍然有效');
  await expect(erase('1.2.156')).rejects.toThrow('没有证照');
  await erase(ended.identifier);
  await expect(erase(ended.identifier)).rejects.toThrow('已经删除');
  const order = { identifier: ended.identifier, basis: 'RETENTION_ENDED', orderedBy: '刘法官', at: AUDITED_AT };
  expect(() => requireOrder({ ...order, basis: 'BECAUSE' })).toThrow('--basis');
  expect(() => requireOrder({ ...order, orderedBy: ' ' })).toThrow('--by');
});
