import { X509Certificate } from 'node:crypto';
import { fromBER } from 'asn1js';
import Fastify, { type FastifyInstance } from 'fastify';
import { Certificate, CertificateRevocationList } from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';
import { decideApplication, submitApplication } from '../support/seal-applications.ts';
import { servicesOf } from '../support/services.ts';
import { waitUntil } from '../support/until.ts';
import { CITY, CITY_MATTER, COUNTY, newRequest } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

/** Tests the end of seals and its revocation lists, which pkijs reads. */

const KEEPER = requireDemoPerson(`${COUNTY}.keeper`);
const APPROVER = requireDemoPerson(`${COUNTY}.sealapprover`);

let fixture: SealsFixture;
let app: FastifyInstance;
beforeAll(async () => {
  fixture = await openSealsFixture();
  app = Fastify();
  fixture.seals.routes?.(app, { tokenKey: tokenKeys.publicKey, services: servicesOf('seals'), now: fixture.clock });
});
afterAll(async () => {
  await app.close();
  await fixture.close();
});

const buffer = (bytes: Uint8Array) => new Uint8Array(bytes).buffer;

/** Applies for the end of a seal and has another person approve it. */
async function endSeal(actor: Actor, input: Record<string, unknown>, approver: Actor = APPROVER) {
  const fields = 'application { id } seal { id: code state } refusal { code message field }';
  const answer = await fixture.ask(
    actor,
    `mutation($input: SealEndInput!) { applyForSealEnd(input: $input) { ${fields} } }`,
    { input: { seal: fixture.countySeal, reason: 'CESSATION_OF_OPERATION', words: '机构撤并', ...input } },
  );
  const submitted = { ...answer, ...answer.data?.applyForSealEnd };
  if (!submitted.application || input.dryRun) return submitted;
  const decision = await fixture.ask(
    approver,
    `mutation($input: SealDecisionInput!) { decideSealApplication(input: $input) { ${fields} } }`,
    { input: { application: submitted.application.id, approve: true } },
  );
  return { ...decision, ...decision.data.decideSealApplication };
}

async function readCertificate(id: string): Promise<X509Certificate> {
  const [row] = await fixture.sql`select certificate_pem as pem from seals.authority where id = ${id}
    union all select certificate_pem from seals.seal_certificate where seal_id = ${id}
    union all select certificate_pem from seals.seal_code_key where seal_id || ' code' = ${id}`;
  return new X509Certificate(row?.pem);
}

/** Fetches a public revocation list and verifies its signature. */
async function fetchList(authority: 'root' | 'issuing') {
  const response = await app.inject({ url: `/seals/${authority}.crl` });
  expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'application/pkix-crl']);
  const revocationList = new CertificateRevocationList({ schema: fromBER(buffer(response.rawPayload)).result });
  const issuer = await readCertificate(authority);
  const issuerCertificate = new Certificate({ schema: fromBER(buffer(issuer.raw)).result });
  expect(await revocationList.verify({ issuerCertificate })).toBe(true);
  expect(Buffer.from(revocationList.toSchema(true).toBER())).toEqual(response.rawPayload);
  const entries = (revocationList.revokedCertificates ?? []).map((entry) => ({
    serial: Buffer.from(entry.userCertificate.valueBlock.valueHexView).toString('hex').toUpperCase(),
    at: entry.revocationDate.value.toISOString(),
    extensions: Object.fromEntries(
      (entry.crlEntryExtensions?.extensions ?? []).map((item) => [
        item.extnID,
        Buffer.from(item.extnValue.valueBlock.valueHexView).toString('hex'),
      ]),
    ),
  }));
  const number = revocationList.crlExtensions?.extensions.find((item) => item.extnID === '2.5.29.20');
  return {
    read: revocationList,
    entries,
    headers: response.headers,
    number: Number(number?.parsedValue.valueBlock.valueDec),
    bytes: response.rawPayload,
  };
}

const countRows = async () => {
  const [row] = await fixture.sql`select (select count(*) from seals.revocation)::int as revoked,
    (select count(*) from seals.revocation_list where authority = 'issuing')::int as lists,
    (select count(*) from seals.seal_event where event = 'ENDED')::int as events,
    (select count(*) from seals.seal_application)::int as applications`;
  return row;
};

describe('a revocation list', () => {
  test('is of version 2, by its authority, valid for 48 hours, with key identifier and number', async () => {
    for (const authority of ['root', 'issuing'] as const) {
      const { read: revocationList, entries, number, headers } = await fetchList(authority);
      expect([revocationList.version, entries, number]).toEqual([1, [], 1]);
      expect(revocationList.revokedCertificates).toBeUndefined();
      expect(revocationList.signature.algorithmId).toBe('1.2.840.113549.1.1.11');
      expect(revocationList.thisUpdate.value).toEqual(fixture.clock());
      expect((revocationList.nextUpdate?.value.getTime() ?? 0) - revocationList.thisUpdate.value.getTime()).toBe(
        48 * 3_600_000,
      );
      expect(
        (await readCertificate(authority)).raw.includes(Buffer.from(revocationList.issuer.toSchema().toBER())),
      ).toBe(true);
      expect(revocationList.crlExtensions?.extensions.map((item) => [item.extnID, item.critical])).toEqual([
        ['2.5.29.35', false],
        ['2.5.29.20', false],
        ['2.5.29.60', false],
      ]);
      const age = /^public, max-age=(\d+)$/.exec(String(headers['cache-control']));
      expect(Number(age?.[1])).toBeLessThanOrEqual(3_600);
    }
  });

  test('is reused for an hour, and then replaced once by concurrent requests', async () => {
    const first = await fetchList('root');
    fixture.clock.advance(3_600_000);
    expect((await fetchList('root')).bytes).toEqual(first.bytes);
    fixture.clock.advance(1_000);
    const lists = await Promise.all(Array.from({ length: 8 }, () => fetchList('root')));
    expect(new Set(lists.map((item) => item.number))).toEqual(new Set([2]));
    const rows = await fixture.sql`select number from seals.revocation_list where authority = 'root' order by 1`;
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
    const before = await countRows();
    expect((await endSeal(KEEPER, input)).refusal).toMatchObject({ code, field });
    expect(await countRows()).toEqual(before);
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
  ])('by the %s', async (_, actor, code) => {
    const before = await countRows();
    expect((await endSeal(actor, {})).refusal?.code).toBe(code);
    expect(await countRows()).toEqual(before);
  });
  test('by the public', async () => {
    expect((await endSeal(PUBLIC, {})).codes).toEqual(['UNAUTHENTICATED']);
  });
  test('but not in a dry run of either step, which returns the result and changes nothing', async () => {
    const before = await countRows();
    expect(await endSeal(KEEPER, { dryRun: true })).toMatchObject({ seal: { state: 'IN_USE' }, refusal: null });
    expect(await countRows()).toEqual(before);
    const ask = (person: string, query: string, variables: object) =>
      fixture.ask(requireDemoPerson(person), query, { ...variables });
    const input = { seal: fixture.countySeal, reason: 'SUPERSEDED', words: '演练' };
    const { application } = await submitApplication(ask, KEEPER.id, 'applyForSealEnd', input);
    const decision = { application: application.id, approve: true, dryRun: true };
    expect(await decideApplication(ask, APPROVER.id, decision)).toMatchObject({
      seal: { state: 'ENDED' },
      refusal: null,
    });
    expect(await countRows()).toEqual({ ...before, applications: before?.applications + 1 });
    expect((await fixture.ask(APPROVER, `{ seal(id: "${fixture.countySeal}") { state } }`)).data.seal.state).toBe(
      'IN_USE',
    );
  });
});

describe('an ended seal', () => {
  const compromisedAt = '2026-06-01T04:30:00.000Z';

  test('is in the ledger, and both its certificates are revoked immediately, with reason and time', async () => {
    const before = await fetchList('issuing');
    const ending = { reason: 'KEY_COMPROMISE', words: '密钥介质遗失', compromisedAt };
    expect(await endSeal(KEEPER, ending)).toMatchObject({ seal: { state: 'ENDED' }, refusal: null });
    const [event] =
      await fixture.sql`select event, actor_id, applied_by_id, reason from seals.seal_event order by serial desc limit 1`;
    const persons = { actor_id: APPROVER.id, applied_by_id: KEEPER.id };
    expect(event).toEqual({ event: 'ENDED', ...persons, reason: '密钥介质遗失' });

    const { entries, number } = await fetchList('issuing');
    expect(number).toBe(before.number + 1);
    const revoked = [fixture.countySeal, `${fixture.countySeal} code`].map(
      async (id) => (await readCertificate(id)).serialNumber,
    );
    expect(entries.map((entry) => entry.serial).sort()).toEqual((await Promise.all(revoked)).sort());
    for (const { at, extensions } of entries) {
      expect(at).toBe(fixture.clock().toISOString());
      // ENUMERATED 1, keyCompromise; GeneralizedTime.
      const time = `180f${Buffer.from('20260601043000Z').toString('hex')}`;
      expect(extensions).toEqual({ '2.5.29.21': '0a0101', '2.5.29.24': time });
    }
  });

  test('cannot be ended again', async () => {
    const before = await countRows();
    fixture.clock.advance(60_000);
    const ending = { reason: 'SUPERSEDED', words: '又一次' };
    expect((await endSeal(KEEPER, ending)).refusal).toMatchObject({ code: 'SEAL_EXPIRED', field: 'seal' });
    expect(await countRows()).toEqual(before);
  });

  test('can no longer be used, suspended or resumed', async () => {
    await expect(fixture.seals.sign(await fixture.request())).rejects.toMatchObject({ code: 'SEAL_NOT_GRANTED' });
    await expect(fixture.seals.signCode(await fixture.codeRequest())).rejects.toMatchObject({
      code: 'SEAL_NOT_GRANTED',
    });
    for (const [name, code] of [
      ['suspendSeal', 'SEAL_SUSPENDED'],
      ['applyForSealResumption', 'SEAL_EXPIRED'],
    ]) {
      const { data } = await fixture.ask(
        requireDemoPerson(`${COUNTY}.keeper`),
        `mutation($input: SealActInput!) { ${name}(input: $input) { refusal { code } } }`,
        { input: { seal: fixture.countySeal, reason: '试' } },
      );
      expect(data[name ?? ''].refusal.code).toBe(code);
    }
  });

  test('is reported to licenses by an event', async () => {
    fixture.seals.start();
    const listStates = () =>
      fixture.receivedEvents.flatMap(({ stream, payload }) =>
        stream === `seal:${fixture.countySeal}` && 'sealId' in payload ? [payload.state] : [],
      );
    await waitUntil('licenses know', async () => listStates().length === 2);
    expect(listStates()).toEqual(['IN_USE', 'ENDED']);
  });

  test('has no time of compromise for another reason; the list contains both seals', async () => {
    await endSeal(
      requireDemoPerson(`${CITY}.keeper`),
      { seal: fixture.citySeal, reason: 'SUPERSEDED' },
      requireDemoPerson(`${CITY}.sealapprover`),
    );
    const { entries } = await fetchList('issuing');
    expect(entries.map(({ extensions }) => extensions['2.5.29.21'])).toEqual(['0a0101', '0a0101', '0a0104', '0a0104']);
    expect(entries.slice(2).map(({ extensions }) => Object.keys(extensions))).toEqual([['2.5.29.21'], ['2.5.29.21']]);
    const request = newRequest({ organ: CITY, matterId: CITY_MATTER });
    await expect(
      fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) }),
    ).rejects.toMatchObject({
      code: 'SEAL_NOT_GRANTED',
    });
  });

  test('leaves rows that the role of seals may not change', async () => {
    for (const table of [
      ...['revocation', 'revocation_list', 'seal_certificate', 'seal_code_key', 'authority'],
      ...['seal_application', 'seal_application_outcome', 'seal_grant', 'seal_grant_withdrawal'],
    ]) {
      const [privileges] =
        await fixture.sql`select has_table_privilege('tq_seals', ${`seals.${table}`}, 'update') as update,
        has_table_privilege('tq_seals', ${`seals.${table}`}, 'delete') as delete`;
      expect(privileges, table).toEqual({ update: false, delete: false });
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
  const issuing = await readCertificate('issuing');
  const pems = body.match(/-----BEGIN[^#]+-----END CERTIFICATE-----/g) ?? [];
  const revocationList = pems.map((pem) => new X509Certificate(pem));
  expect(revocationList[0]?.raw).toEqual(issuing.raw);
  expect(revocationList.slice(1).map((item) => item.verify(issuing.publicKey))).toEqual(Array(6).fill(true));
});
