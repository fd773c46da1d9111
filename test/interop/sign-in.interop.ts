import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDemoPerson, listDemoPeople } from '../../scripts/demo/people.ts';
import { addDevelopmentIssuer, DEVELOPMENT_PATH, describeDevelopmentIssuer } from '../../scripts/hub/issuer/issuer.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { readOrgans } from '../../seeds/load.ts';
import { launchBrowser, openPage, requireAccessible, requireNoHorizontalScroll } from '../support/browser.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/** An office's front end, and the explorer, sign in at the issuer of development in Chromium, by code and PKCE. */

/** A front end as an office would write it: one page, no library. */
const FRONT_END = (
  issuer: string,
  hub: string,
) => `<!doctype html><html lang="zh-CN"><title>办公</title><p id="out">…</p>
<script type="module">
const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));
const here = location.origin + '/';
const config = await (await fetch('${issuer}/.well-known/openid-configuration')).json();
const answer = new URLSearchParams(location.search);
if (!answer.has('code')) {
  const [verifier, state] = [random(), random()];
  sessionStorage.setItem('sign-in', JSON.stringify({ verifier, state }));
  const challenge = encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  location.href = config.authorization_endpoint + '?' + new URLSearchParams({
    response_type: 'code', client_id: 'office', redirect_uri: here, scope: 'openid', state,
    code_challenge: challenge, code_challenge_method: 'S256',
  });
} else {
  const { verifier, state } = JSON.parse(sessionStorage.getItem('sign-in'));
  if (answer.get('state') !== state || answer.get('iss') !== config.issuer) throw new Error('not my answer');
  const body = new URLSearchParams({
    grant_type: 'authorization_code', client_id: 'office', redirect_uri: here,
    code: answer.get('code'), code_verifier: verifier,
  });
  const { access_token } = await (await fetch(config.token_endpoint, { method: 'POST', body })).json();
  const graphql = await fetch('${hub}/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer ' + access_token },
    body: JSON.stringify({ query: '{ seals(first: 1) { edges { cursor } } }' }),
  });
  document.getElementById('out').textContent = graphql.status + ' ' + JSON.stringify(await graphql.json());
}
</script></html>`;

let hub: TestHub;
let browser: Browser;
let server: Server;
let frontEnd: string;
let url: string;
beforeAll(async () => {
  const port = await findFreePort();
  url = `http://127.0.0.1:${port}`;
  const issuer = url + DEVELOPMENT_PATH;
  const organs = readOrgans();
  hub = await createTestHub({
    allowedOrigins: 'LOCAL',
    identities: {
      issuers: [describeDevelopmentIssuer(issuer, issuer)],
      resolvePerson: async ({ subject }) => findDemoPerson(subject),
      takesOwnTokens: true,
    },
    explorer: { issuer, clientId: 'tongquan-explorer' },
    addRoutes: (app) =>
      addDevelopmentIssuer(app, {
        issuer,
        people: listDemoPeople(organs.map(({ id }) => id)),
        organNames: new Map(organs.map(({ id, name }) => [id, name])),
        reach: 'local',
        isAllowed: (origin) => origin.startsWith('http://127.0.0.1:'),
        now: () => new Date(),
      }),
  });
  await hub.hub.app.listen({ host: '127.0.0.1', port });
  server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(FRONT_END(issuer, url));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  frontEnd = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  await hub?.stop();
});

test.each(['zh', 'en'])('a person is chosen on a phone, and the front end reads the hub: %s', async (lang) => {
  const { page, complaints } = await openPage(browser, { viewport: { width: 320, height: 640 } });
  await page.goto(frontEnd);
  await page.waitForURL(/\/dev-issuer\/authorize/);
  if (lang === 'en') await page.getByRole('link', { name: 'English' }).click();
  const label = lang === 'en' ? 'Person' : '人员';
  await page.getByLabel(label, { exact: true }).waitFor();
  await requireAccessible(page, `sign-in ${lang}`);
  await requireNoHorizontalScroll(page, `sign-in ${lang}`);
  await page.getByLabel(label, { exact: true }).selectOption('yudu-lyj.keeper');
  await page.getByRole('button', { name: lang === 'en' ? 'Sign in' : '登录' }).click();
  await page.waitForURL((url) => url.href.startsWith(frontEnd));
  await page.getByText(/^200 /).waitFor();
  expect(await page.textContent('#out')).toMatch(/^200 \{"data":\{"seals":\{"edges":\[\{"cursor"/);
  expect(complaints).toEqual([]);
});

describe('the explorer', () => {
  const openExplorer = async (lang: string, options = {}) => {
    const visit = await openPage(browser, options);
    await visit.page.goto(`${url}/explorer?lang=${lang}`);
    await visit.page.locator('.graphiql-container .view-lines').first().waitFor();
    return visit;
  };
  const run = async (page: Page, text: string) => {
    await page.getByRole('button', { name: /^Execute/ }).click();
    await page.locator('.graphiql-response').getByText(text).first().waitFor();
  };

  test('runs an example without sign-in, and loads nothing from elsewhere', async () => {
    const { page, requests, complaints } = await openExplorer('zh');
    await run(page, '于都县交通运输局');
    expect(requests.map((request) => new URL(request.url)).filter(({ protocol }) => protocol !== 'data:')).toSatisfy(
      (urls: URL[]) => urls.length > 5 && urls.every(({ origin }) => origin === url),
    );
    expect(complaints).toEqual([]);
  });

  test('signs a demo person in and out, and keeps the chosen example', async () => {
    const { page, complaints } = await openExplorer('en');
    await page.getByLabel('Example').selectOption('licenses');
    await page.waitForURL(/example=licenses/);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Person', { exact: true }).selectOption('auditor');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(/\/explorer\?.*example=licenses/);
    await page.getByText(/^审计员/).waitFor();
    await run(page, '"licenses"');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('Not signed in').waitFor();
    expect(complaints).toEqual([]);
  });

  test('says why a sign-in failed', async () => {
    const { page } = await openExplorer('en');
    await page.evaluate("sessionStorage.setItem('sign-in', JSON.stringify({ state: 'mine', search: '?lang=en' }))");
    await page.goto(`${url}/explorer?lang=en&state=another&code=x`);
    await page.getByText('The sign-in failed: not the answer to this sign-in').waitFor();
    expect(page.url()).toBe(`${url}/explorer?lang=en`);
  });

  test.each(['zh', 'en'])('can be used on a phone: %s', async (lang) => {
    const { page } = await openExplorer(lang, { viewport: { width: 390, height: 800 } });
    await requireNoHorizontalScroll(page, `explorer ${lang}`);
  });
});
