import { randomBytes, X509Certificate } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../db/client.ts';
import { generateServiceKeys } from '../../subgraphs/kernel/sealing/service-token.ts';
import { rewrapKeys } from '../../subgraphs/seals/certification/certification-workflow.ts';
import { createSigner } from '../../subgraphs/seals/signer/signer.ts';
import { requireDemoPerson, tokenKeys } from '../support/actors.ts';
import { applyAndApprove } from '../support/seal-applications.ts';
import { servicesOf } from '../support/services.ts';
import { COUNTY } from './requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from './seals-fixture.ts';

/** Rotation: new keys and certificates of a seal (换证). */

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

const ask = (person: string, query: string, variables: Record<string, unknown>) =>
  fixture.ask(requireDemoPerson(person), query, variables);
const rotate = () => applyAndApprove(ask, COUNTY, 'applyForSealRotation', { seal: fixture.countySeal });

interface Generation {
  generation: number;
  pem: string;
}
const listGenerations = (table: string) =>
  fixture.sql<Generation[]>`select generation, certificate_pem as pem from ${fixture.sql(`seals.${table}`)}
    where seal_id = ${fixture.countySeal} order by 1`;
const kidOf = (code: string): string => JSON.parse(Buffer.from(code.split('.')[0] ?? '', 'base64url').toString()).kid;

describe('a rotation', () => {
  test('gives the seal new keys under its id, which sign immediately, and the validity of the new certificate', async () => {
    const [firstAnswer, codeRequest] = [await fixture.seals.sign(await fixture.request()), await fixture.codeRequest()];
    const firstCode = await fixture.seals.signCode(codeRequest);
    fixture.clock.advance(86_400_000);
    const { seal, refusal } = await rotate();
    expect([seal.id, seal.state, refusal]).toEqual([fixture.countySeal, 'IN_USE', null]);
    const [oldGeneration, newGeneration] = await listGenerations('seal_certificate');
    const [oldCodeKey, newCodeKey] = await listGenerations('seal_code_key');
    const { data } = await fixture.ask(
      requireDemoPerson('auditor'),
      `{ seal(id: "${fixture.countySeal}") { certificate validFrom } }`,
    );
    expect(data.seal.certificate).toBe(newGeneration?.pem);
    expect(new Date(data.seal.validFrom)).toEqual(new X509Certificate(newGeneration?.pem ?? '').validFromDate);
    const signature = await signatureOf(fixture.seals, await fixture.request());
    expect(Buffer.from(signature).includes(new X509Certificate(newGeneration?.pem ?? '').raw)).toBe(true);
    expect(
      firstAnswer.state === 'SIGNED' &&
        Buffer.from(firstAnswer.signature).includes(new X509Certificate(oldGeneration?.pem ?? '').raw),
    ).toBe(true);
    const secondCode = await fixture.seals.signCode(await fixture.codeRequest());
    expect(kidOf(secondCode)).not.toBe(kidOf(firstCode));
    // The same issuance returns the code that it received before, whichever key signs now.
    expect(await fixture.seals.signCode(codeRequest)).toBe(firstCode);
    const { codes } = await fixture.seals.material({ codes: [kidOf(firstCode), kidOf(secondCode)], use: null });
    expect(codes.map((der) => Buffer.from(der))).toEqual(
      [oldCodeKey, newCodeKey].map((generation) => new X509Certificate(generation?.pem ?? '').raw),
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
    expect(await fixture.sql`select 1 from seals.revocation`).toHaveLength(0);
    const [event] = await fixture.sql`select event, actor_id, applied_by_id from seals.seal_event
      where seal_id = ${fixture.countySeal} order by serial desc limit 1`;
    const persons = { actor_id: `${COUNTY}.sealapprover`, applied_by_id: `${COUNTY}.keeper` };
    expect(event).toEqual({ event: 'ROTATED', ...persons });
    const leaves =
      await fixture.sql`select entry from seals.log_leaf where kind = 'CERTIFICATE' order by serial desc limit 2`;
    expect(leaves.map(({ entry }) => JSON.parse(entry).profile).sort()).toEqual(['code', 'seal']);
  });

  test('by two concurrent approvals creates two successive generations', async () => {
    const results = await Promise.all([rotate(), rotate()]);
    expect(results.map(({ refusal }) => refusal)).toEqual([null, null]);
    for (const table of ['seal_certificate', 'seal_code_key']) {
      expect((await listGenerations(table)).map(({ generation }) => generation)).toEqual([1, 2, 3, 4]);
    }
    await signatureOf(fixture.seals, await fixture.request());
  });

  test('keeps earlier keys included in a rotation of the key-encryption key', async () => {
    const newKey = randomBytes(32);
    const serviceKeys = generateServiceKeys();
    const signer = createSigner({
      ring: [newKey, fixture.keyEncryptionKey],
      publicKeys: serviceKeys.publicKeys,
      now: fixture.clock,
    });
    const pool = connect(fixture.sealsUrl, 'test-rotate');
    const commonOptions = { db: pool.db, now: fixture.clock, signer };
    const countKeys = async () =>
      Number(
        (
          await fixture.sql`select (select count(*) from seals.authority) + (select count(*) from seals.seal_certificate)
            + (select count(*) from seals.seal_code_key) + (select count(*) from seals.log_key) as n`
        )[0]?.n,
      );
    expect(await rewrapKeys(commonOptions)).toBe(await countKeys());
    expect(await rewrapKeys(commonOptions)).toBe(0);
    const newKeySigner = createSigner({ ring: [newKey], publicKeys: serviceKeys.publicKeys, now: fixture.clock });
    const rows =
      await fixture.sql`select encrypted_key as encrypted from seals.seal_certificate where seal_id = ${fixture.countySeal}`;
    for (const { encrypted } of rows) {
      expect(Buffer.from(await newKeySigner.rewrap({ keyId: fixture.countySeal, encrypted }))).toEqual(encrypted);
    }
    await expect(fixture.seals.sign(await fixture.request())).rejects.toThrow('no key-encryption key');
    // Rewrap under the old key again for the tests that follow.
    const restoringSigner = createSigner({
      ring: [fixture.keyEncryptionKey, newKey],
      publicKeys: serviceKeys.publicKeys,
      now: fixture.clock,
    });
    expect(await rewrapKeys({ ...commonOptions, signer: restoringSigner })).toBe(await countKeys());
    await pool.close();
    await signatureOf(fixture.seals, await fixture.request());
  });

  test('does not prevent the end of a seal, which revokes every generation that is still valid', async () => {
    const seals = await listGenerations('seal_certificate');
    const codes = await listGenerations('seal_code_key');
    const serials = [...seals, ...codes].map(({ pem }) => new X509Certificate(pem).serialNumber.toLowerCase()).sort();
    const input = { seal: fixture.countySeal, reason: 'KEY_COMPROMISE', words: '遗失' };
    // The time of compromise is one at which only the first generation existed.
    const compromiseInput = {
      ...input,
      compromisedAt: new X509Certificate(seals[0]?.pem ?? '').validFromDate.toISOString(),
    };
    fixture.clock.set(new Date(new X509Certificate(seals[0]?.pem ?? '').validToDate.getTime() + 1).toISOString());
    const after = await applyAndApprove(ask, COUNTY, 'applyForSealEnd', compromiseInput);
    // The first generation has expired by now, so its life no longer counts.
    expect(after.refusal).toMatchObject({ code: 'FIELD_MALFORMED', field: 'compromisedAt' });
    const endResult = await applyAndApprove(ask, COUNTY, 'applyForSealEnd', { ...input, reason: 'SUPERSEDED' });
    expect(endResult.refusal).toBeNull();
    const revoked = await fixture.sql`select serial from seals.revocation order by 1`;
    const firstCode = [seals[0], codes[0]].map((generation) =>
      new X509Certificate(generation?.pem ?? '').serialNumber.toLowerCase(),
    );
    expect(revoked.map(({ serial }) => serial)).toEqual(serials.filter((serial) => !firstCode.includes(serial)));
  });
});
