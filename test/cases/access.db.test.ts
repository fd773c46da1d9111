import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

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
const CASE_READERS = new Set(
  PEOPLE.filter((item) => /^(applicant-company|window-yudu|auditor|(yudu|ganzhou)-xzspj\..*)$/.test(item)),
);
const COUNTER_CLERKS = ['window-yudu', 'ganzhou-xzspj.clerk'];

interface Row {
  name: string;
  type: string;
  /** The state that the case must be in, or null if the action needs no case. */
  caseState: 'RECEIVED' | 'SUPPLEMENT_ASKED' | 'ACCEPTED' | 'PAUSED' | 'EXAMINED' | 'FORWARDED' | 'REJECTED' | null;
  extraInput: object;
  allowedPeople: string[];
}

const ROWS: Row[] = [
  {
    name: 'receiveApplication',
    type: 'ApplicationInput',
    caseState: null,
    extraInput: {},
    allowedPeople: ['applicant-company', ...COUNTER_CLERKS],
  },
  { name: 'acceptCase', type: 'ApplicationInput', caseState: null, extraInput: {}, allowedPeople: COUNTER_CLERKS },
  {
    name: 'acceptApplication',
    type: 'CaseInput',
    caseState: 'RECEIVED',
    extraInput: {},
    allowedPeople: COUNTER_CLERKS,
  },
  {
    name: 'askSupplement',
    type: 'AskSupplementInput',
    caseState: 'RECEIVED',
    extraInput: { items: ['图纸'] },
    allowedPeople: COUNTER_CLERKS,
  },
  {
    name: 'refuseAcceptance',
    type: 'CaseReasonInput',
    caseState: 'RECEIVED',
    extraInput: { reason: '不属于职权范围' },
    allowedPeople: COUNTER_CLERKS,
  },
  {
    name: 'withdrawCase',
    type: 'CaseReasonInput',
    caseState: 'RECEIVED',
    extraInput: { reason: '不办了' },
    allowedPeople: ['applicant-company', ...COUNTER_CLERKS],
  },
  {
    name: 'supplementCase',
    type: 'SupplementInput',
    caseState: 'SUPPLEMENT_ASKED',
    extraInput: {},
    allowedPeople: ['applicant-company', ...COUNTER_CLERKS],
  },
  {
    name: 'closeUnsupplemented',
    type: 'CaseInput',
    caseState: 'SUPPLEMENT_ASKED',
    extraInput: {},
    allowedPeople: COUNTER_CLERKS,
  },
  {
    name: 'examineCase',
    type: 'ExamineCaseInput',
    caseState: 'ACCEPTED',
    extraInput: { finding: 'APPROVED' },
    allowedPeople: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'amendCase',
    type: 'AmendCaseInput',
    caseState: 'ACCEPTED',
    extraInput: { fields: [{ label: '备注', text: '更正' }] },
    allowedPeople: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'pauseCase',
    type: 'PauseCaseInput',
    caseState: 'ACCEPTED',
    extraInput: { kind: 'HEARING', reason: '听证', papers: ['1号'] },
    allowedPeople: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'resumeCase',
    type: 'CaseNoteInput',
    caseState: 'PAUSED',
    extraInput: {},
    allowedPeople: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'forwardCase',
    type: 'CaseNoteInput',
    caseState: 'EXAMINED',
    extraInput: {},
    allowedPeople: ['window-yudu', 'yudu-xzspj.clerk', 'yudu-xzspj.reviewer'],
  },
  {
    name: 'sendBackCase',
    type: 'CaseReasonInput',
    caseState: 'FORWARDED',
    extraInput: { reason: '补充审查' },
    allowedPeople: ['ganzhou-xzspj.reviewer', 'ganzhou-xzspj.approver'],
  },
  {
    name: 'decideCase',
    type: 'DecideCaseInput',
    caseState: 'FORWARDED',
    extraInput: { decision: 'GRANTED', authoriseSeal: true },
    allowedPeople: ['ganzhou-xzspj.approver'],
  },
  {
    name: 'deliverDecision',
    type: 'DeliverDecisionInput',
    caseState: 'REJECTED',
    extraInput: {},
    allowedPeople: ['window-yudu', 'ganzhou-xzspj.clerk', 'ganzhou-xzspj.reviewer', 'ganzhou-xzspj.approver'],
  },
  {
    name: 'recordAgreement',
    type: 'RecordAgreementInput',
    caseState: null,
    extraInput: {},
    allowedPeople: ['administrator'],
  },
  {
    name: 'endAgreement',
    type: 'EndAgreementInput',
    caseState: null,
    extraInput: {},
    allowedPeople: ['administrator'],
  },
  {
    name: 'loadCalendar',
    type: 'LoadCalendarInput',
    caseState: null,
    extraInput: {},
    allowedPeople: ['administrator'],
  },
];

const INPUTS: Record<string, object> = {
  receiveApplication: { matter: 'yd2022-3-25', applicant: COMPANY, fields: linesFor('yd2022-3-25') },
  acceptCase: { matter: 'yd2022-3-25', applicant: COMPANY, fields: linesFor('yd2022-3-25') },
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
  const caseIds = new Map<string, string>();

  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    hub = await createTestHub({ now: clock });
    const takeStep = (person: string, name: string, type: string, input: object) =>
      runMutation(hub, person, name, type, input, 'case { id: uuid }');
    const receiveCase = async () =>
      (await takeStep('window-yudu', 'receiveApplication', 'ApplicationInput', INPUTS.acceptCase ?? {})).case.id;
    const acceptCase = async () =>
      (await takeStep('window-yudu', 'acceptCase', 'ApplicationInput', INPUTS.acceptCase ?? {})).case.id;
    caseIds.set('RECEIVED', await receiveCase());
    caseIds.set('SUPPLEMENT_ASKED', await receiveCase());
    const supplementRequest = { case: caseIds.get('SUPPLEMENT_ASKED'), items: ['图纸'], until: '2026-03-03' };
    await takeStep('window-yudu', 'askSupplement', 'AskSupplementInput', supplementRequest);
    for (const caseState of ['ACCEPTED', 'PAUSED', 'EXAMINED', 'FORWARDED', 'REJECTED']) {
      const id = await acceptCase();
      caseIds.set(caseState, id);
      if (caseState === 'PAUSED')
        await takeStep('window-yudu', 'pauseCase', 'PauseCaseInput', {
          case: id,
          kind: 'HEARING',
          reason: '听证',
          papers: ['1号'],
        });
      if (caseState === 'ACCEPTED' || caseState === 'PAUSED') continue;
      await takeStep('window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
      if (caseState === 'EXAMINED') continue;
      await takeStep('window-yudu', 'forwardCase', 'CaseNoteInput', { case: id });
      if (caseState === 'FORWARDED') continue;
      const rejection = { case: id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
      await takeStep('ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', rejection);
      await waitUntil('the decision is sealed', async () => {
        const { data } = await hub.ask('auditor', 'query($id: ID!) { case(id: $id) { notices { kind sealed } } }', {
          id,
        });
        return data.case.notices.some(
          (item: { kind: string; sealed: boolean }) => item.kind === 'DECISION' && item.sealed,
        );
      });
    }
    clock.set('2026-03-10T01:00:00Z');
  });
  afterAll(() => hub?.stop());

  const dryRunAction = async (person: string | null, { name, type, caseState, extraInput }: Row) => {
    const input = { ...(INPUTS[name] ?? { case: caseIds.get(caseState ?? '') }), ...extraInput, dryRun: true };
    const query = `mutation($input: ${type}!) { ${name}(input: $input) { refusal { code } } }`;
    const { data, errors } = await hub.ask(person, query, { input });
    return errors ? errors[0]?.extensions.code : (data[name].refusal?.code ?? 'ALLOWED');
  };

  test.each(ROWS)('$name', async (row) => {
    expect(await dryRunAction(null, row)).toBe('UNAUTHENTICATED');
    const answers = await Promise.all(PEOPLE.map(async (person) => [person, await dryRunAction(person, row)] as const));
    expect(answers.filter(([, answer]) => answer === 'ALLOWED').map(([person]) => person)).toEqual(
      PEOPLE.filter((person) => row.allowedPeople.includes(person)),
    );
    for (const [person, answer] of answers) {
      if (row.allowedPeople.includes(person)) continue;
      const isHidden = row.caseState !== null && !CASE_READERS.has(person);
      const refusalCodes = ['ROLE_NOT_ALLOWED', 'ORGAN_WITHOUT_POWER', 'NOT_YOUR_RECORD'];
      expect([person, answer]).toEqual([
        person,
        isHidden ? 'CASE_UNKNOWN' : expect.stringMatching(new RegExp(refusalCodes.join('|'))),
      ]);
    }
  });

  test('Case.actions agrees with the dry runs', async () => {
    for (const row of ROWS.filter(({ caseState }) => caseState !== null)) {
      for (const person of PEOPLE.filter((item) => CASE_READERS.has(item))) {
        const query = 'query($id: ID!) { case(id: $id) { actions { name allowed clause } } }';
        const { data } = await hub.ask(person, query, { id: caseIds.get(row.caseState ?? '') });
        const action = data.case.actions.find((item: { name: string }) => item.name === row.name);
        expect([person, row.name, action.allowed]).toEqual([person, row.name, row.allowedPeople.includes(person)]);
        expect(action.clause).toMatch(/[条项二）]/u);
      }
    }
  });

  test('dry runs store nothing', async () => {
    const { data } = await hub.ask(
      'auditor',
      '{ cases(first: 100) { edges { node { id: uuid } } } agreements(first: 100) { edges { node { number } } } }',
    );
    expect(data.cases.edges).toHaveLength(caseIds.size);
    expect(data.agreements.edges.map((item: { node: { number: string } }) => item.node.number)).not.toContain(
      '示范〔2026〕1号',
    );
  });
});
