import { afterAll, beforeAll, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES, toBlankNumber, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';

/** Tests a seal grant that is limited to a person and to days, from the seal to the issued license. */

const DIRECT = ROUTES.DIRECT;
const SEAL = 'yudu-lyj-license-seal';

let hub: TestHub;
const clock = testClock('2026-03-02');
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
});
afterAll(() => hub?.stop());

interface Grant {
  id: string;
  person: string | null;
}
const listGrants = async (): Promise<Grant[]> =>
  (await hub.ask('auditor', `{ seal(id: "${SEAL}") { grants { id: uuid person } } }`)).data.seal.grants;

/** Withdraws all grants of the seal and adds this one. Waits until the licenses subgraph has it. */
async function replaceGrants(grant: object): Promise<void> {
  for (const { id } of await listGrants()) {
    await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealGrantWithdrawal', { seal: SEAL, grant: id });
  }
  const input = { seal: SEAL, matter: DIRECT.matter, ...grant };
  expect((await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealGrant', input)).refusal).toBeNull();
  const { default: postgres } = await import('postgres');
  const sql = postgres(hub.adminUrl, { max: 1 });
  await waitUntil('licenses know', async () => {
    const [row] = await sql`select grants from licenses.seal_fact where seal_id = ${SEAL}`;
    return row?.grants.length === 1 && Object.entries(grant).every(([name, value]) => row.grants[0][name] === value);
  });
  await sql.end();
}

test('a license is sealed only if its decider has a grant for that day', async () => {
  const caseIds = [];
  for (let n = 0; n < 4; n++) caseIds.push(await grantCase(hub, DIRECT));
  const [first = '', second = '', third = '', fourth = ''] = caseIds;
  const refusalOfIssue = (id: string) =>
    findRefusalCode(hub, DIRECT.prints, 'issueLicense', 'CaseActInput', {
      case: id,
      ...toBlanks(DIRECT, 9),
    });

  await replaceGrants({ person: 'yudu-lyj.deputy' });
  expect(await refusalOfIssue(first)).toBe('SEAL_NOT_GRANTED');
  await replaceGrants({ person: DIRECT.decides, from: '2026-03-03', to: '2026-03-03' });
  expect(await refusalOfIssue(first)).toBe('SEAL_NOT_GRANTED');
  clock.set('2026-03-03');
  const license = await issueGrantedLicense(hub, DIRECT, first, 1);
  // A spoiled sheet is stated by the register: the clerk uses no seal, and needs no grant.
  const [blank, replacement] = [1, 2].map((serial) => toBlankNumber(DIRECT, serial));
  const spoilInput = { identifier: license.identifier, blankNumber: blank, replacement, reason: 'MISPRINT' };
  expect(await findRefusalCode(hub, DIRECT.prints, 'spoilBlank', 'SpoilBlankInput', spoilInput)).toBeNull();
  clock.set('2026-03-04');
  expect(await refusalOfIssue(second)).toBe('SEAL_NOT_GRANTED');
  await replaceGrants({ person: null, from: '2026-03-04', to: null });
  await issueGrantedLicense(hub, DIRECT, second, 3);
  await issueGrantedLicense(hub, DIRECT, third, 4);
  await replaceGrants({ person: 'yudu-lyj.deputy' });
  expect(await refusalOfIssue(fourth)).toBe('SEAL_NOT_GRANTED');
}, 120_000);
