import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createKeys, type GuardedKey, type KeyKind } from '../../subgraphs/seals/signer/keys.ts';
import { discloseAll, encloseOld, PARTS, privateKeyIn } from './envelopes.ts';

/** Tests envelopes of private keys (信封加密) against a reader that shares no code with the signer. */

const DATA = Buffer.from('林木采伐许可证');
const ID = 'yudu-lyj-license-seal';
const [FIRST, SECOND, THIRD] = [randomBytes(32), randomBytes(32), randomBytes(32)];

let guarded: GuardedKey;
beforeAll(async () => {
  guarded = await createKeys([FIRST]).generate(ID, 'P-256');
});

/** Returns whether the key in the envelope signs for the given public key. */
function signs(ring: Uint8Array[], envelope: Uint8Array, { publicKeyPem }: GuardedKey = guarded, id = ID): boolean {
  const signature = createKeys(ring).open(id, envelope)(DATA);
  const key = createPublicKey(publicKeyPem);
  return verify(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', DATA, key, signature);
}

function altered(envelope: Uint8Array, at: number): Uint8Array {
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
    const key = await createKeys([FIRST]).generate(ID, kind);
    expect(createPublicKey(key.publicKeyPem).asymmetricKeyDetails).toEqual(details);
    expect(signs([FIRST], key.encrypted, key)).toBe(true);
    expect(privateKeyIn(ID, key.encrypted, FIRST).asymmetricKeyDetails).toEqual(details);
  });

  test('is encrypted under the first key of the ring, with its own data key and its own nonces', async () => {
    const again = await createKeys([FIRST, SECOND]).generate(ID, 'P-256');
    for (const { encrypted } of [guarded, again]) expect(discloseAll(ID, encrypted, FIRST).own).toHaveLength(32);
    const parts = (envelope: Uint8Array) => [
      discloseAll(ID, envelope, FIRST).own.toString('hex'),
      ...[PARTS.nonce, PARTS.innerNonce].map((at) => Buffer.from(envelope.subarray(at, at + 12)).toString('hex')),
    ];
    expect(new Set([...parts(guarded.encrypted), ...parts(again.encrypted)]).size).toBe(6);
  });

  test('opens under any key of the ring, at any position', () => {
    for (const ring of [[FIRST], [FIRST, SECOND], [SECOND, FIRST], [SECOND, THIRD, FIRST]]) {
      expect(signs(ring, guarded.encrypted)).toBe(true);
    }
  });

  test('opens under no other key, and the error names the missing key', () => {
    const name = Buffer.from(guarded.encrypted.subarray(PARTS.name, PARTS.nonce)).toString('hex');
    expect(() => createKeys([SECOND, THIRD]).open(ID, guarded.encrypted)).toThrow(`no key-encryption key ${name}`);
    const named = Buffer.from(guarded.encrypted);
    // Not even if the envelope names that other key.
    named.set(
      createKeys([SECOND])
        .rewrap(ID, encloseOld(ID, DATA, SECOND))
        .subarray(0, PARTS.nonce),
    );
    expect(() => createKeys([SECOND]).open(ID, named)).toThrow('unable to authenticate');
  });

  test.each(['', 'root', `${ID} code`, ID.toUpperCase()])('does not open under the id %j', (id) => {
    const keys = createKeys([FIRST]);
    expect(() => keys.open(id, guarded.encrypted)).toThrow('unable to authenticate');
    // Nor after it was opened under its own id.
    keys.open(ID, guarded.encrypted);
    expect(() => keys.open(id, guarded.encrypted)).toThrow('unable to authenticate');
  });

  test('does not open with any octet altered', () => {
    const keys = createKeys([FIRST, SECOND]);
    for (let at = 0; at < guarded.encrypted.length; at++) {
      expect(() => keys.open(ID, altered(guarded.encrypted, at)), `octet ${at}`).toThrow();
    }
  });

  test('does not open truncated, or with trailing bytes', () => {
    const keys = createKeys([FIRST]);
    for (let length = 0; length < guarded.encrypted.length; length++) {
      expect(() => keys.open(ID, guarded.encrypted.subarray(0, length)), `${length} octets`).toThrow();
    }
    expect(() => keys.open(ID, Buffer.concat([guarded.encrypted, Buffer.alloc(1)]))).toThrow();
  });

  test('does not open with the body of another envelope of the same id', async () => {
    const other = await createKeys([FIRST]).generate(ID, 'P-256');
    const joined = Buffer.concat([
      guarded.encrypted.subarray(0, PARTS.innerNonce),
      other.encrypted.subarray(PARTS.innerNonce),
    ]);
    expect(() => createKeys([FIRST]).open(ID, joined)).toThrow('unable to authenticate');
  });

  test('signs with its own key among very many envelopes', async () => {
    const keys = createKeys([FIRST]);
    const ids = Array.from({ length: 70 }, (_, i) => `seal ${i}`);
    const made = await Promise.all(ids.map((id) => keys.generate(id, 'P-256')));
    for (let round = 0; round < 2; round++) {
      for (const [i, { publicKeyPem, encrypted }] of made.entries()) {
        const signature = keys.open(ids[i] ?? '', encrypted)(DATA);
        expect(verify('sha256', DATA, publicKeyPem, signature)).toBe(true);
      }
    }
  });
});

describe('a key rewrapped into a new envelope', () => {
  test('is the same key under the newest key-encryption key, and the old envelope still opens', () => {
    const again = createKeys([SECOND, FIRST]).rewrap(ID, guarded.encrypted);
    expect(discloseAll(ID, again, SECOND).plain).toEqual(discloseAll(ID, guarded.encrypted, FIRST).plain);
    expect(discloseAll(ID, again, SECOND).own).not.toEqual(discloseAll(ID, guarded.encrypted, FIRST).own);
    expect(signs([SECOND], again)).toBe(true);
    expect(signs([SECOND, FIRST], guarded.encrypted)).toBe(true);
    expect(() => createKeys([FIRST]).open(ID, again)).toThrow('no key-encryption key');
  });
  test('is unchanged if it is under the newest key already', () => {
    expect(createKeys([FIRST, SECOND]).rewrap(ID, guarded.encrypted)).toEqual(guarded.encrypted);
  });
  test('is refused if the old envelope does not open', () => {
    const keys = createKeys([SECOND, FIRST]);
    expect(() => keys.rewrap('another', guarded.encrypted)).toThrow('unable to authenticate');
    for (const at of Object.values(PARTS)) {
      expect(() => keys.rewrap(ID, altered(guarded.encrypted, at)), `octet ${at}`).toThrow();
    }
    expect(() => createKeys([THIRD, SECOND]).rewrap(ID, guarded.encrypted)).toThrow('no key-encryption key');
  });
});

describe('a key in the format of earlier releases', () => {
  let old: Uint8Array;
  beforeAll(() => {
    old = encloseOld(ID, discloseAll(ID, guarded.encrypted, FIRST).plain, FIRST);
  });

  test('opens under the key-encryption key that encrypted it', () => {
    for (const ring of [[FIRST], [SECOND, FIRST], [FIRST, SECOND]]) expect(signs(ring, old)).toBe(true);
    expect(() => createKeys([SECOND, THIRD]).open(ID, old)).toThrow('unable to authenticate');
    expect(() => createKeys([FIRST]).open('another', old)).toThrow('unable to authenticate');
    for (const at of [0, 12, 28, old.length - 1]) {
      expect(() => createKeys([FIRST]).open(ID, altered(old, at)), `octet ${at}`).toThrow();
    }
  });
  test('is rewrapped into an envelope, under the same key-encryption key or another', () => {
    for (const ring of [[FIRST], [SECOND, FIRST]]) {
      const again = createKeys(ring).rewrap(ID, old);
      const { plain } = discloseAll(ID, again, ring[0] ?? FIRST);
      expect(plain).toEqual(discloseAll(ID, guarded.encrypted, FIRST).plain);
      expect(signs(ring, again)).toBe(true);
    }
  });
});

test.each([[[]], [[randomBytes(16)]], [[FIRST, randomBytes(31)]], [[randomBytes(0)]]])(
  'a ring without keys, or with a key of another length than 32 bytes, is rejected',
  (ring) => {
    expect(() => createKeys(ring)).toThrow(RangeError);
  },
);
