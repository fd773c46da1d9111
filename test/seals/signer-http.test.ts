import { createHash, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { compactVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { splitSignature } from '../../scripts/split.ts';
import { writeServiceToken } from '../../subgraphs/kernel/sealing/service-token.ts';
import { ORDER_NAMES, ORDERS, type OrderName, writeOrder } from '../../subgraphs/seals/signer/protocol.ts';
import { createSigner, type Signer } from '../../subgraphs/seals/signer/signer.ts';
import { connectSigner } from '../../subgraphs/seals/signer/signer-client.ts';
import { serveSigner } from '../../subgraphs/seals/signer/signer-routes.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { actsAttestation, listAttestation } from '../support/attestation.ts';
import { forgeIdentity, identities, servicesOf } from '../support/services.ts';
import { listByteTraces, listKeyTraces, openEnvelope, openPrivateKey } from './envelopes.ts';
import { toHex } from './octets.ts';
import { newCodeRequest, newRequest, statementRequest } from './requests.ts';
import {
  certificateRequest,
  type KeyName,
  listRequest,
  openSignerFixture,
  type SignerFixture,
} from './signer-fixture.ts';

/** Tests the signer's HTTP port with the hub's client and with requests of other callers. */

const SERVICES = servicesOf('signer');
const DIGEST = createHash('sha256').update('林木采伐许可证').digest();
const CHECKPOINT = `tongquan.test/log\n7\n${DIGEST.toString('base64')}\n`;
const ATTESTATION = listAttestation();

let fixture: SignerFixture;
let app: FastifyInstance;
let url: string;
let remoteSigner: Signer;
/** Headers and body of every answer. */
const answerTexts: string[] = [];
beforeAll(async () => {
  fixture = await openSignerFixture();
  app = serveSigner(fixture.signer, { services: SERVICES, now: fixture.clock });
  app.addHook('onSend', async (_, reply, payload) => {
    answerTexts.push(JSON.stringify(reply.getHeaders()), String(payload));
    return payload;
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  remoteSigner = connectSigner(() => url, { identity: identities.seals, now: fixture.clock });
});
afterAll(() => app.close());

/** Builds a valid order of each kind. */
async function buildValidOrders() {
  const { keys } = fixture;
  return {
    generate: { keyId: 'another', kind: 'P-256' as const },
    rewrap: keys.seal,
    certify: { authority: keys.issuing, request: certificateRequest(fixture) },
    request: {
      key: keys.seal,
      subject: certificateRequest(fixture).subject,
      publicKeyPem: publicKeyOf('seal').export({ type: 'spki', format: 'pem' }).toString(),
    },
    publishList: { authority: keys.issuing, request: listRequest(fixture) },
    stamp: { key: keys.timestamp, digest: new Uint8Array(DIGEST) },
    attest: { key: keys.status, request: ATTESTATION },
    attestActs: { key: keys.status, request: actsAttestation(2) },
    checkpoint: { key: { keyId: 'log', encrypted: fixture.logKey.encrypted }, text: CHECKPOINT },
    seal: fixture.sealOrder(await fixture.withAuthorisation(newRequest())),
    code: fixture.codeOrder(await fixture.withAuthorisation(newCodeRequest())),
    personSigning: { person: 'yudu-lyj.approver', signed: null },
  } satisfies { [Name in OrderName]: Parameters<Signer[Name]>[0] };
}

const newServiceToken = (identity = identities.seals) => writeServiceToken(identity, 'signer', fixture.clock());

async function postOrder(path: string, body: unknown, token: string | null) {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const { type, body: payload } =
    typeof body === 'string' ? { type: 'application/json', body } : writeOrder(body as object);
  const response = await app.inject({
    method: 'POST',
    url: path,
    headers: { 'content-type': type, ...headers },
    payload,
  });
  return { status: response.statusCode, body: response.json() };
}

/** Returns an order in its HTTP encoding. */
async function encodeOrder(name: OrderName): Promise<Record<string, unknown>> {
  const order = (await buildValidOrders())[name];
  return z.encode(ORDERS[name].order as z.ZodType, order) as Record<string, unknown>;
}

const publicKeyOf = (name: KeyName): KeyObject => new X509Certificate(fixture.keys[name].certificatePem).publicKey;

describe('a signer over HTTP', () => {
  test('generates keys in envelopes that the signer can open', async () => {
    for (const kind of ['RSA-3072', 'P-256', 'Ed25519'] as const) {
      const { publicKeyPem, encrypted } = await remoteSigner.generate({ keyId: 'another', kind });
      const key = openPrivateKey('another', encrypted, fixture.keyEncryptionKey);
      expect(key.asymmetricKeyType).toBe({ 'RSA-3072': 'rsa', 'P-256': 'ec', Ed25519: 'ed25519' }[kind]);
      const signer = createSigner({
        publicKeys: fixture.serviceKeys.publicKeys,
        ring: [fixture.keyEncryptionKey],
        now: fixture.clock,
      });
      const again = await signer.rewrap({ keyId: 'another', encrypted });
      expect(toHex(again)).toBe(toHex(encrypted));
      expect(publicKeyPem).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    }
  });

  test('rewraps a key as in process', async () => {
    const { keyId, encrypted } = fixture.keys.seal;
    expect(toHex(await remoteSigner.rewrap({ keyId, encrypted }))).toBe(toHex(encrypted));
    const ring = [randomBytes(32), fixture.keyEncryptionKey];
    const newerServer = serveSigner(
      createSigner({ publicKeys: fixture.serviceKeys.publicKeys, ring, now: fixture.clock }),
      {
        services: SERVICES,
        now: fixture.clock,
      },
    );
    const at = await newerServer.listen({ host: '127.0.0.1', port: 0 });
    const again = await connectSigner(() => at, { identity: identities.seals, now: fixture.clock }).rewrap({
      keyId,
      encrypted,
    });
    await newerServer.close();
    expect(openEnvelope(keyId, again, ring[0] ?? DIGEST).plain).toEqual(
      openEnvelope(keyId, encrypted, fixture.keyEncryptionKey).plain,
    );
  });

  test('returns deterministic signatures identical to those in process', async () => {
    const { publishList } = await buildValidOrders();
    expect(toHex(await remoteSigner.publishList(publishList))).toBe(
      toHex(await fixture.signer.publishList(publishList)),
    );
  });

  test('certifies, stamps and attests', async () => {
    const { certify, stamp, attest } = await buildValidOrders();
    const certificate = new X509Certificate(await remoteSigner.certify(certify));
    expect(certificate.verify(publicKeyOf('issuing'))).toBe(true);
    expect(certificate.validFromDate).toEqual(certify.request.validFrom);
    expect(Buffer.from(await remoteSigner.stamp(stamp)).includes(DIGEST)).toBe(true);
    const { payload } = await compactVerify(await remoteSigner.attest(attest), publicKeyOf('status'));
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(ATTESTATION.claims);
    const { attestActs } = await buildValidOrders();
    const texts = await remoteSigner.attestActs(attestActs);
    const verified = await Promise.all(texts.map((text) => compactVerify(text, publicKeyOf('status'))));
    expect(verified.map((one) => JSON.parse(Buffer.from(one.payload).toString()))).toEqual(
      attestActs.request.statements,
    );
  });

  test('seals documents and statements at the time of its own clock, and names the authoriser', async () => {
    for (const request of [newRequest(), statementRequest()]) {
      const order = fixture.sealOrder(await fixture.withAuthorisation(request));
      const [remoteAnswer, localAnswer] = [await remoteSigner.seal(order), await fixture.signer.seal(order)];
      expect({ by: remoteAnswer.by, signedAt: remoteAnswer.signedAt }).toEqual({
        by: localAnswer.by,
        signedAt: localAnswer.signedAt,
      });
      const covered =
        request.profile === 'PADES' ? splitSignature(Buffer.from(request.document)).covered : request.document;
      const digest = createHash('sha256').update(covered).digest();
      const value = signatureValue(localAnswer.signature);
      // RSA signatures of the same attributes are equal; their timestamps are not.
      expect(Buffer.from(remoteAnswer.signature).includes(value)).toBe(true);
      expect(Buffer.from(remoteAnswer.signature).includes(digest)).toBe(true);
      expect(remoteAnswer.signature).toBeInstanceOf(Uint8Array);
    }
  });

  test('signs codes', async () => {
    const order = fixture.codeOrder(await fixture.withAuthorisation(newCodeRequest()));
    const [remoteAnswer, localAnswer] = [await remoteSigner.code(order), await fixture.signer.code(order)];
    expect(remoteAnswer.by).toEqual(localAnswer.by);
    expect(remoteAnswer.code.split('.').slice(0, 2)).toEqual(localAnswer.code.split('.').slice(0, 2));
    await expect(compactVerify(remoteAnswer.code, publicKeyOf('code'))).resolves.toBeDefined();
  });

  test('refuses as in process', async () => {
    const other = {
      ...(await fixture.withAuthorisation(newRequest())),
      document: newRequest({ identifier: 'x' }).document,
    };
    const unauthorised = { ...newRequest(), authorisation: 'x' };
    for (const [request, code] of [
      [other, 'SEAL_CONTENT_DIFFERS'],
      [unauthorised, 'SEAL_AUTHORISATION_INVALID'],
    ] as const) {
      for (const signer of [remoteSigner, fixture.signer]) {
        await expect(signer.seal(fixture.sealOrder(request))).rejects.toMatchObject({
          name: 'Refusal',
          code,
          field: null,
        });
      }
    }
    const code = { ...newCodeRequest(), authorisation: 'x' };
    for (const signer of [remoteSigner, fixture.signer]) {
      await expect(signer.code(fixture.codeOrder(code))).rejects.toMatchObject({ code: 'SEAL_AUTHORISATION_INVALID' });
    }
  });

  test('is called at its current address', async () => {
    const movedServer = serveSigner(fixture.signer, { services: SERVICES, now: fixture.clock });
    let at = await movedServer.listen({ host: '127.0.0.1', port: 0 });
    const signer = connectSigner(() => at, { identity: identities.seals, now: fixture.clock });
    const order = { key: fixture.keys.timestamp, digest: new Uint8Array(DIGEST) };
    expect(await signer.stamp(order)).toBeDefined();
    await movedServer.close();
    await expect(signer.stamp(order)).rejects.not.toMatchObject({ name: 'Refusal' });
    at = url;
    expect(await signer.stamp(order)).toBeDefined();
  });
});

describe('the port', () => {
  test.each(ORDER_NAMES)(
    '/%s returns 200 to seals, 401 without a valid token, 403 to another service',
    async (name) => {
      const body = await encodeOrder(name);
      const personToken = await tokenFor(requireDemoPerson('administrator'), fixture.clock());
      for (const token of [null, '', 'x', personToken, await newServiceToken(forgeIdentity('seals'))]) {
        expect(await postOrder(`/${name}`, body, token)).toMatchObject({
          status: 401,
          body: { code: 'TOKEN_INVALID' },
        });
      }
      for (const other of ['licenses', 'cases', 'matters', 'gateway'] as const) {
        const answer = await postOrder(`/${name}`, body, await newServiceToken(identities[other]));
        expect(answer).toEqual({ status: 403, body: { code: 'FORBIDDEN' } });
      }
      expect((await postOrder(`/${name}`, body, await newServiceToken())).status).toBe(200);
    },
  );

  test.each(ORDER_NAMES)('/%s reads the body of nobody else', async (name) => {
    const [foreign, far] = [
      await writeServiceToken(identities.cases, 'signer', fixture.clock()),
      'x'.repeat(8_388_609),
    ];
    for (const body of ['{', far]) {
      expect((await postOrder(`/${name}`, body, null)).status).toBe(401);
      expect((await postOrder(`/${name}`, body, foreign)).status).toBe(403);
    }
  });

  test('returns 401 for an expired token', async () => {
    const body = await encodeOrder('stamp');
    const expiredToken = await newServiceToken();
    const startTime = fixture.clock().toISOString();
    fixture.clock.advance(120_000);
    expect(await postOrder('/stamp', body, expiredToken)).toMatchObject({
      status: 401,
      body: { code: 'TOKEN_EXPIRED' },
    });
    fixture.clock.set(startTime);
  });

  test.each(ORDER_NAMES)('/%s returns 400 for an order that lacks a part or is malformed', async (name) => {
    const body = await encodeOrder(name);
    for (const part of Object.keys(body)) {
      for (const value of [undefined, 7, {}, '']) {
        const answer = await postOrder(`/${name}`, { ...body, [part]: value }, await newServiceToken());
        expect(answer, part).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } });
      }
    }
    for (const other of ['null', '[]', '"text"', '7']) {
      expect((await postOrder(`/${name}`, other, await newServiceToken())).status).toBe(400);
    }
    expect((await postOrder(`/${name}`, '{', await newServiceToken())).status).toBe(400);
  });

  test.each<[OrderName, string, KeyName]>([
    ['certify', 'authority', 'timestamp'],
    ['publishList', 'authority', 'seal'],
    ['stamp', 'key', 'status'],
    ['attest', 'key', 'seal'],
    ['attestActs', 'key', 'seal'],
    ['seal', 'key', 'timestamp'],
    ['seal', 'stamp', 'issuing'],
    ['seal', 'key', 'citySeal'],
    ['code', 'key', 'seal'],
    ['code', 'key', 'cityCode'],
  ])('/%s returns 400 if its %s is the key %s', async (name, part, key) => {
    const { keyId, encrypted, certificatePem } = fixture.keys[key];
    const other = { keyId, encrypted: Buffer.from(encrypted).toString('base64'), certificatePem };
    const answer = await postOrder(
      `/${name}`,
      { ...(await encodeOrder(name)), [part]: other },
      await newServiceToken(),
    );
    expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } });
    expect(answer.body.message).toContain(`the key ${keyId} is `);
    await expect(
      remoteSigner[name]({ ...(await buildValidOrders())[name], [part]: fixture.keys[key] } as never),
    ).rejects.toThrow('HTTP 400');
  });

  test.each(ORDER_NAMES.filter((name) => name !== 'generate' && name !== 'rewrap' && name !== 'personSigning'))(
    '/%s returns 400 if the envelope does not open',
    async (name) => {
      const body = await encodeOrder(name);
      const part = 'authority' in body ? 'authority' : 'key';
      const key = body[part] as { encrypted: string };
      const bytes = Buffer.from(key.encrypted, 'base64');
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      const altered = { ...key, encrypted: bytes.toString('base64') };
      const answer = await postOrder(`/${name}`, { ...body, [part]: altered }, await newServiceToken());
      expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } });
    },
  );

  test('returns 422 with the refusal', async () => {
    const body = await encodeOrder('seal');
    const request = body.request as object;
    const other = { ...body, request: { ...request, authorisation: 'x' } };
    expect(await postOrder('/seal', other, await newServiceToken())).toEqual({
      status: 422,
      body: { code: 'SEAL_AUTHORISATION_INVALID', message: expect.any(String), field: null },
    });
    const { document } = newRequest({ identifier: 'x' });
    expect(await postOrder('/seal', { ...body, request: { ...request, document } }, await newServiceToken())).toEqual({
      status: 422,
      body: { code: 'SEAL_CONTENT_DIFFERS', message: '待签文件与用印授权的内容不一致。', field: null },
    });
    expect(
      (await postOrder('/code', { ...(await encodeOrder('code')), key: body.key }, await newServiceToken())).status,
    ).toBe(400);
  });

  test('/seal expects its document after the order, and returns 400 if it is in another place', async () => {
    const order = await encodeOrder('seal');
    const { document, ...request } = order.request as { document: Uint8Array };
    const inBase64 = { ...order, request: { ...request, document: Buffer.from(document).toString('base64') } };
    expect(await postOrder('/seal', inBase64, await newServiceToken())).toMatchObject({ status: 400 });
    const headers = { 'content-type': 'application/octet-stream', authorization: `Bearer ${await newServiceToken()}` };
    const line = JSON.stringify({ ...order, request });
    const seal = async (payload: string | Buffer) =>
      (await app.inject({ method: 'POST', url: '/seal', headers, payload })).statusCode;
    expect(await seal(Buffer.concat([Buffer.from(`${line}\n`), document]))).toBe(200);
    for (const other of ['', '\n', 'null\n', '7\n', '[]\n', line, line.slice(1), `${line}${line}\n`]) {
      expect(await seal(other)).toBe(400);
    }
    expect(await seal(`${line}\n`)).toBe(422);
  });

  test('accepts at most 8 MiB, and offers no other routes than orders and health', async () => {
    const body = await encodeOrder('attest');
    const claims = { lst: 'x'.repeat(8_388_608) };
    const large = { ...body, request: { ...ATTESTATION, claims } };
    expect((await postOrder('/attest', large, await newServiceToken())).status).toBe(413);
    for (const path of ['/', '/keys', '/open', '/export', '/seal/x']) {
      expect((await postOrder(path, body, await newServiceToken())).status).toBe(404);
    }
    const live = await app.inject({ url: '/health/live' });
    expect([live.statusCode, live.json()]).toEqual([200, { status: 'live' }]);
    expect(ORDER_NAMES.toSorted()).toEqual(Object.keys(fixture.signer).toSorted());
  });
});

test('no answer contains any part of a key', () => {
  const text = answerTexts.join('\n');
  expect(answerTexts.length).toBeGreaterThan(200);
  // Prove that the search works: it finds an envelope that was returned.
  expect(text).toContain(Buffer.from(fixture.keys.seal.encrypted).toString('base64'));
  const secrets = listByteTraces(fixture.keyEncryptionKey);
  for (const { keyId, encrypted } of Object.values(fixture.keys)) {
    const { own } = openEnvelope(keyId, encrypted, fixture.keyEncryptionKey);
    secrets.push(...listByteTraces(own), ...listKeyTraces(openPrivateKey(keyId, encrypted, fixture.keyEncryptionKey)));
  }
  const returnedEnvelopes = [...text.matchAll(/"encrypted":"([^"]+)"/g)].map(([, base64 = '']) =>
    Buffer.from(base64, 'base64'),
  );
  expect(returnedEnvelopes.length).toBeGreaterThan(3);
  for (const envelope of returnedEnvelopes) {
    const { own } = openEnvelope('another', envelope, fixture.keyEncryptionKey);
    secrets.push(
      ...listByteTraces(own),
      ...listKeyTraces(openPrivateKey('another', envelope, fixture.keyEncryptionKey)),
    );
  }
  const lower = text.toLowerCase();
  for (const secret of secrets) expect(lower.includes(secret.toLowerCase())).toBe(false);
  expect(text).not.toMatch(/PRIVATE KEY|at .*\.ts:\d+/);
});

/** Returns the signature value of a CMS by an RSA-3072 key: the 384 octets after the algorithm identifier. */
function signatureValue(cms: Uint8Array): Buffer {
  const bytes = Buffer.from(cms);
  const head = Buffer.from('06092a864886f70d01010b050004820180', 'hex');
  const at = bytes.lastIndexOf(head);
  expect(at).toBeGreaterThan(0);
  return bytes.subarray(at + head.length, at + head.length + 384);
}
