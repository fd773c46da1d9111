import { decodeJwt } from 'jose';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { COMPANY, findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { importDelegations } from '../support/proposal.ts';

/** Who a grant of a seal "to whoever decides" is for, when a matter moves from one organ to another. */

const { DIRECT } = ROUTES;
const BEFORE = 'yudu-lyj';
const AFTER = 'yudu-xzspj';
const LIST = [
  'matter,valid_from,mode,county_organ,city_industry,county_industry,outcome_name,running_cases',
  `${DIRECT.matter},2026-03-10,,${AFTER},,,,FOLLOW`,
].join('\n');

const clock = testClock('2026-03-02');
let hub: TestHub;
let sql: postgres.Sql;
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

/** Accepts and examines a case as the organ before the transfer. Returns its id. */
async function examineCase(): Promise<string> {
  const application = { matter: DIRECT.matter, applicant: COMPANY, fields: [{ label: '采伐地点', text: '示范乡' }] };
  const acceptance = await runMutation(
    hub,
    DIRECT.accepts,
    'acceptCase',
    'ApplicationInput',
    application,
    'case { id: uuid }',
  );
  const examination = { case: acceptance.case.id, finding: 'APPROVED' };
  expect(await findRefusalCode(hub, DIRECT.examines, 'examineCase', 'ExamineCaseInput', examination)).toBeNull();
  return acceptance.case.id;
}

const decide = (person: string, id: string, decision: string) => {
  const input = { case: id, decision, authoriseSeal: true, reason: '依规定办理' };
  return findRefusalCode(hub, person, 'decideCase', 'DecideCaseInput', input);
};

test('the organ that decided seals its decision after the transfer, and decides nothing more', async () => {
  const decidedId = await grantCase(hub, DIRECT);
  const runningId = await examineCase();
  const { refusal } = await importDelegations(hub, { csv: LIST }, 'unchanged', 'id');
  expect(refusal).toBeNull();
  clock.set('2026-03-11');

  // Decided before the transfer, sealed after it: by the seal of the organ that decided, granted to whoever decides.
  const license = await issueGrantedLicense(hub, DIRECT, decidedId, 1);
  expect(license.state).toBe('VALID');
  const [use] = await sql`select organ, authorisation from seals.seal_use
    where case_id = ${decidedId} and act = 'ISSUE'`;
  expect(use?.organ).toBe(BEFORE);
  expect(decodeJwt(use?.authorisation).decider).toEqual({ organ: BEFORE, decides: BEFORE, exception: null });

  // A case that follows is decided by the new organ, and the statement names that organ.
  expect(await decide(`${BEFORE}.approver`, runningId, 'REJECTED')).toBe('MATTER_MOVED');
  expect(await decide(`${AFTER}.approver`, runningId, 'REJECTED')).toBeNull();
  const [notice] = await sql`select s.organ, s.authorisation from cases.decision_seal s
    join cases.notice n on n.id = s.notice_id where n.case_id = ${runningId} and n.kind = 'DECISION'`;
  expect(notice?.organ).toBe(AFTER);
  expect(decodeJwt(notice?.authorisation).decider).toEqual({ organ: AFTER, decides: AFTER, exception: null });
});
