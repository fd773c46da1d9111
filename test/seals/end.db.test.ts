import { X509Certificate } from 'node:crypto';
import { fromBER } from 'asn1js';
import Fastify, { type FastifyInstance } from 'fastify';
import { Certificate, CertificateRevocationList } from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';
import { decideApplication, submitApplication } from '../support/seal-applications.ts';
import { waitUntil } from '../support/until.ts';
import { CITY, CITY_MATTER, COUNTY, newRequest } from './requests.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/** Tests the end of seals and its revocation lists, which pkijs reads. */

const KEEPER = requireDemoPerson(`${COUNTY}.keeper`);
const APPROVER = requireDemoPerson(`${COUNTY}.sealapprover`);

let shop: Workshop;
let app: FastifyInstance;
beforeAll(async () => {
  shop = await openWorkshop();
  app = Fastify();
  shop.seals.routes?.(app, { tokenKey: tokenKeys.publicKey, serviceKey: new Uint8Array(32), now: shop.clock });
});
afterAll(async () => {
  await app.close();
  await shop.close();
});

const buffer = (bytes: Uint8Array) => new Uint8Array(bytes).buffer;

/** Applies for the end of a seal and has another person approve it. */
async function end(who: Actor, input: Record<string, unknown>, approver: Actor = APPROVER) {
  const fields = 'application { id } seal { id state } refusal { code message field }';
  const asked = await shop.ask(
    who,
    `mutation($input: SealEndInput!) { applyForSealEnd(input: $input) { ${fields} } }`,
    { input: { seal: shop.countySeal, reason: 'CESSATION_OF_OPERATION', words: '机构撤并', ...input } },
  );
  const first = { ...asked, ...asked.data?.applyForSealEnd };
  if (!first.application || input.dryRun) return first;
  const decision = await shop.ask(
    approver,
    `mutation($input: SealDecisionInput!) { decideSealApplication(input: $input) { ${fields} } }`,
    { input: { application: first.application.id, approve: true } },
  );
  return { ...decision, ...decision.data.decideSealApplication };
}

async function certificate(id: string): Promise<X509Certificate> {
  const [row] = await shop.sql`select certificate_pem as pem from seals.authority where id = ${id}
    union all select certificate_pem from seals.seal_certificate where seal_id = ${id}
    union all select certificate_pem from seals.seal_code_key where seal_id || ' code' = ${id}`;
  return new X509Certificate(row?.pem);
}

/** Fetches a public revocation list and verifies its signature. */
async function list(authority: 'root' | 'issuing') {
  const response = await app.inject({ url: `/seals/${authority}.crl` });
  expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'application/pkix-crl']);
  const read = new CertificateRevocationList({ schema: fromBER(buffer(response.rawPayload)).result });
  const issuer = await certificate(authority);
  const issuerCertificate = new Certificate({ schema: fromBER(buffer(issuer.raw)).result });
  expect(await read.verify({ issuerCertificate })).toBe(true);
  expect(Buffer.from(read.toSchema(true).toBER())).toEqual(response.rawPayload);
  const entries = (read.revokedCertificates ?? []).map((entry) => ({
    serial: Buffer.from(entry.userCertificate.valueBlock.valueHexView).toString('hex').toUpperCase(),
    at: entry.revocationDate.value.toISOString(),
    says: Object.fromEntries(
      (entry.crlEntryExtensions?.extensions ?? []).map((one) => [
        one.extnID,
        Buffer.from(one.extnValue.valueBlock.valueHexView).toString('hex'),
      ]),
    ),
  }));
  const number = read.crlExtensions?.extensions.find((one) => one.extnID === '2.5.29.20');
  return {
    read,
    entries,
    headers: response.headers,
    number: Number(number?.parsedValue.valueBlock.valueDec),
    bytes: response.rawPayload,
  };
}

const counts = async () => {
  const [row] = await shop.sql`select (select count(*) from seals.revocation)::int as revoked,
    (select count(*) from seals.revocation_list where authority = 'issuing')::int as lists,
    (select count(*) from seals.seal_event where event = 'ENDED')::int as events,
    (select count(*) from seals.seal_application)::int as applications`;
  return row;
};

describe('a revocation list', () => {
  test('is of version 2, by its authority, valid for 48 hours, with key identifier and number', async () => {
    for (const authority of ['root', 'issuing'] as const) {
      const { read, entries, number, headers } = await list(authority);
      expect([read.version, entries, number]).toEqual([1, [], 1]);
      expect(read.revokedCertificates).toBeUndefined();
      expect(read.signature.algorithmId).toBe('1.2.840.113549.1.1.11');
      expect(read.thisUpdate.value).toEqual(shop.clock());
      expect((read.nextUpdate?.value.getTime() ?? 0) - read.thisUpdate.value.getTime()).toBe(48 * 3_600_000);
      expect((await certificate(authority)).raw.includes(Buffer.from(read.issuer.toSchema().toBER()))).toBe(true);
      expect(read.crlExtensions?.extensions.map((one) => [one.extnID, one.critical])).toEqual([
        ['2.5.29.35', false],
        ['2.5.29.20', false],
        ['2.5.29.60', false],
      ]);
      const age = /^public, max-age=(\d+)$/.exec(String(headers['cache-control']));
      expect(Number(age?.[1])).toBeLessThanOrEqual(3_600);
    }
  });

  test('is reused for an hour, and then replaced once by concurrent requests', async () => {
    const first = await list('root');
    shop.clock.advance(3_600_000);
    expect((await list('root')).bytes).toEqual(first.bytes);
    shop.clock.advance(1_000);
    const asked = await Promise.all(Array.from({ length: 8 }, () => list('root')));
    expect(new Set(asked.map((one) => one.number))).toEqual(new Set([2]));
    const rows = await shop.sql`select number from seals.revocation_list where authority = 'root' order by 1`;
    expect(rows).toEqual([{ number: 1 }, { number: 2 }]);
  });
});

describe('the end of a seal is refused', () => {
  test.each([
    ['an empty reason', { words: ' ' }, 'REASON_MISSING', 'words'],
    ['a long reason', { words: '长'.repeat(501) }, 'FIELD_TOO_LONG', 'words'],
    ['an unknown seal', { seal: 'nobody' }, 'SEAL_UNKNOWN', 'seal'],
    ['a compromise without a time', { reason: 'KEY_COMPROMISE' }, 'FIELD_MALFORMED', 'compromisedAt'],
    [
      'a compromise in the future',
      { reason: 'KEY_COMPROMISE', compromisedAt: '2027-01-01T00:00:00Z' },
      'FIELD_MALFORMED',
      'compromisedAt',
    ],
    [
      'a compromise before the key existed',
      { reason: 'KEY_COMPROMISE', compromisedAt: '0099-01-01T00:00:00Z' },
      'FIELD_MALFORMED',
      'compromisedAt',
    ],
    [
      'a time of compromise for another reason',
      { reason: 'SUPERSEDED', compromisedAt: '2026-06-01T04:30:00Z' },
      'FIELD_MALFORMED',
      'compromisedAt',
    ],
  ])('by %s', async (_, input, code, field) => {
    const before = await counts();
    expect((await end(KEEPER, input)).refusal).toMatchObject({ code, field });
    expect(await counts()).toEqual(before);
  });

  test.each<[string, Actor, string]>([
    ['seal approver', APPROVER, 'ROLE_NOT_ALLOWED'],
    ['approver', requireDemoPerson(`${COUNTY}.approver`), 'ROLE_NOT_ALLOWED'],
    ['clerk', requireDemoPerson(`${COUNTY}.clerk`), 'ROLE_NOT_ALLOWED'],
    ['reviewer', requireDemoPerson(`${COUNTY}.reviewer`), 'ROLE_NOT_ALLOWED'],
    ['supervisor', requireDemoPerson(`${COUNTY}.supervisor`), 'ROLE_NOT_ALLOWED'],
    ['auditor', requireDemoPerson('auditor'), 'ROLE_NOT_ALLOWED'],
    ['administrator', requireDemoPerson('administrator'), 'ROLE_NOT_ALLOWED'],
    ['library', requireDemoPerson('library'), 'ROLE_NOT_ALLOWED'],
    ['applicant', requireDemoPerson('applicant-company'), 'ROLE_NOT_ALLOWED'],
    ["another organ's keeper", requireDemoPerson(`${CITY}.keeper`), 'SEAL_NOT_OF_ORGAN'],
  ])('by the %s', async (_, who, code) => {
    const before = await counts();
    expect((await end(who, {})).refusal?.code).toBe(code);
    expect(await counts()).toEqual(before);
  });
  test('by the public', async () => {
    expect((await end(PUBLIC, {})).codes).toEqual(['UNAUTHENTICATED']);
  });
  test('but not in a dry run of either step, which returns the result and changes nothing', async () => {
    const before = await counts();
    expect(await end(KEEPER, { dryRun: true })).toMatchObject({ seal: { state: 'IN_USE' }, refusal: null });
    expect(await counts()).toEqual(before);
    const ask = (person: string, query: string, variables: object) =>
      shop.ask(requireDemoPerson(person), query, { ...variables });
    const input = { seal: shop.countySeal, reason: 'SUPERSEDED', words: '演练' };
    const { application } = await submitApplication(ask, KEEPER.id, 'applyForSealEnd', input);
    const asked = { application: application.id, approve: true, dryRun: true };
    expect(await decideApplication(ask, APPROVER.id, asked)).toMatchObject({ seal: { state: 'ENDED' }, refusal: null });
    expect(await counts()).toEqual({ ...before, applications: before?.applications + 1 });
    expect((await shop.ask(APPROVER, `{ seal(id: "${shop.countySeal}") { state } }`)).data.seal.state).toBe('IN_USE');
  });
});

describe('an ended seal', () => {
  const compromisedAt = '2026-06-01T04:30:00.000Z';

  test('is in the ledger, and both its certificates are revoked immediately, with reason and time', async () => {
    const before = await list('issuing');
    const asked = { reason: 'KEY_COMPROMISE', words: '密钥介质遗失', compromisedAt };
    expect(await end(KEEPER, asked)).toMatchObject({ seal: { state: 'ENDED' }, refusal: null });
    const [event] =
      await shop.sql`select event, actor_id, applied_by_id, reason from seals.seal_event order by serial desc limit 1`;
    const both = { actor_id: APPROVER.id, applied_by_id: KEEPER.id };
    expect(event).toEqual({ event: 'ENDED', ...both, reason: '密钥介质遗失' });

    const { entries, number } = await list('issuing');
    expect(number).toBe(before.number + 1);
    const revoked = [shop.countySeal, `${shop.countySeal} code`].map(
      async (id) => (await certificate(id)).serialNumber,
    );
    expect(entries.map((entry) => entry.serial).sort()).toEqual((await Promise.all(revoked)).sort());
    for (const { at, says } of entries) {
      expect(at).toBe(shop.clock().toISOString());
      // ENUMERATED 1, keyCompromise; GeneralizedTime.
      const time = `180f${Buffer.from('20260601043000Z').toString('hex')}`;
      expect(says).toEqual({ '2.5.29.21': '0a0101', '2.5.29.24': time });
    }
  });

  test('cannot be ended again', async () => {
    const before = await counts();
    shop.clock.advance(60_000);
    const asked = { reason: 'SUPERSEDED', words: '又一次' };
    expect((await end(KEEPER, asked)).refusal).toMatchObject({ code: 'SEAL_EXPIRED', field: 'seal' });
    expect(await counts()).toEqual(before);
  });

  test('can no longer be used, suspended or resumed', async () => {
    await expect(shop.seals.sign(await shop.request())).rejects.toMatchObject({ code: 'SEAL_NOT_GRANTED' });
    await expect(shop.seals.signCode(await shop.codeRequest())).rejects.toMatchObject({ code: 'SEAL_NOT_GRANTED' });
    for (const [name, code] of [
      ['suspendSeal', 'SEAL_SUSPENDED'],
      ['resumeSeal', 'SEAL_EXPIRED'],
    ]) {
      const { data } = await shop.ask(
        requireDemoPerson(`${COUNTY}.keeper`),
        `mutation($input: SealActInput!) { ${name}(input: $input) { refusal { code } } }`,
        { input: { seal: shop.countySeal, reason: '试' } },
      );
      expect(data[name ?? ''].refusal.code).toBe(code);
    }
  });

  test('is reported to licenses by an event', async () => {
    shop.seals.start();
    const states = () =>
      shop.told.flatMap(({ stream, payload }) =>
        stream === `seal:${shop.countySeal}` && 'sealId' in payload ? [payload.state] : [],
      );
    await waitUntil('licenses know', async () => states().length === 2);
    expect(states()).toEqual(['IN_USE', 'ENDED']);
  });

  test('has no time of compromise for another reason; the list contains both seals', async () => {
    await end(
      requireDemoPerson(`${CITY}.keeper`),
      { seal: shop.citySeal, reason: 'SUPERSEDED' },
      requireDemoPerson(`${CITY}.sealapprover`),
    );
    const { entries } = await list('issuing');
    expect(entries.map(({ says }) => says['2.5.29.21'])).toEqual(['0a0101', '0a0101', '0a0104', '0a0104']);
    expect(entries.slice(2).map(({ says }) => Object.keys(says))).toEqual([['2.5.29.21'], ['2.5.29.21']]);
    const asked = newRequest({ organ: CITY, matterId: CITY_MATTER });
    await expect(shop.seals.sign({ ...asked, authorisation: await shop.authorise(asked) })).rejects.toMatchObject({
      code: 'SEAL_NOT_GRANTED',
    });
  });

  test('leaves rows that the role of seals may not change', async () => {
    for (const table of [
      ...['revocation', 'revocation_list', 'seal_certificate', 'seal_code_key', 'authority'],
      ...['seal_application', 'seal_application_outcome', 'seal_grant', 'seal_grant_withdrawal'],
    ]) {
      const [may] = await shop.sql`select has_table_privilege('tq_seals', ${`seals.${table}`}, 'update') as update,
        has_table_privilege('tq_seals', ${`seals.${table}`}, 'delete') as delete`;
      expect(may, table).toEqual({ update: false, delete: false });
    }
  });
});

test('certificates.pem contains every certificate below the root, each after a line that names it', async () => {
  const { statusCode, body } = await app.inject({ url: '/seals/certificates.pem' });
  expect(statusCode).toBe(200);
  expect(body.match(/^#.*$/gm)).toEqual([
    '# 印章签发证书 (issuing 1)',
    '# 证照状态签名证书 (status 1)',
    '# 时间戳证书 (timestamp 1)',
    '# 赣州市行政审批局审批专用章',
    '# 赣州市行政审批局审批专用章二维码',
    '# 于都县林业局证照专用章',
    '# 于都县林业局证照专用章二维码',
  ]);
  const issuing = await certificate('issuing');
  const pems = body.match(/-----BEGIN[^#]+-----END CERTIFICATE-----/g) ?? [];
  const read = pems.map((pem) => new X509Certificate(pem));
  expect(read[0]?.raw).toEqual(issuing.raw);
  expect(read.slice(1).map((one) => one.verify(issuing.publicKey))).toEqual(Array(6).fill(true));
});
