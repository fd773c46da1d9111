import { constants, createHash, privateEncrypt, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHM, type PublicKey, readCertificate } from '../../subgraphs/licenses/verify/certificate.ts';
import { verifies } from '../../subgraphs/licenses/verify/mathematics.ts';
import { der, oid } from '../library/authority.ts';
import { certify, newEc, newRsa, nothing } from '../support/forge.ts';
import { flip, sequence } from '../support/vectors.ts';

/**
 * The classes of wrong RSA and ECDSA signatures that Project Wycheproof collects.
 * The function that checks every signature must refuse all of them.
 */

const MESSAGE = Buffer.from('同权');
const SHA256 = oid('2.16.840.1.101.3.4.2.1');
const digest = createHash('sha256').update(MESSAGE).digest();
const pair = newRsa();
const threes = newRsa(3072, 3);
const BYTES = 384;
const keyOf = (of: ReturnType<typeof newRsa>): PublicKey =>
  readCertificate(certify({ pair: of, isCa: true }).certificate).key;
const key = keyOf(pair);
const takes = (signature: Buffer, given = key) =>
  verifies(given, { signed: MESSAGE, algorithm: ALGORITHM.rsaSha256, signature });

/** Raw RSA over an encoded message, so that a test can make every octet of the padding wrong. */
const raw = (encoded: Buffer, by = pair) =>
  privateEncrypt({ key: by.privateKey, padding: constants.RSA_NO_PADDING }, encoded);
const info = (algorithm: Buffer = sequence(SHA256, nothing), hash = digest) => sequence(algorithm, der(0x04, hash));
const padded = (content: Buffer, head = [0, 1], fill = 0xff, separator = 0) => {
  const length = BYTES - head.length - 1 - content.length;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(length, fill), Buffer.from([separator]), content]);
};
/** A DigestInfo with one of its lengths in long form. */
const longForm = (at: number, content = info()) => {
  const bytes = Buffer.concat([content.subarray(0, at), Buffer.from([0x81]), content.subarray(at)]);
  return bytes;
};
const short = (content: Buffer, count: number, trailing: number) =>
  Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(count, 0xff), Buffer.from([0]), content, Buffer.alloc(trailing)]);
const rest = BYTES - 3 - 8 - info().length;
const sha1 = createHash('sha1').update(MESSAGE).digest();
const SHA1_INFO = sequence(sequence(oid('1.3.14.3.2.26'), nothing), der(0x04, sha1));

describe('RSASSA-PKCS1-v1_5', () => {
  test('accepts the only correct encoding', () => {
    const signature = sign('sha256', MESSAGE, pair.privateKey);
    expect(takes(signature)).toBe(true);
    expect(raw(padded(info())).equals(signature)).toBe(true);
  });
  test.each<[string, Buffer]>([
    ['NULL missing', raw(padded(info(sequence(SHA256))))],
    ['NULL with contents', raw(padded(info(sequence(SHA256, der(0x05, Buffer.from([0]))))))],
    ['parameters of another type', raw(padded(info(sequence(SHA256, der(0x04)))))],
    ['garbage after the parameters', raw(padded(info(sequence(SHA256, nothing, nothing))))],
    ['garbage after the digest', raw(padded(sequence(sequence(SHA256, nothing), der(0x04, digest), nothing)))],
    ['garbage after the DigestInfo, padding shortened (e = 3 forgery)', raw(short(info(), 8, rest))],
    [
      'garbage within the DigestInfo, padding shortened',
      raw(short(Buffer.concat([info(), Buffer.alloc(0)]), 9, rest - 1)),
    ],
    ['length of the outer sequence in long form', raw(padded(longForm(1)))],
    ['length of the algorithm in long form', raw(padded(longForm(3)))],
    ['length of the digest in long form', raw(padded(longForm(info().length - 33)))],
    ['indefinite length', raw(padded(Buffer.concat([Buffer.from([0x30, 0x80]), info().subarray(2), Buffer.alloc(2)])))],
    ['digest cut short', raw(padded(info(undefined, digest.subarray(0, 31))))],
    ['digest too long', raw(padded(info(undefined, Buffer.concat([digest, Buffer.from([0])]))))],
    ['digest alone, without DigestInfo', raw(padded(digest))],
    ['SHA-1 instead of SHA-256', raw(padded(SHA1_INFO))],
    ['another digest', raw(padded(info(undefined, createHash('sha256').update('other').digest())))],
    ['block type 0', raw(padded(info(), [0, 0]))],
    ['block type 2', raw(padded(info(), [0, 2]))],
    ['first octet not zero', raw(padded(info(), [1, 1]))],
    ['padding of other octets', raw(padded(info(), [0, 1], 0xfe))],
    ['padding of zeros', raw(padded(info(), [0, 1], 0))],
    ['separator missing', raw(padded(info(), [0, 1], 0xff, 0xff))],
    ['no padding at all', raw(Buffer.concat([Buffer.alloc(BYTES - info().length), info()]))],
    ['PSS', sign('sha256', MESSAGE, { key: pair.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING })],
    ['signature 0', Buffer.alloc(BYTES)],
    ['signature 1', Buffer.concat([Buffer.alloc(BYTES - 1), Buffer.from([1])])],
    ['a zero octet added at the start', Buffer.concat([Buffer.from([0]), sign('sha256', MESSAGE, pair.privateKey)])],
    ['an octet removed at the start', sign('sha256', MESSAGE, pair.privateKey).subarray(1)],
    ['an octet added at the end', Buffer.concat([sign('sha256', MESSAGE, pair.privateKey), Buffer.from([0])])],
    ['empty', Buffer.alloc(0)],
    ['another key', sign('sha256', MESSAGE, threes.privateKey)],
    ['a changed bit', flip(sign('sha256', MESSAGE, pair.privateKey), 200)],
  ])('refuses: %s', (_, signature) => {
    expect(takes(signature)).toBe(false);
  });
  test('refuses a cube root with trailing garbage for a key of exponent 3 (Bleichenbacher 2006)', () => {
    const wanted = BigInt(`0x${short(info(), 8, rest).toString('hex')}`);
    let root = 1n;
    let high = 1n << BigInt(BYTES * 8);
    while (root < high - 1n) {
      const middle = (root + high) / 2n;
      if (middle ** 3n <= wanted) root = middle;
      else high = middle;
    }
    const forged = Buffer.from((root + 1n).toString(16).padStart(BYTES * 2, '0'), 'hex');
    // The forgery starts like a valid signature. A lenient parser reads no further.
    const begins = ((root + 1n) ** 3n).toString(16).padStart(BYTES * 2, '0');
    expect(begins.slice(0, 2 * (11 + info().length))).toBe(
      short(info(), 8, rest)
        .toString('hex')
        .slice(0, 2 * (11 + info().length)),
    );
    expect(takes(forged, keyOf(threes))).toBe(false);
  });
});

describe('ECDSA', () => {
  const ec = newEc();
  const ecKey = readCertificate(certify({ pair: ec, issuer: certify({ isCa: true, pair }) }).certificate).key;
  const good = sign('sha256', MESSAGE, ec.privateKey);
  const judge = (signature: Buffer, given = ecKey) =>
    verifies(given, { signed: MESSAGE, algorithm: ALGORITHM.ecdsaSha256, signature });
  const [r = Buffer.alloc(0), s = Buffer.alloc(0)] = parts(good);
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const number = (value: bigint) => {
    const hex = value.toString(16);
    const even = hex.length % 2 ? `0${hex}` : hex;
    return der(0x02, Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, 'hex'));
  };
  const value = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
  const integerOf = (bytes: Buffer) => number(value(bytes));

  test('accepts a correct signature', () => {
    expect(judge(good)).toBe(true);
    expect(sequence(integerOf(r), integerOf(s)).equals(good)).toBe(true);
  });
  test.each<[string, Buffer]>([
    ['r and s without DER (IEEE P1363)', Buffer.concat([r.subarray(-32), s.subarray(-32)])],
    ['r = 0, s = 0', sequence(number(0n), number(0n))],
    ['r = 1, s = 0', sequence(number(1n), number(0n))],
    ['r and s plus the order', sequence(number(value(r) + order), number(value(s) + order))],
    ['r negative', sequence(der(0x02, Buffer.from([0xff])), integerOf(s))],
    ['s equal to the order', sequence(integerOf(r), number(order))],
    ['a padded number', sequence(der(0x02, Buffer.from([0, 0]), r), integerOf(s))],
    ['a third number', sequence(integerOf(r), integerOf(s), number(0n))],
    ['trailing garbage', Buffer.concat([good, Buffer.from([0])])],
    ['a length in long form', Buffer.concat([Buffer.from([0x30, 0x81]), good.subarray(1)])],
    ['indefinite length', Buffer.concat([Buffer.from([0x30, 0x80]), good.subarray(2), Buffer.alloc(2)])],
    ['a set', Buffer.concat([Buffer.from([0x31]), good.subarray(1)])],
    ['cut short', good.subarray(0, -1)],
    ['empty', Buffer.alloc(0)],
    ['a changed bit', flip(good)],
  ])('refuses: %s', (_, signature) => {
    expect(judge(signature)).toBe(false);
  });
  test('refuses a key of the other kind and an unknown algorithm', () => {
    expect(judge(sign('sha256', MESSAGE, pair.privateKey), key)).toBe(false);
    expect(verifies(ecKey, { signed: MESSAGE, algorithm: ALGORITHM.rsaSha256, signature: good })).toBe(false);
    expect(verifies(ecKey, { signed: MESSAGE, algorithm: '', signature: good })).toBe(false);
  });
});

function parts(signature: Buffer): Buffer[] {
  const length = signature[3] ?? 0;
  return [signature.subarray(4, 4 + length), signature.subarray(6 + length)];
}
