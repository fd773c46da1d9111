import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { sha256 } from '../../subgraphs/kernel/events.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';
import { buildSealPng } from '../support/seal-png.ts';
import { CITY, COUNTY, COUNTY_MATTER } from './requests.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.close());

const KEEPER = requireDemoPerson(`${COUNTY}.keeper`);
const OWN = buildSealPng();
const url = `/seals/picture/${sha256(OWN)}`;

async function setPicture(who: Actor, input: Record<string, unknown> = {}) {
  const { data, codes } = await shop.ask(
    who,
    `mutation($input: SealPictureInput!) { setSealPicture(input: $input) { seal { picture } refusal { code field } } }`,
    { input: { seal: shop.countySeal, picture: OWN.toString('base64'), reason: '启用新印模', ...input } },
  );
  return { codes, ...data?.setSealPicture };
}
const asked = { organ: COUNTY, matterId: COUNTY_MATTER, personId: `${COUNTY}.approver` };
const rows = () => shop.sql`select digest, png, actor_id from seals.seal_picture order by serial`;
const events = () =>
  shop.sql`select reason, actor_id from seals.seal_event where event = 'PICTURE_CHANGED' order by serial`;

describe("the office's own picture of a seal", () => {
  test('is set by the keeper and removed again; every change is kept in the ledger', async () => {
    expect(await shop.seals.picture(asked)).toBeNull();
    expect((await setPicture(KEEPER, { dryRun: true })).seal).toEqual({ picture: url });
    expect(await rows()).toEqual([]);
    for (let again = 0; again < 2; again++) expect((await setPicture(KEEPER)).seal).toEqual({ picture: url });
    expect(Buffer.from((await shop.seals.picture(asked)) ?? [])).toEqual(OWN);
    expect((await setPicture(KEEPER, { picture: null, reason: '恢复' })).seal).toEqual({ picture: null });
    expect(await shop.seals.picture(asked)).toBeNull();
    expect((await setPicture(KEEPER)).seal).toEqual({ picture: url });
    expect((await rows()).map(({ digest }) => digest)).toEqual([sha256(OWN), null, sha256(OWN)]);
    const by = { actor_id: KEEPER.id };
    expect(await events()).toMatchObject([{ reason: '启用新印模', ...by }, { reason: '恢复', ...by }, by]);
  });

  test('is returned only for a seal that may be used, with the refusals of signing', async () => {
    const refused = (changed: object) => shop.seals.picture({ ...asked, ...changed });
    await expect(refused({ organ: 'nobody' })).rejects.toMatchObject({ code: 'SEAL_UNKNOWN' });
    await expect(refused({ matterId: 'another' })).rejects.toMatchObject({ code: 'SEAL_NOT_GRANTED' });
  });

  test('is public, by its digest', async () => {
    await setPicture(KEEPER);
    const app = Fastify();
    shop.seals.routes?.(app, { tokenKey: tokenKeys.publicKey, serviceKey: new Uint8Array(32), now: shop.clock });
    const found = await app.inject({ method: 'GET', url });
    expect([found.statusCode, found.headers['content-type']]).toEqual([200, 'image/png']);
    expect(found.rawPayload.equals(OWN)).toBe(true);
    for (const other of ['0'.repeat(64), 'x', sha256('another')]) {
      expect((await app.inject({ method: 'GET', url: `/seals/picture/${other}` })).statusCode).toBe(404);
    }
    await app.close();
  });

  test.each([
    ['no base64', { picture: `${OWN.toString('base64')}\n` }, 'FIELD_MALFORMED', 'picture'],
    ['no picture', { picture: 'AAAA' }, 'FIELD_MALFORMED', 'picture'],
    ['an empty picture', { picture: '' }, 'FIELD_MALFORMED', 'picture'],
    ['a picture that is too small', { picture: buildSealPng(63).toString('base64') }, 'FIELD_MALFORMED', 'picture'],
    ['a picture that is too large', { picture: 'A'.repeat(350_004) }, 'FIELD_TOO_LONG', 'picture'],
    ['no reason', { reason: ' ' }, 'REASON_MISSING', 'reason'],
    ['a long reason', { reason: '长'.repeat(501) }, 'FIELD_TOO_LONG', 'reason'],
    ['an unknown seal', { seal: 'nobody' }, 'SEAL_UNKNOWN', 'seal'],
  ])('%s is refused', async (_, input, code, field) => {
    const before = await rows();
    expect((await setPicture(KEEPER, input)).refusal).toEqual({ code, field });
    expect(await rows()).toEqual(before);
  });

  test.each([
    ['approver', `${COUNTY}.approver`, 'ROLE_NOT_ALLOWED'],
    ['clerk', `${COUNTY}.clerk`, 'ROLE_NOT_ALLOWED'],
    ['seal approver', `${COUNTY}.sealapprover`, 'ROLE_NOT_ALLOWED'],
    ['auditor', 'auditor', 'ROLE_NOT_ALLOWED'],
    ['administrator', 'administrator', 'ROLE_NOT_ALLOWED'],
    ['applicant', 'applicant-company', 'ROLE_NOT_ALLOWED'],
    ["another organ's keeper", `${CITY}.keeper`, 'SEAL_NOT_OF_ORGAN'],
  ])('%s may not set it', async (_, who, code) => {
    expect((await setPicture(requireDemoPerson(who))).refusal?.code).toBe(code);
  });
  test('the public receives UNAUTHENTICATED', async () => {
    expect((await setPicture(PUBLIC)).codes).toEqual(['UNAUTHENTICATED']);
  });
});
