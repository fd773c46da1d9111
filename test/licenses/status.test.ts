import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { LICENSE_STATES } from '../../subgraphs/kernel/license-acts.ts';
import { periodOf } from '../../subgraphs/kernel/period/validity.ts';
import { isDeemedRenewed } from '../../subgraphs/licenses/verify/status.ts';
import { issueCertificate, packStates, signJws } from '../support/pki-builder.ts';
import { sampleRecord } from '../support/record.ts';
import {
  type Changes,
  renderPdf,
  SIGNED_AT,
  toDay,
  VALID_AUTHORITIES,
  VERIFIED_AT,
  verifyEvidence,
} from '../support/sealed-evidence.ts';
import { withRevoked, withStamps } from '../support/vectors.ts';

/** The state of a license in the report, which is separate from the verdict on the signature. */

const toSeconds = (at: Date) => at.getTime() / 1000;
const x5c = [VALID_AUTHORITIES.status.certificate.toString('base64')];
const ISSUED_AT = toDay('2026-11-24');
const STATEMENT_CLAIMS = {
  sub: sampleRecord.ZZBS,
  state: 'SUSPENDED',
  version: 1,
  iat: toSeconds(ISSUED_AT),
  exp: toSeconds(toDay('2026-12-01')),
};
const statementJwt = (claims: object = {}, header: object = {}, signer = VALID_AUTHORITIES.status) =>
  signJws({ typ: 'license-status+jwt', x5c, ...header }, { ...STATEMENT_CLAIMS, ...claims }, signer);
const LIST_CLAIMS = { iat: toSeconds(ISSUED_AT), exp: toSeconds(toDay('2026-12-01')), sub: 'https://example.cn/s/1' };
const listJwt = (values: readonly number[], claims: object = {}, list: object = {}) =>
  signJws(
    { typ: 'statuslist+jwt', x5c },
    { ...LIST_CLAIMS, status_list: { bits: 4, lst: packStates(values), ...list }, ...claims },
    VALID_AUTHORITIES.status,
  );
const withStatement = (text: string): Changes => ({ evidence: (evidence) => ({ ...evidence, statement: text }) });
const withList = (statusList: string, index = 3): Changes => ({
  content: renderPdf({ KZ_ZTXH: index }),
  evidence: (evidence) => ({ ...evidence, statusList }),
});
/** Returns the reported state. Requires that the signature passes in any state. */
const stateOf = (changes: Changes) => {
  const { status, verdict } = verifyEvidence(changes);
  expect(verdict).toBe('TOTAL_PASSED');
  return status;
};
const UNKNOWN = { state: 'UNKNOWN' };

describe('the dates on the license', () => {
  /** The word is of 24 November, 08:00 in Asia/Shanghai, and the verification of the day after. */
  const stateIn = (from: string, until: string, word: string | null) => {
    const content = renderPdf({ ZZYXQQSRQ: from, ZZYXQJZRQ: until });
    const { state, source } = stateOf({
      content,
      evidence: (evidence) => ({ ...evidence, statement: word && statementJwt({ state: word }) }),
    });
    return [state, source];
  };
  test.each<[string, string | null, boolean]>([
    ['2026-11-23', 'VALID', true],
    ['2026-11-23', 'SUSPENDED', true],
    ['2026-11-23', 'REVOKED', false],
    ['2026-11-23', null, false],
    // A word from the last day itself knows nothing of the day after it.
    ['2026-11-24', 'VALID', false],
    ['长期', 'VALID', false],
  ])('until %s with the word %s it counts as renewed: %s', (until, word, expected) => {
    const content = renderPdf({ ZZYXQQSRQ: '2026-01-01', ZZYXQJZRQ: until });
    const status = stateOf({
      content,
      evidence: (evidence) => ({ ...evidence, statement: word && statementJwt({ state: word }) }),
    });
    const period = periodOf({ ZZYXQQSRQ: '2026-01-01', ZZYXQJZRQ: until });
    expect(isDeemedRenewed(status, period)).toBe(expected);
  });
  const START = '2026-01-01';
  test.each<[string, string, string | null, string, string | null]>([
    [START, '2026-11-24', 'VALID', 'LAPSED', 'PERIOD'],
    [START, '2026-11-24', 'SUSPENDED', 'LAPSED', 'PERIOD'],
    [START, '2026-11-24', 'REVOKED', 'REVOKED', 'STATEMENT'],
    [START, '2026-11-25', 'VALID', 'VALID', 'STATEMENT'],
    // The newest signed word dated after the last day wins: renewed, or in force by law.
    [START, '2026-11-23', 'VALID', 'VALID', 'STATEMENT'],
    [START, '2026-11-23', 'SUPERSEDED', 'SUPERSEDED', 'STATEMENT'],
    [START, '长期', 'VALID', 'VALID', 'STATEMENT'],
    ['2026-11-26', '2027-11-25', 'VALID', 'NOT_YET_VALID', 'PERIOD'],
    ['2026-11-25', '2027-11-24', 'NOT_YET_VALID', 'VALID', 'PERIOD'],
    ['2026-11-26', '2027-11-25', 'SUSPENDED', 'SUSPENDED', 'STATEMENT'],
    [START, '2026-11-24', null, 'LAPSED', 'PERIOD'],
    ['2026-11-26', '2027-11-25', null, 'NOT_YET_VALID', 'PERIOD'],
    [START, '2026-11-25', null, 'UNKNOWN', null],
  ])('from %s to %s with the word %s: %s', (from, until, word, state, source) => {
    expect(stateIn(from, until, word)).toEqual([state, source]);
  });
});

describe('a status statement', () => {
  test('gives the state, its time and its source', () => {
    const expectedStatus = { state: 'SUSPENDED', asOf: '2026-11-24T00:00:00Z', source: 'STATEMENT', reason: null };
    expect(stateOf(withStatement(statementJwt()))).toEqual(expectedStatus);
    expect(stateOf({ bundle: (bundle) => ({ ...bundle, status: statementJwt() }) })).toEqual(expectedStatus);
    expect(verifyEvidence(withStatement(statementJwt())).steps.at(-1)).toMatchObject({
      name: '查询证照状态',
      passed: false,
    });
  });
  test('that has expired reports the last known state', () => {
    const status = stateOf({ ...withStatement(statementJwt({ exp: toSeconds(ISSUED_AT) + 60 })), at: VERIFIED_AT });
    expect(status).toMatchObject({ ...UNKNOWN, asOf: '2026-11-24T00:00:00Z' });
    expect(status.reason).toContain('SUSPENDED');
  });
  test.each<[string, string]>([
    ['of another license', statementJwt({ sub: '1.2.156' })],
    ['of another version', statementJwt({ version: 2 })],
    ['with an unknown state', statementJwt({ state: 'FINE' })],
    ['with an unknown claim', statementJwt({ more: 1 })],
    ['from the future', statementJwt({ iat: toSeconds(toDay('2026-11-26')) })],
    ['that ends before it begins', statementJwt({ exp: toSeconds(ISSUED_AT) - 1 })],
    ['with times in milliseconds', statementJwt({ iat: ISSUED_AT.getTime() })],
    ['by another key', statementJwt({}, {}, VALID_AUTHORITIES.code)],
    ['of another type', statementJwt({}, { typ: 'JWT' })],
    ['with an additional header', statementJwt({}, { kid: 'x' })],
    [
      'with a second certificate',
      statementJwt({}, { x5c: [...x5c, VALID_AUTHORITIES.issuing.certificate.toString('base64')] }),
    ],
    ['without certificates', statementJwt({}, { x5c: [] })],
    ['with garbage for certificates', statementJwt({}, { x5c: ['AAAA'] })],
    [
      'by a certificate for codes',
      statementJwt({}, { x5c: [VALID_AUTHORITIES.code.certificate.toString('base64')] }, VALID_AUTHORITIES.code),
    ],
    [
      'by a certificate for timestamps',
      statementJwt(
        {},
        { x5c: [VALID_AUTHORITIES.timestamp.certificate.toString('base64')] },
        VALID_AUTHORITIES.timestamp,
      ),
    ],
    ['that is garbage', 'garbage'],
    ['that is a list', listJwt([0, 0, 0, 1])],
  ])('%s is not used', (_, text) => {
    const status = stateOf(withStatement(text));
    expect(status).toMatchObject(UNKNOWN);
    expect(status.reason).toMatch(/[一-龥]/);
  });
  test('by a certificate of another authority is not used', () => {
    const otherAuthority = issueCertificate({ common: '测试签发', isCa: true });
    const statusCertificate = issueCertificate({
      issuer: otherAuthority,
      pair: VALID_AUTHORITIES.status.pair,
      usage: 0x80,
      purposes: ['1.3.6.1.4.1.99999.1.2'],
    });
    const chain = [statusCertificate, otherAuthority].map(({ certificate }) => certificate.toString('base64'));
    expect(stateOf(withStatement(statementJwt({}, { x5c: chain })))).toMatchObject(UNKNOWN);
  });
  test('by a revoked certificate is not used', () => {
    expect(stateOf({ ...withRevoked('status', SIGNED_AT), ...withStatement(statementJwt()) })).toMatchObject(UNKNOWN);
  });
  test('in a bundle is verified at the time of the archive stamp over it', () => {
    const status = statementJwt({ exp: toSeconds(toDay('2040-01-01')) });
    const changes: Changes = { bundle: (bundle, pki) => withStamps(VERIFIED_AT)({ ...bundle, status }, pki) };
    expect(stateOf(changes)).toMatchObject({ state: 'SUSPENDED' });
    expect(stateOf({ ...changes, ...withRevoked('status', ISSUED_AT) })).toMatchObject(UNKNOWN);
  });
});

describe('a status list', () => {
  test.each(LICENSE_STATES.map((state, value) => [state, value] as const))('gives %s for value %i', (state, value) => {
    for (const index of [0, 1, 4, 5]) {
      const values = Array.from({ length: 6 }, (_, i) => (i === index ? value : 15));
      expect(stateOf(withList(listJwt(values), index))).toMatchObject({ state, source: 'STATUS_LIST' });
    }
  });
  test.each<[string, string, number?]>([
    ['with an unused value', listJwt([0, 0, 0, 15])],
    ['with an undefined value', listJwt([0, 0, 0, 9])],
    ['that is too short', listJwt([0, 0])],
    ['of another width', listJwt([0, 0, 0, 0], {}, { bits: 8 })],
    ['that is not zlib data', listJwt([], {}, { lst: 'AAAA' })],
    ['in padded base64', listJwt([], {}, { lst: `${deflateSync(Buffer.alloc(2)).toString('base64')}` })],
    ['that inflates too far', listJwt([], {}, { lst: deflateSync(Buffer.alloc(8_000_000)).toString('base64url') })],
    ['from the future', listJwt([0, 0, 0, 0], { iat: toSeconds(toDay('2026-11-26')) })],
    ['that has expired', listJwt([0, 0, 0, 0], { exp: toSeconds(ISSUED_AT) + 60 })],
    ['that is a statement', statementJwt()],
    ['that is garbage', 'garbage'],
  ])('%s is not used', (_, text) => {
    expect(stateOf(withList(text))).toMatchObject(UNKNOWN);
  });
  test('gives no state for a license without an index', () => {
    const { evidence } = withList(listJwt([0, 0, 0, 0]));
    expect(stateOf({ evidence })).toMatchObject(UNKNOWN);
  });
});

test('the newer of statement and status list counts', () => {
  const laterClaims = { iat: toSeconds(ISSUED_AT) + 3600 };
  const withBoth = (statement: string, statusList: string): Changes => ({
    content: renderPdf({ KZ_ZTXH: 3 }),
    evidence: (evidence) => ({ ...evidence, statement, statusList }),
  });
  expect(stateOf(withBoth(statementJwt(), listJwt([0, 0, 0, 6], laterClaims)))).toMatchObject({ state: 'REVOKED' });
  expect(stateOf(withBoth(statementJwt(laterClaims), listJwt([0, 0, 0, 6])))).toMatchObject({ state: 'SUSPENDED' });
  expect(stateOf(withBoth('garbage', listJwt([0, 0, 0, 6])))).toMatchObject({ state: 'REVOKED' });
});
