import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { act, COMPANY, refusalOf } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { until } from '../support/until.ts';

/** Tests the counter on real PostgreSQL: cases are received, supplemented, accepted, refused, withdrawn and closed. */
describe('reception', () => {
  let hub: TestHub;
  let clock: TestClock;
  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    hub = await testHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const FIELDS =
    'case { id number step result resultCode acceptedBy { id } supplement { items until } steps { step } }';
  const application = { matter: 'yd2022-3-25', applicant: COMPANY };
  const receive = async (person = 'applicant-company', more: object = {}) => {
    const input = { ...application, ...more };
    const { case: made } = await act(hub, person, 'receiveApplication', 'ApplicationInput', input, FIELDS);
    return made;
  };
  const does = (person: string, name: string, type: string, input: object) =>
    act(hub, person, name, type, input, FIELDS);
  const refuses = (person: string, name: string, type: string, input: object) =>
    refusalOf(hub, person, name, type, input);

  test('an applicant files; the window of the county accepts the case from its queue', async () => {
    const filed = await receive();
    expect(filed).toMatchObject({ step: 'RECEIVED', result: null, acceptedBy: null });
    const queue = async (person: string) => {
      const { data } = await hub.ask(person, '{ queue(first: 100, steps: [RECEIVED]) { edges { node { id } } } }');
      return data.queue.edges.map((edge: { node: { id: string } }) => edge.node.id);
    };
    expect(await queue('window-yudu')).toContain(filed.id);
    expect(await queue('ganzhou-xzspj.clerk')).toContain(filed.id);
    expect(await queue('window-xingguo')).not.toContain(filed.id);
    expect(await queue('applicant-company')).toEqual([]);
    const { case: accepted } = await does('window-yudu', 'acceptApplication', 'CaseInput', { case: filed.id });
    expect(accepted).toMatchObject({ step: 'ACCEPTED', acceptedBy: { id: 'yudu-xzspj' } });
    expect(await queue('window-yudu')).not.toContain(filed.id);
  });

  test('the city organ can accept too (市县同权), and then examines and decides itself', async () => {
    const filed = await receive();
    const { case: accepted } = await does('ganzhou-xzspj.clerk', 'acceptApplication', 'CaseInput', { case: filed.id });
    expect(accepted).toMatchObject({ acceptedBy: { id: 'ganzhou-xzspj' } });
    const finding = { case: filed.id, finding: 'APPROVED' };
    expect(await refuses('window-yudu', 'examineCase', 'ExamineCaseInput', finding)).toBe('ORGAN_WITHOUT_POWER');
    expect(await refuses('ganzhou-xzspj.reviewer', 'examineCase', 'ExamineCaseInput', finding)).toBeNull();
    const grant = { case: filed.id, decision: 'GRANTED', authoriseSeal: true };
    expect(await refuses('ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', grant)).toBeNull();
  });

  test('nobody can file for somebody else; no clerk can receive or accept a case of another organ', async () => {
    const foreign = {
      ...application,
      applicant: { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' },
    };
    expect(await refuses('applicant-company', 'receiveApplication', 'ApplicationInput', foreign)).toBe(
      'NOT_YOUR_RECORD',
    );
    expect(await refuses('window-xingguo', 'receiveApplication', 'ApplicationInput', application)).toBe(
      'ORGAN_WITHOUT_POWER',
    );
    expect(await refuses('yudu-lyj.reviewer', 'receiveApplication', 'ApplicationInput', application)).toBe(
      'ROLE_NOT_ALLOWED',
    );
    const filed = await receive();
    for (const person of ['applicant-citizen', 'window-xingguo', 'yudu-lyj.clerk']) {
      expect(await refuses(person, 'acceptApplication', 'CaseInput', { case: filed.id })).toBe('CASE_UNKNOWN');
    }
    expect(await refuses('applicant-company', 'acceptApplication', 'CaseInput', { case: filed.id })).toBe(
      'ROLE_NOT_ALLOWED',
    );
  });

  test('missing items are requested once (一次性告知) and supplied, and the case is accepted', async () => {
    const filed = await receive();
    const ask = { case: filed.id, items: ['营业执照复印件', '经营场所平面图'] };
    const empty = { case: filed.id, items: [] };
    expect(await refuses('window-yudu', 'askSupplement', 'AskSupplementInput', empty)).toBe('ITEMS_MISSING');
    const past = { ...ask, until: '2026-03-02' };
    expect(await refuses('window-yudu', 'askSupplement', 'AskSupplementInput', past)).toBe('FIELD_MALFORMED');
    const { case: asked } = await does('window-yudu', 'askSupplement', 'AskSupplementInput', ask);
    expect(asked).toMatchObject({ step: 'SUPPLEMENT_ASKED', supplement: { items: ask.items, until: '2026-04-01' } });
    expect(await refuses('window-yudu', 'acceptApplication', 'CaseInput', { case: filed.id })).toBe(
      'CASE_STEP_NOT_ALLOWED',
    );
    const bring = { case: filed.id, note: '已补齐' };
    expect(await refuses('applicant-citizen', 'supplementCase', 'SupplementInput', bring)).toBe('CASE_UNKNOWN');
    const { case: brought } = await does('applicant-company', 'supplementCase', 'SupplementInput', bring);
    expect(brought.step).toBe('RECEIVED');
    expect(await refuses('window-yudu', 'askSupplement', 'AskSupplementInput', ask)).toBe('SUPPLEMENT_ALREADY_ASKED');
    expect(await refuses('window-yudu', 'acceptApplication', 'CaseInput', { case: filed.id })).toBeNull();
  });

  test('a missed supplement closes the case, but not before its last day has passed', async () => {
    const filed = await receive();
    const until = '2026-03-10';
    await does('window-yudu', 'askSupplement', 'AskSupplementInput', { case: filed.id, items: ['图纸'], until });
    const close = () => refuses('window-yudu', 'closeUnsupplemented', 'CaseInput', { case: filed.id });
    // 2026-03-10 ends at 16:00 UTC in Asia/Shanghai.
    clock.set('2026-03-10T15:59:59Z');
    expect(await close()).toBe('SUPPLEMENT_NOT_DUE');
    clock.set('2026-03-10T16:00:00Z');
    const { case: closed } = await does('window-yudu', 'closeUnsupplemented', 'CaseInput', { case: filed.id });
    expect(closed).toMatchObject({ step: 'SUPPLEMENT_MISSED', result: 'SUPPLEMENT_MISSED', resultCode: 5 });
    expect(await close()).toBe('CASE_STEP_NOT_ALLOWED');
  });

  test('refuses acceptance with a reason', async () => {
    const filed = await receive();
    const blank = { case: filed.id, reason: '  ' };
    expect(await refuses('window-yudu', 'refuseAcceptance', 'CaseReasonInput', blank)).toBe('REASON_MISSING');
    const said = { case: filed.id, reason: '不属于本机关职权范围，请向省级药品监督管理部门申请' };
    const { case: refused } = await does('window-yudu', 'refuseAcceptance', 'CaseReasonInput', said);
    expect(refused).toMatchObject({ step: 'NOT_ACCEPTED', result: 'NOT_ACCEPTED', resultCode: 1 });
  });

  test('the applicant can withdraw a case that is not decided', async () => {
    const filed = await receive();
    const said = { case: filed.id, reason: '企业计划调整' };
    expect(await refuses('ganzhou-xzspj.approver', 'withdrawCase', 'CaseReasonInput', said)).toBe('ROLE_NOT_ALLOWED');
    const { case: withdrawn } = await does('applicant-company', 'withdrawCase', 'CaseReasonInput', said);
    expect(withdrawn).toMatchObject({ step: 'WITHDRAWN', result: 'WITHDRAWN', resultCode: 2 });
    expect(await refuses('applicant-company', 'withdrawCase', 'CaseReasonInput', said)).toBe('CASE_STEP_NOT_ALLOWED');
  });

  test('concurrent identical requests make one case; another request with the same key is refused', async () => {
    const requestKey = 'front-end-4711';
    const made = await Promise.all([1, 2, 3].map(() => receive('applicant-company', { requestKey })));
    expect(new Set(made.map((one) => one.number)).size).toBe(1);
    const other = { ...application, matter: 'yd2022-3-21', requestKey };
    expect(await refuses('applicant-company', 'receiveApplication', 'ApplicationInput', other)).toBe(
      'REQUEST_KEY_REUSED',
    );
    const counter = { ...application, requestKey };
    const accept = () => does('window-yudu', 'acceptCase', 'ApplicationInput', counter);
    const [one, atOnce] = await Promise.all([accept(), accept()]);
    const two = await accept();
    expect(atOnce.case).toEqual(one.case);
    expect(two.case).toEqual(one.case);
    expect(one.case.number).not.toBe(made[0].number);
  });

  test('a dry run returns the outcome and stores nothing', async () => {
    const before = await hub.ask('auditor', '{ cases(first: 100) { edges { node { id step } } } }');
    const filed = await receive('applicant-company', { dryRun: true });
    expect(filed.step).toBe('RECEIVED');
    const refused = { ...application, matter: 'yd2022-9-99', dryRun: true };
    expect(await refuses('applicant-company', 'receiveApplication', 'ApplicationInput', refused)).toBe(
      'MATTER_UNKNOWN',
    );
    const after = await hub.ask('auditor', '{ cases(first: 100) { edges { node { id step } } } }');
    expect(after.data).toEqual(before.data);
  });

  test('a case that is paused for a hearing takes no step until it is resumed', async () => {
    const filed = await receive();
    await does('window-yudu', 'acceptApplication', 'CaseInput', { case: filed.id });
    const hearing = { case: filed.id, kind: 'HEARING', reason: '利害关系人申请听证', papers: ['赣市审听〔2026〕3号'] };
    expect(await refuses('window-yudu', 'pauseCase', 'PauseCaseInput', { ...hearing, papers: [] })).toBe(
      'PAPERS_MISSING',
    );
    expect(await refuses('ganzhou-xzspj.approver', 'pauseCase', 'PauseCaseInput', hearing)).toBe('ROLE_NOT_ALLOWED');
    expect(await refuses('window-yudu', 'pauseCase', 'PauseCaseInput', hearing)).toBeNull();
    const finding = { case: filed.id, finding: 'APPROVED' };
    expect(await refuses('window-yudu', 'examineCase', 'ExamineCaseInput', finding)).toBe('CASE_PAUSED');
    expect(await refuses('window-yudu', 'pauseCase', 'PauseCaseInput', hearing)).toBe('CASE_PAUSED');
    expect(await refuses('window-yudu', 'resumeCase', 'CaseNoteInput', { case: filed.id })).toBeNull();
    expect(await refuses('window-yudu', 'resumeCase', 'CaseNoteInput', { case: filed.id })).toBe('CASE_NOT_PAUSED');
    expect(await refuses('window-yudu', 'examineCase', 'ExamineCaseInput', finding)).toBeNull();
  });

  test('a case that is forwarded, sent back and forwarded again stays one case', async () => {
    const filed = await receive();
    const id = filed.id;
    await does('window-yudu', 'acceptApplication', 'CaseInput', { case: id });
    const round = async () => {
      await does('window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
      await does('window-yudu', 'forwardCase', 'CaseNoteInput', { case: id });
    };
    await round();
    const back = { case: id, reason: '平面图与现场不符，请补充审查' };
    expect(await refuses('yudu-xzspj.approver', 'sendBackCase', 'CaseReasonInput', back)).toBe('ORGAN_WITHOUT_POWER');
    const { case: returned } = await does('ganzhou-xzspj.reviewer', 'sendBackCase', 'CaseReasonInput', back);
    expect(returned.step).toBe('ACCEPTED');
    await round();
    const reject = { case: id, decision: 'REJECTED', reason: '不符合经营条件', authoriseSeal: true };
    const { case: decided } = await does('ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', reject);
    expect(decided).toMatchObject({ number: filed.number, step: 'DECIDED', result: 'REJECTED', resultCode: 1 });
    await until('the decision is sealed', async () => {
      const { data } = await hub.ask('window-yudu', 'query($id: ID!) { case(id: $id) { notices { kind sealed } } }', {
        id,
      });
      return data.case.notices.some((one: { kind: string; sealed: boolean }) => one.kind === 'DECISION' && one.sealed);
    });
    const { case: served } = await does('window-yudu', 'deliverDecision', 'CaseNoteInput', { case: id });
    expect(served).toMatchObject({ step: 'DELIVERED', result: 'REJECTED' });
  });
});
