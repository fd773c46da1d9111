import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditInput } from '../../scripts/audit/finding.ts';
import { auditLapses } from '../../scripts/audit/license/lapses.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { grantCase, issueGrantedLicense, ROUTES, runMutation, toBlankNumber } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createTestLibrary } from '../support/library.ts';
import { sweep } from '../support/sweep.ts';
import { waitUntil } from '../support/until.ts';

/** Time ends a license: the register states it, both ledgers enter it, cases and the city library learn it. */

const DIRECT = ROUTES.DIRECT;
const ENDED = '2026-06-01T16:00:00.000Z';

let hub: TestHub;
let clock: TestClock;
let library: Awaited<ReturnType<typeof createTestLibrary>>;
let sql: postgres.Sql;
let serial = 0;
/** Fails the next attempts at a step of an act. */
let failAt: string | null = null;
beforeAll(async () => {
  clock = testClock('2025-06-02');
  library = await createTestLibrary();
  const onStep = (step: string) => {
    if (step === failAt) throw new Error('the process is gone');
  };
  hub = await createTestHub({ now: clock, library: library.settings, onStep });
  sql = postgres(hub.adminUrl, { max: 1 });
  await library.open(await hub.hub.seals.rootCertificate());
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await library?.stop();
});

/** Issues a license whose last day is 2026-06-01, at most a year before it. */
async function issueLicense(): Promise<{ identifier: string; number: string; blankNumber: string }> {
  clock.set('2025-06-02');
  const license = await issueGrantedLicense(hub, DIRECT, await grantCase(hub, DIRECT), ++serial);
  return { ...license, blankNumber: toBlankNumber(DIRECT, serial) };
}

const entriesOf = (number: string) => sql`
  select l.act, l.state_after as state, p.act as paper_act, p.state_after as paper_state, l.at = p.at as together
  from licenses.license_entry l full join licenses.paper_entry p using (number, seq) where number = ${number} order by seq`;
const LAPSED = { act: 'LAPSE', state: 'LAPSED', paper_act: 'LAPSE', paper_state: 'LAPSED', together: true };

test('the end is entered once, in lock-step, signed by the register', async () => {
  const license = await issueLicense();
  const { identifier, number, blankNumber } = license;
  await runMutation(
    hub,
    DIRECT.prints,
    'deliverCertificate',
    'CertificateInput',
    { identifier, blankNumber },
    '__typename',
  );
  clock.set('2026-06-01T15:59:59.999Z');
  expect(await sweep(hub)).toBe(0);
  clock.set(ENDED);
  // Two processes at once, and one that comes later.
  const counts = await Promise.all([sweep(hub), sweep(hub)]);
  expect(counts[0] + counts[1]).toBe(1);
  expect(await sweep(hub)).toBe(0);

  expect((await entriesOf(number)).slice(1)).toEqual([LAPSED]);
  const { data } = await hub.ask(
    DIRECT.decides,
    `query($id: ID!) { license(identifier: $id) {
      state paper { validity recallDue } acts { act state actor document { digest mediaType signature { url } } } } }`,
    { id: identifier },
  );
  const act = data.license.acts.at(-1);
  expect(data.license).toMatchObject({ state: 'LAPSED', paper: { validity: 'LAPSED', recallDue: true } });
  expect(act).toMatchObject({
    ...{ act: 'LAPSE', state: 'LAPSED', actor: '电子证照系统' },
    document: { mediaType: 'application/jwt', signature: { url: null } },
  });
  const [file] = await sql`select bytes from licenses.document where digest = ${act.document.digest}`;
  const verification = await hub.ask(
    null,
    'query($input: VerifyLicenseInput!) { verifyLicense(input: $input) { verdict status { state } } }',
    { input: { document: Buffer.from(file?.bytes).toString('base64') } },
  );
  expect(verification.data.verifyLicense).toEqual({ verdict: 'TOTAL_PASSED', status: { state: 'LAPSED' } });
  const uses = await sql`select from seals.seal_use where act = 'LAPSE'`;
  expect(uses).toHaveLength(0);
  const [duty] = await sql`select kind from licenses.duty where identifier = ${identifier} and closed_at is null`;
  expect(duty).toMatchObject({ kind: 'RECALL_OPEN' });
  await waitUntil('cases have learned it', async () => {
    const [fact] = await sql`select fact->>'state' as state from cases.license_fact where number = ${number}`;
    return fact?.state === 'LAPSED';
  });
  await waitUntil('the library has collected it', async () => {
    const copy = (await library.copies()).find((each) => each.identifier === identifier);
    return copy?.state === 'LAPSED';
  });
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});

test('what a process left half done is completed, and no license holds up another', async () => {
  const licenses = [await issueLicense(), await issueLicense(), await issueLicense()];
  clock.set(ENDED);
  failAt = 'signed';
  await sweep(hub).catch(() => {});
  failAt = null;
  // The acts stay prepared, so another sweep leaves them to the resumer.
  expect(await sweep(hub)).toBe(0);
  await waitUntil('the resumer has completed them', async () => {
    const rows = await sql`select from licenses.license where number = any(${licenses.map(({ number }) => number)})
      and head_state = 'LAPSED'`;
    return rows.length === licenses.length;
  });
  for (const { number } of licenses) expect((await entriesOf(number)).slice(1)).toEqual([LAPSED]);
});

test('a license with a granted case on it is left until that is settled', async () => {
  const { number } = await issueLicense();
  const [task] = await sql`insert into licenses.certificate_task (case_id, case_number, content, content_digest,
      authorisation, issuer, parties, counters, handled_by, opened_at)
    select gen_random_uuid(), case_number || '-1', jsonb_set(content, '{licenseNumber}', to_jsonb(${number}::text)),
      content_digest, authorisation, issuer, parties, counters, handled_by, opened_at
    from licenses.certificate_task limit 1 returning case_id`;
  clock.set(ENDED);
  expect(await sweep(hub)).toBe(0);
  await sql`update licenses.certificate_task set voided_at = now() where case_id = ${task?.case_id}`;
  expect(await sweep(hub)).toBe(1);
});

test('a license whose renewal is undecided at its end stays in force until that is settled', async () => {
  const { identifier, number } = await issueLicense();
  const caseId = crypto.randomUUID();
  const tell = (revision: number, isRunning: boolean) =>
    hub.hub.licenses.receive('cases', {
      ...{ type: 'RenewalChanged', stream: `renewal:${caseId}`, revision, occurredAt: clock().toISOString() },
      payload: {
        ...{ caseId, caseNumber: '3607312026030100001', acceptedOn: '2026-03-01', number },
        ...{ isRunning, isGranted: false, changedAt: clock().toISOString() },
      },
    });
  const stateOf = async () =>
    (await hub.ask(null, `{ licenseStatus(identifier: "${identifier}") { state validUntil } }`)).data.licenseStatus;
  await tell(1, true);
  clock.set(ENDED);
  expect(await sweep(hub)).toBe(0);
  expect(await stateOf()).toEqual({ state: 'VALID', validUntil: '2026-06-01' });
  await tell(2, false);
  expect(await stateOf()).toMatchObject({ state: 'LAPSED' });
  expect(await sweep(hub)).toBe(1);
});

test('nothing is swept while the clock is behind what is recorded', async () => {
  const { number } = await issueLicense();
  clock.set('2026-07-01');
  await sweep(hub).catch(() => {});
  const license = await issueLicense();
  clock.set('2026-06-15');
  await expect(hub.hub.licenses.sweepEnded()).rejects.toThrow('CLOCK_BEHIND');
  expect(await entriesOf(license.number)).toHaveLength(1);
  expect(await entriesOf(number)).toHaveLength(2);
  clock.set('2026-07-02');
  expect(await sweep(hub)).toBe(1);
});

test('under a clock far ahead nothing ends, however few are due; set back, a person confirms it, on record', async () => {
  const { number } = await issueLicense();
  await hub.hub.licenses.confirmClock('运维人员');
  clock.set('2026-07-10');
  await expect(hub.hub.licenses.sweepEnded()).rejects.toThrow('CLOCK_AHEAD');
  expect(await entriesOf(number)).toHaveLength(1);
  // A person may be wrong, too.
  expect(await sweep(hub)).toBe(1);
  const inForce = await issueLicense();
  clock.set('2026-06-10');
  await expect(hub.hub.licenses.sweepEnded()).rejects.toThrow('CLOCK_BEHIND');
  await hub.hub.licenses.confirmClock('运维人员乙');
  expect(await hub.hub.licenses.sweepEnded()).toBe(1);
  expect(await entriesOf(inForce.number)).toHaveLength(2);
  const [word] = await sql`select at, newest_at, confirmed_by from licenses.sweep_confirmation order by serial desc`;
  expect(word?.newest_at.toISOString().slice(0, 10)).toBe('2026-07-10');
  expect([word?.at.toISOString().slice(0, 10), word?.confirmed_by]).toEqual(['2026-06-10', '运维人员乙']);
  // What was ended before the last day, as later acts show, is named.
  clock.set('2026-06-01');
  const early = await issueLicense();
  const findings = [];
  for await (const finding of auditLapses({ sql } as unknown as AuditInput)) findings.push(finding);
  expect(findings.map(({ code }) => code)).toContain('LAPSED_EARLY');
  expect(findings.map(({ object }) => object)).toContain(`number:${number}`);
  expect(findings.map(({ object }) => object)).not.toContain(`number:${early.number}`);
});
