import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sha256, toCanonicalJson } from '../../subgraphs/kernel/events/events.ts';
import { Rejection } from '../../subgraphs/kernel/events/outbox-store.ts';
import { createLibraryClient, type LibraryDelivery } from '../../subgraphs/licenses/library/library-client.ts';
import { testParsers } from '../support/parsers.ts';
import {
  type Authority,
  CLIENT,
  LIBRARY_NAME,
  makeAuthority,
  makeLicense,
  openTestLibrary,
  type TestLibrary,
  toRequestBody,
} from './test-library.ts';

let authority: Authority;
let library: TestLibrary;
beforeAll(async () => {
  authority = makeAuthority();
  library = await openTestLibrary(authority);
});
afterAll(() => library.close());

interface Jwk {
  [name: string]: string;
  x: string;
  kid: string;
}
const fetchReceiptKey = async () => (await library.app().inject('/receipt-key')).json<Jwk>();
const decodePart = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString());

describe('a receipt of the library', () => {
  it('describes what was collected, and verifies with the public key of the library', async () => {
    const issue = makeLicense(authority, 'R001').version('ISSUE', 1, 1);
    const { receipt = '' } = await library.collect(issue);
    const [header, payload, signature = ''] = receipt.split('.');
    const jwk = await fetchReceiptKey();
    expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' });
    expect(decodePart(header)).toEqual({ alg: 'EdDSA', typ: 'collection-receipt+jwt', kid: jwk.kid });
    const { stream, revision, identifier, act, state, documentDigest, record } = issue;
    expect(decodePart(payload)).toEqual({
      ...{ iss: LIBRARY_NAME, stream, revision, identifier, act, state, documentDigest },
      recordDigest: sha256(toCanonicalJson(record)),
      collectedAt: library.clock().toISOString(),
      checkpoint: null,
    });
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const input = Buffer.from(`${header}.${payload}`);
    expect(verify(null, input, key, Buffer.from(signature, 'base64url'))).toBe(true);
    const thumbprint = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${jwk.x}"}`);
    expect(jwk.kid).toBe(thumbprint.digest('base64url'));
  });

  it('has the same bytes for the same delivery later and after a restart, with the same key', async () => {
    const issue = makeLicense(authority, 'R002').version('ISSUE', 1, 1);
    const [{ receipt }, key] = [await library.collect(issue), await fetchReceiptKey()];
    library.clock.advance(86_400_000);
    await library.restart();
    expect((await library.collect(issue)).receipt).toBe(receipt);
    expect((await library.ask('/certificates/validate', toRequestBody(issue))).receipt).toBe(receipt);
    expect(await fetchReceiptKey()).toEqual(key);
    library.clock.advance(-86_400_000);
  });

  it('replaces the receipt number of an earlier release at the next delivery, with the original time', async () => {
    const issue = makeLicense(authority, 'R003').version('ISSUE', 1, 1);
    await library.collect(issue);
    const sql = postgres(library.databaseUrl, { max: 1 });
    await sql`update city_library.act set receipt = gen_random_uuid()::text where number = 'R003'`;
    await sql.end();
    const originalTime = library.clock().toISOString();
    library.clock.set('2061-01-01');
    const { receipt = '' } = await library.collect(issue);
    expect((await library.collect(issue)).receipt).toBe(receipt);
    library.clock.set('2024-03-05T02:00:00Z');
    expect(decodePart(receipt.split('.')[1])).toMatchObject({ collectedAt: originalTime });
  });

  it('is not issued by a validation, which stores nothing', async () => {
    const issue = makeLicense(authority, 'R004').version('ISSUE', 1, 1);
    expect(await library.ask('/certificates/validate', toRequestBody(issue))).toMatchObject({ code: 1 });
    expect((await library.ask('/certificates/validate', toRequestBody(issue))).receipt).toBeUndefined();
  });
});

describe('a hub with a pinned receipt key', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  let close: () => Promise<unknown> = async () => {};
  afterEach(() => close());

  /** Starts a library that answers with the given receipt. Returns a client for it. */
  async function clientFor(receipt: string, pinnedKey: { receiptKey?: string; id?: string }) {
    const server = createServer((request, reply) => {
      request.resume().on('end', () => {
        const token = { access_token: 'x', expires_in: 600 };
        reply.end(JSON.stringify(request.url === '/token' ? token : { code: 1, receipt }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    close = () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    };
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return createLibraryClient({ parsers: testParsers, url, ...CLIENT, now: () => new Date(), ...pinnedKey });
  }

  const newDelivery = (): LibraryDelivery => makeLicense(authority, 'R010').version('ISSUE', 1, 1);
  const claimsOf = ({ stream, revision, identifier, act, state, documentDigest, record }: LibraryDelivery) => ({
    ...{
      iss: LIBRARY_NAME,
      stream,
      revision,
      identifier,
      act,
      state,
      documentDigest,
      recordDigest: sha256(toCanonicalJson(record)),
    },
    ...{ collectedAt: '2024-03-05T02:00:00.000Z', checkpoint: null as object | null },
  });
  const signReceipt = (payload: object, header: object = {}, key: KeyObject = privateKey) => {
    const fullHeader = { alg: 'EdDSA', typ: 'collection-receipt+jwt', kid, ...header };
    const input = [fullHeader, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
  };
  const signedTree = { origin: 'example.com/log', size: 3, root: `${'A'.repeat(43)}=` };

  it('accepts a correct receipt with or without a checkpoint, by a key in PEM or JWK', async () => {
    const sentDelivery = newDelivery();
    for (const receiptKey of [pem, JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig' })]) {
      for (const checkpoint of [null, signedTree]) {
        const receipt = signReceipt({ ...claimsOf(sentDelivery), checkpoint });
        const client = await clientFor(receipt, { receiptKey, id: LIBRARY_NAME });
        expect([client.isSigned, await client.deliver(sentDelivery)]).toEqual([true, receipt]);
        await close();
      }
    }
  });

  const otherKey = generateKeyPairSync('ed25519').privateKey;
  const withClaims = (change: object) => (sentDelivery: LibraryDelivery) =>
    signReceipt({ ...claimsOf(sentDelivery), ...change });
  it.each<[string, (sentDelivery: LibraryDelivery) => string]>([
    ['a receipt number', () => '0b0e0e0e-0000-4000-8000-000000000000'],
    ['another key', (sentDelivery) => signReceipt(claimsOf(sentDelivery), {}, otherKey)],
    [
      'a changed claim',
      (sentDelivery) =>
        signReceipt(claimsOf(sentDelivery)).replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`),
    ],
    ['no signature', (sentDelivery) => signReceipt(claimsOf(sentDelivery)).replace(/\.[^.]+$/, '.')],
    [
      'the algorithm none',
      (sentDelivery) => signReceipt(claimsOf(sentDelivery), { alg: 'none' }).replace(/\.[^.]+$/, '.'),
    ],
    ['another type', (sentDelivery) => signReceipt(claimsOf(sentDelivery), { typ: 'JWT' })],
    ['another key id', (sentDelivery) => signReceipt(claimsOf(sentDelivery), { kid: 'x' })],
    ['another library', withClaims({ iss: 'library.example/other' })],
    ['another stream', withClaims({ stream: 'license:R011' })],
    ['another revision', withClaims({ revision: 2 })],
    ['another identifier', withClaims({ identifier: 'x' })],
    ['another act', withClaims({ act: 'CHANGE' })],
    ['another state', withClaims({ state: 'SUSPENDED' })],
    ['another document', withClaims({ documentDigest: sha256('x') })],
    ['another record', withClaims({ recordDigest: sha256('x') })],
    ['no time', withClaims({ collectedAt: undefined })],
    ['an incomplete checkpoint', withClaims({ checkpoint: { size: 3 } })],
    ['an invalid root', withClaims({ checkpoint: { ...signedTree, root: 'x' } })],
    ['an additional claim', withClaims({ holder: 'x' })],
  ])('refuses %s with an error that allows another delivery', async (_what, forge) => {
    const sentDelivery = newDelivery();
    const client = await clientFor(forge(sentDelivery), { receiptKey: pem, id: LIBRARY_NAME });
    const error = await client.deliver(sentDelivery).then(
      () => expect.fail('delivered'),
      (fault: Error) => fault,
    );
    expect(error).not.toBeInstanceOf(Rejection);
    expect(error.message).toMatch(/^城市证照库的回执不成立/);
  });

  it('without such a key, reports that receipts are not signed, and still delivers', async () => {
    const client = await clientFor('0b0e', {});
    expect([client.isSigned, await client.deliver(newDelivery())]).toEqual([false, '0b0e']);
  });

  it('does not start with an invalid key', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const invalidKeys = ['x', '{}', rsa.export({ type: 'spki', format: 'pem' }).toString()];
    for (const receiptKey of invalidKeys) {
      expect(() =>
        createLibraryClient({ parsers: testParsers, url: 'http://x', ...CLIENT, now: library.clock, receiptKey }),
      ).toThrow();
    }
  });
});
