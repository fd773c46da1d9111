import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  tamperAttachment,
  tamperCertificate,
  tamperPageContent,
  tamperSignedAttribute,
} from '../../scripts/demo/tamper.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { readCertificate } from '../../subgraphs/licenses/verify/format/certificate.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { signDetached } from '../../subgraphs/seals/signer/cms.ts';
import { ISSUING_NAME, makeCertificate, ROOT_NAME } from '../../subgraphs/seals/signer/pki.ts';
import { issueRevocationList } from '../support/pki-builder.ts';
import { sampleRecord } from '../support/record.ts';
import {
  buildEvidence,
  createAuthorities,
  PDF,
  SIGNED_AT,
  toDay,
  VERIFIED_AT,
  verifyEvidence,
} from '../support/sealed-evidence.ts';
import { flipBit, withCode, withStamps, withStatement } from '../support/vectors.ts';

/** A PKI for this test only, made by the certificate code of seals with temporary keys. */
function makePki(organisation: string) {
  const newPair = () => generateKeyPairSync('rsa', { modulusLength: 3072 });
  const keys = { root: newPair(), issuing: newPair(), seal: newPair() };
  const pem = (name: keyof typeof keys) => keys[name].publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const signWith = (name: keyof typeof keys) => (data: Uint8Array) => sign('sha256', data, keys[name].privateKey);
  const validity = { validFrom: new Date('2026-01-01T00:00:00Z'), validUntil: new Date('2029-01-01T00:00:00Z') };
  const issuedByRoot = { issuer: ROOT_NAME, issuerPublicKeyPem: pem('root'), ...validity };
  const root = makeCertificate(
    { profile: 'root', subject: ROOT_NAME, publicKeyPem: pem('root'), ...issuedByRoot },
    signWith('root'),
  );
  const issuing = makeCertificate(
    { profile: 'issuing', subject: ISSUING_NAME, publicKeyPem: pem('issuing'), ...issuedByRoot },
    signWith('root'),
  );
  const subject = { organisation, unit: ROOT_NAME.unit, commonName: `${organisation}审批专用章（测试）` };
  const issuedByIssuing = { issuer: ISSUING_NAME, issuerPublicKeyPem: pem('issuing'), ...validity };
  const seal = makeCertificate(
    { profile: 'seal', subject, publicKeyPem: pem('seal'), ...issuedByIssuing },
    signWith('issuing'),
  );
  const sealBytes = (bytes: Uint8Array, signedAt = SIGNED_AT) =>
    Buffer.from(
      signDetached(
        { profile: 'CADES', documentDigest: Buffer.from(sha256(bytes), 'hex'), chain: [seal, issuing], signedAt },
        signWith('seal'),
      ),
    );
  const revocation = (['root', 'issuing'] as const).map((name) => {
    const { subject: subjectName, keyId, serial } = readCertificate(derOf(name === 'root' ? root : issuing));
    const issuer = { pair: keys[name], name: subjectName, serial, keyId: Buffer.from(keyId ?? '', 'hex') };
    return issueRevocationList({ ...issuer, certificate: Buffer.alloc(0) });
  });
  return { root: Buffer.from(root), seals: sealBytes, revocation };
}

const derOf = (text: string) => Buffer.from(text.replace(/-----[^-]+-----/g, ''), 'base64');

describe('the verifier and the seals of the hub', () => {
  let pki: ReturnType<typeof makePki>;
  let signature: Buffer;
  beforeAll(() => {
    pki = makePki(sampleRecord.ZZBFJG);
    signature = pki.seals(PDF);
  });
  const verdictOf = (changes: Partial<Parameters<typeof verify>[0]> = {}, at = VERIFIED_AT) => {
    const { revocation } = pki;
    const report = verify({ file: PDF, signature, roots: [pki.root], revocation, ...changes }, at);
    return [report.verdict, report.subIndication];
  };

  test('passes a sealed file, and reports the record, the signer and the time', () => {
    const { revocation } = pki;
    const report = verify({ file: PDF, signature, roots: [pki.root], revocation }, VERIFIED_AT);
    expect(report.steps.filter((step) => step.passed === false)).toEqual([]);
    expect(report).toMatchObject({
      verdict: 'TOTAL_PASSED',
      status: { state: 'UNKNOWN', asOf: null, source: null },
      record: { ZZBH: sampleRecord.ZZBH },
      signer: { organisation: sampleRecord.ZZBFJG },
      provenAt: null,
      claimedAt: '2026-11-23T01:02:03Z',
    });
  });
  test('refuses every tampered copy', () => {
    expect(verdictOf({ file: tamperPageContent(PDF) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(verdictOf({ file: tamperAttachment(PDF) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(verdictOf({ signature: tamperSignedAttribute(signature) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(verdictOf({ signature: tamperCertificate(signature) })).toEqual([
      'INDETERMINATE',
      'NO_SIGNING_CERTIFICATE_FOUND',
    ]);
  });
  test('does not accept another root of the same name', () => {
    const { root } = makePki(sampleRecord.ZZBFJG);
    expect(verdictOf({ roots: [root] })).toEqual(['INDETERMINATE', 'NO_CERTIFICATE_CHAIN_FOUND']);
  });
});

describe('a report', () => {
  test('stops at the first step that fails, and contains no result of later steps', () => {
    const report = verifyEvidence({ detached: true, file: tamperAttachment(PDF) });
    expect(report.steps.map((step) => step.passed).slice(0, 4)).toEqual([true, true, false, null]);
    expect(report.steps.slice(3).every((step) => step.passed === null)).toBe(true);
    expect(report).toMatchObject({ record: null, statement: null, signer: null, provenAt: null, claimedAt: null });
  });
  test('gives the time at which a timestamp proves that the signature existed', () => {
    expect(verifyEvidence()).toMatchObject({ provenAt: '2026-11-23T01:02:05Z', claimedAt: '2026-11-23T01:02:03Z' });
  });
  test('contains the statement of a later act', () => {
    expect(verifyEvidence(withStatement())).toMatchObject({
      record: null,
      statement: { CZ: 'SUSPEND', ZZZT: 'SUSPENDED' },
    });
  });
  test('shows a name from a certificate on one line', () => {
    const { steps } = verifyEvidence({ authorities: createAuthorities({ seal: { common: '章\u001b[31m\n假' } }) });
    expect(steps[3]?.detail).toBe('章�[31m�假');
  });
  test('is the same for the same evidence after other verifications', () => {
    const evidence = buildEvidence(withCode());
    const first = verify(evidence, VERIFIED_AT);
    verifyEvidence({ bundle: withStamps(toDay('2026-11-24')) });
    expect(verify(evidence, VERIFIED_AT)).toEqual(first);
    expect(first.verdict).toBe('TOTAL_PASSED');
  });
  test('is returned for any evidence, without an exception', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, (file, signature, root, bundle) => {
        const randomEvidence = { file, signature, roots: [root], bundle, certificates: [root], revocation: [root] };
        expect(verify(randomEvidence, VERIFIED_AT).verdict).not.toBe('TOTAL_PASSED');
      }),
    );
  });
});

describe('no changed byte passes', () => {
  const evidence = buildEvidence({ detached: true, bundle: withStamps(toDay('2026-11-24')) });
  const passes = (changes: Partial<typeof evidence>) =>
    verify({ ...evidence, ...changes }, VERIFIED_AT).verdict === 'TOTAL_PASSED';
  const offsets = (bytes: Buffer, step = 1) =>
    Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => i * step);

  test('in the signature and its timestamp', () => {
    const signature = Buffer.from(evidence.signature ?? '');
    expect(passes({})).toBe(true);
    // Flips the lowest bit of each byte, and another bit in every third byte.
    const survivors = offsets(signature).filter(
      (at) =>
        passes({ signature: flipBit(signature, at) }) ||
        (at % 3 === 0 && passes({ signature: flipBit(signature, at, 0x20) })),
    );
    expect(survivors).toEqual([]);
  });
  test('in an archive stamp or in the material under it', () => {
    const bundle = JSON.parse(Buffer.from(evidence.bundle ?? '').toString());
    const token = Buffer.from(bundle.stamps[0].token, 'base64');
    const passesWith = (bundleChanges: object) =>
      passes({ bundle: Buffer.from(JSON.stringify({ ...bundle, ...bundleChanges })) });
    const stampedBy = (bytes: Buffer) => ({ stamps: [{ ...bundle.stamps[0], token: bytes.toString('base64') }] });
    expect(passesWith(stampedBy(token))).toBe(true);
    expect(offsets(token, 3).filter((at) => passesWith(stampedBy(flipBit(token, at))))).toEqual([]);
    expect(passesWith({ revocation: bundle.revocation.slice(1) })).toBe(false);
    expect(passesWith({ certificates: [] })).toBe(false);
  });
  test('in the file', () => {
    const file = Buffer.from(evidence.file ?? '');
    expect(offsets(file, 997).filter((at) => passes({ file: flipBit(file, at), bundle: null }))).toEqual([]);
  });
});
