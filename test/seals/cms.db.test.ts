import { createHash, createPublicKey, generateKeyPairSync, sign, verify, X509Certificate } from 'node:crypto';
import { fromBER, type Sequence } from 'asn1js';
import { type Certificate, ContentInfo, SignedData } from 'pkijs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitSignature } from '../../scripts/split.ts';
import { sha256 } from '../../subgraphs/kernel/events/events.ts';
import { signDetached } from '../../subgraphs/seals/signer/cms.ts';
import { makeCertificate } from '../../subgraphs/seals/signer/pki.ts';
import { newRequest, STATEMENT, statementRequest, textOf } from './requests.ts';
import { openSealsFixture, type SealsFixture, signatureOf } from './seals-fixture.ts';

/** Tests signatures with independent code: asn1js and pkijs parse them, node:crypto verifies them. */

const DOCUMENT = textOf(STATEMENT);

let fixture: SealsFixture;
let signature: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  fixture = await openSealsFixture();
  const request = statementRequest();
  signature = new Uint8Array(
    await signatureOf(fixture.seals, { ...request, authorisation: await fixture.authorise(request) }),
  );
});
afterAll(() => fixture.close());

function parseSignedData(bytes: Uint8Array<ArrayBuffer>): SignedData {
  const content = new ContentInfo({ schema: fromBER(bytes.buffer).result });
  expect(content.contentType).toBe('1.2.840.113549.1.7.2');
  return new SignedData({ schema: content.content });
}

function signerOf(signedData: SignedData) {
  const [signer, ...more] = signedData.signerInfos;
  if (!signer?.signedAttrs || more.length > 0) throw new Error('one signer with signed attributes');
  return { signer, attributes: signer.signedAttrs };
}

const certificatesOf = (signedData: SignedData) =>
  (signedData.certificates ?? []).map(
    (item) => new X509Certificate(Buffer.from((item as Certificate).toSchema().toBER())),
  );

/** Returns the signed attributes as they are signed: the octets of the message, tagged SET OF. */
function signedOctets(signedData: SignedData): Buffer {
  const octets = Buffer.from(signerOf(signedData).attributes.encodedValue);
  expect(octets[0]).toBe(0x31);
  return octets;
}

/** Verifies digest and signature with node:crypto alone. Returns false if there is no signing certificate. */
function isSignatureOf(bytes: Uint8Array<ArrayBuffer>, document: Uint8Array): boolean {
  const signedData = parseSignedData(bytes);
  const { signer, attributes } = signerOf(signedData);
  const findAttributeValue = (type: string) => attributes.attributes.find((item) => item.type === type)?.values[0];
  const digest = Buffer.from(findAttributeValue('1.2.840.113549.1.9.4').valueBlock.valueHexView);
  const certificate = certificatesOf(signedData).find((item) => !item.ca);
  if (!certificate) return false;
  return (
    createHash('sha256').update(document).digest().equals(digest) &&
    verify(
      'sha256',
      signedOctets(signedData),
      certificate.publicKey,
      Buffer.from(signer.signature.valueBlock.valueHexView),
    )
  );
}

describe('the signature', () => {
  test('is detached SignedData of version 1, SHA-256 throughout, one signer', () => {
    const signedData = parseSignedData(signature);
    const { signer } = signerOf(signedData);
    expect(signedData.version).toBe(1);
    expect(signedData.encapContentInfo.eContentType).toBe('1.2.840.113549.1.7.1');
    expect(signedData.encapContentInfo.eContent).toBeUndefined();
    expect(signedData.digestAlgorithms.map((item) => item.algorithmId)).toEqual(['2.16.840.1.101.3.4.2.1']);
    expect(signer.digestAlgorithm.algorithmId).toBe('2.16.840.1.101.3.4.2.1');
    expect(signer.signatureAlgorithm.algorithmId).toBe('1.2.840.113549.1.1.11');
    const unsigned = signer.unsignedAttrs?.attributes ?? [];
    expect(unsigned.map((item) => [item.type, item.values.length])).toEqual([['1.2.840.113549.1.9.16.2.14', 1]]);
  });

  test('is DER: parsing and encoding it again returns the same octets', () => {
    expect(Buffer.from(fromBER(signature.buffer).result.toBER())).toEqual(Buffer.from(signature));
  });

  test('has its four signed attributes sorted by their octets', () => {
    const set = signedOctets(parseSignedData(signature));
    const attributes: Buffer[] = [];
    for (let at = 2 + lengthOctets(set); at < set.length; ) {
      expect(set[at]).toBe(0x30);
      const end = at + 2 + (set[at + 1] ?? 0);
      expect(set[at + 1]).toBeLessThan(0x80);
      attributes.push(set.subarray(at, end));
      at = end;
    }
    expect([...attributes].sort(Buffer.compare)).toEqual(attributes);
    const { attributes: parsedAttributes } = signerOf(parseSignedData(signature)).attributes;
    expect(parsedAttributes.map((item) => item.type).sort()).toEqual([
      '1.2.840.113549.1.9.16.2.47',
      '1.2.840.113549.1.9.3',
      '1.2.840.113549.1.9.4',
      '1.2.840.113549.1.9.5',
    ]);
    expect(attributes).toHaveLength(4);
  });

  test('names its signing certificate by SHA-256, and its signer by issuer and serial', async () => {
    const signedData = parseSignedData(signature);
    const seal = certificatesOf(signedData).find((item) => !item.ca);
    const { signer, attributes } = signerOf(signedData);
    const essCert = attributes.attributes.find((item) => item.type === '1.2.840.113549.1.9.16.2.47')?.values[0];
    const digest = sha256(seal?.raw ?? '');
    expect(Buffer.from((essCert as Sequence).toBER()).toString('hex')).toBe(`3026302430220420${digest}`);
    const serial = Buffer.from(signer.sid.serialNumber.valueBlock.valueHexView).toString('hex').toUpperCase();
    expect(serial).toBe(seal?.serialNumber);
    const issuing = certificatesOf(signedData).find((item) => item.ca);
    const issuer = Buffer.from(signer.sid.issuer.toSchema().toBER());
    expect(issuing?.raw.includes(issuer) && seal?.raw.includes(issuer)).toBe(true);
  });

  test('in a PDF has no signing time attribute, because the timestamp states the time', async () => {
    const request = newRequest();
    const answer = await signatureOf(fixture.seals, { ...request, authorisation: await fixture.authorise(request) });
    const { signer, attributes } = signerOf(parseSignedData(new Uint8Array(answer)));
    expect(attributes.attributes.map((item) => item.type).sort()).toEqual([
      '1.2.840.113549.1.9.16.2.47',
      '1.2.840.113549.1.9.3',
      '1.2.840.113549.1.9.4',
    ]);
    expect(signer.unsignedAttrs?.attributes).toHaveLength(1);
    expect(isSignatureOf(new Uint8Array(answer), splitSignature(Buffer.from(request.document)).covered)).toBe(true);
    expect(isSignatureOf(new Uint8Array(answer), request.document)).toBe(false);
  });

  test('states its signing time in UTC', () => {
    const { attributes } = signerOf(parseSignedData(signature)).attributes;
    const time = attributes.find((item) => item.type === '1.2.840.113549.1.9.5')?.values[0];
    expect(time.toDate()).toEqual(fixture.clock());
  });

  test('carries the seal certificate and the issuing certificate of the database, without the root', async () => {
    const rows =
      await fixture.sql`select certificate_pem as pem from seals.seal_certificate where seal_id = ${fixture.countySeal}
      union all select certificate_pem from seals.authority where id = 'issuing'`;
    const storedCertificates = rows.map((row) => new X509Certificate(row.pem).raw.toString('hex'));
    const carriedCertificates = certificatesOf(parseSignedData(signature)).map((item) => item.raw.toString('hex'));
    expect(carriedCertificates.sort()).toEqual(storedCertificates.sort());
    for (const item of storedCertificates) expect(Buffer.from(signature).toString('hex')).toContain(item);
  });
});

describe('verification', () => {
  test('succeeds for the document, with node:crypto and with pkijs', async () => {
    expect(isSignatureOf(signature, DOCUMENT)).toBe(true);
    const data = new Uint8Array(DOCUMENT).buffer;
    expect(await parseSignedData(signature).verify({ signer: 0, data, checkChain: false })).toBe(true);
  });

  test('fails for a document with any octet changed', async () => {
    for (let at = 0; at < DOCUMENT.length; at++) {
      const altered = new Uint8Array(DOCUMENT);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(isSignatureOf(signature, altered), `octet ${at}`).toBe(false);
    }
    const data = new Uint8Array([...DOCUMENT, 0x20]).buffer;
    await expect(parseSignedData(signature).verify({ signer: 0, data, checkChain: false })).rejects.toThrow(
      'Message digest',
    );
  });

  test('fails with any octet of a signed attribute or of the signature value changed', () => {
    const original = Buffer.from(signature);
    const attributes = signedOctets(parseSignedData(signature)).subarray(2);
    const start = original.indexOf(attributes.subarray(4));
    expect(start).toBeGreaterThan(0);
    const value = original.indexOf(
      Buffer.from(signerOf(parseSignedData(signature)).signer.signature.valueBlock.valueHexView),
    );
    const offsets = [...Array.from({ length: attributes.length - 4 }, (_, i) => start + i), value, value + 383];
    for (const at of offsets) {
      const altered = new Uint8Array(original);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(verifiesDocument(altered), `octet ${at}`).toBe(false);
    }
  });

  function verifiesDocument(bytes: Uint8Array<ArrayBuffer>): boolean {
    try {
      return isSignatureOf(bytes, DOCUMENT);
    } catch {
      return false;
    }
  }
});

test('a digest of another length than 32 bytes is rejected', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const name = { organisation: '测试', unit: '测试', commonName: '测试' };
  const chain = [
    makeCertificate(
      {
        profile: 'seal',
        subject: name,
        issuer: name,
        publicKeyPem,
        issuerPublicKeyPem: publicKeyPem,
        validFrom: new Date('2026-06-01T00:00:00Z'),
        validUntil: new Date('2029-06-01T00:00:00Z'),
      },
      (data) => sign('sha256', data, privateKey),
    ),
  ] as const;
  expect(createPublicKey(chain[0]).asymmetricKeyDetails?.modulusLength).toBe(2048);
  const signedAt = new Date('2026-06-02T00:00:00Z');
  for (const length of [0, 20, 31, 33]) {
    expect(() =>
      signDetached({ profile: 'CADES', documentDigest: Buffer.alloc(length), chain: [chain[0]], signedAt }, () =>
        Buffer.alloc(256),
      ),
    ).toThrow(RangeError);
  }
});

/** Returns the number of length octets after the first. */
function lengthOctets(der: Buffer): number {
  const first = der[1] ?? 0;
  return first < 0x80 ? 0 : first & 0x7f;
}
