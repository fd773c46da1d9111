import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway } from '../support/stubs.ts';

/** Errors: one form for programs, a page for people. */

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
let gateway: StubGateway;
beforeAll(async () => {
  gateway = await createStubGateway(testClock('2026-03-02'), {}, 'local', {
    mount: async (app) => {
      app.get('/broken', async () => {
        throw new Error('password=hunter2');
      });
      app.get('/refused', async (_request, reply) => reply.code(403).send({ code: 'FORBIDDEN', message: '不允许。' }));
    },
  });
});
afterAll(() => gateway.stop());

const get = (url: string, accept?: string, method: 'GET' | 'POST' = 'GET') =>
  gateway.app.inject({ method, url, headers: accept === undefined ? {} : { accept } });

describe.each([
  ['/nope', 404, 'NOT_FOUND'],
  ['/nope/%3Cscript%3E?lang=en', 404, 'NOT_FOUND'],
  ['/refused', 403, 'FORBIDDEN'],
  ['/broken', 500, 'INTERNAL_SERVER_ERROR'],
  ['/verify?lang=%00', 400, 'BAD_USER_INPUT'],
])('%s', (url, status, code) => {
  test('is an object for a program', async () => {
    for (const accept of [undefined, '*/*', 'application/json', 'application/json, text/html']) {
      const answer = await get(url, accept);
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([status, 'application/json; charset=utf-8']);
      expect(answer.json()).toMatchObject({ code, message: expect.any(String) });
    }
  });

  test('is a page for a person, with the same code', async () => {
    const { statusCode, headers, body } = await get(url, BROWSER);
    expect([statusCode, headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(body).toContain(`<code>${code}</code>`);
    expect(body).not.toMatch(/<script|hunter2/);
    if (status === 500) expect(body).toMatch(/故障编号: <code>[\da-f-]{36}<\/code>/);
  });
});

test('a program that posts gets no page', async () => {
  expect((await get('/nope', BROWSER, 'POST')).json()).toMatchObject({ code: 'NOT_FOUND' });
});

describe('the field for an identifier', () => {
  test.each([
    ['/v', 200],
    ['/v?identifier=', 200],
    ['/v/x', 400],
  ])('is on %s', async (url, status) => {
    const { statusCode, headers, body } = await get(url);
    expect(statusCode).toBe(status);
    expect(headers['content-security-policy']).toContain("form-action 'self'");
    expect(body).toContain('<form method="get" action="/v"');
  });

  test.each([
    ['1.2.156.3005.2.1', '/v/1.2.156.3005.2.1?lang=zh'],
    [' 1.2.156.3005.2.1 \n', '/v/1.2.156.3005.2.1?lang=zh'],
    ['https://hub.example/v/1.2.156.3005.2.1?lang=en#eyJ', '/v/1.2.156.3005.2.1?lang=zh'],
    ['//evil.example/x', '/v/%2F%2Fevil.example%2Fx?lang=zh'],
    ['..', '/v/..?lang=zh'],
    ['x'.repeat(300), `/v/${'x'.repeat(120)}?lang=zh`],
  ])('leads from %j to its page', async (text, location) => {
    const answer = await get(`/v?${new URLSearchParams({ identifier: text })}`);
    if (text.includes('\n')) expect(answer.statusCode).toBe(400);
    else expect([answer.statusCode, answer.headers.location]).toEqual([303, location]);
  });

  test('shows what was asked, escaped', async () => {
    const { body } = await get(`/v/${encodeURIComponent('"><script>alert(1)</script>')}`);
    expect(body).not.toContain('<script>alert');
    expect(body).toContain('value=""');
    expect((await get('/v/1.2.3')).body).toContain('value="1.2.3"');
  });
});
