import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/hub/port.ts';
import { LINK_SECONDS } from '../../subgraphs/cases/platform/file-link.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { linesFor } from '../support/content.ts';
import { buildPdf } from '../support/files.ts';
import { COMPANY, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  buildMessage,
  createForwardedCase,
  createPlatformKeys,
  GRANT_BODY,
  PATH_V2,
  PLATFORM_ORGAN,
  type PlatformKeys,
  postMessage,
  registerPlatform,
  signMessage,
} from '../support/platform.ts';
import { administer } from '../support/proposal.ts';
import { createTestPlatform } from '../support/reference-platform.ts';
import { waitUntil } from '../support/until.ts';
import { createUpload } from '../support/upload.ts';

/** Protocol 2: the platform of the organ that holds a case gets its materials. */

const PURPOSE = { purpose: 'DECISION' };
let clock: TestClock;
let hub: TestHub;
let keys: PlatformKeys;
let sql: postgres.Sql;
let base: string;
let platform: Awaited<ReturnType<typeof registerPlatform>>;
let peer: Awaited<ReturnType<typeof createTestPlatform>>;

beforeAll(async () => {
  clock = testClock('2026-03-02T01:00:00Z');
  const port = await findFreePort();
  base = `http://127.0.0.1:${port}`;
  hub = await createTestHub({ now: clock, publicUrl: base });
  sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
  keys = await createPlatformKeys();
  await hub.hub.app.listen({ host: '127.0.0.1', port });
  peer = await createTestPlatform(keys, `${base}${PATH_V2}`, null, clock);
  platform = await registerPlatform(hub, keys, { url: peer.url });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
  await peer?.stop();
});

const bytes = buildPdf('平面图');
async function createCase() {
  const upload = await createUpload(hub, ROUTES.WINDOW_FORWARD.accepts, bytes);
  const materials = [
    { code: '平面图', upload },
    { code: '申请书', paper: true, copies: 2 },
  ];
  return { ...(await createForwardedCase(hub, ROUTES.WINDOW_FORWARD, materials)), upload };
}
const send = async (message: object, url = PATH_V2, signer = keys) => {
  const body = JSON.stringify(message);
  return postMessage(hub, body, await signMessage(signer, body, clock(), { aud: `${base}${url}` }), url);
};
const ask = (caseNumber: string, overrides: object = {}) =>
  send(buildMessage('MATERIALS', caseNumber, clock(), { ...PURPOSE, ...overrides }));
const fetchLink = async (link: string) => {
  const { pathname, search } = new URL(link);
  const answer = await hub.hub.app.inject({ url: `${pathname}${search}` });
  return { status: answer.statusCode, code: answer.statusCode === 200 ? null : answer.json().code, answer };
};
const readingsOf = (id: string) =>
  sql`select reader_id, reader, organ, purpose, object_id from cases.reading
    where subject = ${id} and object = 'MATERIAL' order by serial`;

describe('the materials of a case', () => {
  test('are listed with digests, and each file is read by a link that is recorded', async () => {
    const { id, number, upload } = await createCase();
    const message = buildMessage('MATERIALS', number, clock(), PURPOSE);
    const listed = await send(message);
    const file = {
      name: '材料.pdf',
      mediaType: 'application/pdf',
      sizeBytes: bytes.length,
      digest: createHash('sha256').update(bytes).digest('hex'),
    };
    expect(listed).toMatchObject({
      status: 200,
      body: {
        outcome: 'DONE',
        step: 'FORWARDED',
        materials: [
          { code: '平面图', kind: 'UPLOAD', superseded: false, license: null, file },
          { code: '申请书', kind: 'PAPER', copies: 2, file: null },
        ],
      },
    });
    expect(await readingsOf(id)).toHaveLength(0);
    const { url } = listed.body.materials[0].file;
    const { answer } = await fetchLink(url);
    expect(answer.rawPayload.equals(bytes)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/pdf',
      'x-content-type-options': 'nosniff',
      'content-disposition': expect.stringMatching(/^attachment;/),
    });
    await fetchLink(url);
    const reading = { reader: '张伟', organ: PLATFORM_ORGAN, purpose: 'DECISION', object_id: upload };
    expect(await readingsOf(id)).toMatchObject([reading, reading]);

    // The same message has the same answer, with links that end when they said.
    clock.advance(LINK_SECONDS * 1000 - 1);
    expect((await send(message)).text).toBe(listed.text);
    expect((await fetchLink(url)).status).toBe(200);
    clock.advance(1);
    expect(await fetchLink(url)).toMatchObject({ status: 404, code: 'FILE_UNKNOWN' });
    expect(await readingsOf(id)).toHaveLength(3);
    const { data } = await hub.ask(
      'auditor',
      'query($id: ID!) { platformMessages(case: $id, first: 9) { edges { node { type verdict } } } }',
      { id },
    );
    expect(data.platformMessages.edges).toEqual([{ node: { type: 'MATERIALS', verdict: 'DONE' } }]);
  });

  test('an altered link opens nothing', async () => {
    const [own, other] = [await createCase(), await createCase()];
    const { url } = (await ask(own.number)).body.materials[0].file;
    const change = (run: (link: URL) => void) => {
      const link = new URL(url);
      run(link);
      return link.href;
    };
    const set = (name: string, value: string) => change((link) => link.searchParams.set(name, value));
    const altered = [
      change((link) => {
        link.pathname = link.pathname.replace(own.upload, other.upload);
      }),
      set('until', '99999999999'),
      set('message', randomUUID()),
      set('platform', randomUUID()),
      set('signature', ''),
      set('signature', Buffer.alloc(32).toString('base64url')),
      change((link) => link.searchParams.delete('until')),
      change((link) => link.searchParams.append('until', '1')),
    ];
    for (const link of altered) expect(await fetchLink(link)).toMatchObject({ status: 404, code: 'FILE_UNKNOWN' });
    expect([...(await readingsOf(own.id)), ...(await readingsOf(other.id))]).toEqual([]);
  });

  test.each([
    ['an unknown case', { caseNumber: '3607312026030299999' }, 422, 'CASE_UNKNOWN'],
    ['another organ', { organ: 'ganzhou-scjgj' }, 422, 'ORGAN_WITHOUT_POWER'],
    ['no purpose', { purpose: undefined }, 400, 'MESSAGE_MALFORMED'],
    ['a purpose of others', { purpose: 'AUDIT' }, 400, 'MESSAGE_MALFORMED'],
    ['another member', { file: randomUUID() }, 400, 'MESSAGE_MALFORMED'],
  ])('are refused for %s', async (_, overrides, status, code) => {
    const { number } = await createCase();
    expect(await ask(number, overrides)).toMatchObject({ status, body: { code } });
  });

  test('of a case that another organ decides, and after the decision, are refused', async () => {
    const { matter, accepts } = ROUTES.DIRECT;
    const input = { matter, applicant: COMPANY, fields: linesFor(matter) };
    const foreign = await runMutation(hub, accepts, 'acceptCase', 'ApplicationInput', input, 'case { number }');
    expect((await ask(foreign.case.number)).body).toMatchObject({ outcome: 'REFUSED', code: 'CASE_UNKNOWN' });
    const { id, number } = await createCase();
    const { url } = (await ask(number)).body.materials[0].file;
    await send(buildMessage('DECIDED', number, clock(), GRANT_BODY));
    expect(await ask(number)).toMatchObject({ status: 422, body: { code: 'CASE_STEP_NOT_ALLOWED' } });
    expect(await fetchLink(url)).toMatchObject({ status: 422, code: 'CASE_STEP_NOT_ALLOWED' });
    expect(await readingsOf(id)).toEqual([]);
  });

  test('protocol 1 has no such message, and a message for one protocol is not valid for the other', async () => {
    const { number } = await createCase();
    const message = buildMessage('MATERIALS', number, clock(), PURPOSE);
    expect(await send(message, '/cases/platform/v1/messages')).toMatchObject({
      status: 400,
      body: { code: 'MESSAGE_MALFORMED' },
    });
    const body = JSON.stringify(buildMessage('RECEIVED', number, clock()));
    const forFirst = await signMessage(keys, body, clock(), { aud: platform.audience });
    expect(await postMessage(hub, body, forFirst, PATH_V2)).toMatchObject({ body: { code: 'AUDIENCE_WRONG' } });
    expect(await postMessage(hub, body, forFirst)).toMatchObject({ status: 200 });
    expect((await send(buildMessage('RECEIVED', number, clock()))).status).toBe(200);
  });

  test('the reference platform fetches the files and keeps those whose digest is right', async () => {
    const { id, number } = await createCase();
    await peer.open(platform);
    const by = { id: 'li.na', name: '李娜' };
    const order = await peer.order('/materials', { caseNumber: number, by, purpose: 'EXAMINATION' });
    await waitUntil('the hub has answered', async () => {
      const message = (await peer.see('/messages')).find((entry) => entry.id === order);
      return message?.answer?.status === 200;
    });
    expect(existsSync(join(peer.folder, 'files', createHash('sha256').update(bytes).digest('hex')))).toBe(true);
    expect(await readingsOf(id)).toMatchObject([{ reader: '李娜', purpose: 'EXAMINATION' }]);
  });

  test('a platform that is removed reads nothing by its links', async () => {
    const { id, number } = await createCase();
    const { url } = (await ask(number)).body.materials[0].file;
    await administer(hub, 'removePlatform', 'RemovePlatformInput', { platform: platform.id }, 'platform { removedAt }');
    expect(await fetchLink(url)).toMatchObject({ status: 404, code: 'FILE_UNKNOWN' });
    expect(await readingsOf(id)).toEqual([]);
  });
});
