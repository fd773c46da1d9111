import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audit } from '../../scripts/audit/audit.ts';
import type { Finding } from '../../scripts/audit/finding.ts';
import { PROPOSAL_BOOKS } from '../../scripts/audit/office/proposals.ts';
import { PROPOSALS } from '../../subgraphs/cases/proposal/proposal.ts';
import { OWN_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { readKey } from '../../subgraphs/kernel/tlog/note.ts';
import { COUNTERSIGNED_KINDS } from '../../subgraphs/licenses/countersign/countersign.ts';
import { REGISTRATION_KIND } from '../../subgraphs/licenses/registration/registration.ts';
import { TRANSFER_KIND } from '../../subgraphs/licenses/stock/transfer.ts';
import { IMPORTS } from '../../subgraphs/matters/proposal/proposal.ts';
import { APPLICATION_MUTATIONS } from '../../subgraphs/seals/policy.ts';
import { sampleCases } from '../support/sample.ts';
import { type HubClone, openCleanHubClone, openHubClone } from './hub-clone.ts';
import { type Insider, openInsider } from './insider.ts';
import { KINDS, tryTampering, UNDETECTABLE_KINDS } from './tamperings.ts';
import { replaceRecord } from './version.ts';

/**
 * Tests the auditor against the tampering generator, which was written independently of it. A run tries a part of the
 * kinds, a whole run each once; TAMPERINGS sets from how many it chooses. HOUSES sets the number of untampered clones,
 * which must raise no finding.
 */

const TAMPERINGS = Number(process.env.TAMPERINGS ?? KINDS.length);
/** How many of them a run audits, unless it audits all. */
const RUNS = 36;
const CLEAN_CLONES = Number(process.env.HOUSES ?? 1);

async function auditClone({ hubClone: clone, sql }: Insider): Promise<Finding[]> {
  const witnesses = clone.witnesses.map(({ vkey, checkpoint }) => ({ key: readKey(vkey), checkpoint }));
  const { logFolder, logKey, rootPem } = clone;
  // Audit as of two minutes later, when nothing can be in flight. The auditor excuses work of the last minute.
  const now = new Date(Date.now() + 120_000);
  const settings = { sql, logFolder, logKey: readKey(logKey), witnesses, roots: [Buffer.from(rootPem)], now };
  const findings: Finding[] = [];
  for await (const finding of audit(settings)) findings.push(finding);
  return findings;
}

describe('the auditor', () => {
  let clone: HubClone;
  let insider: Insider;
  beforeAll(async () => {
    clone = await openHubClone(1);
    insider = await openInsider(clone);
  });
  afterAll(async () => {
    await insider?.sql.end();
    await clone?.close();
  });

  test('finds nothing in an untampered clone', async () => {
    expect(await auditClone(insider)).toEqual([]);
  });

  test.each(Array.from({ length: CLEAN_CLONES }, (_, i) => i + 1))(
    'finds nothing in a clone with further legitimate acts, seed %i',
    async (seed) => {
      const cleanClone = await openCleanHubClone(seed);
      const cleanInsider = await openInsider(cleanClone);
      try {
        expect(await auditClone(cleanInsider)).toEqual([]);
      } finally {
        await cleanInsider.sql.end();
        await cleanClone.close();
      }
    },
  );

  test('judges every kind of proposal, and the history has an approved one of each', async () => {
    const { sql } = insider;
    const rows = await sql`select distinct p.kind from (select id, kind from cases.proposal union all
        select id, kind from licenses.proposal union all select id, kind from matters.proposal) p
      join (select * from cases.proposal_outcome union all select * from licenses.proposal_outcome
        union all select * from matters.proposal_outcome) o on o.proposal_id = p.id and o.outcome = 'APPROVED'`;
    const [cases, licenses, matters, seals] = PROPOSAL_BOOKS.map(({ effects }) => Object.keys(effects).sort());
    expect(cases).toEqual(Object.keys(PROPOSALS).sort());
    expect(licenses).toEqual([...OWN_ACTS, ...COUNTERSIGNED_KINDS, TRANSFER_KIND, REGISTRATION_KIND].sort());
    expect(matters).toEqual(Object.keys(IMPORTS).sort());
    expect(seals).toEqual(Object.keys(APPLICATION_MUTATIONS).sort());
    // An organ has one approver here, and no supervisor orders anything.
    const absent = ['VOID_TASK', 'DECLINE_ORDER'];
    expect([...rows.map(({ kind }) => kind), ...absent].sort()).toEqual(
      [...(cases ?? []), ...(licenses ?? []), ...(matters ?? [])].sort(),
    );
  });

  test.each([
    ['notice-authorised-by-another', 'DECIDER_DIFFERS'],
    ['notice-authorised-for-another-organ', 'DECIDER_DIFFERS'],
    ['notice-under-another-kind-of-seal', 'SEAL_KIND_WRONG'],
  ])('finds %s by %s', async (kind, code) => {
    const { report, observation: findings } = await tryTampering(insider, kind, 1, () => auditClone(insider));
    expect(findings).toContainEqual(expect.objectContaining({ code, object: report.objects[0] }));
  });

  describe('in a transaction of an insider', () => {
    const codesAfter = async (change: () => Promise<unknown>) => {
      await insider.sql`begin`;
      try {
        await change();
        return new Set((await auditClone(insider)).map(({ code }) => code));
      } finally {
        await insider.sql`rollback`;
      }
    };

    test('reads on past what cannot be read', async () => {
      const { sql } = insider;
      const codes = await codesAfter(async () => {
        await sql`update matters.license_type_version set type = type - 'lines'`;
        await sql`update cases.case_step set at = 'infinity' where step = 'EXAMINED'`;
        await sql`update licenses.outbox_event set payload = payload || '{"changedAt":"x"}' where type = 'LicenseChanged'`;
        await sql`update cases.notice set content = 'null' where kind = 'DECISION'`;
        await sql`delete from licenses.sheet`;
      });
      for (const code of ['UNREADABLE', 'TYPE_REWRITTEN', 'LICENSE_WITHOUT_PAPER']) expect(codes).toContain(code);
      expect(codes).not.toContain('CHECK_FAILED');
    });

    test('goes on after a check that fails', async () => {
      const { sql } = insider;
      const codes = await codesAfter(async () => {
        await sql`alter table licenses.license_entry rename to gone`;
        await sql`update licenses.license set holder_name = '另一人'`;
      });
      for (const code of ['CHECK_FAILED', 'COLUMN_DIFFERS']) expect(codes).toContain(code);
    });

    test('holds a period against the type and the matter', async () => {
      const { sql } = insider;
      const codes = await codesAfter(async () => {
        const rows = await sql`select * from licenses.license_version where record->>'KZ_CZ' = 'ISSUE'`;
        for (const version of rows)
          await replaceRecord(insider, version, { ...version.record, ZZYXQJZRQ: '2099-01-01' });
      });
      expect(codes).toContain('TERM_NOT_OF_TYPE');
    });
  });

  const runs = Array.from({ length: TAMPERINGS }, (_, i) => [KINDS[i % KINDS.length] ?? '', i + 1] as const);
  test.each(sampleCases('tamperings', runs, RUNS))('names an object that %s changed (seed %i)', async (kind, seed) => {
    const { report, observation: findings } = await tryTampering(insider, kind, seed, () => auditClone(insider));
    const namedObjects = new Set(findings.map(({ object }) => object));
    const namesAffectedObject = report.objects.some((object) => namedObjects.has(object));
    expect(
      kind in UNDETECTABLE_KINDS || namesAffectedObject,
      `${report.description}\nexpected one of ${report.objects.join(', ')}\nfound ${JSON.stringify(findings.slice(0, 12), null, 1)}`,
    ).toBe(true);
  });
});
