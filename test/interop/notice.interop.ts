import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import decodeQR from 'qr/decode.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitSignature } from '../../scripts/split.ts';
import { composeNotice, documentNumber, NOTICE_KINDS } from '../../subgraphs/cases/notice/notice.ts';
import { renderNotice } from '../../subgraphs/cases/notice/render.ts';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { COMPANY, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { buildNoticeCase, COUNTY_ORGAN } from '../support/notice.ts';
import { waitUntil } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongquan-interop-'));
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the papers of a case in poppler and qpdf', () => {
  const delivered = {
    delivered: [{ name: '准予行政许可决定书', number: '于林许〔2026〕12号' }],
    delivery: { recipient: '王示范', method: 'EXPRESS', expressNumber: 'SF1234567890' } as const,
  };
  const missing = Array.from({ length: 20 }, (_, i) => ({ name: `第${i + 1}项材料`, remark: '未加盖公章' }));
  test.each(NOTICE_KINDS)('%s has the written text and attachment', (kind) => {
    const step = { at: new Date('2026-11-23T01:02:03Z'), note: `理由${'x'.repeat(300)}完`, finding: 'GRANTED' };
    const number = documentNumber('于市监许', '2026', 12);
    const content = composeNotice(
      kind,
      buildNoticeCase(),
      step,
      { organ: COUNTY_ORGAN, number },
      kind === 'SUPPLEMENT' ? { missing } : kind === 'DELIVERY' ? { delivered } : {},
    );
    writeFileSync(path('notice.pdf'), renderNotice(content));
    const text = execFileSync('pdftotext', [path('notice.pdf'), '-'], { encoding: 'utf8' }).replace(/\s/g, '');
    const expectedWords = [
      content.organ.name,
      content.title,
      number,
      content.addressee,
      '2026年11月23日',
      content.caseNumber,
    ];
    for (const word of [...expectedWords, ...content.missing.map((one) => one.name)]) expect(text).toContain(word);
    for (const paragraph of content.closing) expect(text).toContain(paragraph);
    execFileSync('pdfdetach', ['-save', '1', '-o', path('notice.json'), path('notice.pdf')]);
    expect(readFileSync(path('notice.json'), 'utf8')).toBe(toCanonicalJson(content));
    expect(execFileSync('qpdf', ['--check', path('notice.pdf')], { encoding: 'utf8' })).not.toMatch(/WARNING|ERROR/);
    // Every word lies within the margins of the page.
    const boxes = execFileSync('pdftotext', ['-bbox', path('notice.pdf'), '-'], { encoding: 'utf8' });
    const rights = [...boxes.matchAll(/xMax="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(rights.length).toBeGreaterThan(10);
    expect(Math.max(...rights)).toBeLessThan(595 - 60);
  });
});

test.each(['ACCEPTANCE', 'SUPPLEMENT'] as const)('the QR code on %s is read from the picture of the sheet', (kind) => {
  const step = { at: new Date('2026-11-23T01:02:03Z'), note: null, finding: null };
  const number = documentNumber('于市监许', '2026', 12);
  const progress = { url: 'https://tongquan.yudu.example.gov.cn/progress', code: 'ABCD-EFGH-JKMN' };
  const facts = kind === 'SUPPLEMENT' ? { missing: [{ name: '图纸', remark: null }], progress } : { progress };
  const subject = buildNoticeCase();
  const content = composeNotice(kind, subject, step, { organ: COUNTY_ORGAN, number }, facts);
  writeFileSync(path('receipt.pdf'), renderNotice(content));
  // As a phone sees it: 120 points an inch are half of what a printer prints.
  execFileSync('pdftoppm', ['-r', '120', '-png', '-singlefile', path('receipt.pdf'), path('receipt')]);
  const { width, height, data, channels } = decode(readFileSync(path('receipt.png')));
  const pixels = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++)
      pixels[4 * i + channel] = Number(data[channels * i + Math.min(channel, channels - 1)]);
  }
  const link = new URL(decodeQR({ width, height, data: pixels }));
  expect(link.origin + link.pathname).toBe(progress.url);
  expect(link.search).toBe('');
  expect(Object.fromEntries(new URLSearchParams(link.hash.slice(1)))).toEqual({
    number: subject.number,
    code: progress.code,
  });
  const words = execFileSync('pdftotext', [path('receipt.pdf'), '-'], { encoding: 'utf8' });
  // Poppler joins a code that is broken at its hyphen.
  for (const word of ['扫码查询办理进度', subject.number, progress.code])
    expect(words.replace(/[\s-]/g, '')).toContain(word.replaceAll('-', ''));
});

describe('a decision document and openssl', () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await createTestHub();
  });
  afterAll(() => hub?.stop());

  test('its detached signature verifies for it and for no other file', async () => {
    const application = { matter: 'yd2022-1-02', applicant: COMPANY };
    const { case: acceptedCase } = await runMutation(
      hub,
      'yudu-jtysj.clerk',
      'acceptCase',
      'ApplicationInput',
      application,
      'case { id }',
    );
    const steps = [
      ['yudu-jtysj.reviewer', 'examineCase', 'ExamineCaseInput', { finding: 'APPROVED' }],
      ['yudu-jtysj.approver', 'decideCase', 'DecideCaseInput', { decision: 'GRANTED', authoriseSeal: true }],
    ] as const;
    for (const [person, name, type, input] of steps) {
      await runMutation(hub, person, name, type, { case: acceptedCase.id, ...input }, 'case { id }');
    }
    const query = 'query($id: ID!) { case(id: $id) { notices { kind url signature { url } } } }';
    const decision = await waitUntil('the decision is sealed', async () => {
      const { data } = await hub.ask('auditor', query, { id: acceptedCase.id });
      return data.case.notices.find((one: { signature: object | null }) => one.signature !== null);
    });
    const headers = { authorization: `Bearer ${await hub.token('applicant-company')}` };
    const download = async (url: string) => (await hub.hub.app.inject({ method: 'GET', url, headers })).rawPayload;
    const pdf = await download(decision.url);
    writeFileSync(path('decision.pdf'), pdf);
    const { covered, cms } = splitSignature(pdf);
    writeFileSync(path('decision.covered'), covered);
    writeFileSync(path('decision.p7s'), cms);
    expect(cms.equals(await download(decision.signature.url))).toBe(true);
    writeFileSync(path('other.pdf'), Buffer.concat([covered, Buffer.from('x')]));
    writeFileSync(path('root.pem'), await hub.hub.seals.rootCertificate());
    const opensslStatus = (file: string) => {
      const args = `cms -verify -cades -binary -inform DER -in ${path('decision.p7s')} -content ${path(file)} -CAfile ${path('root.pem')} -purpose any -out /dev/null`;
      return spawnSync('openssl', args.split(' '), { encoding: 'utf8' }).status;
    };
    expect(opensslStatus('decision.covered')).toBe(0);
    expect(opensslStatus('other.pdf')).not.toBe(0);
  });
});
