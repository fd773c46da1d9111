import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/hub/port.ts';
import { findRefusalCode, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createForwardedCase, createPlatformKeys, PLATFORM_ORGAN, registerPlatform } from '../support/platform.ts';
import { administer } from '../support/proposal.ts';
import { createTestPlatform } from '../support/reference-platform.ts';
import { waitUntil } from '../support/until.ts';

const DECIDER = { id: 'li.na', name: '李娜' };

describe.each(['local', 'http'] as const)('a case on the city’s platform, subgraphs reached %s', (transport) => {
  let hub: TestHub;
  let peer: Awaited<ReturnType<typeof createTestPlatform>>;
  let platform: Awaited<ReturnType<typeof registerPlatform>>;
  beforeAll(async () => {
    const port = await findFreePort();
    hub = await createTestHub({ transport, publicUrl: `http://127.0.0.1:${port}` });
    await hub.hub.app.listen({ host: '127.0.0.1', port });
    const keys = await createPlatformKeys();
    peer = await createTestPlatform(keys, `http://127.0.0.1:${port}/cases/platform/v1/messages`);
    platform = await registerPlatform(hub, keys, { url: peer.url });
  });
  afterAll(async () => {
    await hub?.stop();
    await peer?.stop();
  });

  const caseOf = async (id: string) => {
    const query = `query($id: ID!) { case(id: $id) { step result steps { step actor }
      platform { name deliveredAt receivedAt attempts lastError } } }`;
    return (await hub.ask('window-yudu', query, { id })).data.case;
  };
  const waitForAnswer = (id: string) =>
    waitUntil('the hub has answered', async () => {
      const message = (await peer.see('/messages')).find((entry) => entry.id === id);
      return message?.answer && { status: message.answer.status, ...JSON.parse(message.answer.body) };
    });

  test('waits for an unavailable platform, is decided there and certified, and the platform is informed', async () => {
    const testCase = await createForwardedCase(hub);
    const pendingState = await waitUntil('an attempt has failed', async () => {
      const { platform: state } = await caseOf(testCase.id);
      return state.attempts > 0 && state;
    });
    expect(pendingState).toMatchObject({
      deliveredAt: null,
      receivedAt: null,
      lastError: expect.stringContaining('无法连接'),
    });
    await peer.open(platform);
    await waitUntil('it is received', async () => (await caseOf(testCase.id)).platform.receivedAt !== null);
    const { platform: state, step } = await caseOf(testCase.id);
    expect([step, state.attempts, state.lastError]).toEqual(['FORWARDED', 0, null]);
    expect(state.deliveredAt).not.toBeNull();
    const [news] = await peer.see('/cases');
    expect(news).toMatchObject({
      caseNumber: testCase.number,
      revision: 1,
      organ: PLATFORM_ORGAN,
      mode: 'WINDOW_FORWARD',
      applicant: { code: '91000000MA0000001R' },
      steps: [
        { step: 'RECEIVED' },
        { step: 'ACCEPTED' },
        { step: 'EXAMINED', note: '材料齐全' },
        { step: 'FORWARDED' },
      ],
    });
    expect(news).not.toHaveProperty('caseId');

    const id = await peer.order('/decide', { caseNumber: testCase.number, by: DECIDER, decision: 'GRANTED' });
    expect(await waitForAnswer(id)).toMatchObject({ status: 200, outcome: 'DONE', step: 'DECIDED' });
    await waitUntil('a certificate can be issued', async () => {
      const { data } = await hub.ask(
        'auditor',
        '{ certificateTasks(first: 100) { edges { node { case { id: uuid } } } } }',
      );
      return data.certificateTasks.edges.length === 1;
    });
    await issueGrantedLicense(hub, ROUTES.WINDOW_FORWARD, testCase.id, 1);
    await waitUntil('the platform knows', async () => (await peer.see('/cases'))[0].result === 'ISSUED');
    expect((await caseOf(testCase.id)).steps.map((entry: { step: string }) => entry.step).slice(-2)).toEqual([
      'DECIDED',
      'CERTIFIED',
    ]);
  });

  test('a case that was sent back comes again as the same case', async () => {
    const testCase = await createForwardedCase(hub);
    await waitUntil('it is received', async () => (await caseOf(testCase.id)).platform.receivedAt !== null);
    const pause = { kind: 'EXPERT_REVIEW', reason: '专家评审', papers: ['赣审评〔2022〕8号'] };
    for (const [path, order, step] of [
      ['/pause', pause, 'FORWARDED'],
      ['/resume', { note: '评审通过' }, 'FORWARDED'],
      ['/send-back', { reason: '请补充审查场地条件' }, 'ACCEPTED'],
    ] as const) {
      const id = await peer.order(path, { caseNumber: testCase.number, by: DECIDER, ...order });
      expect(await waitForAnswer(id)).toMatchObject({ status: 200, step });
    }
    const { examines, forwards } = ROUTES.WINDOW_FORWARD;
    expect(
      await findRefusalCode(hub, examines, 'examineCase', 'ExamineCaseInput', {
        case: testCase.id,
        finding: 'APPROVED',
      }),
    ).toBeNull();
    expect(await findRefusalCode(hub, forwards, 'forwardCase', 'CaseNoteInput', { case: testCase.id })).toBeNull();
    await waitUntil('it is received again', async () => (await caseOf(testCase.id)).platform.receivedAt !== null);
    const knownCases = (await peer.see('/cases')).filter((entry) => entry.caseNumber === testCase.number);
    expect(knownCases).toMatchObject([{ revision: 6, step: 'FORWARDED' }]);
    expect(knownCases[0].steps.find((entry: { step: string }) => entry.step === 'PAUSED').data).toEqual({
      pause: { kind: pause.kind, papers: pause.papers },
    });
    expect(
      await findRefusalCode(hub, forwards, 'withdrawCase', 'CaseReasonInput', {
        case: testCase.id,
        reason: '申请人撤回',
      }),
    ).toBeNull();
    await waitUntil('the platform knows of the withdrawal', async () =>
      (await peer.see('/cases')).some((entry) => entry.caseNumber === testCase.number && entry.result === 'WITHDRAWN'),
    );
  });

  test('a restarted platform continues where it stopped; an earlier decision at the hub wins', async () => {
    const testCase = await createForwardedCase(hub);
    await waitUntil('it is received', async () => (await caseOf(testCase.id)).platform.receivedAt !== null);
    await peer.close();
    const decision = { case: testCase.id, decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
    expect(
      await findRefusalCode(hub, `${PLATFORM_ORGAN}.approver`, 'decideCase', 'DecideCaseInput', decision),
    ).toBeNull();
    await peer.open(platform);
    await waitUntil('the platform knows', async () =>
      (await peer.see('/cases')).some((entry) => entry.caseNumber === testCase.number && entry.result === 'REJECTED'),
    );
    const lateOrder = await peer.order('/decide', { caseNumber: testCase.number, by: DECIDER, decision: 'GRANTED' });
    expect(await waitForAnswer(lateOrder)).toMatchObject({
      status: 422,
      outcome: 'REFUSED',
      code: 'CASE_STEP_NOT_ALLOWED',
    });
    expect((await caseOf(testCase.id)).result).toBe('REJECTED');
  });

  test('a rejection at the platform ends the case with its reason', async () => {
    const testCase = await createForwardedCase(hub);
    const reason = '经营场所不符合条件';
    const id = await peer.order('/decide', { caseNumber: testCase.number, by: DECIDER, decision: 'REJECTED', reason });
    expect(await waitForAnswer(id)).toMatchObject({ status: 200, step: 'DECIDED', result: 'REJECTED' });
  });

  test('delivery waits until the platform uses a renewed secret', async () => {
    const change = { platform: platform.id, renewSecret: true };
    const fields = 'platform { id: uuid secretVersion } secret';
    const renewal = await administer(hub, 'changePlatform', 'ChangePlatformInput', change, fields);
    const testCase = await createForwardedCase(hub);
    await waitUntil('the platform refuses', async () =>
      (await caseOf(testCase.id)).platform.lastError?.includes('HTTP 401'),
    );
    await peer.close();
    await peer.open({ ...renewal.platform, secret: renewal.secret });
    await waitUntil('it is received', async () => (await caseOf(testCase.id)).platform.receivedAt !== null);
  });
});
