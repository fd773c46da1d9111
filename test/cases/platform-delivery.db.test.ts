import { createServer, type Server, type ServerResponse } from 'node:http';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isFromHub } from '../../scripts/approval-platform/jws.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { createForwardedCase, createPlatformKeys, registerPlatform } from '../support/platform.ts';
import { administer } from '../support/proposal.ts';
import { waitUntil } from '../support/until.ts';

/** How the fake platform answers news of a case. Each test sets it; the hub retries until it has a receipt. */
type Answer = (response: ServerResponse) => void;
const answerWithReceipt: Answer = (response) => response.end('{"receipt":"收-1"}');

let hub: TestHub;
let server: Server;
let platform: Awaited<ReturnType<typeof registerPlatform>>;
let url: string;
let answer: Answer = answerWithReceipt;
const deliveries: { signature: unknown; body: Buffer }[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    deliveries.push({ signature: request.headers['x-jws-signature'], body: Buffer.concat(chunks) });
    answer(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  url = `http://127.0.0.1:${address.port}/hub`;
  hub = await createTestHub();
  platform = await registerPlatform(hub, await createPlatformKeys(), { url });
});
afterAll(async () => {
  await hub?.stop();
  server?.close();
});

const stateOf = async (id: string) => {
  const query = 'query($id: ID!) { case(id: $id) { platform { deliveredAt attempts lastError } } }';
  return (await hub.ask('auditor', query, { id })).data.case.platform;
};

test.each<[string, Answer, string]>([
  ['an error', (response) => response.writeHead(500).end('x'), 'HTTP 500'],
  ['a refusal', (response) => response.writeHead(422).end('{"receipt":"x"}'), 'HTTP 422'],
  ['no receipt', (response) => response.end('{}'), '没有返回回执'],
  ['no JSON', (response) => response.end('ok'), '没有返回回执'],
  ['a receipt too long', (response) => response.end(JSON.stringify({ receipt: 'x'.repeat(201) })), '没有返回回执'],
  ['a body above the limit', (response) => response.end(' '.repeat(20_000)), '无法连接'],
  ['a redirect', (response) => response.writeHead(307, { location: url }).end(), '无法连接'],
  ['a closed connection', (response) => response.destroy(), '无法连接'],
])('retries a platform that answers with %s until it returns a receipt', async (_, failingAnswer, expectedError) => {
  answer = failingAnswer;
  const { id } = await createForwardedCase(hub);
  const failedState = await waitUntil('an attempt has failed', async () => {
    const state = await stateOf(id);
    return state.attempts > 0 && state;
  });
  expect(failedState).toMatchObject({ deliveredAt: null, lastError: expect.stringContaining(expectedError) });
  answer = answerWithReceipt;
  const done = await waitUntil('it is delivered', async () => {
    const state = await stateOf(id);
    return state.deliveredAt !== null && state;
  });
  expect(done).toMatchObject({ attempts: 0, lastError: null });
});

test('news is signed for this platform only', async () => {
  const { signature, body } = deliveries.at(-1) ?? { body: Buffer.alloc(0) };
  const verifyKey = { kid: `${platform.id}.1`, secret: Buffer.from(platform.secret, 'base64url'), aud: url };
  const at = new Date();
  expect(isFromHub(signature, body, verifyKey, at)).toBe(true);
  expect(isFromHub(signature, body, { ...verifyKey, aud: `${url}/x` }, at)).toBe(false);
  expect(isFromHub(signature, Buffer.concat([body, Buffer.from(' ')]), verifyKey, at)).toBe(false);
});

test('news for a removed platform is not sent, and its receipt says so', async () => {
  answer = (response) => response.writeHead(503).end();
  const { id } = await createForwardedCase(hub);
  await waitUntil('an attempt has failed', async () => (await stateOf(id)).attempts > 0);
  expect(
    await administer(hub, 'removePlatform', 'RemovePlatformInput', { platform: platform.id }, '__typename'),
  ).toMatchObject({ refusal: null });
  const sql = postgres(hub.adminUrl, { max: 1 });
  const receipt = await waitUntil('the news are settled', async () => {
    const [row] = await sql`select receipt from cases.outbox_receipt where stream = ${`platform:${platform.id}:${id}`}`;
    return row?.receipt;
  });
  await sql.end();
  expect(receipt).toBe('审批平台已注销，未送达');
  expect((await stateOf(id)).deliveredAt).toBeNull();
});
