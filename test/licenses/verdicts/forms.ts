import { tamperAttachment, tamperPageContent } from '../../../scripts/demo/tamper.ts';
import { toCanonicalJson } from '../../../subgraphs/kernel/events/events.ts';
import { der, oid } from '../../library/authority.ts';
import {
  asn1Null,
  attribute,
  issueCertificate,
  issueRevocationList,
  issueTimestamp,
  rsaSha256,
  sha256,
} from '../../support/pki-builder.ts';
import { sampleRecord } from '../../support/record.ts';
import {
  buildSealedPdf,
  PDF,
  renderPdf,
  SIGNED_AT,
  VALID_AUTHORITIES,
  VERIFIED_AT,
} from '../../support/sealed-evidence.ts';
import {
  buildCodeText,
  EXPLICIT_POLICY,
  flipBit,
  policyAttribute,
  STATEMENT,
  sequence,
  UNKNOWN_EXTENSION,
  type Vectors,
  withAuthorities,
  withCode,
  withStatement,
} from '../../support/vectors.ts';

/** Rules on the file, on the form of a signature and on the signed content. */

const NULL_DIGEST = sequence(oid('2.16.840.1.101.3.4.2.1'), asn1Null);
const addAttribute = (id: string) => (sorted: Buffer[]) => [...sorted, attribute(id, asn1Null)].sort(Buffer.compare);
const removeAttribute = (id: string) => (sorted: Buffer[]) => sorted.filter((encoded) => !encoded.includes(oid(id)));
const enclosedCertificates = [VALID_AUTHORITIES.seal.certificate, VALID_AUTHORITIES.issuing.certificate].sort(
  Buffer.compare,
);
const buildToken = (signature: Buffer, options = {}) =>
  issueTimestamp(sha256(signature), {
    signer: VALID_AUTHORITIES.timestamp,
    issuer: VALID_AUTHORITIES.issuing,
    ...options,
  });
const stampAttribute = (...values: Buffer[]) => attribute('1.2.840.113549.1.9.16.2.14', ...values);
const OTHER_ORGAN = withAuthorities({ seal: { organisation: '赣州市自然资源局' } });
const twinSeal = issueCertificate({
  ...{
    organisation: sampleRecord.ZZBFJG,
    common: '审批专用章',
    issuer: VALID_AUTHORITIES.issuing,
    pair: VALID_AUTHORITIES.seal.pair,
  },
});

/** The same content with the outermost length in a form that BER allows and DER does not. */
const useIndefiniteLength = (cms: Buffer) =>
  Buffer.concat([Buffer.from([0x30, 0x80]), cms.subarray(4), Buffer.from([0, 0])]);
const useLongLength = (cms: Buffer) =>
  Buffer.concat([Buffer.from([0x30, 0x83, 0, cms[2] ?? 0, cms[3] ?? 0]), cms.subarray(4)]);

export const FORMS: Vectors = {
  PASSED: [
    ['a license sealed in its PDF', {}],
    ['a license with a detached signature', { detached: true }],
    ['a statement of a later act with a detached signature', withStatement()],
    ['a license that carries a code with a link', withCode()],
    ['a license that carries a code without a link', withCode(buildCodeText(VALID_AUTHORITIES))],
    ['a timestamp with fractions of a second', { token: { fraction: '.25' } }],
  ],
  FORMAT_FAILURE: [
    ['a file that is neither PDF nor statement', { detached: true, content: Buffer.from('no PDF at all') }],
    ['a signature that is garbage', { cms: () => Buffer.from('garbage') }],
    ['a signature cut short', { cms: (cms) => cms.subarray(0, 300) }],
    ['a signature with bytes after its end', { cms: (cms) => Buffer.concat([cms, Buffer.from([1])]) }],
    ['a signature of indefinite length', { cms: useIndefiniteLength }],
    ['a signature whose length is not the shortest', { cms: useLongLength }],
    ['certificates out of order', { seal: { enclose: enclosedCertificates.toReversed() } }],
    [
      'a third certificate',
      { seal: { enclose: [...enclosedCertificates, VALID_AUTHORITIES.code.certificate].sort(Buffer.compare) } },
    ],
    [
      'the same certificate twice',
      { seal: { enclose: [VALID_AUTHORITIES.seal.certificate, VALID_AUTHORITIES.seal.certificate] } },
    ],
    ['the signer’s certificate alone', { seal: { enclose: [VALID_AUTHORITIES.seal.certificate] } }],
    [
      'a revocation list inside the signature',
      { seal: { more: [der(0xa1, issueRevocationList(VALID_AUTHORITIES.issuing))] } },
    ],
    ['two signers', { seal: { signers: (encoded) => [encoded, flipBit(encoded)].sort(Buffer.compare) } }],
    ['no signer', { seal: { signers: () => [] } }],
    ['a signature of version 3', { seal: { version: 3 } }],
    ['a signer of version 3', { seal: { signerVersion: 3 } }],
    ['a digest algorithm with NULL', { seal: { digestAlgorithm: NULL_DIGEST } }],
    ['signed attributes out of order', { seal: { attributes: (sorted) => sorted.toReversed() } }],
    ['a signed attribute twice', { seal: { attributes: (sorted) => sorted.flatMap((encoded) => [encoded, encoded]) } }],
    ['a detached seal without signing-time', { detached: true, seal: { signingTime: null } }],
    ['signed attributes without content type', { seal: { attributes: removeAttribute('1.2.840.113549.1.9.3') } }],
    ['signed attributes without message digest', { seal: { attributes: removeAttribute('1.2.840.113549.1.9.4') } }],
    [
      'signed attributes without signing-certificate-v2',
      { seal: { attributes: removeAttribute('1.2.840.113549.1.9.16.2.47') } },
    ],
    ['an unknown unsigned attribute', { seal: { unsigned: () => [attribute('1.2.3.4', asn1Null)] } }],
    [
      'two timestamps',
      {
        seal: {
          unsigned: (value) => [
            stampAttribute(buildToken(value)),
            stampAttribute(buildToken(value, { fraction: '.5' })),
          ],
        },
      },
    ],
    [
      'two timestamps in one attribute',
      { seal: { unsigned: (value) => [stampAttribute(buildToken(value), buildToken(value, { fraction: '.5' }))] } },
    ],
    ['a timestamp with an unsigned attribute', { token: { unsigned: () => [attribute('1.2.3.4', asn1Null)] } }],
    ['a timestamp of version 1', { token: { version: 1 } }],
    [
      'a timestamp with a third certificate',
      { token: { enclose: [...enclosedCertificates, VALID_AUTHORITIES.timestamp.certificate].sort(Buffer.compare) } },
    ],
    ['a timestamp over garbage', { token: { info: Buffer.from('garbage') } }],
    ['a timestamp of a later version', { token: { infoVersion: 2 } }],
    ['a record with another check character', { content: renderPdf({ ZZBS: `${sampleRecord.ZZBS.slice(0, -1)}?` }) }],
    ['a record of another version than its identifier says', { content: renderPdf({ KZ_BB: 2 }) }],
    ['a statement that is not canonical', withStatement(JSON.stringify(STATEMENT, null, 1))],
    ['a statement without reason', withStatement(toCanonicalJson({ ...STATEMENT, SM: undefined }))],
    ['a code of another suite', withCode(buildCodeText(VALID_AUTHORITIES, {}, { typ: 'tq-code-2' }))],
    ['a code with an additional header', withCode(buildCodeText(VALID_AUTHORITIES, {}, { crit: ['b64'] }))],
    ['a code without a signature', withCode(buildCodeText(VALID_AUTHORITIES).split('.').slice(0, 2).join('.'))],
  ],
  HASH_FAILURE: [
    ['a bar drawn across the page', { detached: true, file: tamperPageContent(PDF) }],
    ['another holder in the attachment', { detached: true, file: tamperAttachment(PDF) }],
    ['a changed byte before a seal in the PDF', () => ({ file: flipBit(buildSealedPdf(), 200) })],
    [
      'a timestamp over another signature',
      { seal: { unsigned: () => [stampAttribute(buildToken(Buffer.from('another')))] } },
    ],
    ['a timestamp whose content is not the one signed', { token: { messageDigest: sha256('another') } }],
    [
      'a code made for another record',
      withCode(buildCodeText(VALID_AUTHORITIES, { d: sha256('another').toString('base64url') })),
    ],
  ],
  SIG_CRYPTO_FAILURE: [
    ['a signature by another key', signWithOtherKey('seal')],
    ['a changed bit in the signature value', { seal: { forge: flipBit } }],
    ['attributes changed after they were signed', { detached: true, cms: moveSigningTime }],
    [
      'a timestamp by another key',
      { token: { signer: { ...VALID_AUTHORITIES.timestamp, pair: VALID_AUTHORITIES.code.pair } } },
    ],
    [
      'a changed bit in the signature of a timestamp',
      { token: { forge: (value) => flipBit(value, value.length - 1) } },
    ],
    ['a code signed by another key', withCode(buildCodeText(VALID_AUTHORITIES, {}, {}, VALID_AUTHORITIES.status))],
    ['a signature value with trailing garbage', { seal: { forge: (value) => Buffer.concat([value, value]) } }],
  ],
  SIG_CONSTRAINTS_FAILURE: [
    ['an unknown signed attribute', { seal: { attributes: addAttribute('1.2.3.4') } }],
    ['signing-time in a seal inside a PDF', { seal: { signingTime: SIGNED_AT } }],
    ['the seal of another organ', OTHER_ORGAN],
    ['the seal of another organ on a statement', { ...OTHER_ORGAN, ...withStatement() }],
    ['a seal that names no organ', withAuthorities({ seal: { organisation: null } })],
    [
      'an organ injected by a common name of two lines',
      withAuthorities({ seal: { organisation: '另一机关', common: `章\nO=${sampleRecord.ZZBFJG}` } }),
    ],
    ['a signing time later than its timestamp', { signedAt: new Date('2026-11-23T02:00:00Z') }],
    [
      'a signing time in the future',
      { detached: true, token: null, signedAt: new Date(VERIFIED_AT.getTime() + 600_000) },
    ],
    ['a bundle of another license', { bundle: (bundle) => ({ ...bundle, identifier: '1.2.156' }) }],
    ['a code that names another license', withCode(buildCodeText(VALID_AUTHORITIES, { i: '1.2.156.3005.2' }))],
    ['a code that names a longer validity', withCode(buildCodeText(VALID_AUTHORITIES, { t: '长期' }))],
    ['a code that names another organ', withCode(buildCodeText(VALID_AUTHORITIES, { o: '另一机关' }))],
    ['a code that names another holder', withCode(buildCodeText(VALID_AUTHORITIES, { h: '另一****有限公司' }))],
    ['a code with the link of another license', withCode(`https://example.cn/v/1#${buildCodeText(VALID_AUTHORITIES)}`)],
  ],
  CRYPTO_CONSTRAINTS_FAILURE: [
    [
      'a signature with SHA-384',
      { seal: { digestAlgorithm: sequence(oid('2.16.840.1.101.3.4.2.2')), hash: 'sha384' } },
    ],
    [
      'a signature algorithm named rsaEncryption',
      { seal: { signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.1'), asn1Null) } },
    ],
    [
      'a signature algorithm without its NULL',
      { seal: { signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.11')) } },
    ],
    ['RSASSA-PSS', { seal: { signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.10'), sequence()) } }],
    ['signing-certificate-v2 by SHA-1', { seal: { attributes: bindBySha1 } }],
    ['a timestamp over a SHA-1 digest', { token: { imprintAlgorithm: sequence(oid('1.3.14.3.2.26')) } }],
    ['a timestamp by RSA', { token: { signer: VALID_AUTHORITIES.seal, signatureAlgorithm: rsaSha256 } }],
  ],
  SIGNATURE_POLICY_NOT_AVAILABLE: [
    ['an explicit signature policy', { seal: { attributes: policyAttribute(EXPLICIT_POLICY) } }],
    ['an implied signature policy', { seal: { attributes: policyAttribute(asn1Null) } }],
    [
      'a signature policy in a detached seal',
      { detached: true, seal: { attributes: policyAttribute(EXPLICIT_POLICY) } },
    ],
    ['a signature policy in a timestamp', { token: { attributes: policyAttribute(EXPLICIT_POLICY) } }],
  ],
  NO_SIGNING_CERTIFICATE_FOUND: [
    ['signing-certificate-v2 of the authority', { seal: { bound: VALID_AUTHORITIES.root.certificate } }],
    [
      'another certificate of the same key and name',
      { seal: { enclose: [twinSeal.certificate, VALID_AUTHORITIES.issuing.certificate].sort(Buffer.compare) } },
    ],
    [
      'a signer named by another serial number',
      { seal: { sid: sequence(VALID_AUTHORITIES.issuing.name, der(0x02, Buffer.from([9]))) } },
    ],
    ['a timestamp bound to another certificate', { token: { bound: VALID_AUTHORITIES.code.certificate } }],
    [
      'a code that names an unknown certificate',
      withCode(buildCodeText(VALID_AUTHORITIES, {}, { kid: '0123456789abcdef' })),
    ],
    [
      'a code without its certificate in the bundle',
      { ...withCode(), bundle: (bundle) => ({ ...bundle, certificates: [] }) },
    ],
  ],
  SIGNED_DATA_NOT_FOUND: [
    ['no file', { evidence: (evidence) => ({ ...evidence, file: null }) }],
    ['an empty file', { evidence: (evidence) => ({ ...evidence, file: Buffer.alloc(0) }) }],
    ['a PDF without any signature', { evidence: (evidence) => ({ ...evidence, file: PDF }) }],
    [
      'a statement without its signature',
      { ...withStatement(), evidence: (evidence) => ({ ...evidence, signature: null }) },
    ],
    ['a bundle of another file', { bundle: (bundle) => ({ ...bundle, document: sha256('another').toString('hex') }) }],
  ],
  CHAIN_CONSTRAINTS_FAILURE: [
    [
      'a seal certificate with an unknown critical extension',
      withAuthorities({ seal: { extra: [UNKNOWN_EXTENSION] } }),
    ],
  ],
};

function signWithOtherKey(role: 'seal') {
  return { seal: { signer: { ...VALID_AUTHORITIES[role], pair: VALID_AUTHORITIES.root.pair } } };
}

function moveSigningTime(cms: Buffer): Buffer {
  return Buffer.from(cms.toString('latin1').replace('261123010203Z', '261123010204Z'), 'latin1');
}

function bindBySha1(sorted: Buffer[]): Buffer[] {
  const hash = sequence(sequence(oid('1.3.14.3.2.26')), der(0x04, Buffer.alloc(20)));
  const sha1Attribute = attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(hash)));
  const id = oid('1.2.840.113549.1.9.16.2.47');
  return [...sorted.filter((encoded) => !encoded.includes(id)), sha1Attribute].sort(Buffer.compare);
}
