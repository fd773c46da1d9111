import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FindingMessage, sendFinding } from '../../scripts/supervisor/app.ts';
import { readSecret, signedHeaders } from '../../scripts/supervisor/signature.ts';
import { act, grantCase, issue, ROUTES, refusalOf } from '../support/flow.ts';
import { faultsOfHouse } from '../support/house.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import { decide, findingsOf, known, ordered, pushesOf } from '../support/supervision.ts';
import { testSupervisor } from '../support/supervisor.ts';
import { until } from '../support/until.ts';

const route = ROUTES.DIRECT;
const ORGAN = 'yudu-lyj';

/**
 * Tests the supervision system of an organ, with subgraphs across HTTP. The system is down, restarted or has a wrong secret.
 * Messages are repeated and sent concurrently.
 */
describe('a supervision system of the organ', () => {
  let hub: TestHub;
  let hubUrl: string;
  let system: Awaited<ReturnType<typeof testSupervisor>>;
  let current: { webhook: string; secret: string };
  beforeAll(async () => {
    hub = await testHub({ transport: 'http' });
    hubUrl = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    system = await testSupervisor();
  });
  afterAll(async () => {
    await hub?.stop();
    await system?.stop();
  });

  const register = async (url: string, organ = ORGAN) => {
    const input = { organ, url };
    const made = await act(
      hub,
      'administrator',
      'registerWebhook',
      'RegisterWebhookInput',
      input,
      'webhook { id } secret',
    );
    if (!made.webhook) throw new Error(JSON.stringify(made));
    return { webhook: made.webhook.id as string, secret: made.secret as string };
  };
  const pushOf = async (caseId: string) => (await pushesOf(hub, caseId))?.[0];
  const reached = (caseId: string) =>
    until('the system has taken the push', async () => {
      const push = await pushOf(caseId);
      return push.reachedAt && push.delivery.delivered && push;
    });
  const send = (finding: FindingMessage, id?: string, changed: object = {}) =>
    sendFinding({ ...current, hubUrl, now: () => new Date(), ...changed }, finding, id);

  test('registration checks role, URL and organ; a dry run stores nothing', async () => {
    const ask = (person: string, input: object) =>
      refusalOf(hub, person, 'registerWebhook', 'RegisterWebhookInput', { organ: ORGAN, url: system.url, ...input });
    expect(await ask('yudu-lyj.supervisor', {})).toBe('ROLE_NOT_ALLOWED');
    expect(await ask('administrator', { url: 'http://jg.example.cn/' })).toBe('WEBHOOK_URL_REFUSED');
    expect(await ask('administrator', { organ: 'nobody' })).toBe('ORGAN_UNKNOWN');
    const remove = (input: object) => refusalOf(hub, 'administrator', 'removeWebhook', 'RemoveWebhookInput', input);
    expect(await remove({ organ: ORGAN })).toBe('WEBHOOK_UNKNOWN');
    const rehearsed = await act(
      hub,
      'administrator',
      'registerWebhook',
      'RegisterWebhookInput',
      { organ: ORGAN, url: system.url, dryRun: true },
      'webhook { url } secret',
    );
    expect(rehearsed).toMatchObject({ webhook: { url: system.url }, secret: null, refusal: null });
    const list = await hub.ask('administrator', '{ webhooks(first: 5) { edges { node { id } } } }');
    expect(list.data.webhooks.edges).toEqual([]);
    const { errors } = await hub.ask('yudu-lyj.supervisor', '{ webhooks(first: 5) { edges { node { id } } } }');
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });

  test('delivers a push from before the registration, and retries while the system is down', async () => {
    const before = await decide(hub, route, 'GRANTED');
    expect(await pushOf(before)).toMatchObject({ state: 'SENT', reachedAt: null, delivery: null });
    current = await register(system.url);
    const during = await decide(hub, route, 'REJECTED');
    const waiting = await until('an attempt has failed', async () => {
      const push = await pushOf(during);
      return push.delivery.attempts > 0 && push;
    });
    expect(waiting).toMatchObject({ reachedAt: null, onTime: null, delivery: { refused: false, delivered: false } });
    await system.open(current.webhook, current.secret);
    const taken = await reached(during);
    expect(taken).toMatchObject({ state: 'SENT', onTime: true, decision: 'REJECTED' });
    expect(taken.receipts.at(-1)).toMatchObject({ event: 'TAKEN_BY_SYSTEM', note: expect.stringMatching(/^JG-/) });
    const first = await reached(before);
    expect([...system.taken()].sort()).toEqual([first.id, taken.id].sort());
  });

  test('a restarted system takes each push once; people can still claim and sign', async () => {
    await system.close();
    const id = await decide(hub, route, 'GRANTED');
    await until('an attempt has failed', async () => (await pushOf(id)).delivery.attempts > 0);
    await system.open(current.webhook, current.secret);
    const push = await reached(id);
    const signed = await act(
      hub,
      'yudu-lyj.supervisor',
      'signPush',
      'PushActInput',
      { push: push.id },
      'push { state reachedAt }',
    );
    expect(signed.push).toEqual({ state: 'SIGNED', reachedAt: push.reachedAt });
    expect(system.taken().filter((one) => one === push.id)).toHaveLength(1);
  });

  test('a system with a wrong secret takes nothing until the organ is registered again with a new secret', async () => {
    await system.close();
    await system.open(current.webhook, `whsec_${randomBytes(32).toString('base64')}`);
    const id = await decide(hub, route, 'GRANTED');
    const push = await until('an attempt has failed', async () => {
      const found = await pushOf(id);
      return found.delivery.attempts > 0 && found;
    });
    expect(push).toMatchObject({
      reachedAt: null,
      delivery: { lastError: expect.stringContaining('401'), refused: false },
    });
    await system.close();
    const old = current;
    current = await register(system.url);
    expect(current.secret).not.toBe(old.secret);
    await system.open(current.webhook, current.secret);
    await reached(id);
    const finding: FindingMessage = { push: push.id, kind: 'NOTICE', text: '请核对', by: '监管员' };
    expect((await send(finding, undefined, old)).status).toBe(401);
  });

  /** Starts a system that gives every request the same answer. */
  async function oddSystem(answer: { status: number; headers?: Record<string, string>; body: string }) {
    const calls: string[] = [];
    const server: Server = createServer((request, response) => {
      calls.push(request.url ?? '');
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    return { url: `http://127.0.0.1:${port}/pushes`, calls, close: () => new Promise((done) => server.close(done)) };
  }

  test.each([
    ['redirects', { status: 302, headers: { location: '/elsewhere' }, body: '' }, '302', false],
    ['returns no receipt', { status: 200, body: '{}' }, '回执', false],
    ['answers with more than the limit', { status: 200, body: 'x'.repeat(20_000) }, '16384', false],
    ['refuses permanently', { status: 422, body: '{}' }, '422', true],
  ] as const)('does not count a push as delivered to a system that %s', async (_, answer, fault, refused) => {
    const odd = await oddSystem(answer);
    await register(odd.url);
    const id = await decide(hub, route, 'GRANTED');
    const push = await until('the fault is seen', async () => {
      const found = await pushOf(id);
      return found.delivery.attempts > 0 && found;
    });
    expect(push).toMatchObject({ reachedAt: null, delivery: { refused, lastError: expect.stringContaining(fault) } });
    expect(new Set(odd.calls)).toEqual(new Set(['/pushes']));
    await odd.close();
    current = await register(system.url);
    await system.close();
    await system.open(current.webhook, current.secret);
    await reached(id);
  });

  test('a push that was pending when the webhook was removed is delivered after a new registration', async () => {
    await system.close();
    const id = await decide(hub, route, 'GRANTED');
    await act(hub, 'administrator', 'removeWebhook', 'RemoveWebhookInput', { organ: ORGAN }, 'webhook { endedAt }');
    const left = await until('the relay has seen the removal', async () => {
      const found = await pushOf(id);
      return found.delivery.refused && found;
    });
    expect(left).toMatchObject({ reachedAt: null, delivery: { delivered: false } });
    current = await register(system.url);
    await system.open(current.webhook, current.secret);
    await reached(id);
  });

  test('records a repeated or concurrent finding once and refuses a conflict; an order suspends the license', async () => {
    const id = await grantCase(hub, route);
    const license = await issue(hub, route, id, 1);
    await known(hub, id);
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
    expect(await findingsOf(hub, id)).toHaveLength(1);
    // A message id may have the maximum length of the protocol.
    const longest = { ...finding, kind: 'NOTICE' as const };
    expect((await send(longest, 'm'.repeat(100))).status).toBe(200);

    const order = await ordered(hub, String(one.answer.finding));
    const input = { identifier: license.identifier, order: order.id };
    const done = await act(
      hub,
      'yudu-lyj.approver',
      'suspendLicense',
      'OwnActInput',
      input,
      'license { state paper { validity } }',
    );
    expect(done.license).toEqual({ state: 'SUSPENDED', paper: { validity: 'SUSPENDED' } });
    await until('the finding is answered', async () => (await findingsOf(hub, id))?.[0].state === 'CARRIED_OUT');
    expect(await faultsOfHouse(hub.adminUrl)).toEqual([]);

    // A refusal is stored too: the same message gets the same refusal, even if the state has changed.
    const early = await send({ case: id, kind: 'SUSPENSION', text: '再次暂扣', by: '监管员' }, 'm-2');
    expect(early).toMatchObject({ status: 422, answer: { code: 'LICENSE_ACT_NOT_ALLOWED', field: 'kind' } });
    expect(await send({ case: id, kind: 'SUSPENSION', text: '再次暂扣', by: '监管员' }, 'm-2')).toEqual(early);
  });

  test('refuses a message without a valid signature and stores nothing', async () => {
    const id = await decide(hub, route, 'GRANTED');
    const push = await pushOf(id);
    const finding: FindingMessage = { push: push.id, kind: 'NOTICE', text: '请核对', by: '监管员' };
    const post = async (headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>) => {
      const response = await fetch(`${hubUrl}/cases/supervision/findings`, { method: 'POST', headers, body });
      return [response.status, ((await response.json()) as { code?: string }).code];
    };
    const body = JSON.stringify({ type: 'finding', data: finding });
    const signed = (text = body, at = new Date()) =>
      signedHeaders(current.webhook, readSecret(current.secret), text, at);
    const { 'webhook-signature': _, ...unsigned } = signed();
    expect(await post(unsigned, body)).toEqual([401, 'SIGNATURE_MISSING']);
    expect(await post({ ...signed(), 'webhook-timestamp': 'now' }, body)).toEqual([401, 'SIGNATURE_MALFORMED']);
    expect(await post(signed(), `${body} `)).toEqual([401, 'SIGNATURE_INVALID']);
    expect(await post({ ...signed(), 'tongquan-webhook': crypto.randomUUID() }, body)).toEqual([
      401,
      'SIGNATURE_INVALID',
    ]);
    expect(await post(signed(body, new Date(Date.now() - 301_000)), body)).toEqual([401, 'TIMESTAMP_NOT_FRESH']);
    expect(await post(signed('{'), '{')).toEqual([422, 'MESSAGE_MALFORMED']);
    const large = JSON.stringify({ type: 'finding', data: { ...finding, text: 'x'.repeat(70_000) } });
    expect((await post(signed(large), large))[0]).toBe(413);
    const control = JSON.stringify({ type: 'finding', data: { ...finding, by: '监管员\u0000' } });
    expect(await post(signed(control), control)).toEqual([422, 'FIELD_MALFORMED']);
    expect(await post(signed('\ufffd'), new Uint8Array([0xff]))).toEqual([400, 'MESSAGE_MALFORMED']);
    // A captured push cannot be replayed as a finding.
    const captured = JSON.stringify({ type: 'ApprovalPushed', data: {} });
    expect(await post(signed(captured), captured)).toEqual([422, 'MESSAGE_MALFORMED']);
    expect(await findingsOf(hub, id)).toEqual([]);
  });

  test('an organ can record findings on its own cases only', async () => {
    const id = await decide(hub, ROUTES.SUBSTANTIVE_REVIEW, 'GRANTED');
    const [county] = (await pushesOf(hub, id)) ?? [];
    const finding: FindingMessage = { push: county.id, kind: 'NOTICE', text: '请核对', by: '监管员' };
    expect(await send(finding)).toMatchObject({ status: 422, answer: { code: 'PUSH_UNKNOWN' } });
    const { push: _, ...onCase } = finding;
    expect(await send({ ...onCase, case: id })).toMatchObject({ status: 422, answer: { code: 'CASE_UNKNOWN' } });
    expect(await findingsOf(hub, id)).toEqual([]);
  });

  test('after the webhook is removed, the inbox still works and messages of the system are refused', async () => {
    const removed = await act(
      hub,
      'administrator',
      'removeWebhook',
      'RemoveWebhookInput',
      { organ: ORGAN },
      'webhook { endedAt }',
    );
    expect(removed.webhook.endedAt).not.toBeNull();
    const id = await decide(hub, route, 'GRANTED');
    expect(await pushOf(id)).toMatchObject({ state: 'SENT', delivery: null });
    expect((await send({ case: id, kind: 'NOTICE', text: '请核对', by: '监管员' })).status).toBe(401);
  });
});
