import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  attestOverHttp,
  readMaterialOverHttp,
  readPictureOverHttp,
  recordReceiptOverHttp,
  serveSubgraph,
  signCodeOverHttp,
  signOverHttp,
  stampOverHttp,
} from '../../subgraphs/kernel/serve.ts';
import { type SignRequest, signRequest } from '../../subgraphs/kernel/sign.ts';
import { writeServiceToken } from '../../subgraphs/kernel/token.ts';
import { addPortRoutes } from '../../subgraphs/seals/port-routes.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';
import { inHex } from './octets.ts';
import { newCodeRequest } from './requests.ts';
import { openWorkshop, signatureOf, type Workshop } from './workshop.ts';

const serviceKey = randomBytes(32);
let shop: Workshop;
let app: FastifyInstance;
beforeAll(async () => {
  shop = await openWorkshop();
  const options = { tokenKey: tokenKeys.publicKey, serviceKey, now: shop.clock };
  app = await serveSubgraph(shop.seals, options, (routes) => addPortRoutes(routes, shop.seals, options));
});
afterAll(async () => {
  await app.close();
  await shop.close();
});

/** A request in its HTTP encoding. */
const written = (request: SignRequest) => z.encode(signRequest, request);

async function post(payload: object, token: string | null, url = '/sign') {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await app.inject({ method: 'POST', url, headers, payload });
  return { status: response.statusCode, body: response.json() };
}

const service = (key: Uint8Array = serviceKey, name = 'licenses') => writeServiceToken(key, name, shop.clock());

describe('POST /sign', () => {
  test('returns in base64 the same signature as the in-process call', async () => {
    const request = await shop.request();
    const { status, body } = await post(written(request), await service());
    expect([status, body.state, body.sealId]).toEqual([200, 'SIGNED', shop.countySeal]);
    expect(Buffer.from(body.signature, 'base64')).toEqual(Buffer.from(await signatureOf(shop.seals, request)));
  });

  test('returns 422 with the refusal', async () => {
    const request = await shop.request({ content: { of: 'another' } });
    expect(await post(written(request), await service())).toEqual({
      status: 422,
      body: { code: 'SEAL_AUTHORISATION_INVALID', message: '用印授权与待签内容不符或无法核实。', field: null },
    });
  });

  test("returns 401 without a service token, for a person's token, a token of another key, and an expired token", async () => {
    const request = await shop.request();
    const before = await shop.uses();
    const person = await tokenFor(requireDemoPerson('administrator'), shop.clock());
    for (const token of [null, person, await service(randomBytes(32)), 'x']) {
      const { status, body } = await post(written(request), token);
      expect([status, body.code]).toEqual([401, 'TOKEN_INVALID']);
    }
    const old = await service();
    shop.clock.advance(120_000);
    expect(await post(written(request), old)).toMatchObject({ status: 401, body: { code: 'TOKEN_EXPIRED' } });
    expect(await shop.uses()).toBe(before);
  });

  test.each([
    ['issuanceId', 'no uuid'],
    ['document', undefined],
    ['document', 'no base64'],
    ['content', 'text'],
    ['profile', 'XADES'],
    ['act', 'STEAL'],
    ['organ', 7],
    ['authorisation', undefined],
  ])('returns 400 for a body whose %s is %s', async (field, value) => {
    const request = { ...written(await shop.request()), [field]: value };
    expect((await post(request, await service())).status).toBe(400);
  });

  test('rejects events, because seals consume none', async () => {
    const event = {
      type: 'SealChanged',
      stream: 's',
      revision: 1,
      occurredAt: shop.clock().toISOString(),
      payload: {},
    };
    await expect(shop.seals.receive('matters', event as never)).rejects.toThrow('seals take no');
  });
});

describe('the ports of licenses', () => {
  const attestation = { typ: 'statuslist+jwt' as const, claims: { iat: 1 } };
  const [digest, about] = ['a'.repeat(64), { stream: 'license:1', revision: 1, identifier: 'i' }];
  const receipt = { from: 'library' as const, ...about, documentDigest: digest, digest, isSigned: true };
  const right = async (url: string): Promise<object> =>
    ({ '/code': await shop.codeRequest(), '/attest': attestation, '/stamp': { digest }, '/record': receipt })[url] ?? {
      codes: [],
      use: null,
    };

  test('return over HTTP what they return in process', async () => {
    const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
    const to = [baseUrl, 'licenses', serviceKey, shop.clock] as const;
    const request = await shop.request();
    const { profile: _, document: _document, ...use } = request;
    expect(inHex(await signOverHttp(...to)(request))).toEqual(inHex(await shop.seals.sign(request)));
    const { record, payload } = newCodeRequest();
    const code = { ...use, record, payload };
    expect(await signCodeOverHttp(...to)(code)).toBe(await shop.seals.signCode(code));
    const seal = { organ: request.organ, matterId: request.matterId, personId: 'somebody' };
    expect(await readPictureOverHttp(...to)(seal)).toBeNull();
    await expect(readPictureOverHttp(...to)({ ...seal, matterId: 'another' })).rejects.toMatchObject({
      code: 'SEAL_NOT_GRANTED',
    });
    const jws = await attestOverHttp(...to)(attestation);
    expect(jws.split('.').slice(0, 2)).toEqual((await shop.seals.attest(attestation)).split('.').slice(0, 2));
    const digest = randomBytes(32);
    expect(Buffer.from(await stampOverHttp(...to)(digest)).includes(digest)).toBe(true);
    const kid = JSON.parse(
      Buffer.from((await shop.seals.signCode(code)).split('.')[0] ?? '', 'base64url').toString(),
    ).kid;
    const material = await readMaterialOverHttp(...to)({ codes: [kid], use: null });
    expect(inHex(material)).toEqual(inHex(await shop.seals.material({ codes: [kid], use: null })));
    expect(material.codes).toHaveLength(1);

    await expect(signCodeOverHttp(...to)({ ...code, content: { of: 'another' } })).rejects.toMatchObject({
      name: 'Refusal',
      code: 'SEAL_AUTHORISATION_INVALID',
    });
    await recordReceiptOverHttp(...to)(receipt);
    await recordReceiptOverHttp(...to)(receipt);
    await expect(recordReceiptOverHttp(...to)({ ...receipt, digest: 'b'.repeat(64) })).rejects.toThrow('HTTP 500');
    await expect(stampOverHttp(...to)(randomBytes(20))).rejects.toThrow('HTTP 400');
    await expect(attestOverHttp(baseUrl, 'cases', serviceKey, shop.clock)(attestation)).rejects.toThrow('HTTP 403');
  });

  test('accept claims of at most 2 MiB', async () => {
    const claims = (length: number) => ({ ...attestation, claims: { lst: 'x'.repeat(length) } });
    expect((await post(claims(2_097_152 - 10), await service(), '/attest')).status).toBe(200);
    expect((await post(claims(2_097_152 - 9), await service(), '/attest')).status).toBe(400);
    expect((await post(claims(4_194_304), await service(), '/attest')).status).toBe(413);
  });

  test.each(['/code', '/attest', '/stamp', '/material', '/record'])(
    '%s is closed to persons and other services',
    async (url) => {
      const person = await tokenFor(requireDemoPerson('administrator'), shop.clock());
      for (const token of [null, person, await service(randomBytes(32)), 'x']) {
        expect((await post(await right(url), token, url)).status).toBe(401);
      }
      const cases = await service(serviceKey, 'cases');
      expect(await post(await right(url), cases, url)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      expect((await post(await right(url), await service(), url)).status).toBe(200);
    },
  );

  test.each<[string, object]>([
    ['/code', { payload: { i: 'x' } }],
    ['/code', { record: 'text' }],
    ['/code', {}],
    ['/attest', { typ: 'JWT', claims: {} }],
    ['/attest', { ...attestation, claims: [] }],
    ['/stamp', { digest: 'ff' }],
    ['/stamp', { digest: 'F'.repeat(64) }],
    ['/record', {}],
    ['/record', { ...receipt, from: 'somebody' }],
    ['/record', { ...receipt, revision: 0 }],
    ['/record', { ...receipt, digest: 'x' }],
  ])('%s returns 400 for a malformed body', async (url, changed) => {
    const body = url === '/code' && Object.keys(changed).length > 0 ? { ...(await right(url)), ...changed } : changed;
    expect(await post(body, await service(), url)).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } });
  });
});

test('GET /root.pem is public', async () => {
  const response = await app.inject({ url: '/root.pem' });
  expect([response.statusCode, response.body]).toEqual([200, await shop.seals.rootCertificate()]);
});
