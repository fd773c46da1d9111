import type { AddressInfo } from 'node:net';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createFileLinks } from '../../gateway/file-link/link.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitForNotices } from '../support/sealed-notices.ts';
import { createUpload } from '../support/upload.ts';

/** Links to files, as a browser uses them: without a header. Each use is a reading for the purpose of the link. */

const START = '2026-03-02T01:00:00Z';
const CLERK = 'yudu-lyj.clerk';
const APPROVER = 'yudu-lyj.approver';
const HOLDER = 'applicant-company';

describe.each(['local', 'http'] as const)('links to files (%s)', (transport) => {
  const serviceKeys = generateServiceKeys();
  let clock: TestClock;
  let hub: TestHub;
  let sql: postgres.Sql;
  let origin: string;
  let urls: { document: string; material: string; notice: string };

  beforeAll(async () => {
    clock = testClock(START);
    hub = await createTestHub({ transport, now: clock, serviceKeys, allowedOrigins: ['https://office.example'] });
    sql = postgres(hub.adminUrl, { max: 1, onnotice: () => {} });
    const upload = await createUpload(hub, HOLDER);
    const id = await grantCase(hub, ROUTES.DIRECT, { materials: [{ code: '图纸', upload }] });
    const license = await issueGrantedLicense(hub, ROUTES.DIRECT, id, 1);
    const [notice] = await waitForNotices(hub, id);
    urls = {
      document: license.document.url,
      material: `/cases/materials/${upload}`,
      notice: notice?.url ?? '',
    };
    await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    origin = `http://127.0.0.1:${(hub.hub.app.server.address() as AddressInfo).port}`;
  }, 60_000);
  afterAll(async () => {
    await sql?.end();
    await hub?.stop();
  });
  beforeEach(() => clock.set(START));

  const countReadings = async () => {
    const [row] = await sql`select (select count(*) from cases.reading) + (select count(*) from licenses.reading) as n`;
    return Number(row?.n);
  };
  async function post(person: string | null, body: unknown) {
    const headers = new Headers({ 'content-type': 'application/json' });
    if (person !== null) headers.set('authorization', `Bearer ${await hub.token(person)}`);
    const response = await fetch(`${origin}/file-links`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }
  async function makeLink(url: string, changes: object = {}): Promise<string> {
    const { status, body } = await post(CLERK, { url, purpose: 'VERIFICATION', ...changes });
    expect([status, body]).toEqual([201, { url: expect.any(String), expiresAt: expect.any(String) }]);
    return body.url;
  }
  const open = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${origin}${url}`, { method, headers, redirect: 'manual' });
  const codeOf = async (response: Response) => [response.status, (await response.json()).code];

  test('a link opens each kind of file without a header, and only its use is a reading', async () => {
    for (const url of Object.values(urls)) {
      const before = await countReadings();
      const link = await makeLink(url, { remark: '窗口核对' });
      expect(await countReadings()).toBe(before);
      for (let use = 1; use <= 2; use++) {
        const response = await open(link);
        expect([response.status, (await response.arrayBuffer()).byteLength > 100]).toEqual([200, true]);
        expect(await countReadings()).toBe(before + use);
      }
    }
    const rows = await sql`select purpose, remark, reader_id from cases.reading order by at desc limit 2`;
    expect(rows).toMatchObject([
      { purpose: 'VERIFICATION', remark: '窗口核对' },
      { purpose: 'VERIFICATION', remark: '窗口核对' },
    ]);
  });

  test('what the browser that uses a link says of purpose and remark does not count', async () => {
    const link = await makeLink(urls.material);
    const strange = { 'x-purpose': 'AUDIT', 'x-purpose-remark': encodeURIComponent('别人的话') };
    expect((await open(link, strange)).status).toBe(200);
    const [row] = await sql`select purpose, remark from cases.reading order by serial desc limit 1`;
    expect(row).toMatchObject({ purpose: 'VERIFICATION', remark: null });
  });

  test.each(['purpose', 'remark'])('a %s that no header can hold is refused', async (name) => {
    const { status } = await post(CLERK, { url: urls.document, purpose: 'VERIFICATION', [name]: '\ud800' });
    expect(status).toBe(400);
  });

  test('an inline link may be framed by the hub and the allowed origins, any other is saved', async () => {
    const inline = await open(await makeLink(urls.document, { inline: true }));
    expect(inline.headers.get('content-disposition')).toMatch(/^inline; /);
    expect(inline.headers.get('content-security-policy')).toBe("frame-ancestors 'self' https://office.example");
    const saved = await open(await makeLink(urls.document));
    expect(saved.headers.get('content-disposition')).toMatch(/^attachment; /);
    expect(saved.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    for (const { headers } of [inline, saved]) {
      expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('a part of a file comes by a link too', async () => {
    const response = await open(await makeLink(urls.document), { range: 'bytes=0-3' });
    expect([response.status, await response.text()]).toEqual([206, '%PDF']);
  });

  test('a link that has ended is refused, for people as a page', async () => {
    const link = await makeLink(urls.document);
    clock.set('2026-03-02T01:02:01Z');
    expect(await codeOf(await open(link))).toEqual([410, 'LINK_EXPIRED']);
    const page = await open(link, { accept: 'text/html,application/xhtml+xml' });
    expect([page.status, page.headers.get('content-type')]).toEqual([410, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('此链接已过期');
  });

  test('a changed link, that of another file, and that of another hub are refused', async () => {
    const before = await countReadings();
    const link = await makeLink(urls.document);
    const [path = '', text = ''] = link.split('?link=');
    const flip = (at: number) => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    const foreign = createFileLinks(generateServiceKeys().identities.gateway, clock);
    const content = { token: await hub.token(CLERK), purpose: 'VERIFICATION', remark: null, isInline: false };
    const texts = [
      ...[flip(0), flip(20), flip(60), flip(text.length - 2), text.slice(0, -4), `${text}AAAA`, `${text}=`],
      ...['', 'x', text.repeat(2), text.slice(0, 38), '%00', '中'],
      foreign.seal({ ...content, expiresAt: clock().getTime() + 60_000 }, path),
    ];
    for (const wrong of texts)
      expect([wrong, await codeOf(await open(`${path}?link=${wrong}`))]).toEqual([wrong, [403, 'LINK_INVALID']]);
    expect(await codeOf(await open(`${urls.material}?link=${text}`))).toEqual([403, 'LINK_INVALID']);
    expect((await open(`${path}?link=${text}`, {}, 'POST')).status).toBe(404);
    expect(await countReadings()).toBe(before);
    expect((await open('/file-links/refused/OTHER')).status).toBe(404);
  });

  test('a link says nothing of rights: who has lost them meanwhile is refused', async () => {
    const { identities } = serviceKeys;
    const links = createFileLinks(identities.gateway, clock);
    const expiresAt = clock().getTime() + 60_000;
    const path = urls.document;
    // What the person could read when the link was made, and now cannot.
    const stranger = { token: await hub.token('xingguo-lyj.clerk'), purpose: 'VERIFICATION', remark: null };
    const link = links.seal({ ...stranger, isInline: false, expiresAt }, path);
    expect(await codeOf(await open(`${path}?link=${link}`))).toEqual([404, 'FILE_UNKNOWN']);
    const page = await open(`${path}?link=${link}`, { accept: 'text/html,application/xhtml+xml' });
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('<code>FILE_UNKNOWN</code>');
    expect(page.headers.get('cache-control')).toBe('no-store');
    const unfit = { ...stranger, token: await hub.token(CLERK), purpose: 'AUDIT' };
    const unfitLink = links.seal({ ...unfit, isInline: false, expiresAt }, path);
    expect(await codeOf(await open(`${path}?link=${unfitLink}`))).toEqual([422, 'PURPOSE_UNFIT']);
    const ended = links.seal({ ...unfit, token: 'a.b.c', isInline: false, expiresAt }, path);
    expect(await codeOf(await open(`${path}?link=${ended}`))).toEqual([401, 'TOKEN_INVALID']);
  });

  test('a link is given only for what its maker may read, for a purpose that fits', async () => {
    const request = { url: urls.document, purpose: 'VERIFICATION' };
    const before = await countReadings();
    const refused: [string | null, unknown, number, string][] = [
      [null, request, 401, 'UNAUTHENTICATED'],
      [CLERK, { url: urls.document }, 422, 'PURPOSE_MISSING'],
      [CLERK, { ...request, purpose: 'CURIOSITY' }, 422, 'PURPOSE_UNKNOWN'],
      [APPROVER, { ...request, purpose: 'AUDIT' }, 422, 'PURPOSE_UNFIT'],
      [CLERK, { ...request, remark: '字'.repeat(300) }, 422, 'FIELD_TOO_LONG'],
      ['xingguo-lyj.clerk', request, 404, 'FILE_UNKNOWN'],
      [CLERK, { ...request, url: `/files/${'0'.repeat(64)}` }, 404, 'FILE_UNKNOWN'],
      [CLERK, { ...request, url: '/graphql' }, 404, 'FILE_UNKNOWN'],
      [CLERK, { ...request, url: '/files/../health/live' }, 404, 'FILE_UNKNOWN'],
      [CLERK, { ...request, url: 'http://[' }, 404, 'FILE_UNKNOWN'],
      [CLERK, { purpose: 'VERIFICATION' }, 400, 'BAD_USER_INPUT'],
      [CLERK, { ...request, more: 1 }, 400, 'BAD_USER_INPUT'],
      [CLERK, { ...request, inline: 'yes' }, 400, 'BAD_USER_INPUT'],
      [CLERK, [], 400, 'BAD_USER_INPUT'],
      [CLERK, '{', 400, 'BAD_REQUEST'],
      [CLERK, JSON.stringify({ ...request, remark: 'x'.repeat(20_000) }), 413, 'REQUEST_TOO_LARGE'],
    ];
    for (const [person, body, status, code] of refused) {
      const answer = await post(person, body);
      expect([body, answer.status, answer.body.code]).toEqual([body, status, code]);
    }
    expect(await countReadings()).toBe(before);
    // The holder needs no purpose, and no reading is recorded.
    const { status, body } = await post(HOLDER, { url: `${origin}${urls.document}` });
    expect([status, (await open(body.url)).status, await countReadings()]).toEqual([201, 200, before]);
  });
});
