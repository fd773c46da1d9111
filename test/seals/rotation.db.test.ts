import { randomBytes, X509Certificate } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { rewrapKeys } from '../../subgraphs/seals/certification-workflow.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { COUNTY } from './requests.ts';
import { openWorkshop, signatureOf, type Workshop } from './workshop.ts';

/** Rotation: new keys and certificates of a seal (换证). */

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

const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  shop.ask(requireDemoPerson(person), query, variables);
const rotate = () => applyAndApprove(ask, COUNTY, 'applyForSealRotation', { seal: shop.countySeal });

interface Generation {
  generation: number;
  pem: string;
}
const generations = (table: string) =>
  shop.sql<Generation[]>`select generation, certificate_pem as pem from ${shop.sql(`seals.${table}`)}
    where seal_id = ${shop.countySeal} order by 1`;
const kidOf = (code: string): string => JSON.parse(Buffer.from(code.split('.')[0] ?? '', 'base64url').toString()).kid;

describe('a rotation', () => {
  test('gives the seal new keys under its id, which sign immediately, and the validity of the new certificate', async () => {
    const [before, codeBefore] = [await shop.seals.sign(await shop.request()), await shop.codeRequest()];
    const first = await shop.seals.signCode(codeBefore);
    shop.clock.advance(86_400_000);
    const { seal, refusal } = await rotate();
    expect([seal.id, seal.state, refusal]).toEqual([shop.countySeal, 'IN_USE', null]);
    const [old, now] = await generations('seal_certificate');
    const [oldCode, nowCode] = await generations('seal_code_key');
    const { data } = await shop.ask(
      requireDemoPerson('auditor'),
      `{ seal(id: "${shop.countySeal}") { certificate validFrom } }`,
    );
    expect(data.seal.certificate).toBe(now?.pem);
    expect(new Date(data.seal.validFrom)).toEqual(new X509Certificate(now?.pem ?? '').validFromDate);
    const signature = await signatureOf(shop.seals, await shop.request());
    expect(Buffer.from(signature).includes(new X509Certificate(now?.pem ?? '').raw)).toBe(true);
    expect(
      before.state === 'SIGNED' && Buffer.from(before.signature).includes(new X509Certificate(old?.pem ?? '').raw),
    ).toBe(true);
    const second = await shop.seals.signCode(await shop.codeRequest());
    expect(kidOf(second)).not.toBe(kidOf(first));
    // The same issuance returns the code that it received before, whichever key signs now.
    expect(await shop.seals.signCode(codeBefore)).toBe(first);
    const { codes } = await shop.seals.material({ codes: [kidOf(first), kidOf(second)], use: null });
    expect(codes.map((der) => Buffer.from(der))).toEqual(
      [oldCode, nowCode].map((one) => new X509Certificate(one?.pem ?? '').raw),
    );
  });

  test('publishes every generation and revokes none', async () => {
    const { body } = await app.inject({ url: '/seals/certificates.pem' });
    expect(body.match(/^# 于都.*$/gm)).toEqual([
      '# 于都县林业局证照专用章',
      '# 于都县林业局证照专用章（第 2 代）',
      '# 于都县林业局证照专用章二维码',
      '# 于都县林业局证照专用章二维码（第 2 代）',
    ]);
    expect(await shop.sql`select 1 from seals.revocation`).toHaveLength(0);
    const [event] = await shop.sql`select event, actor_id, applied_by_id from seals.seal_event
      where seal_id = ${shop.countySeal} order by serial desc limit 1`;
    const both = { actor_id: `${COUNTY}.sealapprover`, applied_by_id: `${COUNTY}.keeper` };
    expect(event).toEqual({ event: 'ROTATED', ...both });
    const leaves =
      await shop.sql`select entry from seals.log_leaf where kind = 'CERTIFICATE' order by serial desc limit 2`;
    expect(leaves.map(({ entry }) => JSON.parse(entry).profile).sort()).toEqual(['code', 'seal']);
  });

  test('by two concurrent approvals creates two successive generations', async () => {
    const rotated = await Promise.all([rotate(), rotate()]);
    expect(rotated.map(({ refusal }) => refusal)).toEqual([null, null]);
    for (const table of ['seal_certificate', 'seal_code_key']) {
      expect((await generations(table)).map(({ generation }) => generation)).toEqual([1, 2, 3, 4]);
    }
    await signatureOf(shop.seals, await shop.request());
  });

  test('keeps earlier keys included in a rotation of the key-encryption key', async () => {
    const newer = randomBytes(32);
    const authorisationKeys = { cases: randomBytes(32), licenses: randomBytes(32) };
    const signer = createSigner({ ring: [newer, shop.keyEncryptionKey], authorisationKeys, now: shop.clock });
    const pool = connect(shop.sealsUrl, 'test-rotate');
    const given = { db: pool.db, now: shop.clock, signer };
    const held = async () =>
      Number(
        (
          await shop.sql`select (select count(*) from seals.authority) + (select count(*) from seals.seal_certificate)
            + (select count(*) from seals.seal_code_key) + (select count(*) from seals.log_key) as n`
        )[0]?.n,
      );
    expect(await rewrapKeys(given)).toBe(await held());
    expect(await rewrapKeys(given)).toBe(0);
    const alone = createSigner({ ring: [newer], authorisationKeys, now: shop.clock });
    const rows =
      await shop.sql`select encrypted_key as encrypted from seals.seal_certificate where seal_id = ${shop.countySeal}`;
    for (const { encrypted } of rows) {
      expect(Buffer.from(await alone.rewrap({ keyId: shop.countySeal, encrypted }))).toEqual(encrypted);
    }
    await expect(shop.seals.sign(await shop.request())).rejects.toThrow('no key-encryption key');
    // Rewrap under the old key again for the tests that follow.
    const back = createSigner({ ring: [shop.keyEncryptionKey, newer], authorisationKeys, now: shop.clock });
    expect(await rewrapKeys({ ...given, signer: back })).toBe(await held());
    await pool.close();
    await signatureOf(shop.seals, await shop.request());
  });

  test('does not prevent the end of a seal, which revokes every generation that is still valid', async () => {
    const seals = await generations('seal_certificate');
    const codes = await generations('seal_code_key');
    const serials = [...seals, ...codes].map(({ pem }) => new X509Certificate(pem).serialNumber.toLowerCase()).sort();
    const input = { seal: shop.countySeal, reason: 'KEY_COMPROMISE', words: '遗失' };
    // The time of compromise is one at which only the first generation existed.
    const told = { ...input, compromisedAt: new X509Certificate(seals[0]?.pem ?? '').validFromDate.toISOString() };
    shop.clock.set(new Date(new X509Certificate(seals[0]?.pem ?? '').validToDate.getTime() + 1).toISOString());
    const after = await applyAndApprove(ask, COUNTY, 'applyForSealEnd', told);
    // The first generation has expired by now, so its life no longer counts.
    expect(after.refusal).toMatchObject({ code: 'FIELD_MALFORMED', field: 'compromisedAt' });
    const ended = await applyAndApprove(ask, COUNTY, 'applyForSealEnd', { ...input, reason: 'SUPERSEDED' });
    expect(ended.refusal).toBeNull();
    const revoked = await shop.sql`select serial from seals.revocation order by 1`;
    const first = [seals[0], codes[0]].map((one) => new X509Certificate(one?.pem ?? '').serialNumber.toLowerCase());
    expect(revoked.map(({ serial }) => serial)).toEqual(serials.filter((serial) => !first.includes(serial)));
  });
});
