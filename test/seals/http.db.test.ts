import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  attestActsOverHttp,
  attestOverHttp,
  readMaterialOverHttp,
  readPictureOverHttp,
  recordReceiptOverHttp,
  signCodeOverHttp,
  signOverHttp,
  stampOverHttp,
} from '../../subgraphs/kernel/http/ports-client.ts';
import { serveSubgraph } from '../../subgraphs/kernel/http/serve.ts';
import { writeServiceToken } from '../../subgraphs/kernel/sealing/service-token.ts';
import { type SignRequest, signRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { addPortRoutes } from '../../subgraphs/seals/port-routes.ts';
import { requireDemoPerson, tokenFor, tokenKeys } from '../support/actors.ts';
import { actsAttestation, listAttestation } from '../support/attestation.ts';
import { forgeIdentity, identities, servicesOf } from '../support/services.ts';
import { toHex } from './octets.ts';
import { newCodeRequest } from './requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from './seals-fixture.ts';

let fixture: SealsFixture;
let app: FastifyInstance;
beforeAll(async () => {
  fixture = await openSealsFixture();
  const options = { tokenKey: tokenKeys.publicKey, services: servicesOf('seals'), now: fixture.clock };
  app = await serveSubgraph(fixture.seals, options, (routes) => addPortRoutes(routes, fixture.seals, options));
});
afterAll(async () => {
  await app.close();
  await fixture.close();
});

/** A request in its HTTP encoding. */
const encodeRequest = (request: SignRequest) => z.encode(signRequest, request);

async function postTo(payload: object, token: string | null, url = '/sign') {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await app.inject({ method: 'POST', url, headers, payload });
  return { status: response.statusCode, body: response.json() };
}

const newServiceToken = (identity = identities.licenses) => writeServiceToken(identity, 'seals', fixture.clock());

describe('POST /sign', () => {
  test('returns in base64 the same signature as the in-process call', async () => {
    const request = await fixture.request();
    const { status, body } = await postTo(encodeRequest(request), await newServiceToken());
    expect([status, body.state, body.sealId]).toEqual([200, 'SIGNED', fixture.countySeal]);
    expect(Buffer.from(body.signature, 'base64')).toEqual(Buffer.from(await signatureOf(fixture.seals, request)));
  });

  test('returns 422 with the refusal', async () => {
    const request = await fixture.request({ content: { of: 'another' } });
    expect(await postTo(encodeRequest(request), await newServiceToken())).toEqual({
      status: 422,
      body: { code: 'SEAL_AUTHORISATION_INVALID', message: '用印授权与待签内容不符或无法核实。', field: null },
    });
  });

  test("returns 401 without a service token, for a person's token, a token of another key, and an expired token", async () => {
    const request = await fixture.request();
    const before = await fixture.countUses();
    const personToken = await tokenFor(requireDemoPerson('administrator'), fixture.clock());
    for (const token of [null, personToken, await newServiceToken(forgeIdentity('licenses')), 'x']) {
      const { status, body } = await postTo(encodeRequest(request), token);
      expect([status, body.code]).toEqual([401, 'TOKEN_INVALID']);
    }
    const expiredToken = await newServiceToken();
    fixture.clock.advance(120_000);
    expect(await postTo(encodeRequest(request), expiredToken)).toMatchObject({
      status: 401,
      body: { code: 'TOKEN_EXPIRED' },
    });
    expect(await fixture.countUses()).toBe(before);
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
    const request = { ...encodeRequest(await fixture.request()), [field]: value };
    expect((await postTo(request, await newServiceToken())).status).toBe(400);
  });

  test('rejects events, because seals consume none', async () => {
    const event = {
      type: 'SealChanged',
      stream: 's',
      revision: 1,
      occurredAt: fixture.clock().toISOString(),
      payload: {},
    };
    await expect(fixture.seals.receive('matters', event as never)).rejects.toThrow('seals take no');
  });
});

describe('the ports of licenses', () => {
  const attestation = listAttestation();
  const [digest, receiptSubject] = ['a'.repeat(64), { stream: 'license:1', revision: 1, identifier: 'i' }];
  const receipt = { from: 'library' as const, ...receiptSubject, documentDigest: digest, digest, isSigned: true };
  const buildValidBody = async (url: string): Promise<object> =>
    ({
      '/code': await fixture.codeRequest(),
      '/attest': attestation,
      '/attest-acts': actsAttestation(2),
      '/stamp': { digest },
      '/record': receipt,
    })[url] ?? {
      codes: [],
      use: null,
    };

  test('return over HTTP what they return in process', async () => {
    const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
    const callArguments = [baseUrl, { identity: identities.licenses, now: fixture.clock }] as const;
    const request = await fixture.request();
    const { profile: _, document: _document, ...use } = request;
    expect(toHex(await signOverHttp(...callArguments)(request))).toEqual(toHex(await fixture.seals.sign(request)));
    const { record, payload } = newCodeRequest();
    const code = { ...use, record, payload };
    expect(await signCodeOverHttp(...callArguments)(code)).toBe(await fixture.seals.signCode(code));
    const { organ, matterId, act, level } = request;
    const authoriser = { personId: 'somebody', decider: null, authorisedAt: '2026-06-01T00:00:00Z' };
    const seal = { organ, matterId, act, level, ...authoriser };
    expect(await readPictureOverHttp(...callArguments)(seal)).toBeNull();
    await expect(readPictureOverHttp(...callArguments)({ ...seal, matterId: 'another' })).rejects.toMatchObject({
      code: 'SEAL_NOT_GRANTED',
    });
    const jws = await attestOverHttp(...callArguments)(attestation);
    expect(jws.split('.').slice(0, 2)).toEqual((await fixture.seals.attest(attestation)).split('.').slice(0, 2));
    const acts = actsAttestation(3);
    const texts = await attestActsOverHttp(...callArguments)(acts);
    expect(texts).toEqual(await fixture.seals.attestActs(acts));
    const [first] = acts.statements;
    if (!first) throw new Error('no statement');
    await expect(fixture.seals.attestActs({ statements: [first, first] })).rejects.toThrow('of one act');
    const other = { statements: [...actsAttestation(5).statements.slice(3), { ...first, iat: first.iat + 1 }] };
    await expect(fixture.seals.attestActs(other)).rejects.toThrow('otherwise');
    const digest = randomBytes(32);
    expect(Buffer.from(await stampOverHttp(...callArguments)(digest)).includes(digest)).toBe(true);
    const kid = JSON.parse(
      Buffer.from((await fixture.seals.signCode(code)).split('.')[0] ?? '', 'base64url').toString(),
    ).kid;
    const material = await readMaterialOverHttp(...callArguments)({ codes: [kid], use: null });
    expect(toHex(material)).toEqual(toHex(await fixture.seals.material({ codes: [kid], use: null })));
    expect(material.codes).toHaveLength(1);

    await expect(signCodeOverHttp(...callArguments)({ ...code, content: { of: 'another' } })).rejects.toMatchObject({
      name: 'Refusal',
      code: 'SEAL_AUTHORISATION_INVALID',
    });
    await recordReceiptOverHttp(...callArguments)(receipt);
    await recordReceiptOverHttp(...callArguments)(receipt);
    await expect(recordReceiptOverHttp(...callArguments)({ ...receipt, digest: 'b'.repeat(64) })).rejects.toThrow(
      'HTTP 500',
    );
    await expect(stampOverHttp(...callArguments)(randomBytes(20))).rejects.toThrow('HTTP 400');
    await expect(
      attestOverHttp(baseUrl, { identity: identities.cases, now: fixture.clock })(attestation),
    ).rejects.toThrow('HTTP 403');
  });

  test('accept a list of states of at most 2 MiB', async () => {
    const claims = (length: number) => {
      const list = { bits: 4, lst: 'eN'.padEnd(length, 'x') };
      return { ...attestation, claims: { ...attestation.claims, status_list: list } };
    };
    expect((await postTo(claims(2_097_152), await newServiceToken(), '/attest')).status).toBe(200);
    expect((await postTo(claims(2_097_153), await newServiceToken(), '/attest')).status).toBe(400);
    expect((await postTo(claims(4_194_304), await newServiceToken(), '/attest')).status).toBe(413);
  });

  test.each(['/code', '/attest', '/attest-acts', '/stamp', '/material', '/record'])(
    '%s is closed to persons and other services',
    async (url) => {
      const personToken = await tokenFor(requireDemoPerson('administrator'), fixture.clock());
      for (const token of [null, personToken, await newServiceToken(forgeIdentity('licenses')), 'x']) {
        expect((await postTo(await buildValidBody(url), token, url)).status).toBe(401);
      }
      const cases = await newServiceToken(identities.cases);
      expect(await postTo(await buildValidBody(url), cases, url)).toMatchObject({
        status: 403,
        body: { code: 'FORBIDDEN' },
      });
      expect((await postTo(await buildValidBody(url), await newServiceToken(), url)).status).toBe(200);
    },
  );

  test.each<[string, object]>([
    ['/code', { payload: { i: 'x' } }],
    ['/code', { record: 'text' }],
    ['/code', {}],
    ['/attest', { typ: 'JWT', claims: {} }],
    ['/attest', { ...attestation, claims: [] }],
    ['/attest-acts', { statements: [] }],
    ['/attest-acts', actsAttestation(101)],
    ['/attest-acts', { statements: [{ ...actsAttestation(1).statements[0], free: 'words' }] }],
    ['/stamp', { digest: 'ff' }],
    ['/stamp', { digest: 'F'.repeat(64) }],
    ['/record', {}],
    ['/record', { ...receipt, from: 'somebody' }],
    ['/record', { ...receipt, revision: 0 }],
    ['/record', { ...receipt, digest: 'x' }],
  ])('%s returns 400 for a malformed body', async (url, changes) => {
    const body =
      url === '/code' && Object.keys(changes).length > 0 ? { ...(await buildValidBody(url)), ...changes } : changes;
    expect(await postTo(body, await newServiceToken(), url)).toMatchObject({
      status: 400,
      body: { code: 'BAD_USER_INPUT' },
    });
  });
});

test('GET /root.pem is public', async () => {
  const response = await app.inject({ url: '/root.pem' });
  expect([response.statusCode, response.body]).toEqual([200, await fixture.seals.rootCertificate()]);
});
