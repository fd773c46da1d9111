import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

/** The distribution's Chromium, for tests of the public pages. */

const EXECUTABLE = '/usr/bin/chromium';
const QUIET_ARGS = ['--no-sandbox', '--disable-quic', '--disable-background-networking'];

export function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: [...QUIET_ARGS, ...args] });
}

/** A page in its own browser context, with the requests that it made. */
export interface PageVisit {
  page: Page;
  context: BrowserContext;
  /** URL and body of every request. */
  requests: { url: string; body: string | null }[];
  /** Errors of the console, including violations of the content security policy. */
  complaints: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<PageVisit> {
  const context = await browser.newContext({ locale: 'zh-CN', ...options });
  const page = await context.newPage();
  const requests: PageVisit['requests'] = [];
  const complaints: string[] = [];
  context.on('request', (request) => requests.push({ url: request.url(), body: request.postData() }));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, context, requests, complaints };
}

/** Requires that axe finds no serious or critical violation, in the light and in the dark scheme. */
export async function requireAccessible(page: Page, pageName: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const seriousViolations = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const violationTexts = seriousViolations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`,
    );
    expect([pageName, colorScheme, violationTexts]).toEqual([pageName, colorScheme, []]);
  }
  await page.emulateMedia({ colorScheme: null });
}

/** Requires that the page does not scroll horizontally. */
export async function requireNoHorizontalScroll(page: Page, pageName: string): Promise<void> {
  const [scrollWidth, clientWidth] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  expect([pageName, scrollWidth]).toEqual([pageName, clientWidth]);
}
