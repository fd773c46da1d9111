import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testClock } from '../support/clock.ts';
import { findRefusalCode } from '../support/flow.ts';
import { createTestHub, type TestHub } from '../support/hub.ts';
import {
  buildMessage,
  createForwardedCase,
  createPlatformKeys,
  PLATFORM_ORGAN,
  type PlatformKeys,
  postMessage,
  registerPlatform,
  signMessage,
} from '../support/platform.ts';
import { administer } from '../support/proposal.ts';

const clock = testClock('2022-09-29');
const PLATFORM = 'platform { id: uuid name url secretVersion keys { id: kid validFrom validTo } removedAt } ';
let hub: TestHub;
let keys: PlatformKeys;

beforeAll(async () => {
  hub = await createTestHub({ now: clock });
  keys = await createPlatformKeys();
});
afterAll(() => hub?.stop());

const input = (overrides: object = {}) => ({
  organ: PLATFORM_ORGAN,
  name: '赣州市审批平台',
  url: 'https://spj.ganzhou.example/hub',
  publicKey: keys.publicKey,
  ...overrides,
});
const refusalOfRegistration = (overrides: object, person = 'administrator') =>
  findRefusalCode(hub, person, 'registerPlatform', 'RegisterPlatformInput', input(overrides));
const listPlatforms = async (person: string) =>
  hub.ask(person, '{ platforms(first: 100) { edges { node { id: uuid organ { id: code } } } } }');
/** Sends a message signed with these keys. Returns 200, or the refusal code. */
const sendSigned = async (signer: PlatformKeys, caseNumber: string) => {
  const body = JSON.stringify(buildMessage('RECEIVED', caseNumber, clock()));
  const { status, body: answer } = await postMessage(hub, body, await signMessage(signer, body, clock()));
  return status === 200 ? status : answer.code;
};

describe('registering a platform', () => {
  test('is reserved to the administrator; the auditor can list platforms', async () => {
    for (const person of ['ganzhou-xzspj.approver', 'auditor', 'applicant-company', 'library']) {
      expect(await refusalOfRegistration({}, person)).toBe('ROLE_NOT_ALLOWED');
    }
    expect((await hub.ask(null, '{ platforms(first: 1) { edges { cursor } } }')).errors?.[0]?.extensions.code).toBe(
      'UNAUTHENTICATED',
    );
    expect((await listPlatforms('ganzhou-xzspj.approver')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await listPlatforms('auditor')).data.platforms.edges).toEqual([]);
  });

  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const x25519Key = generateKeyPairSync('x25519').publicKey;
  test.each([
    ['an unknown organ', { organ: 'ganzhou-xyz' }, 'ORGAN_UNKNOWN'],
    ['a county organ', { organ: 'yudu-xzspj' }, 'ORGAN_UNKNOWN'],
    ['a private key, PEM', { publicKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) }, 'KEY_UNFIT'],
    ['a private key, JWK', { publicKey: JSON.stringify(privateKey.export({ format: 'jwk' })) }, 'KEY_UNFIT'],
    ['an RSA key', { publicKey: rsaKey.export({ type: 'spki', format: 'pem' }) }, 'KEY_UNFIT'],
    ['an X25519 key', { publicKey: JSON.stringify(x25519Key.export({ format: 'jwk' })) }, 'KEY_UNFIT'],
    ['text that is no key', { publicKey: 'x' }, 'KEY_UNFIT'],
    ['an address without TLS', { url: 'http://spj.ganzhou.example/hub' }, 'FIELD_MALFORMED'],
    ['an address with a password', { url: 'https://a:b@spj.ganzhou.example/hub' }, 'FIELD_MALFORMED'],
    ['a malformed address', { url: 'spj' }, 'FIELD_MALFORMED'],
    ['an address that is too long', { url: `https://spj.ganzhou.example/${'x'.repeat(500)}` }, 'FIELD_TOO_LONG'],
    ['an empty name', { name: '' }, 'FIELD_MALFORMED'],
  ])('is refused for %s', async (_, overrides, code) => {
    expect(await refusalOfRegistration(overrides)).toBe(code);
    expect((await listPlatforms('auditor')).data.platforms.edges).toEqual([]);
  });

  test('stores nothing and returns no secret in a dry run', async () => {
    const preview = await administer(
      hub,
      'registerPlatform',
      'RegisterPlatformInput',
      input({ dryRun: true }),
      `${PLATFORM} secret`,
    );
    expect(preview).toMatchObject({ platform: { keys: [{ id: keys.kid }] }, secret: null, refusal: null });
    expect((await listPlatforms('auditor')).data.platforms.edges).toEqual([]);
  });

  test('accepts PEM or JWK, one platform per organ, each key once', async () => {
    const jwk = JSON.stringify({ ...publicKey.export({ format: 'jwk' }), use: 'sig' });
    const registration = await registerPlatform(hub, keys, { publicKey: jwk });
    expect(Buffer.from(registration.secret, 'base64url')).toHaveLength(32);
    expect(registration.audience).toBe('http://127.0.0.1:4000/cases/platform/v1/messages');
    expect(await refusalOfRegistration({})).toBe('PLATFORM_EXISTS');
    expect(await refusalOfRegistration({ organ: 'ganzhou-jyj', publicKey: jwk })).toBe('KEY_TAKEN');
    const remove = (person: string) =>
      findRefusalCode(hub, person, 'removePlatform', 'RemovePlatformInput', { platform: registration.id });
    expect(await remove('auditor')).toBe('ROLE_NOT_ALLOWED');
    const removal = { platform: registration.id };
    expect(await administer(hub, 'removePlatform', 'RemovePlatformInput', removal, '__typename')).toMatchObject({
      refusal: null,
    });
    expect(await remove('administrator')).toBe('PLATFORM_UNKNOWN');
    expect(await refusalOfRegistration({ publicKey: jwk })).toBe('KEY_TAKEN');
    expect((await listPlatforms('administrator')).data.platforms.edges).toHaveLength(1);
  });
});

describe('a platform in use', () => {
  let id: string;
  let secret: string;
  beforeAll(async () => {
    ({ id, secret } = await registerPlatform(hub, keys));
  });
  const changePlatform = (overrides: object) =>
    administer(hub, 'changePlatform', 'ChangePlatformInput', { platform: id, ...overrides }, `${PLATFORM} secret`);
  const addKey = (publicKey: string, overrides: object = {}, person = 'administrator') =>
    administer(
      hub,
      'addPlatformKey',
      'AddPlatformKeyInput',
      { platform: id, publicKey, ...overrides },
      PLATFORM,
      person,
    );
  const endKey = (key: string, overrides: object = {}, person = 'administrator') =>
    administer(hub, 'endPlatformKey', 'EndPlatformKeyInput', { platform: id, key, ...overrides }, PLATFORM, person);
  const timeAfter = (ms: number) => new Date(clock().getTime() + ms).toISOString();

  test('changes its name, its address and the hub’s secret', async () => {
    expect(await changePlatform({ name: '赣州市统一审批平台' })).toMatchObject({
      platform: { name: '赣州市统一审批平台', url: 'http://127.0.0.1:9/', secretVersion: 1 },
      secret: null,
    });
    expect((await changePlatform({ url: 'http://other.example' })).refusal.code).toBe('FIELD_MALFORMED');
    expect((await changePlatform({ name: ' ' })).refusal.code).toBe('FIELD_MALFORMED');
    expect((await changePlatform({ renewSecret: true, dryRun: true })).secret).toBeNull();
    const renewal = await changePlatform({ renewSecret: true, url: 'https://spj.ganzhou.example/hub' });
    expect(renewal.platform).toMatchObject({ secretVersion: 2, url: 'https://spj.ganzhou.example/hub' });
    expect(renewal.secret).toMatch(/^[\w-]{43}$/);
    expect(renewal.secret).not.toBe(secret);
    expect((await changePlatform({ platform: crypto.randomUUID() })).refusal.code).toBe('PLATFORM_UNKNOWN');
    expect((await changePlatform({ platform: 'x' })).refusal.code).toBe('PLATFORM_UNKNOWN');
    const input = { platform: id, name: 'x' };
    expect(await findRefusalCode(hub, 'auditor', 'changePlatform', 'ChangePlatformInput', input)).toBe(
      'ROLE_NOT_ALLOWED',
    );
  });

  test('rotates its key: both keys are valid for a time, then only the new one', async () => {
    const { number } = await createForwardedCase(hub);
    const nextKeys = await createPlatformKeys();
    expect(await sendSigned(nextKeys, number)).toBe('KEY_UNKNOWN');
    expect((await addKey(nextKeys.publicKey, { validFrom: timeAfter(3_600_000) })).refusal).toBeNull();
    expect([await sendSigned(keys, number), await sendSigned(nextKeys, number)]).toEqual([200, 'KEY_NOT_IN_FORCE']);
    expect((await endKey(keys.kid, { validTo: timeAfter(7_200_000) })).refusal).toBeNull();
    clock.advance(3_600_000);
    expect([await sendSigned(keys, number), await sendSigned(nextKeys, number)]).toEqual([200, 200]);
    clock.advance(3_600_000);
    expect([await sendSigned(keys, number), await sendSigned(nextKeys, number)]).toEqual(['KEY_NOT_IN_FORCE', 200]);
    keys = nextKeys;
  });

  test('a lost key can be ended immediately', async () => {
    const { number } = await createForwardedCase(hub);
    const lostKeys = await createPlatformKeys();
    expect((await addKey(lostKeys.publicKey, { dryRun: true })).refusal).toBeNull();
    expect(await sendSigned(lostKeys, number)).toBe('KEY_UNKNOWN');
    await addKey(lostKeys.publicKey);
    expect((await endKey(lostKeys.kid, { dryRun: true })).refusal).toBeNull();
    expect(await sendSigned(lostKeys, number)).toBe(200);
    expect((await endKey(lostKeys.kid)).refusal).toBeNull();
    expect(await sendSigned(lostKeys, number)).toBe('KEY_NOT_IN_FORCE');
    expect((await endKey(lostKeys.kid)).refusal.code).toBe('KEY_NOT_IN_FORCE');
    expect((await addKey(lostKeys.publicKey)).refusal.code).toBe('KEY_TAKEN');
  });

  test('refuses a key for its validity, its number or its format, and for other roles', async () => {
    const nextKeys = await createPlatformKeys();
    const codeOf = async (pendingAnswer: Promise<{ refusal: { code: string } | null }>) =>
      (await pendingAnswer).refusal?.code ?? null;
    expect(await codeOf(addKey(nextKeys.publicKey, { validFrom: timeAfter(-1) }))).toBe('FIELD_MALFORMED');
    expect(await codeOf(addKey(nextKeys.publicKey, { validTo: timeAfter(0) }))).toBe('FIELD_MALFORMED');
    expect(await codeOf(addKey('x'))).toBe('KEY_UNFIT');
    expect(await codeOf(addKey(nextKeys.publicKey, {}, 'auditor'))).toBe('ROLE_NOT_ALLOWED');
    expect(await codeOf(endKey(keys.kid, { validTo: timeAfter(-1) }))).toBe('FIELD_MALFORMED');
    expect(await codeOf(endKey(keys.kid, {}, 'auditor'))).toBe('ROLE_NOT_ALLOWED');
    expect(await codeOf(endKey('A'.repeat(43)))).toBe('KEY_UNKNOWN');
    for (let freeKeys = 3; freeKeys > 0; freeKeys--)
      expect(await codeOf(addKey((await createPlatformKeys()).publicKey))).toBeNull();
    expect(await codeOf(addKey(nextKeys.publicKey))).toBe('KEYS_TOO_MANY');
  });
});
