import { connect } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLibrary } from '../../scripts/city-library/app.ts';
import { pem } from './authority.ts';
import {
  type Authority,
  CLIENT,
  firstReasonCode,
  LIBRARY_NAME,
  makeAuthority,
  makeLicense,
  openTestLibrary,
  type TestLibrary,
  toRequestBody,
} from './test-library.ts';

let authority: Authority;
let library: TestLibrary;
const errors: unknown[] = [];
const PATHS = ['/certificates/validate', '/certificates/collect', '/certificates/verify'];

beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority, errors);
});
afterAll(() => library.close());

/** Sends any payload. Every answer must be JSON from the library. */
async function send(path: string, payload: string, headers: Record<string, string> = {}) {
  const allHeaders = {
    'content-type': 'application/json',
    authorization: `Bearer ${await library.token()}`,
    ...headers,
  };
  const response = await library.app().inject({ method: 'POST', url: path, headers: allHeaders, payload });
  expect(response.headers['content-type']).toContain('application/json');
  expect(response.body).not.toMatch(/\bat .*\.ts|stack/);
  return { status: response.statusCode, ...response.json() };
}

describe('tokens', () => {
  const requestCertificate = (headers: Record<string, string>) =>
    library.app().inject({ url: '/certificates/x', headers });

  it('refuses a request without a token or with a forged, altered or expired one', async () => {
    const token = await library.token();
    const [endsAt, tag] = token.split('.');
    const forgedTokens = [`${Number(endsAt) + 1}.${tag}`, `${endsAt}.x`, 'x', '..', token.slice(0, -1)];
    expect(firstReasonCode((await requestCertificate({})).json())).toBe('TOKEN_MISSING');
    for (const text of forgedTokens)
      expect(firstReasonCode((await requestCertificate({ authorization: `Bearer ${text}` })).json())).toBe(
        'TOKEN_INVALID',
      );
    expect((await requestCertificate({ authorization: `Basic ${token}` })).statusCode).toBe(401);
    library.clock.advance(601_000);
    const lateResponse = await requestCertificate({ authorization: `Bearer ${token}` });
    expect(lateResponse.statusCode).toBe(401);
    expect(firstReasonCode(lateResponse.json())).toBe('TOKEN_EXPIRED');
  });

  it('issues no token for a wrong secret, a wrong client or another grant type', async () => {
    const grant = { grant_type: 'client_credentials', client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret };
    const token = (change: object) => send('/token', JSON.stringify({ ...grant, ...change }));
    expect(await token({})).toMatchObject({ status: 200, token_type: 'Bearer', expires_in: 600 });
    expect(firstReasonCode(await token({ client_secret: 'wrong' }))).toBe('CLIENT_UNKNOWN');
    expect(firstReasonCode(await token({ client_id: 'other' }))).toBe('CLIENT_UNKNOWN');
    expect(firstReasonCode(await token({ grant_type: 'password' }))).toBe('REQUEST_MALFORMED');
    expect((await token({ client_secret: 'x'.repeat(5000) })).status).toBe(413);
  });

  it('checks the token before it reads the body', async () => {
    const response = await library.app().inject({ method: 'POST', url: PATHS[0], payload: 'x'.repeat(9_000_000) });
    expect(response.statusCode).toBe(401);
  });
});

describe('bad input', () => {
  it('answers garbage on every path with a clear error', async () => {
    const deepJson = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{}',
      deepJson,
      '{"__proto__":{"x":1}}',
      '\u0000',
      '{"identifier":5}',
    ];
    for (const path of [...PATHS, '/token']) {
      for (const body of bodies) {
        const answer = await send(path, body);
        const isEmptyQuestion = path.endsWith('verify') && body === '{}';
        expect(answer.status, `${path} ${body.slice(0, 20)}`).toBe(
          isEmptyQuestion ? 200 : path === '/token' && body === deepJson ? 413 : 400,
        );
        if (!isEmptyQuestion) expect(answer).toMatchObject({ code: 0, temporary: false });
      }
      expect((await send(path, '<a/>', { 'content-type': 'text/xml' })).status).toBe(400);
    }
  });

  it('refuses each missing or malformed field', async () => {
    const validBody = toRequestBody(makeLicense(authority, 'D001').version('ISSUE', 1, 1));
    const malformedFields: Record<string, unknown> = {
      codeList: 'other-1',
      stream: 'a\u0000b',
      revision: 0,
      act: 'SPOIL',
      identifier: '',
      number: 'x'.repeat(129),
      version: 1.5,
      state: 'GOOD',
      changedAt: 'yesterday',
      record: [],
      documentDigest: 'XYZ',
      document: 'not base64!',
      mediaType: 'text/plain',
      signature: '',
    };
    for (const [field, value] of Object.entries(malformedFields)) {
      for (const body of [
        { ...validBody, [field]: value },
        { ...validBody, [field]: undefined },
      ]) {
        const answer = await send('/certificates/collect', JSON.stringify(body));
        expect(firstReasonCode(answer), field).toBe('REQUEST_MALFORMED');
      }
    }
    const deepRecord = JSON.stringify(validBody).replace(
      /"record":\{/,
      `"record":{"x":${'['.repeat(150_000)}${']'.repeat(150_000)},`,
    );
    expect(firstReasonCode(await send('/certificates/collect', deepRecord))).toBe('REQUEST_MALFORMED');
  });

  it('refuses a body over 8 MiB', async () => {
    for (const path of PATHS)
      expect(firstReasonCode(await send(path, `"${'x'.repeat(8 * 1024 * 1024)}"`))).toBe('TOO_LARGE');
  });

  it('answers unknown paths, methods and identifiers with an error', async () => {
    const authorization = `Bearer ${await library.token()}`;
    for (const url of [
      '/nowhere',
      '/certificates/x',
      '/certificates/a%00b',
      '/certificates/%E4%B8%AD',
      `/certificates/${'1'.repeat(120)}`,
    ]) {
      const response = await library.app().inject({ url, headers: { authorization } });
      expect(response.statusCode, url).toBe(404);
      expect(firstReasonCode(response.json())).toBe('NOT_FOUND');
    }
    for (const url of ['/certificates/%', `/certificates/${'1'.repeat(500)}`]) {
      const response = await library.app().inject({ url, headers: { authorization } });
      expect(response.json(), url).toMatchObject({ code: 0 });
    }
    expect((await library.app().inject({ method: 'DELETE', url: '/token' })).json()).toMatchObject({ code: 0 });
  });

  it('closes a connection that does not use HTTP', async () => {
    const address = await library.app().listen({ port: 0, host: '127.0.0.1' });
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(address).port), '127.0.0.1', () => socket.write('garbage\r\n\r\n'));
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk;
      });
      socket.on('close', () => resolve(received)).on('error', reject);
    });
    expect(answer).toContain('400');
  });

  it('reported none of it as an internal error', () => expect(errors).toEqual([]));
});

describe('public pages', () => {
  it('report that the library is live, and show counts without personal data', async () => {
    const otherLibrary = await openTestLibrary(authority);
    await otherLibrary.collect(makeLicense(authority, 'D002').version('ISSUE', 1, 1));
    expect((await otherLibrary.app().inject('/health/live')).json()).toEqual({ status: 'live' });
    const page = await otherLibrary.app().inject('/');
    expect(page.body).toContain('<td>有效</td><td>1</td>');
    expect(page.body).not.toContain('于都测试有限公司');
    await otherLibrary.close();
  });
});

describe('a library without its database or root', () => {
  it('answers that the same request may succeed later, while its database is unavailable', async () => {
    const faults: unknown[] = [];
    const otherLibrary = await openTestLibrary(authority, faults);
    const delivery = makeLicense(authority, 'D003').version('ISSUE', 1, 1);
    const admin = postgres(new URL('/postgres', library.databaseUrl).href, { max: 1 });
    const name = new URL(otherLibrary.databaseUrl).pathname.slice(1);
    await admin`alter database ${admin(name)} with allow_connections false`;
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
    const answerWhileDown = await otherLibrary.collect(delivery);
    expect(answerWhileDown).toMatchObject({ code: 0, temporary: true });
    expect(answerWhileDown.status).toBeGreaterThanOrEqual(500);
    expect(faults.length).toBeGreaterThan(0);
    await admin`alter database ${admin(name)} with allow_connections true`;
    await admin.end();
    await expect.poll(async () => (await otherLibrary.collect(delivery)).code, { timeout: 10_000 }).toBe(1);
    await otherLibrary.close();
  });

  const options = () => ({
    databaseUrl: library.databaseUrl,
    rootPem: pem(authority.root.certificate),
    name: LIBRARY_NAME,
    logKeys: [],
    ...CLIENT,
    now: library.clock,
  });

  it('does not open without a database or a root', async () => {
    await expect(createLibrary({ ...options(), databaseUrl: 'postgres://x@127.0.0.1:1/x' })).rejects.toThrow(
      /ECONNREFUSED/,
    );
    await expect(createLibrary({ ...options(), rootPem: 'nothing' })).rejects.toThrow('没有根证书');
  });
});
