import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitSignature } from '../../scripts/split.ts';
import { composeNotice, NOTICE_KINDS, noticeNumber } from '../../subgraphs/cases/notice/notice.ts';
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
  const missing = Array.from({ length: 20 }, (_, i) => ({ name: `第${i + 1}项材料`, remark: '未加盖公章' }));
  test.each(NOTICE_KINDS)('%s has the written text and attachment', (kind) => {
    const step = { at: new Date('2026-11-23T01:02:03Z'), note: `理由${'x'.repeat(300)}完`, finding: 'GRANTED' };
    const number = noticeNumber(kind, '360731', '2026', 12);
    const content = composeNotice(
      kind,
      buildNoticeCase(),
      step,
      { organ: COUNTY_ORGAN, number },
      kind === 'SUPPLEMENT' ? { missing } : {},
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
