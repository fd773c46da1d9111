import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { OPERATOR } from '../../subgraphs/kernel/outgoing/address.ts';
import { NoAnswer, parseJson, sendRequest } from '../../subgraphs/kernel/outgoing/http-client.ts';

/** The one client for outgoing requests: its limits, and what its errors tell. */

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/path`;
};
/** No test outlives this deadline. */
const limits = { reach: OPERATOR, timeoutMs: 3_600_000, maxAnswerBytes: 1_000 };
const refusal = (request: Promise<unknown>) =>
  request.then(
    () => expect.fail('there was an answer'),
    (error: Error) => error,
  );

test('returns status, headers and bytes of any answer', async () => {
  const url = await serve((request, response) => {
    request.on('data', () => {}).on('end', () => response.writeHead(422, { 'x-name': request.method }).end('{"a":1}'));
  });
  const posted = await sendRequest(url, { ...limits, headers: { 'content-type': 'text/plain' }, body: 'x' });
  expect(posted).toMatchObject({ status: 422, bytes: Buffer.from('{"a":1}') });
  expect(posted.headers.get('x-name')).toBe('POST');
  expect((await sendRequest(url, { ...limits, method: 'GET' })).headers.get('x-name')).toBe('GET');
  expect(parseJson(posted.bytes)).toEqual({ a: 1 });
  expect(parseJson(Buffer.from('<html>'))).toBeUndefined();
});

const answer = (write: RequestListener) => () => serve(write);
const CASES: [string, () => Promise<string>, RegExp][] = [
  ['a redirect', answer((_, response) => response.writeHead(307, { location: '/other' }).end()), /重定向/],
  ['an answer above the limit', answer((_, response) => response.end('x'.repeat(1_001))), /超过 1000 字节/],
  ['an endless answer', answer((_, response) => void setInterval(() => response.write('x'.repeat(400)), 5)), /超过/],
  ['a closed connection', answer((_, response) => response.destroy()), /连接中断/],
  ['half an answer', answer((_, response) => void response.write('x', () => response.destroy())), /连接中断/],
  ['no server', async () => 'http://127.0.0.1:1/path', /没有开放服务|连接失败/],
  ['an unknown name', async () => 'http://library.invalid/path', /地址无法解析|连接失败/],
];
test.each(CASES)('%s is no answer, and the message has no address', async (_, open, reason) => {
  const url = await open();
  const error = await refusal(sendRequest(url, limits));
  expect(error).toBeInstanceOf(NoAnswer);
  expect(error.message).toMatch(reason);
  expect(error.message).not.toMatch(/127|invalid|path|:\d/);
});

test('an answer of exactly the limit is taken', async () => {
  const url = await serve((_, response) => response.end('x'.repeat(1_000)));
  expect((await sendRequest(url, limits)).bytes).toHaveLength(1_000);
});

test.each([
  ['before the answer', () => {}],
  ['within the answer', (_, response) => void response.write('x')],
] as [string, RequestListener][])('the deadline holds %s', async (_, listener) => {
  const url = await serve(listener);
  const error = await refusal(sendRequest(url, { ...limits, timeoutMs: 100 }));
  expect(error.message).toBe('超时');
  // The deadline itself, not a limit of the HTTP library.
  expect(error.cause).toMatchObject({ name: 'TimeoutError' });
});

test('a signal ends the request', async () => {
  const url = await serve(() => {});
  const controller = new AbortController();
  const pending = refusal(sendRequest(url, { ...limits, signal: controller.signal }));
  controller.abort();
  expect((await pending).message).toBe('已停止');
});
