import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Authority, type City, identifierOf, makeAuthority, makeLicense, openCity, reason, wire } from './city.ts';

let authority: Authority;
let city: City;
const errors: unknown[] = [];

beforeAll(async () => {
  authority = makeAuthority();
  city = await openCity(authority, errors);
});
afterAll(() => city.close());

async function rows(serial: string): Promise<{ acts: number; certificates: number }> {
  const sql = postgres(city.databaseUrl, { max: 1 });
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
    expect(await city.ask('/certificates/validate', wire(issue))).toEqual({ status: 200, code: 1, reasons: [] });
    expect(await rows('A001')).toEqual({ acts: 0, certificates: 0 });

    const collected = await city.collect(issue);
    expect(collected).toMatchObject({
      status: 200,
      code: 1,
      receipt: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    });
    const { certificate } = await city.get(`/certificates/${issue.identifier}`);
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
    const life = [
      license.version('ISSUE', 1, 1),
      license.version('CHANGE', 2, 2),
      license.statement('SUSPEND', 'SUSPENDED', 3, 2),
      license.statement('RESTORE', 'VALID', 4, 2),
      license.statement('REVOKE', 'REVOKED', 5, 2),
      license.statement('CANCEL', 'CANCELLED', 6, 2),
    ];
    for (const delivery of life) expect(await city.collect(delivery), delivery.act).toMatchObject({ code: 1 });
    expect((await city.get(`/certificates/${identifierOf('A002', 1)}`)).certificate).toMatchObject({
      state: 'SUPERSEDED',
    });
    const { certificate } = await city.get(`/certificates/${identifierOf('A002', 2)}`);
    expect(certificate).toMatchObject({ state: 'CANCELLED', revision: 6 });
    expect(certificate?.acts.map(({ act }) => act)).toEqual(['CHANGE', 'SUSPEND', 'RESTORE', 'REVOKE', 'CANCEL']);
  });

  it('returns the same receipt for a repeated delivery, even after the signer expired', async () => {
    const issue = makeLicense(authority, 'A003').version('ISSUE', 1, 1);
    const first = await city.collect(issue);
    city.clock.set('2061-01-01');
    const second = await city.collect(issue);
    const validated = await city.ask('/certificates/validate', wire(issue));
    city.clock.set('2024-03-05T02:00:00Z');
    expect(second).toEqual(first);
    expect(validated.receipt).toBe(first.receipt);
    expect(await rows('A003')).toEqual({ acts: 1, certificates: 1 });
  });

  it('stores one of several equal parallel deliveries, and returns its receipt to all', async () => {
    const issue = makeLicense(authority, 'A004').version('ISSUE', 1, 1);
    const answers = await Promise.all(Array.from({ length: 6 }, () => city.collect(issue)));
    expect(answers.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(new Set(answers.map(({ receipt }) => receipt)).size).toBe(1);
    expect(await rows('A004')).toEqual({ acts: 1, certificates: 1 });
  });

  it('permanently refuses other content under an existing revision', async () => {
    const license = makeLicense(authority, 'A005');
    await city.collect(license.version('ISSUE', 1, 1));
    const other = license.version('ISSUE', 1, 1, { text: 'another page' });
    expect(await city.collect(other)).toMatchObject({ status: 422, code: 0, temporary: false });
    expect(reason(await city.collect(other))).toBe('REVISION_CONFLICT');
  });

  it('stores one of two different parallel deliveries', async () => {
    const license = makeLicense(authority, 'A006');
    const both = [license.version('ISSUE', 1, 1), license.version('ISSUE', 1, 1, { text: 'another page' })];
    const answers = await Promise.all(both.map((one) => city.collect(one)));
    expect(answers.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(await rows('A006')).toEqual({ acts: 1, certificates: 1 });
  });

  it('refuses with ORDER, as temporary, while an earlier act is missing', async () => {
    const license = makeLicense(authority, 'A007');
    const change = license.version('CHANGE', 2, 2);
    expect(await city.collect(change)).toMatchObject({ status: 409, code: 0, temporary: true });
    expect(reason(await city.ask('/certificates/validate', wire(change)))).toBe('ORDER');
    expect(await rows('A007')).toEqual({ acts: 0, certificates: 0 });
    await city.collect(license.version('ISSUE', 1, 1));
    expect(await city.collect(change)).toMatchObject({ code: 1 });
  });

  it('accepts another cancellation of a cancelled license', async () => {
    const license = makeLicense(authority, 'A008');
    await city.collect(license.version('ISSUE', 1, 1));
    await city.collect(license.statement('CANCEL', 'CANCELLED', 2, 1));
    const again = license.statement('CANCEL', 'CANCELLED', 3, 1);
    expect(await city.ask('/certificates/validate', wire(again))).toMatchObject({
      code: 2,
      reasons: [{ code: 'ALREADY_CANCELLED' }],
    });
    expect(await city.collect(again)).toMatchObject({ code: 1 });
  });

  it('refuses acts that the state does not allow', async () => {
    const license = makeLicense(authority, 'A009');
    await city.collect(license.version('ISSUE', 1, 1));
    for (const wrong of [
      license.version('ISSUE', 2, 2),
      license.statement('RESTORE', 'VALID', 2, 1),
      license.statement('SUSPEND', 'VALID', 2, 1),
    ]) {
      expect(reason(await city.collect(wrong)), wrong.act).toBe('STATE_NOT_ALLOWED');
    }
    await city.collect(license.statement('CANCEL', 'CANCELLED', 2, 1));
    expect(reason(await city.collect(license.version('CHANGE', 3, 2)))).toBe('STATE_NOT_ALLOWED');
    expect(reason(await city.collect(makeLicense(authority, 'A010').statement('CANCEL', 'CANCELLED', 1, 1)))).toBe(
      'STATE_NOT_ALLOWED',
    );
  });

  it('refuses a version that does not follow the one in force', async () => {
    const license = makeLicense(authority, 'A011');
    await city.collect(license.version('ISSUE', 1, 1));
    expect(reason(await city.collect(license.version('CHANGE', 2, 3)))).toBe('RECORD_MISMATCH');
    expect(reason(await city.collect(license.version('CHANGE', 2, 2, { record: { KZ_XGBS: null } })))).toBe(
      'RECORD_MISMATCH',
    );
  });

  it('warns about a late delivery and an ended validity', async () => {
    const issue = makeLicense(authority, 'A012').version('ISSUE', 1, 1, { record: { ZZYXQJZRQ: '2024-03-04' } });
    const validated = await city.ask(
      '/certificates/validate',
      wire({ ...issue, changedAt: '2024-03-01T00:00:00.000Z' }),
    );
    expect(validated).toMatchObject({ status: 200, code: 2, reasons: [{ code: 'LATE' }, { code: 'VALIDITY_ENDED' }] });
  });

  it('keeps all data across a restart', async () => {
    const license = makeLicense(authority, 'A013');
    const issue = license.version('ISSUE', 1, 1);
    const { receipt } = await city.collect(issue);
    const before = await city.get(`/certificates/${issue.identifier}`);
    await city.restart();
    expect(await city.get(`/certificates/${issue.identifier}`)).toEqual(before);
    expect((await city.collect(issue)).receipt).toBe(receipt);
    expect(await city.collect(license.version('CHANGE', 2, 2))).toMatchObject({ code: 1 });
  });

  it('opens two libraries in parallel on empty databases', async () => {
    const cities = await Promise.all([openCity(authority), openCity(authority)]);
    await Promise.all(cities.map((one) => one.restart()));
    await Promise.all(cities.map((one) => one.close()));
  });

  it('reported no internal error', () => expect(errors).toEqual([]));
});

describe('verifying for third parties', () => {
  const holder = { holderName: '于都测试有限公司' };

  it('returns each of the seven result codes', async () => {
    const license = makeLicense(authority, 'B001');
    const verify = async (question: object) => (await city.ask('/certificates/verify', question)).result;
    await city.collect(license.version('ISSUE', 1, 1));
    const identifier = identifierOf('B001', 1);
    expect(await verify({ identifier, ...holder })).toBe(0);
    expect(await verify({ identifier })).toBe(4);
    expect(await verify({ holderCode: '12110000400777687U' })).toBe(4);
    expect(await verify({ identifier: identifierOf('B999', 1), ...holder })).toBe(5);
    expect(await verify({ identifier: `${identifier}\u0000`, ...holder })).toBe(5);
    expect(await verify({ identifier, holderName: '别人' })).toBe(6);
    city.clock.set('2024-03-04');
    expect(await verify({ identifier, ...holder })).toBe(1);
    city.clock.set('2029-03-05');
    expect(await verify({ identifier, ...holder })).toBe(3);
    city.clock.set('2024-03-05T02:00:00Z');
    await city.collect(license.statement('SUSPEND', 'SUSPENDED', 2, 1));
    expect(await verify({ identifier, ...holder })).toBe(2);
    await city.collect(license.statement('CANCEL', 'CANCELLED', 3, 1));
    expect(await verify({ identifier, ...holder })).toBe(3);
  });
});
