import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Authority,
  firstReasonCode,
  identifierOf,
  makeAuthority,
  makeLicense,
  openTestLibrary,
  type TestLibrary,
  toRequestBody,
} from './test-library.ts';

let authority: Authority;
let library: TestLibrary;
const errors: unknown[] = [];

beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority, errors);
});
afterAll(() => library.close());

async function countRows(serial: string): Promise<{ acts: number; certificates: number }> {
  const sql = postgres(library.databaseUrl, { max: 1 });
  try {
    const [acts] = await sql`select count(*)::int as n from city_library.act where number = ${serial}`;
    const [certificates] = await sql`select count(*)::int as n from city_library.certificate where number = ${serial}`;
    return { acts: acts?.n, certificates: certificates?.n };
  } finally {
    await sql.end();
  }
}

describe('collecting', () => {
  it('validates without storing, then collects and shows what it stored', async () => {
    const issue = makeLicense(authority, 'A001').version('ISSUE', 1, 1);
    expect(await library.ask('/certificates/validate', toRequestBody(issue))).toEqual({
      status: 200,
      code: 1,
      reasons: [],
    });
    expect(await countRows('A001')).toEqual({ acts: 0, certificates: 0 });

    const collected = await library.collect(issue);
    expect(collected).toMatchObject({
      status: 200,
      code: 1,
      receipt: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
    const { certificate } = await library.get(`/certificates/${issue.identifier}`);
    expect(certificate).toMatchObject({
      identifier: issue.identifier,
      number: 'A001',
      version: 1,
      state: 'VALID',
      revision: 1,
      changedAt: issue.changedAt,
      record: issue.record,
      documentDigest: issue.documentDigest,
      document: Buffer.from(issue.document).toString('base64'),
      signature: Buffer.from(issue.signature).toString('base64'),
      receipt: collected.receipt,
    });
  });

  it('collects every act of a license from issue to cancellation', async () => {
    const license = makeLicense(authority, 'A002');
    const lifecycle = [
      license.version('ISSUE', 1, 1),
      license.version('CHANGE', 2, 2),
      license.statement('SUSPEND', 'SUSPENDED', 3, 2),
      license.statement('RESTORE', 'VALID', 4, 2),
      license.statement('REVOKE', 'REVOKED', 5, 2),
      license.statement('CANCEL', 'CANCELLED', 6, 2),
    ];
    for (const delivery of lifecycle) expect(await library.collect(delivery), delivery.act).toMatchObject({ code: 1 });
    expect((await library.get(`/certificates/${identifierOf('A002', 1)}`)).certificate).toMatchObject({
      state: 'SUPERSEDED',
    });
    const { certificate } = await library.get(`/certificates/${identifierOf('A002', 2)}`);
    expect(certificate).toMatchObject({ state: 'CANCELLED', revision: 6 });
    expect(certificate?.acts.map(({ act }) => act)).toEqual(['CHANGE', 'SUSPEND', 'RESTORE', 'REVOKE', 'CANCEL']);
  });

  it('returns the same receipt for a repeated delivery, even after the signer expired', async () => {
    const issue = makeLicense(authority, 'A003').version('ISSUE', 1, 1);
    const first = await library.collect(issue);
    library.clock.set('2061-01-01');
    const second = await library.collect(issue);
    const validated = await library.ask('/certificates/validate', toRequestBody(issue));
    library.clock.set('2024-03-05T02:00:00Z');
    expect(second).toEqual(first);
    expect(validated.receipt).toBe(first.receipt);
    expect(await countRows('A003')).toEqual({ acts: 1, certificates: 1 });
  });

  it('stores one of several equal parallel deliveries, and returns its receipt to all', async () => {
    const issue = makeLicense(authority, 'A004').version('ISSUE', 1, 1);
    const answers = await Promise.all(Array.from({ length: 6 }, () => library.collect(issue)));
    expect(answers.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(new Set(answers.map(({ receipt }) => receipt)).size).toBe(1);
    expect(await countRows('A004')).toEqual({ acts: 1, certificates: 1 });
  });

  it('permanently refuses other content under an existing revision', async () => {
    const license = makeLicense(authority, 'A005');
    await library.collect(license.version('ISSUE', 1, 1));
    const conflictingDelivery = license.version('ISSUE', 1, 1, { text: 'another page' });
    expect(await library.collect(conflictingDelivery)).toMatchObject({ status: 422, code: 0, temporary: false });
    expect(firstReasonCode(await library.collect(conflictingDelivery))).toBe('REVISION_CONFLICT');
  });

  it('stores one of two different parallel deliveries', async () => {
    const license = makeLicense(authority, 'A006');
    const conflictingDeliveries = [
      license.version('ISSUE', 1, 1),
      license.version('ISSUE', 1, 1, { text: 'another page' }),
    ];
    const answers = await Promise.all(conflictingDeliveries.map((one) => library.collect(one)));
    expect(answers.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(await countRows('A006')).toEqual({ acts: 1, certificates: 1 });
  });

  it('refuses with ORDER, as temporary, while an earlier act is missing', async () => {
    const license = makeLicense(authority, 'A007');
    const change = license.version('CHANGE', 2, 2);
    expect(await library.collect(change)).toMatchObject({ status: 409, code: 0, temporary: true });
    expect(firstReasonCode(await library.ask('/certificates/validate', toRequestBody(change)))).toBe('ORDER');
    expect(await countRows('A007')).toEqual({ acts: 0, certificates: 0 });
    await library.collect(license.version('ISSUE', 1, 1));
    expect(await library.collect(change)).toMatchObject({ code: 1 });
  });

  it('accepts another cancellation of a cancelled license', async () => {
    const license = makeLicense(authority, 'A008');
    await library.collect(license.version('ISSUE', 1, 1));
    await library.collect(license.statement('CANCEL', 'CANCELLED', 2, 1));
    const secondCancellation = license.statement('CANCEL', 'CANCELLED', 3, 1);
    expect(await library.ask('/certificates/validate', toRequestBody(secondCancellation))).toMatchObject({
      code: 2,
      reasons: [{ code: 'ALREADY_CANCELLED' }],
    });
    expect(await library.collect(secondCancellation)).toMatchObject({ code: 1 });
  });

  it('refuses acts that the state does not allow', async () => {
    const license = makeLicense(authority, 'A009');
    await library.collect(license.version('ISSUE', 1, 1));
    for (const disallowedAct of [
      license.version('ISSUE', 2, 2),
      license.statement('RESTORE', 'VALID', 2, 1),
      license.statement('SUSPEND', 'VALID', 2, 1),
    ]) {
      expect(firstReasonCode(await library.collect(disallowedAct)), disallowedAct.act).toBe('STATE_NOT_ALLOWED');
    }
    await library.collect(license.statement('CANCEL', 'CANCELLED', 2, 1));
    expect(firstReasonCode(await library.collect(license.version('CHANGE', 3, 2)))).toBe('STATE_NOT_ALLOWED');
    expect(
      firstReasonCode(await library.collect(makeLicense(authority, 'A010').statement('CANCEL', 'CANCELLED', 1, 1))),
    ).toBe('STATE_NOT_ALLOWED');
  });

  it('refuses a version that does not follow the one in force', async () => {
    const license = makeLicense(authority, 'A011');
    await library.collect(license.version('ISSUE', 1, 1));
    expect(firstReasonCode(await library.collect(license.version('CHANGE', 2, 3)))).toBe('RECORD_MISMATCH');
    expect(firstReasonCode(await library.collect(license.version('CHANGE', 2, 2, { record: { KZ_XGBS: null } })))).toBe(
      'RECORD_MISMATCH',
    );
  });

  it('warns about a late delivery and an ended validity', async () => {
    const issue = makeLicense(authority, 'A012').version('ISSUE', 1, 1, { record: { ZZYXQJZRQ: '2024-03-04' } });
    const validated = await library.ask(
      '/certificates/validate',
      toRequestBody({ ...issue, changedAt: '2024-03-01T00:00:00.000Z' }),
    );
    expect(validated).toMatchObject({ status: 200, code: 2, reasons: [{ code: 'LATE' }, { code: 'VALIDITY_ENDED' }] });
  });

  it('keeps all data across a restart', async () => {
    const license = makeLicense(authority, 'A013');
    const issue = license.version('ISSUE', 1, 1);
    const { receipt } = await library.collect(issue);
    const certificateBefore = await library.get(`/certificates/${issue.identifier}`);
    await library.restart();
    expect(await library.get(`/certificates/${issue.identifier}`)).toEqual(certificateBefore);
    expect((await library.collect(issue)).receipt).toBe(receipt);
    expect(await library.collect(license.version('CHANGE', 2, 2))).toMatchObject({ code: 1 });
  });

  it('opens two libraries in parallel on empty databases', async () => {
    const cities = await Promise.all([openTestLibrary(authority), openTestLibrary(authority)]);
    await Promise.all(cities.map((one) => one.restart()));
    await Promise.all(cities.map((one) => one.close()));
  });

  it('reported no internal error', () => expect(errors).toEqual([]));
});

describe('verifying for third parties', () => {
  const holder = { holderName: '于都测试有限公司' };

  it('returns each of the seven result codes', async () => {
    const license = makeLicense(authority, 'B001');
    const verify = async (question: object) => (await library.ask('/certificates/verify', question)).result;
    await library.collect(license.version('ISSUE', 1, 1));
    const identifier = identifierOf('B001', 1);
    expect(await verify({ identifier, ...holder })).toBe(0);
    expect(await verify({ identifier })).toBe(4);
    expect(await verify({ holderCode: '12110000400777687U' })).toBe(4);
    expect(await verify({ identifier: identifierOf('B999', 1), ...holder })).toBe(5);
    expect(await verify({ identifier: `${identifier}\u0000`, ...holder })).toBe(5);
    expect(await verify({ identifier, holderName: '别人' })).toBe(6);
    library.clock.set('2024-03-04');
    expect(await verify({ identifier, ...holder })).toBe(1);
    library.clock.set('2029-03-05');
    expect(await verify({ identifier, ...holder })).toBe(3);
    library.clock.set('2024-03-05T02:00:00Z');
    await library.collect(license.statement('SUSPEND', 'SUSPENDED', 2, 1));
    expect(await verify({ identifier, ...holder })).toBe(2);
    await library.collect(license.statement('CANCEL', 'CANCELLED', 3, 1));
    expect(await verify({ identifier, ...holder })).toBe(3);
  });
});
