import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchBrowser, openPage } from '../support/browser.ts';
import { buildPdf } from '../support/files.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** What a page of another origin can do with the hub in Chromium, by `fetch` without any library. */
describe('a front end of another origin in Chromium', () => {
  let hub: TestHub;
  let browser: Browser;
  let hubOrigin: string;
  let page: Server;
  let allowedOrigin: string;
  let foreignOrigin: string;
  beforeAll(async () => {
    // One server, two origins: the name localhost is allowed, its address is not.
    page = createServer((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'));
    await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
    const { port } = page.address() as AddressInfo;
    allowedOrigin = `http://localhost:${port}`;
    foreignOrigin = `http://127.0.0.1:${port}`;
    hub = await createTestHub({ allowedOrigins: [allowedOrigin] });
    hubOrigin = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    page?.close();
    await hub?.stop();
  });

  /** Runs a function body in a page of `origin`. `hub`, `token` and `pdf` (base64) are its parameters. */
  const runIn = async (origin: string, body: string): Promise<unknown> => {
    const visit = await openPage(browser);
    await visit.page.goto(origin);
    const token = await hub.token('applicant-company');
    const pdf = buildPdf('from another origin').toString('base64');
    const run = `(async () => { const [hub, token, pdf] = ${JSON.stringify([hubOrigin, token, pdf])}; ${body} })()`;
    const answer = await visit.page.evaluate(run).catch((error: Error) => `failed: ${error.message.split('\n')[0]}`);
    await visit.context.close();
    return answer;
  };
  const QUERY = `const answer = await fetch(hub + '/graphql', { method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer ' + token },
    body: JSON.stringify({ query: '{ uploads(first: 1) { edges { node { id } } } }' }) });`;
  const UPLOAD = `const bytes = Uint8Array.from(atob(pdf), (character) => character.charCodeAt(0));
    const upload = await fetch(hub + '/cases/materials', { method: 'POST', body: bytes,
      headers: { 'content-type': 'application/pdf', 'x-file-name': encodeURIComponent('图.pdf'),
        authorization: 'Bearer ' + token } });
    const location = upload.headers.get('location');
    const file = await fetch(hub + location, { headers: { authorization: 'Bearer ' + token } });`;

  test('an allowed origin queries, uploads, downloads and reads public files', async () => {
    expect(await runIn(allowedOrigin, `${QUERY} return (await answer.json()).errors ?? answer.status;`)).toBe(200);
    const result = await runIn(
      allowedOrigin,
      `${UPLOAD} return [upload.status, file.status, file.headers.get('content-disposition'),
        (await file.arrayBuffer()).byteLength === bytes.length, Boolean(file.headers.get('x-request-id'))];`,
    );
    expect(result).toEqual([201, 200, expect.stringContaining("filename*=UTF-8''%E5%9B%BE.pdf"), true, true]);
    const status = `return (await fetch(hub + '/licenses/status-list')).status;`;
    expect(await runIn(allowedOrigin, status)).toBe(200);
  });

  test('an origin that is not listed cannot send a query or read an answer', async () => {
    expect(await runIn(foreignOrigin, `${QUERY} return answer.status;`)).toMatch(/^failed: .*Failed to fetch/);
    expect(await runIn(foreignOrigin, `${UPLOAD} return upload.status;`)).toMatch(/^failed: .*Failed to fetch/);
    const status = `return (await fetch(hub + '/licenses/status-list')).status;`;
    expect(await runIn(foreignOrigin, status)).toMatch(/^failed: .*Failed to fetch/);
  });

  test('a sandboxed frame, whose origin is null, cannot either', async () => {
    const frame = `<script>fetch('${hubOrigin}/health/live').then(() => parent.postMessage('read', '*'),
      () => parent.postMessage('refused', '*'))</script>`;
    const result = await runIn(
      allowedOrigin,
      `const frame = document.createElement('iframe'); frame.sandbox = 'allow-scripts';
       frame.srcdoc = ${JSON.stringify(frame).replaceAll('<', '\\u003c')};
       const message = new Promise((resolve) => addEventListener('message', (event) => resolve(event.data)));
       document.body.append(frame); return message;`,
    );
    expect(result).toBe('refused');
  });

  test('no page can frame the hub', async () => {
    const visit = await openPage(browser);
    await visit.page.goto(allowedOrigin);
    await visit.page.evaluate(`new Promise((resolve) => { const frame = document.createElement('iframe');
      frame.src = '${hubOrigin}/'; frame.onload = resolve; document.body.append(frame); })`);
    await expect.poll(() => visit.complaints.join()).toMatch(/frame-ancestors/);
    await visit.context.close();
  });
});
