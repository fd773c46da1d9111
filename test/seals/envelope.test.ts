import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createKeys, type GuardedKey, type KeyKind } from '../../subgraphs/seals/signer/keys.ts';
import { encryptInOldFormat, openEnvelope, openPrivateKey, PARTS } from './envelopes.ts';

/** Tests envelopes of private keys (信封加密) against a reader that shares no code with the signer. */

const DATA = Buffer.from('林木采伐许可证');
const KEY_ID = 'yudu-lyj-license-seal';
const [FIRST_KEK, SECOND_KEK, THIRD_KEK] = [randomBytes(32), randomBytes(32), randomBytes(32)];

let generatedKey: GuardedKey;
beforeAll(async () => {
  generatedKey = await createKeys([FIRST_KEK]).generate(KEY_ID, 'P-256');
});

/** Returns whether the key in the envelope signs for the given public key. */
function signsWithKey(
  ring: Uint8Array[],
  envelope: Uint8Array,
  { publicKeyPem }: GuardedKey = generatedKey,
  id = KEY_ID,
): boolean {
  const signature = createKeys(ring).open(id, envelope)(DATA);
  const key = createPublicKey(publicKeyPem);
  return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', DATA, key, signature);
}

function flipBit(envelope: Uint8Array, at: number): Uint8Array {
  const bytes = Buffer.from(envelope);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

describe('an envelope', () => {
  test.each<[KeyKind, unknown]>([
    ['RSA-3072', { modulusLength: 3072, publicExponent: 65537n }],
    ['P-256', { namedCurve: 'prime256v1' }],
    ['Ed25519', {}],
  ])('contains a key of type %s, which signs with its own digest', async (kind, details) => {
    const key = await createKeys([FIRST_KEK]).generate(KEY_ID, kind);
    expect(createPublicKey(key.publicKeyPem).asymmetricKeyDetails).toEqual(details);
    expect(signsWithKey([FIRST_KEK], key.encrypted, key)).toBe(true);
    expect(openPrivateKey(KEY_ID, key.encrypted, FIRST_KEK).asymmetricKeyDetails).toEqual(details);
  });

  test('is encrypted under the first key of the ring, with its own data key and its own nonces', async () => {
    const again = await createKeys([FIRST_KEK, SECOND_KEK]).generate(KEY_ID, 'P-256');
    for (const { encrypted } of [generatedKey, again])
      expect(openEnvelope(KEY_ID, encrypted, FIRST_KEK).own).toHaveLength(32);
    const parts = (envelope: Uint8Array) => [
      openEnvelope(KEY_ID, envelope, FIRST_KEK).own.toString('hex'),
      ...[PARTS.nonce, PARTS.innerNonce].map((at) => Buffer.from(envelope.subarray(at, at + 12)).toString('hex')),
    ];
    expect(new Set([...parts(generatedKey.encrypted), ...parts(again.encrypted)]).size).toBe(6);
  });

  test('opens under any key of the ring, at any position', () => {
    for (const ring of [
      [FIRST_KEK],
      [FIRST_KEK, SECOND_KEK],
      [SECOND_KEK, FIRST_KEK],
      [SECOND_KEK, THIRD_KEK, FIRST_KEK],
    ]) {
      expect(signsWithKey(ring, generatedKey.encrypted)).toBe(true);
    }
  });

  test('opens under no other key, and the error names the missing key', () => {
    const name = Buffer.from(generatedKey.encrypted.subarray(PARTS.name, PARTS.nonce)).toString('hex');
    expect(() => createKeys([SECOND_KEK, THIRD_KEK]).open(KEY_ID, generatedKey.encrypted)).toThrow(
      `no key-encryption key ${name}`,
    );
    const named = Buffer.from(generatedKey.encrypted);
    // Not even if the envelope names that other key.
    named.set(
      createKeys([SECOND_KEK])
        .rewrap(KEY_ID, encryptInOldFormat(KEY_ID, DATA, SECOND_KEK))
        .subarray(0, PARTS.nonce),
    );
    expect(() => createKeys([SECOND_KEK]).open(KEY_ID, named)).toThrow('unable to authenticate');
  });

  test.each(['', 'root', `${KEY_ID} code`, KEY_ID.toUpperCase()])('does not open under the id %j', (id) => {
    const keys = createKeys([FIRST_KEK]);
    expect(() => keys.open(id, generatedKey.encrypted)).toThrow('unable to authenticate');
    // Nor after it was opened under its own id.
    keys.open(KEY_ID, generatedKey.encrypted);
    expect(() => keys.open(id, generatedKey.encrypted)).toThrow('unable to authenticate');
  });

  test('does not open with any octet altered', () => {
    const keys = createKeys([FIRST_KEK, SECOND_KEK]);
    for (let at = 0; at < generatedKey.encrypted.length; at++) {
      expect(() => keys.open(KEY_ID, flipBit(generatedKey.encrypted, at)), `octet ${at}`).toThrow();
    }
  });

  test('does not open truncated, or with trailing bytes', () => {
    const keys = createKeys([FIRST_KEK]);
    for (let length = 0; length < generatedKey.encrypted.length; length++) {
      expect(() => keys.open(KEY_ID, generatedKey.encrypted.subarray(0, length)), `${length} octets`).toThrow();
    }
    expect(() => keys.open(KEY_ID, Buffer.concat([generatedKey.encrypted, Buffer.alloc(1)]))).toThrow();
  });

  test('does not open with the body of another envelope of the same id', async () => {
    const other = await createKeys([FIRST_KEK]).generate(KEY_ID, 'P-256');
    const mixedEnvelope = Buffer.concat([
      generatedKey.encrypted.subarray(0, PARTS.innerNonce),
      other.encrypted.subarray(PARTS.innerNonce),
    ]);
    expect(() => createKeys([FIRST_KEK]).open(KEY_ID, mixedEnvelope)).toThrow('unable to authenticate');
  });

  test('signs with its own key among very many envelopes', async () => {
    const keys = createKeys([FIRST_KEK]);
    const ids = Array.from({ length: 70 }, (_, i) => `seal ${i}`);
    const generatedKeys = await Promise.all(ids.map((id) => keys.generate(id, 'P-256')));
    for (let round = 0; round < 2; round++) {
      for (const [i, { publicKeyPem, encrypted }] of generatedKeys.entries()) {
        const signature = keys.open(ids[i] ?? '', encrypted)(DATA);
        expect(verify('sha256', DATA, publicKeyPem, signature)).toBe(true);
      }
    }
  });
});

describe('a key rewrapped into a new envelope', () => {
  test('is the same key under the newest key-encryption key, and the old envelope still opens', () => {
    const again = createKeys([SECOND_KEK, FIRST_KEK]).rewrap(KEY_ID, generatedKey.encrypted);
    expect(openEnvelope(KEY_ID, again, SECOND_KEK).plain).toEqual(
      openEnvelope(KEY_ID, generatedKey.encrypted, FIRST_KEK).plain,
    );
    expect(openEnvelope(KEY_ID, again, SECOND_KEK).own).not.toEqual(
      openEnvelope(KEY_ID, generatedKey.encrypted, FIRST_KEK).own,
    );
    expect(signsWithKey([SECOND_KEK], again)).toBe(true);
    expect(signsWithKey([SECOND_KEK, FIRST_KEK], generatedKey.encrypted)).toBe(true);
    expect(() => createKeys([FIRST_KEK]).open(KEY_ID, again)).toThrow('no key-encryption key');
  });
  test('is unchanged if it is under the newest key already', () => {
    expect(createKeys([FIRST_KEK, SECOND_KEK]).rewrap(KEY_ID, generatedKey.encrypted)).toEqual(generatedKey.encrypted);
  });
  test('is refused if the old envelope does not open', () => {
    const keys = createKeys([SECOND_KEK, FIRST_KEK]);
    expect(() => keys.rewrap('another', generatedKey.encrypted)).toThrow('unable to authenticate');
    for (const at of Object.values(PARTS)) {
      expect(() => keys.rewrap(KEY_ID, flipBit(generatedKey.encrypted, at)), `octet ${at}`).toThrow();
    }
    expect(() => createKeys([THIRD_KEK, SECOND_KEK]).rewrap(KEY_ID, generatedKey.encrypted)).toThrow(
      'no key-encryption key',
    );
  });
});

describe('a key in the format of earlier releases', () => {
  let oldEnvelope: Uint8Array;
  beforeAll(() => {
    oldEnvelope = encryptInOldFormat(KEY_ID, openEnvelope(KEY_ID, generatedKey.encrypted, FIRST_KEK).plain, FIRST_KEK);
  });

  test('opens under the key-encryption key that encrypted it', () => {
    for (const ring of [[FIRST_KEK], [SECOND_KEK, FIRST_KEK], [FIRST_KEK, SECOND_KEK]])
      expect(signsWithKey(ring, oldEnvelope)).toBe(true);
    expect(() => createKeys([SECOND_KEK, THIRD_KEK]).open(KEY_ID, oldEnvelope)).toThrow('unable to authenticate');
    expect(() => createKeys([FIRST_KEK]).open('another', oldEnvelope)).toThrow('unable to authenticate');
    for (const at of [0, 12, 28, oldEnvelope.length - 1]) {
      expect(() => createKeys([FIRST_KEK]).open(KEY_ID, flipBit(oldEnvelope, at)), `octet ${at}`).toThrow();
    }
  });
  test('is rewrapped into an envelope, under the same key-encryption key or another', () => {
    for (const ring of [[FIRST_KEK], [SECOND_KEK, FIRST_KEK]]) {
      const again = createKeys(ring).rewrap(KEY_ID, oldEnvelope);
      const { plain } = openEnvelope(KEY_ID, again, ring[0] ?? FIRST_KEK);
      expect(plain).toEqual(openEnvelope(KEY_ID, generatedKey.encrypted, FIRST_KEK).plain);
      expect(signsWithKey(ring, again)).toBe(true);
    }
  });
});

test.each([[[]], [[randomBytes(16)]], [[FIRST_KEK, randomBytes(31)]], [[randomBytes(0)]]])(
  'a ring without keys, or with a key of another length than 32 bytes, is rejected',
  (ring) => {
    expect(() => createKeys(ring)).toThrow(RangeError);
  },
);
