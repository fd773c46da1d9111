import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FindingMessage, sendFinding } from '../../scripts/supervisor/app.ts';
import { buildSignedHeaders, parseSecret } from '../../scripts/supervisor/signature.ts';
import { findInconsistencies } from '../support/consistency.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { administer } from '../support/proposal.ts';
import { decideCase, listFindings, listPushes, waitForLicense, waitForOrder } from '../support/supervision.ts';
import { createTestSupervisor } from '../support/supervisor.ts';
import { waitUntil } from '../support/until.ts';

const route = ROUTES.DIRECT;
const ORGAN = 'yudu-lyj';

/**
 * Tests the supervision system of an organ, with subgraphs across HTTP.
 * The system is down, restarted or has a wrong secret.
 * Messages are repeated and sent concurrently.
 */
describe('a supervision system of the organ', () => {
  let hub: TestHub;
  let hubUrl: string;
  let system: Awaited<ReturnType<typeof createTestSupervisor>>;
  let current: { webhook: string; secret: string };
  beforeAll(async () => {
    hub = await createTestHub({ transport: 'http' });
    hubUrl = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    system = await createTestSupervisor();
  });
  afterAll(async () => {
    await hub?.stop();
    await system?.stop();
  });

  const register = async (url: string, organ = ORGAN) => {
    const input = { organ, url };
    const registration = await administer(
      hub,
      'registerWebhook',
      'RegisterWebhookInput',
      input,
      'webhook { id: uuid } secret',
    );
    if (!registration.webhook) throw new Error(JSON.stringify(registration));
    return { webhook: registration.webhook.id as string, secret: registration.secret as string };
  };
  const pushOf = async (caseId: string) => (await listPushes(hub, caseId))?.[0];
  const waitForDelivery = (caseId: string) =>
    waitUntil('the system has taken the push', async () => {
      const push = await pushOf(caseId);
      return push.reachedAt && push.delivery.delivered && push;
    });
  const send = (finding: FindingMessage, id?: string, overrides: object = {}) =>
    sendFinding({ ...current, hubUrl, now: () => new Date(), ...overrides }, finding, id);

  test('registration checks role, URL and organ; a dry run stores nothing', async () => {
    const refusalOfRegistration = (person: string, input: object) =>
      findRefusalCode(hub, person, 'registerWebhook', 'RegisterWebhookInput', {
        organ: ORGAN,
        url: system.url,
        ...input,
      });
    expect(await refusalOfRegistration('yudu-lyj.supervisor', {})).toBe('ROLE_NOT_ALLOWED');
    expect(await refusalOfRegistration('administrator', { url: 'http://jg.example.cn/' })).toBe('WEBHOOK_URL_REFUSED');
    expect(await refusalOfRegistration('administrator', { organ: 'nobody' })).toBe('ORGAN_UNKNOWN');
    const remove = (input: object) =>
      findRefusalCode(hub, 'administrator', 'removeWebhook', 'RemoveWebhookInput', input);
    expect(await remove({ organ: ORGAN })).toBe('WEBHOOK_UNKNOWN');
    const rehearsed = await administer(
      hub,
      'registerWebhook',
      'RegisterWebhookInput',
      { organ: ORGAN, url: system.url, dryRun: true },
      'webhook { url } secret',
    );
    expect(rehearsed).toMatchObject({ webhook: { url: system.url }, secret: null, refusal: null });
    const list = await hub.ask('administrator', '{ webhooks(first: 5) { edges { node { id: uuid } } } }');
    expect(list.data.webhooks.edges).toEqual([]);
    const { errors } = await hub.ask('yudu-lyj.supervisor', '{ webhooks(first: 5) { edges { node { id: uuid } } } }');
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });

  test('delivers a push from before the registration, and retries while the system is down', async () => {
    const earlierCaseId = await decideCase(hub, route, 'GRANTED');
    expect(await pushOf(earlierCaseId)).toMatchObject({ state: 'SENT', reachedAt: null, delivery: null });
    current = await register(system.url);
    const laterCaseId = await decideCase(hub, route, 'REJECTED');
    const pendingPush = await waitUntil('an attempt has failed', async () => {
      const push = await pushOf(laterCaseId);
      return push.delivery.attempts > 0 && push;
    });
    expect(pendingPush).toMatchObject({
      reachedAt: null,
      onTime: null,
      delivery: { refused: false, delivered: false },
    });
    await system.open(current.webhook, current.secret);
    const deliveredPush = await waitForDelivery(laterCaseId);
    expect(deliveredPush).toMatchObject({ state: 'SENT', onTime: true, decision: 'REJECTED' });
    expect(deliveredPush.receipts.at(-1)).toMatchObject({
      event: 'TAKEN_BY_SYSTEM',
      note: expect.stringMatching(/^JG-/),
    });
    const first = await waitForDelivery(earlierCaseId);
    expect([...system.taken()].sort()).toEqual([first.id, deliveredPush.id].sort());
  });

  test('a restarted system takes each push once; people can still claim and sign', async () => {
    await system.close();
    const id = await decideCase(hub, route, 'GRANTED');
    await waitUntil('an attempt has failed', async () => (await pushOf(id)).delivery.attempts > 0);
    await system.open(current.webhook, current.secret);
    const push = await waitForDelivery(id);
    const buildHeaders = await runMutation(
      hub,
      'yudu-lyj.supervisor',
      'signPush',
      'PushActInput',
      { push: push.id },
      'push { state reachedAt }',
    );
    expect(buildHeaders.push).toEqual({ state: 'SIGNED', reachedAt: push.reachedAt });
    expect(system.taken().filter((one) => one === push.id)).toHaveLength(1);
  });

  test('a system with a wrong secret takes nothing until the organ is registered again with a new secret', async () => {
    await system.close();
    await system.open(current.webhook, `whsec_${randomBytes(32).toString('base64')}`);
    const id = await decideCase(hub, route, 'GRANTED');
    const push = await waitUntil('an attempt has failed', async () => {
      const pushState = await pushOf(id);
      return pushState.delivery.attempts > 0 && pushState;
    });
    expect(push).toMatchObject({
      reachedAt: null,
      delivery: { lastError: expect.stringContaining('401'), refused: false },
    });
    await system.close();
    const oldRegistration = current;
    current = await register(system.url);
    expect(current.secret).not.toBe(oldRegistration.secret);
    await system.open(current.webhook, current.secret);
    await waitForDelivery(id);
    const finding: FindingMessage = { push: push.id, kind: 'NOTICE', text: '请核对', by: '监管员' };
    expect((await send(finding, undefined, oldRegistration)).status).toBe(401);
  });

  /** Starts a system that gives every request the same answer. */
  async function oddSystem(answer: { status: number; headers?: Record<string, string>; body: string }) {
    const calls: string[] = [];
    const server: Server = createServer((request, response) => {
      calls.push(request.url ?? '');
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    return {
      url: `http://127.0.0.1:${port}/pushes`,
      calls,
      close: () => new Promise((resolve) => server.close(resolve)),
    };
  }

  test.each([
    ['redirects', { status: 302, headers: { location: '/elsewhere' }, body: '' }, '302', false],
    ['returns no receipt', { status: 200, body: '{}' }, '回执', false],
    ['answers with more than the limit', { status: 200, body: 'x'.repeat(20_000) }, '16384', false],
    ['refuses permanently', { status: 422, body: '{}' }, '422', true],
  ] as const)('does not count a push as delivered to a system that %s', async (_, answer, fault, refused) => {
    const oddServer = await oddSystem(answer);
    await register(oddServer.url);
    const id = await decideCase(hub, route, 'GRANTED');
    const push = await waitUntil('the fault is seen', async () => {
      const pushState = await pushOf(id);
      return pushState.delivery.attempts > 0 && pushState;
    });
    expect(push).toMatchObject({ reachedAt: null, delivery: { refused, lastError: expect.stringContaining(fault) } });
    expect(new Set(oddServer.calls)).toEqual(new Set(['/pushes']));
    await oddServer.close();
    current = await register(system.url);
    await system.close();
    await system.open(current.webhook, current.secret);
    await waitForDelivery(id);
  });

  test('a push that was pending when the webhook was removed is delivered after a new registration', async () => {
    await system.close();
    const id = await decideCase(hub, route, 'GRANTED');
    await administer(hub, 'removeWebhook', 'RemoveWebhookInput', { organ: ORGAN }, 'webhook { endedAt }');
    const pendingPush = await waitUntil('the relay has seen the removal', async () => {
      const pushState = await pushOf(id);
      return pushState.delivery.refused && pushState;
    });
    expect(pendingPush).toMatchObject({ reachedAt: null, delivery: { delivered: false } });
    current = await register(system.url);
    await system.open(current.webhook, current.secret);
    await waitForDelivery(id);
  });

  test('records a repeated or concurrent finding once, refuses a conflict; an order suspends a license', async () => {
    const id = await grantCase(hub, route);
    const license = await issueGrantedLicense(hub, route, id, 1);
    await waitForLicense(hub, id);
    const push = await pushOf(id);
    const finding: FindingMessage = { push: push.id, kind: 'SUSPENSION', text: '超范围采伐', by: '监管员 李' };
    const [one, two] = await Promise.all([send(finding, 'm-1'), send(finding, 'm-1')]);
    expect(one).toEqual({
      status: 200,
      answer: { finding: expect.any(String), state: 'ORDERED', receipt: expect.any(String) },
    });
    expect(two).toEqual(one);
    expect(await send(finding, 'm-1')).toEqual(one);
    expect(await send({ ...finding, text: '另有情形' }, 'm-1')).toMatchObject({
      status: 409,
      answer: { code: 'MESSAGE_CONFLICT' },
    });
    expect(await listFindings(hub, id)).toHaveLength(1);
    // A message id may have the maximum length of the protocol.
    const longFinding = { ...finding, kind: 'NOTICE' as const };
    expect((await send(longFinding, 'm'.repeat(100))).status).toBe(200);

    const order = await waitForOrder(hub, String(one.answer.finding));
    const input = { identifier: license.identifier, order: order.id };
    const suspension = await actForOrgan(hub, 'yudu-lyj', 'suspend', input, 'license { state paper { validity } }');
    expect(suspension.license).toEqual({ state: 'SUSPENDED', paper: { validity: 'SUSPENDED' } });
    await waitUntil('the finding is answered', async () => (await listFindings(hub, id))?.[0].state === 'CARRIED_OUT');
    expect(await findInconsistencies(hub.adminUrl)).toEqual([]);

    // A refusal is stored too: the same message gets the same refusal, even if the state has changed.
    const refusedAnswer = await send({ case: id, kind: 'SUSPENSION', text: '再次暂扣', by: '监管员' }, 'm-2');
    expect(refusedAnswer).toMatchObject({ status: 422, answer: { code: 'LICENSE_ACT_NOT_ALLOWED', field: 'kind' } });
    expect(await send({ case: id, kind: 'SUSPENSION', text: '再次暂扣', by: '监管员' }, 'm-2')).toEqual(refusedAnswer);
  });

  test('refuses a message without a valid signature and stores nothing', async () => {
    const id = await decideCase(hub, route, 'GRANTED');
    const push = await pushOf(id);
    const finding: FindingMessage = { push: push.id, kind: 'NOTICE', text: '请核对', by: '监管员' };
    const post = async (headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>) => {
      const response = await fetch(`${hubUrl}/cases/supervision/findings`, { method: 'POST', headers, body });
      return [response.status, ((await response.json()) as { code?: string }).code];
    };
    const body = JSON.stringify({ type: 'finding', data: finding });
    const buildHeaders = (text = body, at = new Date()) =>
      buildSignedHeaders(current.webhook, parseSecret(current.secret), text, at);
    const { 'webhook-signature': _, ...headersWithoutSignature } = buildHeaders();
    expect(await post(headersWithoutSignature, body)).toEqual([401, 'SIGNATURE_MISSING']);
    expect(await post({ ...buildHeaders(), 'webhook-timestamp': 'now' }, body)).toEqual([401, 'SIGNATURE_MALFORMED']);
    expect(await post(buildHeaders(), `${body} `)).toEqual([401, 'SIGNATURE_INVALID']);
    expect(await post({ ...buildHeaders(), 'tongquan-webhook': crypto.randomUUID() }, body)).toEqual([
      401,
      'SIGNATURE_INVALID',
    ]);
    expect(await post(buildHeaders(body, new Date(Date.now() - 301_000)), body)).toEqual([401, 'TIMESTAMP_NOT_FRESH']);
    expect(await post(buildHeaders('{'), '{')).toEqual([422, 'MESSAGE_MALFORMED']);
    const largeBody = JSON.stringify({ type: 'finding', data: { ...finding, text: 'x'.repeat(70_000) } });
    expect((await post(buildHeaders(largeBody), largeBody))[0]).toBe(413);
    const controlCharacterBody = JSON.stringify({ type: 'finding', data: { ...finding, by: '监管员\u0000' } });
    expect(await post(buildHeaders(controlCharacterBody), controlCharacterBody)).toEqual([422, 'FIELD_MALFORMED']);
    // JSON may escape a lone surrogate, which no digest and no database takes.
    for (const [field, value] of Object.entries({ push: '#', case: '#', text: '#', by: '#', papers: ['#'] })) {
      for (const character of ['\\ud800', '\\u0000']) {
        const oddBody = JSON.stringify({ type: 'finding', data: { ...finding, [field]: value } }).replace(
          '#',
          character,
        );
        const response = await fetch(`${hubUrl}/cases/supervision/findings`, {
          ...{ method: 'POST', headers: buildHeaders(oddBody), body: oddBody },
        });
        expect([field, response.status, await response.json()]).toMatchObject([
          ...[field, 422],
          { code: 'FIELD_MALFORMED', field },
        ]);
      }
    }
    expect(await post(buildHeaders('\ufffd'), new Uint8Array([0xff]))).toEqual([400, 'MESSAGE_MALFORMED']);
    // A captured push cannot be replayed as a finding.
    const capturedPush = JSON.stringify({ type: 'ApprovalPushed', data: {} });
    expect(await post(buildHeaders(capturedPush), capturedPush)).toEqual([422, 'MESSAGE_MALFORMED']);
    expect(await listFindings(hub, id)).toEqual([]);
  });

  test('an organ can record findings on its own cases only', async () => {
    const id = await decideCase(hub, ROUTES.SUBSTANTIVE_REVIEW, 'GRANTED');
    const [county] = (await listPushes(hub, id)) ?? [];
    const finding: FindingMessage = { push: county.id, kind: 'NOTICE', text: '请核对', by: '监管员' };
    expect(await send(finding)).toMatchObject({ status: 422, answer: { code: 'PUSH_UNKNOWN' } });
    const { push: _, ...caseFinding } = finding;
    expect(await send({ ...caseFinding, case: id })).toMatchObject({ status: 422, answer: { code: 'CASE_UNKNOWN' } });
    expect(await listFindings(hub, id)).toEqual([]);
  });

  test('after the webhook is removed, the inbox still works and messages of the system are refused', async () => {
    const removal = await administer(
      hub,
      'removeWebhook',
      'RemoveWebhookInput',
      { organ: ORGAN },
      'webhook { endedAt }',
    );
    expect(removal.webhook.endedAt).not.toBeNull();
    const id = await decideCase(hub, route, 'GRANTED');
    expect(await pushOf(id)).toMatchObject({ state: 'SENT', delivery: null });
    expect((await send({ case: id, kind: 'NOTICE', text: '请核对', by: '监管员' })).status).toBe(401);
  });
});
