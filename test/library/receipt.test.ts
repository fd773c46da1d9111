import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canonical, sha256 } from '../../subgraphs/kernel/events.ts';
import { Rejected } from '../../subgraphs/kernel/outbox.ts';
import { createLibraryClient, type LibraryDelivery } from '../../subgraphs/licenses/library.ts';
import { type Authority, type City, CLIENT, makeAuthority, makeLicense, NAME, openCity, wire } from './city.ts';

let authority: Authority;
let city: City;
beforeAll(async () => {
  authority = makeAuthority();
  city = await openCity(authority);
});
afterAll(() => city.close());

interface Jwk {
  [name: string]: string;
  x: string;
  kid: string;
}
const keyOf = async () => (await city.app().inject('/receipt-key')).json<Jwk>();
const read = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString());

describe('a receipt of the library', () => {
  it('describes what was collected, and verifies with the public key of the library', async () => {
    const issue = makeLicense(authority, 'R001').version('ISSUE', 1, 1);
    const { receipt = '' } = await city.collect(issue);
    const [header, said, signature = ''] = receipt.split('.');
    const jwk = await keyOf();
    expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' });
    expect(read(header)).toEqual({ alg: 'EdDSA', typ: 'collection-receipt+jwt', kid: jwk.kid });
    const { stream, revision, identifier, act, state, documentDigest, record } = issue;
    expect(read(said)).toEqual({
      ...{ iss: NAME, stream, revision, identifier, act, state, documentDigest },
      recordDigest: sha256(canonical(record)),
      collectedAt: city.clock().toISOString(),
      checkpoint: null,
    });
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const input = Buffer.from(`${header}.${said}`);
    expect(verify(null, input, key, Buffer.from(signature, 'base64url'))).toBe(true);
    const thumbprint = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${jwk.x}"}`);
    expect(jwk.kid).toBe(thumbprint.digest('base64url'));
  });

  it('has the same bytes for the same delivery later and after a restart, with the same key', async () => {
    const issue = makeLicense(authority, 'R002').version('ISSUE', 1, 1);
    const [{ receipt }, key] = [await city.collect(issue), await keyOf()];
    city.clock.advance(86_400_000);
    await city.restart();
    expect((await city.collect(issue)).receipt).toBe(receipt);
    expect((await city.ask('/certificates/validate', wire(issue))).receipt).toBe(receipt);
    expect(await keyOf()).toEqual(key);
    city.clock.advance(-86_400_000);
  });

  it('replaces the receipt number of an earlier release at the next delivery, with the original time', async () => {
    const issue = makeLicense(authority, 'R003').version('ISSUE', 1, 1);
    await city.collect(issue);
    const sql = postgres(city.databaseUrl, { max: 1 });
    await sql`update city_library.act set receipt = gen_random_uuid()::text where number = 'R003'`;
    await sql.end();
    const then = city.clock().toISOString();
    city.clock.set('2061-01-01');
    const { receipt = '' } = await city.collect(issue);
    expect((await city.collect(issue)).receipt).toBe(receipt);
    city.clock.set('2024-03-05T02:00:00Z');
    expect(read(receipt.split('.')[1])).toMatchObject({ collectedAt: then });
  });

  it('is not issued by a validation, which stores nothing', async () => {
    const issue = makeLicense(authority, 'R004').version('ISSUE', 1, 1);
    expect(await city.ask('/certificates/validate', wire(issue))).toMatchObject({ code: 1 });
    expect((await city.ask('/certificates/validate', wire(issue))).receipt).toBeUndefined();
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
  async function answering(receipt: string, pinned: { receiptKey?: string; id?: string }) {
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
    return createLibraryClient({ url, ...CLIENT, now: () => new Date(), ...pinned });
  }

  const delivery = (): LibraryDelivery => makeLicense(authority, 'R010').version('ISSUE', 1, 1);
  const saidOf = ({ stream, revision, identifier, act, state, documentDigest, record }: LibraryDelivery) => ({
    ...{ iss: NAME, stream, revision, identifier, act, state, documentDigest, recordDigest: sha256(canonical(record)) },
    ...{ collectedAt: '2024-03-05T02:00:00.000Z', checkpoint: null as object | null },
  });
  const write = (said: object, header: object = {}, key: KeyObject = privateKey) => {
    const head = { alg: 'EdDSA', typ: 'collection-receipt+jwt', kid, ...header };
    const input = [head, said].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
  };
  const tree = { origin: 'example.com/log', size: 3, root: `${'A'.repeat(43)}=` };

  it('accepts a correct receipt with or without a checkpoint, by a key in PEM or JWK', async () => {
    const told = delivery();
    for (const receiptKey of [pem, JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig' })]) {
      for (const checkpoint of [null, tree]) {
        const receipt = write({ ...saidOf(told), checkpoint });
        const client = await answering(receipt, { receiptKey, id: NAME });
        expect([client.isSigned, await client.deliver(told)]).toEqual([true, receipt]);
        await close();
      }
    }
  });

  const other = generateKeyPairSync('ed25519').privateKey;
  const changed = (change: object) => (told: LibraryDelivery) => write({ ...saidOf(told), ...change });
  it.each<[string, (told: LibraryDelivery) => string]>([
    ['a receipt number', () => '0b0e0e0e-0000-4000-8000-000000000000'],
    ['another key', (told) => write(saidOf(told), {}, other)],
    [
      'a changed claim',
      (told) => write(saidOf(told)).replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`),
    ],
    ['no signature', (told) => write(saidOf(told)).replace(/\.[^.]+$/, '.')],
    ['the algorithm none', (told) => write(saidOf(told), { alg: 'none' }).replace(/\.[^.]+$/, '.')],
    ['another type', (told) => write(saidOf(told), { typ: 'JWT' })],
    ['another key id', (told) => write(saidOf(told), { kid: 'x' })],
    ['another library', changed({ iss: 'library.example/other' })],
    ['another stream', changed({ stream: 'license:R011' })],
    ['another revision', changed({ revision: 2 })],
    ['another identifier', changed({ identifier: 'x' })],
    ['another act', changed({ act: 'CHANGE' })],
    ['another state', changed({ state: 'SUSPENDED' })],
    ['another document', changed({ documentDigest: sha256('x') })],
    ['another record', changed({ recordDigest: sha256('x') })],
    ['no time', changed({ collectedAt: undefined })],
    ['an incomplete checkpoint', changed({ checkpoint: { size: 3 } })],
    ['an invalid root', changed({ checkpoint: { ...tree, root: 'x' } })],
    ['an additional claim', changed({ holder: 'x' })],
  ])('refuses %s with an error that allows another delivery', async (_what, forge) => {
    const told = delivery();
    const client = await answering(forge(told), { receiptKey: pem, id: NAME });
    const error = await client.deliver(told).then(
      () => expect.fail('delivered'),
      (fault: Error) => fault,
    );
    expect(error).not.toBeInstanceOf(Rejected);
    expect(error.message).toMatch(/^城市证照库的回执不成立/);
  });

  it('without such a key, reports that receipts are not signed, and still delivers', async () => {
    const client = await answering('0b0e', {});
    expect([client.isSigned, await client.deliver(delivery())]).toEqual([false, '0b0e']);
  });

  it('does not start with an invalid key', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const wrong = ['x', '{}', rsa.export({ type: 'spki', format: 'pem' }).toString()];
    for (const receiptKey of wrong) {
      expect(() => createLibraryClient({ url: 'http://x', ...CLIENT, now: city.clock, receiptKey })).toThrow();
    }
  });
});
