import { describe, expect, test } from 'vitest';
import { verifyCode } from '../../subgraphs/licenses/verify/jws/code.ts';
import { pem } from '../library/authority.ts';
import { createRsaPair, issueCertificate, issueRevocationList, packStates, signJws } from '../support/pki-builder.ts';
import { sampleRecord } from '../support/record.ts';
import { createAuthorities, toDay, VALID_AUTHORITIES, VERIFIED_AT } from '../support/sealed-evidence.ts';
import { buildCodeText, buildEntry, flipBit } from '../support/vectors.ts';

/** Verifies the text of a QR code without its document. */

const PUBLISHED_CERTIFICATES = [VALID_AUTHORITIES.code, VALID_AUTHORITIES.issuing].map(({ certificate }) =>
  Buffer.from(pem(certificate)),
);
const ROOTS = [VALID_AUTHORITIES.root.certificate];
const LISTS = [issueRevocationList(VALID_AUTHORITIES.root), issueRevocationList(VALID_AUTHORITIES.issuing)];
const MATERIAL = { certificates: PUBLISHED_CERTIFICATES, roots: ROOTS, revocation: LISTS };
const judge = (text: string, material: Partial<Parameters<typeof verifyCode>[1]> = {}, at = VERIFIED_AT) => {
  const report = verifyCode(text, { ...MATERIAL, ...material }, at);
  return report.subIndication ?? report.verdict;
};
const CODE_TEXT = buildCodeText(VALID_AUTHORITIES);
const ADDRESS = sampleRecord.KZ_HYDZ.slice(0, -`/v/${sampleRecord.ZZBS}`.length);
const FORMER_ADDRESS = 'https://former.example';
const HOST = new URL(ADDRESS).host;
/** Addresses of strangers, each like the issuer's in another way. */
const FOREIGN_ADDRESSES = [
  ...[
    'https://evil.example',
    `https://${HOST}@evil.example`,
    `https://evil.example/${HOST}`,
    `https://${HOST}.evil.example`,
  ],
  ...['https://evil.example?x=', `${ADDRESS}/`, `${ADDRESS}.`, `${ADDRESS}:8443`, `${ADDRESS}/x`, `${ADDRESS}/v/1/..`],
  ...['https://evil.example\\', 'https://xn--frmer-jua.example', 'https://førmer.example', 'https://FORMER.example'],
  ...[`ftp://${HOST}`, `//${HOST}`, 'https:', 'http://former.example'],
];
const CODE_WITH_LINK = `${sampleRecord.KZ_HYDZ}#${CODE_TEXT}`;
const listsRevokingCode = (at: Date) =>
  [
    LISTS[0] ?? '',
    issueRevocationList(VALID_AUTHORITIES.issuing, { entries: [buildEntry(VALID_AUTHORITIES.code, at)] }),
  ].map(Buffer.from);

describe('a code', () => {
  test('passes with and without its link, and reports its payload', () => {
    const report = verifyCode(CODE_WITH_LINK, MATERIAL, VERIFIED_AT);
    expect(report).toMatchObject({ verdict: 'TOTAL_PASSED', payload: { i: sampleRecord.ZZBS }, signer: '二维码' });
    expect(judge(CODE_TEXT)).toBe('TOTAL_PASSED');
    expect(judge(` ${CODE_TEXT}\n`)).toBe('TOTAL_PASSED');
  });
  test('is checked against revocation lists, and passes only with them', () => {
    expect(judge(CODE_TEXT, { revocation: listsRevokingCode(toDay('2026-11-24')) })).toBe('REVOKED_NO_POE');
    expect(judge(CODE_TEXT, { revocation: [] })).toBe('TRY_LATER');
    expect(judge(CODE_TEXT, {}, new Date(Number.NaN))).toBe('TRY_LATER');
    expect(verifyCode(CODE_TEXT, { certificates: PUBLISHED_CERTIFICATES, roots: ROOTS }, VERIFIED_AT)).toMatchObject({
      ...{ verdict: 'INDETERMINATE', subIndication: 'TRY_LATER', payload: null },
    });
    expect(judge(CODE_TEXT, {}, toDay('2027-01-01'))).toBe('TRY_LATER');
  });
  test('leads only to an address of its issuer, if those are known, and the report names the address', () => {
    const addresses = [ADDRESS, FORMER_ADDRESS];
    const judgeLink = (link: string) => judge(`${link}#${CODE_TEXT}`, { addresses });
    for (const address of addresses) expect(judgeLink(`${address}/v/${sampleRecord.ZZBS}`)).toBe('TOTAL_PASSED');
    expect(judge(CODE_TEXT, { addresses })).toBe('TOTAL_PASSED');
    // The page of a license sends its path alone.
    expect(judgeLink(`/v/${sampleRecord.ZZBS}`)).toBe('TOTAL_PASSED');
    expect(judgeLink('/v/1')).toBe('SIG_CONSTRAINTS_FAILURE');
    for (const address of FOREIGN_ADDRESSES) {
      const text = `${address}/v/${sampleRecord.ZZBS}#${CODE_TEXT}`;
      expect(judge(text, { addresses }), address).toMatch(/^(SIG_CONSTRAINTS|FORMAT)_FAILURE$/);
      const shown = verifyCode(text, MATERIAL, VERIFIED_AT).steps.map(({ detail }) => detail);
      if (judge(text) === 'TOTAL_PASSED') expect(shown.join()).toContain(`${address}，未与颁发系统的地址核对`);
    }
  });
  test.each<[string, string, string]>([
    ['garbage', 'garbage', 'FORMAT_FAILURE'],
    ['nothing', '', 'FORMAT_FAILURE'],
    ['a link without a code', sampleRecord.KZ_HYDZ, 'FORMAT_FAILURE'],
    ['a link that is a script', `javascript:alert(1)/${sampleRecord.ZZBS}#${CODE_TEXT}`, 'FORMAT_FAILURE'],
    ['a link that leads to another license', `https://example.cn/v/1#${CODE_TEXT}`, 'SIG_CONSTRAINTS_FAILURE'],
    ['a text that is too long', `${CODE_TEXT}${'A'.repeat(3000)}`, 'FORMAT_FAILURE'],
    ['a signature in padded base64', `${CODE_TEXT}==`, 'FORMAT_FAILURE'],
    ['a signature cut short', CODE_TEXT.slice(0, -4), 'FORMAT_FAILURE'],
    ['another algorithm', buildCodeText(VALID_AUTHORITIES, {}, { alg: 'none' }), 'FORMAT_FAILURE'],
    ['a HMAC with the public key', buildCodeText(VALID_AUTHORITIES, {}, { alg: 'HS256' }), 'FORMAT_FAILURE'],
    ['another suite', buildCodeText(VALID_AUTHORITIES, {}, { typ: 'JWT' }), 'FORMAT_FAILURE'],
    ['a certificate in the header', buildCodeText(VALID_AUTHORITIES, {}, { x5c: [] }), 'FORMAT_FAILURE'],
    ['an unknown field in the payload', buildCodeText(VALID_AUTHORITIES, { x: 1 } as object), 'FORMAT_FAILURE'],
    [
      'an unknown certificate',
      buildCodeText(VALID_AUTHORITIES, {}, { kid: '0000000000000000' }),
      'NO_SIGNING_CERTIFICATE_FOUND',
    ],
    ['an empty kid', buildCodeText(VALID_AUTHORITIES, {}, { kid: '' }), 'NO_SIGNING_CERTIFICATE_FOUND'],
    ['another key', buildCodeText(VALID_AUTHORITIES, {}, {}, VALID_AUTHORITIES.status), 'SIG_CRYPTO_FAILURE'],
    ['another organ', buildCodeText(VALID_AUTHORITIES, { o: '另一机关' }), 'SIG_CONSTRAINTS_FAILURE'],
  ])('%s is refused', (_, text, expected) => {
    expect(judge(text)).toBe(expected);
  });
  test('is refused if any character is changed', () => {
    for (let at = 0; at < CODE_TEXT.length; at++) {
      const changedText = flipBit(Buffer.from(CODE_TEXT), at).toString();
      expect(judge(changedText), `character ${at}`).not.toBe('TOTAL_PASSED');
    }
  });
  test('is refused if its certificate has another purpose, is outside its validity, or chains to another root', () => {
    const verdictBy = (pki: typeof VALID_AUTHORITIES, at = VERIFIED_AT) =>
      judge(buildCodeText(pki), { certificates: [pki.code.certificate, pki.issuing.certificate] }, at);
    expect(verdictBy({ ...VALID_AUTHORITIES, code: VALID_AUTHORITIES.status })).toBe('CHAIN_CONSTRAINTS_FAILURE');
    expect(verdictBy({ ...VALID_AUTHORITIES, code: VALID_AUTHORITIES.timestamp })).toBe('CHAIN_CONSTRAINTS_FAILURE');
    expect(verdictBy(createAuthorities({ code: { usage: 0xc0 } }))).toBe('CHAIN_CONSTRAINTS_FAILURE');
    expect(verdictBy(VALID_AUTHORITIES, toDay('2030-06-01'))).toBe('OUT_OF_BOUNDS_NO_POE');
    expect(verdictBy(createAuthorities({ code: { from: toDay('2026-12-01') } }))).toBe('OUT_OF_BOUNDS_NO_POE');
    const otherRoot = issueCertificate({ common: '测试根', isCa: true, pair: createRsaPair() });
    expect(judge(CODE_TEXT, { roots: [otherRoot.certificate] })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
    expect(judge(CODE_TEXT, { certificates: PUBLISHED_CERTIFICATES.slice(0, 1) })).toBe('NO_CERTIFICATE_CHAIN_FOUND');
  });
});

describe('the license state in the report on a code', () => {
  const toSeconds = (text: string) => Date.parse(text) / 1000;
  const x5c = [VALID_AUTHORITIES.status.certificate.toString('base64')];
  const period = { iat: toSeconds('2026-11-24T00:00:00Z'), exp: toSeconds('2026-12-01T00:00:00Z') };
  const statusList = signJws(
    { typ: 'statuslist+jwt', x5c },
    { ...period, sub: 'https://example.cn/s/1', status_list: { bits: 4, lst: packStates([0, 6]) } },
    VALID_AUTHORITIES.status,
  );
  const statement = signJws(
    { typ: 'license-status+jwt', x5c },
    { ...period, sub: sampleRecord.ZZBS, state: 'LAPSED', version: 1 },
    VALID_AUTHORITIES.status,
  );
  const stateOf = (material: object) => verifyCode(CODE_TEXT, { ...MATERIAL, ...material }, VERIFIED_AT).status;
  test('comes from a statement, or from the status list if its index is known', () => {
    expect(stateOf({})).toMatchObject({ state: 'UNKNOWN', source: null });
    expect(stateOf({ statement })).toMatchObject({ state: 'LAPSED', source: 'STATEMENT' });
    expect(stateOf({ statusList: statusList, index: 1 })).toMatchObject({ state: 'REVOKED', source: 'STATUS_LIST' });
    expect(stateOf({ statusList: statusList })).toMatchObject({ state: 'UNKNOWN' });
  });
});
