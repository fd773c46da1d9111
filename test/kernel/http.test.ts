import { describe, expect, test } from 'vitest';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { TokenError } from '../../subgraphs/kernel/sealing/token.ts';

const SQL_TEXT = 'Failed query: select * from licenses.version where identifier = $1';
const incidents: unknown[][] = [];
const app = createApp((...fault) => incidents.push(fault), { bodyLimit: 100 });
app.get('/fail', async () => {
  throw new Error(SQL_TEXT);
});
app.get('/token', async () => {
  throw new TokenError('TOKEN_EXPIRED');
});
app.get('/find/:id', async () => 'found');
app.post('/post', async () => 'posted');

const send = async (url: string, options: object = {}) => {
  const { statusCode, body } = await app.inject({ url, ...options });
  return { status: statusCode, body };
};

describe('errors of a route', () => {
  test('a fault has a number and no text', async () => {
    const { status, body } = await send('/fail');
    const answer = JSON.parse(body);
    expect([status, answer.code]).toEqual([500, 'INTERNAL_SERVER_ERROR']);
    expect(body).not.toContain('select');
    expect(incidents).toEqual([[answer.incident, new Error(SQL_TEXT)]]);
  });

  test.each([
    ['an unknown path', '/nothing', {}, 404, 'NOT_FOUND'],
    ['a path that cannot be decoded', '/find/%zz', {}, 400, 'BAD_REQUEST'],
    [
      'a body that is no JSON',
      '/post',
      { method: 'POST', payload: '{', headers: { 'content-type': 'application/json' } },
      400,
      'BAD_REQUEST',
    ],
    ['a body above the limit', '/post', { method: 'POST', payload: { a: 'x'.repeat(200) } }, 413, 'REQUEST_TOO_LARGE'],
    [
      'an unknown type',
      '/post',
      { method: 'POST', payload: 'a', headers: { 'content-type': 'a/b' } },
      415,
      'MEDIA_TYPE_NOT_ALLOWED',
    ],
    ['an expired token', '/token', {}, 401, 'TOKEN_EXPIRED'],
    ['NUL in the path', '/find/%00', {}, 400, 'BAD_USER_INPUT'],
    ['a direction mark in the query', '/find/a?b=%E2%80%AE', {}, 400, 'BAD_USER_INPUT'],
    ['a bad name in the query', '/find/a?%00=b', {}, 400, 'BAD_USER_INPUT'],
    ['the second of two values', '/find/a?b=1&b=%0A', {}, 400, 'BAD_USER_INPUT'],
  ])('%s', async (_name, url, options, status, code) => {
    const answer = await send(url, options);
    expect(answer.status).toBe(status);
    expect(Object.keys(JSON.parse(answer.body))).toEqual(['code', 'message']);
    expect(JSON.parse(answer.body).code).toBe(code);
  });

  test('names the wrong parameter and character', async () => {
    const { body } = await send('/find/a%E2%80%8B');
    expect(JSON.parse(body).message).toBe('参数 id 不符合要求：第2字 U+200B 是看不见的字符，请删去。');
  });
});
