import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACTS, REASONS, STATES, STEPS_EN, VERDICTS } from '../../gateway/page/static/terms.js';
import { writeLicenseIdentifier } from '../../subgraphs/kernel/identifier.ts';
import { ACTS as ALL_ACTS, VALIDITY_STATES } from '../../subgraphs/kernel/license-acts.ts';
import { verifyCode } from '../../subgraphs/licenses/verify/jws/code.ts';
import { VERDICT_OF } from '../../subgraphs/licenses/verify/verdict.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { testClock } from '../support/clock.ts';
import { createStubGateway, type StubGateway } from '../support/stubs.ts';

const clock = testClock('2026-03-02');
const identifier = writeLicenseIdentifier({
  type: '11100000000013338W011',
  issuer: '11430000006122244L',
  serial: '20230000403',
  version: 2,
});
const SCRIPT = '<script>alert(1)</script>';
const status = {
  identifier,
  number: '20230000403',
  version: 2,
  state: 'SUSPENDED',
  name: SCRIPT,
  owners: null,
  holderName: `"'><img src=x onerror=alert(1)>`,
  issuerName: SCRIPT,
  issuedOn: '2026-02-01',
  validFrom: '2026-02-01',
  validUntil: null,
  documentDigest: 'a'.repeat(64),
  origin: 'ISSUED',
  registration: null,
  sealName: SCRIPT,
  sealedAt: new Date('2026-02-01T04:00:00Z'),
  fields: [{ label: SCRIPT, text: SCRIPT }],
  supersededBy: null,
  lostPapers: [],
  nextVersion: null,
  nextFrom: null,
  deemedRenewedSince: null,
  unprinted: 0,
  isRenewalGranted: false,
  deemedRenewals: [],
  life: [
    { act: 'ISSUE', version: 1, state: 'VALID', at: new Date('2026-01-01T04:00:00Z') },
    { act: 'CHANGE', version: 1, state: 'SUPERSEDED', at: new Date('2026-02-01T04:00:00Z') },
    { act: 'CHANGE', version: 2, state: 'VALID', at: new Date('2026-02-01T04:00:00Z') },
    { act: 'SUSPEND', version: 2, state: 'SUSPENDED', at: new Date('2026-03-01T04:00:00Z') },
  ],
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FILES = [
  'style.css',
  'answer.css',
  'icon.svg',
  'verify.js',
  'status.js',
  'answer.js',
  'ask.js',
  'camera.js',
  'element.js',
  'log.js',
  'progress.js',
  'proof.js',
];
const ALL_FILES = [...FILES, 'terms.js', 'tlog.js', 'words.js', 'qr/index.js', 'qr/decode.js'];

let gateway: StubGateway;
beforeAll(async () => {
  const licenseStatus = (_: unknown, args: { identifier: string }) => (args.identifier === identifier ? status : null);
  gateway = await createStubGateway(clock, { licenses: { Query: { licenseStatus } } });
});
afterAll(() => gateway.stop());

const get = (url: string, headers: Record<string, string> = {}) => gateway.app.inject({ url, headers });
const PAGES = [
  '/',
  '/verify',
  '/log',
  '/v',
  '/progress',
  '/reference',
  '/reference/License',
  '/reference/Query',
  `/v/${identifier}`,
  '/v/x',
];

describe('the public pages', () => {
  test.each(PAGES)('%s has no inline scripts or styles and loads no foreign resources', async (path) => {
    for (const lang of ['', '?lang=zh', '?lang=en']) {
      const { headers, body } = await get(path + lang);
      expect(headers).toMatchObject({
        'content-security-policy': ['/v', '/v/x', '/progress'].includes(path)
          ? POLICY.replace("form-action 'none'", "form-action 'self'")
          : POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'content-type': 'text/html; charset=utf-8',
      });
      expect(body).not.toMatch(/<style|<[a-z][^>]*\s(?:on\w+|style)=|javascript:/i);
      expect([...body.matchAll(/<script[^>]*>/g)].every(([tag]) => /src="\/page\/\w+\.js"/.test(tag))).toBe(true);
      for (const [, url] of body.matchAll(/(?:src|href)="([^"]*)"/g)) expect(url).toMatch(/^(\/|#main$)/);
    }
  });

  test.each(PAGES)('%s exists in Chinese and in English, and each links to the other', async (path) => {
    const chinese = await get(path);
    const english = await get(`${path}?lang=en`);
    expect(chinese.body).toContain('<html lang="zh-CN">');
    expect(english.body).toContain('<html lang="en">');
    for (const { body } of [chinese, english]) {
      expect(body).toContain(`href="${path}?lang=zh"`);
      expect(body).toContain(`href="${path}?lang=en"`);
    }
    // In English only the name of the language, the license's own data and the terms of the reference are Chinese.
    const left = english.body.replaceAll('>中文<', '><').match(/\p{Script=Han}+/gu) ?? [];
    if (!path.startsWith('/reference')) expect(left).toEqual([]);
    for (const lang of ['fr', 'zh&lang=en', '%3Cscript%3E']) {
      expect((await get(`${path}?lang=${lang}`)).body).toContain('<html lang="zh-CN">');
    }
  });

  test('the data of a license is escaped', async () => {
    for (const lang of ['zh', 'en']) {
      const { body } = await get(`/v/${identifier}?lang=${lang}`);
      expect(body).not.toContain('<img src=x');
      expect(body).not.toContain('<script>');
      expect(body).toContain('&lt;script&gt;');
    }
  });

  test.each([
    '%3Cscript%3Ealert(1)%3C%2Fscript%3E',
    '%22%20onload%3D%22x',
    "'%3E%3Cimg%20src=x%3E",
    '..%2F..',
    '%E4%B8%80',
  ])('a malicious identifier is escaped: %s', async (text) => {
    const { statusCode, body } = await get(`/v/${text}`);
    expect(statusCode).toBe(400);
    expect(body).not.toMatch(/<script>|<img|<[a-z][^>]*\son\w+=/);
    expect(body).toContain('证照标识不正确');
  });

  test('the history is listed oldest first, each act with its time and the state after it', async () => {
    const { body } = await get(`/v/${identifier}`);
    const list = /<ol class="life">([\s\S]*?)<\/ol>/.exec(body)?.[1] ?? '';
    const items = [...list.matchAll(/<li[\s\S]*?<\/li>/g)].map(([item]) => item.replace(/<[^>]*>/g, ' '));
    expect(items).toHaveLength(4);
    expect(items[0]).toMatch(/2026年1月1日 12:00:00[\s\S]*制发[\s\S]*第 1 版：有效/);
    expect(items[3]).toMatch(/暂扣[\s\S]*第 2 版：暂扣/);
    expect(body).toContain(`href="/licenses/evidence/${identifier}"`);
    expect(body).toContain('href="/verify?lang=zh"');
  });
});

describe('the page of a license', () => {
  /** What the page says, in the order of a reader's questions. */
  const ORDER = [
    ...['<h1>', 'class="state ', 'id="code"', 'id="answer"', '20230000403</dd>', '<ol class="life">'],
    ...['href="/verify?lang=zh"', 'id="details"', 'id="experts"', 'a'.repeat(64), '.evidence.json"'],
  ];

  test('answers first: the state, then the scanned code; what experts ask for is last', async () => {
    const { body } = await get(`/v/${identifier}`);
    const main = body.slice(body.indexOf('<main'), body.indexOf('</main>'));
    const places = ORDER.map((part) => main.indexOf(part));
    expect(places.filter((place) => place < 0)).toEqual([]);
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(main.slice(main.indexOf('id="experts"'))).not.toContain('<ol class="life">');
  });

  test.each(['zh', 'en'])('of an unknown license offers the field to try again (%s)', async (lang) => {
    const unknown = identifier.replace('20230000403', '20230000404').replace(/.$/, '');
    const texts = ['0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'].flatMap((check) => [...check].map((one) => unknown + one));
    const answers = await Promise.all(texts.map((text) => get(`/v/${text}?lang=${lang}`)));
    expect(answers.map(({ statusCode }) => statusCode).filter((status) => status === 404)).toHaveLength(1);
    for (const { statusCode, body } of answers) {
      expect([400, 404]).toContain(statusCode);
      expect(body).toContain('<form method="get" action="/v"');
      expect(body).toContain(`name="lang" value="${lang}"`);
    }
  });
});

describe('the files of the pages', () => {
  test.each(ALL_FILES)('/page/%s', async (name) => {
    const file = await get(`/page/${name}`);
    expect(file).toMatchObject({ statusCode: 200 });
    expect(file.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' });
    expect(file.body).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/);
    // Every module that the file loads is served as well.
    for (const [, module] of file.body.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)['"]/g)) {
      const { pathname } = new URL(module ?? '', `http://hub/page/${name}`);
      expect([pathname, (await get(pathname)).statusCode]).toEqual([pathname, 200]);
    }
    const etag = String(file.headers.etag);
    expect((await get(`/page/${name}`, { 'if-none-match': etag })).statusCode).toBe(304);
  });

  test.each(['tsconfig.json', '..%2fgateway.ts', 'qr/package.json', 'qr/dom.js', ''])(
    'no other file: %s',
    async (name) => {
      expect((await get(`/page/${name}`)).statusCode).toBe(404);
    },
  );
});

test('every term of the verifier has a text on the page', () => {
  expect(Object.keys(REASONS)).toEqual(Object.keys(VERDICT_OF));
  expect(Object.keys(STATES).sort()).toEqual([...VALIDITY_STATES].sort());
  expect(Object.keys(ACTS).sort()).toEqual([...ALL_ACTS].sort());
  expect(Object.keys(VERDICTS).sort()).toEqual(['INDETERMINATE', 'TOTAL_FAILED', 'TOTAL_PASSED']);
  const nothing = { file: null, signature: null, roots: [] };
  const steps = [
    ...verify(nothing, clock()).steps,
    ...verifyCode('', { certificates: [], roots: [] }, clock()).steps,
  ].map(({ name }) => name);
  expect(steps.filter((name) => !STEPS_EN[name])).toEqual([]);
});
