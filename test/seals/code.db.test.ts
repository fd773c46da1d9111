import { randomUUID, X509Certificate } from 'node:crypto';
import { compactVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeContentDigest, sha256, toCanonicalJson } from '../../subgraphs/kernel/events.ts';
import type { CodeRequest, SignRequest } from '../../subgraphs/kernel/sign.ts';
import { CITY, CITY_MATTER, COUNTY, COUNTY_MATTER, newCodeRequest, PAYLOAD, RECORD } from './requests.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.close());

const codes = async () => Number((await shop.sql`select count(*) as n from seals.seal_code`)[0]?.n);

async function refused(request: CodeRequest, code = 'SEAL_AUTHORISATION_INVALID'): Promise<void> {
  const before = await codes();
  await expect(shop.seals.signCode(request)).rejects.toMatchObject({ name: 'Refusal', code });
  expect(await codes()).toBe(before);
}

/** Builds the code request of the same seal use. */
function codeOf({ profile: _, document: _document, ...use }: SignRequest): CodeRequest {
  return { ...use, record: { ...RECORD }, payload: PAYLOAD };
}

async function certificate(seal: string): Promise<X509Certificate> {
  const [row] = await shop.sql`select certificate_pem as pem from seals.seal_code_key where seal_id = ${seal}`;
  return new X509Certificate(row?.pem);
}

describe('a code', () => {
  test('is a compact JWS over the canonical payload, signed by the code key that its header names', async () => {
    const code = await shop.seals.signCode(await shop.codeRequest());
    const by = await certificate(shop.countySeal);
    const { payload } = await compactVerify(code, by.publicKey);
    expect(Buffer.from(payload).toString()).toBe(toCanonicalJson(PAYLOAD));
    const [header = ''] = code.split('.');
    const kid = sha256(by.raw).slice(0, 16);
    expect(Buffer.from(header, 'base64url').toString()).toBe(`{"alg":"ES256","kid":"${kid}","typ":"tq-code-1"}`);
    await expect(compactVerify(code, (await certificate(shop.citySeal)).publicKey)).rejects.toThrow();
  });

  test("has a certificate in the organ's name with the validity of its seal", async () => {
    const by = await certificate(shop.countySeal);
    const [seal] = await shop.sql`select valid_from, valid_until from seals.seal where id = ${shop.countySeal}`;
    expect(by.subject).toContain('O=于都县林业局\n');
    expect(by.subject).toContain('CN=于都县林业局证照专用章二维码（测试）');
    expect([by.validFromDate, by.validToDate]).toEqual([seal?.valid_from, seal?.valid_until]);
  });

  test('is recorded in the ledger with every field', async () => {
    const request = await shop.codeRequest();
    const code = await shop.seals.signCode(request);
    const [row] = await shop.sql`select * from seals.seal_code where issuance_id = ${request.issuanceId}`;
    expect(row).toMatchObject({
      seal_id: shop.countySeal,
      authorised_by_id: 'yudu-lyj.approver',
      authorised_by: '钟文斌',
      authorisation: request.authorisation,
      organ: COUNTY,
      matter_id: COUNTY_MATTER,
      case_id: request.caseId,
      act: 'ISSUE',
      identifier: request.identifier,
      content_digest: computeContentDigest(request.content),
      payload: toCanonicalJson(PAYLOAD),
      code,
      at: shop.clock(),
    });
    const [may] = await shop.sql`select has_table_privilege('tq_seals', 'seals.seal_code', 'update') as update,
      has_table_privilege('tq_seals', 'seals.seal_code', 'delete') as delete`;
    expect(may).toEqual({ update: false, delete: false });
  });
});

describe('the same issuance', () => {
  test('requested concurrently through two copies has one code, and the same one later', async () => {
    const request = await shop.codeRequest();
    const before = await codes();
    const copies = [shop.seals, shop.another()];
    const asked = Array.from({ length: 8 }, (_, i) => (copies[i % 2] ?? shop.seals).signCode(request));
    expect(new Set([...(await Promise.all(asked)), await shop.seals.signCode(request)]).size).toBe(1);
    expect(await codes()).toBe(before + 1);
  });

  test.each([
    ['payload', { ...PAYLOAD, h: '另一人' }],
    ['content', { of: 'another' }],
    ['organ', CITY],
    ['matterId', CITY_MATTER],
    ['caseId', randomUUID()],
    ['act', 'CHANGE'],
    ['identifier', 'another'],
  ])('refuses another %s', async (field, value) => {
    const request = await shop.codeRequest();
    await shop.seals.signCode(request);
    await refused({ ...request, [field]: value });
  });

  test('has one code and one signature; another issuance of the same case has neither', async () => {
    for (const codeFirst of [true, false]) {
      const request = await shop.request();
      const code = codeOf(request);
      const both = [() => shop.seals.signCode(code), () => shop.seals.sign(request)];
      const [first, second] = codeFirst ? both : both.toReversed();
      await first?.();
      const issuanceId = randomUUID();
      await refused({ ...code, issuanceId });
      await expect(shop.seals.sign({ ...request, issuanceId })).rejects.toMatchObject({
        code: 'SEAL_AUTHORISATION_INVALID',
      });
      await second?.();
      await refused({ ...code, issuanceId });
    }
  });

  test('is the only one to succeed if two issuances of one case request a code and a signature concurrently', async () => {
    for (let round = 0; round < 5; round++) {
      const request = await shop.request();
      const outcomes = await Promise.allSettled([
        shop.seals.sign(request),
        shop.another().signCode({ ...codeOf(request), issuanceId: randomUUID() }),
      ]);
      expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    }
  });
});

describe('a code is refused', () => {
  test('with an authorisation for other content, or none', async () => {
    const request = await shop.codeRequest();
    const other = await shop.authorise(request, { contentDigest: sha256('another content') });
    for (const authorisation of [other, '', await shop.authorise(request, {}, 'licenses')]) {
      await refused({ ...request, authorisation });
    }
  });
  test('without a seal that is granted, in use and valid', async () => {
    const ask = async (of: Parameters<typeof newCodeRequest>[0]) => {
      const asked = newCodeRequest(of);
      return { ...asked, authorisation: await shop.authorise(asked) };
    };
    await refused(await ask({ organ: 'yudu-slj' }), 'SEAL_UNKNOWN');
    await refused(await ask({ matterId: 'yd2022-3-01' }), 'SEAL_NOT_GRANTED');
    await shop.sql`update seals.seal set state = 'SUSPENDED' where id = ${shop.countySeal}`;
    await refused(await ask({}), 'SEAL_SUSPENDED');
    await shop.sql`update seals.seal set state = 'IN_USE' where id = ${shop.countySeal}`;
    const now = shop.clock().toISOString();
    shop.clock.set('2029-06-02');
    await refused(await ask({}), 'SEAL_EXPIRED');
    shop.clock.set(now);
  });
  test.each([
    ['an extra field', { ...PAYLOAD, x: '1' }],
    ['a missing field', { ...PAYLOAD, d: undefined }],
    ['a long name', { ...PAYLOAD, h: '长'.repeat(61) }],
    ['a digest of another length', { ...PAYLOAD, d: 'A'.repeat(42) }],
  ])('with a payload with %s', async (_, payload) => {
    const before = await codes();
    const request = { ...(await shop.codeRequest()), payload } as CodeRequest;
    await expect((async () => shop.seals.signCode(request))()).rejects.toMatchObject({ name: 'ZodError' });
    expect(await codes()).toBe(before);
  });
});

describe('an attestation', () => {
  test('is a JWS of the requested type whose certificate chains to the root', async () => {
    const claims = { sub: 'https://example.cn/status/1', iat: 1_780_000_000, status_list: { bits: 2, lst: 'eNo' } };
    for (const typ of ['statuslist+jwt', 'license-status+jwt'] as const) {
      const jws = await shop.seals.attest({ typ, claims });
      const header = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString());
      const status = new X509Certificate(Buffer.from(header.x5c[0], 'base64'));
      const issuing = new X509Certificate((await shop.seals.material({ codes: [], use: null })).issuing);
      const root = new X509Certificate(await shop.seals.rootCertificate());
      expect(header).toEqual({ alg: 'ES256', typ, x5c: [expect.any(String)] });
      expect(status.verify(issuing.publicKey) && issuing.verify(root.publicKey)).toBe(true);
      expect(status.keyUsage).toEqual(['1.3.6.1.4.1.99999.1.2']);
      const { payload } = await compactVerify(jws, status.publicKey);
      expect(JSON.parse(Buffer.from(payload).toString())).toEqual(claims);
    }
  });
  test('accepts objects of at most 2 MiB and known types only', async () => {
    const typ = 'statuslist+jwt' as const;
    const room = 2_097_152 - '{"lst":""}'.length;
    expect(await shop.seals.attest({ typ, claims: { lst: 'x'.repeat(room) } })).toBeDefined();
    const bad: unknown[] = [{ lst: 'x'.repeat(room + 1) }, [], 'text', null, undefined];
    for (const claims of bad) {
      await expect(shop.seals.attest({ typ, claims } as never)).rejects.toMatchObject({ name: 'ZodError' });
    }
    await expect(shop.seals.attest({ typ: 'JWT', claims: {} } as never)).rejects.toMatchObject({ name: 'ZodError' });
  });
});
