import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import type { SpoilStatement } from '../../subgraphs/kernel/sealing/attest.ts';
import {
  findRefusalCode,
  grantCase,
  issueGrantedLicense,
  ROUTES,
  runMutation,
  toBlankNumber,
} from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';

/**
 * What a clerk enters is stated by the register's key, from the mutation to the public verification: in codes, under no
 * organ's seal, once.
 */

const CITY = ROUTES.WINDOW_FORWARD;

let hub: TestHub;
let sql: postgres.Sql;
beforeAll(async () => {
  hub = await createTestHub();
  sql = postgres(hub.adminUrl, { max: 1 });
});
afterAll(async () => {
  await sql?.end();
  await hub?.stop();
});

async function spoil(serial: number, reason = 'MISPRINT') {
  const license = await issueGrantedLicense(hub, CITY, await grantCase(hub, CITY), serial);
  const [blankNumber, replacement] = [serial, serial + 1].map((each) => toBlankNumber(CITY, each));
  const input = { identifier: license.identifier, blankNumber, replacement, reason };
  await runMutation(hub, CITY.prints, 'spoilBlank', 'SpoilBlankInput', input, 'license { identifier }');
  const [act] = await sql`select * from licenses.act where act = 'SPOIL' and identifier = ${license.identifier}`;
  const [file] = await sql`select * from licenses.document where digest = ${act?.document_digest}`;
  return { license, input, act, file, text: Buffer.from(file?.bytes).toString('utf8') };
}

const VERIFY = `query($input: VerifyLicenseInput!) { verifyLicense(input: $input) {
  verdict subIndication signer { name organisation } license { identifier } steps { name passed detail } } }`;
const verifyText = async (text: string) => {
  const input = { document: Buffer.from(text).toString('base64') };
  return (await hub.ask('auditor', VERIFY, { input })).data.verifyLicense;
};

test("a county clerk's entry on a license of the city bears no seal of the city", async () => {
  const usesBefore = await sql`select * from seals.seal_use where act = 'SPOIL'`;
  const { license, input, act, file, text } = await spoil(1);
  expect(await sql`select * from seals.seal_use where act = 'SPOIL'`).toEqual(usesBefore);
  expect(usesBefore).toHaveLength(0);
  expect(file).toMatchObject({ media_type: 'application/jwt', name: `${license.identifier}.spoil.jwt` });
  expect(act).toMatchObject({ authorisation: null, signature_digest: null, reason: 'MISPRINT', state: 'DONE' });
  const statement: SpoilStatement = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());
  expect(statement).toEqual({
    ...{ jti: act?.id, act: 'SPOIL', sub: license.identifier, version: 1, state: 'VALID', organ: act?.organ.id },
    ...{ reason: 'MISPRINT', spoiled: input.blankNumber, replacement: input.replacement },
    ...{ iat: expect.any(Number), by: sha256(CITY.prints) },
  });
  // The log holds the digest and names the act, but nobody's name and no free words.
  const [leaf] = await sql`select entry from seals.log_leaf where kind = 'ATTESTATION' and subject = ${sha256(text)}`;
  expect(JSON.parse(leaf?.entry)).toEqual({
    ...{ v: 1, kind: 'ATTESTATION', typ: 'register-statement+jwt', digest: sha256(text), issuanceId: act?.id },
    ...{ organ: act?.organ.id, act: 'SPOIL', identifier: license.identifier, blankNumber: input.replacement },
    at: expect.any(String),
  });
});

test('anybody can verify it, and nothing else passes as it', async () => {
  const [first, second] = [await spoil(11), await spoil(21, 'DAMAGED')];
  const report = await verifyText(first.text);
  expect(report).toMatchObject({ verdict: 'TOTAL_PASSED', license: { identifier: first.license.identifier } });
  expect(report.signer.organisation).not.toContain('行政审批局');
  const [head, payload, signature] = first.text.split('.');
  const [, otherPayload, otherSignature] = second.text.split('.');
  for (const forged of [
    [head, otherPayload, signature],
    [head, payload, otherSignature],
    [head, Buffer.from('{}').toString('base64url'), signature],
    [Buffer.from('{"alg":"none","typ":"register-statement+jwt"}').toString('base64url'), payload, ''],
  ])
    expect((await verifyText(forged.join('.'))).verdict).not.toBe('TOTAL_PASSED');
});

test('free words are refused before anything is written, and an act is stated once', async () => {
  const { license, act, text } = await spoil(31);
  const blanks = { blankNumber: toBlankNumber(CITY, 32), replacement: toBlankNumber(CITY, 33) };
  const input = { identifier: license.identifier, ...blanks, reason: '兹证明于都县示范企业信誉良好' };
  const query = 'mutation($input: SpoilBlankInput!) { spoilBlank(input: $input) { license { identifier } } }';
  expect((await hub.ask(CITY.prints, query, { input })).errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT');
  const uncoded = await hub.ask(CITY.prints, query, { input: { ...input, reason: 'UNCODED' } });
  expect(uncoded.errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT');
  const { attest } = hub.hub.seals;
  // The same claims return the same bytes; other claims of this act are stated by nobody.
  const request = { typ: 'register-statement+jwt' as const, claims: act?.record as SpoilStatement };
  expect(await attest(request)).toBe(text);
  await expect(attest({ ...request, claims: { ...request.claims, reason: 'DAMAGED' } })).rejects.toThrow('otherwise');
  const leaves = await sql`select 1 from seals.log_leaf where entry like ${`%${act?.id}%`} and kind = 'ATTESTATION'`;
  expect(leaves).toHaveLength(1);
  expect(
    await findRefusalCode(hub, CITY.prints, 'spoilBlank', 'SpoilBlankInput', { ...input, reason: 'MISPRINT' }),
  ).toBeNull();
});

test('what a release up to 0.4 prepared in free words for a seal is stated without them', async () => {
  const license = await issueGrantedLicense(hub, CITY, await grantCase(hub, CITY), 41);
  const [spoiled, replacement] = [41, 42].map((each) => toBlankNumber(CITY, each));
  const [made] = await sql`select * from licenses.act where identifier = ${license.identifier} and act = 'ISSUE'`;
  const words = '兹证明于都县示范企业信誉良好';
  const sealed = {
    ...{ CZ: 'SPOIL', ZZBH: made?.number, ZZBS: license.identifier, KZ_BB: 1, ZZBFJG: '赣州市行政审批局' },
    ...{ ZZBFJGDM: '11000000000000027K', ZZZT: 'VALID', SM: words, KZ_BJBH: null, ZZQZR: '某' },
    ...{ ZZQZSJ: '2026-06-01T04:00:00.000Z', ZZQZMC: '章', KZ_KBZZ: { spoiled, replacement } },
  };
  const id = crypto.randomUUID();
  await sql.begin(async (tx) => {
    await tx`insert into licenses.act ${tx({
      ...{ id, act: 'SPOIL', number: made?.number, version: 1, identifier: license.identifier, state: 'PREPARED' },
      ...{ state_after: 'VALID', record: tx.json(sealed), content_digest: 'a'.repeat(64), authorisation: 'a.b.c' },
      ...{ organ: tx.json(made?.organ), matter_id: made?.matter_id, blank_number: replacement, reason: words },
      ...{
        spoiled_blank: spoiled,
        actor_id: CITY.prints,
        actor: '某',
        prepared_at: new Date(),
        leased_until: new Date(0),
      },
    } as never)}`;
    await tx`update licenses.blank set state = 'ASSIGNED', identifier = ${license.identifier} where number = ${replacement ?? ''}`;
    await tx`insert into licenses.blank_entry (number, seq, state, identifier, act_id, actor, at)
      values (${replacement ?? ''}, 2, 'ASSIGNED', ${license.identifier}, ${id}, '某', now())`;
  });
  const { waitUntil } = await import('../support/until.ts');
  await waitUntil('the act is done', async () => {
    const [row] = await sql`select state from licenses.act where id = ${id}`;
    return row?.state === 'DONE';
  });
  const [act] = await sql`select * from licenses.act where id = ${id}`;
  expect(act?.record).toMatchObject({ jti: id, reason: 'UNCODED', spoiled, replacement });
  expect(act?.reason).toBe('UNCODED');
  const [stated] = await sql`select text from seals.register_statement where id = ${id}`;
  expect(sha256(stated?.text)).toBe(act?.document_digest);
  expect(JSON.stringify([act, stated])).not.toContain(words);
});
