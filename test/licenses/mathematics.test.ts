import { constants, createHash, privateEncrypt, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHM, type PublicKey, readCertificate } from '../../subgraphs/licenses/verify/format/certificate.ts';
import { isSignatureValid } from '../../subgraphs/licenses/verify/format/mathematics.ts';
import { der, oid } from '../library/authority.ts';
import { asn1Null, createEcPair, createRsaPair, issueCertificate } from '../support/pki-builder.ts';
import { flipBit, sequence } from '../support/vectors.ts';

/**
 * The classes of wrong RSA and ECDSA signatures that Project Wycheproof collects.
 * The function that checks every signature must refuse all of them.
 */

const MESSAGE = Buffer.from('同权');
const SHA256 = oid('2.16.840.1.101.3.4.2.1');
const digest = createHash('sha256').update(MESSAGE).digest();
const rsaPair = createRsaPair();
const exponent3Pair = createRsaPair(3072, 3);
const KEY_BYTES = 384;
const keyOf = (keyPair: ReturnType<typeof createRsaPair>): PublicKey =>
  readCertificate(issueCertificate({ pair: keyPair, isCa: true }).certificate).key;
const rsaPublicKey = keyOf(rsaPair);
const isAccepted = (signature: Buffer, publicKey = rsaPublicKey) =>
  isSignatureValid(publicKey, { signed: MESSAGE, algorithm: ALGORITHM.rsaSha256, signature });

/** Raw RSA over an encoded message, so that a test can make every octet of the padding wrong. */
const signRaw = (encoded: Buffer, signerPair = rsaPair) =>
  privateEncrypt({ key: signerPair.privateKey, padding: constants.RSA_NO_PADDING }, encoded);
const digestInfo = (algorithm: Buffer = sequence(SHA256, asn1Null), hash = digest) =>
  sequence(algorithm, der(0x04, hash));
const padDigestInfo = (content: Buffer, head = [0, 1], fill = 0xff, separator = 0) => {
  const length = KEY_BYTES - head.length - 1 - content.length;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, fill), Buffer.from([separator]), content]);
};
/** A DigestInfo with one of its lengths in long form. */
const toLongForm = (at: number, content = digestInfo()) => {
  const bytes = Buffer.concat([content.subarray(0, at), Buffer.from([0x81]), content.subarray(at)]);
  return bytes;
};
const padTooShort = (content: Buffer, count: number, trailing: number) =>
  Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(count, 0xff), Buffer.from([0]), content, Buffer.alloc(trailing)]);
const trailingBytes = KEY_BYTES - 3 - 8 - digestInfo().length;
const sha1 = createHash('sha1').update(MESSAGE).digest();
const SHA1_INFO = sequence(sequence(oid('1.3.14.3.2.26'), asn1Null), der(0x04, sha1));

describe('RSASSA-PKCS1-v1_5', () => {
  test('accepts the only correct encoding', () => {
    const signature = sign('sha256', MESSAGE, rsaPair.privateKey);
    expect(isAccepted(signature)).toBe(true);
    expect(signRaw(padDigestInfo(digestInfo())).equals(signature)).toBe(true);
  });
  test.each<[string, Buffer]>([
    ['NULL missing', signRaw(padDigestInfo(digestInfo(sequence(SHA256))))],
    ['NULL with contents', signRaw(padDigestInfo(digestInfo(sequence(SHA256, der(0x05, Buffer.from([0]))))))],
    ['parameters of another type', signRaw(padDigestInfo(digestInfo(sequence(SHA256, der(0x04)))))],
    ['garbage after the parameters', signRaw(padDigestInfo(digestInfo(sequence(SHA256, asn1Null, asn1Null))))],
    [
      'garbage after the digest',
      signRaw(padDigestInfo(sequence(sequence(SHA256, asn1Null), der(0x04, digest), asn1Null))),
    ],
    [
      'garbage after the DigestInfo, padding shortened (e = 3 forgery)',
      signRaw(padTooShort(digestInfo(), 8, trailingBytes)),
    ],
    [
      'garbage within the DigestInfo, padding shortened',
      signRaw(padTooShort(Buffer.concat([digestInfo(), Buffer.alloc(0)]), 9, trailingBytes - 1)),
    ],
    ['length of the outer sequence in long form', signRaw(padDigestInfo(toLongForm(1)))],
    ['length of the algorithm in long form', signRaw(padDigestInfo(toLongForm(3)))],
    ['length of the digest in long form', signRaw(padDigestInfo(toLongForm(digestInfo().length - 33)))],
    [
      'indefinite length',
      signRaw(padDigestInfo(Buffer.concat([Buffer.from([0x30, 0x80]), digestInfo().subarray(2), Buffer.alloc(2)]))),
    ],
    ['digest cut short', signRaw(padDigestInfo(digestInfo(undefined, digest.subarray(0, 31))))],
    ['digest too long', signRaw(padDigestInfo(digestInfo(undefined, Buffer.concat([digest, Buffer.from([0])]))))],
    ['digest alone, without DigestInfo', signRaw(padDigestInfo(digest))],
    ['SHA-1 instead of SHA-256', signRaw(padDigestInfo(SHA1_INFO))],
    ['another digest', signRaw(padDigestInfo(digestInfo(undefined, createHash('sha256').update('other').digest())))],
    ['block type 0', signRaw(padDigestInfo(digestInfo(), [0, 0]))],
    ['block type 2', signRaw(padDigestInfo(digestInfo(), [0, 2]))],
    ['first octet not zero', signRaw(padDigestInfo(digestInfo(), [1, 1]))],
    ['padding of other octets', signRaw(padDigestInfo(digestInfo(), [0, 1], 0xfe))],
    ['padding of zeros', signRaw(padDigestInfo(digestInfo(), [0, 1], 0))],
    ['separator missing', signRaw(padDigestInfo(digestInfo(), [0, 1], 0xff, 0xff))],
    ['no padding at all', signRaw(Buffer.concat([Buffer.alloc(KEY_BYTES - digestInfo().length), digestInfo()]))],
    ['PSS', sign('sha256', MESSAGE, { key: rsaPair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })],
    ['signature 0', Buffer.alloc(KEY_BYTES)],
    ['signature 1', Buffer.concat([Buffer.alloc(KEY_BYTES - 1), Buffer.from([1])])],
    ['a zero octet added at the start', Buffer.concat([Buffer.from([0]), sign('sha256', MESSAGE, rsaPair.privateKey)])],
    ['an octet removed at the start', sign('sha256', MESSAGE, rsaPair.privateKey).subarray(1)],
    ['an octet added at the end', Buffer.concat([sign('sha256', MESSAGE, rsaPair.privateKey), Buffer.from([0])])],
    ['empty', Buffer.alloc(0)],
    ['another key', sign('sha256', MESSAGE, exponent3Pair.privateKey)],
    ['a changed bit', flipBit(sign('sha256', MESSAGE, rsaPair.privateKey), 200)],
  ])('refuses: %s', (_, signature) => {
    expect(isAccepted(signature)).toBe(false);
  });
  test('refuses a cube root with trailing garbage for a key of exponent 3 (Bleichenbacher 2006)', () => {
    const targetCube = BigInt(`0x${padTooShort(digestInfo(), 8, trailingBytes).toString('hex')}`);
    let root = 1n;
    let high = 1n << BigInt(KEY_BYTES * 8);
    while (root < high - 1n) {
      const middle = (root + high) / 2n;
      if (middle ** 3n <= targetCube) root = middle;
      else high = middle;
    }
    const forgedSignature = Buffer.from((root + 1n).toString(16).padStart(KEY_BYTES * 2, '0'), 'hex');
    // The forgery starts like a valid signature. A lenient parser reads no further.
    const forgedEncoding = ((root + 1n) ** 3n).toString(16).padStart(KEY_BYTES * 2, '0');
    expect(forgedEncoding.slice(0, 2 * (11 + digestInfo().length))).toBe(
      padTooShort(digestInfo(), 8, trailingBytes)
        .toString('hex')
        .slice(0, 2 * (11 + digestInfo().length)),
    );
    expect(isAccepted(forgedSignature, keyOf(exponent3Pair))).toBe(false);
  });
});

describe('ECDSA', () => {
  const ecPair = createEcPair();
  const ecPublicKey = readCertificate(
    issueCertificate({ pair: ecPair, issuer: issueCertificate({ isCa: true, pair: rsaPair }) }).certificate,
  ).key;
  const validSignature = sign('sha256', MESSAGE, ecPair.privateKey);
  const isAcceptedByEc = (signature: Buffer, publicKey = ecPublicKey) =>
    isSignatureValid(publicKey, { signed: MESSAGE, algorithm: ALGORITHM.ecdsaSha256, signature });
  const [r = Buffer.alloc(0), s = Buffer.alloc(0)] = splitIntegers(validSignature);
  const curveOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const encodeInteger = (value: bigint) => {
    const hex = value.toString(16);
    const evenHex = hex.length % 2 ? `0${hex}` : hex;
    return der(0x02, Buffer.from(Number.parseInt(evenHex.slice(0, 2), 16) >= 0x80 ? `00${evenHex}` : evenHex, 'hex'));
  };
  const toBigInt = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
  const reencodeInteger = (bytes: Buffer) => encodeInteger(toBigInt(bytes));

  test('accepts a correct signature', () => {
    expect(isAcceptedByEc(validSignature)).toBe(true);
    expect(sequence(reencodeInteger(r), reencodeInteger(s)).equals(validSignature)).toBe(true);
  });
  test.each<[string, Buffer]>([
    ['r and s without DER (IEEE P1363)', Buffer.concat([r.subarray(-32), s.subarray(-32)])],
    ['r = 0, s = 0', sequence(encodeInteger(0n), encodeInteger(0n))],
    ['r = 1, s = 0', sequence(encodeInteger(1n), encodeInteger(0n))],
    [
      'r and s plus the order',
      sequence(encodeInteger(toBigInt(r) + curveOrder), encodeInteger(toBigInt(s) + curveOrder)),
    ],
    ['r negative', sequence(der(0x02, Buffer.from([0xff])), reencodeInteger(s))],
    ['s equal to the order', sequence(reencodeInteger(r), encodeInteger(curveOrder))],
    ['a padded number', sequence(der(0x02, Buffer.from([0, 0]), r), reencodeInteger(s))],
    ['a third number', sequence(reencodeInteger(r), reencodeInteger(s), encodeInteger(0n))],
    ['trailing garbage', Buffer.concat([validSignature, Buffer.from([0])])],
    ['a length in long form', Buffer.concat([Buffer.from([0x30, 0x81]), validSignature.subarray(1)])],
    ['indefinite length', Buffer.concat([Buffer.from([0x30, 0x80]), validSignature.subarray(2), Buffer.alloc(2)])],
    ['a set', Buffer.concat([Buffer.from([0x31]), validSignature.subarray(1)])],
    ['cut short', validSignature.subarray(0, -1)],
    ['empty', Buffer.alloc(0)],
    ['a changed bit', flipBit(validSignature)],
  ])('refuses: %s', (_, signature) => {
    expect(isAcceptedByEc(signature)).toBe(false);
  });
  test('refuses a key of the other kind and an unknown algorithm', () => {
    expect(isAcceptedByEc(sign('sha256', MESSAGE, rsaPair.privateKey), rsaPublicKey)).toBe(false);
    expect(
      isSignatureValid(ecPublicKey, { signed: MESSAGE, algorithm: ALGORITHM.rsaSha256, signature: validSignature }),
    ).toBe(false);
    expect(isSignatureValid(ecPublicKey, { signed: MESSAGE, algorithm: '', signature: validSignature })).toBe(false);
  });
});

function splitIntegers(signature: Buffer): Buffer[] {
  const length = signature[3] ?? 0;
  return [signature.subarray(4, 4 + length), signature.subarray(6 + length)];
}
