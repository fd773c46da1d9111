import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimsSchema } from '../../scripts/city-library/statement/form.ts';
import { toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { LICENSE_STATES, REGISTER_ACT_NAMES } from '../../subgraphs/kernel/license-acts.ts';
import { REGISTER_TYP, registerStatement, SPOIL_REASON_LABELS } from '../../subgraphs/kernel/sealing/attest.ts';
import { der, extension, type IssuedCertificate, issueCertificate, oid } from './authority.ts';
import {
  type Authority,
  CLIENT,
  firstReasonCode,
  identifierOf,
  makeAuthority,
  makeLicense,
  openTestLibrary,
  type TestLibrary,
} from './test-library.ts';

/** What the library collects as a statement of the register: only its key's, in the closed form, in order, once. */

const STATEMENT_PURPOSE = '1.3.6.1.4.1.99999.1.2';
const FREE_WORDS = '兹证明于都县示范企业信誉良好';

let authority: Authority;
let library: TestLibrary;
let register: IssuedCertificate;
let serial = '';
let count = 0;
const errors: unknown[] = [];
beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority, errors);
  register = issueRegister();
});
afterAll(async () => {
  await library.close();
  expect(errors).toEqual([]);
});
/** Each test has a license of its own, whose first act is collected. */
beforeEach(async () => {
  serial = `S${String(++count).padStart(3, '0')}`;
  expect(await library.collect(makeLicense(authority, serial).version('ISSUE', 1, 1))).toMatchObject({ code: 1 });
});

function issueRegister(options: Partial<Parameters<typeof issueCertificate>[0]> = {}, purpose = STATEMENT_PURPOSE) {
  return issueCertificate({
    ...{ organization: '测试', common: '证照状态', issuer: authority.issuing, keyUsage: 0x80 },
    keys: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    extra: [extension('2.5.29.37', true, der(0x30, oid(purpose)))],
    ...options,
  });
}

const buildClaims = (changes: object = {}) => ({
  ...{ jti: randomUUID(), iat: 1_709_603_970, act: 'SPOIL', sub: identifierOf(serial, 1), version: 1, state: 'VALID' },
  ...{ organ: 'yudu-slj', reason: 'DAMAGED', spoiled: 'SLJ00000001', replacement: 'SLJ00000002', by: 'a'.repeat(64) },
  ...changes,
});
type Claims = ReturnType<typeof buildClaims>;

interface Making {
  header?: object;
  /** The claims as they are signed. */
  text?: string;
  signer?: IssuedCertificate;
  /** Changes the finished statement. */
  change?: (text: string) => string;
  body?: object;
}

/** Builds a delivery of a statement, with the changes of a test. */
function deliver(claims: Claims, revision: number, making: Making = {}): Record<string, unknown> {
  const { header = {}, text = toCanonicalJson(claims), signer = register, change = (jws) => jws, body = {} } = making;
  const x5c = [Buffer.from(signer.certificate).toString('base64')];
  const input = [JSON.stringify({ alg: 'ES256', typ: REGISTER_TYP, x5c, ...header }), text]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
  const key = { key: signer.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const statement = change(`${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`);
  const { sub: identifier, version, act, state } = claims;
  return {
    ...{ stream: `register:${serial}`, revision, follows: 1, number: serial, identifier, version, act, state },
    ...{ statedAt: '2024-03-05T01:59:40.000Z', statement },
    documentDigest: createHash('sha256').update(statement).digest('hex'),
    chain: [Buffer.from(authority.issuing.certificate).toString('base64')],
    ...body,
  };
}

const collect = (body: object) => library.ask('/statements/collect', body);
/** Returns the code with which both validate and collect refuse a delivery. */
async function refusalCode(body: object, temporary = false): Promise<string | undefined> {
  const answers = [await library.ask('/statements/validate', body), await collect(body)];
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[1]).toMatchObject({ code: 0, temporary });
  return firstReasonCode(answers[1] as (typeof answers)[number]);
}
const swapPayload = (claims: object) => (jws: string) => {
  const [head, , tail] = jws.split('.');
  return [head, Buffer.from(toCanonicalJson(claims)).toString('base64url'), tail].join('.');
};

describe('a statement of the register', () => {
  it('is collected once, with a signed receipt that stays the same', async () => {
    const body = deliver(buildClaims(), 1);
    expect(await library.ask('/statements/validate', body)).toEqual({ status: 200, code: 1, reasons: [] });
    const { receipt = '' } = await collect(body);
    expect(await collect(body)).toMatchObject({ code: 1, receipt });
    expect(await library.ask('/statements/validate', body)).toMatchObject({ code: 1, receipt });
    // Another chain to the same root is the same delivery.
    expect(await collect({ ...body, chain: [] })).toMatchObject({ receipt });
    const { stream, revision, identifier, act, state, documentDigest } = body;
    const claims = JSON.parse(Buffer.from(receipt.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ stream, revision, identifier, act, state, documentDigest, checkpoint: null });
    const { certificate } = await library.get(`/certificates/${identifier}`);
    expect(certificate?.statements).toMatchObject([{ revision: 1, follows: 1, act: 'SPOIL', receipt }]);
  });

  it('is collected once also if two send it at the same time', async () => {
    const body = deliver(buildClaims(), 1);
    const answers = await Promise.all(Array.from({ length: 6 }, () => collect(body)));
    expect(new Set(answers.map(({ receipt }) => receipt)).size).toBe(1);
  });

  it('waits for the one before it, and for the act that it follows', async () => {
    const claims = buildClaims();
    expect(await refusalCode(deliver(claims, 2), true)).toBe('ORDER');
    expect(await refusalCode(deliver(claims, 1, { body: { follows: 2 } }), true)).toBe('ORDER');
    expect(await refusalCode(deliver(claims, 1, { body: { number: 'S999' } }))).toBe('RECORD_MISMATCH');
    await library.collect(makeLicense(authority, serial).statement('SUSPEND', 'SUSPENDED', 2, 1));
    const suspended = buildClaims({ state: 'SUSPENDED' });
    expect(await collect(deliver(suspended, 1, { body: { follows: 2 } }))).toMatchObject({ code: 1 });
    // A later one follows no earlier act.
    expect(await refusalCode(deliver(claims, 2, { body: { follows: 1 } }))).toBe('RECORD_MISMATCH');
    expect(await refusalCode(deliver(claims, 2, { body: { follows: 2 } }))).toBe('RECORD_MISMATCH');
  });

  it('waits for its license', async () => {
    const known = serial;
    serial = 'S900';
    const body = deliver(buildClaims(), 1);
    expect(await refusalCode(body, true)).toBe('ORDER');
    serial = known;
  });
});

/** The last day of the licenses of this file, and a day after it. */
const LAST_DAY = '2029-03-04';
const CASE = '3607312029010100001';

describe('a renewal that holds off the last day', () => {
  const heldEnd = (changes: object = {}) => {
    const { reason: _, spoiled: _spoiled, replacement: _replacement, by: _by, ...common } = buildClaims();
    return { ...common, case: CASE, until: LAST_DAY, ...changes } as unknown as Claims;
  };
  const hold = (changes: object = {}) => heldEnd({ act: 'HOLD', accepted: '2024-03-04', ...changes });
  const release = (changes: object = {}) => heldEnd({ act: 'RELEASE', outcome: 'NOT_RENEWED', ...changes });
  const find = async () => (await library.get(`/certificates/${identifierOf(serial, 1)}`)).certificate;

  it('is shown until it is released', async () => {
    expect(await find()).toMatchObject({ state: 'VALID', hold: null });
    expect(await collect(deliver(hold(), 1))).toMatchObject({ code: 1 });
    expect(await find()).toMatchObject({ state: 'VALID', hold: { case: CASE, until: LAST_DAY } });
    expect(await collect(deliver(release(), 2))).toMatchObject({ code: 1 });
    expect(await find()).toMatchObject({ hold: null });
  });

  it.each<[string, string, () => object[]]>([
    ['an end that a renewal holds off', 'RECORD_MISMATCH', () => [hold(), lapse()]],
    ['a hold of an earlier day than the license has', 'RECORD_MISMATCH', () => [hold({ until: '2029-03-03' })]],
    ['a second hold by one case', 'RECORD_MISMATCH', () => [hold(), hold()]],
    ['a release that nothing held', 'RECORD_MISMATCH', () => [release()]],
    ['a release by another case', 'RECORD_MISMATCH', () => [hold(), release({ case: `${CASE}9` })]],
    ['a release of another day', 'RECORD_MISMATCH', () => [hold(), release({ until: '2029-03-05' })]],
    ['a second release', 'RECORD_MISMATCH', () => [hold(), release(), release()]],
    ['a renewal that was asked for too late', 'STATEMENT_MALFORMED', () => [hold({ accepted: '2029-03-05' })]],
    ['a hold of a license that is not in force', 'STATEMENT_MALFORMED', () => [hold({ state: 'REVOKED' })]],
    ['an outcome of no list', 'STATEMENT_MALFORMED', () => [hold(), release({ outcome: FREE_WORDS })]],
  ])('refuses %s', async (_, code, build) => {
    const statements = build() as Claims[];
    const last = statements.pop() as Claims;
    for (const [place, claims] of statements.entries())
      expect(await collect(deliver(claims, place + 1))).toMatchObject({ code: 1 });
    expect(await refusalCode(deliver(last, statements.length + 1))).toBe(code);
  });

  const lapse = () => {
    const { case: _, ...claims } = heldEnd({ act: 'LAPSE', state: 'LAPSED' }) as unknown as Record<string, unknown>;
    return claims;
  };
});

describe('is refused for good', () => {
  it('a repeated revision or id with other content', async () => {
    const claims = buildClaims();
    expect(await collect(deliver(claims, 1))).toMatchObject({ code: 1 });
    const { jti } = claims;
    expect(await refusalCode(deliver(buildClaims(), 1))).toBe('REVISION_CONFLICT');
    expect(await refusalCode(deliver(buildClaims({ jti, reason: 'MISPRINT' }), 1))).toBe('REVISION_CONFLICT');
    expect(await refusalCode(deliver(buildClaims({ jti, reason: 'MISPRINT' }), 2))).toBe('REVISION_CONFLICT');
    expect(await refusalCode(deliver(claims, 2))).toBe('REVISION_CONFLICT');
    const sql = postgres(library.databaseUrl, { max: 1 });
    const [row] = await sql`select count(*)::int as n from city_library.statement where number = ${serial}`;
    await sql.end();
    expect(row?.n).toBe(1);
  });

  it.each<[string, string, (claims: Claims) => Making & { claims?: object }]>([
    ['free words', 'STATEMENT_MALFORMED', () => ({ claims: { reason: FREE_WORDS } })],
    ['one more claim', 'STATEMENT_MALFORMED', () => ({ claims: { note: FREE_WORDS } })],
    ['a claim less', 'STATEMENT_MALFORMED', () => ({ claims: { by: undefined } })],
    ['a sheet that replaces itself', 'STATEMENT_MALFORMED', () => ({ claims: { replacement: 'SLJ00000001' } })],
    ['claims that are not canonical', 'STATEMENT_MALFORMED', (claims) => ({ text: JSON.stringify(claims) })],
    ['claims that are no JSON', 'STATEMENT_MALFORMED', () => ({ text: FREE_WORDS })],
    ['the type of a statement on a state', 'STATEMENT_MALFORMED', () => ({ header: { typ: 'license-status+jwt' } })],
    ['no signature algorithm', 'STATEMENT_MALFORMED', () => ({ header: { alg: 'none' } })],
    ['a key beside the certificate', 'STATEMENT_MALFORMED', () => ({ header: { jwk: {} } })],
    ['no certificate', 'STATEMENT_MALFORMED', () => ({ header: { x5c: [] } })],
    ['a certificate that is none', 'SIGNATURE_UNREADABLE', () => ({ header: { x5c: ['AAAA'] } })],
    [
      'another reason under its signature',
      'SIGNATURE_INVALID',
      (claims) => ({ change: swapPayload({ ...claims, reason: 'MISPRINT' }) }),
    ],
    [
      'the certificate of the register over another key',
      'SIGNATURE_INVALID',
      () => ({
        signer: issueRegister(),
        header: { x5c: [Buffer.from(register.certificate).toString('base64')] },
      }),
    ],
    [
      'the key of another root',
      'SIGNER_UNTRUSTED',
      () => ({ signer: issueRegister({ issuer: makeAuthority().issuing }) }),
    ],
    ['a key for another purpose', 'SIGNER_UNTRUSTED', () => ({ signer: issueRegister({}, '1.3.6.1.5.5.7.3.36') })],
    ['a key for any purpose', 'SIGNER_UNTRUSTED', () => ({ signer: issueRegister({ extra: [] }) })],
    ["a seal's usage", 'SIGNER_UNTRUSTED', () => ({ signer: issueRegister({ keyUsage: 0xc0 }) })],
    ['a certificate authority', 'SIGNER_UNTRUSTED', () => ({ signer: issueRegister({ isCa: true }) })],
    [
      'a key of another curve',
      'SIGNER_UNTRUSTED',
      () => ({ signer: issueRegister({ keys: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) }) }),
    ],
    ['no chain', 'SIGNER_UNTRUSTED', () => ({ body: { chain: [] } })],
    [
      'an expired certificate',
      'SIGNER_EXPIRED',
      () => ({ signer: issueRegister({ validUntil: new Date('2024-01-01T00:00:00Z') }) }),
    ],
    ['a time to come', 'SIGNER_EXPIRED', () => ({ claims: { iat: 1_709_690_400 } })],
    ['a time before its certificate', 'SIGNER_EXPIRED', () => ({ claims: { iat: 1_500_000_000 } })],
    [
      'an identifier with a wrong check character',
      'IDENTIFIER_INVALID',
      (claims) => {
        const wrong = claims.sub.endsWith('A') ? 'B' : 'A';
        return { claims: { sub: claims.sub.slice(0, -1) + wrong } };
      },
    ],
    ['the version of another identifier', 'IDENTIFIER_INVALID', () => ({ claims: { version: 2 } })],
    ['another digest', 'DOCUMENT_DIGEST', () => ({ body: { documentDigest: 'a'.repeat(64) } })],
    ['another state than it says', 'RECORD_MISMATCH', () => ({ body: { state: 'SUSPENDED' } })],
    ['a state that the license did not have', 'RECORD_MISMATCH', () => ({ claims: { state: 'SUSPENDED' } })],
    ['another identifier than it says', 'RECORD_MISMATCH', () => ({ body: { identifier: identifierOf(serial, 2) } })],
    ['an act that is no statement', 'REQUEST_MALFORMED', () => ({ body: { act: 'REVOKE' } })],
    ['one more member', 'REQUEST_MALFORMED', () => ({ body: { note: FREE_WORDS } })],
    ['no revision', 'REQUEST_MALFORMED', () => ({ body: { revision: 0 } })],
  ])('%s', async (_, code, build) => {
    const base = buildClaims();
    const { claims = {}, ...making } = build(base);
    expect(await refusalCode(deliver({ ...base, ...claims }, 1, making))).toBe(code);
    // What is refused leaves no trace: the right one still takes its place.
    expect(await collect(deliver(base, 1))).toMatchObject({ code: 1 });
  });

  it('a caller without a token', async () => {
    for (const path of ['validate', 'collect'])
      expect(await library.ask(`/statements/${path}`, deliver(buildClaims(), 1), 'x')).toMatchObject({ status: 401 });
  });
});

describe('the two forms of a statement', () => {
  it('agree: the library has the acts, states and reasons of the hub', () => {
    const acts = registerStatement.options.map(({ shape }) => shape.act.value);
    expect(claimsSchema.options.map(({ shape }) => shape.act.value)).toEqual(acts);
    for (const act of acts) expect(REGISTER_ACT_NAMES).toContain(act);
    for (const state of LICENSE_STATES)
      for (const reason of Object.keys(SPOIL_REASON_LABELS)) {
        const claims = buildClaims({ state, reason });
        expect([claimsSchema.safeParse(claims).success, state, reason]).toEqual([true, state, reason]);
      }
  });
});

describe('a token answer', () => {
  it('names the versions from version 2 on; a library of version 1 names none and has no such path', async () => {
    const grant = { grant_type: 'client_credentials', client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret };
    const ask = async () => (await library.app().inject({ method: 'POST', url: '/token', payload: grant })).json();
    expect(await ask()).toMatchObject({ protocols: [1, 2] });
    await library.restart(1);
    expect(Object.keys(await ask()).sort()).toEqual(['access_token', 'expires_in', 'token_type']);
    expect(await collect(deliver(buildClaims(), 1))).toMatchObject({ status: 404, code: 0 });
    const { certificate } = await library.get(`/certificates/${identifierOf(serial, 1)}`);
    expect(certificate).not.toHaveProperty('statements');
    await library.restart();
  });
});
