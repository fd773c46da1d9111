import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findRegistrationFault, type Registration } from '../../subgraphs/seals/signer/person/credential.ts';
import { buildPersonKeys, createKeys, createSignatory, register, signText, toPem } from '../support/person-keys.ts';
import {
  AUTHORISED_AT,
  authenticator,
  expectOutcome,
  IDENTITY,
  PERSON,
  registered,
  registrars,
  usePersonSigner,
} from './person-signer.ts';
import { COUNTY } from './requests.ts';

/** Which credentials count: registered by two persons, in their period, with a key that is accepted. */

const context = usePersonSigner();

describe('a registration counts only', () => {
  const [first, second] = registrars;
  const own = createSignatory(PERSON);

  test.each<[string, () => Registration]>([
    ['with two registrars', () => register(authenticator, IDENTITY, [first])],
    ['with two different ones', () => register(authenticator, IDENTITY, [first, first])],
    ['with signatures at all', () => register(authenticator, IDENTITY, [])],
    ['with registrars of the file', () => register(authenticator, IDENTITY, [first, createSignatory('stranger')])],
    ['with the registrar’s own key', () => register(authenticator, IDENTITY, [first, createSignatory(second.id)])],
    [
      'with signatures over this statement',
      () => ({
        ...registered,
        statement: { ...registered.statement, validTo: '2030-01-01T00:00:00Z' },
      }),
    ],
    [
      'for a person other than the registrars',
      () => register(authenticator, { ...IDENTITY, person: first.id }, registrars),
    ],
    ['for a key other than the registrars’', () => register({ ...first, id: 'x' }, IDENTITY, registrars)],
    [
      'if it ever is valid',
      () => register(authenticator, { ...IDENTITY, validTo: '2026-01-01T00:00:00Z' }, registrars),
    ],
  ])('%s', async (_, build) => {
    context.use(build());
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    expect(findRegistrationFault(context.personKeys, build())).not.toBeNull();
    expect(findRegistrationFault(context.personKeys, registered)).toBeNull();
  });

  test('for somebody other than a registrar of the file who signs for oneself', async () => {
    const three = [...registrars, own];
    context.personKeys = buildPersonKeys(three, COUNTY, [register(authenticator, IDENTITY, [first, own])]);
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('with two keys: one registrar under two ids is one', async () => {
    const alias = { ...first, id: 'alias', sign: (text: string) => signText(first.privateKey, 'alias', text) };
    context.personKeys = buildPersonKeys([first, alias], COUNTY, [register(authenticator, IDENTITY, [first, alias])]);
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('before its registrar left', async () => {
    const leave = (until: string) => {
      const [head, ...rest] = context.personKeys.registrars;
      if (!head) throw new Error('no registrar');
      context.personKeys = { ...context.personKeys, registrars: [{ ...head, until }, ...rest] };
    };
    leave('2026-01-02T00:00:01Z');
    await expectOutcome(context, 'SEALED', (text) => authenticator.sign(text));
    leave('2026-01-02T00:00:00Z');
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('of a kind that the file accepts', async () => {
    const bare = createSignatory('bare');
    context.use(register(bare, IDENTITY, registrars));
    await expectOutcome(context, 'SEALED', (text) => bare.sign(text));
    context.personKeys = { ...context.personKeys, acceptsBareKeys: false };
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => bare.sign(text));
    context.personKeys = { ...buildPersonKeys([first, own], COUNTY, []), party: null };
    context.use(register(authenticator, { ...IDENTITY, person: 'x' }, [first, own]));
    expect(findRegistrationFault(context.personKeys, context.personKeys.registrations[0] as Registration)).toMatch(
      'relying party',
    );
  });

  test.each<[string, () => string]>([
    ['P-384', () => toPem(generate('P-384'))],
    ['secp256k1', () => toPem(generate('secp256k1'))],
    ['RSA with 1,024 bits', () => toPem(generateRsa(1024))],
    ['RSA-PSS only', () => toPem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey)],
    [
      'RSA with exponent 3',
      () => toPem(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey),
    ],
    ['Ed448', () => toPem(generateKeyPairSync('ed448').publicKey)],
    ['a private key', () => createKeys('ES256').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['no key', () => 'x'],
    ['a cut key', () => toPem(createKeys('ES256').publicKey).replace(/.{8}\n-----END/, '\n-----END')],
  ])('with a key that is accepted, not %s', async (_, build) => {
    context.use(register({ ...authenticator, key: build() }, IDENTITY, registrars));
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });
});

describe('a credential counts only for authorisations', () => {
  test('in its period', async () => {
    const period = { validFrom: AUTHORISED_AT, validTo: '2026-06-01T04:00:01Z' };
    context.use(register(authenticator, { ...IDENTITY, ...period }, registrars));
    await expectOutcome(context, 'SEALED', (text) => authenticator.sign(text));
    for (const authorisedAt of ['2026-06-01T03:59:59.999Z', '2026-06-01T04:00:01Z'])
      await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text), { authorisedAt });
  });

  test('in the period of its certificate', async () => {
    const period = { validFrom: new Date('2026-06-01T05:00:00Z'), validUntil: new Date('2026-06-01T06:00:00Z') };
    const holder = createSignatory('certificate', 'CERTIFICATE', 'RS256', period);
    context.use(register(holder, IDENTITY, registrars));
    context.fixture.clock.set('2026-06-01T08:00:00Z');
    for (const [authorisedAt, outcome] of [
      ['2026-06-01T04:59:59Z', 'PERSON_CREDENTIAL_UNFIT'],
      ['2026-06-01T05:30:00Z', 'SEALED'],
      ['2026-06-01T06:00:01Z', 'PERSON_CREDENTIAL_UNFIT'],
    ] as const)
      await expectOutcome(context, outcome, (text) => holder.sign(text), { authorisedAt });
  });

  test('before it ended, which the hub can neither hide nor undo', async () => {
    const end = (from: string) => {
      context.personKeys = { ...context.personKeys, endings: [{ credential: authenticator.id, from, reason: '遗失' }] };
    };
    end('2026-06-01T04:00:01Z');
    await expectOutcome(context, 'SEALED', (text) => authenticator.sign(text));
    end(AUTHORISED_AT);
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    context.use(registered, registered);
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('neither of the future nor older than the file allows', async () => {
    context.fixture.clock.set('2026-08-30T04:00:00Z');
    await expectOutcome(context, 'SEALED', (text) => authenticator.sign(text));
    context.fixture.clock.advance(1);
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    context.fixture.clock.set('2026-06-01T03:58:59Z');
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('of its newest registration', async () => {
    context.use(registered, register(authenticator, { ...IDENTITY, name: '他人' }, registrars));
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });
});

function generate(namedCurve: string) {
  return generateKeyPairSync('ec', { namedCurve }).publicKey;
}
function generateRsa(modulusLength: number) {
  return generateKeyPairSync('rsa', { modulusLength }).publicKey;
}
