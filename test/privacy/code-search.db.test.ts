import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { COMPANY, findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { TEST_INTAKE_LIMITS } from '../support/limits.ts';

/** Licenses are found by the complete code of their holder for a purpose: recorded, and wrong codes are few. */

const LIMIT = 3;
const DAY_MS = 86_400_000;
const CLERK = ROUTES.DIRECT.accepts;
const CITIZEN = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };
/** Valid codes of nobody. */
const UNKNOWN = ['110105194912310038', '110105194912310054'];
const [TYPE, NAME] = ['FindHolderLicensesInput', 'findHolderLicenses'];

const clock = testClock('2026-03-02T01:00:00Z');
let hub: TestHub;
let company: string;
let citizen: string;
beforeAll(async () => {
  hub = await createTestHub({ now: clock, intakeLimits: { ...TEST_INTAKE_LIMITS, holderChecks: LIMIT } });
  const issue = async (applicant: object, serial: number) => {
    const id = await grantCase(hub, ROUTES.DIRECT, { applicant });
    return (await issueGrantedLicense(hub, ROUTES.DIRECT, id, serial)).number;
  };
  company = await issue(COMPANY, 1);
  citizen = await issue(CITIZEN, 2);
}, 90_000);
afterAll(() => hub?.stop());

async function find(person: string, code: string, changes: object = {}) {
  const input = { code, purpose: 'VERIFICATION', ...changes };
  const payload = await runMutation(hub, person, NAME, TYPE, input, 'licenses { number holder { code } }');
  expect(payload.refusal).toBeNull();
  return payload.licenses.map(({ number }: { number: string }) => number);
}
const refusalOf = (person: string, code: string, changes: object = {}) =>
  findRefusalCode(hub, person, NAME, TYPE, { code, purpose: 'VERIFICATION', ...changes });
async function listReadings(person: string) {
  const query = `{ licenseReadings(filter: { object: CODE_SEARCH }, first: 100) {
    edges { node { number purpose organ { id: code } reader } } } }`;
  const { data } = await hub.ask(person, query);
  return data.licenseReadings.edges.map(({ node }: { node: object }) => node);
}

describe('a search by a complete code', () => {
  test('finds what the person may see, in any width, and the holder sees that it was made', async () => {
    const wide = [...CITIZEN.code]
      .map((letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0))
      .join('');
    for (const code of [CITIZEN.code, CITIZEN.code.toLowerCase(), ` ${CITIZEN.code} `, wide])
      expect(await find(CLERK, code)).toEqual([citizen]);
    expect(await find(CLERK, COMPANY.code)).toEqual([company]);
    expect(await find('auditor', COMPANY.code, { purpose: 'AUDIT' })).toEqual([company]);
    const record = { number: citizen, purpose: 'VERIFICATION', organ: { id: 'yudu-lyj' }, reader: null };
    expect(await listReadings('applicant-citizen')).toEqual(Array(4).fill(record));
    expect(await listReadings('applicant-company')).toHaveLength(2);
    expect(await find('yudu-sfj.clerk', CITIZEN.code)).toEqual([]);
  });

  test('is refused without a purpose that fits, by a code that is none, and for who has no such task', async () => {
    expect(await refusalOf(CLERK, CITIZEN.code, { purpose: 'AUDIT' })).toBe('PURPOSE_UNFIT');
    for (const code of ['', '1101', CITIZEN.code.slice(0, 17), '110105194912310021', `${CITIZEN.code}%`, '李晓明'])
      expect(await refusalOf(CLERK, code), code).toBe('HOLDER_CODE_INVALID');
    expect(await refusalOf('applicant-citizen', CITIZEN.code)).toBe('ROLE_NOT_ALLOWED');
    expect(await refusalOf('library', CITIZEN.code, { purpose: 'COLLECTION' })).toBe('ROLE_NOT_ALLOWED');
    expect(await listReadings('applicant-citizen')).toHaveLength(5);
  });

  test('looks for nothing and records nothing in a rehearsal', async () => {
    for (const code of [CITIZEN.code, UNKNOWN[0] ?? '']) expect(await find(CLERK, code, { dryRun: true })).toEqual([]);
    expect(await listReadings('applicant-citizen')).toHaveLength(5);
  });

  test('that finds nothing is recorded, and after a few nothing more is told, right or wrong', async () => {
    clock.advance(DAY_MS);
    const before = (await listReadings('auditor')).length;
    for (let i = 0; i < LIMIT; i++) expect(await find(CLERK, UNKNOWN[i % 2] ?? '')).toEqual([]);
    for (const code of [CITIZEN.code, ...UNKNOWN]) expect(await refusalOf(CLERK, code)).toBe('HOLDER_CHECKS_TOO_MANY');
    expect(await listReadings('auditor')).toHaveLength(before + LIMIT);
    expect((await listReadings('auditor'))[0]).toMatchObject({ number: '', organ: { id: 'yudu-lyj' } });
    expect(await find('yudu-lyj.reviewer', CITIZEN.code)).toEqual([citizen]);
  });

  test('tells no more to searches at the same time', async () => {
    clock.advance(DAY_MS + 1_000);
    const codes = await Promise.all(Array.from({ length: 12 }, (_, i) => refusalOf(CLERK, UNKNOWN[i % 2] ?? '')));
    expect(codes.filter((code) => code === null)).toHaveLength(LIMIT);
    expect(new Set(codes)).toEqual(new Set([null, 'HOLDER_CHECKS_TOO_MANY']));
  });

  test('finds cases by the code of the applicant, of the phase that the purpose fits', async () => {
    const findCases = async (person: string, code: string, purpose: string) => {
      const input = { code, purpose };
      const name = 'findApplicantCases';
      const payload = await runMutation(hub, person, name, 'FindApplicantCasesInput', input, 'cases { number }');
      expect(payload.refusal).toBeNull();
      return payload.cases.map(({ number }: { number: string }) => number);
    };
    const application = { matter: ROUTES.DIRECT.matter, applicant: CITIZEN, fields: [{ label: '树种', text: '杉木' }] };
    const received = await runMutation(
      hub,
      CLERK,
      'receiveApplication',
      'ApplicationInput',
      application,
      'case { number }',
    );
    const { number } = received.case;
    const [decided, ...others] = await findCases(CLERK, CITIZEN.code, 'CERTIFICATION');
    expect(others).toEqual([]);
    expect(decided).not.toBe(number);
    expect(await findCases(CLERK, CITIZEN.code, 'EXAMINATION')).toEqual([number]);
    expect(await findCases(CLERK, CITIZEN.code, 'VERIFICATION')).toEqual([number, decided]);
    expect(await findCases('yudu-sfj.clerk', CITIZEN.code, 'VERIFICATION')).toEqual([]);
    const query = '{ caseReadings(filter: { object: CODE_SEARCH }, first: 100) { edges { node { number } } } }';
    const { data } = await hub.ask('applicant-citizen', query);
    const numbers = data.caseReadings.edges.map(({ node }: { node: { number: string } }) => node.number);
    expect(numbers.toSorted()).toEqual(['', decided, decided, number, number].toSorted());
    const wrong = { code: UNKNOWN[0], purpose: 'VERIFICATION' };
    const refusals = [];
    for (let i = 0; i <= LIMIT; i++)
      refusals.push(await findRefusalCode(hub, CLERK, 'findApplicantCases', 'FindApplicantCasesInput', wrong));
    expect(refusals).toEqual([...Array(LIMIT).fill(null), 'HOLDER_CHECKS_TOO_MANY']);
  });

  test('is no list by a part of a code: no filter takes one', async () => {
    const query = 'query($holder: String!) { licenses(filter: { holder: $holder }, first: 10) { edges { cursor } } }';
    for (const holder of [CITIZEN.code, CITIZEN.code.slice(0, 6)]) {
      const { data } = await hub.ask('auditor', query, { holder });
      expect(data.licenses.edges).toEqual([]);
    }
  });
});
