import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { findRefusalCode, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  buildMessage,
  createForwardedCase,
  createPlatformKeys,
  GRANT_BODY,
  PLATFORM_ORGAN,
  type PlatformKeys,
  postMessage,
  registerPlatform,
  signMessage,
} from '../support/platform.ts';
import { administer } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

const clock = testClock('2022-09-29');
let hub: TestHub;
let keys: PlatformKeys;
let platform: Awaited<ReturnType<typeof registerPlatform>>;

beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  keys = await createPlatformKeys();
  platform = await registerPlatform(hub, keys);
});
afterAll(() => hub?.stop());

const send = async (message: object, header: object = {}, signer = keys) => {
  const body = JSON.stringify(message);
  return postMessage(hub, body, await signMessage(signer, body, clock(), header));
};
const stepsOf = async (id: string) => {
  const query = 'query($id: ID!) { case(id: $id) { step result steps { step actor finding organ { id: code } } } }';
  return (await hub.ask('auditor', query, { id })).data.case;
};
const messagesOf = async (id: string) => {
  const query = `query($id: ID!) { platformMessages(case: $id, first: 100) {
    edges { node { id: messageId type key digest body signature verdict answer } } } }`;
  const { data } = await hub.ask('auditor', query, { id });
  return data.platformMessages.edges.map(({ node }: { node: object }) => node);
};

describe('a message can do what the people of the organ can do', () => {
  test('签收 is shown and changes no step; 决定 with a seal authorisation leads to a license', async () => {
    const testCase = await createForwardedCase(hub);
    const platformOf = async (person: string) =>
      (
        await hub.ask(person, 'query($id: ID!) { case(id: $id) { platform { name arrivedAt receivedAt } } }', {
          id: testCase.id,
        })
      ).data.case.platform;
    expect(await platformOf('window-yudu')).toEqual({
      name: '赣州市审批平台',
      arrivedAt: clock().toISOString(),
      receivedAt: null,
    });
    const received = await send(buildMessage('RECEIVED', testCase.number, clock()));
    expect(received).toMatchObject({ status: 200, body: { outcome: 'DONE', step: 'FORWARDED', result: null } });
    expect((await platformOf('window-yudu')).receivedAt).toBe(clock().toISOString());
    expect(await platformOf('applicant-company')).toBeNull();

    const decided = await send(buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY));
    expect(decided).toMatchObject({
      status: 200,
      body: { outcome: 'DONE', caseNumber: testCase.number, step: 'DECIDED' },
    });
    expect((await stepsOf(testCase.id)).steps.at(-1)).toEqual({
      step: 'DECIDED',
      actor: '张伟',
      finding: 'GRANTED',
      organ: { id: PLATFORM_ORGAN },
    });
    await waitUntil('the certificate task is open', async () => {
      const { data } = await hub.ask(
        'auditor',
        '{ certificateTasks(first: 100) { edges { node { case { id: uuid } } } } }',
      );
      return data.certificateTasks.edges.some(
        (edge: { node: { case: { id: string } } }) => edge.node.case.id === testCase.id,
      );
    });
    expect(await issueGrantedLicense(hub, ROUTES.WINDOW_FORWARD, testCase.id, 1)).toMatchObject({ state: 'VALID' });
    const sql = postgres(hub.adminUrl, { max: 1 });
    const uses =
      await sql`select authorised_by_id as actor from seals.seal_use where act not in ('DECISION', 'NOTICE')`;
    await sql.end();
    expect(uses).toMatchObject([{ actor: `platform:${platform.id}/zhang.wei` }]);
  });

  test.each([
    ['a missing reason', { decision: 'REJECTED', authoriseSeal: true }, 'REASON_MISSING', 'reason'],
    [
      'a missing seal authorisation',
      { ...GRANT_BODY, authoriseSeal: false },
      'SEAL_AUTHORISATION_MISSING',
      'authoriseSeal',
    ],
    ['a validity that begins before today', { ...GRANT_BODY, validFrom: '2022-09-28' }, 'FIELD_MALFORMED', 'validFrom'],
    ['a name with surrounding blanks', { ...GRANT_BODY, by: { id: 'x', name: ' 张伟' } }, 'FIELD_MALFORMED', 'by.name'],
    ['a time in the future', { ...GRANT_BODY, at: '2022-09-30T12:00:00+08:00' }, 'FIELD_MALFORMED', 'at'],
    [
      'an organ that the platform does not act for',
      { ...GRANT_BODY, organ: 'ganzhou-scjgj' },
      'ORGAN_WITHOUT_POWER',
      'organ',
    ],
    ['an unknown case', { ...GRANT_BODY, caseNumber: '3607312022092999999' }, 'CASE_UNKNOWN', 'caseNumber'],
  ])('is refused for %s; the same message gets the same answer', async (_, overrides, code, field) => {
    const testCase = await createForwardedCase(hub);
    const message = buildMessage('DECIDED', testCase.number, clock(), overrides);
    const refusedAnswer = await send(message);
    expect(refusedAnswer).toMatchObject({ status: 422, body: { outcome: 'REFUSED', id: message.id, code, field } });
    expect((await stepsOf(testCase.id)).step).toBe('FORWARDED');
    expect((await send(message)).text).toBe(refusedAnswer.text);
    expect(await send(buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY))).toMatchObject({ status: 200 });
    expect((await send(message)).text).toBe(refusedAnswer.text);
  });

  test('退回 returns the case to the county; 特别程序 stops the clock and 恢复 restarts it', async () => {
    const testCase = await createForwardedCase(hub);
    const { examines, forwards } = ROUTES.WINDOW_FORWARD;
    const sendMessage = async (type: string, overrides: object = {}) => {
      const { status, body } = await send(buildMessage(type, testCase.number, clock(), overrides));
      return [status, body.code ?? body.step];
    };
    const hearing = { kind: 'HEARING', reason: '依法听证', papers: ['赣审听〔2022〕3号'] };
    expect(await sendMessage('RECEIVED')).toEqual([200, 'FORWARDED']);
    expect(await sendMessage('RESUMED')).toEqual([422, 'CASE_NOT_PAUSED']);
    expect(await sendMessage('PAUSED', { ...hearing, papers: [] })).toEqual([422, 'PAPERS_MISSING']);
    expect(await sendMessage('PAUSED', { ...hearing, reason: '' })).toEqual([422, 'REASON_MISSING']);
    expect(await sendMessage('PAUSED', hearing)).toEqual([200, 'FORWARDED']);
    expect(await sendMessage('PAUSED', hearing)).toEqual([422, 'CASE_PAUSED']);
    expect(await sendMessage('DECIDED', GRANT_BODY)).toEqual([422, 'CASE_PAUSED']);
    expect(await sendMessage('SENT_BACK', { reason: '材料不全' })).toEqual([422, 'CASE_PAUSED']);
    expect(await sendMessage('RESUMED', { note: '听证结束' })).toEqual([200, 'FORWARDED']);
    expect(await sendMessage('SENT_BACK', { reason: '' })).toEqual([422, 'REASON_MISSING']);
    expect(await sendMessage('SENT_BACK', { reason: '材料不全' })).toEqual([200, 'ACCEPTED']);
    expect(await sendMessage('SENT_BACK', { reason: '材料不全' })).toEqual([422, 'CASE_STEP_NOT_ALLOWED']);
    expect(await sendMessage('RECEIVED')).toEqual([422, 'CASE_STEP_NOT_ALLOWED']);

    await runMutation(
      hub,
      examines,
      'examineCase',
      'ExamineCaseInput',
      { case: testCase.id, finding: 'APPROVED' },
      'case { id }',
    );
    await runMutation(hub, forwards, 'forwardCase', 'CaseNoteInput', { case: testCase.id }, 'case { id }');
    const query = 'query($id: ID!) { case(id: $id) { platform { receivedAt } } }';
    expect((await hub.ask('auditor', query, { id: testCase.id })).data.case.platform.receivedAt).toBeNull();
    expect(await sendMessage('DECIDED', GRANT_BODY)).toEqual([200, 'DECIDED']);
    expect((await stepsOf(testCase.id)).steps.map((item: { step: string }) => item.step).slice(-6)).toEqual([
      'PAUSED',
      'RESUMED',
      'SENT_BACK',
      'EXAMINED',
      'FORWARDED',
      'DECIDED',
    ]);
  });

  test('is refused before the case is forwarded and after it is decided', async () => {
    const { accepts, examines, forwards, matter } = ROUTES.SUBSTANTIVE_REVIEW;
    const applicant = { name: '某某', codeKind: 'USCC', code: '91000000MA0000001R' };
    const { case: testCase } = await runMutation(
      hub,
      accepts,
      'acceptCase',
      'ApplicationInput',
      { matter, applicant, fields: linesFor(matter) },
      'case { id: uuid number }',
    );
    const received = () => send(buildMessage('RECEIVED', testCase.number, clock()));
    const decided = () => send(buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY));
    expect((await received()).body.code).toBe('CASE_STEP_NOT_ALLOWED');
    await runMutation(
      hub,
      examines,
      'examineCase',
      'ExamineCaseInput',
      { case: testCase.id, finding: 'APPROVED' },
      'case { id }',
    );
    expect((await decided()).body.code).toBe('CASE_MUST_BE_FORWARDED');
    await runMutation(hub, forwards, 'forwardCase', 'CaseNoteInput', { case: testCase.id }, 'case { id }');
    expect((await decided()).status).toBe(200);
    expect((await received()).body.code).toBe('CASE_STEP_NOT_ALLOWED');
    expect((await decided()).body.code).toBe('CASE_STEP_NOT_ALLOWED');
  });

  test('is refused for a case of another organ without revealing the case', async () => {
    const otherKeys = await createPlatformKeys();
    await registerPlatform(hub, otherKeys, { organ: 'ganzhou-jtysj', name: '交通运输审批平台' });
    const testCase = await createForwardedCase(hub);
    for (const overrides of [{ organ: 'ganzhou-jtysj' }, {}]) {
      const code = 'organ' in overrides ? 'CASE_UNKNOWN' : 'ORGAN_WITHOUT_POWER';
      for (const message of [
        buildMessage('RECEIVED', testCase.number, clock(), overrides),
        buildMessage('DECIDED', testCase.number, clock(), { ...GRANT_BODY, ...overrides }),
      ]) {
        expect(await send(message, {}, otherKeys)).toMatchObject({ status: 422, body: { code } });
      }
    }
    expect((await stepsOf(testCase.id)).step).toBe('FORWARDED');
  });
});

describe('a message is applied once', () => {
  test('a repeated message gets the same bytes: concurrently, later and with another signature', async () => {
    const testCase = await createForwardedCase(hub);
    const message = buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY);
    const concurrentAnswers = await Promise.all(Array.from({ length: 8 }, () => send(message)));
    clock.advance(3_600_000);
    const laterAnswer = await send(message);
    expect(new Set([...concurrentAnswers, laterAnswer].map((answer) => `${answer.status} ${answer.text}`)).size).toBe(
      1,
    );
    expect(laterAnswer.status).toBe(200);
    expect((await stepsOf(testCase.id)).steps.filter(({ step }: { step: string }) => step === 'DECIDED')).toHaveLength(
      1,
    );
    expect(await messagesOf(testCase.id)).toHaveLength(1);
  });

  test('the same id with another body is a conflict, also concurrently, and changes nothing', async () => {
    const testCase = await createForwardedCase(hub);
    const message = buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY);
    const conflictingMessage = { ...message, decision: 'REJECTED', reason: '不符合条件' };
    const answers = await Promise.all([send(message), send(conflictingMessage)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'MESSAGE_CONFLICT', field: 'id' });
    const { steps } = await stepsOf(testCase.id);
    const winningFinding = answers[0]?.status === 200 ? 'GRANTED' : 'REJECTED';
    expect(steps.at(-1)).toMatchObject({ step: 'DECIDED', finding: winningFinding });
  });

  test('of two concurrent decisions with two ids, one is applied and one is refused', async () => {
    const testCase = await createForwardedCase(hub);
    const rejection = { decision: 'REJECTED', reason: '不符合条件', authoriseSeal: true };
    const answers = await Promise.all(
      [GRANT_BODY, rejection].map((overrides) => send(buildMessage('DECIDED', testCase.number, clock(), overrides))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
  });

  test('the same id from two platforms means two messages', async () => {
    const otherKeys = await createPlatformKeys();
    await registerPlatform(hub, otherKeys, { organ: 'ganzhou-jyj', name: '教育审批平台' });
    const testCase = await createForwardedCase(hub);
    const message = buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY);
    expect((await send({ ...message, organ: 'ganzhou-jyj' }, {}, otherKeys)).body.code).toBe('CASE_UNKNOWN');
    expect((await send(message)).status).toBe(200);
  });
});

describe('a message needs a signature by a key in force', () => {
  const BAD_SIGNATURES: [string, number, string, (body: string) => Promise<string | null>][] = [
    ['no signature', 401, 'SIGNATURE_MISSING', async () => null],
    ['a malformed signature', 401, 'SIGNATURE_MALFORMED', async () => 'a.b.c'],
    ['a signature over another body', 401, 'SIGNATURE_INVALID', (body) => signMessage(keys, `${body} `, clock())],
    [
      'a signature by another key with this key id',
      401,
      'SIGNATURE_INVALID',
      async (body) => signMessage({ ...(await createPlatformKeys()), kid: keys.kid }, body, clock()),
    ],
    ['an unregistered key', 401, 'KEY_UNKNOWN', async (body) => signMessage(await createPlatformKeys(), body, clock())],
    [
      'a time six minutes ago',
      401,
      'TIMESTAMP_NOT_FRESH',
      (body) => signMessage(keys, body, new Date(clock().getTime() - 360_000)),
    ],
    [
      'a time six minutes ahead',
      401,
      'TIMESTAMP_NOT_FRESH',
      (body) => signMessage(keys, body, new Date(clock().getTime() + 360_000)),
    ],
    [
      'the address of another hub',
      401,
      'AUDIENCE_WRONG',
      (body) => signMessage(keys, body, clock(), { aud: 'https://hub.example/cases/platform/v1/messages' }),
    ],
    [
      'a header with an extra member',
      401,
      'SIGNATURE_MALFORMED',
      (body) => signMessage(keys, body, clock(), { jwk: {} }),
    ],
  ];
  test.each(BAD_SIGNATURES)('%s', async (_, status, code, sign) => {
    const testCase = await createForwardedCase(hub);
    const body = JSON.stringify(buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY));
    expect(await postMessage(hub, body, await sign(body))).toMatchObject({
      status,
      body: { outcome: 'REFUSED', code },
    });
    expect((await stepsOf(testCase.id)).step).toBe('FORWARDED');
    expect(await messagesOf(testCase.id)).toEqual([]);
  });

  test('a captured message that is replayed later is stale', async () => {
    const testCase = await createForwardedCase(hub);
    const body = JSON.stringify(buildMessage('RECEIVED', testCase.number, clock()));
    const signature = await signMessage(keys, body, clock());
    expect((await postMessage(hub, body, signature)).status).toBe(200);
    clock.advance(301_000);
    expect(await postMessage(hub, body, signature)).toMatchObject({
      status: 401,
      body: { code: 'TIMESTAMP_NOT_FRESH' },
    });
  });

  test.each([
    ['no JSON', '{"id":'],
    ['an empty body', ''],
    ['a duplicate member', '{"type":"RECEIVED","type":"DECIDED"}'],
    ['an unknown type', JSON.stringify(buildMessage('APPROVED', '1', new Date(0)))],
    ['an extra member', JSON.stringify(buildMessage('RECEIVED', '1', new Date(0), { seal: true }))],
    ['a malformed id', JSON.stringify(buildMessage('RECEIVED', '1', new Date(0), { id: randomUUID().toUpperCase() }))],
  ])('%s is malformed', async (_, body) => {
    expect(await postMessage(hub, body, await signMessage(keys, body, clock()))).toMatchObject({
      status: 400,
      body: { code: 'MESSAGE_MALFORMED' },
    });
  });

  test('a body over 64 KiB is too large, signed or not', async () => {
    const body = JSON.stringify(buildMessage('RECEIVED', '1', clock(), { note: 'x'.repeat(65_536) }));
    expect(await postMessage(hub, body, await signMessage(keys, body, clock()))).toMatchObject({
      status: 413,
      body: { code: 'MESSAGE_TOO_LARGE' },
    });
  });
});

test('a hub that fails while it handles a message changes nothing; a repeated message is applied once', async () => {
  const testCase = await createForwardedCase(hub);
  const message = buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY);
  const admin = postgres(hub.adminUrl, { max: 2 });
  const lockSession = await admin.reserve();
  await lockSession`begin`;
  await lockSession`select 1 from cases.case_file where id = ${testCase.id} for update`;
  const lostAnswer = send(message);
  await waitUntil('the message waits for the case', async () => {
    const [row] = await admin`select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and application_name = 'tongquan-cases' and wait_event_type = 'Lock'`;
    return row?.waiting > 0;
  });
  await admin`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'tongquan-cases' and wait_event_type = 'Lock'`;
  expect(await lostAnswer).toMatchObject({
    status: 500,
    body: { outcome: 'FAULT', code: 'INTERNAL', incident: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  });
  await lockSession`commit`;
  lockSession.release();
  await admin.end();
  // A connection that has just ended may fail one more statement, of the next message too. The platform sends it again.
  const stored = await waitUntil('the hub reads again', () => stepsOf(testCase.id));
  expect(stored.step).toBe('FORWARDED');
  expect(await messagesOf(testCase.id)).toEqual([]);
  const first = await waitUntil('the message is answered', async () => {
    const answer = await send(message);
    return answer.status !== 500 && answer;
  });
  const answers = [first, await send(message)];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(answers[0]?.text).toBe(answers[1]?.text);
  expect((await stepsOf(testCase.id)).steps.filter((item: { step: string }) => item.step === 'DECIDED')).toHaveLength(
    1,
  );
});

test('when a matter moves to another city organ, its case moves to the platform of that organ', async () => {
  const otherKeys = await createPlatformKeys();
  const newOrgan = 'ganzhou-sthjj';
  const { id: otherPlatformId } = await registerPlatform(hub, otherKeys, { organ: newOrgan, name: '生态环境审批平台' });
  const testCase = await createForwardedCase(hub, ROUTES.SUBSTANTIVE_REVIEW);
  const sql = postgres(hub.adminUrl, { max: 1 });
  const matterId = ROUTES.SUBSTANTIVE_REVIEW.matter;
  const [row] =
    await sql`select fact, revision from cases.matter_fact join cases.inbox on stream = 'matter:' || matter_id
    where matter_id = ${matterId}`;
  const [organ] =
    await sql`select o from cases.matter_fact, jsonb_array_elements(fact->'organs') o where o->>'id' = ${newOrgan} limit 1`;
  const [first] = row?.fact.delegations ?? [];
  const movedDelegation = JSON.parse(JSON.stringify(first).replaceAll(PLATFORM_ORGAN, newOrgan));
  const delegations = [
    { ...first, validTo: '2022-09-28' },
    { ...movedDelegation, validFrom: '2022-09-29', runningCases: 'FOLLOW' },
  ];
  await hub.hub.cases.receive('matters', {
    type: 'DelegationChanged',
    stream: `matter:${matterId}`,
    revision: row?.revision + 1,
    occurredAt: clock().toISOString(),
    payload: { ...row?.fact, delegations, organs: [...(row?.fact.organs ?? []), organ?.o] },
  });
  expect((await send(buildMessage('DECIDED', testCase.number, clock(), GRANT_BODY))).body.code).toBe('MATTER_MOVED');
  expect(
    (await send(buildMessage('RECEIVED', testCase.number, clock(), { organ: newOrgan }), {}, otherKeys)).status,
  ).toBe(200);
  const query = 'query($id: ID!) { case(id: $id) { platform { name receivedAt } } }';
  expect((await hub.ask('auditor', query, { id: testCase.id })).data.case.platform).toEqual({
    name: '生态环境审批平台',
    receivedAt: clock().toISOString(),
  });
  const events = await sql`select payload->>'platformId' as platform, payload->'steps'->-1->>'step' as step, revision
    from cases.outbox_event where type = 'ForwardedCaseChanged' and payload->>'caseId' = ${testCase.id} order by 2, 1`;
  await sql.end();
  expect(events.map((item) => ({ ...item }))).toEqual([
    { platform: platform.id, step: 'FORWARDED', revision: 1 },
    ...[
      { platform: platform.id, step: 'MOVED', revision: 2 },
      { platform: otherPlatformId, step: 'MOVED', revision: 1 },
    ].sort((a, b) => (a.platform < b.platform ? -1 : 1)),
  ]);
  expect((await send(buildMessage('RECEIVED', testCase.number, clock()))).body.code).toBe('ORGAN_WITHOUT_POWER');
  expect(
    (await send(buildMessage('DECIDED', testCase.number, clock(), { ...GRANT_BODY, organ: newOrgan }), {}, otherKeys))
      .status,
  ).toBe(200);
});

test('stores body, signature and answer as evidence that nobody can change', async () => {
  const testCase = await createForwardedCase(hub);
  const message = buildMessage('RECEIVED', testCase.number, clock());
  const body = JSON.stringify(message, null, 2);
  const signature = await signMessage(keys, body, clock());
  const answer = await postMessage(hub, body, signature);
  expect(await messagesOf(testCase.id)).toMatchObject([
    { id: message.id, type: 'RECEIVED', key: keys.kid, body, signature, verdict: 'DONE', answer: answer.text },
  ]);
  const sql = postgres(hub.databaseUrls.cases, { max: 1 });
  await expect(sql`update cases.platform_message set verdict = 'REFUSED'`).rejects.toThrow(/permission denied/);
  await expect(sql`delete from cases.platform_message`).rejects.toThrow(/permission denied/);
  await sql.end();
  const query = 'query($id: ID!) { platformMessages(case: $id, first: 1) { edges { cursor } } }';
  const { errors } = await hub.ask('ganzhou-xzspj.approver', query, { id: testCase.id });
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});

test('messages of a removed platform are refused, and its organ decides at the hub', async () => {
  const otherKeys = await createPlatformKeys();
  const testCase = await createForwardedCase(hub);
  expect(
    await administer(hub, 'removePlatform', 'RemovePlatformInput', { platform: platform.id }, '__typename'),
  ).toMatchObject({ refusal: null });
  expect(await send(buildMessage('RECEIVED', testCase.number, clock()))).toMatchObject({
    status: 401,
    body: { code: 'KEY_UNKNOWN' },
  });
  const decision = { case: testCase.id, ...GRANT_BODY };
  expect(await findRefusalCode(hub, 'ganzhou-xzspj.approver', 'decideCase', 'DecideCaseInput', decision)).toBeNull();
  platform = await registerPlatform(hub, otherKeys);
  keys = otherKeys;
});
