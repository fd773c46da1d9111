import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { act, COMPANY } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

/**
 * Tests who may do what with a case of 第三类医疗器械经营许可 (服务窗口前移). Every person tries each action as a dry run.
 * A dry run applies the rules of the real action and stores nothing. People whom a row does not name are refused:
 * with CASE_UNKNOWN if they cannot see the case, otherwise with a code for the missing right.
 */

const PEOPLE = [
  'applicant-company',
  'applicant-citizen',
  'window-yudu',
  'window-xingguo',
  'yudu-xzspj.clerk',
  'yudu-xzspj.reviewer',
  'yudu-xzspj.approver',
  'yudu-lyj.clerk',
  'ganzhou-xzspj.clerk',
  'ganzhou-xzspj.reviewer',
  'ganzhou-xzspj.approver',
  'ganzhou-xzspj.supervisor',
  'ganzhou-xzspj.keeper',
  'ganzhou-xzspj.sealapprover',
  'auditor',
  'library',
  'administrator',
];
/** People who can see the case. For everybody else it does not exist. */
const SEES = new Set(
  PEOPLE.filter((one) => /^(applicant-company|window-yudu|auditor|(yudu|ganzhou)-xzspj\..*)$/.test(one)),
);
const COUNTER = ['window-yudu', 'ganzhou-xzspj.clerk'];

interface Row {
  name: string;
  type: string;
  /** The state that the case must be in, or null if the action needs no case. */
  at: 'RECEIVED' | 'SUPPLEMENT_ASKED' | 'ACCEPTED' | 'PAUSED' | 'EXAMINED' | 'FORWARDED' | 'REJECTED' | null;
  more: object;
  may: string[];
}

const ROWS: Row[] = [
  { name: 'receiveApplication', type: 'ApplicationInput', at: null, more: {}, may: ['applicant-company', ...COUNTER] },
  { name: 'acceptCase', type: 'ApplicationInput', at: null, more: {}, may: COUNTER },
  { name: 'acceptApplication', type: 'CaseInput', at: 'RECEIVED', more: {}, may: COUNTER },
  { name: 'askSupplement', type: 'AskSupplementInput', at: 'RECEIVED', more: { items: ['图纸'] }, may: COUNTER },
  {
    name: 'refuseAcceptance',
    type: 'CaseReasonInput',
    at: 'RECEIVED',
    more: { reason: '不属于职权范围' },
    may: COUNTER,
  },
  {
    name: 'withdrawCase',
    type: 'CaseReasonInput',
    at: 'RECEIVED',
    more: { reason: '不办了' },
    may: ['applicant-company', ...COUNTER],
  },
  {
    name: 'supplementCase',
    type: 'SupplementInput',
    at: 'SUPPLEMENT_ASKED',
    more: {},
    may: ['applicant-company', ...COUNTER],
  },
  { name: 'closeUnsupplemented', type: 'CaseInput', at: 'SUPPLEMENT_ASKED', more: {}, may: COUNTER },
  {
    name: 'examineCase',
    type: 'ExamineCaseInput',
    at: 'ACCEPTED',
    more: { finding: 'APPROVED' },
    may: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'pauseCase',
    type: 'PauseCaseInput',
    at: 'ACCEPTED',
    more: { kind: 'HEARING', reason: '听证', papers: ['1号'] },
    may: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'resumeCase',
    type: 'CaseNoteInput',
    at: 'PAUSED',
    more: {},
    may: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'forwardCase',
    type: 'CaseNoteInput',
    at: 'EXAMINED',
    more: {},
    may: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'sendBackCase',
    type: 'CaseReasonInput',
    at: 'FORWARDED',
    more: { reason: '补充审查' },
    may: ['ganzhou-xzspj.reviewer', 'ganzhou-xzspj.approver'],
  },
  {
    name: 'decideCase',
    type: 'DecideCaseInput',
    at: 'FORWARDED',
    more: { decision: 'GRANTED', authoriseSeal: true },
    may: ['ganzhou-xzspj.approver'],
  },
  {
    name: 'deliverDecision',
    type: 'CaseNoteInput',
    at: 'REJECTED',
    more: {},
    may: ['window-yudu', 'ganzhou-xzspj.clerk', 'ganzhou-xzspj.reviewer', 'ganzhou-xzspj.approver'],
  },
  { name: 'recordAgreement', type: 'RecordAgreementInput', at: null, more: {}, may: ['administrator'] },
  { name: 'endAgreement', type: 'EndAgreementInput', at: null, more: {}, may: ['administrator'] },
  { name: 'loadCalendar', type: 'LoadCalendarInput', at: null, more: {}, may: ['administrator'] },
];

const INPUTS: Record<string, object> = {
  receiveApplication: { matter: 'yd2022-3-25', applicant: COMPANY },
  acceptCase: { matter: 'yd2022-3-25', applicant: COMPANY },
  recordAgreement: {
    number: '示范〔2026〕1号',
    cityOrgan: 'ganzhou-jyj',
    countyOrgan: 'yudu-jktj',
    matters: ['yd2022-2-44'],
    validFrom: '2026-01-01',
    scanDigest: '0'.repeat(64),
  },
  endAgreement: { number: '示范承接协议〔2022〕1号', on: '2026-05-01', reason: '重新签订' },
  loadCalendar: {
    year: 2027,
    source: '示范（测试）',
    holidays: ['2027-01-01', '2027-05-01', '2027-10-01', '2027-10-02', '2027-10-03'],
    makeUpDays: [],
  },
};

describe('access', () => {
  let hub: TestHub;
  let clock: TestClock;
  const standing = new Map<string, string>();

  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    hub = await testHub({ now: clock });
    const step = (person: string, name: string, type: string, input: object) =>
      act(hub, person, name, type, input, 'case { id }');
    const received = async () =>
      (await step('window-yudu', 'receiveApplication', 'ApplicationInput', INPUTS.acceptCase ?? {})).case.id;
    const accepted = async () =>
      (await step('window-yudu', 'acceptCase', 'ApplicationInput', INPUTS.acceptCase ?? {})).case.id;
    standing.set('RECEIVED', await received());
    standing.set('SUPPLEMENT_ASKED', await received());
    const ask = { case: standing.get('SUPPLEMENT_ASKED'), items: ['图纸'], until: '2026-03-03' };
    await step('window-yudu', 'askSupplement', 'AskSupplementInput', ask);
    for (const at of ['ACCEPTED', 'PAUSED', 'EXAMINED', 'FORWARDED', 'REJECTED']) {
      const id = await accepted();
      standing.set(at, id);
      if (at === 'PAUSED')
        await step('window-yudu', 'pauseCase', 'PauseCaseInput', {
          case: id,
          kind: 'HEARING',
          reason: '听证',
          papers: ['1号'],
        });
      if (at === 'ACCEPTED' || at === 'PAUSED') continue;
      await step('window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
      if (at === 'EXAMINED') continue;
      await step('window-yudu', 'forwardCase', 'CaseNoteInput', { case: id });
      if (at === 'FORWARDED') continue;
      const reject = { case: id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
      await step('ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', reject);
      await until('the decision is sealed', async () => {
        const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { notices { kind sealed } } }', {
          id,
        });
        return data.case.notices.some(
          (one: { kind: string; sealed: boolean }) => one.kind === 'DECISION' && one.sealed,
        );
      });
    }
    clock.set('2026-03-10T01:00:00Z');
  });
  afterAll(() => hub?.stop());

  const rehearse = async (person: string | null, { name, type, at, more }: Row) => {
    const input = { ...(INPUTS[name] ?? { case: standing.get(at ?? '') }), ...more, dryRun: true };
    const query = `mutation($input: ${type}!) { ${name}(input: $input) { refusal { code } } }`;
    const { data, errors } = await hub.ask(person, query, { input });
    return errors ? errors[0]?.extensions.code : (data[name].refusal?.code ?? 'ALLOWED');
  };

  test.each(ROWS)('$name', async (row) => {
    expect(await rehearse(null, row)).toBe('UNAUTHENTICATED');
    const answers = await Promise.all(PEOPLE.map(async (person) => [person, await rehearse(person, row)] as const));
    expect(answers.filter(([, answer]) => answer === 'ALLOWED').map(([person]) => person)).toEqual(
      PEOPLE.filter((person) => row.may.includes(person)),
    );
    for (const [person, answer] of answers) {
      if (row.may.includes(person)) continue;
      const hidden = row.at !== null && !SEES.has(person);
      const known = ['ROLE_NOT_ALLOWED', 'ORGAN_WITHOUT_POWER', 'NOT_YOUR_RECORD'];
      expect([person, answer]).toEqual([
        person,
        hidden ? 'CASE_UNKNOWN' : expect.stringMatching(new RegExp(known.join('|'))),
      ]);
    }
  });

  test('Case.actions agrees with the dry runs', async () => {
    for (const row of ROWS.filter(({ at }) => at !== null)) {
      for (const person of PEOPLE.filter((one) => SEES.has(one))) {
        const query = 'query($id: ID!) { case(id: $id) { actions { name allowed clause } } }';
        const { data } = await hub.ask(person, query, { id: standing.get(row.at ?? '') });
        const action = data.case.actions.find((one: { name: string }) => one.name === row.name);
        expect([person, row.name, action.allowed]).toEqual([person, row.name, row.may.includes(person)]);
        expect(action.clause).toMatch(/[条项二）]/u);
      }
    }
  });

  test('dry runs store nothing', async () => {
    const { data } = await hub.ask(
      'auditor',
      '{ cases(first: 100) { edges { node { id } } } agreements(first: 100) { edges { node { number } } } }',
    );
    expect(data.cases.edges).toHaveLength(standing.size);
    expect(data.agreements.edges.map((one: { node: { number: string } }) => one.node.number)).not.toContain(
      '示范〔2026〕1号',
    );
  });
});
