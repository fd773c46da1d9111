import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { encodeQR } from 'qr';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tamperPageContent } from '../../scripts/demo/tamper.ts';
import { progressLink } from '../../subgraphs/cases/progress/progress.ts';
import { readAttachment } from '../../subgraphs/kernel/pdf/attachment.ts';
import { readSealedPdf } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import {
  launchBrowser,
  openPage,
  type PageVisit,
  requireAccessible,
  requireNoHorizontalScroll,
} from '../support/browser.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { actForOrgan } from '../support/own-act.ts';
import { waitForNotices } from '../support/sealed-notices.ts';

const PHONE = { viewport: { width: 320, height: 640 } };

/** The public pages in a browser, from a hub on the loopback interface. */
describe('the verification page in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongquan-page-'));
  let hub: TestHub;
  let browser: Browser;
  let origin: string;
  let identifier: string;
  let pdf: Buffer;
  let code: string;
  beforeAll(async () => {
    hub = await createTestHub({ log: { folder: join(folder, 'log') } });
    origin = await hub.hub.app.listen({ host: '127.0.0.1', port: 0 });
    const license = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 1);
    identifier = license.identifier;
    const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
    pdf = (await hub.hub.app.inject({ url: license.document.url, headers })).rawPayload;
    const bundle = (await hub.hub.app.inject({ url: `/licenses/evidence/${identifier}` })).rawPayload;
    const root = Buffer.from(await hub.hub.seals.rootCertificate());
    code = verify({ file: pdf, signature: null, roots: [root], bundle }, new Date()).record?.KZ_EWM ?? '';
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Requires that no request left the origin and that the browser reported no problem. */
  const requireNoLeak = ({ requests, complaints }: PageVisit) => {
    expect(complaints).toEqual([]);
    expect(requests.filter(({ url }) => !url.startsWith(`${origin}/`))).toEqual([]);
  };
  const pdfFile = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/pdf', buffer });
  const heading = (page: Page) => page.locator('#result-heading:focus');
  const opened = async (path: string, options = {}) => {
    const visited = await openPage(browser, options);
    await visited.page.goto(origin + path);
    return visited;
  };

  test.each(['zh', 'en'] as const)('a file passes by its digest alone, with each step shown (%s)', async (lang) => {
    const visited = await opened(`/verify?lang=${lang}`);
    const { page, requests } = visited;
    await requireAccessible(page, 'empty');
    await page.locator('#file').setInputFiles(pdfFile('证照.pdf', pdf));
    await heading(page).waitFor();
    const answer = await page.locator('#answer').textContent();
    const expectedWords =
      lang === 'zh'
        ? ['签章通过', '有效', '于都县林业局', '证照沿革', '制发', '与本系统制发的文件逐字节相同']
        : [
            'Seal passed',
            'in force',
            '于都县林业局',
            'What happened to it',
            'Issued',
            'Check the signature’s mathematics',
          ];
    for (const word of [...expectedWords, identifier, createHash('sha256').update(pdf).digest('hex')]) {
      expect(answer).toContain(word);
    }
    expect(await page.locator('#answer .banner').first().getAttribute('class')).toBe('banner good');
    await requireAccessible(page, 'passed');
    // The page sent only the digest and nothing of the file: there is one body, and it is short.
    const bodies = requests.map(({ body }) => body ?? '').filter((body) => body !== '');
    expect(bodies).toHaveLength(1);
    expect(JSON.parse(bodies[0] ?? '').variables).toEqual({
      input: { digest: createHash('sha256').update(pdf).digest('hex') },
    });
    expect(bodies[0]?.length).toBeLessThan(2_000);
    for (const link of await page.locator('#answer a[download]').all()) {
      const response = await page.request.get(origin + (await link.getAttribute('href')));
      expect([await link.getAttribute('href'), response.status()]).toEqual([await link.getAttribute('href'), 200]);
    }
    await requireNoHorizontalScroll(page, 'desktop');
    requireNoLeak(visited);
    await visited.context.close();
  });

  test('a forged file is unknown; the page sends it only on request, and then shows why it fails', async () => {
    const visited = await opened('/verify');
    const { page, requests } = visited;
    const forgedPdf = tamperPageContent(pdf);
    await page.locator('#file').setInputFiles(pdfFile('<img src=x onerror=alert(1)>.pdf', forgedPdf));
    await heading(page).waitFor();
    expect(await page.locator('#answer').textContent()).toContain('没有找到这一文件');
    expect(await page.locator('#answer').textContent()).toContain('<img src=x onerror=alert(1)>.pdf');
    expect(await page.locator('#answer img').count()).toBe(0);
    await requireAccessible(page, 'unknown');
    expect(requests.some(({ body }) => body?.includes('"document"'))).toBe(false);
    await page.locator('#send').click();
    await page.locator('#answer .banner.bad').waitFor();
    await heading(page).waitFor();
    const answer = await page.locator('#answer').textContent();
    for (const word of ['签章不通过', '请勿把它当作有效的电子证照', 'FORMAT_FAILURE', '未知'])
      expect(answer).toContain(word);
    expect(requests.at(-1)?.body).toContain(forgedPdf.toString('base64'));
    await requireAccessible(page, 'failed');
    requireNoLeak(visited);
    await visited.context.close();
  });

  test('a file can be dropped anywhere on the page, and a digest can be typed', async () => {
    const visited = await opened('/verify');
    const { page } = visited;
    const dataTransfer = await page.evaluateHandle(`(() => {
      const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob('${pdf.toString('base64')}'), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], 'dropped.pdf'));
      return transfer;
    })()`);
    await page.dispatchEvent('h1', 'drop', { dataTransfer });
    await heading(page).waitFor();
    expect(await page.locator('#answer').textContent()).toMatch(/签章通过[\s\S]*dropped\.pdf/);
    await page.locator('#text').fill(createHash('sha256').update(pdf).digest('hex').toUpperCase());
    await page.locator('#form button').click();
    await page.getByText('FILE.pdf').waitFor();
    expect(await page.locator('#answer').textContent()).toContain('签章通过');
    requireNoLeak(visited);
    await visited.context.close();
  });

  test('the page reports what it cannot verify, and sends nothing', async () => {
    const visited = await opened('/verify');
    const { page, requests } = visited;
    const progressAfter = async (files: { name: string; mimeType: string; buffer: Buffer }[]) => {
      await page.locator('#file').setInputFiles(files);
      return page.locator('#progress').textContent();
    };
    expect(await progressAfter([pdfFile('a.p7s', pdf)])).toContain('只选择了签名文件');
    expect(await progressAfter([pdfFile('a.pdf', pdf), pdfFile('b.pdf', pdf)])).toContain('一份文件');
    await page.locator('#text').fill('你好');
    await page.locator('#form button').click();
    expect(await page.locator('#progress').textContent()).toContain('这不是二维码的文字');
    expect(requests.filter(({ body }) => body !== null)).toEqual([]);
    // The file is too large to be sent.
    await page.locator('#file').setInputFiles(pdfFile('large.pdf', Buffer.alloc(600_000, 'a')));
    await heading(page).waitFor();
    expect(await page.locator('#answer').textContent()).toContain('不能发送');
    requireNoLeak(visited);
    await visited.context.close();
  });

  test('works by keyboard alone: a typed code, focus on its answer, an identifier, a language', async () => {
    const visited = await opened('/verify?lang=en');
    const { page } = visited;
    const focusedText = () => page.evaluate<string>('document.activeElement.id || document.activeElement.textContent');
    const focusOrder: string[] = [];
    for (let i = 0; i < 11; i++) {
      await page.keyboard.press('Tab');
      focusOrder.push(await focusedText());
    }
    const skip = 'Skip to the content';
    expect(focusOrder).toEqual([
      skip,
      'Tongquan',
      'Verify a license',
      'Transparency log',
      'Explorer',
      '中文',
      'English',
      'file',
      'camera',
      'text',
      'Verify',
    ]);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.insertText(code);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await heading(page).waitFor();
    const answer = await page.locator('#answer').textContent();
    for (const word of ['Seal passed', 'in force', identifier, '--qr']) expect(answer).toContain(word);
    await requireAccessible(page, 'code');
    await page.locator('#text').fill(code.replace(/.{4}$/, 'AAAA'));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('#answer .banner.bad').waitFor();
    expect(await page.locator('#answer').textContent()).toContain('The signature is forged or damaged');
    await page.locator('#text').fill(identifier.toLowerCase());
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${origin}/v/${identifier}?lang=en`);
    expect(await page.locator('main').textContent()).toContain('in force');
    requireNoLeak(visited);
    await visited.context.close();
  });

  test('the page of a code verifies the part after #, which the server does not receive', async () => {
    const jws = code.split('#')[1];
    const visited = await opened(`/v/${identifier}#${jws}`);
    const { page, requests } = visited;
    await page.locator('#answer .banner.good').waitFor();
    expect(requests[0]?.url).toBe(`${origin}/v/${identifier}`);
    expect(await page.locator('#code').textContent()).toContain('二维码确由所示机关签发');
    await requireAccessible(page, 'status');
    await page.getByRole('link', { name: 'English' }).click();
    await page.locator('#answer .banner.good').waitFor();
    expect(await page.locator('#code').textContent()).toContain('Seal passed');
    requireNoLeak(visited);
    const otherLicense = await issueGrantedLicense(hub, ROUTES.DIRECT, await grantCase(hub, ROUTES.DIRECT), 2);
    await page.goto(`${origin}/v/${otherLicense.identifier}#${jws}`);
    await page.locator('#answer .banner.hold').waitFor();
    expect(await page.locator('#code').textContent()).toContain('二维码中的链接指向另一证照');
    const { refusal } = await actForOrgan(hub, 'yudu-lyj', 'suspend', { identifier: otherLicense.identifier });
    expect(refusal).toBeNull();
    await page.goto(`${origin}/v/${otherLicense.identifier}`);
    expect(await page.locator('.life').textContent()).toMatch(/制发[\s\S]*暂扣/);
    expect(await page.locator('#code').isHidden()).toBe(true);
    await requireAccessible(page, 'suspended');
    await visited.context.close();
  });

  test('the link of a receipt asks for its case, and the code is in no address that the hub sees', async () => {
    const input = { matter: ROUTES.DIRECT.matter, applicant: COMPANY, fields: [{ label: '树种', text: '杉木' }] };
    const accepted = await runMutation(
      hub,
      ROUTES.DIRECT.accepts,
      'acceptCase',
      'ApplicationInput',
      input,
      'case { id number }',
    );
    const { number, id } = accepted.case;
    const [notice] = await waitForNotices(hub, id);
    const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
    const receipt = (await hub.hub.app.inject({ url: notice?.url ?? '', headers })).rawPayload;
    const { progress } = JSON.parse(
      Buffer.from(readAttachment(readSealedPdf(receipt).base, 'notice.json') ?? []).toString(),
    );
    const visited = await openPage(browser, PHONE);
    const { page, requests } = visited;
    const link = new URL(progressLink(progress, number));
    await page.goto(`${origin}/progress?lang=en${link.hash}`);
    await page.locator('.state').waitFor();
    expect(await page.locator('main').textContent()).toContain('Accepted');
    expect(page.url()).not.toContain(progress.code);
    for (const { url } of requests) expect(url).not.toContain(progress.code);
    expect(requests.filter(({ body }) => body?.includes(progress.code))).toHaveLength(1);
    await page.goBack();
    expect(page.url()).not.toContain(progress.code);
    await page.goto(`${origin}/progress#number=${number}&code=0000-0000-0000`);
    await page.locator('.state.bad').waitFor();
    for (const hash of ['#main', '#', '#number=1', '#code=x', '#number=%E0%A4%A&code=%']) {
      await page.goto('about:blank');
      await page.goto(`${origin}/progress${hash}`);
      await requireNoHorizontalScroll(page, hash);
    }
    expect(requests.filter(({ url }) => !url.startsWith(`${origin}/`) && url !== 'about:blank')).toEqual([]);
    await visited.context.close();
  });

  test('the log page shows its size, and a proof that the browser computes, as a picture', async () => {
    const visited = await opened(`/log?license=${identifier}`);
    const { page } = visited;
    await page.locator('svg.proof').waitFor();
    expect(await page.locator('#proof').textContent()).toContain('这次用印确在日志中');
    expect(await page.locator('#now').textContent()).toMatch(/条数\d+/);
    await requireAccessible(page, 'log');
    await page.locator('#identifier').fill('1.2.156.3005.2.NONE');
    await page.locator('#form button').click();
    await page.getByText('没有这一证照').waitFor();
    await visited.context.close();
  });

  test('on a phone of 320 pixels nothing scrolls sideways', async () => {
    const { page, context } = await opened('/verify', PHONE);
    await requireNoHorizontalScroll(page, 'empty');
    await page.locator('#file').setInputFiles(pdfFile(`${'很长的名字'.repeat(20)}.pdf`, pdf));
    await heading(page).waitFor();
    await requireNoHorizontalScroll(page, 'passed');
    await page.locator('#text').fill(code);
    await page.locator('#form button').click();
    await page.getByText('--qr').last().waitFor();
    await heading(page).waitFor();
    await requireNoHorizontalScroll(page, 'code');
    for (const path of [
      '/',
      '/?lang=en',
      `/v/${identifier}`,
      `/v/${identifier}?lang=en#${code.split('#')[1]}`,
      '/v/x',
      '/log',
      `/log?lang=en&license=${identifier}`,
    ]) {
      await page.goto(origin + path);
      await requireNoHorizontalScroll(page, path);
    }
    await context.close();
  });

  test('without scripts the page explains how to verify by hand, and still shows the state', async () => {
    const { page, context } = await opened('/verify', { javaScriptEnabled: false });
    expect(await page.locator('#tool').isHidden()).toBe(true);
    expect(await page.locator('main').textContent()).toContain('浏览器没有运行脚本');
    expect(await page.locator('main').textContent()).toContain('node verify.mjs');
    await page.goto(`${origin}/v/${identifier}`);
    expect(await page.locator('.state').textContent()).toContain('有效');
    await context.close();
  });

  test('the page reports a refused camera; it reads and verifies a code in the camera picture', async () => {
    const visited = await opened('/verify');
    await visited.page.locator('#camera').click();
    await visited.page
      .getByText('请改为输入二维码的文字')
      .or(visited.page.getByText('没有得到使用摄像头的许可'))
      .waitFor();
    await visited.context.close();
    const videoPath = join(folder, 'code.y4m');
    writeFileSync(videoPath, makeVideo(code));
    const cameraBrowser = await launchBrowser([
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${videoPath}`,
    ]);
    try {
      const scanVisit = await openPage(cameraBrowser, { permissions: ['camera'] });
      await scanVisit.page.goto(`${origin}/verify`);
      await scanVisit.page.locator('#camera').click();
      await heading(scanVisit.page).waitFor();
      expect(await scanVisit.page.locator('#text').inputValue()).toBe(code);
      expect(await scanVisit.page.locator('#answer').textContent()).toContain('签章通过');
      expect(await scanVisit.page.locator('#view').isHidden()).toBe(true);
      requireNoLeak(scanVisit);
    } finally {
      await cameraBrowser.close();
    }
  });
});

/** A video of one picture, a QR code: YUV4MPEG2, 4:2:0. */
function makeVideo(text: string): Buffer {
  const [width, height] = [1280, 720];
  const data = encodeQR(text, 'raw', { border: 4 });
  const size = data.length;
  const scale = Math.floor(height / size);
  const luma = Buffer.alloc(width * height, 235);
  for (let y = 0; y < size * scale; y++) {
    for (let x = 0; x < size * scale; x++) {
      const isDark = data[Math.floor(y / scale)]?.[Math.floor(x / scale)];
      if (isDark) luma.writeUInt8(16, y * width + x + 200);
    }
  }
  const frame = [Buffer.from('FRAME\n'), luma, Buffer.alloc((width * height) / 2, 128)];
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`), ...frame, ...frame]);
}
