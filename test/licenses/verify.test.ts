import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { tamperAttachment, tamperCertificate, tamperPageContent, tamperSignedAttribute } from '../../scripts/tamper.ts';
import { sha256 } from '../../subgraphs/kernel/events.ts';
import { readCertificate } from '../../subgraphs/licenses/verify/certificate.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { signDetached } from '../../subgraphs/seals/signer/cms.ts';
import { ISSUING_NAME, makeCertificate, ROOT_NAME } from '../../subgraphs/seals/signer/pki.ts';
import { listOf } from '../support/forge.ts';
import { record } from '../support/record.ts';
import { flip, stamped, statement, withCode } from '../support/vectors.ts';
import { AT, day, evidenceOf, judge, PDF, SIGNED_AT, world } from '../support/world.ts';

/** A PKI for this test only, made by the certificate code of seals with temporary keys. */
function makePki(organisation: string) {
  const pair = () => generateKeyPairSync('rsa', { modulusLength: 3072 });
  const keys = { root: pair(), issuing: pair(), seal: pair() };
  const pem = (name: keyof typeof keys) => keys[name].publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const by = (name: keyof typeof keys) => (data: Uint8Array) => sign('sha256', data, keys[name].privateKey);
  const life = { validFrom: new Date('2026-01-01T00:00:00Z'), validUntil: new Date('2029-01-01T00:00:00Z') };
  const ofRoot = { issuer: ROOT_NAME, issuerPublicKeyPem: pem('root'), ...life };
  const root = makeCertificate(
    { profile: 'root', subject: ROOT_NAME, publicKeyPem: pem('root'), ...ofRoot },
    by('root'),
  );
  const issuing = makeCertificate(
    { profile: 'issuing', subject: ISSUING_NAME, publicKeyPem: pem('issuing'), ...ofRoot },
    by('root'),
  );
  const subject = { organisation, unit: ROOT_NAME.unit, commonName: `${organisation}审批专用章（测试）` };
  const ofIssuing = { issuer: ISSUING_NAME, issuerPublicKeyPem: pem('issuing'), ...life };
  const seal = makeCertificate({ profile: 'seal', subject, publicKeyPem: pem('seal'), ...ofIssuing }, by('issuing'));
  const seals = (bytes: Uint8Array, signedAt = SIGNED_AT) =>
    Buffer.from(
      signDetached(
        { profile: 'CADES', documentDigest: Buffer.from(sha256(bytes), 'hex'), chain: [seal, issuing], signedAt },
        by('seal'),
      ),
    );
  const revocation = (['root', 'issuing'] as const).map((name) => {
    const { subject: named, keyId, serial } = readCertificate(derOf(name === 'root' ? root : issuing));
    const issuer = { pair: keys[name], name: named, serial, keyId: Buffer.from(keyId ?? '', 'hex') };
    return listOf({ ...issuer, certificate: Buffer.alloc(0) });
  });
  return { root: Buffer.from(root), seals, revocation };
}

const derOf = (text: string) => Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');

describe('the verifier and the seals of the hub', () => {
  let pki: ReturnType<typeof makePki>;
  let signature: Buffer;
  beforeAll(() => {
    pki = makePki(record.ZZBFJG);
    signature = pki.seals(PDF);
  });
  const judged = (given: Partial<Parameters<typeof verify>[0]> = {}, at = AT) => {
    const { revocation } = pki;
    const report = verify({ file: PDF, signature, roots: [pki.root], revocation, ...given }, at);
    return [report.verdict, report.subIndication];
  };

  test('passes a sealed file, and reports the record, the signer and the time', () => {
    const { revocation } = pki;
    const report = verify({ file: PDF, signature, roots: [pki.root], revocation }, AT);
    expect(report.steps.filter((step) => step.passed === false)).toEqual([]);
    expect(report).toMatchObject({
      verdict: 'TOTAL_PASSED',
      status: { state: 'UNKNOWN', asOf: null, source: null },
      record: { ZZBH: record.ZZBH },
      signer: { organisation: record.ZZBFJG },
      provenAt: null,
      claimedAt: '2026-11-23T01:02:03Z',
    });
  });
  test('refuses every tampered copy', () => {
    expect(judged({ file: tamperPageContent(PDF) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(judged({ file: tamperAttachment(PDF) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(judged({ signature: tamperSignedAttribute(signature) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(judged({ signature: tamperCertificate(signature) })).toEqual([
      'INDETERMINATE',
      'NO_SIGNING_CERTIFICATE_FOUND',
    ]);
  });
  test('does not accept another root of the same name', () => {
    const { root } = makePki(record.ZZBFJG);
    expect(judged({ roots: [root] })).toEqual(['INDETERMINATE', 'NO_CERTIFICATE_CHAIN_FOUND']);
  });
});

describe('a report', () => {
  test('stops at the first step that fails, and contains no result of later steps', () => {
    const report = judge({ detached: true, file: tamperAttachment(PDF) });
    expect(report.steps.map((step) => step.passed).slice(0, 4)).toEqual([true, true, false, null]);
    expect(report.steps.slice(3).every((step) => step.passed === null)).toBe(true);
    expect(report).toMatchObject({ record: null, statement: null, signer: null, provenAt: null, claimedAt: null });
  });
  test('gives the time at which a timestamp proves that the signature existed', () => {
    expect(judge()).toMatchObject({ provenAt: '2026-11-23T01:02:05Z', claimedAt: '2026-11-23T01:02:03Z' });
  });
  test('contains the statement of a later act', () => {
    expect(judge(statement())).toMatchObject({ record: null, statement: { CZ: 'SUSPEND', ZZZT: 'SUSPENDED' } });
  });
  test('shows a name from a certificate on one line', () => {
    const { steps } = judge({ world: world({ seal: { common: '章\u001b[31m\n假' } }) });
    expect(steps[3]?.detail).toBe('章�[31m�假');
  });
  test('is the same for the same evidence after other verifications', () => {
    const evidence = evidenceOf(withCode());
    const first = verify(evidence, AT);
    judge({ bundle: stamped(day('2026-11-24')) });
    expect(verify(evidence, AT)).toEqual(first);
    expect(first.verdict).toBe('TOTAL_PASSED');
  });
  test('is returned for any evidence, without an exception', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, (file, signature, root, bundle) => {
        const given = { file, signature, roots: [root], bundle, certificates: [root], revocation: [root] };
        expect(verify(given, AT).verdict).not.toBe('TOTAL_PASSED');
      }),
    );
  });
});

describe('no changed byte passes', () => {
  const evidence = evidenceOf({ detached: true, bundle: stamped(day('2026-11-24')) });
  const passes = (given: Partial<typeof evidence>) => verify({ ...evidence, ...given }, AT).verdict === 'TOTAL_PASSED';
  const places = (bytes: Buffer, step = 1) =>
    Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => i * step);

  test('in the signature and its timestamp', () => {
    const signature = Buffer.from(evidence.signature ?? '');
    expect(passes({})).toBe(true);
    // Flips the lowest bit of each byte, and another bit in every third byte.
    const survivors = places(signature).filter(
      (at) =>
        passes({ signature: flip(signature, at) }) ||
        (at % 3 === 0 && passes({ signature: flip(signature, at, 0x20) })),
    );
    expect(survivors).toEqual([]);
  });
  test('in an archive stamp or in the material under it', () => {
    const bundle = JSON.parse(Buffer.from(evidence.bundle ?? '').toString());
    const token = Buffer.from(bundle.stamps[0].token, 'base64');
    const changed = (one: object) => passes({ bundle: Buffer.from(JSON.stringify({ ...bundle, ...one })) });
    const stampedBy = (bytes: Buffer) => ({ stamps: [{ ...bundle.stamps[0], token: bytes.toString('base64') }] });
    expect(changed(stampedBy(token))).toBe(true);
    expect(places(token, 3).filter((at) => changed(stampedBy(flip(token, at))))).toEqual([]);
    expect(changed({ revocation: bundle.revocation.slice(1) })).toBe(false);
    expect(changed({ certificates: [] })).toBe(false);
  });
  test('in the file', () => {
    const file = Buffer.from(evidence.file ?? '');
    expect(places(file, 997).filter((at) => passes({ file: flip(file, at), bundle: null }))).toEqual([]);
  });
});
