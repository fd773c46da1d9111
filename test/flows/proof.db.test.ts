import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildVerifier } from '../../scripts/verifier/build.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { type LoggedUse, MAX_BUNDLE_BYTES } from '../../subgraphs/licenses/verify/evidence.ts';
import { verifyCode } from '../../subgraphs/licenses/verify/jws/code.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import type { VerifierFile } from '../../subgraphs/seals/log/leaf.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { findRefusalCode, grantCase, issueGrantedLicense, ROUTES } from '../support/flow.ts';
import { createHubOn, createTestHub, type TestHub } from '../support/hub.ts';
import { findRefusalOfAct } from '../support/own-act.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';

const DIRECT = ROUTES.DIRECT;

/** Verifies a license with only its evidence and a pinned root certificate. */
describe('offline verification of a license', () => {
  let hub: TestHub;
  let clock: TestClock;
  let root: Buffer;
  let verifier: VerifierFile;
  let serial = 0;
  beforeAll(async () => {
    clock = testClock('2026-03-02');
    verifier = await buildVerifier();
    hub = await createTestHub({ now: clock, log: { verifier } });
    root = Buffer.from(await hub.hub.seals.rootCertificate());
  });
  afterAll(() => hub?.stop());

  const fetchFile = async (url: string, person?: string) => {
    const authorization = person && `Bearer ${await hub.token(person)}`;
    const headers = authorization === undefined ? {} : { authorization, 'x-purpose': 'AUDIT' };
    const response = await hub.hub.app.inject({ method: 'GET', url, headers });
    expect([url, response.statusCode]).toEqual([url, 200]);
    return response.rawPayload;
  };
  const issueLicense = async () => {
    const license = await issueGrantedLicense(hub, DIRECT, await grantCase(hub, DIRECT), ++serial);
    return { license, pdf: await fetchFile(license.document.url, 'auditor') };
  };
  const bundleOf = (identifier: string) => fetchFile(`/licenses/evidence/${identifier}`);
  const verifyLicense = (file: Buffer, bundle: Buffer | null, time = clock()) =>
    verify({ file, signature: null, roots: [root], bundle }, time);

  test('passes with its bundle; the report names signer, proven time and state', async () => {
    const { license, pdf } = await issueLicense();
    const bundle = await bundleOf(license.identifier);
    expect(bundle.length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
    const report = verifyLicense(pdf, bundle);
    expect(report.steps.filter((step) => step.passed === false)).toEqual([]);
    expect(report).toMatchObject({
      verdict: 'TOTAL_PASSED',
      signer: { organisation: '于都县林业局' },
      record: { ZZBS: license.identifier, KZ_EWM: expect.stringContaining(`/v/${license.identifier}#`) },
      status: { state: 'VALID', source: 'STATEMENT' },
    });
    expect(Date.parse(report.provenAt ?? '')).toBe(clock().getTime());
    expect(verifyLicense(pdf, null)).toMatchObject({ verdict: 'INDETERMINATE', subIndication: 'TRY_LATER' });
    const otherLicense = await issueLicense();
    expect(verifyLicense(pdf, await bundleOf(otherLicense.license.identifier)).verdict).not.toBe('TOTAL_PASSED');
  });

  test('the hub hands out its verifier, and the log says which file it is', async () => {
    const file = await fetchFile('/log/verify.mjs');
    expect(file.equals(verifier.bytes)).toBe(true);
    const url = `/log/proof/${sha256(file)}?kind=VERIFIER`;
    await waitUntil('the leaf has its place', async () => {
      const { statusCode } = await hub.hub.app.inject({ method: 'GET', url });
      return statusCode === 200;
    });
    const extra = /^extra (.*)$/m.exec((await fetchFile(url)).toString())?.[1] ?? '';
    expect(JSON.parse(Buffer.from(extra, 'base64').toString())).toEqual({
      ...{ v: 1, kind: 'VERIFIER', digest: sha256(file), release: verifier.release, at: expect.any(String) },
    });
  });

  test('the code is verified offline with published certificates, and the state with the status list', async () => {
    const { license, pdf } = await issueLicense();
    const { record } = verifyLicense(pdf, await bundleOf(license.identifier));
    const material = {
      roots: [root],
      certificates: certificatesOf(await fetchFile('/seals/certificates.pem')),
      revocation: [await fetchFile('/seals/root.crl'), await fetchFile('/seals/issuing.crl')],
    };
    const statusList = (await fetchFile('/licenses/status-list')).toString();
    const codeMaterial = { ...material, statusList, index: record?.KZ_ZTXH ?? -1 };
    expect(verifyCode(record?.KZ_EWM ?? '', codeMaterial, clock())).toMatchObject({
      verdict: 'TOTAL_PASSED',
      payload: { i: license.identifier, h: '于都县贡****有限公司', o: '于都县林业局' },
      status: { state: 'VALID', source: 'STATUS_LIST' },
    });
    const forgedCode = (record?.KZ_EWM ?? '').replace(/.{4}$/, 'AAAA');
    expect(verifyCode(forgedCode, codeMaterial, clock()).verdict).toBe('TOTAL_FAILED');
    const { identifier } = license;
    expect(await findRefusalOfAct(hub, 'yudu-lyj', 'revoke', { identifier })).toBeNull();
    expect((await fetchFile('/licenses/status-list')).toString()).toBe(statusList);
    clock.advance(3_600_001);
    const nextList = (await fetchFile('/licenses/status-list')).toString();
    expect(verifyCode(record?.KZ_EWM ?? '', { ...codeMaterial, statusList: nextList }, clock()).status.state).toBe(
      'REVOKED',
    );
    expect(verifyLicense(pdf, await bundleOf(identifier))).toMatchObject({
      verdict: 'TOTAL_PASSED',
      status: { state: 'REVOKED' },
    });
  });

  test('the hub takes a code at its own address and at the one on the paper, at no other', async () => {
    const { license, pdf } = await issueLicense();
    const text = verifyLicense(pdf, await bundleOf(license.identifier)).record?.KZ_EWM ?? '';
    const { origin } = new URL(text);
    const query = 'query($code: String!) { verifyLicense(input: { code: $code }) { verdict subIndication } }';
    const judge = async (judging: TestHub, address: string) => {
      const { data } = await judging.ask(null, query, { code: text.replace(origin, address) });
      return data.verifyLicense.subIndication ?? data.verifyLicense.verdict;
    };
    const moved = await createHubOn(
      { urls: hub.databaseUrls, adminUrl: hub.adminUrl, drop: async () => {} },
      { now: clock, publicUrl: 'https://moved.example' },
      false,
    );
    expect(await judge(hub, origin)).toBe('TOTAL_PASSED');
    expect(await judge(moved, origin)).toBe('TOTAL_PASSED');
    expect(await judge(moved, 'https://moved.example')).toBe('TOTAL_PASSED');
    expect(await judge(hub, 'https://moved.example')).toBe('SIG_CONSTRAINTS_FAILURE');
    expect(await judge(moved, 'https://evil.example')).toBe('SIG_CONSTRAINTS_FAILURE');
    expect(await judge(moved, `${origin}@evil.example`)).toBe('SIG_CONSTRAINTS_FAILURE');
    await moved.stop();
  });

  test('requires a log proof of its own seal use and accepts no other proof', async () => {
    const { license, pdf } = await issueLicense();
    const otherLicense = await issueLicense();
    const waitForLog = (identifier: string) =>
      waitUntil('the use has its place', async () => {
        const bundle = await bundleOf(identifier);
        return JSON.parse(bundle.toString()).log !== undefined && bundle;
      });
    const bundle = await waitForLog(license.identifier);
    expect(bundle.length).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
    const key = (await fetchFile('/log/key')).toString().trim();
    const verifyAltered = (changes: object, keys: readonly string[] = [key]) => {
      const altered = Buffer.from(JSON.stringify({ ...JSON.parse(bundle.toString()), ...changes }));
      const log = { keys, required: true };
      return verify({ file: pdf, signature: null, roots: [root], bundle: altered, log }, clock());
    };
    expect(verifyAltered({}).steps.find(({ name }) => name.includes('日志'))).toMatchObject({ passed: true });
    expect(verifyAltered({}).verdict).toBe('TOTAL_PASSED');
    const proofOf = async (identifier: string): Promise<LoggedUse> =>
      JSON.parse((await waitForLog(identifier)).toString()).log;
    const ownProof = await proofOf(license.identifier);
    const otherLogKey = 'tongquan.test/another+3ef3c3a4+AZn5Iiy2yRBoVSzTLCSaGtUWJcmfRMZXd4F6fNzzQ4Zr';
    for (const [log, keys] of [
      [await proofOf(otherLicense.license.identifier), [key]],
      [{ ...ownProof, proof: ownProof.proof.replace(/^index \d+/m, 'index 0') }, [key]],
      [{ ...ownProof, proof: ownProof.proof.replace(/\n\n.*\n/, '\n\nanother.log\n') }, [key]],
      [{ ...ownProof, entry: { ...ownProof.entry, organ: 'yudu-jtj' } }, [key]],
      [undefined, [key]],
      [ownProof, []],
      [ownProof, [otherLogKey]],
    ] as const) {
      expect(verifyAltered({ log }, keys), JSON.stringify(log)).toMatchObject({
        verdict: 'INDETERMINATE',
        subIndication: 'NO_POE',
      });
    }
  });

  test('a seal compromise after the timestamp changes nothing; a compromise before it fails the license', async () => {
    const sealedBefore = await issueLicense();
    clock.advance(86_400_000);
    const compromisedAt = clock().toISOString();
    clock.advance(86_400_000);
    const sealedAfter = await issueLicense();
    const seal = 'yudu-lyj-license-seal';
    const input = { seal, reason: 'KEY_COMPROMISE', words: '密钥介质遗失', compromisedAt };
    const endAnswer = await applyAndApprove(hub.ask, 'yudu-lyj', 'applyForSealEnd', input);
    expect(endAnswer).toMatchObject({ refusal: null, seal: { state: 'ENDED' } });
    clock.advance(3_600_001);
    expect(verifyLicense(sealedBefore.pdf, await bundleOf(sealedBefore.license.identifier)).verdict).toBe(
      'TOTAL_PASSED',
    );
    const report = verifyLicense(sealedAfter.pdf, await bundleOf(sealedAfter.license.identifier));
    expect([report.verdict, report.subIndication]).toEqual(['TOTAL_FAILED', 'REVOKED']);
    // The ended seal cannot be used again.
    const grantedCaseId = await grantCase(hub, DIRECT);
    const issueInput = { case: grantedCaseId, blankNumber: `${DIRECT.blanks}00000040` };
    expect(await findRefusalCode(hub, DIRECT.prints, 'issueLicense', 'CaseActInput', issueInput)).toMatch(/^SEAL_/);
  });
});

/** Simulates twenty years. The proof is renewed before its keys become weak, and the bundle stays within its limit. */
describe('evidence remains valid longer than its keys', () => {
  test('passes offline up to 20 years later with only the bundle and a pinned root', async () => {
    const clock = testClock('2026-03-02');
    const hub = await createTestHub({ now: clock });
    try {
      const route = ROUTES.SUBSTANTIVE_REVIEW;
      const license = await issueGrantedLicense(hub, route, await grantCase(hub, route), 1);
      const root = Buffer.from(await hub.hub.seals.rootCertificate());
      const headers = { authorization: `Bearer ${await hub.token('auditor')}`, 'x-purpose': 'AUDIT' };
      const pdf = (await hub.hub.app.inject({ method: 'GET', url: license.document.url, headers })).rawPayload;
      const fetchBundle = async () =>
        (await hub.hub.app.inject({ method: 'GET', url: `/licenses/evidence/${license.identifier}` })).rawPayload;
      const sizes: number[] = [];
      const stamps: number[] = [];
      for (const years of [1, 5, 7.1, 14.3, 20]) {
        clock.set(new Date(Date.parse('2026-03-02T04:00:00Z') + years * 365.25 * 86_400_000).toISOString());
        await hub.hub.licenses.renewProofs();
        const bundle = await fetchBundle();
        sizes.push(bundle.length);
        stamps.push(JSON.parse(bundle.toString()).stamps.length);
        const report = verify({ file: pdf, signature: null, roots: [root], bundle }, clock());
        expect([
          years,
          report.verdict,
          report.subIndication,
          report.steps.find((entry) => entry.passed === false)?.detail,
        ]).toEqual([years, 'TOTAL_PASSED', null, undefined]);
        expect(report.provenAt?.slice(0, 10)).toBe('2026-03-02');
      }
      expect(Math.max(...sizes), `${sizes} ${stamps}`).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
    } finally {
      await hub.stop();
    }
  });
});

function certificatesOf(pem: Buffer): Buffer[] {
  return (pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((entry) =>
    Buffer.from(entry),
  );
}
