import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { delegationOn, type MatterFact } from '../../subgraphs/cases/case.ts';
import { LICENSE_ACTIONS, type LicenseAction, makesVersion, mutationOf } from '../../subgraphs/kernel/license-acts.ts';
import { testClock } from '../support/clock.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { countBlanks, done, grantCase, licenseTypes, linesOfType, routeOf } from '../support/matter-flow.ts';
import { matterFacts } from '../support/matters.ts';
import { sampleCases } from '../support/sample.ts';

/** Licenses live through every act that their type names, each act in the situation (办理情形) of a matter. */

const DAY = '2026-03-02';
/** How many of the types a run tries. */
const TYPES = 4;
const BUYER = { name: '示范受让公司', codeKind: 'USCC', code: '91000000MA0000002N' };
/** The acts in an order in which they can follow each other. */
const ORDER: LicenseAction[] = ['ISSUE', 'CHANGE', 'RETAIN', 'REISSUE', 'TRANSFER', 'RENEW', 'CANCEL'];

let hub: TestHub;
const nextBlanks = countBlanks();
beforeAll(async () => {
  hub = await createTestHub({ now: testClock(DAY) });
});
afterAll(() => hub?.stop());

interface OfferedSituation {
  act: LicenseAction;
  label: string;
  needsLicense: boolean;
  isDefault: boolean;
  form: { licenseType: { code: string } } | null;
}

/** What a front end reads of a matter. */
async function readSituations(matterId: string): Promise<OfferedSituation[]> {
  const fields = 'act label needsLicense isDefault form { licenseType { code } }';
  const query = `query($id: ID!) { matter(id: $id) { situations { ${fields} } } }`;
  const { data, errors } = await hub.ask(null, query, { id: matterId });
  expect(errors).toBeUndefined();
  return data.matter.situations;
}

const mattersOf = (type: string) =>
  matterFacts.filter((matter) => delegationOn(matter, DAY).outcome.licenseType === type);

describe('every act of a license type', () => {
  test('has its place in the order of this test', () => {
    expect([...ORDER].sort()).toEqual([...LICENSE_ACTIONS].sort());
  });

  test.each(sampleCases('acts of types', [...licenseTypes.values()], TYPES).map((type) => [type.name, type] as const))(
    '%s',
    async (_, { code, acts }) => {
      const offers = new Map<LicenseAction, { matter: MatterFact; situation: OfferedSituation }>();
      for (const matter of mattersOf(code).toReversed())
        for (const situation of await readSituations(matter.matterId)) offers.set(situation.act, { matter, situation });
      expect([...offers.keys()].sort()).toEqual(acts.toSorted());
      let license = { number: null as string | null, version: 0 };
      let holder = COMPANY;
      for (const act of ORDER.filter((name) => offers.has(name))) {
        const offer = offers.get(act);
        if (!offer) throw new Error(act);
        expect(offer.situation).toMatchObject({ act, needsLicense: act !== 'ISSUE' });
        expect(offer.situation.form).toEqual(act === 'CANCEL' ? null : { licenseType: { code } });
        if (act === 'TRANSFER') holder = BUYER;
        const application = {
          situation: act,
          applicant: holder,
          fields: linesOfType(code),
          licenseNumber: license.number,
        };
        license = await liveThrough(offer.matter, application, license.version);
      }
    },
  );

  /** Takes an application to its act, and returns the license as it stands then. */
  async function liveThrough(matter: MatterFact, application: { situation: LicenseAction }, version: number) {
    const { situation: act } = application;
    const route = routeOf(matter, DAY);
    const id = await grantCase(hub, route, application);
    const input = makesVersion(act) ? { case: id, ...nextBlanks(route) } : { case: id };
    const inputType = makesVersion(act) ? 'CaseActInput' : 'CancelLicenseInput';
    const fields = 'license { number version state case { act result } }';
    const { license } = await done(hub, route.prints, mutationOf(act), inputType, input, fields);
    // An early renewal is not valid before its first day.
    const states = act === 'CANCEL' ? ['CANCELLED'] : act === 'RENEW' ? ['VALID', 'NOT_YET_VALID'] : ['VALID'];
    expect(states).toContain(license.state);
    expect(license).toMatchObject({
      version: version + (makesVersion(act) ? 1 : 0),
      // The case of a version is the one that made it.
      case: { act: makesVersion(act) ? act : expect.any(String), result: 'ISSUED' },
    });
    return { number: license.number as string, version: license.version as number };
  }
});

describe('an application for what its matter does not offer', () => {
  const apply = (matter: string, application: object) => {
    const found = matterFacts.find(({ matterId }) => matterId === matter);
    if (!found) throw new Error(matter);
    const clerk = routeOf(found, DAY).accepts;
    const input = { matter, applicant: COMPANY, ...application };
    return runMutation(hub, clerk, 'receiveApplication', 'ApplicationInput', input, 'refusals { code field path }');
  };
  const REFUSED = { code: 'SITUATION_NOT_OFFERED', field: 'situation', path: ['input', 'situation'] };

  test.each([
    ['a type that does not know the act', 'yd2022-1-01', 'TRANSFER'],
    ['a type without a term', 'yd2022-2-30', 'RENEW'],
    ['a sub-item for another act', 'yd2022-3-05', 'ISSUE'],
    ['an act that has its own sub-item', 'yd2022-3-25', 'CHANGE'],
    ['a decision document', 'yd2022-1-02', 'ISSUE'],
  ])('%s', async (_, matter, situation) => {
    expect((await apply(matter, { situation })).refusals).toContainEqual(REFUSED);
  });
});
