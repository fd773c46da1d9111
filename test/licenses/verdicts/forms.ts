import { tamperAttachment, tamperPageContent } from '../../../scripts/tamper.ts';
import { canonical } from '../../../subgraphs/kernel/events.ts';
import { der, oid } from '../../library/authority.ts';
import { attribute, certify, listOf, nothing, rsaSha256, sha256, tokenOver } from '../../support/forge.ts';
import { record } from '../../support/record.ts';
import {
  codeText,
  EXPLICIT_POLICY,
  flip,
  inWorld,
  policyAttribute,
  STATEMENT,
  sequence,
  statement,
  UNKNOWN,
  type Vectors,
  withCode,
} from '../../support/vectors.ts';
import { AT, GOOD, PDF, rendered, SIGNED_AT, wrapped } from '../../support/world.ts';

/** Rules on the file, on the form of a signature and on the signed content. */

const NULL_DIGEST = sequence(oid('2.16.840.1.101.3.4.2.1'), nothing);
const more = (id: string) => (sorted: Buffer[]) => [...sorted, attribute(id, nothing)].sort(Buffer.compare);
const without = (id: string) => (sorted: Buffer[]) => sorted.filter((one) => !one.includes(oid(id)));
const enclosed = [GOOD.seal.certificate, GOOD.issuing.certificate].sort(Buffer.compare);
const token = (signature: Buffer, options = {}) =>
  tokenOver(sha256(signature), { signer: GOOD.timestamp, issuer: GOOD.issuing, ...options });
const stampAttribute = (...values: Buffer[]) => attribute('1.2.840.113549.1.9.16.2.14', ...values);
const OTHER_ORGAN = inWorld({ seal: { organisation: '赣州市自然资源局' } });
const again = certify({
  ...{ organisation: record.ZZBFJG, common: '审批专用章', issuer: GOOD.issuing, pair: GOOD.seal.pair },
});

/** The same content with the outermost length in a form that BER allows and DER does not. */
const indefinite = (cms: Buffer) => Buffer.concat([Buffer.from([0x30, 0x80]), cms.subarray(4), Buffer.from([0, 0])]);
const longLength = (cms: Buffer) =>
  Buffer.concat([Buffer.from([0x30, 0x83, 0, cms[2] ?? 0, cms[3] ?? 0]), cms.subarray(4)]);

export const FORMS: Vectors = {
  PASSED: [
    ['a license sealed in its PDF', {}],
    ['a license with a detached signature', { detached: true }],
    ['a statement of a later act with a detached signature', statement()],
    ['a license that carries a code with a link', withCode()],
    ['a license that carries a code without a link', withCode(codeText(GOOD))],
    ['a timestamp with fractions of a second', { token: { fraction: '.25' } }],
  ],
  FORMAT_FAILURE: [
    ['a file that is neither PDF nor statement', { detached: true, content: Buffer.from('no PDF at all') }],
    ['a signature that is garbage', { cms: () => Buffer.from('garbage') }],
    ['a signature cut short', { cms: (cms) => cms.subarray(0, 300) }],
    ['a signature with bytes after its end', { cms: (cms) => Buffer.concat([cms, Buffer.from([1])]) }],
    ['a signature of indefinite length', { cms: indefinite }],
    ['a signature whose length is not the shortest', { cms: longLength }],
    ['certificates out of order', { seal: { enclose: enclosed.toReversed() } }],
    ['a third certificate', { seal: { enclose: [...enclosed, GOOD.code.certificate].sort(Buffer.compare) } }],
    ['the same certificate twice', { seal: { enclose: [GOOD.seal.certificate, GOOD.seal.certificate] } }],
    ['the signer’s certificate alone', { seal: { enclose: [GOOD.seal.certificate] } }],
    ['a revocation list inside the signature', { seal: { more: [der(0xa1, listOf(GOOD.issuing))] } }],
    ['two signers', { seal: { signers: (one) => [one, flip(one)].sort(Buffer.compare) } }],
    ['no signer', { seal: { signers: () => [] } }],
    ['a signature of version 3', { seal: { version: 3 } }],
    ['a signer of version 3', { seal: { signerVersion: 3 } }],
    ['a digest algorithm with NULL', { seal: { digestAlgorithm: NULL_DIGEST } }],
    ['signed attributes out of order', { seal: { attributes: (sorted) => sorted.toReversed() } }],
    ['a signed attribute twice', { seal: { attributes: (sorted) => sorted.flatMap((one) => [one, one]) } }],
    ['a detached seal without signing-time', { detached: true, seal: { signingTime: null } }],
    ['signed attributes without content type', { seal: { attributes: without('1.2.840.113549.1.9.3') } }],
    ['signed attributes without message digest', { seal: { attributes: without('1.2.840.113549.1.9.4') } }],
    [
      'signed attributes without signing-certificate-v2',
      { seal: { attributes: without('1.2.840.113549.1.9.16.2.47') } },
    ],
    ['an unknown unsigned attribute', { seal: { unsigned: () => [attribute('1.2.3.4', nothing)] } }],
    [
      'two timestamps',
      {
        seal: { unsigned: (value) => [stampAttribute(token(value)), stampAttribute(token(value, { fraction: '.5' }))] },
      },
    ],
    [
      'two timestamps in one attribute',
      { seal: { unsigned: (value) => [stampAttribute(token(value), token(value, { fraction: '.5' }))] } },
    ],
    ['a timestamp with an unsigned attribute', { token: { unsigned: () => [attribute('1.2.3.4', nothing)] } }],
    ['a timestamp of version 1', { token: { version: 1 } }],
    [
      'a timestamp with a third certificate',
      { token: { enclose: [...enclosed, GOOD.timestamp.certificate].sort(Buffer.compare) } },
    ],
    ['a timestamp over garbage', { token: { info: Buffer.from('garbage') } }],
    ['a timestamp of a later version', { token: { infoVersion: 2 } }],
    ['a record with another check character', { content: rendered({ ZZBS: `${record.ZZBS.slice(0, -1)}?` }) }],
    ['a record of another version than its identifier says', { content: rendered({ KZ_BB: 2 }) }],
    ['a statement that is not canonical', statement(JSON.stringify(STATEMENT, null, 1))],
    ['a statement without reason', statement(canonical({ ...STATEMENT, SM: undefined }))],
    ['a code of another suite', withCode(codeText(GOOD, {}, { typ: 'tq-code-2' }))],
    ['a code with an additional header', withCode(codeText(GOOD, {}, { crit: ['b64'] }))],
    ['a code without a signature', withCode(codeText(GOOD).split('.').slice(0, 2).join('.'))],
  ],
  HASH_FAILURE: [
    ['a bar drawn across the page', { detached: true, file: tamperPageContent(PDF) }],
    ['another holder in the attachment', { detached: true, file: tamperAttachment(PDF) }],
    ['a changed byte before a seal in the PDF', () => ({ file: flip(wrapped(), 200) })],
    [
      'a timestamp over another signature',
      { seal: { unsigned: () => [stampAttribute(token(Buffer.from('another')))] } },
    ],
    ['a timestamp whose content is not the one signed', { token: { messageDigest: sha256('another') } }],
    ['a code made for another record', withCode(codeText(GOOD, { d: sha256('another').toString('base64url') }))],
  ],
  SIG_CRYPTO_FAILURE: [
    ['a signature by another key', inAnother('seal')],
    ['a changed bit in the signature value', { seal: { forge: flip } }],
    ['attributes changed after they were signed', { detached: true, cms: moveSigningTime }],
    ['a timestamp by another key', { token: { signer: { ...GOOD.timestamp, pair: GOOD.code.pair } } }],
    ['a changed bit in the signature of a timestamp', { token: { forge: (value) => flip(value, value.length - 1) } }],
    ['a code signed by another key', withCode(codeText(GOOD, {}, {}, GOOD.status))],
    ['a signature value with trailing garbage', { seal: { forge: (value) => Buffer.concat([value, value]) } }],
  ],
  SIG_CONSTRAINTS_FAILURE: [
    ['an unknown signed attribute', { seal: { attributes: more('1.2.3.4') } }],
    ['signing-time in a seal inside a PDF', { seal: { signingTime: SIGNED_AT } }],
    ['the seal of another organ', OTHER_ORGAN],
    ['the seal of another organ on a statement', { ...OTHER_ORGAN, ...statement() }],
    ['a seal that names no organ', inWorld({ seal: { organisation: null } })],
    [
      'an organ injected by a common name of two lines',
      inWorld({ seal: { organisation: '另一机关', common: `章\nO=${record.ZZBFJG}` } }),
    ],
    ['a signing time later than its timestamp', { signedAt: new Date('2026-11-23T02:00:00Z') }],
    ['a signing time in the future', { detached: true, token: null, signedAt: new Date(AT.getTime() + 600_000) }],
    ['a bundle of another license', { bundle: (bundle) => ({ ...bundle, identifier: '1.2.156' }) }],
    ['a code that names another license', withCode(codeText(GOOD, { i: '1.2.156.3005.2' }))],
    ['a code that names a longer validity', withCode(codeText(GOOD, { t: '长期' }))],
    ['a code that names another organ', withCode(codeText(GOOD, { o: '另一机关' }))],
    ['a code that names another holder', withCode(codeText(GOOD, { h: '另一****有限公司' }))],
    ['a code with the link of another license', withCode(`https://example.cn/v/1#${codeText(GOOD)}`)],
  ],
  CRYPTO_CONSTRAINTS_FAILURE: [
    [
      'a signature with SHA-384',
      { seal: { digestAlgorithm: sequence(oid('2.16.840.1.101.3.4.2.2')), hash: 'sha384' } },
    ],
    [
      'a signature algorithm named rsaEncryption',
      { seal: { signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.1'), nothing) } },
    ],
    [
      'a signature algorithm without its NULL',
      { seal: { signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.11')) } },
    ],
    ['RSASSA-PSS', { seal: { signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.10'), sequence()) } }],
    ['signing-certificate-v2 by SHA-1', { seal: { attributes: boundBySha1 } }],
    ['a timestamp over a SHA-1 digest', { token: { imprintAlgorithm: sequence(oid('1.3.14.3.2.26')) } }],
    ['a timestamp by RSA', { token: { signer: GOOD.seal, signatureAlgorithm: rsaSha256 } }],
  ],
  SIGNATURE_POLICY_NOT_AVAILABLE: [
    ['an explicit signature policy', { seal: { attributes: policyAttribute(EXPLICIT_POLICY) } }],
    ['an implied signature policy', { seal: { attributes: policyAttribute(nothing) } }],
    [
      'a signature policy in a detached seal',
      { detached: true, seal: { attributes: policyAttribute(EXPLICIT_POLICY) } },
    ],
    ['a signature policy in a timestamp', { token: { attributes: policyAttribute(EXPLICIT_POLICY) } }],
  ],
  NO_SIGNING_CERTIFICATE_FOUND: [
    ['signing-certificate-v2 of the authority', { seal: { bound: GOOD.root.certificate } }],
    [
      'another certificate of the same key and name',
      { seal: { enclose: [again.certificate, GOOD.issuing.certificate].sort(Buffer.compare) } },
    ],
    [
      'a signer named by another serial number',
      { seal: { sid: sequence(GOOD.issuing.name, der(0x02, Buffer.from([9]))) } },
    ],
    ['a timestamp bound to another certificate', { token: { bound: GOOD.code.certificate } }],
    ['a code that names an unknown certificate', withCode(codeText(GOOD, {}, { kid: '0123456789abcdef' }))],
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
      { ...statement(), evidence: (evidence) => ({ ...evidence, signature: null }) },
    ],
    ['a bundle of another file', { bundle: (bundle) => ({ ...bundle, document: sha256('another').toString('hex') }) }],
  ],
  CHAIN_CONSTRAINTS_FAILURE: [
    ['a seal certificate with an unknown critical extension', inWorld({ seal: { extra: [UNKNOWN] } })],
  ],
};

function inAnother(role: 'seal') {
  return { seal: { signer: { ...GOOD[role], pair: GOOD.root.pair } } };
}

function moveSigningTime(cms: Buffer): Buffer {
  return Buffer.from(cms.toString('latin1').replace('261123010203Z', '261123010204Z'), 'latin1');
}

function boundBySha1(sorted: Buffer[]): Buffer[] {
  const hash = sequence(sequence(oid('1.3.14.3.2.26')), der(0x04, Buffer.alloc(20)));
  const wrong = attribute('1.2.840.113549.1.9.16.2.47', sequence(sequence(hash)));
  const id = oid('1.2.840.113549.1.9.16.2.47');
  return [...sorted.filter((one) => !one.includes(id)), wrong].sort(Buffer.compare);
}
