import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tamperAttachment, tamperPageContent } from '../../scripts/demo/tamper.ts';
import { parseLoggedUse } from '../../subgraphs/licenses/verify/format/log.ts';
import { type Evidence, verify } from '../../subgraphs/licenses/verify/verify.ts';
import { linesFor } from '../support/content.ts';
import { COMPANY, grantCase, issueGrantedLicense, ROUTES, runMutation } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { fetchFile } from '../support/reading.ts';
import { waitForNotices } from '../support/sealed-notices.ts';
import { waitUntil } from '../support/until.ts';

/** What an applicant has of a sealed notice: the file alone. It is judged offline, by the script, and by the hub. */

const DIRECT = ROUTES.DIRECT;
const folder = mkdtempSync(join(tmpdir(), 'tongquan-notice-'));
const path = (name: string) => join(folder, name);

interface Paper {
  id: string;
  kind: string;
  number: string;
  pdf: Buffer;
}

let hub: TestHub;
let caseId: string;
let papers: Record<string, Paper>;
let trust: Pick<Evidence, 'roots' | 'revocation'>;
let logKey: string;
const get = async (url: string) => (await hub.hub.app.inject({ url })).rawPayload;

beforeAll(async () => {
  hub = await createTestHub({ log: { folder: join(folder, 'log') } });
  const input = { matter: DIRECT.matter, applicant: COMPANY, fields: linesFor(DIRECT.matter) };
  const acceptance = await runMutation(
    hub,
    DIRECT.accepts,
    'acceptCase',
    'ApplicationInput',
    input,
    'case { id: uuid }',
  );
  caseId = acceptance.case.id;
  const examination = { case: caseId, finding: 'REFUSED', opinion: '采伐限额已满' };
  await runMutation(hub, DIRECT.examines, 'examineCase', 'ExamineCaseInput', examination, 'case { step }');
  const decision = { case: caseId, decision: 'REJECTED', reason: '采伐限额已满', authoriseSeal: true };
  await runMutation(hub, DIRECT.decides, 'decideCase', 'DecideCaseInput', decision, 'case { step }');
  const notices = await waitForNotices(hub, caseId, 'applicant-company');
  const files = notices.map(async ({ id, kind, number, url }) => {
    const { rawPayload: pdf } = await fetchFile(hub, 'applicant-company', url);
    return [kind, { id, kind, number, pdf }] as const;
  });
  papers = Object.fromEntries(await Promise.all(files));
  trust = {
    roots: [Buffer.from(await hub.hub.seals.rootCertificate())],
    revocation: [await get('/seals/root.crl'), await get('/seals/issuing.crl')],
  };
  logKey = (await get('/log/key')).toString().trim();
});
afterAll(async () => {
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const paperOf = (kind: string): Paper => {
  const paper = papers[kind];
  if (!paper) throw new Error(`no ${kind}`);
  return paper;
};
const judge = (file: Buffer, more: Partial<Evidence> = {}) =>
  verify({ file, signature: null, ...trust, ...more }, new Date());
const loggedOf = ({ id }: Paper) =>
  waitUntil('the use has its place in the log', async () => {
    const { statusCode, payload } = await hub.hub.app.inject({ url: `/log/proof/${id}` });
    return statusCode === 200 && parseLoggedUse(payload);
  });

describe.each([
  ['ACCEPTANCE', '受理通知书', '于都县林业局受理专用章（测试）'],
  ['DECISION', '不予行政许可决定书', '于都县林业局公章（测试）'],
])('a sealed notice: %s', (kind, title, seal) => {
  test('passes offline by itself, with its words, seal and timestamp', () => {
    const { number, pdf } = paperOf(kind);
    const report = judge(pdf);
    expect(report).toMatchObject({
      verdict: 'TOTAL_PASSED',
      notice: { kind, title, number, addressee: COMPANY.name },
      signer: { name: seal, organisation: '于都县林业局' },
      provenAt: expect.any(String),
      status: { state: 'UNKNOWN', reason: '文书没有证照状态' },
    });
    expect([report.record, report.statement, report.registered]).toEqual([null, null, null]);
  });

  test('does not pass once a word or its picture is changed', () => {
    const { pdf } = paperOf(kind);
    for (const forge of [tamperAttachment, tamperPageContent]) {
      const report = judge(forge(pdf));
      expect([forge.name, report.verdict, report.notice]).toEqual([forge.name, 'TOTAL_FAILED', null]);
    }
  });

  test('passes with the log’s proof of its own use, and with no other one', async () => {
    const other = paperOf(kind === 'DECISION' ? 'ACCEPTANCE' : 'DECISION');
    const log = { keys: [logKey], required: true };
    const { pdf } = paperOf(kind);
    expect(judge(pdf, { log, logged: await loggedOf(paperOf(kind)) }).verdict).toBe('TOTAL_PASSED');
    for (const logged of [await loggedOf(other), null])
      expect(judge(pdf, { log, logged })).toMatchObject({ verdict: 'INDETERMINATE', subIndication: 'NO_POE' });
  });

  test('is judged by the hub when it is sent, as /verify sends it after a click', async () => {
    const query = `query($input: VerifyLicenseInput!) { verifyLicense(input: $input) {
      verdict signer { name } license { identifier } evidence status { state reason } steps { name passed detail } } }`;
    const { data } = await hub.ask(null, query, { input: { document: paperOf(kind).pdf.toString('base64') } });
    const [archive, ...steps] = data.verifyLicense.steps;
    expect(data.verifyLicense).toMatchObject({
      ...{ verdict: 'TOTAL_PASSED', signer: { name: seal }, license: null, evidence: null },
      status: { state: null, reason: '文书没有证照状态' },
    });
    expect(archive).toMatchObject({ passed: null, detail: '文书不在证照存档中，按文件内的签名核验' });
    const content = steps.find(({ name }: { name: string }) => name === '核对登记数据');
    expect(content.detail).toBe(`${title} ${paperOf(kind).number}，数据完整`);
  });

  test('is judged by npm run verify', () => {
    writeFileSync(path('notice.pdf'), paperOf(kind).pdf);
    writeFileSync(path('root.der'), trust.roots[0] ?? '');
    const lists = ['root.crl', 'issuing.crl'].flatMap((name, i) => {
      writeFileSync(path(name), trust.revocation?.[i] ?? '');
      return ['--crl', path(name)];
    });
    const script = new URL('../../scripts/verify.ts', import.meta.url).pathname;
    const args = [script, path('notice.pdf'), '--root', path('root.der'), ...lists];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringContaining(`${title}  ${paperOf(kind).number}`)]);
    expect(stdout).toContain(`签章 ${seal}，于都县林业局`);
  });
});

test('the evidence of a license is no evidence of a notice', async () => {
  const license = await issueGrantedLicense(hub, DIRECT, await grantCase(hub, DIRECT), 1);
  const bundle = JSON.parse((await get(`/licenses/evidence/${license.identifier}`)).toString());
  const { pdf } = paperOf('ACCEPTANCE');
  const report = judge(pdf, { bundle: Buffer.from(JSON.stringify(bundle)) });
  expect([report.verdict, report.subIndication]).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND']);
});
