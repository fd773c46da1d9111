import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Actor, PUBLIC } from '../../subgraphs/kernel/actor.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import type { PictureRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';
import { buildSealPng } from '../support/seal-png.ts';
import { servicesOf } from '../support/services.ts';
import { CITY, COUNTY, COUNTY_MATTER, deciderOf } from './requests.ts';
import { openSealsFixture, type SealsFixture } from './seals-fixture.ts';

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

const KEEPER = requireDemoPerson(`${COUNTY}.keeper`);
const OWN_PICTURE = buildSealPng();
const url = `/seals/picture/${sha256(OWN_PICTURE)}`;

const APPROVER = requireDemoPerson(`${COUNTY}.sealapprover`);

async function applyForPicture(actor: Actor, input: Record<string, unknown> = {}) {
  const { data, codes } = await fixture.ask(
    actor,
    `mutation($input: SealPictureInput!) { applyForSealPicture(input: $input) {
      application { id kind picture pictureDigest replacedPicture } seal { picture } refusal { code field } } }`,
    { input: { seal: fixture.countySeal, picture: OWN_PICTURE.toString('base64'), reason: '启用新印模', ...input } },
  );
  return { codes, ...data?.applyForSealPicture };
}
async function decide(actor: Actor, application: string, input: Record<string, unknown> = {}) {
  const { data } = await fixture.ask(
    actor,
    `mutation($input: SealDecisionInput!) { decideSealApplication(input: $input) {
      seal { picture } refusal { code field } } }`,
    { input: { application, approve: true, ...input } },
  );
  return data?.decideSealApplication;
}
async function setPicture(input: Record<string, unknown> = {}) {
  const { application, refusal } = await applyForPicture(KEEPER, input);
  return refusal ? { refusal } : decide(APPROVER, application.id);
}
const pictureRequest: PictureRequest = {
  ...{ organ: COUNTY, matterId: COUNTY_MATTER, personId: `${COUNTY}.approver` },
  decider: deciderOf(COUNTY),
  ...{ act: 'ISSUE', level: 'COUNTY', authorisedAt: '2026-06-01T00:00:00Z' },
};
const listPictures = () => fixture.sql`select digest, png, actor_id from seals.seal_picture order by serial`;
const OTHER_PICTURE = buildSealPng(80);
const listEvents = () =>
  fixture.sql`select reason, actor_id, applied_by_id from seals.seal_event where event = 'PICTURE_CHANGED' order by serial`;

describe("the office's own picture of a seal", () => {
  test('is set by two persons and removed again; every change is kept in the ledger', async () => {
    expect((await applyForPicture(KEEPER, { picture: null })).refusal).toEqual({
      code: 'ACTION_DONE',
      field: 'picture',
    });
    const { application, seal } = await applyForPicture(KEEPER);
    expect(application).toMatchObject({
      ...{ kind: 'PICTURE', picture: OWN_PICTURE.toString('base64') },
      ...{ pictureDigest: sha256(OWN_PICTURE), replacedPicture: null },
    });
    expect(seal).toEqual({ picture: null });
    expect(await fixture.seals.picture(pictureRequest)).toBeNull();
    expect((await decide(KEEPER, application.id)).refusal.code).toBe('ROLE_NOT_ALLOWED');
    const both = { ...KEEPER, roles: ['SEAL_KEEPER', 'SEAL_APPROVER'] as const };
    expect((await decide(both, application.id)).refusal.code).toBe('SECOND_PERSON_NEEDED');
    expect((await decide(APPROVER, application.id, { dryRun: true })).seal).toEqual({ picture: url });
    expect(await listPictures()).toEqual([]);
    expect((await decide(APPROVER, application.id)).seal).toEqual({ picture: url });
    expect((await decide(APPROVER, application.id)).refusal.code).toBe('SEAL_APPLICATION_DECIDED');
    expect((await setPicture()).refusal).toEqual({ code: 'ACTION_DONE', field: 'picture' });
    expect(Buffer.from((await fixture.seals.picture(pictureRequest)) ?? [])).toEqual(OWN_PICTURE);
    expect((await setPicture({ picture: null, reason: '恢复' })).seal).toEqual({ picture: null });
    expect(await fixture.seals.picture(pictureRequest)).toBeNull();
    expect((await setPicture()).seal).toEqual({ picture: url });
    expect((await listPictures()).map(({ digest }) => digest)).toEqual([
      sha256(OWN_PICTURE),
      null,
      sha256(OWN_PICTURE),
    ]);
    const byBoth = { actor_id: APPROVER.id, applied_by_id: KEEPER.id };
    expect(await listEvents()).toMatchObject([
      { reason: '启用新印模', ...byBoth },
      { reason: '恢复', ...byBoth },
      byBoth,
    ]);
  });

  test('is refused when another picture came into force meanwhile', async () => {
    const [first, second] = [
      await applyForPicture(KEEPER, { picture: OTHER_PICTURE.toString('base64') }),
      await applyForPicture(KEEPER, { picture: null }),
    ];
    expect((await decide(APPROVER, first.application.id)).refusal).toBeNull();
    expect((await decide(APPROVER, second.application.id)).refusal.code).toBe('PROPOSAL_OUTDATED');
    await setPicture();
  });

  test('of one person is refused by the database itself', async () => {
    const row = { seal_id: fixture.countySeal, digest: null, png: null, actor_id: 'x', actor: 'x', at: new Date() };
    await expect(fixture.sql`insert into seals.seal_picture ${fixture.sql(row)}`).rejects.toThrow(
      /seal_picture_application/,
    );
  });

  test('is returned only for a seal that may be used, with the refusals of signing', async () => {
    const readPicture = (changes: object) => fixture.seals.picture({ ...pictureRequest, ...changes });
    await expect(readPicture({ organ: 'nobody' })).rejects.toMatchObject({ code: 'SEAL_UNKNOWN' });
    await expect(readPicture({ matterId: 'another' })).rejects.toMatchObject({ code: 'SEAL_NOT_GRANTED' });
  });

  test('is public, by its digest', async () => {
    const app = Fastify();
    fixture.seals.routes?.(app, { tokenKey: tokenKeys.publicKey, services: servicesOf('seals'), now: fixture.clock });
    const response = await app.inject({ method: 'GET', url });
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'image/png']);
    expect(response.rawPayload.equals(OWN_PICTURE)).toBe(true);
    for (const digest of ['0'.repeat(64), 'x', sha256('another')]) {
      expect((await app.inject({ method: 'GET', url: `/seals/picture/${digest}` })).statusCode).toBe(404);
    }
    await app.close();
  });

  test.each([
    ['no base64', { picture: `${OWN_PICTURE.toString('base64')}\n` }, 'FIELD_MALFORMED', 'picture'],
    ['no picture', { picture: 'AAAA' }, 'FIELD_MALFORMED', 'picture'],
    ['an empty picture', { picture: '' }, 'FIELD_MALFORMED', 'picture'],
    ['a picture that is too small', { picture: buildSealPng(63).toString('base64') }, 'FIELD_MALFORMED', 'picture'],
    ['a picture that is too large', { picture: 'A'.repeat(350_004) }, 'FIELD_TOO_LONG', 'picture'],
    ['no reason', { reason: ' ' }, 'REASON_MISSING', 'reason'],
    ['a long reason', { reason: '长'.repeat(501) }, 'FIELD_TOO_LONG', 'reason'],
    ['an unknown seal', { seal: 'nobody' }, 'SEAL_UNKNOWN', 'seal'],
  ])('%s is refused', async (_, input, code, field) => {
    const before = await listPictures();
    expect((await setPicture(input)).refusal).toEqual({ code, field });
    expect(await listPictures()).toEqual(before);
  });

  test.each([
    ['approver', `${COUNTY}.approver`, 'ROLE_NOT_ALLOWED'],
    ['clerk', `${COUNTY}.clerk`, 'ROLE_NOT_ALLOWED'],
    ['seal approver', `${COUNTY}.sealapprover`, 'ROLE_NOT_ALLOWED'],
    ['auditor', 'auditor', 'ROLE_NOT_ALLOWED'],
    ['administrator', 'administrator', 'ROLE_NOT_ALLOWED'],
    ['applicant', 'applicant-company', 'ROLE_NOT_ALLOWED'],
    ["another organ's keeper", `${CITY}.keeper`, 'SEAL_NOT_OF_ORGAN'],
  ])('%s may not apply for it', async (_, who, code) => {
    expect((await applyForPicture(requireDemoPerson(who), { picture: null })).refusal?.code).toBe(code);
  });
  test('the public receives UNAUTHENTICATED', async () => {
    expect((await applyForPicture(PUBLIC)).codes).toEqual(['UNAUTHENTICATED']);
  });
});
