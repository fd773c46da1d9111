import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { fromBER, type Sequence } from 'asn1js';
import { type Certificate, ContentInfo, SignedData, TSTInfo } from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTimestampToken } from '../../subgraphs/seals/signer/timestamp.ts';
import { newRequest } from './requests.ts';
import { openWorkshop, signatureOf, type Workshop } from './workshop.ts';

/** Tests timestamps with pkijs, which shares no code with the timestamp authority. */

const DOCUMENT = Buffer.from('林木采伐许可证');
const DIGEST = createHash('sha256').update(DOCUMENT).digest();

let shop: Workshop;
beforeAll(async () => {
  shop = await openWorkshop();
});
afterAll(() => shop.close());

const buffer = (bytes: Uint8Array) => new Uint8Array(bytes).buffer;
const authorities = (id: string) =>
  shop.sql`select generation, certificate_pem as pem from seals.authority where id = ${id} order by generation`;

function read(token: Uint8Array) {
  const content = new ContentInfo({ schema: fromBER(buffer(token)).result });
  const signed = new SignedData({ schema: content.content });
  const [signer] = signed.signerInfos;
  const certificates = (signed.certificates ?? []).map(
    (one) => new X509Certificate(Buffer.from((one as Certificate).toSchema().toBER())),
  );
  const said = signed.encapContentInfo.eContent?.getValue();
  const info = said ? new TSTInfo({ schema: fromBER(said).result }) : new TSTInfo();
  return { signed, info, signer, certificates };
}

describe('a token', () => {
  test('contains only the digest, the second, the policy and a serial of 127 bits', async () => {
    shop.clock.advance(789);
    const { signed, info } = read(await shop.seals.stamp(DIGEST));
    expect([signed.version, signed.encapContentInfo.eContentType]).toEqual([3, '1.2.840.113549.1.9.16.1.4']);
    expect([info.version, info.policy]).toEqual([1, '1.3.6.1.4.1.99999.1.1']);
    expect(info.messageImprint.hashAlgorithm.algorithmId).toBe('2.16.840.1.101.3.4.2.1');
    expect(Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView)).toEqual(DIGEST);
    expect(info.genTime.toISOString()).toBe(shop.clock().toISOString().replace('789', '000'));
    const serial = info.serialNumber.valueBlock.valueHexView;
    expect([serial.length, (serial[0] ?? 0) & 0xc0]).toEqual([16, 0x40]);
    expect([info.ordering, info.nonce, info.accuracy, info.tsa, info.extensions]).toEqual(Array(5).fill(undefined));
    shop.clock.advance(211);
  });

  test('is DER with sorted attributes, signed by the timestamp key, and carries its certificate', async () => {
    const token = await shop.seals.stamp(DIGEST);
    expect(Buffer.from(fromBER(buffer(token)).result.toBER())).toEqual(Buffer.from(token));
    const { signed, signer, certificates } = read(token);
    const attributes = signer?.signedAttrs?.attributes ?? [];
    const encoded = attributes.map((one) => Buffer.from(one.toSchema().toBER()));
    expect([...encoded].sort(Buffer.compare)).toEqual(encoded);
    expect(attributes.map((one) => one.type).sort()).toEqual([
      '1.2.840.113549.1.9.16.2.47',
      '1.2.840.113549.1.9.3',
      '1.2.840.113549.1.9.4',
    ]);
    expect(signer?.signatureAlgorithm.algorithmId).toBe('1.2.840.10045.4.3.2');
    expect(certificates.map((one) => one.ca)).toEqual([false]);
    expect(await signed.verify({ signer: 0, checkChain: false, data: buffer(DOCUMENT) })).toBe(true);
    const own = certificates.find((one) => !one.ca);
    expect(own?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.8']);
    const named = attributes.find((one) => one.type === '1.2.840.113549.1.9.16.2.47')?.values[0] as Sequence;
    expect(Buffer.from(named.toBER()).subarray(-32)).toEqual(
      createHash('sha256')
        .update(own?.raw ?? '')
        .digest(),
    );
  });

  test('has a new serial each time', async () => {
    const [one, other] = [await shop.seals.stamp(DIGEST), await shop.seals.stamp(DIGEST)].map((token) => read(token));
    expect(one?.info.serialNumber.isEqual(other?.info.serialNumber)).toBe(false);
  });

  test('accepts only SHA-256 digests, and only times within the certificate’s validity', async () => {
    for (const length of [0, 20, 31, 33, 64]) {
      await expect(shop.seals.stamp(randomBytes(length))).rejects.toThrow(RangeError);
    }
    const [row] = await authorities('timestamp');
    for (const day of ['2026-05-31T23:59:59Z', '2038-06-02T00:00:00Z']) {
      const asked = { digest: DIGEST, at: new Date(day), chain: [row?.pem] as [string] };
      expect(() => makeTimestampToken(asked, () => randomBytes(70))).toThrow(RangeError);
    }
  });
});

describe('the timestamp of a signature', () => {
  test('covers the signature value and states the signing time of the answer', async () => {
    for (const profile of ['PADES', 'CADES'] as const) {
      const asked = newRequest({ profile });
      shop.clock.advance(1_300);
      const answer = await shop.seals.sign({ ...asked, authorisation: await shop.authorise(asked) });
      if (answer.state !== 'SIGNED') throw new Error(answer.state);
      const { signer } = read(answer.signature);
      const [attribute, ...more] = signer?.unsignedAttrs?.attributes ?? [];
      expect(more).toEqual([]);
      const { info } = read(new Uint8Array(attribute?.values[0].toBER()));
      const value = createHash('sha256')
        .update(signer?.signature.valueBlock.valueHexView ?? '')
        .digest();
      expect(Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView)).toEqual(value);
      const second = `${answer.signedAt.slice(0, 19)}.000Z`;
      expect(info.genTime.toISOString()).toBe(second);
      expect(answer.signedAt === second).toBe(profile === 'PADES');
      const [use] = await shop.sql`select at, suite from seals.seal_use where issuance_id = ${asked.issuanceId}`;
      expect(use?.at.toISOString()).toBe(answer.signedAt);
      expect(use?.suite).toBe({ PADES: 'PAdES-T-RSA3072-SHA256', CADES: 'CAdES-T-RSA3072-SHA256' }[profile]);
    }
  });

  test('of another profile is refused for the same issuance', async () => {
    const request = await shop.request();
    const first = await signatureOf(shop.seals, request);
    await expect(shop.seals.sign({ ...request, profile: 'CADES' })).rejects.toMatchObject({
      code: 'SEAL_AUTHORISATION_INVALID',
    });
    expect(await signatureOf(shop.seals, request)).toEqual(first);
  });
});

describe('the next generation', () => {
  test('of timestamp and status keys is created once when less than eight years are left; old keys are kept', async () => {
    const opened = shop.clock().toISOString();
    const before = await authorities('timestamp');
    shop.clock.set('2030-05-31');
    await shop.seals.stamp(DIGEST);
    expect(await authorities('timestamp')).toEqual(before);

    shop.clock.set('2030-06-02');
    const copies = Array.from({ length: 4 }, () => shop.another());
    const tokens = await Promise.all(copies.map((copy) => copy.stamp(DIGEST)));
    for (const id of ['timestamp', 'status']) {
      const rows = await authorities(id);
      expect(rows.map((row) => row.generation)).toEqual([1, 2]);
      expect(new X509Certificate(rows[1]?.pem).validTo).toContain('2042');
    }
    const [, newest] = await authorities('timestamp');
    for (const token of tokens) {
      const { certificates } = read(token);
      expect(certificates.find((one) => !one.ca)?.serialNumber).toBe(new X509Certificate(newest?.pem).serialNumber);
    }

    // A copy whose clock is behind still uses the first generation.
    shop.clock.set(opened);
    await shop.seals.stamp(DIGEST);
    expect(await authorities('timestamp')).toHaveLength(2);
  });
});

test('an older database receives the missing keys and keeps the existing ones', async () => {
  const [{ pem: root } = { pem: '' }] = await authorities('root');
  await shop.sql`delete from seals.authority where id in ('timestamp', 'status')`;
  const code = await shop.sql`delete from seals.seal_code_key returning seal_id`;
  expect(code).toHaveLength(2);
  await Promise.all([shop.another().prepare(), shop.another().prepare()]);
  expect(await authorities('root')).toMatchObject([{ pem: root }]);
  expect([await authorities('timestamp'), await authorities('status')]).toMatchObject([
    [{ generation: 1 }],
    [{ generation: 1 }],
  ]);
  const rows = await shop.sql`select name, code.certificate_pem as pem, valid_until
    from seals.seal join seals.seal_code_key code on code.seal_id = id`;
  expect(rows).toHaveLength(2);
  for (const { name, pem, valid_until } of rows) {
    const certificate = new X509Certificate(pem);
    expect(certificate.subject).toContain(`CN=${name}二维码（测试）`);
    expect(certificate.validToDate).toEqual(valid_until);
  }
  expect(await shop.seals.signCode(await shop.codeRequest())).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{86}$/);
});
