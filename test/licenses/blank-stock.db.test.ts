import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeGlobalId } from '../../subgraphs/kernel/graphql/global-id.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { grantCase, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** Boxes of any number of digits, and the equation of blanks (空白证照收支). */

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
  for (const person of [KEEPER, SEAL_APPROVER]) await receive(person, input);
}

test('boxes have as many digits as both persons state, and do not overlap by what is printed', async () => {
  const box = { prefix: 'DG1', digits: 6, from: 98, to: 102, licenseType: OWN_TYPE };
  await receive(KEEPER, box);
  expect(await receive(SEAL_APPROVER, { ...box, digits: 7 })).toMatchObject({ received: null, refusals: [] });
  expect(await receive(SEAL_APPROVER, box)).toMatchObject({ received: 5 });
  // DG10 and five digits are printed as DG1 and six.
  const { refusals } = await receive(KEEPER, { prefix: 'DG10', digits: 5, from: 100, to: 100 });
  expect(refusals).toMatchObject([{ code: 'BLANK_RANGE_TAKEN', message: expect.stringContaining('DG1000100') }]);
  await receiveBox({ prefix: 'DG1', digits: 9, from: 98, to: 102 });

  const range = { prefix: 'DG1', digits: 6 };
  const writeOff = { ...range, from: 102, to: 102, reason: 'FAULTY', remark: '印制缺陷' };
  const fields = 'writtenOff refusals { code }';
  for (const person of [KEEPER, SEAL_APPROVER])
    await runMutation(hub, person, 'writeOffBlanks', 'WriteOffBlanksInput', writeOff, fields);
  const sent = { ...range, organ: 'yudu-sfj', from: 100, to: 100, remark: '调剂' };
  const { transfer } = await runMutation(
    ...([hub, KEEPER, 'transferBlanks', 'TransferBlanksInput', sent] as const),
    'transfer { id: uuid digits } refusals { code }',
  );
  expect(transfer.digits).toBe(6);
  const decision = { proposal: transfer.id, approve: true };
  const receiver = 'yudu-sfj.keeper';
  await runMutation(hub, receiver, 'decideBlankTransfer', 'DecideBlankTransferInput', decision, 'refusals { code }');
  const query = `{ blanks(filter: { prefix: "DG1", digits: 6, from: 99, to: 102 }, first: 9) {
      edges { node { number state organ { code } box { digits from to } } } } }`;
  const { data } = await hub.ask('auditor', query);
  const boxed = { box: { digits: 6, from: 98, to: 102 } };
  const [own, other] = [{ organ: { code: 'yudu-lyj' } }, { organ: { code: 'yudu-sfj' } }];
  expect(data.blanks.edges.map(({ node }: { node: object }) => node)).toEqual([
    { number: 'DG1000099', state: 'IN_STOCK', ...own, ...boxed },
    { number: 'DG1000100', state: 'IN_STOCK', ...other, ...boxed },
    { number: 'DG1000101', state: 'IN_STOCK', ...own, ...boxed },
    { number: 'DG1000102', state: 'VOIDED', ...own, ...boxed },
  ]);
});

describe('the equation of blanks', () => {
  const STATES = 'inStock inTransit assigned printed delivered recalled lost spoiled voided';
  const ROW = `organ { code } licenseType prefix digits from to received transferredIn transferredOut ${STATES} isBalanced`;
  const list = async (person: string, by: string, filter = '{}') => {
    const query = `{ blankStock(by: ${by}, filter: ${filter}, first: 100) { edges { node { ${ROW} } } } }`;
    const { data, errors } = await hub.ask(person, query);
    if (errors) throw new Error(JSON.stringify(errors));
    return data.blankStock.edges.map(({ node }: { node: Record<string, number> }) => node);
  };
  const sum = (rows: Record<string, number>[], name: string) =>
    rows.reduce((total, row) => total + (row[name] ?? 0), 0);

  test('says of each box what an organ received, gave, used and has', async () => {
    await receiveBox({ prefix: 'AA1', digits: 4, from: 1, to: 3, licenseType: OTHER_TYPE });
    const act = { case: await grantCase(hub, ROUTE), blankNumber: 'DG1000098' };
    const fields = 'license { identifier } refusals { code }';
    const { license } = await runMutation(hub, ROUTE.prints, 'issueLicense', 'CaseActInput', act, fields);
    const spoilt = {
      identifier: license.identifier,
      blankNumber: 'DG1000098',
      reason: 'MISPRINT',
      replacement: 'DG1000099',
    };
    const { refusals } = await runMutation(
      hub,
      ROUTE.prints,
      'spoilBlank',
      'SpoilBlankInput',
      spoilt,
      'refusals { code }',
    );
    expect(refusals).toEqual([]);
    const boxes = await list(KEEPER, 'BOX');
    const ofBox = (prefix: string, digits: number) =>
      boxes.find((row: { prefix: string; digits: number }) => row.prefix === prefix && row.digits === digits);
    expect(ofBox('DG1', 6)).toMatchObject({
      ...{ licenseType: OWN_TYPE, from: 98, to: 102, received: 5, transferredIn: 0, transferredOut: 1 },
      ...{ inStock: 1, spoiled: 1, printed: 1, voided: 1, inTransit: 0, isBalanced: true },
    });
    expect(ofBox('DG1', 9)).toMatchObject({ licenseType: null, received: 5, inStock: 5 });
    expect(ofBox('AA1', 4)).toMatchObject({ licenseType: OTHER_TYPE, received: 3, inStock: 3 });
    const [gained] = await list('yudu-sfj.clerk', 'BOX', `{ licenseType: "${OWN_TYPE}" }`);
    expect(gained).toMatchObject({ prefix: 'DG1', received: 0, transferredIn: 1, inStock: 1, isBalanced: true });
  });

  test('adds up by box, type and organ', async () => {
    const [boxes, types, organs] = await Promise.all(['BOX', 'TYPE', 'ORGAN'].map((by) => list(KEEPER, by)));
    expect(organs).toHaveLength(1);
    expect(new Set(types.map(({ licenseType }: { licenseType: string }) => licenseType))).toEqual(
      new Set([null, OWN_TYPE, OTHER_TYPE]),
    );
    for (const name of `received transferredIn transferredOut ${STATES}`.split(' '))
      expect([name, sum(boxes, name), sum(types, name)]).toEqual([name, organs[0][name], organs[0][name]]);
    for (const row of [...boxes, ...types, ...organs]) expect(row.isBalanced).toBe(true);
    const typed = await list(KEEPER, 'ORGAN', `{ licenseType: "${OWN_TYPE}" }`);
    expect(typed).toMatchObject([
      {
        received: sum(
          types.filter(({ licenseType }: { licenseType: string }) => licenseType === OWN_TYPE),
          'received',
        ),
      },
    ]);
  });

  test('is of the own organ, an auditor sees that of all', async () => {
    expect(await list(KEEPER, 'ORGAN', `{ organ: "${writeGlobalId({ type: 'Organ', own: 'yudu-sfj' })}" }`)).toEqual(
      [],
    );
    const all = await list('auditor', 'ORGAN');
    expect(all.length).toBeGreaterThan(2);
    expect(await list('auditor', 'ORGAN', `{ organ: "${writeGlobalId({ type: 'Organ', own: 'yudu-lyj' })}" }`)).toEqual(
      await list(KEEPER, 'ORGAN'),
    );
  });

  test('that does not hold shows', async () => {
    const sql = postgres(hub.adminUrl, { max: 1 });
    await sql`update licenses.blank_box set last = last + 1 where prefix = 'AA1'`;
    const unbalanced = (await list(KEEPER, 'BOX')).filter((row: { isBalanced: boolean }) => !row.isBalanced);
    expect(unbalanced).toMatchObject([{ prefix: 'AA1', received: 4, inStock: 3 }]);
    await sql`update licenses.blank_box set last = last - 1 where prefix = 'AA1'`;
    await sql.end();
  });
});

test('the audit holds boxes, write-offs and transfers of six digits', async () => {
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});
