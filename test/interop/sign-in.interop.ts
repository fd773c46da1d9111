import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDemoPerson, listDemoPeople } from '../../scripts/demo/people.ts';
import { addDevelopmentIssuer, DEVELOPMENT_PATH, describeDevelopmentIssuer } from '../../scripts/hub/issuer/issuer.ts';
import { findFreePort } from '../../scripts/hub/port.ts';
import { readOrgans } from '../../seeds/load.ts';
import { launchBrowser, openPage, requireAccessible, requireNoHorizontalScroll } from '../support/browser.ts';
import { COMPANY, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { waitUntil } from '../support/until.ts';

/** The page of docs/front-end.md, and the explorer, sign in at the issuer of development in Chromium by PKCE. */

const DOCS = new URL('../../docs/', import.meta.url);

/** Returns the only block of a language on the first page for front-end teams, in Chinese or English. */
function readBlock(document: string, section: string, language: string): string {
  const text = readFileSync(new URL(document, DOCS), 'utf8').split(section)[1] ?? '';
  const block = text.split(`\`\`\`${language}\n`)[1]?.split('```')[0];
  if (!block) throw new Error(`${document} has no block of ${language} in ${section}`);
  return block;
}

/** The page of docs/front-end.md, and the command that serves it. */
const PAGE = readBlock('front-end.md', '## Ten minutes', 'html');
const SERVE = readBlock('front-end.md', '## Ten minutes', 'sh');

let hub: TestHub;
let browser: Browser;
let server: ChildProcess;
let folder: string;
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
  folder = mkdtempSync(join(tmpdir(), 'tongquan-page-'));
  writeFileSync(join(folder, 'index.html'), PAGE.replaceAll('http://127.0.0.1:4000', url));
  const pagePort = await findFreePort();
  server = spawn('sh', ['-c', `exec ${SERVE.replace('5173', String(pagePort))}`], { cwd: folder, stdio: 'inherit' });
  frontEnd = `http://127.0.0.1:${pagePort}/`;
  await waitUntil('the page is served', () =>
    fetch(frontEnd).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  server?.kill();
  if (folder) rmSync(folder, { recursive: true, force: true });
  await hub?.stop();
});

test('the page and its command are the same in both languages', () => {
  const section = '## 十分钟';
  expect(readBlock('front-end.zh-CN.md', section, 'html')).toBe(PAGE);
  expect(readBlock('front-end.zh-CN.md', section, 'sh')).toBe(SERVE);
});

test.each(['zh', 'en'])('the page of the first ten minutes, on a phone, with the sign-in in %s', async (lang) => {
  const input = { matter: ROUTES.DIRECT.matter, applicant: COMPANY, fields: [{ label: '树种', text: '杉木' }] };
  const fields = 'case { number notices { number } }';
  const { case: accepted } = await runMutation(hub, 'yudu-lyj.clerk', 'acceptCase', 'ApplicationInput', input, fields);
  const { page, complaints } = await openPage(browser, { viewport: { width: 320, height: 640 } });
  await page.goto(frontEnd);
  await page.waitForURL(/\/dev-issuer\/authorize/);
  if (lang === 'en') await page.getByRole('link', { name: 'English' }).click();
  const label = lang === 'en' ? 'Person' : '人员';
  await page.getByLabel(label, { exact: true }).waitFor();
  await requireAccessible(page, `sign-in ${lang}`);
  await requireNoHorizontalScroll(page, `sign-in ${lang}`);
  await page.getByLabel(label, { exact: true }).selectOption('yudu-lyj.reviewer');
  await page.getByRole('button', { name: lang === 'en' ? 'Sign in' : '登录' }).click();
  await page.waitForURL((url) => url.href.startsWith(frontEnd));
  await page.getByText(accepted.number).waitFor();
  expect(await page.textContent('#who')).toMatch(/^于都县林业局 .+（审查人）$/);
  expect(await page.locator('li', { hasText: accepted.number }).textContent()).toMatch(/：受理，可办：.*审查/);
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: accepted.notices[0].number }).first().click();
  expect((await saved).suggestedFilename()).toMatch(/\.pdf$/);
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
