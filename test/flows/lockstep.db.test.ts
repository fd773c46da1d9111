import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findInconsistencies } from '../support/consistency.ts';
import {
  findRefusalCode,
  grantCase,
  issueGrantedLicense,
  ROUTES,
  runMutation,
  toBlankNumber,
  toBlanks,
} from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { findRefusalOfAct } from '../support/own-act.ts';
import { waitUntil } from '../support/until.ts';

const route = ROUTES.DIRECT;
const _APPROVER = 'yudu-lyj.approver';
/** Refusals that a race or the license state may cause. Any other refusal is a defect. */
const EXPECTED_REFUSALS = new Set([
  'LICENSE_ACT_NOT_ALLOWED',
  'LICENSE_BUSY',
  // Something was done to the license between the preparation of an act and its approval.
  'LICENSE_CHANGED',
  'LICENSE_NOT_CURRENT',
  'BLANK_USED',
  'BLANK_SPOILED',
  'PAPER_NOT_PRINTED',
  'PAPER_NOT_IN_FORCE',
  'PAPER_NOT_DELIVERED',
]);

const SHEET_INPUTS = { deliver: 'CertificateInput', recall: 'RecallCertificateInput' } as const;

const ACT_NAMES = [
  'suspend',
  'restore',
  'revoke',
  'rescind',
  'withdraw',
  'cancel',
  'spoil',
  'deliver',
  'recall',
] as const;

/** Checks with SQL that document and paper of each version agree after concurrent acts of two clerks. */
describe('lock-step', () => {
  let hub: TestHub;
  let serial = 0;
  beforeAll(async () => {
    hub = await createTestHub();
  });
  afterAll(() => hub?.stop());

  const nextBlank = () => toBlankNumber(route, ++serial);

  async function doAct(
    license: { identifier: string; number: string },
    name: (typeof ACT_NAMES)[number],
  ): Promise<string | null> {
    const { identifier } = license;
    const query = 'query($id: ID!) { license(identifier: $id) { paper { blankNumber } } }';
    const { data } = await hub.ask('auditor', query, { id: identifier });
    const { blankNumber: currentBlank } = data.license.paper;
    switch (name) {
      case 'spoil':
        return findRefusalCode(hub, route.prints, 'spoilBlank', 'SpoilBlankInput', {
          identifier,
          blankNumber: currentBlank,
          replacement: nextBlank(),
          reason: 'MISPRINT',
        });
      case 'deliver':
      case 'recall':
        return findRefusalCode(hub, route.prints, `${name}Certificate`, SHEET_INPUTS[name], {
          identifier,
          blankNumber: currentBlank,
        });
      default:
        return findRefusalOfAct(hub, 'yudu-lyj', name, { identifier });
    }
  }

  test('any concurrent acts of two clerks keep document and paper in agreement', async () => {
    const arbitraryActs = fc.array(fc.constantFrom(...ACT_NAMES), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(arbitraryActs, arbitraryActs, async (first, second) => {
        const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), ++serial);
        const runActs = async (list: readonly (typeof ACT_NAMES)[number][]) => {
          for (const name of list) {
            const refusal = await doAct(license, name);
            expect(refusal === null || EXPECTED_REFUSALS.has(refusal), `${name}: ${refusal}`).toBe(true);
          }
        };
        await Promise.all([runActs(first), runActs(second)]);
        expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  test('a change supersedes document and paper together and issues both together', async () => {
    const windowRoute = ROUTES.WINDOW_FORWARD;
    const issuedCaseId = await grantCase(hub, windowRoute);
    const license = await issueGrantedLicense(hub, windowRoute, issuedCaseId, 20);
    await waitUntil('cases know the license', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { result } }', { id: issuedCaseId });
      return data.case.result === 'ISSUED';
    });
    const change = { matter: 'yd2022-3-28', licenseNumber: license.number };
    const [first, second] = [await grantCase(hub, windowRoute, change), await grantCase(hub, windowRoute, change)];
    const changeLicense = (id: string, blank: number) =>
      runMutation(
        hub,
        windowRoute.prints,
        'changeLicense',
        'CaseActInput',
        { case: id, ...toBlanks(windowRoute, blank) },
        'license { version }',
      );
    const answers = await Promise.all([changeLicense(first, 21), changeLicense(second, 22)]);
    const codes = answers.map(({ refusal }) => refusal?.code ?? null);
    expect(codes).toContain(null);
    for (const code of codes) expect([null, 'LICENSE_BUSY', 'LICENSE_CHANGED']).toContain(code);
    // The other one was decided on the version that is superseded now.
    const again = await Promise.all([changeLicense(first, 21), changeLicense(second, 22)]);
    expect(again.map(({ refusal }) => refusal?.code ?? null).toSorted()).toEqual(['LICENSE_CHANGED', null]);
    const query =
      'query($n: String) { licenses(first: 1, filter: { number: $n }) { edges { node { version versions { version state paper { validity } } } } } }';
    const { data } = await hub.ask('auditor', query, { n: license.number });
    const versions = data.licenses.edges[0].node.versions;
    expect(versions.map((version: { state: string }) => version.state)).toEqual(['SUPERSEDED', 'VALID']);
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
  });
});
