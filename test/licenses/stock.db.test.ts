import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../scripts/audit/finding.ts';
import { auditProposals } from '../../scripts/audit/office/proposals.ts';
import { auditPaper } from '../../scripts/audit/paper.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { grantCase, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** The stock of numbered blanks of an organ (空白证照库存): boxes, types, write-offs, transfers. */

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
  runMutation(hub, person, 'receiveBlanks', 'ReceiveBlanksInput', input, 'received refusals { code message path }');
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
    expect(refusals).toMatchObject([{ code: 'BLANK_RANGE_TAKEN', message: expect.stringContaining('BX100000103') }]);
  });

  test('are for a license type that is known, and that both persons state', async () => {
    const box = { prefix: 'BX2', from: 1, to: 2, licenseType: OWN_TYPE };
    const { refusals } = await receive(KEEPER, { ...box, licenseType: '11000000000090018B999' });
    expect(refusals).toMatchObject([{ code: 'BLANK_TYPE_UNKNOWN', path: ['input', 'licenseType'] }]);
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

describe('a write-off', () => {
  const RANGE = { prefix: 'WO1', from: 2, to: 4 };
  const REQUEST = { ...RANGE, reason: 'DAMAGED', remark: '库房受潮' };
  const writeOff = (person: string, input: object = REQUEST) =>
    runMutation(
      ...([hub, person, 'writeOffBlanks', 'WriteOffBlanksInput', input] as const),
      'writtenOff waitsForSecondPerson refusals { code path }',
    );
  const codesOf = async (person: string, input: object) =>
    (await writeOff(person, input)).refusals.map(({ code }: { code: string }) => code);
  const listVoided = async () => {
    const { data } = await hub.ask(
      KEEPER,
      '{ blanks(filter: { state: VOIDED }, first: 100) { edges { node { number } } } }',
    );
    return data.blanks.edges.map(({ node }: { node: { number: string } }) => node.number);
  };

  test('takes two persons who state the same, and is rehearsed by each', async () => {
    await receiveBox({ prefix: 'WO1', from: 1, to: 9 });
    const waits = { writtenOff: null, waitsForSecondPerson: true, refusals: [] };
    expect(await writeOff(KEEPER, { ...REQUEST, dryRun: true })).toMatchObject(waits);
    expect(await writeOff(KEEPER)).toMatchObject(waits);
    expect(await codesOf(KEEPER, REQUEST)).toEqual(['SECOND_PERSON_NEEDED']);
    expect(await writeOff(SEAL_APPROVER, { ...REQUEST, reason: 'LOST' })).toMatchObject(waits);
    const done = { writtenOff: 3, waitsForSecondPerson: false, refusals: [] };
    expect(await writeOff(SEAL_APPROVER, { ...REQUEST, dryRun: true })).toMatchObject(done);
    expect(await listVoided()).toEqual([]);
    const both = await Promise.all([SEAL_APPROVER, SEAL_APPROVER].map((person) => writeOff(person)));
    expect(both.map(({ writtenOff }) => writtenOff).sort()).toEqual([3, null]);
    expect(await listVoided()).toEqual(['WO100000002', 'WO100000003', 'WO100000004']);
    // What asked for the same numbers for another reason comes too late.
    expect(await codesOf(KEEPER, { ...REQUEST, reason: 'LOST' })).toEqual(['BLANK_SPOILED']);
  });

  test('is of blanks in the own stock, all of them', async () => {
    const other = ['yudu-sfj.keeper', 'yudu-sfj.sealapprover'] as const;
    for (const person of other) await receive(person, { prefix: 'WO1', from: 10, to: 10 });
    expect(await codesOf(KEEPER, { ...REQUEST, from: 4, to: 11 })).toEqual([
      'BLANK_SPOILED',
      'BLANK_OF_ANOTHER_ORGAN',
      'BLANK_UNKNOWN',
    ]);
    expect(await codesOf(KEEPER, { ...REQUEST, from: 9, to: 8, remark: ' ' })).toEqual([
      'FIELD_MALFORMED',
      'REASON_MISSING',
    ]);
    expect(await codesOf(ROUTE.decides, REQUEST)).toEqual(['ROLE_NOT_ALLOWED']);
  });

  test('is refused if a blank was used after the first person stated it', async () => {
    await receiveBox({ prefix: 'WO2', from: 1, to: 2, licenseType: OWN_TYPE });
    const stated = { ...REQUEST, prefix: 'WO2', from: 1, to: 2 };
    await writeOff(KEEPER, stated);
    const id = await grantCase(hub, ROUTE);
    expect(
      (await actOnCase('issueLicense', 'CaseActInput', { case: id, blankNumber: 'WO200000001' })).refusals,
    ).toEqual([]);
    expect(await codesOf(SEAL_APPROVER, stated)).toEqual(['BLANK_USED']);
  });
});

describe('a transfer', () => {
  const OTHER = ['yudu-sfj.keeper', 'yudu-sfj.sealapprover'] as const;
  const RANGE = { organ: 'yudu-sfj', prefix: 'TR1', from: 3, to: 5, remark: '调剂' };
  const FIELDS = 'transfer { id: uuid state endedBy decision organ { code } receiver { code } } refusals { code path }';
  const send = (person: string, input: object = RANGE) =>
    runMutation(hub, person, 'transferBlanks', 'TransferBlanksInput', input, FIELDS);
  const codesOf = async (person: string, input: object) =>
    (await send(person, { ...RANGE, ...input })).refusals.map(({ code }: { code: string }) => code);
  const decide = (person: string, proposal: string, input: object = {}) =>
    runMutation(
      ...([hub, person, 'decideBlankTransfer', 'DecideBlankTransferInput'] as const),
      ...([{ proposal, approve: true, ...input }, FIELDS] as const),
    );
  const withdraw = (person: string, proposal: string) =>
    runMutation(hub, person, 'withdrawBlankTransfer', 'WithdrawBlankTransferInput', { proposal }, FIELDS);
  const listStock = async (person: string, state: string) => {
    const query = `{ blanks(filter: { state: ${state} }, last: 100) { edges { node { number licenseType } } } }`;
    const { data } = await hub.ask(person, query);
    return data.blanks.edges
      .map(({ node }: { node: { number: string } }) => node)
      .filter(({ number }: { number: string }) => number.startsWith('TR1'));
  };

  test('is of the own stock, to another organ that is known', async () => {
    await receiveBox({ prefix: 'TR1', from: 1, to: 9, licenseType: OWN_TYPE });
    expect(await codesOf(KEEPER, { organ: 'yudu-lyj' })).toEqual(['TRANSFER_TO_ITSELF']);
    expect(await codesOf(KEEPER, { organ: 'nowhere', to: 10, remark: '' })).toEqual([
      'REASON_MISSING',
      'ORGAN_UNKNOWN',
      'BLANK_UNKNOWN',
    ]);
    expect(await codesOf(OTHER[0], { organ: 'yudu-slj' })).toEqual(['BLANK_OF_ANOTHER_ORGAN']);
    expect(await codesOf(KEEPER, { prefix: 'WO1', from: 1, to: 2 })).toEqual(['BLANK_SPOILED']);
    expect(await codesOf(ROUTE.decides, {})).toEqual(['ROLE_NOT_ALLOWED']);
    expect(await send(KEEPER, { ...RANGE, dryRun: true })).toMatchObject({ transfer: null, refusals: [] });
    expect(await listStock(KEEPER, 'IN_TRANSIT')).toEqual([]);
  });

  test('takes the blanks out of use until the other organ confirms them, and keeps their type', async () => {
    const sent = (await Promise.all([KEEPER, SEAL_APPROVER].map((person) => send(person)))).toSorted(
      (one, other) => one.refusals.length - other.refusals.length,
    );
    expect(sent.map(({ refusals }) => refusals.map(({ code }: { code: string }) => code))).toEqual([
      [],
      ['BLANK_IN_TRANSIT'],
    ]);
    const { id } = sent[0].transfer;
    const transit = ['TR100000003', 'TR100000004', 'TR100000005'].map((number) => ({ number, licenseType: OWN_TYPE }));
    expect(await listStock(KEEPER, 'IN_TRANSIT')).toEqual(transit);
    const used = await actOnCase('issueLicense', 'CaseActInput', {
      ...{ case: await grantCase(hub, ROUTE), blankNumber: 'TR100000003' },
    });
    expect(used.refusals).toMatchObject([{ code: 'BLANK_IN_TRANSIT' }]);
    const writeOff = { prefix: 'TR1', from: 5, to: 6, reason: 'LOST', remark: '盘点不见' };
    const refused = await runMutation(
      ...([hub, KEEPER, 'writeOffBlanks', 'WriteOffBlanksInput', writeOff, 'refusals { code }'] as const),
    );
    expect(refused.refusals).toEqual([{ code: 'BLANK_IN_TRANSIT' }]);
    expect(await auditOf()).toEqual([]);

    for (const person of [KEEPER, SEAL_APPROVER])
      expect((await decide(person, id)).refusals).toMatchObject([{ code: 'NOT_YOUR_RECORD' }]);
    expect((await decide(OTHER[0], id, { dryRun: true })).transfer).toMatchObject({ state: 'APPROVED' });
    expect(await listStock(OTHER[0], 'IN_STOCK')).toEqual([]);
    const both = await Promise.all(OTHER.map((person) => decide(person, id)));
    expect(both.flatMap(({ refusals }) => refusals)).toMatchObject([{ code: 'PROPOSAL_DECIDED' }]);
    expect(await listStock(OTHER[0], 'IN_STOCK')).toEqual(transit);
    expect(await listStock(KEEPER, 'IN_TRANSIT')).toEqual([]);
    expect(await codesOf(KEEPER, { from: 5, to: 5 })).toEqual(['BLANK_OF_ANOTHER_ORGAN']);
  });

  test('that is given back or taken back leaves the blanks in the stock of the sender', async () => {
    const back = (await send(KEEPER, { ...RANGE, from: 6, to: 6 })).transfer;
    expect((await decide(OTHER[1], back.id, { approve: false })).refusals).toMatchObject([{ code: 'REASON_MISSING' }]);
    expect((await decide(OTHER[1], back.id, { approve: false, reason: '号码不符' })).transfer).toMatchObject({
      ...{ state: 'REJECTED', decision: '号码不符', organ: { code: 'yudu-lyj' }, receiver: { code: 'yudu-sfj' } },
    });
    const taken = (await send(KEEPER, { ...RANGE, from: 6, to: 7 })).transfer;
    expect((await withdraw(SEAL_APPROVER, taken.id)).refusals).toMatchObject([{ code: 'NOT_YOUR_RECORD' }]);
    expect((await withdraw(KEEPER, taken.id)).transfer).toMatchObject({ state: 'WITHDRAWN' });
    expect((await decide(OTHER[1], taken.id)).refusals).toMatchObject([{ code: 'PROPOSAL_DECIDED' }]);
    expect((await listStock(KEEPER, 'IN_STOCK')).map(({ number }: { number: string }) => number)).toEqual([
      ...['TR100000001', 'TR100000002', 'TR100000006', 'TR100000007', 'TR100000008', 'TR100000009'],
    ]);
  });

  test('is listed to both organs, and to nobody else', async () => {
    const countFor = async (person: string) => {
      const { data } = await hub.ask(person, '{ blankTransfers(first: 100) { edges { node { prefix } } } }');
      return data.blankTransfers?.edges.length ?? null;
    };
    const people = [KEEPER, OTHER[0], 'auditor', 'yudu-slj.keeper', 'applicant-company'];
    expect(await Promise.all(people.map(countFor))).toEqual([3, 3, 3, 0, null]);
  });
});

describe('a blank', () => {
  const FIELDS = `id number state organ { code } license { number } box { prefix from to organ { code } receivedBy }
    history { state by organ { code } identifier writeOffReason remark transfer { uuid state } }`;
  const find = async (person: string, filter: string) => {
    const query = `{ blanks(filter: { ${filter} }, first: 100) { edges { node { ${FIELDS} } } } }`;
    const { data, errors } = await hub.ask(person, query);
    if (errors) throw new Error(JSON.stringify(errors));
    return data.blanks.edges.map(({ node }: { node: object }) => node);
  };

  test('is found by its number, and tells its box and what happened to it', async () => {
    const [moved] = await find('yudu-sfj.clerk', 'prefix: "TR1", from: 4, to: 4');
    expect(moved).toMatchObject({
      ...{ number: 'TR100000004', state: 'IN_STOCK', organ: { code: 'yudu-sfj' }, license: null },
      box: { prefix: 'TR1', from: 1, to: 9, organ: { code: 'yudu-lyj' } },
      history: [
        { state: 'IN_STOCK', organ: null, transfer: null },
        { state: 'IN_TRANSIT', organ: null, transfer: { state: 'APPROVED' } },
        { state: 'IN_STOCK', organ: { code: 'yudu-sfj' }, transfer: { state: 'APPROVED' } },
      ],
    });
    const [lost] = await find(KEEPER, 'prefix: "WO1", state: VOIDED, to: 2');
    expect(lost.history.at(-1)).toMatchObject({ state: 'VOIDED', writeOffReason: 'DAMAGED', remark: '库房受潮' });
    const [used] = await find(KEEPER, 'prefix: "WO2", from: 1, to: 1');
    expect(used).toMatchObject({ state: 'PRINTED', license: { number: expect.any(String) } });
    expect(used.history.map(({ state }: { state: string }) => state)).toEqual(['IN_STOCK', 'ASSIGNED', 'PRINTED']);
  });

  test('is of the stock of one organ: others neither list nor find it, an auditor does', async () => {
    const filter = 'prefix: "TR1", from: 4, to: 4';
    const [{ id }] = await find('auditor', filter);
    for (const person of [KEEPER, 'yudu-slj.keeper']) expect(await find(person, filter)).toEqual([]);
    const ask = async (person: string) => {
      const { data } = await hub.ask(person, 'query($id: ID!) { node(id: $id) { ... on Blank { number } } }', { id });
      return data.node?.number ?? null;
    };
    const people = ['yudu-sfj.clerk', 'auditor', KEEPER, 'applicant-company'];
    expect(await Promise.all(people.map(ask))).toEqual(['TR100000004', 'TR100000004', null, null]);
  });
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
