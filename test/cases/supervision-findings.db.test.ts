import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { claimPush } from '../../subgraphs/cases/supervision/workflow.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { COMPANY, findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  decideCase,
  FINDING_FIELDS,
  listFindings,
  listPushes,
  PUSH_FIELDS,
  recordFinding,
  waitForLicense,
  waitForOrder,
} from '../support/supervision.ts';

const route = ROUTES.DIRECT;
const SUPERVISOR = 'yudu-lyj.supervisor';

describe('the inbox and the findings, by role and organ', () => {
  let hub: TestHub;
  let rejectedCaseId: string;
  let push: { id: string };
  beforeAll(async () => {
    hub = await createTestHub();
    rejectedCaseId = await decideCase(hub, route, 'REJECTED');
    [push] = (await listPushes(hub, rejectedCaseId)) as [{ id: string }];
  });
  afterAll(() => hub?.stop());

  const refusalOfPushAct = (name: 'claimPush' | 'signPush', person: string, input: object = {}) =>
    findRefusalCode(hub, person, name, 'PushActInput', { push: push.id, ...input });
  const refusalOfFinding = (person: string, input: object = {}) =>
    findRefusalCode(hub, person, 'recordFinding', 'RecordFindingInput', {
      push: push.id,
      kind: 'NOTICE',
      text: '请核对',
      ...input,
    });

  test('a rejection is pushed like a grant; people of another organ or role can neither see it nor act', async () => {
    expect((await listPushes(hub, rejectedCaseId))?.[0]).toMatchObject({
      decision: 'REJECTED',
      state: 'SENT',
      organ: { id: 'yudu-lyj' },
    });
    for (const person of ['yudu-lyj.approver', 'yudu-lyj.clerk', 'applicant-company', 'administrator']) {
      expect(await refusalOfPushAct('claimPush', person)).toBe('ROLE_NOT_ALLOWED');
      expect(await refusalOfFinding(person)).toBe('ROLE_NOT_ALLOWED');
      const { errors } = await hub.ask(person, '{ approvalPushes(first: 1) { edges { cursor } } }');
      expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    }
    for (const person of ['yudu-sfj.supervisor', 'ganzhou-xzspj.supervisor']) {
      expect(await refusalOfPushAct('signPush', person)).toBe('PUSH_UNKNOWN');
      expect(await refusalOfFinding(person)).toBe('PUSH_UNKNOWN');
      const { data } = await hub.ask(person, '{ approvalPushes(first: 5) { edges { cursor } } }');
      expect(data.approvalPushes.edges).toEqual([]);
    }
    // The applicant can see the case but not its supervision.
    expect(await listPushes(hub, rejectedCaseId, 'applicant-company')).toBeNull();
    expect(await listFindings(hub, rejectedCaseId, 'applicant-company')).toBeNull();
    const { errors } = await hub.ask(null, '{ approvalPushes(first: 1) { edges { cursor } } }');
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  });

  test('repeated claims and signatures add one receipt each; a dry run stores nothing', async () => {
    const input = { push: push.id, dryRun: true };
    const preview = await runMutation(hub, SUPERVISOR, 'signPush', 'PushActInput', input, `push { ${PUSH_FIELDS} }`);
    expect(preview.push).toMatchObject({ state: 'SIGNED', onTime: true });
    expect((await listPushes(hub, rejectedCaseId))?.[0]).toMatchObject({ state: 'SENT', reachedAt: null });
    const [claimed, again] = await Promise.all([
      refusalOfPushAct('claimPush', SUPERVISOR),
      refusalOfPushAct('claimPush', SUPERVISOR),
    ]);
    expect([claimed, again]).toEqual([null, null]);
    const claimedPush = (await listPushes(hub, rejectedCaseId, SUPERVISOR))?.[0];
    expect(claimedPush.receipts.map((item: { event: string }) => item.event)).toEqual(['OPENED', 'SENT', 'CLAIMED']);
    expect(claimedPush.actions.map((item: { name: string; allowed: boolean }) => [item.name, item.allowed])).toEqual([
      // The claimant need not claim again, although a repetition is accepted.
      ['claimPush', false],
      ['signPush', true],
      ['recordFinding', true],
    ]);
    expect(await refusalOfPushAct('signPush', SUPERVISOR)).toBeNull();
    expect(await refusalOfPushAct('signPush', SUPERVISOR)).toBeNull();
    const signedPush = (await listPushes(hub, rejectedCaseId, SUPERVISOR))?.[0];
    expect(signedPush.receipts).toHaveLength(4);
    // What is done is not offered again, although a repetition is accepted.
    expect(
      signedPush.actions.map(
        ({ name, allowed, refusal }: { name: string; allowed: boolean; refusal: { code: string } }) => [
          name,
          allowed || refusal.code,
        ],
      ),
    ).toEqual([
      ['claimPush', 'ACTION_DONE'],
      ['signPush', 'ACTION_DONE'],
      ['recordFinding', true],
    ]);
  });

  test('a colleague can sign a push that an absent person claimed; the receipt names the signer', async () => {
    const id = await decideCase(hub, route, 'REJECTED');
    const [ownPush] = (await listPushes(hub, id)) ?? [];
    const absentPerson = { ...requireDemoPerson(SUPERVISOR), id: 'away', name: '休假人员' };
    const { db, close } = connect(hub.databaseUrls.cases, 'test');
    await claimPush({ db, now: () => new Date() }, absentPerson, { push: ownPush.id, dryRun: false });
    await close();
    expect(await refusalOfPushAct('claimPush', SUPERVISOR, { push: ownPush.id })).toBe('PUSH_CLAIMED');
    expect(await refusalOfPushAct('signPush', SUPERVISOR, { push: ownPush.id })).toBeNull();
    const [signedPush] = (await listPushes(hub, id)) ?? [];
    expect(signedPush).toMatchObject({ state: 'SIGNED', claimedBy: '休假人员', reachedAt: expect.any(String) });
    expect(signedPush.receipts.at(-1)).toMatchObject({ event: 'SIGNED', actor: requireDemoPerson(SUPERVISOR).name });
  });

  test('refusals of a finding', async () => {
    expect(await refusalOfFinding(SUPERVISOR, { text: ' ' })).toBe('REASON_MISSING');
    expect(await refusalOfFinding(SUPERVISOR, { text: '字'.repeat(501) })).toBe('FIELD_TOO_LONG');
    expect(await refusalOfFinding(SUPERVISOR, { papers: ['x'] })).toBe('FIELD_MALFORMED');
    expect(await refusalOfFinding(SUPERVISOR, { kind: 'RECTIFICATION' })).toBe('FIELD_MALFORMED');
    expect(await refusalOfFinding(SUPERVISOR, { requestKey: '钥' })).toBe('FIELD_MALFORMED');
    expect(await refusalOfFinding(SUPERVISOR, { push: 'x' })).toBe('PUSH_UNKNOWN');
    expect(await refusalOfFinding(SUPERVISOR, { push: null, case: crypto.randomUUID() })).toBe('CASE_UNKNOWN');
    expect(await refusalOfFinding(SUPERVISOR, { push: null })).toBe('CASE_UNKNOWN');
    for (const kind of ['SUSPENSION', 'REVOCATION', 'LIFTED']) {
      expect(await refusalOfFinding(SUPERVISOR, { kind })).toBe('FINDING_NEEDS_LICENSE');
    }
    const application = { matter: route.matter, applicant: COMPANY, fields: [] };
    const acceptance = await runMutation(
      hub,
      route.accepts,
      'acceptCase',
      'ApplicationInput',
      application,
      'case { id: uuid }',
    );
    expect(await refusalOfFinding(SUPERVISOR, { push: null, case: acceptance.case.id })).toBe('CASE_NOT_DECIDED');
    // The approver's organ takes part in the case but does not supervise it.
    const forwardedCaseId = await decideCase(hub, ROUTES.WINDOW_FORWARD, 'GRANTED');
    expect(await refusalOfFinding('ganzhou-xzspj.supervisor', { push: null, case: forwardedCaseId })).toBe(
      'NOT_THE_SUPERVISOR',
    );
    expect(await listFindings(hub, rejectedCaseId)).toEqual([]);
  });

  test('a rectification is recorded once even if it is sent again, then acknowledged and closed', async () => {
    const findingInput = {
      push: push.id,
      kind: 'RECTIFICATION',
      text: '十日内整改',
      dueOn: '2099-01-05',
      requestKey: 'r-1',
    };
    const concurrentFindings = await Promise.all([
      recordFinding(hub, SUPERVISOR, findingInput),
      recordFinding(hub, SUPERVISOR, findingInput),
    ]);
    const again = await recordFinding(hub, SUPERVISOR, findingInput);
    expect(new Set([...concurrentFindings, again].map((item) => item.id)).size).toBe(1);
    expect(await refusalOfFinding(SUPERVISOR, { ...findingInput, text: '五日内整改' })).toBe('REQUEST_KEY_REUSED');
    const finding = again.id as string;
    const acknowledge = (person: string) =>
      findRefusalCode(hub, person, 'acknowledgeFinding', 'AcknowledgeFindingInput', { finding });
    const close = (person: string, note = '已整改', id = finding) =>
      findRefusalCode(hub, person, 'closeFinding', 'CloseFindingInput', { finding: id, note });
    expect(await acknowledge(SUPERVISOR)).toBe('ROLE_NOT_ALLOWED');
    expect(await acknowledge('yudu-sfj.approver')).toBe('FINDING_UNKNOWN');
    expect(await acknowledge('yudu-lyj.reviewer')).toBeNull();
    expect(await acknowledge('yudu-lyj.approver')).toBeNull();
    expect(await close('yudu-lyj.approver')).toBe('ROLE_NOT_ALLOWED');
    expect(await close('yudu-sfj.supervisor')).toBe('FINDING_UNKNOWN');
    expect(await close(SUPERVISOR, ' ')).toBe('REASON_MISSING');
    expect(await close(SUPERVISOR, '已整改', 'x')).toBe('FINDING_UNKNOWN');
    expect(await close(SUPERVISOR)).toBeNull();
    expect(await close(SUPERVISOR)).toBe('FINDING_ENDED');
    const [closedFinding] = (await listFindings(hub, rejectedCaseId)) ?? [];
    expect(closedFinding).toMatchObject({
      state: 'CLOSED',
      answer: '已整改',
      dueOn: '2099-01-05',
      overdue: false,
      push: { id: push.id },
    });
    expect(closedFinding.receipts.map((item: { event: string }) => item.event)).toEqual([
      'RECORDED',
      'ACKNOWLEDGED',
      'CLOSED',
    ]);
  });

  test('a dry run of a finding shows the outcome, stores nothing and orders nothing', async () => {
    const id = await grantCase(hub, route);
    await issueGrantedLicense(hub, route, id, 1);
    await waitForLicense(hub, id);
    const input = { case: id, kind: 'SUSPENSION', text: '超范围采伐', dryRun: true };
    const preview = await runMutation(
      hub,
      SUPERVISOR,
      'recordFinding',
      'RecordFindingInput',
      input,
      `finding { state licenseNumber }`,
    );
    expect(preview.finding).toMatchObject({ state: 'ORDERED' });
    expect(await listFindings(hub, id)).toEqual([]);
    // Without dry run: an order can be acknowledged too, but it cannot be closed. It has to be answered.
    const orderedFinding = await recordFinding(hub, SUPERVISOR, { ...input, dryRun: false });
    await waitForOrder(hub, orderedFinding.id);
    const acknowledgement = await runMutation(
      hub,
      'yudu-lyj.approver',
      'acknowledgeFinding',
      'AcknowledgeFindingInput',
      { finding: orderedFinding.id },
      `finding { ${FINDING_FIELDS} }`,
    );
    expect(acknowledgement.finding).toMatchObject({ state: 'ORDERED', acknowledgedBy: expect.any(String) });
    expect(
      await findRefusalCode(hub, SUPERVISOR, 'closeFinding', 'CloseFindingInput', {
        finding: orderedFinding.id,
        note: '撤',
      }),
    ).toBe('FINDING_ENDED');
    const { data } = await hub.ask(
      'yudu-lyj.approver',
      '{ supervisionFindings(filter: { state: ORDERED }, first: 5) { edges { node { id: uuid case { number } } } } }',
    );
    expect(data.supervisionFindings.edges).toEqual([
      { node: { id: orderedFinding.id, case: { number: expect.any(String) } } },
    ]);
    const { errors } = await hub.ask('applicant-company', '{ supervisionFindings(first: 5) { edges { cursor } } }');
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});
