import { describe, expect, test } from 'vitest';
import { verifyCode } from '../../subgraphs/licenses/verify/code.ts';
import { pem } from '../library/authority.ts';
import { certify, jws, listOf, newRsa, packStates } from '../support/forge.ts';
import { record } from '../support/record.ts';
import { codeText, entryOf, flip } from '../support/vectors.ts';
import { AT, day, GOOD, world } from '../support/world.ts';

/** Verifies the text of a QR code without its document. */

const PUBLISHED = [GOOD.code, GOOD.issuing].map(({ certificate }) => Buffer.from(pem(certificate)));
const ROOTS = [GOOD.root.certificate];
const MATERIAL = { certificates: PUBLISHED, roots: ROOTS };
const LISTS = [listOf(GOOD.root), listOf(GOOD.issuing)];
const judge = (text: string, material: Partial<Parameters<typeof verifyCode>[1]> = {}, at = AT) => {
  const report = verifyCode(text, { ...MATERIAL, ...material }, at);
  return report.subIndication ?? report.verdict;
};
const TEXT = codeText(GOOD);
const LINKED = `${record.KZ_HYDZ}#${TEXT}`;
const revoked = (at: Date) =>
  [LISTS[0] ?? '', listOf(GOOD.issuing, { entries: [entryOf(GOOD.code, at)] })].map(Buffer.from);

describe('a code', () => {
  test('passes with and without its link, and reports its payload', () => {
    const report = verifyCode(LINKED, MATERIAL, AT);
    expect(report).toMatchObject({ verdict: 'TOTAL_PASSED', payload: { i: record.ZZBS }, signer: '二维码' });
    expect(report.steps.at(-1)).toMatchObject({ passed: null });
    expect(judge(TEXT)).toBe('TOTAL_PASSED');
    expect(judge(` ${TEXT}\n`)).toBe('TOTAL_PASSED');
  });
  test('is checked against revocation lists if they are given', () => {
    expect(judge(TEXT, { revocation: LISTS })).toBe('TOTAL_PASSED');
    expect(judge(TEXT, { revocation: revoked(day('2026-11-24')) })).toBe('REVOKED_NO_POE');
    expect(judge(TEXT, { revocation: [] })).toBe('TRY_LATER');
    expect(judge(TEXT, {}, new Date(Number.NaN))).toBe('TRY_LATER');
    expect(judge(TEXT, { revocation: LISTS }, day('2027-01-01'))).toBe('TRY_LATER');
  });
  test.each<[string, string, string]>([
    ['garbage', 'garbage', 'FORMAT_FAILURE'],
    ['nothing', '', 'FORMAT_FAILURE'],
    ['a link without a code', record.KZ_HYDZ, 'FORMAT_FAILURE'],
    ['a link that is a script', `javascript:alert(1)/${record.ZZBS}#${TEXT}`, 'FORMAT_FAILURE'],
    ['a link that leads to another license', `https://example.cn/v/1#${TEXT}`, 'SIG_CONSTRAINTS_FAILURE'],
    ['a text that is too long', `${TEXT}${'A'.repeat(3000)}`, 'FORMAT_FAILURE'],
    ['a signature in padded base64', `${TEXT}==`, 'FORMAT_FAILURE'],
    ['a signature cut short', TEXT.slice(0, -4), 'FORMAT_FAILURE'],
    ['another algorithm', codeText(GOOD, {}, { alg: 'none' }), 'FORMAT_FAILURE'],
    ['a HMAC with the public key', codeText(GOOD, {}, { alg: 'HS256' }), 'FORMAT_FAILURE'],
    ['another suite', codeText(GOOD, {}, { typ: 'JWT' }), 'FORMAT_FAILURE'],
    ['a certificate in the header', codeText(GOOD, {}, { x5c: [] }), 'FORMAT_FAILURE'],
    ['an unknown field in the payload', codeText(GOOD, { x: 1 } as object), 'FORMAT_FAILURE'],
    ['an unknown certificate', codeText(GOOD, {}, { kid: '0000000000000000' }), 'NO_SIGNING_CERTIFICATE_FOUND'],
    ['an empty kid', codeText(GOOD, {}, { kid: '' }), 'NO_SIGNING_CERTIFICATE_FOUND'],
    ['another key', codeText(GOOD, {}, {}, GOOD.status), 'SIG_CRYPTO_FAILURE'],
    ['another organ', codeText(GOOD, { o: '另一机关' }), 'SIG_CONSTRAINTS_FAILURE'],
  ])('%s is refused', (_, text, expected) => {
    expect(judge(text)).toBe(expected);
  });
  test('is refused if any character is changed', () => {
    for (let at = 0; at < TEXT.length; at++) {
      const changed = flip(Buffer.from(TEXT), at).toString();
      expect(judge(changed), `character ${at}`).not.toBe('TOTAL_PASSED');
    }
  });
  test('is refused if its certificate has another purpose, is outside its validity, or chains to another root', () => {
    const of = (made: typeof GOOD, at = AT) =>
      judge(codeText(made), { certificates: [made.code.certificate, made.issuing.certificate] }, at);
    expect(of({ ...GOOD, code: GOOD.status })).toBe('CHAIN_CONSTRAINTS_FAILURE');
    expect(of({ ...GOOD, code: GOOD.timestamp })).toBe('CHAIN_CONSTRAINTS_FAILURE');
    expect(of(world({ code: { usage: 0xc0 } }))).toBe('CHAIN_CONSTRAINTS_FAILURE');
    expect(of(GOOD, day('2030-06-01'))).toBe('OUT_OF_BOUNDS_NO_POE');
    expect(of(world({ code: { from: day('2026-12-01') } }))).toBe('OUT_OF_BOUNDS_NO_POE');
    const fake = certify({ common: '测试根', isCa: true, pair: newRsa() });
    expect(judge(TEXT, { roots: [fake.certificate] })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
    expect(judge(TEXT, { certificates: PUBLISHED.slice(0, 1) })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
  });
});

describe('the license state in the report on a code', () => {
  const seconds = (text: string) => Date.parse(text) / 1000;
  const x5c = [GOOD.status.certificate.toString('base64')];
  const times = { iat: seconds('2026-11-24T00:00:00Z'), exp: seconds('2026-12-01T00:00:00Z') };
  const list = jws(
    { typ: 'statuslist+jwt', x5c },
    { ...times, sub: 'https://example.cn/s/1', status_list: { bits: 4, lst: packStates([0, 6]) } },
    GOOD.status,
  );
  const statement = jws(
    { typ: 'license-status+jwt', x5c },
    { ...times, sub: record.ZZBS, state: 'LAPSED', version: 1 },
    GOOD.status,
  );
  const state = (material: object) => verifyCode(TEXT, { ...MATERIAL, revocation: LISTS, ...material }, AT).status;
  test('comes from a statement, or from the status list if its index is known', () => {
    expect(state({})).toMatchObject({ state: 'UNKNOWN', source: null });
    expect(state({ statement })).toMatchObject({ state: 'LAPSED', source: 'STATEMENT' });
    expect(state({ statusList: list, index: 1 })).toMatchObject({ state: 'REVOKED', source: 'STATUS_LIST' });
    expect(state({ statusList: list })).toMatchObject({ state: 'UNKNOWN' });
  });
});
