import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeContentDigest, sha256 } from '../../subgraphs/kernel/events.ts';
import { digestSealable } from '../../subgraphs/kernel/sealed-pdf.ts';
import type { SignRequest } from '../../subgraphs/kernel/sign.ts';
import type { SealAuthorisation } from '../../subgraphs/kernel/token.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { waitUntil } from '../support/until.ts';
import {
  CITY,
  CITY_MATTER,
  COUNTY,
  COUNTY_MATTER,
  documentOf,
  newRequest,
  RECORD,
  statementRequest,
} from './requests.ts';
import { openWorkshop, signatureOf, type Workshop } from './workshop.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.close());

/** Expects a refusal, and that no use is recorded. */
async function refused(code: string, request: SignRequest): Promise<void> {
  const before = await shop.uses();
  await expect(shop.seals.sign(request)).rejects.toMatchObject({ name: 'Refusal', code });
  expect(await shop.uses()).toBe(before);
}

describe('a seal use', () => {
  test('is recorded in the ledger with every field and the returned signature', async () => {
    const request = await shop.request();
    const answer = await shop.seals.sign(request);
    expect(answer).toMatchObject({
      state: 'SIGNED',
      sealId: shop.countySeal,
      sealName: '于都县林业局证照专用章',
      signedAt: shop.clock().toISOString(),
    });
    const [use] = await shop.sql`select * from seals.seal_use where issuance_id = ${request.issuanceId}`;
    expect(use).toMatchObject({
      seal_id: shop.countySeal,
      suite: 'PAdES-T-RSA3072-SHA256',
      authorised_by_id: 'yudu-lyj.approver',
      authorised_by: '钟文斌',
      authorisation: request.authorisation,
      organ: COUNTY,
      matter_id: COUNTY_MATTER,
      case_id: request.caseId,
      act: 'ISSUE',
      identifier: request.identifier,
      document_digest: digestSealable(request.document).toString('hex'),
      content_digest: computeContentDigest(request.content),
      at: shop.clock(),
    });
    expect(Buffer.compare(use?.signature, answer.state === 'SIGNED' ? answer.signature : Buffer.of())).toBe(0);
  });

  test("the city's approval seal signs the city's decision", async () => {
    const asked = newRequest({ organ: CITY, matterId: CITY_MATTER });
    const answer = await shop.seals.sign({ ...asked, authorisation: await shop.authorise(asked) });
    expect(answer).toMatchObject({ sealId: shop.citySeal, sealName: '赣州市行政审批局审批专用章' });
  });

  test('an act without a case uses an authorisation of the licenses subgraph', async () => {
    const asked = statementRequest();
    const answer = await shop.seals.sign({ ...asked, authorisation: await shop.authorise(asked) });
    expect(answer.state).toBe('SIGNED');
    const [use] = await shop.sql`select * from seals.seal_use where issuance_id = ${asked.issuanceId}`;
    expect(use).toMatchObject({
      suite: 'CAdES-T-RSA3072-SHA256',
      document_digest: sha256(asked.document),
      content_digest: sha256(asked.document),
      case_id: null,
    });
  });
});

describe('the same issuance', () => {
  test('returns the same signature later, even if the seal has been suspended since', async () => {
    const request = await shop.request();
    const first = await signatureOf(shop.seals, request);
    shop.clock.advance(3_600_000);
    await shop.sql`update seals.seal set state = 'SUSPENDED' where id = ${shop.countySeal}`;
    try {
      expect(await signatureOf(shop.another(), request)).toEqual(first);
    } finally {
      await shop.sql`update seals.seal set state = 'IN_USE' where id = ${shop.countySeal}`;
    }
  });

  test('requested sixteen times concurrently through two copies records one use', async () => {
    const request = await shop.request();
    const before = await shop.uses();
    const copies = [shop.seals, shop.another()];
    const asked = Array.from({ length: 16 }, (_, i) => signatureOf(copies[i % 2] ?? shop.seals, request));
    const signatures = (await Promise.all(asked)).map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(new Set(signatures).size).toBe(1);
    expect(await shop.uses()).toBe(before + 1);
  });

  test.each([
    ['document', documentOf({ ...RECORD, CZZT: '另一林场' })],
    ['content', { of: 'another' }],
    ['organ', CITY],
    ['matterId', CITY_MATTER],
    ['caseId', randomUUID()],
    ['act', 'CHANGE'],
    ['identifier', 'another'],
  ])('refuses another %s', async (field, value) => {
    const request = await shop.request();
    await shop.seals.sign(request);
    await refused('SEAL_AUTHORISATION_INVALID', { ...request, [field]: value });
  });

  test('refuses a document that is not the hub’s, and another profile', async () => {
    const request = await shop.request();
    await shop.seals.sign(request);
    await refused('SEAL_CONTENT_DIFFERS', { ...request, document: Buffer.from('no document of ours') });
    await refused('SEAL_AUTHORISATION_INVALID', {
      ...request,
      document: documentOf(RECORD, 'CADES'),
      profile: 'CADES',
    });
  });

  test('excludes another issuance of the same case: one decision is sealed once', async () => {
    const request = await shop.request();
    await shop.seals.sign(request);
    await refused('SEAL_AUTHORISATION_INVALID', {
      ...request,
      issuanceId: randomUUID(),
      document: documentOf({ ...RECORD, KZ_BB: 2 }),
    });
    const twice = await shop.request();
    const before = await shop.uses();
    const both = await Promise.allSettled([
      shop.seals.sign(twice),
      shop.another().sign({ ...twice, issuanceId: randomUUID() }),
    ]);
    expect(both.filter((one) => one.status === 'fulfilled').length).toBe(1);
    expect(await shop.uses()).toBe(before + 1);
  });
});

describe('the authorisation', () => {
  test.each<[keyof SealAuthorisation, string | null]>([
    ['organ', CITY],
    ['matter', CITY_MATTER],
    ['caseId', randomUUID()],
    ['caseId', null],
    ['act', 'CHANGE'],
    ['contentDigest', sha256('another content')],
  ])('over another %s is refused', async (field, value) => {
    const request = await shop.request();
    const authorisation = await shop.authorise(request, { [field]: value });
    await refused('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
  });

  test('with any letter altered is refused', async () => {
    const request = await shop.request();
    const [header = '', body = '', mac = ''] = request.authorisation.split('.');
    const flip = (text: string, at: number) =>
      `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    const altered = [
      `${flip(header, 4)}.${body}.${mac}`,
      ...[3, 40, body.length >> 1].map((at) => `${header}.${flip(body, at)}.${mac}`),
      `${header}.${body}.${flip(mac, 10)}`,
    ];
    for (const authorisation of altered) await refused('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
  });

  test('that is missing, unsigned, or under an unknown key is refused', async () => {
    const request = await shop.request();
    const [, body] = request.authorisation.split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    for (const authorisation of ['', 'x', unsigned, request.authorisation.split('.').slice(0, 2).join('.')]) {
      await refused('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
    }
    const { writeAuthorisation, sealAuthorisation } = await import('../../subgraphs/kernel/token.ts');
    const said = sealAuthorisation.parse(JSON.parse(Buffer.from(body ?? '', 'base64url').toString()));
    const authorisation = await writeAuthorisation('cases', randomBytes(32), said);
    await refused('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
  });

  test('of licenses is refused with a case and for an issue, and one of cases without a case', async () => {
    const request = await shop.request();
    await refused('SEAL_AUTHORISATION_INVALID', {
      ...request,
      authorisation: await shop.authorise(request, {}, 'licenses'),
    });
    const own = { ...newRequest(), caseId: null };
    await refused('SEAL_AUTHORISATION_INVALID', { ...own, authorisation: await shop.authorise(own) });
    const order = statementRequest();
    await refused('SEAL_AUTHORISATION_INVALID', { ...order, authorisation: await shop.authorise(order, {}, 'cases') });
  });
});

describe('the seal', () => {
  const rightly = async (of: Parameters<typeof newRequest>[0]) => {
    const asked = newRequest(of);
    return { ...asked, authorisation: await shop.authorise(asked) };
  };
  const stop = (name: string, reason = '年度核查') =>
    shop.ask(
      requireDemoPerson(`${COUNTY}.keeper`),
      `mutation($input: SealActInput!) { ${name}(input: $input) { seal { state } refusal { code } } }`,
      { input: { seal: shop.countySeal, reason } },
    );

  test('of an organ that has none is refused', async () => {
    await refused('SEAL_UNKNOWN', await rightly({ organ: 'yudu-slj' }));
  });
  test('without a grant for the matter is refused', async () => {
    await refused('SEAL_NOT_GRANTED', await rightly({ matterId: 'yd2022-3-01' }));
  });
  test('outside its validity is refused', async () => {
    const opened = shop.clock().toISOString();
    for (const day of ['2029-06-02', '2026-05-31']) {
      shop.clock.set(day);
      await refused('SEAL_EXPIRED', await rightly({}));
    }
    shop.clock.set(opened);
  });
  test('that is suspended is refused until it is resumed', async () => {
    await stop('suspendSeal');
    await refused('SEAL_SUSPENDED', await rightly({}));
    await stop('resumeSeal');
    expect((await shop.seals.sign(await rightly({}))).state).toBe('SIGNED');
  });
  test('suspended by a transaction that commits first is refused to a signature that waited for the lock', async () => {
    const request = await rightly({});
    const before = await shop.uses();
    let outcome: Promise<unknown> = Promise.resolve();
    await shop.sql.begin(async (tx) => {
      await tx`update seals.seal set state = 'SUSPENDED' where id = ${shop.countySeal}`;
      outcome = shop.seals.sign(request).catch((error: unknown) => error);
      await waitUntil('the signature waits', waiting);
    });
    expect(await outcome).toMatchObject({ code: 'SEAL_SUSPENDED' });
    expect(await shop.uses()).toBe(before);
    await stop('resumeSeal');
  });
  test('whose grant a transaction withdraws first is refused to a signature that waited for the lock', async () => {
    const request = await rightly({});
    let outcome: Promise<unknown> = Promise.resolve();
    await shop.sql.begin(async (tx) => {
      await tx`select 1 from seals.seal where id = ${shop.countySeal} for update`;
      await tx`insert into seals.seal_grant_withdrawal select id, now() from seals.seal_grant where seal_id = ${shop.countySeal}`;
      outcome = shop.seals.sign(request).catch((error: unknown) => error);
      await waitUntil('the signature waits', waiting);
    });
    expect(await outcome).toMatchObject({ code: 'SEAL_NOT_GRANTED' });
    await shop.sql`delete from seals.seal_grant_withdrawal`;
  });
  test('has no use after its suspension was confirmed, with concurrent signatures', async () => {
    for (let round = 0; round < 5; round++) {
      const before = await shop.uses();
      const requests = await Promise.all(Array.from({ length: 8 }, () => rightly({})));
      const early = requests.slice(0, 6).map((request) => shop.seals.sign(request));
      const stopped = stop('suspendSeal');
      const answered = Promise.allSettled(early);
      await stopped;
      for (const request of requests.slice(6)) {
        await expect(shop.another().sign(request)).rejects.toMatchObject({ code: 'SEAL_SUSPENDED' });
      }
      const signed = (await answered).filter((one) => one.status === 'fulfilled').length;
      expect(await shop.uses()).toBe(before + signed);
      await stop('resumeSeal');
    }
  });

  async function waiting(): Promise<boolean> {
    const rows = await shop.sql`select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and application_name = 'test-seals'`;
    return rows.length > 0;
  }
});
