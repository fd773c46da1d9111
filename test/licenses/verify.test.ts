import { generateKeyPairSync, sign } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { tamperAttachment, tamperCertificate, tamperPageContent, tamperSignedAttribute } from '../../scripts/tamper.ts';
import { sha256 } from '../../subgraphs/kernel/events.ts';
import { renderLicense } from '../../subgraphs/licenses/document/render.ts';
import { verify } from '../../subgraphs/licenses/verify/verify.ts';
import { signDetached } from '../../subgraphs/seals/cms.ts';
import { ISSUING_NAME, makeCertificate, ROOT_NAME } from '../../subgraphs/seals/pki.ts';
import { record } from '../support/record.ts';

const AT = new Date('2026-11-23T02:00:00Z');
const SIGNED_AT = new Date('2026-11-23T01:02:03Z');

/** A PKI of this test's own, made by the seals' certificate code with keys that are thrown away. */
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
  return { root: Buffer.from(root), seals };
}

describe('the verifier', () => {
  let pki: ReturnType<typeof makePki>;
  let pdf: Buffer;
  let signature: Buffer;
  beforeAll(() => {
    pki = makePki(record.ZZBFJG);
    pdf = Buffer.from(renderLicense(record));
    signature = pki.seals(pdf);
  });
  const judge = (given: Partial<Parameters<typeof verify>[0]> = {}, at = AT) => {
    const { verdict, subIndication } = verify({ pdf, signature, roots: [pki.root], ...given }, at);
    return [verdict, subIndication];
  };

  test('passes what was sealed, and tells the record', () => {
    const report = verify({ pdf, signature, roots: [pki.root] }, AT);
    expect(report.steps.filter((step) => step.passed === false)).toEqual([]);
    expect(report).toMatchObject({ verdict: 'TOTAL_PASSED', status: 'UNKNOWN', record: { ZZBH: record.ZZBH } });
  });
  test('the first step that is not passed decides, and the ones after it are not reached', () => {
    const { steps, record: told } = verify({ pdf: tamperAttachment(pdf), signature, roots: [pki.root] }, AT);
    expect(steps.map((step) => step.passed)).toEqual([true, true, false, null, null, null, null, null, null]);
    expect(told).toBeNull();
  });
  test('the state of the license changes nothing in the verdict on the signature', () => {
    const report = verify({ pdf, signature, roots: [pki.root], status: 'REVOKED' }, AT);
    expect(report).toMatchObject({ verdict: 'TOTAL_PASSED', status: 'REVOKED' });
    expect(report.steps.at(-1)).toMatchObject({ name: '查询证照状态', passed: false });
  });
  test('tampered copies are each refused', () => {
    expect(judge({ pdf: tamperPageContent(pdf) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(judge({ pdf: tamperAttachment(pdf) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(judge({ signature: tamperSignedAttribute(signature) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    expect(judge({ signature: tamperCertificate(signature) })).toEqual([
      'INDETERMINATE',
      'NO_SIGNING_CERTIFICATE_FOUND',
    ]);
  });
  test('no signature, garbage, and bytes after the end', () => {
    expect(judge({ signature: null })).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND']);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('garbage'),
      signature.subarray(0, 300),
      Buffer.concat([signature, Buffer.from([0])]),
    ]) {
      expect(judge({ signature: bytes })).toEqual(['TOTAL_FAILED', 'FORMAT_FAILURE']);
    }
  });
  test('another root of the same name is not the root', () => {
    expect(judge({ roots: [makePki(record.ZZBFJG).root] })).toEqual(['INDETERMINATE', 'NO_CERTIFICATE_CHAIN_FOUND']);
    expect(judge({ roots: [] })).toEqual(['INDETERMINATE', 'NO_CERTIFICATE_CHAIN_FOUND']);
  });
  test('a genuine seal of another organ does not make its license', () => {
    const other = makePki('赣州市自然资源局');
    expect(judge({ signature: other.seals(pdf), roots: [other.root] })).toEqual([
      'INDETERMINATE',
      'SIG_CONSTRAINTS_FAILURE',
    ]);
  });
  test('a genuine signature over another file', () => {
    expect(judge({ signature: pki.seals(Buffer.from('another file')) })).toEqual(['TOTAL_FAILED', 'HASH_FAILURE']);
    const plain = Buffer.from('%PDF-1.7 no attachment %%EOF');
    expect(judge({ pdf: plain, signature: pki.seals(plain) })).toEqual(['TOTAL_FAILED', 'FORMAT_FAILURE']);
    const empty = Buffer.alloc(0);
    expect(judge({ pdf: empty, signature: pki.seals(empty) })).toEqual(['INDETERMINATE', 'SIGNED_DATA_NOT_FOUND']);
    const text = Buffer.from('no PDF at all');
    expect(judge({ pdf: text, signature: pki.seals(text) })).toEqual(['TOTAL_FAILED', 'FORMAT_FAILURE']);
  });
  test('outside the certificate’s time', () => {
    expect(judge({}, new Date('2025-06-01T00:00:00Z'))).toEqual(['INDETERMINATE', 'SIG_CONSTRAINTS_FAILURE']);
    expect(judge({}, new Date('2029-06-01T00:00:00Z'))).toEqual(['INDETERMINATE', 'OUT_OF_BOUNDS_NO_POE']);
    expect(judge({ signature: pki.seals(pdf, new Date('2025-06-01T00:00:00Z')) })[0]).toBe('TOTAL_FAILED');
  });
  test('no single changed byte of the signature passes', () => {
    // Every byte of the signer's statement; certificates and the signature value are long, and alike all the way.
    const statement = signature.length - 1000;
    const value = signature.length - 384;
    for (let at = 0; at < signature.length; at += at > statement && at < value ? 1 : 11) {
      const forged = Buffer.from(signature);
      forged[at] = (forged[at] ?? 0) ^ 0x01;
      expect(judge({ signature: forged })[0], `byte ${at}`).not.toBe('TOTAL_PASSED');
    }
  });
});
