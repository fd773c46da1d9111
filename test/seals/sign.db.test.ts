import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { computeContentDigest, sha256 } from '../../subgraphs/kernel/events/events.ts';
import { digestSealable } from '../../subgraphs/kernel/pdf/sealed-pdf.ts';
import type { SealAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import type { Decider } from '../../subgraphs/kernel/sealing/person-signature.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import type { SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { requireDemoPerson } from '../support/actors.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
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
import { openSealsFixture, type SealsFixture, signatureOf } from './seals-fixture.ts';

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

/** Expects a refusal, and that no use is recorded. */
async function expectRefusal(code: string, request: SignRequest): Promise<void> {
  const before = await fixture.countUses();
  await expect(fixture.seals.sign(request)).rejects.toMatchObject({ name: 'Refusal', code });
  expect(await fixture.countUses()).toBe(before);
}

describe('a seal use', () => {
  test('is recorded in the ledger with every field and the returned signature', async () => {
    const request = await fixture.request();
    const answer = await fixture.seals.sign(request);
    expect(answer).toMatchObject({
      state: 'SIGNED',
      sealId: fixture.countySeal,
      sealName: '于都县林业局证照专用章',
      signedAt: fixture.clock().toISOString(),
    });
    const [use] = await fixture.sql`select * from seals.seal_use where issuance_id = ${request.issuanceId}`;
    expect(use).toMatchObject({
      seal_id: fixture.countySeal,
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
      at: fixture.clock(),
    });
    expect(Buffer.compare(use?.signature, answer.state === 'SIGNED' ? answer.signature : Buffer.of())).toBe(0);
  });

  test("the city's approval seal signs the city's decision", async () => {
    const request = newRequest({ organ: CITY, matterId: CITY_MATTER });
    const answer = await fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) });
    expect(answer).toMatchObject({ sealId: fixture.citySeal, sealName: '赣州市行政审批局审批专用章' });
  });

  test('an act without a case uses an authorisation of the licenses subgraph', async () => {
    const request = statementRequest();
    const answer = await fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) });
    expect(answer.state).toBe('SIGNED');
    const [use] = await fixture.sql`select * from seals.seal_use where issuance_id = ${request.issuanceId}`;
    expect(use).toMatchObject({
      suite: 'CAdES-T-RSA3072-SHA256',
      document_digest: sha256(request.document),
      content_digest: sha256(request.document),
      case_id: null,
    });
  });
});

describe('the same issuance', () => {
  test('returns the same signature later, even if the seal has been suspended since', async () => {
    const request = await fixture.request();
    const first = await signatureOf(fixture.seals, request);
    fixture.clock.advance(3_600_000);
    await fixture.sql`update seals.seal set state = 'SUSPENDED' where id = ${fixture.countySeal}`;
    try {
      expect(await signatureOf(fixture.openCopy(), request)).toEqual(first);
    } finally {
      await fixture.sql`update seals.seal set state = 'IN_USE' where id = ${fixture.countySeal}`;
    }
  });

  test('requested sixteen times concurrently through two copies records one use', async () => {
    const request = await fixture.request();
    const before = await fixture.countUses();
    const copies = [fixture.seals, fixture.openCopy()];
    const answers = Array.from({ length: 16 }, (_, i) => signatureOf(copies[i % 2] ?? fixture.seals, request));
    const signatures = (await Promise.all(answers)).map((bytes) => Buffer.from(bytes).toString('hex'));
    expect(new Set(signatures).size).toBe(1);
    expect(await fixture.countUses()).toBe(before + 1);
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
    const request = await fixture.request();
    await fixture.seals.sign(request);
    await expectRefusal('SEAL_AUTHORISATION_INVALID', { ...request, [field]: value });
  });

  test('refuses a document that is not the hub’s, and another profile', async () => {
    const request = await fixture.request();
    await fixture.seals.sign(request);
    await expectRefusal('SEAL_CONTENT_DIFFERS', { ...request, document: Buffer.from('no document of ours') });
    await expectRefusal('SEAL_AUTHORISATION_INVALID', {
      ...request,
      document: documentOf(RECORD, 'CADES'),
      profile: 'CADES',
    });
  });

  test('excludes another issuance of the same case: one decision is sealed once', async () => {
    const request = await fixture.request();
    await fixture.seals.sign(request);
    await expectRefusal('SEAL_AUTHORISATION_INVALID', {
      ...request,
      issuanceId: randomUUID(),
      document: documentOf({ ...RECORD, KZ_BB: 2 }),
    });
    const contestedRequest = await fixture.request();
    const before = await fixture.countUses();
    const outcomes = await Promise.allSettled([
      fixture.seals.sign(contestedRequest),
      fixture.openCopy().sign({ ...contestedRequest, issuanceId: randomUUID() }),
    ]);
    expect(outcomes.filter((result) => result.status === 'fulfilled').length).toBe(1);
    expect(await fixture.countUses()).toBe(before + 1);
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
    const request = await fixture.request();
    const authorisation = await fixture.authorise(request, { [field]: value });
    await expectRefusal('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
  });

  test('with any letter altered is refused', async () => {
    const request = await fixture.request();
    const [header = '', body = '', mac = ''] = request.authorisation.split('.');
    const replaceLetter = (text: string, at: number) =>
      `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    const alteredAuthorisations = [
      `${replaceLetter(header, 4)}.${body}.${mac}`,
      ...[3, 40, body.length >> 1].map((at) => `${header}.${replaceLetter(body, at)}.${mac}`),
      `${header}.${body}.${replaceLetter(mac, 10)}`,
    ];
    for (const authorisation of alteredAuthorisations)
      await expectRefusal('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
  });

  test('of a person of another organ is refused with the organ altered to the one that decides', async () => {
    const request = await fixture.request();
    const decider = { organ: CITY, decides: COUNTY, exception: null };
    const [header, body = '', mac] = (await fixture.authorise(request, { decider })).split('.');
    const claims = { ...JSON.parse(Buffer.from(body, 'base64url').toString()), decider: { ...decider, organ: COUNTY } };
    const authorisation = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${mac}`;
    await expectRefusal('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
  });

  test('that is missing, unsigned, or under an unknown key is refused', async () => {
    const request = await fixture.request();
    const [, body] = request.authorisation.split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    for (const authorisation of ['', 'x', unsigned, request.authorisation.split('.').slice(0, 2).join('.')]) {
      await expectRefusal('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
    }
    const { writeAuthorisation, sealAuthorisation } = await import('../../subgraphs/kernel/sealing/authorisation.ts');
    const claims = sealAuthorisation.parse(JSON.parse(Buffer.from(body ?? '', 'base64url').toString()));
    const authorisation = await writeAuthorisation(generateServiceKeys().identities.cases, claims);
    await expectRefusal('SEAL_AUTHORISATION_INVALID', { ...request, authorisation });
  });

  test('of licenses is refused with a case and for an issue, and one of cases without a case', async () => {
    const request = await fixture.request();
    await expectRefusal('SEAL_AUTHORISATION_INVALID', {
      ...request,
      authorisation: await fixture.authorise(request, {}, 'licenses'),
    });
    const own = { ...newRequest(), caseId: null };
    await expectRefusal('SEAL_AUTHORISATION_INVALID', { ...own, authorisation: await fixture.authorise(own) });
    const statement = statementRequest();
    await expectRefusal('SEAL_AUTHORISATION_INVALID', {
      ...statement,
      authorisation: await fixture.authorise(statement, {}, 'cases'),
    });
  });
});

describe('the seal', () => {
  const buildAuthorised = async (parts: Parameters<typeof newRequest>[0]) => {
    const request = newRequest(parts);
    return { ...request, authorisation: await fixture.authorise(request) };
  };
  const runKeeperAct = (name: string, reason = '年度核查') =>
    fixture.ask(
      requireDemoPerson(`${COUNTY}.keeper`),
      `mutation($input: SealActInput!) { ${name}(input: $input) { seal { state } refusal { code } } }`,
      { input: { seal: fixture.countySeal, reason } },
    );

  const resume = async () => {
    const ask = (person: string, query: string, variables: Record<string, unknown>) =>
      fixture.ask(requireDemoPerson(person), query, variables);
    const input = { seal: fixture.countySeal };
    expect((await applyAndApprove(ask, COUNTY, 'applyForSealResumption', input)).refusal).toBeNull();
  };

  test('of an organ that has none is refused', async () => {
    await expectRefusal('SEAL_UNKNOWN', await buildAuthorised({ organ: 'yudu-slj' }));
  });
  test('without a grant for the matter is refused', async () => {
    await expectRefusal('SEAL_NOT_GRANTED', await buildAuthorised({ matterId: 'yd2022-3-01' }));
  });
  test.each<[string, Decider]>([
    ['a person of another organ', { organ: CITY, decides: COUNTY, exception: null }],
    ['a person of the city, where the city decided', { organ: CITY, decides: CITY, exception: null }],
    ['its own person, where the city decided', { organ: COUNTY, decides: CITY, exception: null }],
    ['a person of the city that decided, with an exception', { organ: CITY, decides: CITY, exception: randomUUID() }],
  ])('that is granted to whoever decides is refused to %s', async (_, decider) => {
    const request = newRequest();
    const authorisation = await fixture.authorise(request, { decider });
    await expectRefusal('SEAL_NOT_GRANTED', { ...request, authorisation });
  });
  test('that is granted to whoever decides is used by a person of the superior organ with an exception', async () => {
    const request = newRequest();
    const decider = { organ: CITY, decides: COUNTY, exception: randomUUID() };
    const authorisation = await fixture.authorise(request, { decider });
    expect((await fixture.seals.sign({ ...request, authorisation })).state).toBe('SIGNED');
  });
  test('outside its validity is refused', async () => {
    const startTime = fixture.clock().toISOString();
    for (const day of ['2029-06-02', '2026-05-31']) {
      fixture.clock.set(day);
      await expectRefusal('SEAL_EXPIRED', await buildAuthorised({}));
    }
    fixture.clock.set(startTime);
  });
  test('that is suspended is refused until it is resumed', async () => {
    await runKeeperAct('suspendSeal');
    await expectRefusal('SEAL_SUSPENDED', await buildAuthorised({}));
    await resume();
    expect((await fixture.seals.sign(await buildAuthorised({}))).state).toBe('SIGNED');
  });
  test('suspended by a transaction that commits first is refused to a signature that waited for the lock', async () => {
    const request = await buildAuthorised({});
    const before = await fixture.countUses();
    let outcome: Promise<unknown> = Promise.resolve();
    await fixture.sql.begin(async (tx) => {
      await tx`update seals.seal set state = 'SUSPENDED' where id = ${fixture.countySeal}`;
      outcome = fixture.seals.sign(request).catch((error: unknown) => error);
      await waitUntil('the signature waits', isSignatureWaiting);
    });
    expect(await outcome).toMatchObject({ code: 'SEAL_SUSPENDED' });
    expect(await fixture.countUses()).toBe(before);
    await resume();
  });
  test('whose grant a transaction withdraws first is refused to a signature that waited for the lock', async () => {
    const request = await buildAuthorised({});
    let outcome: Promise<unknown> = Promise.resolve();
    await fixture.sql.begin(async (tx) => {
      await tx`select 1 from seals.seal where id = ${fixture.countySeal} for update`;
      await tx`insert into seals.seal_grant_withdrawal select id, now() from seals.seal_grant where seal_id = ${fixture.countySeal}`;
      outcome = fixture.seals.sign(request).catch((error: unknown) => error);
      await waitUntil('the signature waits', isSignatureWaiting);
    });
    expect(await outcome).toMatchObject({ code: 'SEAL_NOT_GRANTED' });
    await fixture.sql`delete from seals.seal_grant_withdrawal`;
  });
  test('has no use after its suspension was confirmed, with concurrent signatures', async () => {
    for (let round = 0; round < 5; round++) {
      const before = await fixture.countUses();
      const requests = await Promise.all(Array.from({ length: 8 }, () => buildAuthorised({})));
      const earlyAnswers = requests.slice(0, 6).map((request) => fixture.seals.sign(request));
      const suspension = runKeeperAct('suspendSeal');
      const settledAnswers = Promise.allSettled(earlyAnswers);
      await suspension;
      for (const request of requests.slice(6)) {
        await expect(fixture.openCopy().sign(request)).rejects.toMatchObject({ code: 'SEAL_SUSPENDED' });
      }
      const signed = (await settledAnswers).filter((result) => result.status === 'fulfilled').length;
      expect(await fixture.countUses()).toBe(before + signed);
      await resume();
    }
  });

  async function isSignatureWaiting(): Promise<boolean> {
    const rows = await fixture.sql`select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and application_name = 'test-seals'`;
    return rows.length > 0;
  }
});
