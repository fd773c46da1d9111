import { randomUUID } from 'node:crypto';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  currentRequest,
  logFailure,
  logFault,
  logWarning,
  noteSubject,
  runWithSubject,
  startLog,
} from '../../subgraphs/kernel/environment/log.ts';
import { redact, reduceError } from '../../subgraphs/kernel/environment/redaction/redact.ts';
import { createApp } from '../../subgraphs/kernel/http/http.ts';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CASE = randomUUID();
const identifierOf = (serial: string) =>
  writeLicenseIdentifier({ type: '11000000000090018B004', issuer: '11000000000000123W', serial, version: 1 });
const LICENSE = identifierOf('3607312026000001');

let lines: string[] = [];
const entries = () => lines.map((line) => JSON.parse(line));
beforeEach(() => {
  lines = [];
  startLog({ service: 'test', level: 'info', write: (line) => lines.push(line) });
});
afterAll(() => startLog({ service: 'hub', level: 'error' }));

const app = createApp((incident, error) => logFault(incident, error));
app.get('/fail/:name', async () => {
  noteSubject({ case: CASE, license: LICENSE });
  throw new Error('no such person "李四"');
});
app.get('/person/:code', async (_request, reply) => reply.code(404).send({}));
app.get('/fine', async () => ({ request: currentRequest() }));
app.post('/wrong', async () => {
  noteSubject({ case: '张三', license: '110101199003071234', request: 'x' });
  throw new Error('fault');
});

describe('requests', () => {
  test('one that fails has one line: id, method, route pattern, status and time', async () => {
    await app.inject({ url: '/person/110101199003071234?name=%E5%BC%A0%E4%B8%89' });
    expect(entries()).toEqual([
      {
        ...{ level: 'info', time: expect.any(String), service: 'test', request: expect.stringMatching(UUID) },
        ...{ event: 'request', method: 'GET', route: '/person/:code', status: 404, ms: expect.any(Number) },
      },
    ]);
  });

  test('one that succeeds has none', async () => {
    expect((await app.inject({ url: '/fine' })).json().request).toMatch(UUID);
    expect(lines).toEqual([]);
  });

  test('a fault and its request share id, method, route, case, license and incident', async () => {
    const { incident } = (await app.inject({ url: '/fail/x' })).json();
    const [fault, request] = entries();
    const place = { request: fault.request, method: 'GET', route: '/fail/:name' };
    const subject = { ...place, case: CASE, license: LICENSE, incident };
    expect(fault).toMatchObject({ ...subject, level: 'error', event: 'fault', error: { message: 'no such person …' } });
    expect(request).toMatchObject({ ...subject, level: 'warn', event: 'request', status: 500 });
    expect(lines).toHaveLength(2);
  });

  test('after a body too, and values without the form of an id are left out', async () => {
    await app.inject({ method: 'POST', url: '/wrong', payload: { a: 1 } });
    expect(entries().map(({ event, case: caseId, license }) => [event, caseId, license])).toEqual([
      ['fault', undefined, undefined],
      ['request', undefined, undefined],
    ]);
    expect(entries()[0].request).toMatch(UUID);
  });

  test.each([
    '1.2.156.3005.2.110101199003071234',
    '1.2.156.3005.2.13800138000',
    '1.2.156.3005.2.ZHANGSAN',
    `${LICENSE.slice(0, -1)}${LICENSE.endsWith('0') ? '1' : '0'}`,
    identifierOf('11010519491231002X'),
    identifierOf('13800138000'),
  ])('%s stands in no line as a license', (license) => {
    runWithSubject({}, () => {
      noteSubject({ license });
      logFault(randomUUID(), new Error('fault'));
      noteSubject({ license: LICENSE });
      logFault(randomUUID(), new Error('fault'));
    });
    expect(entries().map((entry) => entry.license)).toEqual([undefined, LICENSE]);
  });

  test("a subgraph takes the gateway's id, if it is one", async () => {
    const id = randomUUID();
    const ask = async (header: string) =>
      (await app.inject({ url: '/fine', headers: { 'x-request-id': header } })).json().request;
    expect(await ask(id)).toBe(id);
    expect(await ask('x\u0085y')).toMatch(UUID);
  });

  test.each(['%0d%0a%7B%22level%22', '%e2%80%a8', '%C2%85', '%zz', '%00', '%E5%BC%A0%E4%B8%89'])(
    'a path with %s is one line without its text',
    async (path) => {
      await app.inject({ url: `/${path}` });
      await app.inject({ url: `/person/${path}` });
      expect(lines).toHaveLength(2);
      for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]+\n$/);
      for (const { route } of entries()) expect(['unknown', '/person/:code']).toContain(route);
    },
  );
});

describe('errors', () => {
  const database = Object.assign(new Error('invalid input syntax for type uuid: "张三"'), {
    ...{ name: 'PostgresError', code: '22P02', severity: 'ERROR', detail: 'Key (holder)=(张三)' },
    ...{ schema_name: 'cases', table_name: 'case', constraint_name: 'case_pkey' },
  });

  test('of a database: code and place, neither statement nor values', () => {
    logFault(randomUUID(), new DrizzleQueryError('select $1', ['张三', 'ZhangSan'], database));
    expect(lines.join()).not.toMatch(/张三|ZhangSan|select|syntax/);
    expect(entries()[0].error.cause).toMatchObject({ code: '22P02', place: 'cases.case.case_pkey' });
  });

  test('calls are kept, lines of the message that look like calls are not', () => {
    const { at, message } = reduceError(new Error('x\n    at 张三 (evil.ts:1:1)\ny'));
    expect(at?.length).toBeGreaterThan(0);
    expect(at?.join()).not.toMatch(/张三|evil/);
    expect(at?.[0]).toContain('log.test.ts');
    expect(message).not.toContain('张三');
  });

  test("a caller's text is in no message, whatever quotation marks it holds", () => {
    const words =
      'Li Xiaoming Beijing Road phone 138 0013 8000 zhang@example.org 于都县 H0lder A1 xiaoming UNKNOWN7'.split(' ');
    for (const mark of ['"', "'", '`', '“', '”', '\\"', '\n', ' '])
      for (const [open, close] of ['""', "''", '``', '“”'])
        for (const text of [words.join(' '), words.join(mark), words.toReversed().join(`, ${mark} `)]) {
          const { message = '' } = reduceError(
            new Error(`Unknown operation named ${open}a${mark} ${text} ${mark}${close}`),
          );
          expect(message).toMatch(/^Unknown operation/);
          for (const word of words) expect([message, message.includes(word)]).toEqual([message, false]);
        }
  });

  test('the calls of an error whose message was replaced are not guessed', () => {
    const error = new Error('x\n    at zhang (evil.ts:1:1)');
    error.message = 'fault';
    error.stack = 'Error: x\n    at zhang (evil.ts:1:1)\n    at fault (log.ts:1:1)\n    at run (log.ts:2:1)';
    expect(reduceError(error)).toEqual({ name: 'Error', message: 'fault' });
  });

  test('a value that is no error, a chain of causes and a chain without end', () => {
    expect(reduceError('boom 张三')).toEqual({ name: 'Error', message: 'boom …' });
    const inner = new Error('inner');
    expect(reduceError(new Error('outer', { cause: inner })).cause?.message).toBe('inner');
    inner.cause = inner;
    expect(JSON.stringify(reduceError(inner)).match(/"inner"/g)).toHaveLength(4);
  });

  test.each([
    ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED 127.0.0.1:5432'],
    ['http://127.0.0.1:4004/sign: HTTP 500', 'http://127.0.0.1:4004/sign: HTTP 500'],
    ['holder 110101199003071234 unknown', 'holder … unknown'],
    ['holder "ZhangSan" and \'Li Si\'', 'holder … and …'],
    ['cut off "Zhang San', 'cut off …'],
    ['cut off “Zhang San', 'cut off …'],
    ['postgres://role:pass@db.test/hub', 'postgres://…@db.test/hub'],
    ['GET /v?name=ZhangSan failed', 'GET /v?… failed'],
    [`case ${CASE} is away`, `case ${CASE} is away`],
    ['Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhYmNkZWZnaCJ9.abcdefghijklmnopqrstuvwxyzabcd', 'Bearer ….….…'],
    ['一\r\n二\u2028三 done', '… done'],
    ['phone 138 0013 8000 or 0797 12345', '… or …'],
    ['connect ECONNREFUSED 10.0.0.5:5432, 138.001.38.000', 'connect ECONNREFUSED 10.0.0.5:5432, …'],
    ['HTTP 500, HTTP 138', 'HTTP 500, …'],
    ['Li Xiaoming, Beijing Road 5', '…, …'],
    ['mail zhang@example.org', '…@….…'],
  ])('the message %o is %o', (message, reduced) => {
    expect(redact(message)).toBe(reduced);
  });
});

test('failed background work names its stream, if it has the form of one', () => {
  logFailure(new Error('away'), `case:${CASE}`);
  logFailure(new Error('away'), 'certificate:赣（于）药字 12');
  logFailure(new Error('away'), `case:${CASE}`, CASE);
  expect(entries().map(({ level, stream, incident }) => [level, stream, incident])).toEqual([
    ['warn', `case:${CASE}`, undefined],
    ['warn', undefined, undefined],
    ['warn', `case:${CASE}`, CASE],
  ]);
});

test('the level leaves out what is less important', () => {
  startLog({ service: 'test', level: 'error', write: (line) => lines.push(line) });
  logWarning('of a library');
  expect(lines).toEqual([]);
  logFault(randomUUID(), new Error('fault'));
  expect(lines).toHaveLength(1);
});
