import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOLDER_CONSENT } from '../support/consent.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { changesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, type Route, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitForLicense } from '../support/supervision.ts';
import { waitUntil } from '../support/until.ts';

/** A license goes to another holder with the consent of its own (转让), and the decision goes to both. */

const EXPLORATION: Route = {
  ...{ ...ROUTES.WINDOW_FORWARD, matter: 'yd2022-3-01' },
  ...{ decides: 'ganzhou-zrzyj.approver', blanks: 'KB0004' },
};
const TRANSFER: Route = { ...EXPLORATION, matter: 'yd2022-3-06' };
const CLERK = EXPLORATION.accepts;
const BUYER = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' };

let hub: TestHub;
let licenseNumber: string;
beforeAll(async () => {
  hub = await createTestHub({ now: () => new Date('2026-03-02T01:00:00Z') });
  const issued = await grantCase(hub, EXPLORATION);
  licenseNumber = (await issueGrantedLicense(hub, EXPLORATION, issued, 1)).number;
  await waitForLicense(hub, issued);
});
afterAll(() => hub?.stop());

const apply = (person: string, name: string, more: object = {}) => {
  const input = { matter: TRANSFER.matter, applicant: BUYER, licenseNumber, ...more };
  const fields = 'case { id: uuid holderConsent { form on recordedBy } }';
  return runMutation(hub, person, name, 'ApplicationInput', input, fields);
};
const FUTURE = { ...HOLDER_CONSENT, on: '2026-03-03' };

describe('without the consent of the holder', () => {
  test('no transfer is accepted at the counter', async () => {
    const refused = { code: 'HOLDER_CONSENT_MISSING', message: expect.stringContaining('原持证人同意书') };
    expect((await apply(CLERK, 'acceptCase')).refusal).toMatchObject(refused);
    const rehearsed = await apply(CLERK, 'acceptCase', { dryRun: true, holderConsent: HOLDER_CONSENT });
    expect(rehearsed.refusal).toBeNull();
  });

  test('only a clerk states it, of a day that has come, and only for a transfer', async () => {
    const online = await apply('applicant-citizen', 'receiveApplication', { holderConsent: HOLDER_CONSENT });
    expect(online.refusal).toMatchObject({ code: 'ROLE_NOT_ALLOWED', field: 'holderConsent' });
    expect((await apply(CLERK, 'acceptCase', { holderConsent: FUTURE })).refusal).toMatchObject({
      code: 'FIELD_MALFORMED',
      field: 'holderConsent.on',
    });
    const change = { matter: 'yd2022-3-05', applicant: COMPANY, fields: changesFor('yd2022-3-05') };
    expect((await apply(CLERK, 'acceptCase', { ...change, holderConsent: HOLDER_CONSENT })).refusal).toMatchObject({
      code: 'FIELD_MALFORMED',
      field: 'holderConsent',
    });
  });

  test('what the buyer filed waits for a supplement, in which the clerk states it', async () => {
    const { case: received } = await apply('applicant-citizen', 'receiveApplication');
    const id: string = received.id;
    expect(received.holderConsent).toBeNull();
    const accept = () => runMutation(hub, CLERK, 'acceptApplication', 'CaseInput', { case: id }, 'case { step }');
    expect((await accept()).refusal).toMatchObject({ code: 'HOLDER_CONSENT_MISSING' });
    const request = { case: id, items: ['原持证人同意书'] };
    await runMutation(hub, CLERK, 'askSupplement', 'AskSupplementInput', request, 'case { step }');
    const supplement = (person: string) => {
      const input = { case: id, holderConsent: HOLDER_CONSENT };
      const fields = 'case { holderConsent { form on recordedBy } }';
      return runMutation(hub, person, 'supplementCase', 'SupplementInput', input, fields);
    };
    expect((await supplement('applicant-citizen')).refusal).toMatchObject({ code: 'ROLE_NOT_ALLOWED' });
    const { case: supplemented } = await supplement(CLERK);
    expect(supplemented.holderConsent).toEqual({ ...HOLDER_CONSENT, recordedBy: expect.any(String) });
    expect((await accept()).case).toEqual({ step: 'ACCEPTED' });
    const withdrawal = { case: id, reason: '改为当面申请' };
    const withdrawn = await runMutation(
      hub,
      'applicant-citizen',
      'withdrawCase',
      'CaseReasonInput',
      withdrawal,
      'case { step }',
    );
    expect(withdrawn.refusal).toBeNull();
  });
});

test('the decision is served on both parties, each with a receipt', async () => {
  const id = await grantCase(hub, TRANSFER, { licenseNumber, applicant: BUYER });
  const act = { case: id, blankNumber: 'KB000400000002', duplicateBlanks: ['KB000400000102'] };
  const done = await runMutation(hub, CLERK, 'transferLicense', 'CaseActInput', act, 'license { identifier }');
  expect(done.refusal).toBeNull();
  await waitForLicense(hub, id);
  const formerHolder = { recipient: '收发室', method: 'EXPRESS', expressNumber: 'SF1234567890' };
  const input = { identifier: done.license.identifier, blankNumber: act.blankNumber, delivery: { formerHolder } };
  const served = await runMutation(hub, CLERK, 'deliverCertificate', 'CertificateInput', input, '__typename');
  expect(served.refusal).toBeNull();
  const party = 'recipient method expressNumber';
  const query = `query($id: ID!) { case(id: $id) { step delivery { ${party} formerHolder { ${party} } } notices { kind } } }`;
  const subject = await waitUntil('the case is delivered', async () => {
    const { data } = await hub.ask('auditor', query, { id });
    return data.case.step === 'DELIVERED' && data.case;
  });
  expect(subject.delivery).toEqual({
    ...{ recipient: BUYER.name, method: 'IN_PERSON', expressNumber: null },
    formerHolder,
  });
  expect(subject.notices.filter(({ kind }: { kind: string }) => kind === 'DELIVERY')).toHaveLength(2);
});

test('a refused transfer is served on the holder who consented, in person unless it says otherwise', async () => {
  const { case: accepted } = await runMutation(
    hub,
    CLERK,
    'acceptCase',
    'ApplicationInput',
    { matter: TRANSFER.matter, applicant: COMPANY, licenseNumber, holderConsent: HOLDER_CONSENT },
    'case { id: uuid }',
  );
  const id: string = accepted.id;
  const examination = { case: id, finding: 'REFUSED', opinion: '不符合条件' };
  await runMutation(hub, TRANSFER.examines, 'examineCase', 'ExamineCaseInput', examination, 'case { id }');
  await runMutation(hub, TRANSFER.examines, 'forwardCase', 'CaseNoteInput', { case: id }, 'case { id }');
  const decision = { case: id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
  const decided = await runMutation(hub, TRANSFER.decides, 'decideCase', 'DecideCaseInput', decision, 'case { step }');
  expect(decided.refusal).toBeNull();
  const delivered = await waitUntil('the decision is sealed and delivered', async () => {
    const fields = 'case { delivery { formerHolder { recipient method } } }';
    const done = await runMutation(hub, CLERK, 'deliverDecision', 'DeliverDecisionInput', { case: id }, fields);
    return done.refusal === null && done.case;
  });
  expect(delivered.delivery.formerHolder).toEqual({ recipient: BUYER.name, method: 'IN_PERSON' });
  expect(await findInconsistencies(hub.adminUrl)).toEqual([]);
});
