import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LICENSE_ACTIONS, type LicenseAction, makesVersion } from '../../subgraphs/kernel/license-acts.ts';
import { delegationOn, type MatterFact } from '../../subgraphs/kernel/period/delegation.ts';
import { mutationOf } from '../../subgraphs/licenses/action/mutation.ts';
import { testClock } from '../support/clock.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  changedLinesOfType,
  countBlanks,
  done,
  grantCase,
  licenseTypes,
  linesOfType,
  routeOf,
} from '../support/matter-flow.ts';
import { matterFacts } from '../support/matters.ts';
import { sampleCases } from '../support/sample.ts';

/** Licenses live through every act that their type names, each act in the situation (办理情形) of a matter. */

const DAY = '2026-03-02';
/** How many of the types a run tries. */
const TYPES = 4;
const BUYER = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
/** The acts in an order in which they can follow each other. */
const ORDER: LicenseAction[] = ['ISSUE', 'CHANGE', 'CORRECT', 'RETAIN', 'REISSUE', 'TRANSFER', 'RENEW', 'CANCEL'];
/** The holder as a license should have named it. */
const CORRECTED = { ...COMPANY, name: '于都县贡江示范药业有限责任公司' };

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

interface Application {
  situation: LicenseAction;
  applicant: { name: string };
}

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
      // A correction is possible with every license.
      expect([...offers.keys()].sort()).toEqual([...acts, 'CORRECT'].sort());
      let license = { number: null as string | null, version: 0 };
      let holder = COMPANY;
      for (const act of ORDER.filter((name) => offers.has(name))) {
        const offer = offers.get(act);
        if (!offer) throw new Error(act);
        expect(offer.situation).toMatchObject({ act, needsLicense: act !== 'ISSUE' });
        expect(offer.situation.form).toEqual(act === 'CANCEL' ? null : { licenseType: { code } });
        if (act === 'CORRECT') holder = CORRECTED;
        if (act === 'TRANSFER') holder = BUYER;
        const application = {
          situation: act,
          applicant: holder,
          fields: act === 'CHANGE' ? changedLinesOfType(code) : linesOfType(code),
          licenseNumber: license.number,
        };
        license = await liveThrough(offer.matter, application, license.version);
      }
    },
  );

  /** Takes an application to its act, and returns the license as it stands then. */
  async function liveThrough(matter: MatterFact, application: Application, version: number) {
    const { situation: act } = application;
    const route = routeOf(matter, DAY);
    const id = await grantCase(hub, route, application, act === 'CORRECT' ? '录入有误' : undefined);
    const input = makesVersion(act) ? { case: id, ...nextBlanks(route) } : { case: id };
    const inputType = makesVersion(act) ? 'CaseActInput' : 'CancelLicenseInput';
    const fields = 'license { number version state holder { name } case { act result } }';
    const { license } = await done(hub, route.prints, mutationOf(act), inputType, input, fields);
    // An early renewal is not valid before its first day.
    const states = act === 'CANCEL' ? ['CANCELLED'] : act === 'RENEW' ? ['VALID', 'NOT_YET_VALID'] : ['VALID'];
    expect(states).toContain(license.state);
    expect(license).toMatchObject({
      version: version + (makesVersion(act) ? 1 : 0),
      holder: { name: application.applicant.name },
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

describe('a correction (更正)', () => {
  const MATTER = 'yd2022-1-07';
  const TYPE = '11000000000090018B004';
  const LINE = '采伐地点';
  const LAST_DAY = '2028-02-03';
  const matter = matterFacts.find(({ matterId }) => matterId === MATTER);
  if (!matter) throw new Error(MATTER);
  const route = routeOf(matter, DAY);
  const read = async (id: string) => {
    const query = `query($id: ID!) { case(id: $id) { act certificateData { changes { label before after } }
      steps { step note amended { label before after } } } }`;
    return (await hub.ask('auditor', query, { id })).data.case;
  };
  const accept = (number: string, application: object) => {
    const input = { matter: MATTER, situation: 'CORRECT', applicant: COMPANY, licenseNumber: number, ...application };
    const fields = 'case { id } refusals { code path }';
    return runMutation(hub, route.accepts, 'acceptCase', 'ApplicationInput', input, fields);
  };
  const decide = (id: string, reason?: string, validUntil?: string) => {
    const input = { case: id, decision: 'GRANTED', authoriseSeal: true, reason, validUntil };
    return runMutation(hub, route.decides, 'decideCase', 'DecideCaseInput', input, 'case { step }');
  };
  const seal = (name: string, id: string, fields: string) =>
    done(hub, route.prints, name, 'CaseActInput', { case: id, ...nextBlanks(route) }, `license { ${fields} }`);

  test('shows old and new text, says why, and ends in a new version on a new sheet', async () => {
    const lines = linesOfType(TYPE);
    const wrong = lines.find(({ label }) => label === LINE)?.text;
    const issued = await seal('issueLicense', await grantCase(hub, route, { fields: lines }), 'number identifier');
    const { number, identifier } = issued.license;

    const { case: accepted } = await accept(number, {
      applicant: CORRECTED,
      // A label is taken in any width.
      fields: [
        { label: LINE, text: '更正地点' },
        { label: '采伐面积(公顷)', text: '7.5' },
      ],
    });
    const changes = [
      { label: '持证主体', before: COMPANY.name, after: CORRECTED.name },
      { label: LINE, before: wrong, after: '更正地点' },
      { label: '采伐面积（公顷）', before: expect.any(String), after: '7.5' },
    ];
    expect(await read(accepted.id)).toMatchObject({ act: 'CORRECT', certificateData: { changes } });
    await done(hub, route.examines, 'examineCase', 'ExamineCaseInput', { case: accepted.id, finding: 'APPROVED' });
    expect((await decide(accepted.id)).refusal).toMatchObject({ code: 'REASON_MISSING', field: 'reason' });
    expect((await decide(accepted.id, '录入时将地点写错', '2026-01-01')).refusal).toMatchObject({
      code: 'FIELD_MALFORMED',
      field: 'validUntil',
    });
    expect((await decide(accepted.id, '录入时将地点写错', LAST_DAY)).refusal).toBeNull();

    const fields = 'version state validUntil holder { name } fields { label text } acts { act }';
    const { license } = await seal('correctLicense', accepted.id, fields);
    expect(license).toMatchObject({ version: 2, validUntil: LAST_DAY, holder: { name: CORRECTED.name } });
    const corrected: Record<string, string> = { [LINE]: '更正地点', '采伐面积（公顷）': '7.5' };
    expect(license.fields).toEqual(lines.map(({ label, text }) => ({ label, text: corrected[label] ?? text })));
    expect(license.acts.at(-1)).toEqual({ act: 'CORRECT' });
    // The decision keeps what it changed, also now that the license says it.
    const after = await read(accepted.id);
    const decidedChanges = [
      ...changes,
      { label: '有效期限', before: expect.any(String), after: expect.stringContaining('至2028年2月3日') },
    ];
    expect(after.certificateData.changes).toEqual(decidedChanges);
    const decided = after.steps.find(({ step }: { step: string }) => step === 'DECIDED');
    expect(decided).toEqual({ step: 'DECIDED', note: '录入时将地点写错', amended: decidedChanges });
    const query = 'query($id: ID!) { license(identifier: $id) { state paper { validity } } }';
    const { data } = await hub.ask('auditor', query, { id: identifier });
    expect(data.license).toEqual({ state: 'SUPERSEDED', paper: { validity: 'SUPERSEDED' } });
  });
});

test('a type that gives up an act stops what is received, and not what is accepted', async () => {
  const find = (id: string) => matterFacts.find(({ matterId }) => matterId === id) as MatterFact;
  const [issuing, changing] = [find('yd2022-1-08'), find('yd2022-1-09')].map((each) => routeOf(each, DAY));
  if (!issuing || !changing) throw new Error('no route');
  const type = '11000000000090018B005';
  const id = await grantCase(hub, issuing, { fields: linesOfType(type) });
  const blanks = { case: id, ...nextBlanks(issuing) };
  const { license } = await done(hub, issuing.prints, 'issueLicense', 'CaseActInput', blanks, 'license { number }');
  const input = { matter: changing.matter, applicant: CORRECTED, licenseNumber: license.number };
  const { case: received } = await done(hub, changing.accepts, 'receiveApplication', 'ApplicationInput', input);
  const { case: accepted } = await done(hub, changing.accepts, 'acceptCase', 'ApplicationInput', input);

  const sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  await sql`update cases.license_type_fact set fact = jsonb_set(fact, '{versions,0,acts}', '["ISSUE"]')
    where code = ${type}`;
  await sql.end();
  const command = { case: received.id };
  const late = await runMutation(hub, changing.accepts, 'acceptApplication', 'CaseInput', command, 'case { id }');
  expect(late.refusal).toMatchObject({ code: 'SITUATION_NOT_OFFERED', field: 'situation' });
  const examination = { case: accepted.id, finding: 'APPROVED' };
  await done(hub, changing.examines, 'examineCase', 'ExamineCaseInput', examination);
  const decision = { case: accepted.id, decision: 'GRANTED', authoriseSeal: true };
  await done(hub, changing.decides, 'decideCase', 'DecideCaseInput', decision);
  const change = { case: accepted.id, ...nextBlanks(changing) };
  const sealed = await done(hub, changing.prints, 'changeLicense', 'CaseActInput', change, 'license { version state }');
  expect(sealed.license).toEqual({ version: 2, state: 'VALID' });
});
