import postgres from 'postgres';
import { expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { changesFor } from '../support/content.ts';
import { createTestDatabase } from '../support/database.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createHubOn, makeSeededTemplate, type TestHub } from '../support/hub.ts';
import { waitForLicense } from '../support/supervision.ts';
import { sweep } from '../support/sweep.ts';
import { waitUntil } from '../support/until.ts';

/** Releases up to 0.4.1 told licenses of no renewal. The first start after the upgrade tells of those that run. */

const ROUTE = ROUTES.WINDOW_FORWARD;
const CHANGE = 'yd2022-3-27';
const RENEW = 'yd2022-3-26';

test('renewals that an earlier release accepted keep their licenses in force from the first start on', async () => {
  const clock = testClock('2025-03-02');
  const database = await createTestDatabase(await makeSeededTemplate());
  const kept = { ...database, drop: async () => {} };
  const sql = postgres(database.adminUrl, { max: 1, onnotice: () => {} });
  let hub: TestHub = await createHubOn(kept, { now: clock }, false);
  const issue = async (serial: number) => {
    const caseId = await grantCase(hub, ROUTE);
    const license = await issueGrantedLicense(hub, ROUTE, caseId, serial);
    await waitForLicense(hub, caseId);
    return license as { number: string; identifier: string };
  };
  const accept = async (matter: string, { number: licenseNumber }: { number: string }): Promise<string> => {
    const input = { matter, applicant: COMPANY, fields: changesFor(matter), licenseNumber };
    const fields = 'case { id: uuid }';
    return (await runMutation(hub, ROUTE.accepts, 'acceptCase', 'ApplicationInput', input, fields)).case.id;
  };
  try {
    await sql`update cases.matter_fact set fact = replace(fact::text, '"validityMonths": 60', '"validityMonths": 12')::jsonb`;
    const [running, late, changing, rejected] = [
      await issue(1),
      await issue(2),
      await issue(3),
      await issue(4),
    ] as const;
    clock.set('2026-01-15');
    const ids = [await accept(RENEW, running), await accept(RENEW, late), await accept(CHANGE, changing)];
    const refused = await accept(RENEW, rejected);
    for (const [person, name, type, input] of [
      [ROUTE.examines, 'examineCase', 'ExamineCaseInput', { case: refused, finding: 'APPROVED' }],
      [ROUTE.forwards, 'forwardCase', 'CaseNoteInput', { case: refused }],
      [
        ROUTE.decides,
        'decideCase',
        'DecideCaseInput',
        { ...{ case: refused, decision: 'REJECTED' }, reason: '不符合条件', authoriseSeal: true },
      ],
    ] as const)
      expect((await runMutation(hub, person, name, type, input, '__typename')).refusal).toBeNull();
    await waitUntil('licenses know the renewals', async () => {
      const rows = await sql`select from licenses.renewal`;
      return rows.length === 3;
    });
    await hub.stop();

    // As a folder of 0.4.1 is after its migrations: nobody was told, and one renewal was accepted after the end.
    await sql`delete from licenses.renewal`;
    await sql`delete from licenses.inbox where stream like 'renewal:%'`;
    for (const table of ['outbox_receipt', 'outbox_delivery', 'outbox_event', 'outbox_stream'])
      await sql`delete from cases.${sql(table)} where stream like 'renewal:%'`;
    await sql`update licenses.license_version set valid_until = '2026-03-01'`;
    await sql`update cases.case_step set at = '2026-03-05T04:00:00Z' where case_id = ${ids[1] ?? ''}`;
    clock.set('2026-03-10');
    const stateOf = async ({ identifier }: { identifier: string }) => {
      const query = 'query($id: ID!) { licenseStatus(identifier: $id) { state deemedRenewedSince } }';
      return (await hub.ask(null, query, { id: identifier })).data.licenseStatus;
    };
    const listEvents = () =>
      sql`select stream, revision, payload->'isRunning' as running from cases.outbox_event where stream like 'renewal:%'`;
    for (let start = 0; start < 2; start++) {
      hub = await createHubOn(kept, { now: clock }, false);
      await waitUntil('licenses know the renewal', async () => (await stateOf(running)).state === 'VALID');
      expect((await stateOf(running)).deemedRenewedSince).toBe('2026-03-02');
      expect(await listEvents()).toEqual([{ stream: `renewal:${ids[0]}`, revision: 1, running: true }]);
      if (start === 0) await hub.stop();
    }
    for (const license of [late, changing, rejected])
      expect(await stateOf(license)).toEqual({ state: 'LAPSED', deemedRenewedSince: null });
    expect(await sweep(hub)).toBe(3);
    expect((await stateOf(running)).state).toBe('VALID');
  } finally {
    await hub.stop();
    await sql.end();
    await database.drop();
  }
});
