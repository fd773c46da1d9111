import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, findRefusalCode, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

/** Tests the counter on real PostgreSQL: cases are received, supplemented, accepted, refused, withdrawn and closed. */
describe('reception', () => {
  let hub: TestHub;
  let clock: TestClock;
  beforeAll(async () => {
    clock = testClock('2026-03-02T01:00:00Z');
    hub = await createTestHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const FIELDS =
    'case { id: uuid number step result resultCode acceptedBy { id: code } supplement { items until } steps { step } }';
  const application = { matter: 'yd2022-3-25', applicant: COMPANY, fields: linesFor('yd2022-3-25') };
  const receiveCase = async (person = 'applicant-company', extraInput: object = {}) => {
    const input = { ...application, ...extraInput };
    const { case: receivedCase } = await runMutation(
      hub,
      person,
      'receiveApplication',
      'ApplicationInput',
      input,
      FIELDS,
    );
    return receivedCase;
  };
  const actAs = (person: string, name: string, type: string, input: object) =>
    runMutation(hub, person, name, type, input, FIELDS);
  const refusalFor = (person: string, name: string, type: string, input: object) =>
    findRefusalCode(hub, person, name, type, input);

  test('an applicant files; the window of the county accepts the case from its queue', async () => {
    const filedCase = await receiveCase();
    expect(filedCase).toMatchObject({ step: 'RECEIVED', result: null, acceptedBy: null });
    const listQueue = async (person: string) => {
      const { data } = await hub.ask(
        person,
        '{ queue(first: 100, steps: [RECEIVED]) { edges { node { id: uuid } } } }',
      );
      return data.queue.edges.map((edge: { node: { id: string } }) => edge.node.id);
    };
    expect(await listQueue('window-yudu')).toContain(filedCase.id);
    expect(await listQueue('ganzhou-xzspj.clerk')).toContain(filedCase.id);
    expect(await listQueue('window-xingguo')).not.toContain(filedCase.id);
    expect(await listQueue('applicant-company')).toEqual([]);
    const { case: acceptedCase } = await actAs('window-yudu', 'acceptApplication', 'CaseInput', { case: filedCase.id });
    expect(acceptedCase).toMatchObject({ step: 'ACCEPTED', acceptedBy: { id: 'yudu-xzspj' } });
    expect(await listQueue('window-yudu')).not.toContain(filedCase.id);
  });

  test('the city organ can accept too (市县同权), and then examines and decides itself', async () => {
    const filedCase = await receiveCase();
    const { case: acceptedCase } = await actAs('ganzhou-xzspj.clerk', 'acceptApplication', 'CaseInput', {
      case: filedCase.id,
    });
    expect(acceptedCase).toMatchObject({ acceptedBy: { id: 'ganzhou-xzspj' } });
    const finding = { case: filedCase.id, finding: 'APPROVED' };
    expect(await refusalFor('window-yudu', 'examineCase', 'ExamineCaseInput', finding)).toBe('ORGAN_WITHOUT_POWER');
    expect(await refusalFor('ganzhou-xzspj.reviewer', 'examineCase', 'ExamineCaseInput', finding)).toBeNull();
    const decisionInput = { case: filedCase.id, decision: 'GRANTED', authoriseSeal: true };
    expect(await refusalFor('ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', decisionInput)).toBeNull();
  });

  test('nobody can file for somebody else; no clerk can receive or accept a case of another organ', async () => {
    const foreignApplication = {
      ...application,
      applicant: { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' },
    };
    expect(await refusalFor('applicant-company', 'receiveApplication', 'ApplicationInput', foreignApplication)).toBe(
      'NOT_YOUR_RECORD',
    );
    expect(await refusalFor('window-xingguo', 'receiveApplication', 'ApplicationInput', application)).toBe(
      'ORGAN_WITHOUT_POWER',
    );
    expect(await refusalFor('yudu-lyj.reviewer', 'receiveApplication', 'ApplicationInput', application)).toBe(
      'ROLE_NOT_ALLOWED',
    );
    const filedCase = await receiveCase();
    for (const person of ['applicant-citizen', 'window-xingguo', 'yudu-lyj.clerk']) {
      expect(await refusalFor(person, 'acceptApplication', 'CaseInput', { case: filedCase.id })).toBe('CASE_UNKNOWN');
    }
    expect(await refusalFor('applicant-company', 'acceptApplication', 'CaseInput', { case: filedCase.id })).toBe(
      'ROLE_NOT_ALLOWED',
    );
  });

  test('missing items are requested once (一次性告知) and supplied, and the case is accepted', async () => {
    const filedCase = await receiveCase();
    const supplementRequest = { case: filedCase.id, items: ['营业执照复印件', '经营场所平面图'] };
    const emptyRequest = { case: filedCase.id, items: [] };
    expect(await refusalFor('window-yudu', 'askSupplement', 'AskSupplementInput', emptyRequest)).toBe('ITEMS_MISSING');
    const pastRequest = { ...supplementRequest, until: '2026-03-02' };
    expect(await refusalFor('window-yudu', 'askSupplement', 'AskSupplementInput', pastRequest)).toBe('FIELD_MALFORMED');
    const { case: requestedCase } = await actAs(
      'window-yudu',
      'askSupplement',
      'AskSupplementInput',
      supplementRequest,
    );
    expect(requestedCase).toMatchObject({
      step: 'SUPPLEMENT_ASKED',
      supplement: { items: supplementRequest.items, until: '2026-04-01' },
    });
    expect(await refusalFor('window-yudu', 'acceptApplication', 'CaseInput', { case: filedCase.id })).toBe(
      'CASE_STEP_NOT_ALLOWED',
    );
    const supplement = { case: filedCase.id, note: '已补齐' };
    expect(await refusalFor('applicant-citizen', 'supplementCase', 'SupplementInput', supplement)).toBe('CASE_UNKNOWN');
    const { case: supplementedCase } = await actAs(
      'applicant-company',
      'supplementCase',
      'SupplementInput',
      supplement,
    );
    expect(supplementedCase.step).toBe('RECEIVED');
    expect(await refusalFor('window-yudu', 'askSupplement', 'AskSupplementInput', supplementRequest)).toBe(
      'SUPPLEMENT_ALREADY_ASKED',
    );
    expect(await refusalFor('window-yudu', 'acceptApplication', 'CaseInput', { case: filedCase.id })).toBeNull();
  });

  test('a missed supplement closes the case, but not before its last day has passed', async () => {
    const filedCase = await receiveCase();
    const lastDay = '2026-03-10';
    await actAs('window-yudu', 'askSupplement', 'AskSupplementInput', {
      case: filedCase.id,
      items: ['图纸'],
      until: lastDay,
    });
    const refusalOfClosing = () =>
      refusalFor('window-yudu', 'closeUnsupplemented', 'CaseInput', { case: filedCase.id });
    // 2026-03-10 ends at 16:00 UTC in Asia/Shanghai.
    clock.set('2026-03-10T15:59:59Z');
    expect(await refusalOfClosing()).toBe('SUPPLEMENT_NOT_DUE');
    clock.set('2026-03-10T16:00:00Z');
    const { case: closedCase } = await actAs('window-yudu', 'closeUnsupplemented', 'CaseInput', { case: filedCase.id });
    expect(closedCase).toMatchObject({ step: 'SUPPLEMENT_MISSED', result: 'SUPPLEMENT_MISSED', resultCode: 5 });
    expect(await refusalOfClosing()).toBe('CASE_STEP_NOT_ALLOWED');
  });

  test('refuses acceptance with a reason', async () => {
    const filedCase = await receiveCase();
    const blankReason = { case: filedCase.id, reason: '  ' };
    expect(await refusalFor('window-yudu', 'refuseAcceptance', 'CaseReasonInput', blankReason)).toBe('REASON_MISSING');
    const reasonInput = { case: filedCase.id, reason: '不属于本机关职权范围，请向省级药品监督管理部门申请' };
    const { case: refused } = await actAs('window-yudu', 'refuseAcceptance', 'CaseReasonInput', reasonInput);
    expect(refused).toMatchObject({ step: 'NOT_ACCEPTED', result: 'NOT_ACCEPTED', resultCode: 1 });
  });

  test('the applicant can withdraw a case that is not decided', async () => {
    const filedCase = await receiveCase();
    const reasonInput = { case: filedCase.id, reason: '企业计划调整' };
    expect(await refusalFor('ganzhou-xzspj.approver', 'withdrawCase', 'CaseReasonInput', reasonInput)).toBe(
      'ROLE_NOT_ALLOWED',
    );
    const { case: withdrawnCase } = await actAs('applicant-company', 'withdrawCase', 'CaseReasonInput', reasonInput);
    expect(withdrawnCase).toMatchObject({ step: 'WITHDRAWN', result: 'WITHDRAWN', resultCode: 2 });
    expect(await refusalFor('applicant-company', 'withdrawCase', 'CaseReasonInput', reasonInput)).toBe(
      'CASE_STEP_NOT_ALLOWED',
    );
  });

  test('concurrent identical requests make one case; another request with the same key is refused', async () => {
    const requestKey = 'front-end-4711';
    const receivedCases = await Promise.all([1, 2, 3].map(() => receiveCase('applicant-company', { requestKey })));
    expect(new Set(receivedCases.map((one) => one.number)).size).toBe(1);
    const otherApplication = { ...application, matter: 'yd2022-3-21', requestKey };
    expect(await refusalFor('applicant-company', 'receiveApplication', 'ApplicationInput', otherApplication)).toBe(
      'REQUEST_KEY_REUSED',
    );
    const counterApplication = { ...application, requestKey };
    const acceptCase = () => actAs('window-yudu', 'acceptCase', 'ApplicationInput', counterApplication);
    const [one, concurrentAnswer] = await Promise.all([acceptCase(), acceptCase()]);
    const laterAnswer = await acceptCase();
    expect(concurrentAnswer.case).toEqual(one.case);
    expect(laterAnswer.case).toEqual(one.case);
    expect(one.case.number).not.toBe(receivedCases[0].number);
  });

  test('a dry run returns the outcome and stores nothing', async () => {
    const casesBefore = await hub.ask('auditor', '{ cases(first: 100) { edges { node { id: uuid step } } } }');
    const filedCase = await receiveCase('applicant-company', { dryRun: true });
    expect(filedCase.step).toBe('RECEIVED');
    const refused = { ...application, matter: 'yd2022-9-99', dryRun: true };
    expect(await refusalFor('applicant-company', 'receiveApplication', 'ApplicationInput', refused)).toBe(
      'MATTER_UNKNOWN',
    );
    const casesAfter = await hub.ask('auditor', '{ cases(first: 100) { edges { node { id: uuid step } } } }');
    expect(casesAfter.data).toEqual(casesBefore.data);
  });

  test('a case that is paused for a hearing takes no step until it is resumed', async () => {
    const filedCase = await receiveCase();
    await actAs('window-yudu', 'acceptApplication', 'CaseInput', { case: filedCase.id });
    const hearing = {
      case: filedCase.id,
      kind: 'HEARING',
      reason: '利害关系人申请听证',
      papers: ['赣市审听〔2026〕3号'],
    };
    expect(await refusalFor('window-yudu', 'pauseCase', 'PauseCaseInput', { ...hearing, papers: [] })).toBe(
      'PAPERS_MISSING',
    );
    expect(await refusalFor('ganzhou-xzspj.approver', 'pauseCase', 'PauseCaseInput', hearing)).toBe('ROLE_NOT_ALLOWED');
    expect(await refusalFor('window-yudu', 'pauseCase', 'PauseCaseInput', hearing)).toBeNull();
    const finding = { case: filedCase.id, finding: 'APPROVED' };
    expect(await refusalFor('window-yudu', 'examineCase', 'ExamineCaseInput', finding)).toBe('CASE_PAUSED');
    expect(await refusalFor('window-yudu', 'pauseCase', 'PauseCaseInput', hearing)).toBe('CASE_PAUSED');
    expect(await refusalFor('window-yudu', 'resumeCase', 'CaseNoteInput', { case: filedCase.id })).toBeNull();
    expect(await refusalFor('window-yudu', 'resumeCase', 'CaseNoteInput', { case: filedCase.id })).toBe(
      'CASE_NOT_PAUSED',
    );
    expect(await refusalFor('window-yudu', 'examineCase', 'ExamineCaseInput', finding)).toBeNull();
  });

  test('a case that is forwarded, sent back and forwarded again stays one case', async () => {
    const filedCase = await receiveCase();
    const id = filedCase.id;
    await actAs('window-yudu', 'acceptApplication', 'CaseInput', { case: id });
    const examineAndForward = async () => {
      await actAs('window-yudu', 'examineCase', 'ExamineCaseInput', { case: id, finding: 'APPROVED' });
      await actAs('window-yudu', 'forwardCase', 'CaseNoteInput', { case: id });
    };
    await examineAndForward();
    const returnInput = { case: id, reason: '平面图与现场不符，请补充审查' };
    expect(await refusalFor('yudu-xzspj.approver', 'sendBackCase', 'CaseReasonInput', returnInput)).toBe(
      'ORGAN_WITHOUT_POWER',
    );
    const { case: returnedCase } = await actAs(
      'ganzhou-xzspj.reviewer',
      'sendBackCase',
      'CaseReasonInput',
      returnInput,
    );
    expect(returnedCase.step).toBe('ACCEPTED');
    await examineAndForward();
    const rejection = { case: id, decision: 'REJECTED', reason: '不符合经营条件', authoriseSeal: true };
    const { case: decidedCase } = await actAs('ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', rejection);
    expect(decidedCase).toMatchObject({ number: filedCase.number, step: 'DECIDED', result: 'REJECTED', resultCode: 1 });
    await waitUntil('the decision is sealed', async () => {
      const { data } = await hub.ask('window-yudu', 'query($id: ID!) { case(id: $id) { notices { kind sealed } } }', {
        id,
      });
      return data.case.notices.some((one: { kind: string; sealed: boolean }) => one.kind === 'DECISION' && one.sealed);
    });
    const { case: deliveredCase } = await actAs('window-yudu', 'deliverDecision', 'DeliverDecisionInput', { case: id });
    expect(deliveredCase).toMatchObject({ step: 'DELIVERED', result: 'REJECTED' });
  });
});
