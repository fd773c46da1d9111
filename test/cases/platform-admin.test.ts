import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { act, refusalOf } from '../support/flow.ts';
import { type TestHub, testHub } from '../support/hub.ts';
import {
  forwardedCase,
  messageOf,
  ORGAN,
  type PlatformKeys,
  platformKeys,
  postMessage,
  registerPlatform,
  signAs,
} from '../support/platform.ts';

const clock = testClock('2022-09-29');
const PLATFORM = 'platform { id name url secretVersion keys { id validFrom validTo } removedAt } ';
let hub: TestHub;
let keys: PlatformKeys;

beforeAll(async () => {
  hub = await testHub({ now: clock });
  keys = await platformKeys();
});
afterAll(() => hub?.stop());

const input = (more: object = {}) => ({
  organ: ORGAN,
  name: '赣州市审批平台',
  url: 'https://spj.ganzhou.example/hub',
  publicKey: keys.publicKey,
  ...more,
});
const registering = (more: object, person = 'administrator') =>
  refusalOf(hub, person, 'registerPlatform', 'RegisterPlatformInput', input(more));
const platforms = async (person: string) =>
  hub.ask(person, '{ platforms(first: 100) { edges { node { id organ { id } } } } }');
/** Sends a message signed with these keys. Returns 200, or the refusal code. */
const heard = async (by: PlatformKeys, caseNumber: string) => {
  const body = JSON.stringify(messageOf('RECEIVED', caseNumber, clock()));
  const { status, body: answer } = await postMessage(hub, body, await signAs(by, body, clock()));
  return status === 200 ? status : answer.code;
};

describe('registering a platform', () => {
  test('is reserved to the administrator; the auditor can list platforms', async () => {
    for (const person of ['ganzhou-xzspj.approver', 'auditor', 'applicant-company', 'library']) {
      expect(await registering({}, person)).toBe('ROLE_NOT_ALLOWED');
    }
    expect((await hub.ask(null, '{ platforms(first: 1) { edges { cursor } } }')).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    );
    expect((await platforms('ganzhou-xzspj.approver')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await platforms('auditor')).data.platforms.edges).toEqual([]);
  });

  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const x25519 = generateKeyPairSync('x25519').publicKey;
  test.each([
    ['an unknown organ', { organ: 'ganzhou-xyz' }, 'ORGAN_UNKNOWN'],
    ['a county organ', { organ: 'yudu-xzspj' }, 'ORGAN_UNKNOWN'],
    ['a private key, PEM', { publicKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) }, 'KEY_UNFIT'],
    ['a private key, JWK', { publicKey: JSON.stringify(privateKey.export({ format: 'jwk' })) }, 'KEY_UNFIT'],
    ['an RSA key', { publicKey: rsa.export({ type: 'spki', format: 'pem' }) }, 'KEY_UNFIT'],
    ['an X25519 key', { publicKey: JSON.stringify(x25519.export({ format: 'jwk' })) }, 'KEY_UNFIT'],
    ['text that is no key', { publicKey: 'x' }, 'KEY_UNFIT'],
    ['an address without TLS', { url: 'http://spj.ganzhou.example/hub' }, 'FIELD_MALFORMED'],
    ['an address with a password', { url: 'https://a:b@spj.ganzhou.example/hub' }, 'FIELD_MALFORMED'],
    ['a malformed address', { url: 'spj' }, 'FIELD_MALFORMED'],
    ['an address that is too long', { url: `https://spj.ganzhou.example/${'x'.repeat(500)}` }, 'FIELD_TOO_LONG'],
    ['an empty name', { name: '' }, 'FIELD_MALFORMED'],
  ])('is refused for %s', async (_, more, code) => {
    expect(await registering(more)).toBe(code);
    expect((await platforms('auditor')).data.platforms.edges).toEqual([]);
  });

  test('stores nothing and returns no secret in a dry run', async () => {
    const rehearsed = await act(
      hub,
      'administrator',
      'registerPlatform',
      'RegisterPlatformInput',
      input({ dryRun: true }),
      `${PLATFORM} secret`,
    );
    expect(rehearsed).toMatchObject({ platform: { keys: [{ id: keys.kid }] }, secret: null, refusal: null });
    expect((await platforms('auditor')).data.platforms.edges).toEqual([]);
  });

  test('accepts PEM or JWK, one platform per organ, each key once', async () => {
    const jwk = JSON.stringify({ ...publicKey.export({ format: 'jwk' }), use: 'sig' });
    const made = await registerPlatform(hub, keys, { publicKey: jwk });
    expect(Buffer.from(made.secret, 'base64url')).toHaveLength(32);
    expect(made.audience).toBe('http://127.0.0.1:4000/cases/platform/v1/messages');
    expect(await registering({})).toBe('PLATFORM_EXISTS');
    expect(await registering({ organ: 'ganzhou-jyj', publicKey: jwk })).toBe('KEY_TAKEN');
    const remove = (person: string) =>
      refusalOf(hub, person, 'removePlatform', 'RemovePlatformInput', { platform: made.id });
    expect(await remove('auditor')).toBe('ROLE_NOT_ALLOWED');
    expect(await remove('administrator')).toBeNull();
    expect(await remove('administrator')).toBe('PLATFORM_UNKNOWN');
    expect(await registering({ publicKey: jwk })).toBe('KEY_TAKEN');
    expect((await platforms('administrator')).data.platforms.edges).toHaveLength(1);
  });
});

describe('a platform in use', () => {
  let id: string;
  let secret: string;
  beforeAll(async () => {
    ({ id, secret } = await registerPlatform(hub, keys));
  });
  const change = (more: object) =>
    act(hub, 'administrator', 'changePlatform', 'ChangePlatformInput', { platform: id, ...more }, `${PLATFORM} secret`);
  const addKey = (publicKey: string, more: object = {}, person = 'administrator') =>
    act(hub, person, 'addPlatformKey', 'AddPlatformKeyInput', { platform: id, publicKey, ...more }, PLATFORM);
  const endKey = (key: string, more: object = {}, person = 'administrator') =>
    act(hub, person, 'endPlatformKey', 'EndPlatformKeyInput', { platform: id, key, ...more }, PLATFORM);
  const later = (ms: number) => new Date(clock().getTime() + ms).toISOString();

  test('changes its name, its address and the hub’s secret', async () => {
    expect(await change({ name: '赣州市统一审批平台' })).toMatchObject({
      platform: { name: '赣州市统一审批平台', url: 'http://127.0.0.1:9/', secretVersion: 1 },
      secret: null,
    });
    expect((await change({ url: 'http://other.example' })).refusal.code).toBe('FIELD_MALFORMED');
    expect((await change({ name: ' ' })).refusal.code).toBe('FIELD_MALFORMED');
    expect((await change({ renewSecret: true, dryRun: true })).secret).toBeNull();
    const renewed = await change({ renewSecret: true, url: 'https://spj.ganzhou.example/hub' });
    expect(renewed.platform).toMatchObject({ secretVersion: 2, url: 'https://spj.ganzhou.example/hub' });
    expect(renewed.secret).toMatch(/^[\w-]{43}$/);
    expect(renewed.secret).not.toBe(secret);
    expect((await change({ platform: crypto.randomUUID() })).refusal.code).toBe('PLATFORM_UNKNOWN');
    expect((await change({ platform: 'x' })).refusal.code).toBe('PLATFORM_UNKNOWN');
    const input = { platform: id, name: 'x' };
    expect(await refusalOf(hub, 'auditor', 'changePlatform', 'ChangePlatformInput', input)).toBe('ROLE_NOT_ALLOWED');
  });

  test('rotates its key: both keys are valid for a time, then only the new one', async () => {
    const { number } = await forwardedCase(hub);
    const next = await platformKeys();
    expect(await heard(next, number)).toBe('KEY_UNKNOWN');
    expect((await addKey(next.publicKey, { validFrom: later(3_600_000) })).refusal).toBeNull();
    expect([await heard(keys, number), await heard(next, number)]).toEqual([200, 'KEY_NOT_IN_FORCE']);
    expect((await endKey(keys.kid, { validTo: later(7_200_000) })).refusal).toBeNull();
    clock.advance(3_600_000);
    expect([await heard(keys, number), await heard(next, number)]).toEqual([200, 200]);
    clock.advance(3_600_000);
    expect([await heard(keys, number), await heard(next, number)]).toEqual(['KEY_NOT_IN_FORCE', 200]);
    keys = next;
  });

  test('a lost key can be ended immediately', async () => {
    const { number } = await forwardedCase(hub);
    const lost = await platformKeys();
    expect((await addKey(lost.publicKey, { dryRun: true })).refusal).toBeNull();
    expect(await heard(lost, number)).toBe('KEY_UNKNOWN');
    await addKey(lost.publicKey);
    expect((await endKey(lost.kid, { dryRun: true })).refusal).toBeNull();
    expect(await heard(lost, number)).toBe(200);
    expect((await endKey(lost.kid)).refusal).toBeNull();
    expect(await heard(lost, number)).toBe('KEY_NOT_IN_FORCE');
    expect((await endKey(lost.kid)).refusal.code).toBe('KEY_NOT_IN_FORCE');
    expect((await addKey(lost.publicKey)).refusal.code).toBe('KEY_TAKEN');
  });

  test('refuses a key for its validity, its number or its format, and for other roles', async () => {
    const next = await platformKeys();
    const codeOf = async (asked: Promise<{ refusal: { code: string } | null }>) => (await asked).refusal?.code ?? null;
    expect(await codeOf(addKey(next.publicKey, { validFrom: later(-1) }))).toBe('FIELD_MALFORMED');
    expect(await codeOf(addKey(next.publicKey, { validTo: later(0) }))).toBe('FIELD_MALFORMED');
    expect(await codeOf(addKey('x'))).toBe('KEY_UNFIT');
    expect(await codeOf(addKey(next.publicKey, {}, 'auditor'))).toBe('ROLE_NOT_ALLOWED');
    expect(await codeOf(endKey(keys.kid, { validTo: later(-1) }))).toBe('FIELD_MALFORMED');
    expect(await codeOf(endKey(keys.kid, {}, 'auditor'))).toBe('ROLE_NOT_ALLOWED');
    expect(await codeOf(endKey('A'.repeat(43)))).toBe('KEY_UNKNOWN');
    for (let room = 3; room > 0; room--) expect(await codeOf(addKey((await platformKeys()).publicKey))).toBeNull();
    expect(await codeOf(addKey(next.publicKey))).toBe('KEYS_TOO_MANY');
  });
});
