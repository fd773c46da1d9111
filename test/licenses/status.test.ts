import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { LICENSE_STATES } from '../../subgraphs/kernel/license-acts.ts';
import { certify, jws, packStates } from '../support/forge.ts';
import { record } from '../support/record.ts';
import { revoked, stamped } from '../support/vectors.ts';
import { AT, type Changes, day, GOOD, judge, rendered, SIGNED_AT } from '../support/world.ts';

/** The state of a license in the report, which is separate from the verdict on the signature. */

const seconds = (at: Date) => at.getTime() / 1000;
const x5c = [GOOD.status.certificate.toString('base64')];
const ISSUED = day('2026-11-24');
const CLAIMS = {
  sub: record.ZZBS,
  state: 'SUSPENDED',
  version: 1,
  iat: seconds(ISSUED),
  exp: seconds(day('2026-12-01')),
};
const said = (claims: object = {}, header: object = {}, by = GOOD.status) =>
  jws({ typ: 'license-status+jwt', x5c, ...header }, { ...CLAIMS, ...claims }, by);
const LIST = { iat: seconds(ISSUED), exp: seconds(day('2026-12-01')), sub: 'https://example.cn/s/1' };
const listed = (values: readonly number[], claims: object = {}, list: object = {}) =>
  jws(
    { typ: 'statuslist+jwt', x5c },
    { ...LIST, status_list: { bits: 4, lst: packStates(values), ...list }, ...claims },
    GOOD.status,
  );
const withStatement = (text: string): Changes => ({ evidence: (evidence) => ({ ...evidence, statement: text }) });
const withList = (statusList: string, index = 3): Changes => ({
  content: rendered({ KZ_ZTXH: index }),
  evidence: (evidence) => ({ ...evidence, statusList }),
});
/** Returns the reported state. Requires that the signature passes in any state. */
const stateOf = (changes: Changes) => {
  const { status, verdict } = judge(changes);
  expect(verdict).toBe('TOTAL_PASSED');
  return status;
};
const UNKNOWN = { state: 'UNKNOWN' };

describe('a status statement', () => {
  test('gives the state, its time and its source', () => {
    const known = { state: 'SUSPENDED', asOf: '2026-11-24T00:00:00Z', source: 'STATEMENT', reason: null };
    expect(stateOf(withStatement(said()))).toEqual(known);
    expect(stateOf({ bundle: (bundle) => ({ ...bundle, status: said() }) })).toEqual(known);
    expect(judge(withStatement(said())).steps.at(-1)).toMatchObject({ name: '查询证照状态', passed: false });
  });
  test('that has expired reports the last known state', () => {
    const status = stateOf({ ...withStatement(said({ exp: seconds(ISSUED) + 60 })), at: AT });
    expect(status).toMatchObject({ ...UNKNOWN, asOf: '2026-11-24T00:00:00Z' });
    expect(status.reason).toContain('SUSPENDED');
  });
  test.each<[string, string]>([
    ['of another license', said({ sub: '1.2.156' })],
    ['of another version', said({ version: 2 })],
    ['with an unknown state', said({ state: 'FINE' })],
    ['with an unknown claim', said({ more: 1 })],
    ['from the future', said({ iat: seconds(day('2026-11-26')) })],
    ['that ends before it begins', said({ exp: seconds(ISSUED) - 1 })],
    ['with times in milliseconds', said({ iat: ISSUED.getTime() })],
    ['by another key', said({}, {}, GOOD.code)],
    ['of another type', said({}, { typ: 'JWT' })],
    ['with an additional header', said({}, { kid: 'x' })],
    ['with a second certificate', said({}, { x5c: [...x5c, GOOD.issuing.certificate.toString('base64')] })],
    ['without certificates', said({}, { x5c: [] })],
    ['with garbage for certificates', said({}, { x5c: ['AAAA'] })],
    ['by a certificate for codes', said({}, { x5c: [GOOD.code.certificate.toString('base64')] }, GOOD.code)],
    [
      'by a certificate for timestamps',
      said({}, { x5c: [GOOD.timestamp.certificate.toString('base64')] }, GOOD.timestamp),
    ],
    ['that is garbage', 'garbage'],
    ['that is a list', listed([0, 0, 0, 1])],
  ])('%s is not used', (_, text) => {
    const status = stateOf(withStatement(text));
    expect(status).toMatchObject(UNKNOWN);
    expect(status.reason).toMatch(/[一-龥]/);
  });
  test('by a certificate of another authority is not used', () => {
    const fake = certify({ common: '测试签发', isCa: true });
    const by = certify({ issuer: fake, pair: GOOD.status.pair, usage: 0x80, purposes: ['1.3.6.1.4.1.99999.1.2'] });
    const chain = [by, fake].map(({ certificate }) => certificate.toString('base64'));
    expect(stateOf(withStatement(said({}, { x5c: chain })))).toMatchObject(UNKNOWN);
  });
  test('by a revoked certificate is not used', () => {
    expect(stateOf({ ...revoked('status', SIGNED_AT), ...withStatement(said()) })).toMatchObject(UNKNOWN);
  });
  test('in a bundle is verified at the time of the archive stamp over it', () => {
    const status = said({ exp: seconds(day('2040-01-01')) });
    const changes: Changes = { bundle: (bundle, made) => stamped(AT)({ ...bundle, status }, made) };
    expect(stateOf(changes)).toMatchObject({ state: 'SUSPENDED' });
    expect(stateOf({ ...changes, ...revoked('status', ISSUED) })).toMatchObject(UNKNOWN);
  });
});

describe('a status list', () => {
  test.each(LICENSE_STATES.map((state, value) => [state, value] as const))('gives %s for value %i', (state, value) => {
    for (const index of [0, 1, 4, 5]) {
      const values = Array.from({ length: 6 }, (_, i) => (i === index ? value : 15));
      expect(stateOf(withList(listed(values), index))).toMatchObject({ state, source: 'STATUS_LIST' });
    }
  });
  test.each<[string, string, number?]>([
    ['with an unused value', listed([0, 0, 0, 15])],
    ['with an undefined value', listed([0, 0, 0, 8])],
    ['that is too short', listed([0, 0])],
    ['of another width', listed([0, 0, 0, 0], {}, { bits: 8 })],
    ['that is not zlib data', listed([], {}, { lst: 'AAAA' })],
    ['in padded base64', listed([], {}, { lst: `${deflateSync(Buffer.alloc(2)).toString('base64')}` })],
    ['that inflates too far', listed([], {}, { lst: deflateSync(Buffer.alloc(8_000_000)).toString('base64url') })],
    ['from the future', listed([0, 0, 0, 0], { iat: seconds(day('2026-11-26')) })],
    ['that has expired', listed([0, 0, 0, 0], { exp: seconds(ISSUED) + 60 })],
    ['that is a statement', said()],
    ['that is garbage', 'garbage'],
  ])('%s is not used', (_, text) => {
    expect(stateOf(withList(text))).toMatchObject(UNKNOWN);
  });
  test('gives no state for a license without an index', () => {
    const { evidence } = withList(listed([0, 0, 0, 0]));
    expect(stateOf({ evidence })).toMatchObject(UNKNOWN);
  });
});

test('the newer of statement and status list counts', () => {
  const later = { iat: seconds(ISSUED) + 3600 };
  const both = (statement: string, statusList: string): Changes => ({
    content: rendered({ KZ_ZTXH: 3 }),
    evidence: (evidence) => ({ ...evidence, statement, statusList }),
  });
  expect(stateOf(both(said(), listed([0, 0, 0, 6], later)))).toMatchObject({ state: 'REVOKED' });
  expect(stateOf(both(said(later), listed([0, 0, 0, 6])))).toMatchObject({ state: 'SUSPENDED' });
  expect(stateOf(both('garbage', listed([0, 0, 0, 6])))).toMatchObject({ state: 'REVOKED' });
});
