import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../scripts/audit/finding.ts';
import { auditProposals } from '../../scripts/audit/office/proposals.ts';
import { auditPaper } from '../../scripts/audit/paper.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { grantCase, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** The stock of numbered blanks of an organ (空白证照库存): boxes, types. */

const ROUTE = ROUTES.DIRECT;
const [KEEPER, SEAL_APPROVER] = ['yudu-lyj.keeper', 'yudu-lyj.sealapprover'];
/** 林木采伐许可证, and 第三类医疗器械经营许可证. */
const [OWN_TYPE, OTHER_TYPE] = ['11000000000090018B004', '11000000000090018B033'];

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub();
});
afterAll(() => hub?.stop());

const receive = (person: string, input: object) =>
  runMutation(hub, person, 'receiveBlanks', 'ReceiveBlanksInput', input, 'received refusals { code path }');
/** Takes a box into stock by two persons. */
async function receiveBox(input: object): Promise<void> {
  await receive(KEEPER, input);
  const { received, refusals } = await receive(SEAL_APPROVER, input);
  if (received === null) throw new Error(JSON.stringify(refusals));
}
const actOnCase = (name: string, type: string, input: object) =>
  runMutation(hub, ROUTE.prints, name, type, input, 'license { identifier } refusals { code path }');
async function auditOf(): Promise<Finding[]> {
  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  try {
    const findings: Finding[] = [];
    for (const audit of [auditPaper, auditProposals])
      for await (const finding of audit({ sql } as never)) findings.push(finding);
    return findings;
  } finally {
    await sql.end();
  }
}

describe('boxes', () => {
  test('need not continue each other, and do not overlap', async () => {
    await receiveBox({ prefix: 'BX1', from: 101, to: 103 });
    await receiveBox({ prefix: 'BX1', from: 501, to: 502 });
    const { refusals } = await receive(KEEPER, { prefix: 'BX1', from: 103, to: 104 });
    expect(refusals).toMatchObject([{ code: 'BLANK_RANGE_TAKEN' }]);
  });

  test('are for a license type that is known, and that both persons state', async () => {
    const box = { prefix: 'BX2', from: 1, to: 2, licenseType: OWN_TYPE };
    const { refusals } = await receive(KEEPER, { ...box, licenseType: '11000000000090018B999' });
    expect(refusals).toEqual([{ code: 'BLANK_TYPE_UNKNOWN', path: ['input', 'licenseType'] }]);
    await receive(KEEPER, box);
    expect(await receive(SEAL_APPROVER, { ...box, licenseType: OTHER_TYPE })).toMatchObject({ received: null });
    expect(await receive(SEAL_APPROVER, box)).toMatchObject({ received: 2 });
  });
});

test('a blank of another type carries no license, neither at first nor instead of a spoiled sheet', async () => {
  await receiveBox({ prefix: 'AA0', from: 1, to: 3, licenseType: OTHER_TYPE });
  await receiveBox({ prefix: 'AA1', from: 1, to: 3, licenseType: OWN_TYPE });
  const id = await grantCase(hub, ROUTE);
  const query = 'query($id: ID!) { case(id: $id) { certificateTask { blanks { number licenseType } } } }';
  const { data } = await hub.ask(ROUTE.prints, query, { id });
  const { blanks } = data.case.certificateTask;
  expect(blanks[0]).toEqual({ number: 'AA100000001', licenseType: OWN_TYPE });
  expect(blanks.filter(({ licenseType }: { licenseType: string | null }) => licenseType === OTHER_TYPE)).toEqual([]);

  const issue = (blankNumber: string) => actOnCase('issueLicense', 'CaseActInput', { case: id, blankNumber });
  const wrong = { code: 'BLANK_OF_ANOTHER_TYPE', path: ['input', 'blankNumber'] };
  expect((await issue('AA000000001')).refusals).toEqual([wrong]);
  const { license } = await issue('AA100000001');
  const spoil = (replacement: string) =>
    actOnCase('spoilBlank', 'SpoilBlankInput', {
      ...{ identifier: license.identifier, blankNumber: 'AA100000001', reason: 'MISPRINT', replacement },
    });
  expect((await spoil('AA000000001')).refusals).toEqual([{ ...wrong, path: ['input', 'replacement'] }]);
  expect((await spoil('AA100000002')).refusals).toEqual([]);
});

test('the audit finds every blank in its box, and one whose type was changed', async () => {
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  expect(await auditOf()).toEqual([]);
  const sql = postgres(hub.adminUrl, { max: 1 });
  const relabel = (type: string | null) =>
    sql`update licenses.blank set license_type = ${type} where number = 'AA000000002'`;
  await relabel(null);
  expect(await auditOf()).toMatchObject([{ code: 'BLANK_NOT_OF_ITS_BOX', object: 'blank:AA000000002' }]);
  await relabel(OTHER_TYPE);
  await sql.end();
});
