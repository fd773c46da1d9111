import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeServiceToken } from '../../subgraphs/kernel/actor.ts';
import { serveSubgraph } from '../../subgraphs/kernel/serve.ts';
import { portRoutes } from '../../subgraphs/seals/http.ts';
import { actor, tokenFor, tokenKeys } from '../support/actors.ts';
import { openWorkshop, signatureOf, type Workshop } from './workshop.ts';

const serviceKey = randomBytes(32);
let shop: Workshop;
let app: FastifyInstance;
beforeAll(async () => {
  shop = await openWorkshop();
  const options = { tokenKey: tokenKeys.publicKey, serviceKey, now: shop.clock };
  app = await serveSubgraph(shop.seals, options, (routes) => portRoutes(routes, shop.seals, options));
});
afterAll(async () => {
  await app.close();
  await shop.close();
});

async function post(payload: object, token: string | null) {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await app.inject({ method: 'POST', url: '/sign', headers, payload });
  return { status: response.statusCode, body: response.json() };
}

const service = (key: Uint8Array = serviceKey) => writeServiceToken(key, 'licenses', shop.clock());

describe('POST /sign', () => {
  test('answers the signature in base64, the same as the call in process', async () => {
    const request = await shop.request();
    const { status, body } = await post(request, await service());
    expect([status, body.state, body.sealId]).toEqual([200, 'SIGNED', shop.countySeal]);
    expect(Buffer.from(body.signature, 'base64')).toEqual(Buffer.from(await signatureOf(shop.seals, request)));
  });

  test('answers 422 with the refusal', async () => {
    const request = await shop.request({ contentDigest: '0'.repeat(64) });
    expect(await post(request, await service())).toEqual({
      status: 422,
      body: { code: 'SEAL_AUTHORISATION_INVALID', message: '用印授权与待签内容不符或无法核实。', field: null },
    });
  });

  test("answers 401 without a service token, to a person's token, to another key's, and after its time", async () => {
    const request = await shop.request();
    const before = await shop.uses();
    const person = await tokenFor(actor('administrator'), shop.clock());
    for (const token of [null, person, await service(randomBytes(32)), 'x']) {
      const { status, body } = await post(request, token);
      expect([status, body.code]).toEqual([401, 'TOKEN_INVALID']);
    }
    const old = await service();
    shop.clock.advance(120_000);
    expect(await post(request, old)).toMatchObject({ status: 401, body: { code: 'TOKEN_EXPIRED' } });
    expect(await shop.uses()).toBe(before);
  });

  test.each([
    ['issuanceId', 'no uuid'],
    ['documentDigest', 'ff'],
    ['documentDigest', 'G'.repeat(64)],
    ['act', 'STEAL'],
    ['organ', 7],
    ['authorisation', undefined],
  ])('answers 400 to a body whose %s is %s', async (field, value) => {
    const request = { ...(await shop.request()), [field]: value };
    expect((await post(request, await service())).status).toBe(400);
  });

  test('takes no event: seals consume none', async () => {
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

test('GET /root.pem is for everybody', async () => {
  const response = await app.inject({ url: '/root.pem' });
  expect([response.statusCode, response.body]).toEqual([200, await shop.seals.rootCertificate()]);
});
