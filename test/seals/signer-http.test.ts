import { createHash, type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { compactVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { splitSignature } from '../../scripts/split.ts';
import { writeServiceToken } from '../../subgraphs/kernel/token.ts';
import { ORDER_NAMES, ORDERS, type OrderName, writeOrder } from '../../subgraphs/seals/signer/protocol.ts';
import { createSigner, type Signer } from '../../subgraphs/seals/signer/signer.ts';
import { connectSigner } from '../../subgraphs/seals/signer/signer-client.ts';
import { serveSigner } from '../../subgraphs/seals/signer/signer-routes.ts';
import { requireDemoPerson, tokenFor } from '../support/actors.ts';
import { certificateRequest, type Desk, type KeyName, listRequest, openDesk } from './desk.ts';
import { discloseAll, privateKeyIn, tracesOf, tracesOfBytes } from './envelopes.ts';
import { inHex } from './octets.ts';
import { newCodeRequest, newRequest, statementRequest } from './requests.ts';

/** Tests the signer's HTTP port with the hub's client and with requests of other callers. */

const serviceKey = randomBytes(32);
const DIGEST = createHash('sha256').update('林木采伐许可证').digest();
const CHECKPOINT = `tongquan.test/log\n7\n${DIGEST.toString('base64')}\n`;
const ATTESTATION = { typ: 'statuslist+jwt' as const, claims: { iat: 1, status_list: { bits: 2, lst: 'eNo' } } };

let desk: Desk;
let app: FastifyInstance;
let url: string;
let over: Signer;
/** Headers and body of every answer. */
const said: string[] = [];
beforeAll(async () => {
  desk = await openDesk();
  app = serveSigner(desk.signer, { serviceKey, now: desk.clock });
  app.addHook('onSend', async (_, reply, payload) => {
    said.push(JSON.stringify(reply.getHeaders()), String(payload));
    return payload;
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  over = connectSigner(() => url, serviceKey, desk.clock);
});
afterAll(() => app.close());

/** Builds a valid order of each kind. */
async function rightOrders() {
  const { keys } = desk;
  return {
    generate: { keyId: 'another', kind: 'P-256' as const },
    rewrap: keys.seal,
    certify: { authority: keys.issuing, request: certificateRequest(desk) },
    request: {
      key: keys.seal,
      subject: certificateRequest(desk).subject,
      publicKeyPem: publicKeyOf('seal').export({ type: 'spki', format: 'pem' }).toString(),
    },
    publishList: { authority: keys.issuing, request: listRequest(desk) },
    stamp: { key: keys.timestamp, digest: new Uint8Array(DIGEST) },
    attest: { key: keys.status, request: ATTESTATION },
    checkpoint: { key: { keyId: 'log', encrypted: desk.logKey.encrypted }, text: CHECKPOINT },
    seal: desk.sealOrder(await desk.authorised(newRequest())),
    code: desk.codeOrder(await desk.authorised(newCodeRequest())),
  } satisfies { [Name in OrderName]: Parameters<Signer[Name]>[0] };
}

const service = (key: Uint8Array = serviceKey, name = 'seals') => writeServiceToken(key, name, desk.clock());

async function post(path: string, body: unknown, token: string | null) {
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
async function written(name: OrderName): Promise<Record<string, unknown>> {
  const order = (await rightOrders())[name];
  return z.encode(ORDERS[name].order as z.ZodType, order) as Record<string, unknown>;
}

const publicKeyOf = (name: KeyName): KeyObject => new X509Certificate(desk.keys[name].certificatePem).publicKey;

describe('a signer over HTTP', () => {
  test('generates keys in envelopes that the signer can open', async () => {
    for (const kind of ['RSA-3072', 'P-256', 'Ed25519'] as const) {
      const { publicKeyPem, encrypted } = await over.generate({ keyId: 'another', kind });
      const key = privateKeyIn('another', encrypted, desk.keyEncryptionKey);
      expect(key.asymmetricKeyType).toBe({ 'RSA-3072': 'rsa', 'P-256': 'ec', Ed25519: 'ed25519' }[kind]);
      const signer = createSigner({ ...desk, ring: [desk.keyEncryptionKey], now: desk.clock });
      const again = await signer.rewrap({ keyId: 'another', encrypted });
      expect(inHex(again)).toBe(inHex(encrypted));
      expect(publicKeyPem).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    }
  });

  test('rewraps a key as in process', async () => {
    const { keyId, encrypted } = desk.keys.seal;
    expect(inHex(await over.rewrap({ keyId, encrypted }))).toBe(inHex(encrypted));
    const ring = [randomBytes(32), desk.keyEncryptionKey];
    const newer = serveSigner(createSigner({ ...desk, ring, now: desk.clock }), { serviceKey, now: desk.clock });
    const at = await newer.listen({ host: '127.0.0.1', port: 0 });
    const again = await connectSigner(() => at, serviceKey, desk.clock).rewrap({ keyId, encrypted });
    await newer.close();
    expect(discloseAll(keyId, again, ring[0] ?? DIGEST).plain).toEqual(
      discloseAll(keyId, encrypted, desk.keyEncryptionKey).plain,
    );
  });

  test('returns deterministic signatures identical to those in process', async () => {
    const { publishList } = await rightOrders();
    expect(inHex(await over.publishList(publishList))).toBe(inHex(await desk.signer.publishList(publishList)));
  });

  test('certifies, stamps and attests', async () => {
    const { certify, stamp, attest } = await rightOrders();
    const certificate = new X509Certificate(await over.certify(certify));
    expect(certificate.verify(publicKeyOf('issuing'))).toBe(true);
    expect(certificate.validFromDate).toEqual(certify.request.validFrom);
    expect(Buffer.from(await over.stamp(stamp)).includes(DIGEST)).toBe(true);
    const { payload } = await compactVerify(await over.attest(attest), publicKeyOf('status'));
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(ATTESTATION.claims);
  });

  test('seals documents and statements at the time of its own clock, and names the authoriser', async () => {
    for (const asked of [newRequest(), statementRequest()]) {
      const order = desk.sealOrder(await desk.authorised(asked));
      const [there, here] = [await over.seal(order), await desk.signer.seal(order)];
      expect({ by: there.by, signedAt: there.signedAt }).toEqual({ by: here.by, signedAt: here.signedAt });
      const covered = asked.profile === 'PADES' ? splitSignature(Buffer.from(asked.document)).covered : asked.document;
      const digest = createHash('sha256').update(covered).digest();
      const value = signatureValue(here.signature);
      // RSA signatures of the same attributes are equal; their timestamps are not.
      expect(Buffer.from(there.signature).includes(value)).toBe(true);
      expect(Buffer.from(there.signature).includes(digest)).toBe(true);
      expect(there.signature).toBeInstanceOf(Uint8Array);
    }
  });

  test('signs codes', async () => {
    const order = desk.codeOrder(await desk.authorised(newCodeRequest()));
    const [there, here] = [await over.code(order), await desk.signer.code(order)];
    expect(there.by).toEqual(here.by);
    expect(there.code.split('.').slice(0, 2)).toEqual(here.code.split('.').slice(0, 2));
    await expect(compactVerify(there.code, publicKeyOf('code'))).resolves.toBeDefined();
  });

  test('refuses as in process', async () => {
    const other = { ...(await desk.authorised(newRequest())), document: newRequest({ identifier: 'x' }).document };
    const unproved = { ...newRequest(), authorisation: 'x' };
    for (const [request, code] of [
      [other, 'SEAL_CONTENT_DIFFERS'],
      [unproved, 'SEAL_AUTHORISATION_INVALID'],
    ] as const) {
      for (const signer of [over, desk.signer]) {
        await expect(signer.seal(desk.sealOrder(request))).rejects.toMatchObject({
          name: 'Refusal',
          code,
          field: null,
        });
      }
    }
    const code = { ...newCodeRequest(), authorisation: 'x' };
    for (const signer of [over, desk.signer]) {
      await expect(signer.code(desk.codeOrder(code))).rejects.toMatchObject({ code: 'SEAL_AUTHORISATION_INVALID' });
    }
  });

  test('is called at its current address', async () => {
    const moved = serveSigner(desk.signer, { serviceKey, now: desk.clock });
    let at = await moved.listen({ host: '127.0.0.1', port: 0 });
    const signer = connectSigner(() => at, serviceKey, desk.clock);
    const order = { key: desk.keys.timestamp, digest: new Uint8Array(DIGEST) };
    expect(await signer.stamp(order)).toBeDefined();
    await moved.close();
    await expect(signer.stamp(order)).rejects.not.toMatchObject({ name: 'Refusal' });
    at = url;
    expect(await signer.stamp(order)).toBeDefined();
  });
});

describe('the port', () => {
  test.each(ORDER_NAMES)(
    '/%s returns 200 to seals, 401 without a valid token, 403 to another service',
    async (name) => {
      const body = await written(name);
      const person = await tokenFor(requireDemoPerson('administrator'), desk.clock());
      for (const token of [null, '', 'x', person, await service(randomBytes(32))]) {
        expect(await post(`/${name}`, body, token)).toMatchObject({ status: 401, body: { code: 'TOKEN_INVALID' } });
      }
      for (const other of ['licenses', 'cases', 'matters', 'gateway', 'signer']) {
        const answer = await post(`/${name}`, body, await service(serviceKey, other));
        expect(answer).toEqual({ status: 403, body: { code: 'FORBIDDEN' } });
      }
      expect((await post(`/${name}`, body, await service())).status).toBe(200);
    },
  );

  test('returns 401 for an expired token', async () => {
    const body = await written('stamp');
    const old = await service();
    const opened = desk.clock().toISOString();
    desk.clock.advance(120_000);
    expect(await post('/stamp', body, old)).toMatchObject({ status: 401, body: { code: 'TOKEN_EXPIRED' } });
    desk.clock.set(opened);
  });

  test.each(ORDER_NAMES)('/%s returns 400 for an order that lacks a part or is malformed', async (name) => {
    const body = await written(name);
    for (const part of Object.keys(body)) {
      for (const value of [undefined, 7, {}, '']) {
        const answer = await post(`/${name}`, { ...body, [part]: value }, await service());
        expect(answer, part).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } });
      }
    }
    for (const other of ['null', '[]', '"text"', '7']) {
      expect((await post(`/${name}`, other, await service())).status).toBe(400);
    }
    expect((await post(`/${name}`, '{', await service())).status).toBe(400);
  });

  test.each<[OrderName, string, KeyName]>([
    ['certify', 'authority', 'timestamp'],
    ['publishList', 'authority', 'seal'],
    ['stamp', 'key', 'status'],
    ['attest', 'key', 'seal'],
    ['seal', 'key', 'timestamp'],
    ['seal', 'stamp', 'issuing'],
    ['seal', 'key', 'citySeal'],
    ['code', 'key', 'seal'],
    ['code', 'key', 'cityCode'],
  ])('/%s returns 400 if its %s is the key %s', async (name, part, key) => {
    const { keyId, encrypted, certificatePem } = desk.keys[key];
    const other = { keyId, encrypted: Buffer.from(encrypted).toString('base64'), certificatePem };
    const answer = await post(`/${name}`, { ...(await written(name)), [part]: other }, await service());
    expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } });
    expect(answer.body.message).toContain(`the key ${keyId} is `);
    await expect(over[name]({ ...(await rightOrders())[name], [part]: desk.keys[key] } as never)).rejects.toThrow(
      'HTTP 400',
    );
  });

  test.each(ORDER_NAMES.filter((name) => name !== 'generate' && name !== 'rewrap'))(
    '/%s returns 400 if the envelope does not open',
    async (name) => {
      const body = await written(name);
      const part = 'authority' in body ? 'authority' : 'key';
      const key = body[part] as { encrypted: string };
      const bytes = Buffer.from(key.encrypted, 'base64');
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      const altered = { ...key, encrypted: bytes.toString('base64') };
      const answer = await post(`/${name}`, { ...body, [part]: altered }, await service());
      expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT' } });
    },
  );

  test('returns 422 with the refusal', async () => {
    const body = await written('seal');
    const request = body.request as object;
    const other = { ...body, request: { ...request, authorisation: 'x' } };
    expect(await post('/seal', other, await service())).toEqual({
      status: 422,
      body: { code: 'SEAL_AUTHORISATION_INVALID', message: expect.any(String), field: null },
    });
    const { document } = newRequest({ identifier: 'x' });
    expect(await post('/seal', { ...body, request: { ...request, document } }, await service())).toEqual({
      status: 422,
      body: { code: 'SEAL_CONTENT_DIFFERS', message: '待签文件与用印授权的内容不一致。', field: null },
    });
    expect((await post('/code', { ...(await written('code')), key: body.key }, await service())).status).toBe(400);
  });

  test('/seal expects its document after the order, and returns 400 if it is in another place', async () => {
    const order = await written('seal');
    const { document, ...request } = order.request as { document: Uint8Array };
    const inBase64 = { ...order, request: { ...request, document: Buffer.from(document).toString('base64') } };
    expect(await post('/seal', inBase64, await service())).toMatchObject({ status: 400 });
    const headers = { 'content-type': 'application/octet-stream', authorization: `Bearer ${await service()}` };
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
    const body = await written('attest');
    const claims = { lst: 'x'.repeat(8_388_608) };
    const large = { ...body, request: { ...ATTESTATION, claims } };
    expect((await post('/attest', large, await service())).status).toBe(413);
    for (const path of ['/', '/keys', '/open', '/export', '/seal/x']) {
      expect((await post(path, body, await service())).status).toBe(404);
    }
    const live = await app.inject({ url: '/health/live' });
    expect([live.statusCode, live.json()]).toEqual([200, { status: 'live' }]);
    expect(ORDER_NAMES.toSorted()).toEqual(Object.keys(desk.signer).toSorted());
  });
});

test('no answer contains any part of a key', () => {
  const text = said.join('\n');
  expect(said.length).toBeGreaterThan(200);
  // Prove that the search works: it finds an envelope that was returned.
  expect(text).toContain(Buffer.from(desk.keys.seal.encrypted).toString('base64'));
  const secrets = [desk.keyEncryptionKey, serviceKey, ...Object.values(desk.authorisationKeys)].flatMap(tracesOfBytes);
  for (const { keyId, encrypted } of Object.values(desk.keys)) {
    const { own } = discloseAll(keyId, encrypted, desk.keyEncryptionKey);
    secrets.push(...tracesOfBytes(own), ...tracesOf(privateKeyIn(keyId, encrypted, desk.keyEncryptionKey)));
  }
  const answered = [...text.matchAll(/"encrypted":"([^"]+)"/g)].map(([, base64 = '']) => Buffer.from(base64, 'base64'));
  expect(answered.length).toBeGreaterThan(3);
  for (const envelope of answered) {
    const { own } = discloseAll('another', envelope, desk.keyEncryptionKey);
    secrets.push(...tracesOfBytes(own), ...tracesOf(privateKeyIn('another', envelope, desk.keyEncryptionKey)));
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
