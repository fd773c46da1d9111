import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLicenseTypes } from '../../seeds/load.ts';
import { ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

/** An organ is warned of blanks that run out, until it has received others (空白证照). */

const ORGAN = 'yudu-lyj';
const PAIR = [`${ORGAN}.keeper`, `${ORGAN}.sealapprover`];
const TYPE = '11000000000090018B004';
const typeName = readLicenseTypes().find(({ code }) => code === TYPE)?.name;

let hub: TestHub;
beforeAll(async () => {
  hub = await createTestHub({ now: () => new Date('2026-03-02T01:00:00Z') });
});
afterAll(() => hub?.stop());

/** Has two persons state the same of a range of blanks. */
async function stateTwice(name: string, type: string, input: object) {
  for (const person of PAIR) {
    const payload = await runMutation(hub, person, name, type, input, '__typename');
    expect([name, payload.refusal]).toEqual([name, null]);
  }
}
const receive = (prefix: string, to: number, licenseType?: string) =>
  stateTwice('receiveBlanks', 'ReceiveBlanksInput', { prefix, from: 1, to, licenseType });
const writeOff = (prefix: string, from: number, to: number) =>
  stateTwice('writeOffBlanks', 'WriteOffBlanksInput', { prefix, from, to, reason: 'DAMAGED', remark: '受潮' });

async function readWarnings(person: string): Promise<string[]> {
  const query = `{ attention(first: 100, filter: { kinds: [BLANKS_ENDING] }) {
    edges { node { message organs { code } license { identifier } } } } }`;
  const { data, errors } = await hub.ask(person, query);
  expect(errors).toBeUndefined();
  return data.attention.edges.map(({ node }: { node: { message: string; organs: object[]; license: null } }) => {
    expect(node).toMatchObject({ organs: [{ code: ORGAN }], license: null });
    return node.message;
  });
}
async function expectWarnings(expected: string[]) {
  await hub.hub.licenses.watchSupplies();
  await waitUntil(`the warnings are ${expected}`, async () => {
    return JSON.stringify(await readWarnings(PAIR[0] ?? '')) === JSON.stringify(expected);
  });
}

test('boxes that run out are shown to their organ, and no longer once another one is there', async () => {
  const { data } = await hub.ask(PAIR[0] ?? '', '{ blankStock(by: BOX, first: 5) { edges { node { received } } } }');
  const seeded: number = data.blankStock.edges[0].node.received;
  const almost = Math.ceil(seeded * 0.9);
  await writeOff(ROUTES.DIRECT.blanks, 1, almost - 1);
  await expectWarnings([]);
  await writeOff(ROUTES.DIRECT.blanks, almost, almost);
  await expectWarnings([`空白证照：即将用完，请领取并登记入库（余${seeded - almost}份）。`]);
  expect(await readWarnings('yudu-sfj.keeper')).toEqual([]);
  // A box of one type serves no other.
  await receive('LM', 10, TYPE);
  await expectWarnings([`空白证照：即将用完，请领取并登记入库（余${seeded - almost}份）。`]);
  await writeOff('LM', 1, 9);
  const both = [
    `空白证照：即将用完，请领取并登记入库（余${seeded - almost}份）。`,
    `${typeName}空白证照：即将用完，请领取并登记入库（余${seeded - almost + 1}份）。`,
  ];
  await expectWarnings(both);
  await receive('KC', 10);
  await expectWarnings([]);
});
