import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sendFile } from '../../subgraphs/kernel/http/answer/file.ts';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway } from '../support/stubs.ts';

/** Files for browsers: conditional requests, ranges, compression (RFC 9110). */

const bytes = randomBytes(5_000);
const digest = createHash('sha256').update(bytes).digest('hex');
const etag = `"${digest}"`;
const LONG = { code: 'OK', items: Array.from({ length: 500 }, (_, i) => ({ number: i, name: '林木采伐许可证' })) };

let gateway: StubGateway;
beforeAll(async () => {
  gateway = await createStubGateway(testClock('2026-03-02'), {}, 'local', {
    mount: async (app) => {
      app.get('/file', (request, reply) => sendFile(request, reply, { bytes, digest, mediaType: 'application/pdf' }));
      app.get('/text', (request, reply) =>
        sendFile(request, reply, { bytes: Buffer.from(JSON.stringify(LONG)), digest, mediaType: 'application/json' }),
      );
      app.get('/long', async () => LONG);
      app.get('/short', async () => ({ code: 'OK' }));
    },
  });
});
afterAll(() => gateway.stop());

const get = (url: string, headers: Record<string, string> = {}) => gateway.app.inject({ url, headers });

describe('a file that the caller has', () => {
  test.each([
    [etag, 304],
    [`W/${etag}`, 304],
    [`"other", ${etag}`, 304],
    [`"other" ,W/${etag}`, 304],
    ['*', 304],
    ['"other"', 200],
    [digest, 200],
    ['', 200],
    ['"', 200],
  ])('If-None-Match: %s', async (value, status) => {
    const answer = await get('/file', { 'if-none-match': value });
    expect([answer.statusCode, answer.headers.etag, answer.rawPayload.length]).toEqual([
      status,
      etag,
      status === 304 ? 0 : bytes.length,
    ]);
  });
});

describe('a part of a file', () => {
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=100-199', 100, 199],
    ['bytes=4990-', 4990, 4999],
    ['bytes=-10', 4990, 4999],
    ['bytes=0-99999', 0, 4999],
    ['bytes=-99999', 0, 4999],
  ])('Range: %s', async (range, start, end) => {
    const answer = await get('/file', { range });
    expect([answer.statusCode, answer.headers['content-range']]).toEqual([206, `bytes ${start}-${end}/5000`]);
    expect(answer.rawPayload.equals(bytes.subarray(start, end + 1))).toBe(true);
    expect(answer.headers['content-length']).toBe(String(end - start + 1));
  });

  test.each(['bytes=5000-', 'bytes=9999-99999', 'bytes=-0'])('Range: %s is beyond the end', async (range) => {
    const answer = await get('/file', { range });
    expect([answer.statusCode, answer.headers['content-range']]).toEqual([416, 'bytes */5000']);
    expect(answer.json().code).toBe('RANGE_NOT_SATISFIABLE');
  });

  test.each([
    'bytes',
    'bytes=',
    'bytes=x-y',
    'items=0-1',
    'bytes=0-1,10-11',
    '\u00e9',
    `bytes=${'0-1,'.repeat(2_000)}0-1`,
  ])('Range: %s gets the whole file', async (range) => {
    const answer = await get('/file', { range });
    expect([answer.statusCode, answer.rawPayload.length]).toEqual([200, 5_000]);
  });

  test.each([
    [etag, 206],
    [`W/${etag}`, 200],
    ['"other"', 200],
    ['Wed, 21 Oct 2015 07:28:00 GMT', 200],
  ])('If-Range: %s', async (ifRange, status) => {
    expect((await get('/file', { range: 'bytes=0-9', 'if-range': ifRange })).statusCode).toBe(status);
  });
});

describe('compression', () => {
  const accept = { 'accept-encoding': 'gzip, deflate, br' };

  test('an answer is compressed for who accepts it, and says on what it depends', async () => {
    const answer = await get('/long', { ...accept, origin: 'https://office.example' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(answer.rawPayload).toString())).toEqual(LONG);
    expect(String(answer.headers.vary).toLowerCase()).toMatch(/accept-encoding/);
    expect(String(answer.headers.vary)).toMatch(/Origin/);
    for (const headers of [{}, { 'accept-encoding': 'identity' }, { 'accept-encoding': 'gzip;q=0' }]) {
      expect((await get('/long', headers as Record<string, string>)).json()).toEqual(LONG);
    }
  });

  test('GraphQL is compressed too', async () => {
    const payload = { query: '{ __schema { types { name description fields { name description } } } }' };
    const answer = await gateway.app.inject({ method: 'POST', url: '/graphql', headers: accept, payload });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(answer.rawPayload).toString()).errors).toBeUndefined();
  });

  test('neither is what is short, nor a file with a tag, nor a part of one', async () => {
    for (const [url, headers] of [
      ['/short', {}],
      ['/text', {}],
      ['/text', { range: 'bytes=0-2000' }],
    ] as const) {
      expect((await get(url, { ...accept, ...headers })).headers).not.toHaveProperty('content-encoding');
    }
  });

  test('a static file has a tag for each form', async () => {
    const [plain, packed] = [await get('/page/style.css'), await get('/page/style.css', accept)];
    expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true);
    expect(packed.headers.etag).not.toBe(plain.headers.etag);
    for (const { headers } of [plain, packed]) {
      expect(String(headers.vary).toLowerCase()).toContain('accept-encoding');
      expect(headers.etag).toMatch(/^"[0-9a-f]{64}"$/);
    }
    const again = await get('/page/style.css', { ...accept, 'if-none-match': String(packed.headers.etag) });
    expect(again.statusCode).toBe(304);
  });

  test('a compressed request is not decompressed', async () => {
    const payload = gzipSync(JSON.stringify({ query: '{ __typename }' }));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await gateway.app.inject({ method: 'POST', url: '/graphql', headers, payload });
    expect([answer.statusCode, answer.json().errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
  });
});
