import { afterAll, beforeAll, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { together } from '../support/dual.ts';
import { blankNumber, grantCase, issue, ROUTES, refusalOf } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

/** Tests a seal grant that is limited to a person and to days, from the seal to the issued license. */

const DIRECT = ROUTES.DIRECT;
const SEAL = 'yudu-lyj-license-seal';

let hub: TestHub;
const clock = testClock('2026-03-02');
beforeAll(async () => {
  hub = await testHub({ now: clock });
});
afterAll(() => hub?.stop());

interface Grant {
  id: string;
  person: string | null;
}
const grants = async (): Promise<Grant[]> =>
  (await hub.ask('auditor', `{ seal(id: "${SEAL}") { grants { id person } } }`)).data.seal.grants;

/** Withdraws all grants of the seal and adds this one. Waits until the licenses subgraph has it. */
async function grantAlone(grant: object): Promise<void> {
  for (const { id } of await grants()) {
    await together(hub.ask, 'yudu-lyj', 'applyForSealGrantWithdrawal', { seal: SEAL, grant: id });
  }
  const input = { seal: SEAL, matter: DIRECT.matter, ...grant };
  expect((await together(hub.ask, 'yudu-lyj', 'applyForSealGrant', input)).refusal).toBeNull();
  const { default: postgres } = await import('postgres');
  const sql = postgres(hub.adminUrl, { max: 1 });
  await until('licenses know', async () => {
    const [row] = await sql`select grants from licenses.seal_fact where seal_id = ${SEAL}`;
    return row?.grants.length === 1 && Object.entries(grant).every(([name, said]) => row.grants[0][name] === said);
  });
  await sql.end();
}

test('a license is sealed only if its decider has a grant for that day', async () => {
  const cases = [];
  for (let n = 0; n < 4; n++) cases.push(await grantCase(hub, DIRECT));
  const [first = '', second = '', third = '', fourth = ''] = cases;
  const refused = (id: string) =>
    refusalOf(hub, DIRECT.prints, 'issueLicense', 'CaseActInput', { case: id, blankNumber: blankNumber(DIRECT, 9) });

  await grantAlone({ person: 'yudu-lyj.deputy' });
  expect(await refused(first)).toBe('SEAL_NOT_GRANTED');
  await grantAlone({ person: DIRECT.decides, from: '2026-03-03', to: '2026-03-03' });
  expect(await refused(first)).toBe('SEAL_NOT_GRANTED');
  clock.set('2026-03-03');
  const license = await issue(hub, DIRECT, first, 1);
  // The clerk who spoils a sheet authorises the entry, so the clerk needs a grant too.
  const [blank, replacement] = [1, 2].map((serial) => blankNumber(DIRECT, serial));
  const spoiled = { identifier: license.identifier, blankNumber: blank, replacement, reason: '打印错位' };
  expect(await refusalOf(hub, DIRECT.prints, 'spoilBlank', 'SpoilBlankInput', spoiled)).toBe('SEAL_NOT_GRANTED');
  clock.set('2026-03-04');
  expect(await refused(second)).toBe('SEAL_NOT_GRANTED');
  await grantAlone({ person: null, from: '2026-03-04', to: null });
  await issue(hub, DIRECT, second, 3);
  expect(await refusalOf(hub, DIRECT.prints, 'spoilBlank', 'SpoilBlankInput', spoiled)).toBeNull();
  await issue(hub, DIRECT, third, 4);
  await grantAlone({ person: 'yudu-lyj.deputy' });
  expect(await refused(fourth)).toBe('SEAL_NOT_GRANTED');
}, 120_000);
