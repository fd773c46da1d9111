import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { DEFAULT_HUB_LIMITS } from '../../subgraphs/kernel/limits/limits.ts';

/** Answers to bytes that are no request, or that no route sees, over a real socket. */

const app = createApp(() => {}, {
  isHttps: true,
  connections: { ...DEFAULT_HUB_LIMITS.connections, headersTimeoutMs: 200 },
});
let port: number;
let finishHeld: () => void = () => {};
let heldRequests = 0;
let closingRequests = 0;
let isClosing = false;
beforeAll(async () => {
  app.get('/', async () => 'ok');
  app.post('/', async () => 'ok');
  app.get('/held', () => {
    heldRequests += 1;
    return new Promise((resolve) => {
      finishHeld = () => resolve('held');
    });
  });
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  app.server.on('request', () => {
    if (isClosing) closingRequests += 1;
  });
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => app.close());

/** Sends bytes and returns everything that comes back until the server ends the connection. */
function exchange(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('data', (part) => {
      answer += part.toString('utf8');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

const HEADERS = [
  'x-content-type-options: nosniff',
  'referrer-policy: no-referrer',
  "content-security-policy: default-src 'none'; frame-ancestors 'none'",
  'cache-control: no-store',
  'strict-transport-security: max-age=31536000; includeSubDomains',
];
const END = 'Connection: close\r\n\r\n';

describe('the answer has the headers, a code and a sentence', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
    ['an unknown method', `BREW / HTTP/1.1\r\nHost: a\r\n${END}`, 400, 'BAD_REQUEST'],
    [
      'two lengths',
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n${END}`,
      400,
      'BAD_REQUEST',
    ],
    ['a header that is none', `GET / HTTP/1.1\r\nHost: a\r\nb\u0001\r\n${END}`, 400, 'BAD_REQUEST'],
    ['too many headers', `GET / HTTP/1.1\r\nHost: a\r\nb: ${'c'.repeat(20_000)}\r\n${END}`, 431, 'HEADERS_TOO_LARGE'],
    [
      'chunk extensions without end',
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1;${'e'.repeat(20_000)}`,
      413,
      'REQUEST_TOO_LARGE',
    ],
    ['a request that stops', 'GET / HTTP/1.1\r\nHost: a\r\n', 408, 'REQUEST_TIMEOUT'],
    ['no host', `GET / HTTP/1.1\r\n${END}`, 400, 'BAD_REQUEST'],
    ['no host in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a host that is none', `GET / HTTP/1.1\r\nHost: a b/c@d\r\n${END}`, 400, 'BAD_REQUEST'],
    ['an unknown expectation', `GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n${END}`, 417, 'EXPECTATION_FAILED'],
    ['a method of no route', `PATCH / HTTP/1.1\r\nHost: a\r\n${END}`, 404, 'NOT_FOUND'],
  ])('%s', async (_name, request, status, code) => {
    const answer = await exchange(request);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    const head = answer.slice(0, answer.indexOf('\r\n\r\n'));
    for (const header of HEADERS) expect(head.toLowerCase()).toContain(header.toLowerCase());
    expect(head).not.toMatch(/^(?:server|x-powered-by):/im);
    const body = JSON.parse(answer.slice(answer.indexOf('{')));
    expect(body).toEqual({ code, message: expect.any(String) });
  });

  test('bad bytes after a request get no answer that would be taken for the one to that request', async () => {
    expect(await exchange('GET /held HTTP/1.1\r\nHost: a\r\n\r\nhello\r\n\r\n')).toBe('');
  });

  test('a request on an open connection while the app stops', async () => {
    const socket = connect(port, '127.0.0.1');
    let answers = '';
    socket.on('data', (part) => {
      answers += part.toString('utf8');
    });
    const ended = new Promise((resolve) => socket.on('close', resolve));
    heldRequests = 0;
    socket.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => heldRequests).toBe(1);
    void app.close();
    await expect.poll(() => isClosing).toBe(true);
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${END}`);
    await expect.poll(() => closingRequests).toBe(1);
    finishHeld();
    await ended;
    const second = answers.split('HTTP/1.1 ')[2] ?? '';
    expect(second).toMatch(/^503 /);
    for (const header of HEADERS) expect(second.toLowerCase()).toContain(header.toLowerCase());
    expect(JSON.parse(second.slice(second.indexOf('{')))).toMatchObject({ code: 'OVERLOADED' });
  });
});
