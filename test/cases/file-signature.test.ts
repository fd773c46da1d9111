import forge from 'node-forge';
import { expect, test } from 'vitest';
import { parseAnchors } from '../../subgraphs/cases/material/signature/anchors.ts';
import { judgeSignature } from '../../subgraphs/cases/material/signature/judge.ts';
import { buildOfd } from '../support/containers.ts';
import { buildPdf, buildPng } from '../support/files.ts';
import { issue, signPdf, toPem } from '../support/signed-pdf.ts';

/** Signatures of other authorities in PDFs, made by another library. */

const NOW = new Date('2026-03-02T01:00:00Z');
const root = issue('Root', null, { isCa: true });
const authority = issue('Authority', root, { isCa: true });
const signer = issue('Market Office', authority);
const anchors = [toPem(root)];
const signOwn = () => signPdf(signer, [signer, authority]);

const judge = (bytes: Buffer, { mediaType = 'application/pdf', trusted = anchors, at = NOW } = {}) =>
  judgeSignature({ bytes, mediaType, anchors: trusted, at });
const verdictOf = (bytes: Buffer, options = {}) => judge(bytes, options)?.verdict;

test('an intact signature of a trusted authority names its signer', () => {
  expect(judge(signOwn())).toEqual({
    ...{ verdict: 'TRUSTED', reason: null, signer: 'Market Office', issuer: 'Authority' },
    ...{ validUntil: '2030-01-01T00:00:00.000Z', judgedAt: NOW.toISOString() },
  });
  expect(verdictOf(signOwn(), { trusted: [toPem(authority)] })).toBe('TRUSTED');
});

test('an intact signature is not trusted without a path, or after the certificate has ended', () => {
  expect(verdictOf(signOwn(), { trusted: [] })).toBe('UNKNOWN_ISSUER');
  expect(verdictOf(signPdf(signer, [signer]))).toBe('UNKNOWN_ISSUER');
  const forged = issue('Market Office', issue('Authority', issue('Root', null, { isCa: true }), { isCa: true }));
  expect(verdictOf(signPdf(forged, [forged, authority]))).toBe('UNKNOWN_ISSUER');
  const byNobody = issue('Somebody', signer);
  expect(verdictOf(signPdf(byNobody, [byNobody, signer, authority]))).toBe('UNKNOWN_ISSUER');
  expect(verdictOf(signOwn(), { at: new Date('2031-01-01T00:00:00Z') })).toBe('EXPIRED');
});

test('a changed file, a changed value and another signer’s certificate are broken', () => {
  const signed = signOwn();
  const change = (from: string, to: string) => Buffer.from(signed.toString('latin1').replace(from, to), 'latin1');
  expect(verdictOf(change('(license)', '(licence)'))).toBe('BROKEN');
  expect(verdictOf(Buffer.concat([signed, Buffer.from('\n9 0 obj\n<< >>\nendobj\n')]))).toBe('BROKEN');
  expect(verdictOf(Buffer.concat([signed, Buffer.from('\r\n\0\n'.replace('\0', ''))]))).toBe('TRUSTED');
  expect(verdictOf(change('/ByteRange [0', '/ByteRange [1'))).toBe('BROKEN');
  expect(verdictOf(change('/ByteRange [', '/ByteRange [x'))).toBe('BROKEN');
  const other = issue('Market Office', authority);
  const stolen = { certificate: signer.certificate, key: other.key };
  expect(verdictOf(signPdf(stolen, [signer, authority]))).toBe('BROKEN');
  // One signature that covers the start only, and another text behind it.
  const twice = Buffer.concat([signed, Buffer.from('/ByteRange [0 10 20 30]')]);
  expect(verdictOf(twice)).toBe('BROKEN');
});

test('what cannot be judged is never passed in silence', () => {
  const signed = signOwn().toString('latin1');
  const garbled = signed.replace(/<30[0-9a-f]{6}/, '<00000000');
  expect(judge(Buffer.from(garbled, 'latin1'))).toMatchObject({ verdict: 'NOT_JUDGED', reason: '签名格式不能识别' });
  expect(verdictOf(signPdf(signer, [signer, authority], forge.pki.oids.sha1 as string))).toBe('NOT_JUDGED');
  const seal = { name: 'Doc_0/Signs/Signatures.xml', content: '<a/>' };
  expect(verdictOf(buildOfd([seal]), { mediaType: 'application/ofd' })).toBe('NOT_JUDGED');
  expect(verdictOf(buildOfd(), { mediaType: 'application/ofd' })).toBe('UNSIGNED');
  expect(verdictOf(buildPdf())).toBe('UNSIGNED');
  expect(judge(buildPng(), { mediaType: 'image/png' })).toBeNull();
});

test('the office’s list of authorities is read whole or not at all', () => {
  expect(parseAnchors(`# list\n${anchors.join('\n')}${toPem(authority)}`)).toHaveLength(2);
  expect(() => parseAnchors('')).toThrow();
  expect(() => parseAnchors(toPem(signer))).toThrow('签发机构');
});
