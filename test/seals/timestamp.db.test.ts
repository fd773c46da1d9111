import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { fromBER, type Sequence } from 'asn1js';
import { type Certificate, ContentInfo, SignedData, TSTInfo } from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTimestampToken } from '../../subgraphs/seals/signer/timestamp.ts';
import { newRequest } from './requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from './seals-fixture.ts';

/** Tests timestamps with pkijs, which shares no code with the timestamp authority. */

const DOCUMENT = Buffer.from('林木采伐许可证');
const DIGEST = createHash('sha256').update(DOCUMENT).digest();

let fixture: SealsFixture;
beforeAll(async () => {
  fixture = await openSealsFixture();
});
afterAll(() => fixture.close());

const buffer = (bytes: Uint8Array) => new Uint8Array(bytes).buffer;
const listAuthorities = (id: string) =>
  fixture.sql`select generation, certificate_pem as pem from seals.authority where id = ${id} order by generation`;

function parseToken(token: Uint8Array) {
  const content = new ContentInfo({ schema: fromBER(buffer(token)).result });
  const signed = new SignedData({ schema: content.content });
  const [signer] = signed.signerInfos;
  const certificates = (signed.certificates ?? []).map(
    (item) => new X509Certificate(Buffer.from((item as Certificate).toSchema().toBER())),
  );
  const contentBytes = signed.encapContentInfo.eContent?.getValue();
  const info = contentBytes ? new TSTInfo({ schema: fromBER(contentBytes).result }) : new TSTInfo();
  return { signed, info, signer, certificates };
}

describe('a token', () => {
  test('contains only the digest, the second, the policy and a serial of 127 bits', async () => {
    fixture.clock.advance(789);
    const { signed, info } = parseToken(await fixture.seals.stamp(DIGEST));
    expect([signed.version, signed.encapContentInfo.eContentType]).toEqual([3, '1.2.840.113549.1.9.16.1.4']);
    expect([info.version, info.policy]).toEqual([1, '1.3.6.1.4.1.99999.1.1']);
    expect(info.messageImprint.hashAlgorithm.algorithmId).toBe('2.16.840.1.101.3.4.2.1');
    expect(Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView)).toEqual(DIGEST);
    expect(info.genTime.toISOString()).toBe(fixture.clock().toISOString().replace('789', '000'));
    const serial = info.serialNumber.valueBlock.valueHexView;
    expect([serial.length, (serial[0] ?? 0) & 0xc0]).toEqual([16, 0x40]);
    expect([info.ordering, info.nonce, info.accuracy, info.tsa, info.extensions]).toEqual(Array(5).fill(undefined));
    fixture.clock.advance(211);
  });

  test('is DER with sorted attributes, signed by the timestamp key, and carries its certificate', async () => {
    const token = await fixture.seals.stamp(DIGEST);
    expect(Buffer.from(fromBER(buffer(token)).result.toBER())).toEqual(Buffer.from(token));
    const { signed, signer, certificates } = parseToken(token);
    const attributes = signer?.signedAttrs?.attributes ?? [];
    const encoded = attributes.map((item) => Buffer.from(item.toSchema().toBER()));
    expect([...encoded].sort(Buffer.compare)).toEqual(encoded);
    expect(attributes.map((item) => item.type).sort()).toEqual([
      '1.2.840.113549.1.9.16.2.47',
      '1.2.840.113549.1.9.3',
      '1.2.840.113549.1.9.4',
    ]);
    expect(signer?.signatureAlgorithm.algorithmId).toBe('1.2.840.10045.4.3.2');
    expect(certificates.map((item) => item.ca)).toEqual([false]);
    expect(await signed.verify({ signer: 0, checkChain: false, data: buffer(DOCUMENT) })).toBe(true);
    const ownCertificate = certificates.find((item) => !item.ca);
    expect(ownCertificate?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.8']);
    const signingCertificate = attributes.find((item) => item.type === '1.2.840.113549.1.9.16.2.47')
      ?.values[0] as Sequence;
    expect(Buffer.from(signingCertificate.toBER()).subarray(-32)).toEqual(
      createHash('sha256')
        .update(ownCertificate?.raw ?? '')
        .digest(),
    );
  });

  test('has a new serial each time', async () => {
    const [item, other] = [await fixture.seals.stamp(DIGEST), await fixture.seals.stamp(DIGEST)].map((token) =>
      parseToken(token),
    );
    expect(item?.info.serialNumber.isEqual(other?.info.serialNumber)).toBe(false);
  });

  test('accepts only SHA-256 digests, and only times within the certificate’s validity', async () => {
    for (const length of [0, 20, 31, 33, 64]) {
      await expect(fixture.seals.stamp(randomBytes(length))).rejects.toThrow(RangeError);
    }
    const [row] = await listAuthorities('timestamp');
    for (const day of ['2026-05-31T23:59:59Z', '2038-06-02T00:00:00Z']) {
      const request = { digest: DIGEST, at: new Date(day), chain: [row?.pem] as [string] };
      expect(() => makeTimestampToken(request, () => randomBytes(70))).toThrow(RangeError);
    }
  });
});

describe('the timestamp of a signature', () => {
  test('covers the signature value and states the signing time of the answer', async () => {
    for (const profile of ['PADES', 'CADES'] as const) {
      const request = newRequest({ profile });
      fixture.clock.advance(1_300);
      const answer = await fixture.seals.sign({ ...request, authorisation: await fixture.authorise(request) });
      if (answer.state !== 'SIGNED') throw new Error(answer.state);
      const { signer } = parseToken(answer.signature);
      const [attribute, ...more] = signer?.unsignedAttrs?.attributes ?? [];
      expect(more).toEqual([]);
      const { info } = parseToken(new Uint8Array(attribute?.values[0].toBER()));
      const value = createHash('sha256')
        .update(signer?.signature.valueBlock.valueHexView ?? '')
        .digest();
      expect(Buffer.from(info.messageImprint.hashedMessage.valueBlock.valueHexView)).toEqual(value);
      const second = `${answer.signedAt.slice(0, 19)}.000Z`;
      expect(info.genTime.toISOString()).toBe(second);
      expect(answer.signedAt === second).toBe(profile === 'PADES');
      const [use] = await fixture.sql`select at, suite from seals.seal_use where issuance_id = ${request.issuanceId}`;
      expect(use?.at.toISOString()).toBe(answer.signedAt);
      expect(use?.suite).toBe({ PADES: 'PAdES-T-RSA3072-SHA256', CADES: 'CAdES-T-RSA3072-SHA256' }[profile]);
    }
  });

  test('of another profile is refused for the same issuance', async () => {
    const request = await fixture.request();
    const first = await signatureOf(fixture.seals, request);
    await expect(fixture.seals.sign({ ...request, profile: 'CADES' })).rejects.toMatchObject({
      code: 'SEAL_AUTHORISATION_INVALID',
    });
    expect(await signatureOf(fixture.seals, request)).toEqual(first);
  });
});

describe('the next generation', () => {
  test('of timestamp and status keys is created once when less than eight years are left; old keys are kept', async () => {
    const startTime = fixture.clock().toISOString();
    const before = await listAuthorities('timestamp');
    fixture.clock.set('2030-05-31');
    await fixture.seals.stamp(DIGEST);
    expect(await listAuthorities('timestamp')).toEqual(before);

    fixture.clock.set('2030-06-02');
    const copies = Array.from({ length: 4 }, () => fixture.openCopy());
    const tokens = await Promise.all(copies.map((copy) => copy.stamp(DIGEST)));
    for (const id of ['timestamp', 'status']) {
      const rows = await listAuthorities(id);
      expect(rows.map((row) => row.generation)).toEqual([1, 2]);
      expect(new X509Certificate(rows[1]?.pem).validTo).toContain('2042');
    }
    const [, newestRow] = await listAuthorities('timestamp');
    for (const token of tokens) {
      const { certificates } = parseToken(token);
      expect(certificates.find((item) => !item.ca)?.serialNumber).toBe(
        new X509Certificate(newestRow?.pem).serialNumber,
      );
    }

    // A copy whose clock is behind still uses the first generation.
    fixture.clock.set(startTime);
    await fixture.seals.stamp(DIGEST);
    expect(await listAuthorities('timestamp')).toHaveLength(2);
  });
});

test('an older database receives the missing keys and keeps the existing ones', async () => {
  const [{ pem: root } = { pem: '' }] = await listAuthorities('root');
  await fixture.sql`delete from seals.authority where id in ('timestamp', 'status')`;
  const code = await fixture.sql`delete from seals.seal_code_key returning seal_id`;
  expect(code).toHaveLength(2);
  await Promise.all([fixture.openCopy().prepare(), fixture.openCopy().prepare()]);
  expect(await listAuthorities('root')).toMatchObject([{ pem: root }]);
  expect([await listAuthorities('timestamp'), await listAuthorities('status')]).toMatchObject([
    [{ generation: 1 }],
    [{ generation: 1 }],
  ]);
  const rows = await fixture.sql`select name, code.certificate_pem as pem, valid_until
    from seals.seal join seals.seal_code_key code on code.seal_id = id`;
  expect(rows).toHaveLength(2);
  for (const { name, pem, valid_until } of rows) {
    const certificate = new X509Certificate(pem);
    expect(certificate.subject).toContain(`CN=${name}二维码（测试）`);
    expect(certificate.validToDate).toEqual(valid_until);
  }
  expect(await fixture.seals.signCode(await fixture.codeRequest())).toMatch(/^[\w-]+\.[\w-]+\.[\w-]{86}$/);
});
