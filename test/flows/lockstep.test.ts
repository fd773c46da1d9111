import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { act, blankNumber, grantCase, issue, ROUTES, refusalOf } from '../support/flow.ts';
import { faultsOfHouse } from '../support/house.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

const route = ROUTES.DIRECT;
const APPROVER = 'yudu-lyj.approver';
/** Refusals that a race or the license state may cause. Any other refusal is a defect. */
const EXPECTED = new Set([
  'LICENSE_ACT_NOT_ALLOWED',
  'LICENSE_BUSY',
  'LICENSE_NOT_CURRENT',
  'BLANK_USED',
  'BLANK_SPOILED',
  'PAPER_NOT_PRINTED',
  'PAPER_NOT_DELIVERED',
]);

const MOVES = ['suspend', 'restore', 'revoke', 'rescind', 'withdraw', 'cancel', 'spoil', 'deliver', 'recall'] as const;

/** Checks with SQL that document and paper of each version agree after concurrent acts of two clerks. */
describe('lock-step', () => {
  let hub: TestHub;
  let serial = 0;
  beforeAll(async () => {
    hub = await testHub();
  });
  afterAll(() => hub?.stop());

  const nextBlank = () => blankNumber(route, ++serial);

  async function move(
    license: { identifier: string; number: string },
    name: (typeof MOVES)[number],
  ): Promise<string | null> {
    const { identifier } = license;
    const query = 'query($id: ID!) { license(identifier: $id) { paper { blankNumber } } }';
    const { data } = await hub.ask('auditor', query, { id: identifier });
    const { blankNumber: sheet } = data.license.paper;
    switch (name) {
      case 'spoil':
        return refusalOf(hub, route.prints, 'spoilBlank', 'SpoilBlankInput', {
          identifier,
          blankNumber: sheet,
          replacement: nextBlank(),
          reason: '打印错位',
        });
      case 'deliver':
      case 'recall':
        return refusalOf(hub, route.prints, `${name}Certificate`, 'CertificateInput', {
          identifier,
          blankNumber: sheet,
        });
      case 'cancel':
        return refusalOf(hub, APPROVER, 'cancelLicense', 'CancelLicenseInput', { identifier, reason: '依法注销' });
      default:
        return refusalOf(hub, APPROVER, `${name}License`, 'OwnActInput', { identifier, reason: '检查' });
    }
  }

  test('any concurrent acts of two clerks keep document and paper in agreement', async () => {
    const moves = fc.array(fc.constantFrom(...MOVES), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(moves, moves, async (one, other) => {
        const license = await issue(hub, route, await grantCase(hub, route), ++serial);
        const clerk = async (list: readonly (typeof MOVES)[number][]) => {
          for (const name of list) {
            const refusal = await move(license, name);
            expect(refusal === null || EXPECTED.has(refusal), `${name}: ${refusal}`).toBe(true);
          }
        };
        await Promise.all([clerk(one), clerk(other)]);
        expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  test('a change supersedes document and paper together and issues both together', async () => {
    const window = ROUTES.WINDOW_FORWARD;
    const issued = await grantCase(hub, window);
    const license = await issue(hub, window, issued, 20);
    await until('cases know the license', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { result } }', { id: issued });
      return data.case.result === 'ISSUED';
    });
    const change = { matter: 'yd2022-3-28', licenseNumber: license.number };
    const [one, two] = [await grantCase(hub, window, change), await grantCase(hub, window, change)];
    const ask = (id: string, blank: number) =>
      act(
        hub,
        window.prints,
        'changeLicense',
        'CaseActInput',
        { case: id, blankNumber: blankNumber(window, blank) },
        'license { version }',
      );
    const answers = await Promise.all([ask(one, 21), ask(two, 22)]);
    for (const { refusal } of answers) expect([undefined, 'LICENSE_BUSY']).toContain(refusal?.code);
    await Promise.all([ask(one, 21), ask(two, 22)]);
    const query =
      'query($n: String) { licenses(first: 1, filter: { number: $n }) { edges { node { version versions { version state paper { validity } } } } } }';
    const { data } = await hub.ask('auditor', query, { n: license.number });
    const versions = data.licenses.edges[0].node.versions;
    expect(versions.map((version: { state: string }) => version.state)).toEqual(['SUPERSEDED', 'SUPERSEDED', 'VALID']);
    expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);
  });
});
