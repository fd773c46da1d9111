import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificateRequest, type Desk, type KeyName, listRequest, openDesk } from './desk.ts';
import { CITY, CITY_MATTER, newCodeRequest, newRequest } from './requests.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});

describe('a key has one purpose', () => {
  const NAMES: KeyName[] = ['root', 'issuing', 'timestamp', 'status', 'seal', 'code'];
  const USES: Record<string, [KeyName[], (name: KeyName) => Promise<unknown>]> = {
    'seal a document': [
      ['seal'],
      async (name) => desk.signer.seal(desk.sealOrder(await desk.authorised(newRequest()), { seal: desk.keys[name] })),
    ],
    'stamp what is sealed': [
      ['timestamp'],
      async (name) =>
        desk.signer.seal(desk.sealOrder(await desk.authorised(newRequest()), { timestamp: desk.keys[name] })),
    ],
    'sign a code': [
      ['code'],
      async (name) =>
        desk.signer.code(desk.codeOrder(await desk.authorised(newCodeRequest()), { code: desk.keys[name] })),
    ],
    'certify a seal': [
      ['issuing'],
      (name) => desk.signer.certify({ authority: desk.keys[name], request: certificateRequest(desk, 'seal') }),
    ],
    'certify a code': [
      ['issuing'],
      (name) => desk.signer.certify({ authority: desk.keys[name], request: certificateRequest(desk, 'code') }),
    ],
    'certify an authority': [
      ['root'],
      (name) => desk.signer.certify({ authority: desk.keys[name], request: certificateRequest(desk, 'issuing') }),
    ],
    'certify a root': [
      ['root'],
      (name) => desk.signer.certify({ authority: desk.keys[name], request: certificateRequest(desk, 'root') }),
    ],
    revoke: [
      ['root', 'issuing'],
      (name) => desk.signer.publishList({ authority: desk.keys[name], request: listRequest(desk) }),
    ],
    stamp: [['timestamp'], (name) => desk.signer.stamp({ key: desk.keys[name], digest: Buffer.alloc(32) })],
    attest: [
      ['status'],
      (name) => desk.signer.attest({ key: desk.keys[name], request: { typ: 'statuslist+jwt', claims: {} } }),
    ],
    'sign a checkpoint': [
      [],
      (name) => desk.signer.checkpoint({ key: desk.keys[name], text: `tongquan.test/log\n0\n${'A'.repeat(43)}=\n` }),
    ],
    'ask for a certificate': [
      ['seal'],
      (name) => {
        const subject = certificateRequest(desk).subject;
        const key = new X509Certificate(desk.keys[name].certificatePem).publicKey;
        const publicKeyPem = key.export({ type: 'spki', format: 'pem' }).toString();
        return desk.signer.request({ key: desk.keys[name], subject, publicKeyPem });
      },
    ],
  };
  const cases = Object.entries(USES).flatMap(([use, [good]]) =>
    NAMES.map((name) => [name, use, good.includes(name)] as const),
  );

  test.each(cases.filter(([, , good]) => good))('%s may %s', async (name, use) => {
    expect(await USES[use]?.[1](name)).toBeDefined();
  });
  test.each(cases.filter(([, , good]) => !good))('%s may not %s: it is a fault, not a refusal', async (name, use) => {
    const outcome = await USES[use]?.[1](name).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ name: 'Error', message: `the key ${desk.keys[name].keyId} is not for this` });
  });

  test('a key cannot be used under another id, because the envelope authenticates its id', async () => {
    const digest = Buffer.alloc(32);
    for (const name of NAMES.filter((one) => one !== 'timestamp')) {
      const key = { ...desk.keys[name], keyId: 'timestamp' };
      await expect(desk.signer.stamp({ key, digest }), name).rejects.toThrow('unable to authenticate');
    }
    const { citySeal, seal } = desk.keys;
    const order = desk.sealOrder(await desk.authorised(newRequest()), { seal: { ...citySeal, keyId: seal.keyId } });
    await expect(desk.signer.seal(order)).rejects.toThrow('unable to authenticate');
  });

  test('a seal key signs only what a person of its own organ authorised', async () => {
    const request = await desk.authorised(newRequest());
    const code = await desk.authorised(newCodeRequest());
    await expect(desk.signer.seal(desk.sealOrder(request, { seal: desk.keys.citySeal }))).rejects.toThrow(
      `the key ${CITY}-approval-seal is of no seal of yudu-lyj`,
    );
    await expect(desk.signer.code(desk.codeOrder(code, { code: desk.keys.cityCode }))).rejects.toThrow(
      `the key ${CITY}-approval-seal code is of no seal of yudu-lyj`,
    );
    const own = await desk.authorised(newRequest({ organ: CITY, matterId: CITY_MATTER }));
    const { by } = await desk.signer.seal(desk.sealOrder(own, { seal: desk.keys.citySeal }));
    expect(by.actor).toBe(`${CITY}.approver`);
    await expect(desk.signer.seal(desk.sealOrder(own))).rejects.toThrow('is of no seal of');
  });
});
