import { afterAll, beforeAll, expect, test } from 'vitest';
import { findInconsistencies } from '../support/consistency.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation, toBlanks } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitForLicense } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';

/** A decision that was corrected (更正) before it was served reaches the applicant with the correction. */

const ROUTE = ROUTES.DIRECT;
const CORRECTED = { ...COMPANY, name: '于都县贡江示范药业有限责任公司' };

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: () => new Date('2026-03-02T01:00:00Z') });
});
afterAll(() => hub?.stop());

interface Served {
  step: string;
  delivery: { recipient: string; method: string } | null;
  notices: { kind: string; number: string }[];
}
async function readCase(id: string): Promise<Served> {
  const query = 'query($id: ID!) { case(id: $id) { step delivery { recipient method } notices { kind number } } }';
  return (await hub.ask('auditor', query, { id })).data.case;
}
const receiptsOf = ({ notices }: Served) => notices.filter(({ kind }) => kind === 'DELIVERY');

/** Issues a license whose paper stays at the counter, and corrects it. Returns both cases and the corrected version. */
async function issueAndCorrect(serial: number) {
  const first = await grantCase(hub, ROUTE);
  const { number } = await issueGrantedLicense(hub, ROUTE, first, serial);
  await waitForLicense(hub, first);
  const second = await grantCase(hub, ROUTE, {
    licenseNumber: number,
    situation: 'CORRECT',
    applicant: CORRECTED,
    fields: [],
    reason: '录入有误',
  });
  const input = { case: second, ...toBlanks(ROUTE, serial + 1) };
  const fields = 'license { identifier number }';
  const { license, refusal } = await runMutation(hub, ROUTE.prints, 'correctLicense', 'CaseActInput', input, fields);
  expect(refusal).toBeNull();
  await waitForLicense(hub, second);
  return { first, second, number, license, blankNumber: input.blankNumber };
}

test('serving the corrected license serves and records both decisions', async () => {
  const { first, second, license, blankNumber } = await issueAndCorrect(1);
  expect(await readCase(first)).toMatchObject({ step: 'CERTIFIED', delivery: null });
  const delivery = { recipient: '王芳', method: 'IN_PERSON' };
  const input = { identifier: license.identifier, blankNumber, delivery };
  const delivered = await runMutation(hub, ROUTE.prints, 'deliverCertificate', 'CertificateInput', input, '__typename');
  expect(delivered.refusal).toBeNull();
  for (const id of [first, second]) {
    const served = await waitUntil('the case is delivered', async () => {
      const subject = await readCase(id);
      return subject.step === 'DELIVERED' && subject;
    });
    expect(served.delivery).toEqual(delivery);
    expect(receiptsOf(served)).toHaveLength(1);
  }
});

test('a change leaves what was not served unserved, and the correction before it', async () => {
  const { first, second, number } = await issueAndCorrect(3);
  const change = await grantCase(hub, ROUTE, { licenseNumber: number, situation: 'CHANGE', applicant: CORRECTED });
  const input = { case: change, ...toBlanks(ROUTE, 5) };
  const changed = await runMutation(hub, ROUTE.prints, 'changeLicense', 'CaseActInput', input, 'license { number }');
  expect(changed.refusal).toBeNull();
  for (const id of [first, second]) {
    await waitUntil('the case ends unserved', async () => (await readCase(id)).step === 'UNDELIVERED');
    expect(receiptsOf(await readCase(id))).toEqual([]);
  }
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});
