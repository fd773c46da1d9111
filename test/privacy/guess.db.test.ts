import { isInputObjectType, isObjectType } from 'graphql';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isCitizenNumber } from '../../subgraphs/kernel/identity/citizen.ts';
import { testClock } from '../support/clock.ts';
import { changedLine } from '../support/content.ts';
import { COMPANY, findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { TEST_INTAKE_LIMITS } from '../support/limits.ts';
import { buildSubgraphSchema } from '../support/subgraph-schema.ts';
import { waitUntil } from '../support/until.ts';

/**
 * A masked code cannot be guessed: no answer differs by a code that the caller states, unless each wrong one is
 * recorded and they are few.
 */

const LIMIT = 3;
const DAY_MS = 86_400_000;
const CLERK = 'window-yudu';
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
/** A matter that changes the licenses of the route. */
const CHANGING = 'yd2022-3-28';
const route = ROUTES.WINDOW_FORWARD;

/** Citizen numbers as somebody would try them who knows all but the birthday. */
const GUESSES = Array.from({ length: 365 }, (_, day) => {
  const birthday = new Date(Date.UTC(1949, 0, 1 + day)).toISOString().slice(0, 10).replaceAll('-', '');
  return [...'0123456789X'].map((check) => `110105${birthday}002${check}`);
})
  .flat()
  .filter((code) => isCitizenNumber(code) && code !== CITIZEN.code);

/** Every input whose name speaks of a code, a holder or a license, and why no code can be guessed by it. */
const INPUTS: Readonly<Record<string, string>> = {
  'ApplicationInput.applicant': 'recordHolderChecks',
  'ApplicantInput.code': 'recordHolderChecks; a rehearsal does not tell the limit of applications',
  'ApplicantInput.codeKind': 'a kind, no code',
  'CoOwnershipInput.coHolders': 'recordHolderChecks',
  'CoHolderInput.code': 'recordHolderChecks',
  'CoHolderInput.codeKind': 'a kind, no code',
  'AgentInput.code': 'names somebody who acts: it is compared with the code of the same application alone',
  'AgentInput.codeKind': 'a kind, no code',
  'CaseFilter.applicantName': 'a name, no code: the index holds none (test/cases/finding.db.test.ts)',
  'FindApplicantCasesInput.code': 'searchByCode (test/privacy/code-search.db.test.ts)',
  'FindHolderLicensesInput.code': 'searchByCode (test/privacy/code-search.db.test.ts)',
  'LicenseFilter.holder': 'a name, no code: the index holds none (test/licenses/finding.db.test.ts)',
  'LicenseFilter.typeCode': 'the code of a type of licenses',
  'Query.licenseType.code': 'the code of a type of licenses',
  'ReceiveBlanksInput.licenseType': 'a type of license, of no person',
  'BlankFilter.licenseType': 'a type of license, of no person',
  'BlankStockFilter.licenseType': 'a type of license, of no person',
  'LicenseStatisticsFilter.licenseType': 'a type of license, of no person',
  'OrganFilter.divisionCode': 'the code of a county',
  'Query.caseProgress.code': 'the code on a receipt: wrong ones of a caller are few, and a code has 60 random bits',
  'ApplicationInput.licenseNumber': 'recordHolderChecks',
  'SupplementInput.licenseNumber': 'recordHolderChecks',
  'MaterialInput.license': 'recordHolderChecks',
  'ApplicationInput.holderConsent': 'the form and the day of a paper',
  'SupplementInput.holderConsent': 'the form and the day of a paper',
  'DeliveryInput.formerHolder': 'who took a paper at the counter',
  'MaterialInput.code': 'the code of a material in the guide',
  'VerifyLicenseInput.code': 'the whole text of a QR code, with its signature',
  'SealUseFilter.license': 'an identifier, which holds no code',
};

test('every input that may name a code is closed', () => {
  const names = ['matters', 'cases', 'licenses', 'seals'].flatMap((subgraph) =>
    Object.values(buildSubgraphSchema(subgraph).getTypeMap()).flatMap((type) => {
      if (isInputObjectType(type)) return Object.keys(type.getFields()).map((field) => `${type.name}.${field}`);
      if (!isObjectType(type) || type.name.startsWith('__')) return [];
      return Object.values(type.getFields()).flatMap(({ name, args }) =>
        args.map((argument) => `${type.name}.${name}.${argument.name}`),
      );
    }),
  );
  const ofCodes = names.filter((name) => /(code|holder|applicant|licen[sc]e)[A-Za-z]*$/i.test(name));
  expect([...new Set(ofCodes)].sort()).toEqual(Object.keys(INPUTS).sort());
});

describe('a clerk who names a license with a code', () => {
  const clock = testClock('2026-03-02T01:00:00Z');
  let hub: TestHub;
  let license: { identifier: string; number: string };
  beforeAll(async () => {
    const intakeLimits = { ...TEST_INTAKE_LIMITS, holderChecks: LIMIT, openApplications: 1 };
    hub = await createTestHub({ now: clock, intakeLimits });
    const id = await grantCase(hub, route, { applicant: CITIZEN });
    license = await issueGrantedLicense(hub, route, id, 1);
    await waitUntil('cases know the license', async () => {
      const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { result } }', { id });
      return data.case.result === 'ISSUED';
    });
  }, 60_000);
  afterAll(() => hub?.stop());

  const attempt = (code: string, changes: object = {}, name = 'acceptCase') =>
    findRefusalCode(hub, CLERK, name, 'ApplicationInput', {
      ...{ matter: CHANGING, applicant: { ...CITIZEN, code }, fields: [changedLine(CHANGING)] },
      ...{ licenseNumber: license.number, dryRun: true },
      ...changes,
    });
  const byMaterial = (code: string) =>
    attempt(code, {
      ...{ matter: route.matter, licenseNumber: null },
      materials: [{ code: '身份证明', license: license.identifier }],
    });
  const listChecks = async (person: string) => {
    const query = `{ caseReadings(filter: { object: HOLDER_CHECK }, first: 100) {
      edges { node { number purpose organ { id: code } reader } } } }`;
    const { data } = await hub.ask(person, query);
    return data.caseReadings.edges.map((edge: { node: object }) => edge.node);
  };

  test('is told some times that it is wrong, and then nothing more, right or wrong', async () => {
    expect(await attempt(CITIZEN.code)).toBeNull();
    const codes: (string | null)[] = [];
    for (const guess of GUESSES.slice(0, LIMIT)) codes.push(await attempt(guess));
    expect(codes).toEqual(Array(LIMIT).fill('NOT_YOUR_RECORD'));
    for (const code of [GUESSES[LIMIT] ?? '', CITIZEN.code]) {
      for (const name of ['acceptCase', 'receiveApplication'])
        expect(await attempt(code, {}, name)).toBe('HOLDER_CHECKS_TOO_MANY');
      expect(await byMaterial(code)).toBe('HOLDER_CHECKS_TOO_MANY');
      expect(await attempt(code, { dryRun: false })).toBe('HOLDER_CHECKS_TOO_MANY');
    }
  });

  test('leaves a record of each, which the holder sees', async () => {
    const check = { number: license.number, purpose: 'EXAMINATION', organ: { id: 'yudu-xzspj' } };
    expect(await listChecks('applicant-citizen')).toEqual(Array(LIMIT).fill({ ...check, reader: null }));
    expect(await listChecks('applicant-company')).toEqual([]);
    for (const { reader } of await listChecks('auditor')) expect(reader).not.toBeNull();
  });

  test('is not told more by asking at the same time', async () => {
    clock.advance(DAY_MS);
    const guesses = GUESSES.slice(100, 124);
    const codes = await Promise.all(guesses.map((code, i) => (i % 2 === 0 ? attempt(code) : byMaterial(code))));
    expect(codes.filter((code) => code === 'NOT_YOUR_RECORD')).toHaveLength(LIMIT);
    expect(new Set(codes)).toEqual(new Set(['NOT_YOUR_RECORD', 'HOLDER_CHECKS_TOO_MANY']));
  });

  test('learns nothing by a supplement of another applicant’s case', async () => {
    clock.advance(DAY_MS);
    const input = { matter: route.matter, applicant: COMPANY, fields: [] };
    const received = await runMutation(
      hub,
      CLERK,
      'receiveApplication',
      'ApplicationInput',
      input,
      'case { id: uuid }',
    );
    const { id } = received.case;
    const items = { case: id, items: ['图纸'] };
    expect(await findRefusalCode(hub, CLERK, 'askSupplement', 'AskSupplementInput', items)).toBeNull();
    const before = (await listChecks('applicant-citizen')).length;
    const materials = [{ code: '身份证明', license: license.identifier }];
    const supplement = { case: id, materials, dryRun: true };
    const attempts = [];
    for (let i = 0; i <= LIMIT; i++)
      attempts.push(await findRefusalCode(hub, CLERK, 'supplementCase', 'SupplementInput', supplement));
    expect(attempts).toEqual([...Array(LIMIT).fill('NOT_YOUR_RECORD'), 'HOLDER_CHECKS_TOO_MANY']);
    expect(await listChecks('applicant-citizen')).toHaveLength(before + LIMIT);
  });

  test('names licenses for transfers without a wrong code, each recorded, few of one license', async () => {
    clock.advance(DAY_MS);
    const transfer = (person: string, code: string) =>
      findRefusalCode(hub, person, 'receiveApplication', 'ApplicationInput', {
        ...{ matter: CHANGING, applicant: { ...COMPANY, code }, fields: [], licenseNumber: license.number },
        ...{ situation: 'TRANSFER', dryRun: true },
      });
    for (const person of [CLERK, 'applicant-company']) {
      const codes: (string | null)[] = [];
      for (let i = 0; i <= LIMIT; i++) codes.push(await transfer(person, COMPANY.code));
      expect(codes).toEqual([...Array(LIMIT).fill('SITUATION_NOT_OFFERED'), 'HOLDER_CHECKS_TOO_MANY']);
    }
    const query = '{ caseReadings(filter: { object: LICENSE_NAMED }, first: 100) { edges { node { number } } } }';
    const { data } = await hub.ask('applicant-citizen', query);
    expect(data.caseReadings.edges).toEqual(Array(2 * LIMIT).fill({ node: { number: license.number } }));
    // None of them was a wrong code.
    expect(await attempt(CITIZEN.code)).toBeNull();
  });

  test('is refused like an applicant who tries', async () => {
    clock.advance(DAY_MS);
    const apply = (code: string) =>
      findRefusalCode(hub, 'applicant-company', 'receiveApplication', 'ApplicationInput', {
        ...{
          matter: CHANGING,
          applicant: { ...COMPANY, code },
          fields: [],
          licenseNumber: license.number,
          dryRun: true,
        },
      });
    const before = (await listChecks('applicant-citizen')).length;
    // Another's code is no try: nothing is compared with it.
    expect(await apply(CITIZEN.code)).toBe('NOT_YOUR_RECORD');
    expect(await listChecks('applicant-citizen')).toHaveLength(before);
    const codes: (string | null)[] = [];
    for (let i = 0; i <= LIMIT; i++) codes.push(await apply(COMPANY.code));
    expect(codes).toEqual([...Array(LIMIT).fill('NOT_YOUR_RECORD'), 'HOLDER_CHECKS_TOO_MANY']);
    expect(await listChecks('applicant-citizen')).toHaveLength(before + LIMIT);
  });

  test('is not told in a rehearsal that an applicant has as many applications as may wait', async () => {
    clock.advance(DAY_MS);
    const input = { matter: route.matter, fields: [], dryRun: true };
    const refusalOf = (person: string, code: string) =>
      findRefusalCode(hub, person, 'receiveApplication', 'ApplicationInput', {
        ...input,
        applicant: { ...CITIZEN, code },
      });
    const first = await findRefusalCode(hub, 'applicant-citizen', 'receiveApplication', 'ApplicationInput', {
      ...{ ...input, applicant: CITIZEN, dryRun: false },
    });
    expect(first).toBeNull();
    expect(await refusalOf('applicant-citizen', CITIZEN.code)).toBe('APPLICATIONS_TOO_MANY');
    for (const code of [CITIZEN.code, GUESSES[0] ?? '']) expect(await refusalOf(CLERK, code)).toBeNull();
  });

  test('cannot remove the record', async () => {
    const own = postgres(hub.databaseUrls.cases, { max: 1, onnotice: () => {} });
    await expect(own`delete from cases.reading where object = 'HOLDER_CHECK'`).rejects.toThrow('permission denied');
    await own.end();
  });
});
