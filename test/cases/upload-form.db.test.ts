import { request as sendHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_FILE_BYTES } from '../../subgraphs/cases/material/upload/file.ts';
import { buildPdf } from '../support/files.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { uploadFile } from '../support/upload.ts';

/** Uploads by a form (`multipart/form-data`), over real HTTP: the same limits and refusals as raw bytes. */

const APPLICANT = 'applicant-company';
const BOUNDARY = 'x-test-boundary';
const LONG_MS = 600_000;

describe.each(['local', 'http'] as const)('uploads by form (%s)', (transport) => {
  let hub: TestHub;
  let port: number;
  beforeAll(async () => {
    const receive = { totalMs: LONG_MS, minBytesPerSecond: 0, windowMs: LONG_MS };
    hub = await createTestHub({ transport, uploadLimits: { places: { inAll: 2, perPerson: 1 }, receive } });
    await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    port = (hub.hub.app.server.address() as AddressInfo).port;
  });
  afterAll(() => hub?.stop());

  async function post(body: FormData | Buffer, type?: string, person: string | null = APPLICANT) {
    const headers = new Headers(type === undefined ? {} : { 'content-type': type });
    if (person !== null) headers.set('authorization', `Bearer ${await hub.token(person)}`);
    const content = body instanceof FormData ? body : new Uint8Array(body);
    const response = await fetch(`http://127.0.0.1:${port}/cases/materials`, {
      method: 'POST',
      headers,
      body: content,
    });
    return { status: response.status, body: await response.json() };
  }
  const buildForm = (bytes: Uint8Array, name = '平面图.pdf', type = 'application/pdf') => {
    const form = new FormData();
    form.set('remark', '其他字段');
    form.set('file', new File([new Uint8Array(bytes)], name, { type }));
    return form;
  };
  /** Writes a form by hand, for what no browser sends. */
  const write = (...parts: string[]) => Buffer.from(parts.join('\r\n'));
  const head = (name: string) => [
    `--${BOUNDARY}`,
    `content-disposition: form-data; name="file"; filename="${name}"`,
    'content-type: application/pdf',
    '',
  ];
  const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
  const END = `--${BOUNDARY}--\r\n`;
  const PDF = buildPdf('form').toString('latin1');

  test('a form of a browser gives the same upload as the bytes alone', async () => {
    const bytes = buildPdf(crypto.randomUUID());
    const sent = await post(buildForm(bytes));
    expect(sent).toMatchObject({ status: 201, body: { name: '平面图.pdf', mediaType: 'application/pdf' } });
    const raw = await uploadFile(hub, APPLICANT, bytes, { name: '平面图.pdf' });
    expect(raw.body).toMatchObject({ digest: sent.body.digest, sizeBytes: sent.body.sizeBytes, name: sent.body.name });
    expect(sent.body.sizeBytes).toBe(bytes.length);
  });

  test('a part without a type is judged by its bytes', async () => {
    const untyped = head('a.pdf').filter((line) => !line.startsWith('content-type'));
    const body = Buffer.from([...untyped, PDF, END].join('\r\n'), 'latin1');
    expect(await post(body, TYPE)).toMatchObject({ status: 201, body: { mediaType: 'application/pdf' } });
  });

  test('files are refused as they are without a form', async () => {
    const refused: [FormData, number, string][] = [
      [buildForm(Buffer.alloc(0)), 422, 'FILE_EMPTY'],
      [buildForm(Buffer.from('hello')), 422, 'FILE_TYPE_NOT_ALLOWED'],
      [buildForm(buildPdf(), 'a.png', 'image/png'), 422, 'FILE_TYPE_MISMATCH'],
      [buildForm(buildPdf(), '../a.pdf'), 422, 'FIELD_MALFORMED'],
      [buildForm(buildPdf(), `${'名'.repeat(200)}.pdf`), 422, 'FIELD_TOO_LONG'],
      [buildForm(Buffer.alloc(MAX_FILE_BYTES + 1, '%PDF-')), 413, 'FILE_TOO_LARGE'],
      [buildForm(Buffer.alloc(MAX_FILE_BYTES + 200_000)), 413, 'FILE_TOO_LARGE'],
    ];
    for (const [form, status, code] of refused) {
      const answer = await post(form);
      expect([code, answer.status, answer.body.code]).toEqual([code, status, code]);
    }
    expect(await post(buildForm(buildPdf()), undefined, null)).toMatchObject({ status: 401 });
    expect(await post(buildForm(buildPdf()), undefined, 'auditor')).toMatchObject({
      ...{ status: 422, body: { code: 'ROLE_NOT_ALLOWED' } },
    });
  });

  test('a form that is none, or whose end is missing, is refused', async () => {
    const two = buildForm(buildPdf());
    two.append('file', new File([new Uint8Array(buildPdf('b'))], 'b.pdf', { type: 'application/pdf' }));
    const none = new FormData();
    none.set('text', 'x');
    const manyHeaders = Array.from({ length: 100 }, (_, i) => `x-${i}: ${'y'.repeat(200)}`);
    const wrong: [FormData | Buffer, string | undefined, number, string][] = [
      [two, undefined, 422, 'FIELD_MALFORMED'],
      [none, undefined, 422, 'FIELD_MALFORMED'],
      [write(...head('a.pdf'), PDF, END), 'multipart/form-data', 422, 'FIELD_MALFORMED'],
      [write(...head('a.pdf'), PDF, END), 'multipart/form-data; boundary=another', 400, 'UPLOAD_BROKEN_OFF'],
      [write(...head('a.pdf'), PDF), TYPE, 400, 'UPLOAD_BROKEN_OFF'],
      [write(`--${BOUNDARY}`, 'content-dispo'), TYPE, 400, 'UPLOAD_BROKEN_OFF'],
      [Buffer.from(''), TYPE, 400, 'UPLOAD_BROKEN_OFF'],
      [Buffer.from(END), TYPE, 422, 'FIELD_MALFORMED'],
      [Buffer.alloc(30_000, '\r\n--'), TYPE, 400, 'UPLOAD_BROKEN_OFF'],
    ];
    for (const [body, type, status, code] of wrong) {
      const answer = await post(body, type);
      expect([String(body).slice(0, 60), type, answer.status, answer.body.code]).toEqual([
        ...[String(body).slice(0, 60), type, status, code],
      ]);
    }
    const odd = await post(write(...head('a.pdf').slice(0, 2), ...manyHeaders, '', PDF, END), TYPE);
    // Headers beyond the limit are dropped.
    expect(odd.status).toBe(201);
  });

  test('a form that breaks off gives its place back', async () => {
    const token = await hub.token(APPLICANT);
    const begin = () => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': TYPE, 'content-length': MAX_FILE_BYTES };
      const sending = sendHttp({ port, host: '127.0.0.1', method: 'POST', path: '/cases/materials', headers });
      sending.on('error', () => {});
      sending.write(write(...head('a.pdf'), '%PDF-1.7'));
      return sending;
    };
    let held = begin();
    for (;;) {
      await pause(100);
      const { body } = await post(buildForm(buildPdf()));
      if (body.code === 'RATE_LIMITED') break;
      held.destroy();
      held = begin();
    }
    held.destroy();
    await expect.poll(async () => (await post(buildForm(buildPdf('again')))).status, { timeout: 30_000 }).toBe(201);
  });
});
