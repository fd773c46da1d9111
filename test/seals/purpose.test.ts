import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { listAttestation } from '../support/attestation.ts';
import { CITY, CITY_MATTER, newCodeRequest, newRequest } from './requests.ts';
import {
  certificateRequest,
  type KeyName,
  listRequest,
  openSignerFixture,
  type SignerFixture,
} from './signer-fixture.ts';

let fixture: SignerFixture;
beforeAll(async () => {
  fixture = await openSignerFixture();
});

describe('a key has one purpose', () => {
  const NAMES: KeyName[] = ['root', 'issuing', 'timestamp', 'status', 'seal', 'code'];
  const USES: Record<string, [KeyName[], (name: KeyName) => Promise<unknown>]> = {
    'seal a document': [
      ['seal'],
      async (name) =>
        fixture.signer.seal(
          fixture.sealOrder(await fixture.withAuthorisation(newRequest()), { seal: fixture.keys[name] }),
        ),
    ],
    'stamp what is sealed': [
      ['timestamp'],
      async (name) =>
        fixture.signer.seal(
          fixture.sealOrder(await fixture.withAuthorisation(newRequest()), { timestamp: fixture.keys[name] }),
        ),
    ],
    'sign a code': [
      ['code'],
      async (name) =>
        fixture.signer.code(
          fixture.codeOrder(await fixture.withAuthorisation(newCodeRequest()), { code: fixture.keys[name] }),
        ),
    ],
    'certify a seal': [
      ['issuing'],
      (name) => fixture.signer.certify({ authority: fixture.keys[name], request: certificateRequest(fixture, 'seal') }),
    ],
    'certify a code': [
      ['issuing'],
      (name) => fixture.signer.certify({ authority: fixture.keys[name], request: certificateRequest(fixture, 'code') }),
    ],
    'certify an authority': [
      ['root'],
      (name) =>
        fixture.signer.certify({ authority: fixture.keys[name], request: certificateRequest(fixture, 'issuing') }),
    ],
    'certify a root': [
      ['root'],
      (name) => fixture.signer.certify({ authority: fixture.keys[name], request: certificateRequest(fixture, 'root') }),
    ],
    revoke: [
      ['root', 'issuing'],
      (name) => fixture.signer.publishList({ authority: fixture.keys[name], request: listRequest(fixture) }),
    ],
    stamp: [['timestamp'], (name) => fixture.signer.stamp({ key: fixture.keys[name], digest: Buffer.alloc(32) })],
    attest: [['status'], (name) => fixture.signer.attest({ key: fixture.keys[name], request: listAttestation() })],
    'sign a checkpoint': [
      [],
      (name) =>
        fixture.signer.checkpoint({ key: fixture.keys[name], text: `tongquan.test/log\n0\n${'A'.repeat(43)}=\n` }),
    ],
    'ask for a certificate': [
      ['seal'],
      (name) => {
        const subject = certificateRequest(fixture).subject;
        const key = new X509Certificate(fixture.keys[name].certificatePem).publicKey;
        const publicKeyPem = key.export({ type: 'spki', format: 'pem' }).toString();
        return fixture.signer.request({ key: fixture.keys[name], subject, publicKeyPem });
      },
    ],
  };
  const cases = Object.entries(USES).flatMap(([use, [allowedKeys]]) =>
    NAMES.map((name) => [name, use, allowedKeys.includes(name)] as const),
  );

  test.each(cases.filter(([, , allowedKeys]) => allowedKeys))('%s may %s', async (name, use) => {
    expect(await USES[use]?.[1](name)).toBeDefined();
  });
  test.each(cases.filter(([, , allowedKeys]) => !allowedKeys))(
    '%s may not %s: it is a fault, not a refusal',
    async (name, use) => {
      const outcome = await USES[use]?.[1](name).catch((error: unknown) => error);
      expect(outcome).toMatchObject({ name: 'Error', message: `the key ${fixture.keys[name].keyId} is not for this` });
    },
  );

  test('a key cannot be used under another id, because the envelope authenticates its id', async () => {
    const digest = Buffer.alloc(32);
    for (const name of NAMES.filter((keyName) => keyName !== 'timestamp')) {
      const key = { ...fixture.keys[name], keyId: 'timestamp' };
      await expect(fixture.signer.stamp({ key, digest }), name).rejects.toThrow('unable to authenticate');
    }
    const { citySeal, seal } = fixture.keys;
    const order = fixture.sealOrder(await fixture.withAuthorisation(newRequest()), {
      seal: { ...citySeal, keyId: seal.keyId },
    });
    await expect(fixture.signer.seal(order)).rejects.toThrow('unable to authenticate');
  });

  test('a seal key signs only what a person of its own organ authorised', async () => {
    const request = await fixture.withAuthorisation(newRequest());
    const code = await fixture.withAuthorisation(newCodeRequest());
    await expect(fixture.signer.seal(fixture.sealOrder(request, { seal: fixture.keys.citySeal }))).rejects.toThrow(
      `the key ${CITY}-approval-seal is of no seal of yudu-lyj`,
    );
    await expect(fixture.signer.code(fixture.codeOrder(code, { code: fixture.keys.cityCode }))).rejects.toThrow(
      `the key ${CITY}-approval-seal code is of no seal of yudu-lyj`,
    );
    const own = await fixture.withAuthorisation(newRequest({ organ: CITY, matterId: CITY_MATTER }));
    const { by } = await fixture.signer.seal(fixture.sealOrder(own, { seal: fixture.keys.citySeal }));
    expect(by.actor).toBe(`${CITY}.approver`);
    await expect(fixture.signer.seal(fixture.sealOrder(own))).rejects.toThrow('is of no seal of');
  });
});
