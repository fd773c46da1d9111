import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { testClock } from '../support/clock.ts';
import { changedLine, linesFor } from '../support/content.ts';
import {
  COMPANY,
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
import { fetchFile } from '../support/reading.ts';
import { waitForNotices } from '../support/sealed-notices.ts';
import { waitUntil } from '../support/until.ts';

const DIRECT = ROUTES.DIRECT;
const WINDOW = ROUTES.WINDOW_FORWARD;
/** 第三类医疗器械经营许可（注销） and （变更）. */
const CANCELLING = 'yd2022-3-30';
const CHANGING = 'yd2022-3-28';

/** Tests every end of a case through the public API. After each end nobody has to act on the case. */
describe('ends of a case', () => {
  let hub: TestHub;
  let serial = 0;
  const clock = testClock('2026-03-02');
  beforeAll(async () => {
    hub = await createTestHub({ now: clock });
  });
  afterAll(() => hub?.stop());

  const receiveCase = async () => {
    const input = { matter: WINDOW.matter, applicant: COMPANY, fields: [{ label: '经营范围', text: '示范' }] };
    const answer = await runMutation(
      hub,
      'applicant-company',
      'receiveApplication',
      'ApplicationInput',
      input,
      'case { id: uuid }',
    );
    return answer.case.id as string;
  };
  const actAs = async (person: string, name: string, type: string, input: object) =>
    expect([name, await findRefusalCode(hub, person, name, type, input)]).toEqual([name, null]);
  const readCase = async (id: string) => {
    const query = `query($id: ID!) { case(id: $id) { step result resultCode steps { step }
      actions { name allowed } pushes { decision level state } } }`;
    const { data, errors } = await hub.ask('auditor', query, { id });
    expect(errors).toBeUndefined();
    return data.case;
  };
  const expectEnd = async (id: string, step: string, result: string) => {
    await waitUntil(`the case is ${step}`, async () => (await readCase(id)).step === step);
    expect(await readCase(id)).toMatchObject({ result });
    for (const person of ['window-yudu', 'ganzhou-xzspj.approver', 'yudu-lyj.clerk', 'yudu-lyj.approver']) {
      const { data } = await hub.ask(person, 'query($id: ID!) { case(id: $id) { actions { name allowed } } }', { id });
      const allowedActions = data.case?.actions.filter((action: { allowed: boolean }) => action.allowed) ?? [];
      expect([person, allowedActions]).toEqual([person, []]);
    }
    // Pushes to the supervisors may still be open. Nobody has to act on the case.
    const overdueQuery =
      '{ attention(first: 100, filter: { kinds: [STEP_OVERDUE] }) { edges { node { case { id: uuid } } } } }';
    const startTime = clock();
    clock.advance(60 * 86_400_000);
    const { data } = await hub.ask('auditor', overdueQuery);
    clock.set(startTime.toISOString());
    expect(data.attention.edges.map((edge: { node: { case: { id: string } } }) => edge.node.case.id)).not.toContain(id);
  };
  /** Returns how a case's documents were delivered, from the graph and from the file of the receipt. */
  const readDelivery = async (id: string) => {
    const query = 'query($id: ID!) { case(id: $id) { delivery { recipient method expressNumber } } }';
    const { delivery } = (await hub.ask('applicant-company', query, { id })).data.case;
    const receipt = (await waitForNotices(hub, id, 'applicant-company')).at(-1);
    expect(receipt).toMatchObject({ kind: 'DELIVERY', number: expect.stringMatching(/^于林送〔/) });
    const { rawPayload } = await fetchFile(hub, 'applicant-company', receipt?.url ?? '');
    const file = receipt?.sealed ? readSealedPdf(rawPayload).unsigned : rawPayload;
    const content = JSON.parse(Buffer.from(readAttachment(file, 'notice.json') ?? '').toString('utf8'));
    return { delivery, receipt: content };
  };
  const waitForLicense = (id: string) =>
    waitUntil('cases know the license', async () => (await readCase(id)).result === 'ISSUED');

  test('SUPPLEMENT_MISSED: the missing items never arrive', async () => {
    const id = await receiveCase();
    const supplementRequest = { case: id, items: ['场所证明'], until: '2026-03-10' };
    await actAs('window-yudu', 'askSupplement', 'AskSupplementInput', supplementRequest);
    clock.set('2026-03-11');
    await actAs('window-yudu', 'closeUnsupplemented', 'CaseInput', { case: id });
    await expectEnd(id, 'SUPPLEMENT_MISSED', 'SUPPLEMENT_MISSED');
  });

  test('NOT_ACCEPTED', async () => {
    const id = await receiveCase();
    await actAs('window-yudu', 'refuseAcceptance', 'CaseReasonInput', { case: id, reason: '不属于本机关职权范围' });
    await expectEnd(id, 'NOT_ACCEPTED', 'NOT_ACCEPTED');
  });

  test('WITHDRAWN', async () => {
    const id = await receiveCase();
    await actAs('applicant-company', 'withdrawCase', 'CaseReasonInput', { case: id, reason: '计划调整' });
    await expectEnd(id, 'WITHDRAWN', 'WITHDRAWN');
  });

  test('DELIVERED: the decision document of a rejection is delivered', async () => {
    const input = { matter: DIRECT.matter, applicant: COMPANY, fields: linesFor(DIRECT.matter) };
    const { case: acceptedCase } = await runMutation(
      hub,
      DIRECT.accepts,
      'acceptCase',
      'ApplicationInput',
      input,
      'case { id: uuid }',
    );
    const id: string = acceptedCase.id;
    await actAs(DIRECT.examines, 'examineCase', 'ExamineCaseInput', { case: id, finding: 'REFUSED', opinion: '不符' });
    await actAs(DIRECT.decides, 'decideCase', 'DecideCaseInput', {
      case: id,
      decision: 'REJECTED',
      reason: '不符合规定条件',
      authoriseSeal: true,
    });
    await waitUntil('the decision is sealed', async () => {
      const code = await findRefusalCode(hub, DIRECT.accepts, 'deliverDecision', 'DeliverDecisionInput', { case: id });
      expect([null, 'DECISION_NOT_SEALED']).toContain(code);
      return code === null;
    });
    await expectEnd(id, 'DELIVERED', 'REJECTED');
    const usual = { recipient: COMPANY.name, method: 'IN_PERSON', expressNumber: null };
    const { delivery, receipt } = await readDelivery(id);
    expect([delivery, receipt.delivery]).toEqual([usual, usual]);
    expect(receipt.delivered).toEqual([{ name: '不予行政许可决定书', number: expect.stringMatching(/^于林许〔/) }]);
  });

  test('DELIVERED: the license is delivered to its holder', async () => {
    const id = await grantCase(hub, DIRECT);
    const { identifier } = await issueGrantedLicense(hub, DIRECT, id, ++serial);
    const sheet = { identifier, blankNumber: toBlankNumber(DIRECT, serial) };
    const delivery = { recipient: '王示范', method: 'EXPRESS', expressNumber: 'SF1234567890' };
    const deliver = (changes: object) =>
      findRefusalCode(hub, DIRECT.prints, 'deliverCertificate', 'CertificateInput', { ...sheet, ...changes });
    expect(await deliver({ delivery: { ...delivery, expressNumber: null } })).toBe('FIELD_MALFORMED');
    expect(await deliver({ delivery: { ...delivery, recipient: '王𠮷' } })).toBe('FIELD_MALFORMED');
    expect(await deliver({ delivery })).toBeNull();
    await expectEnd(id, 'DELIVERED', 'ISSUED');
    const stored = await readDelivery(id);
    expect([stored.delivery, stored.receipt.delivery]).toEqual([delivery, delivery]);
    expect(stored.receipt.delivered).toEqual([
      { name: '准予行政许可决定书', number: expect.stringMatching(/^于林许〔/) },
      { name: '林木采伐许可证', number: expect.any(String) },
    ]);
  });

  test('UNDELIVERED: the license ends before its paper is delivered', async () => {
    const id = await grantCase(hub, DIRECT);
    const { identifier } = await issueGrantedLicense(hub, DIRECT, id, ++serial);
    expect(await findRefusalOfAct(hub, 'yudu-lyj', 'rescind', { identifier, reason: '申请人隐瞒有关情况' })).toBeNull();
    const sheet = { identifier, blankNumber: toBlankNumber(DIRECT, serial) };
    const refusalCode = await findRefusalCode(hub, DIRECT.prints, 'deliverCertificate', 'CertificateInput', sheet);
    expect(refusalCode).not.toBeNull();
    await expectEnd(id, 'UNDELIVERED', 'ISSUED');
  });

  test('UNDELIVERED: a newer version replaces the undelivered paper; a suspension does not', async () => {
    const firstCaseId = await grantCase(hub, WINDOW);
    const license = await issueGrantedLicense(hub, WINDOW, firstCaseId, 41);
    await waitForLicense(firstCaseId);
    for (const action of ['suspend', 'restore'])
      expect(await findRefusalOfAct(hub, 'ganzhou-xzspj', action, { identifier: license.identifier })).toBeNull();
    const fields = [changedLine(CHANGING)];
    const change = { matter: CHANGING, applicant: COMPANY, fields, licenseNumber: license.number, dryRun: true };
    // A suspended license takes no change, so cases must know that it was restored.
    await waitUntil(
      'cases know the restoration',
      async () => (await findRefusalCode(hub, WINDOW.accepts, 'acceptCase', 'ApplicationInput', change)) === null,
    );
    const secondCaseId = await grantCase(hub, WINDOW, { matter: CHANGING, licenseNumber: license.number });
    expect((await readCase(firstCaseId)).step).toBe('CERTIFIED');
    const input = { case: secondCaseId, ...toBlanks(WINDOW, 42) };
    await actAs(WINDOW.prints, 'changeLicense', 'CaseActInput', input);
    await expectEnd(firstCaseId, 'UNDELIVERED', 'ISSUED');
    expect((await readCase(secondCaseId)).step).toBe('CERTIFIED');
  });

  test('CERTIFIED: a cancellation ends the case, because it makes no paper', async () => {
    const issuedCaseId = await grantCase(hub, WINDOW);
    const license = await issueGrantedLicense(hub, WINDOW, issuedCaseId, 43);
    await waitForLicense(issuedCaseId);
    const id = await grantCase(hub, WINDOW, { matter: CANCELLING, licenseNumber: license.number });
    await actAs(WINDOW.prints, 'cancelLicense', 'CancelLicenseInput', { case: id });
    await expectEnd(id, 'CERTIFIED', 'ISSUED');
    await expectEnd(issuedCaseId, 'UNDELIVERED', 'ISSUED');
  });

  test('VOIDED: a voided grant is pushed to everybody who received the grant', async () => {
    const id = await grantCase(hub, DIRECT);
    const pushesBefore = (await readCase(id)).pushes;
    const input = { case: id, reason: '被许可人已注销' };
    for (const person of [DIRECT.examines, DIRECT.decides]) await actAs(person, 'voidTask', 'VoidTaskInput', input);
    await expectEnd(id, 'VOIDED', 'VOIDED');
    const { pushes } = await readCase(id);
    expect(pushesBefore).toHaveLength(1);
    expect(pushes).toEqual([...pushesBefore, { ...pushesBefore[0], decision: 'VOIDED' }]);
    expect(await findRefusalCode(hub, DIRECT.decides, 'voidTask', 'VoidTaskInput', input)).not.toBeNull();
    expect((await readCase(id)).pushes).toHaveLength(2);
  });
});
