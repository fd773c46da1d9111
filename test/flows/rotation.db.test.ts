import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Report, verify } from '../../subgraphs/licenses/verify/verify.ts';
import { testClock } from '../support/clock.ts';
import { grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import { applyAndApprove } from '../support/seal-applications.ts';

/** Tests new keys of a seal (换证) without a gap: licenses issued before, during and after pass the verifier. */

const DIRECT = ROUTES.DIRECT;
const SEAL = 'yudu-lyj-license-seal';
const ISSUES_DURING_ROTATION = 20;

let hub: TestHub;
const clock = testClock('2026-03-02');
beforeAll(async () => {
  hub = await createTestHub({ now: clock });
});
afterAll(() => hub?.stop());

async function verifyLicense({
  identifier,
  document,
}: {
  identifier: string;
  document: { url: string };
}): Promise<Report & { file: Buffer }> {
  const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
  const get = async (url: string) => (await hub.hub.app.inject({ method: 'GET', url, headers })).rawPayload;
  const root = Buffer.from(await hub.hub.seals.rootCertificate());
  const bundle = await get(`/licenses/evidence/${identifier}`);
  const file = await get(document.url);
  return { ...verify({ file, signature: null, roots: [root], bundle }, clock()), file };
}

test('licenses issued before, during and after a rotation all pass the verifier', async () => {
  const licenseBefore = await issueGrantedLicense(hub, DIRECT, await grantCase(hub, DIRECT), 1);
  clock.advance(60_000);
  const caseIds: string[] = [];
  for (let n = 0; n <= ISSUES_DURING_ROTATION; n++) caseIds.push(await grantCase(hub, DIRECT));
  const [lastCaseId = '', ...otherCaseIds] = caseIds;
  const rotation = new Promise((resolve) => setTimeout(resolve, 300)).then(() =>
    applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealRotation', { seal: SEAL }),
  );
  const licensesDuring = await Promise.all(otherCaseIds.map((id, n) => issueGrantedLicense(hub, DIRECT, id, n + 2)));
  expect((await rotation).refusal).toBeNull();
  const licenseAfter = await issueGrantedLicense(hub, DIRECT, lastCaseId, ISSUES_DURING_ROTATION + 2);

  const { default: postgres } = await import('postgres');
  const sql = postgres(hub.adminUrl, { max: 1 });
  const rows =
    await sql`select certificate_pem as pem from seals.seal_certificate where seal_id = ${SEAL} order by generation`;
  await sql.end();
  const certificates = rows.map(({ pem }) => new X509Certificate(pem).raw.toString('hex'));
  expect(certificates).toHaveLength(2);
  const signers: number[] = [];
  for (const license of [licenseBefore, ...licensesDuring, licenseAfter]) {
    const report = await verifyLicense(license);
    expect(report.steps.filter((step) => step.passed === false)).toEqual([]);
    expect([report.verdict, report.signer?.organisation]).toEqual(['TOTAL_PASSED', '于都县林业局']);
    const text = report.file.toString('latin1').toLowerCase();
    signers.push(certificates.findIndex((raw) => text.includes(raw)));
  }
  expect([signers[0], signers.at(-1)]).toEqual([0, 1]);
  expect(new Set(signers)).toEqual(new Set([0, 1]));
  // They still pass a day later, after the seal has ended for a reason other than a compromise.
  clock.advance(86_400_000);
  const input = { seal: SEAL, reason: 'CESSATION_OF_OPERATION', words: '机构撤并' };
  expect((await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealEnd', input)).seal.state).toBe('ENDED');
  for (const license of [licenseBefore, licenseAfter])
    expect((await verifyLicense(license)).verdict).toBe('TOTAL_PASSED');
}, 240_000);
