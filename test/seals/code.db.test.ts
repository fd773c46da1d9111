import { randomUUID, X509Certificate } from 'node:crypto';
import { compactVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeContentDigest, sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import type { CodeRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { listAttestation, listAttestations } from '../support/attestation.ts';
import { CITY, CITY_MATTER, COUNTY, COUNTY_MATTER, newCodeRequest, PAYLOAD, RECORD } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

const countCodes = async () => Number((await fixture.sql`select count(*) as n from seals.seal_code`)[0]?.n);

async function expectRefusal(request: CodeRequest, code = 'SEAL_AUTHORISATION_INVALID'): Promise<void> {
  const before = await countCodes();
  await expect(fixture.seals.signCode(request)).rejects.toMatchObject({ name: 'Refusal', code });
  expect(await countCodes()).toBe(before);
}

/** Builds the code request of the same seal use. */
function codeOf({ profile: _, document: _document, ...use }: SignRequest): CodeRequest {
  return { ...use, record: { ...RECORD }, payload: PAYLOAD };
}

async function readCertificate(seal: string): Promise<X509Certificate> {
  const [row] = await fixture.sql`select certificate_pem as pem from seals.seal_code_key where seal_id = ${seal}`;
  return new X509Certificate(row?.pem);
}

describe('a code', () => {
  test('is a compact JWS over the canonical payload, signed by the code key that its header names', async () => {
    const code = await fixture.seals.signCode(await fixture.codeRequest());
    const codeCertificate = await readCertificate(fixture.countySeal);
    const { payload } = await compactVerify(code, codeCertificate.publicKey);
    expect(Buffer.from(payload).toString()).toBe(toCanonicalJson(PAYLOAD));
    const [header = ''] = code.split('.');
    const kid = sha256(codeCertificate.raw).slice(0, 16);
    expect(Buffer.from(header, 'base64url').toString()).toBe(`{"alg":"ES256","kid":"${kid}","typ":"tq-code-1"}`);
    await expect(compactVerify(code, (await readCertificate(fixture.citySeal)).publicKey)).rejects.toThrow();
  });

  test("has a certificate in the organ's name with the validity of its seal", async () => {
    const codeCertificate = await readCertificate(fixture.countySeal);
    const [seal] = await fixture.sql`select valid_from, valid_until from seals.seal where id = ${fixture.countySeal}`;
    expect(codeCertificate.subject).toContain('O=于都县林业局\n');
    expect(codeCertificate.subject).toContain('CN=于都县林业局证照专用章二维码（测试）');
    expect([codeCertificate.validFromDate, codeCertificate.validToDate]).toEqual([seal?.valid_from, seal?.valid_until]);
  });

  test('is recorded in the ledger with every field', async () => {
    const request = await fixture.codeRequest();
    const code = await fixture.seals.signCode(request);
    const [row] = await fixture.sql`select * from seals.seal_code where issuance_id = ${request.issuanceId}`;
    expect(row).toMatchObject({
      seal_id: fixture.countySeal,
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
      at: fixture.clock(),
    });
    const [privileges] =
      await fixture.sql`select has_table_privilege('tq_seals', 'seals.seal_code', 'update') as update,
      has_table_privilege('tq_seals', 'seals.seal_code', 'delete') as delete`;
    expect(privileges).toEqual({ update: false, delete: false });
  });
});

describe('the same issuance', () => {
  test('requested concurrently through two copies has one code, and the same one later', async () => {
    const request = await fixture.codeRequest();
    const before = await countCodes();
    const copies = [fixture.seals, fixture.openCopy()];
    const answers = Array.from({ length: 8 }, (_, i) => (copies[i % 2] ?? fixture.seals).signCode(request));
    expect(new Set([...(await Promise.all(answers)), await fixture.seals.signCode(request)]).size).toBe(1);
    expect(await countCodes()).toBe(before + 1);
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
    const request = await fixture.codeRequest();
    await fixture.seals.signCode(request);
    await expectRefusal({ ...request, [field]: value });
  });

  test('has one code and one signature; another issuance of the same case has neither', async () => {
    for (const codeFirst of [true, false]) {
      const request = await fixture.request();
      const code = codeOf(request);
      const operations = [() => fixture.seals.signCode(code), () => fixture.seals.sign(request)];
      const [first, second] = codeFirst ? operations : operations.toReversed();
      await first?.();
      const issuanceId = randomUUID();
      await expectRefusal({ ...code, issuanceId });
      await expect(fixture.seals.sign({ ...request, issuanceId })).rejects.toMatchObject({
        code: 'SEAL_AUTHORISATION_INVALID',
      });
      await second?.();
      await expectRefusal({ ...code, issuanceId });
    }
  });

  test('is the only one to succeed if two issuances of one case request a code and a signature concurrently', async () => {
    for (let round = 0; round < 5; round++) {
      const request = await fixture.request();
      const outcomes = await Promise.allSettled([
        fixture.seals.sign(request),
        fixture.openCopy().signCode({ ...codeOf(request), issuanceId: randomUUID() }),
      ]);
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    }
  });
});

describe('a code is refused', () => {
  test('with an authorisation for other content, or none', async () => {
    const request = await fixture.codeRequest();
    const other = await fixture.authorise(request, { contentDigest: sha256('another content') });
    for (const authorisation of [other, '', await fixture.authorise(request, {}, 'licenses')]) {
      await expectRefusal({ ...request, authorisation });
    }
  });
  test('without a seal that is granted, in use and valid', async () => {
    const ask = async (parts: Parameters<typeof newCodeRequest>[0]) => {
      const request = newCodeRequest(parts);
      return { ...request, authorisation: await fixture.authorise(request) };
    };
    await expectRefusal(await ask({ organ: 'yudu-slj' }), 'SEAL_UNKNOWN');
    await expectRefusal(await ask({ matterId: 'yd2022-3-01' }), 'SEAL_NOT_GRANTED');
    await fixture.sql`update seals.seal set state = 'SUSPENDED' where id = ${fixture.countySeal}`;
    await expectRefusal(await ask({}), 'SEAL_SUSPENDED');
    await fixture.sql`update seals.seal set state = 'IN_USE' where id = ${fixture.countySeal}`;
    const now = fixture.clock().toISOString();
    fixture.clock.set('2029-06-02');
    await expectRefusal(await ask({}), 'SEAL_EXPIRED');
    fixture.clock.set(now);
  });
  test.each([
    ['an extra field', { ...PAYLOAD, x: '1' }],
    ['a missing field', { ...PAYLOAD, d: undefined }],
    ['a long name', { ...PAYLOAD, h: '长'.repeat(61) }],
    ['a digest of another length', { ...PAYLOAD, d: 'A'.repeat(42) }],
  ])('with a payload with %s', async (_, payload) => {
    const before = await countCodes();
    const request = { ...(await fixture.codeRequest()), payload } as CodeRequest;
    await expect((async () => fixture.seals.signCode(request))()).rejects.toMatchObject({ name: 'ZodError' });
    expect(await countCodes()).toBe(before);
  });
});

describe('an attestation', () => {
  test('is a JWS of the requested type whose certificate chains to the root', async () => {
    for (const request of listAttestations()) {
      const { typ, claims } = request;
      const jws = await fixture.seals.attest(request);
      const header = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString());
      const status = new X509Certificate(Buffer.from(header.x5c[0], 'base64'));
      const issuing = new X509Certificate((await fixture.seals.material({ codes: [], use: null })).issuing);
      const root = new X509Certificate(await fixture.seals.rootCertificate());
      expect(header).toEqual({ alg: 'ES256', typ, x5c: [expect.any(String)] });
      expect(status.verify(issuing.publicKey) && issuing.verify(root.publicKey)).toBe(true);
      expect(status.keyUsage).toEqual(['1.3.6.1.4.1.99999.1.2']);
      const { payload } = await compactVerify(jws, status.publicKey);
      expect(JSON.parse(Buffer.from(payload).toString())).toEqual(claims);
    }
  });
  test('accepts known types only, and a list of states of at most 2 MiB', async () => {
    const { typ, claims } = listAttestation();
    const listOf = (length: number) => ({
      ...claims,
      status_list: { bits: 4 as const, lst: 'eN'.padEnd(length, 'x') },
    });
    expect(await fixture.seals.attest({ typ, claims: listOf(2_097_152) })).toBeDefined();
    const bad: unknown[] = [listOf(2_097_153), [], 'text', null, undefined];
    for (const badClaims of bad) {
      await expect(fixture.seals.attest({ typ, claims: badClaims } as never)).rejects.toMatchObject({
        name: 'ZodError',
      });
    }
    await expect(fixture.seals.attest({ typ: 'JWT', claims } as never)).rejects.toMatchObject({ name: 'ZodError' });
  });
});
