import { constants, createHmac, randomUUID, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { computeContentDigest } from '../../subgraphs/kernel/events/events.ts';
import {
  type PersonSignature,
  writeAuthorisationText,
  writeSignedText,
} from '../../subgraphs/kernel/sealing/person-signature.ts';
import type { Signer } from '../../subgraphs/seals/signer/signer.ts';
import {
  type Algorithm,
  assertText,
  buildPersonKeys,
  createSignatory,
  PARTY,
  register,
  signBytes,
  signText,
} from '../support/person-keys.ts';
import {
  AUTHORISED_AT,
  authenticator,
  expectOutcome,
  IDENTITY,
  PERSON,
  registered,
  registrars,
  sealWith,
  statementOf,
  usePersonSigner,
  withSignature,
} from './person-signer.ts';
import { authorise, CITY, CITY_MATTER, COUNTY, newRequest } from './requests.ts';

/** Only what a person signed is sealed for an organ that needs it, whoever holds the hub's process. */

const context = usePersonSigner();

describe('a signature that counts', () => {
  test.each<Algorithm>(['ES256', 'EdDSA', 'RS256'])(
    'by a WebAuthn authenticator, a certificate, a key: %s',
    async (algorithm) => {
      for (const kind of ['WEBAUTHN', 'CERTIFICATE', 'KEY'] as const) {
        const signatory = createSignatory(`${kind} ${algorithm}`, kind, algorithm);
        context.use(register(signatory, IDENTITY, registrars));
        await expectOutcome(context, 'SEALED', (text) => signatory.sign(text));
      }
    },
  );

  test('authenticator data may have extensions and a credential that is backed up', async () => {
    const flags = 0x01 | 0x04 | 0x08 | 0x10 | 0x80;
    await expectOutcome(context, 'SEALED', (text) =>
      authenticator.sign(text, { flags, extraBytes: Buffer.from('a0', 'hex') }),
    );
  });

  test('is verified also where no organ needs it', async () => {
    context.personKeys = { ...context.personKeys, organs: [] };
    await expectOutcome(context, 'SEALED', (text) => authenticator.sign(text));
    await expectOutcome(context, 'PERSON_SIGNATURE_INVALID', (text) => authenticator.sign(`${text} `));
  });

  test('is not needed by other organs, and not before the requirement begins by the signer’s own clock', async () => {
    const request = newRequest({ organ: CITY, matterId: CITY_MATTER });
    const authorisation = await authorise(context.fixture.serviceKeys, request, context.fixture.clock());
    const { citySeal } = context.fixture.keys;
    for (const [, signer] of context.signers)
      expect(await sealWith(context, signer, { ...request, authorisation }, { seal: citySeal })).toBe('SEALED');
    context.personKeys = { ...context.personKeys, organs: [{ organ: COUNTY, from: '2026-06-01T04:00:00.001Z' }] };
    await expectOutcome(context, 'SEALED', () => undefined);
    context.fixture.clock.advance(1);
    await expectOutcome(context, 'PERSON_SIGNATURE_MISSING', () => undefined);
    // A backdated authorisation is no way around it.
    await expectOutcome(context, 'PERSON_SIGNATURE_MISSING', () => undefined, { authorisedAt: '2026-05-31T04:00:00Z' });
  });
});

describe('whoever holds the hub’s process is refused', () => {
  test('without a signature', () => expectOutcome(context, 'PERSON_SIGNATURE_MISSING', () => undefined));

  test('with a key of its own that nobody registered, or under the id of one that is', async () => {
    const forger = createSignatory('forger', 'WEBAUTHN');
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => forger.sign(text));
    await expectOutcome(context, 'PERSON_SIGNATURE_INVALID', (text) => ({
      ...forger.sign(text),
      credential: authenticator.id,
    }));
  });

  test('with a credential of another person, name or organ', async () => {
    for (const other of [{ person: `${COUNTY}.reviewer` }, { name: '他人' }, { organ: CITY }]) {
      context.use(register(authenticator, { ...IDENTITY, ...other }, registrars));
      await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    }
    context.use(registered);
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text), { actorName: '他人' });
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text), {
      actor: `${COUNTY}.clerk`,
    });
  });

  test('with a signature over another content, act, case, matter or time', async () => {
    for (const other of [
      { contentDigest: computeContentDigest({}) },
      { act: 'RENEW' },
      { caseId: randomUUID() },
      { matter: CITY_MATTER },
      { authorisedAt: '2026-06-01T03:59:59Z' },
      { organ: CITY },
      { actor: 'x' },
      { actorName: 'x' },
    ])
      await expectOutcome(context, 'PERSON_SIGNATURE_INVALID', (_, statement) =>
        authenticator.sign(writeAuthorisationText({ ...statement, ...other })),
      );
  });

  test('with an authorisation that a person signed for another case', async () => {
    const first = await withSignature(context, newRequest(), (text) => authenticator.sign(text));
    for (const [, signer] of context.signers) {
      expect(await sealWith(context, signer, first)).toBe('SEALED');
      expect(await sealWith(context, signer, { ...first, caseId: randomUUID() })).toBe('SEAL_AUTHORISATION_INVALID');
    }
  });

  test('with a signature over a text of another kind', async () => {
    await expectOutcome(context, 'PERSON_SIGNATURE_INVALID', (_, statement) =>
      authenticator.sign(writeSignedText('registration', statement)),
    );
    await expectOutcome(context, 'PERSON_SIGNATURE_INVALID', (text) => authenticator.sign(text.split('\n')[1] ?? ''));
  });
});

describe('an assertion counts only', () => {
  test.each<[string, Parameters<typeof assertText>[3]]>([
    ['as an assertion, not a registration', { type: 'webauthn.create' }],
    ['for this challenge', { challenge: 'AAAA' }],
    ['from a page of this origin', { origin: 'https://evil.example' }],
    ['from exactly this origin', { origin: `${PARTY.origins[0]}/` }],
    ['outside of another page', { crossOrigin: true }],
    ['under no other top page', { topOrigin: 'https://evil.example' }],
    ['for this relying party', { rpId: 'evil.example' }],
    ['with its user present', { flags: 0x04 }],
    ['with its user verified', { flags: 0x01 }],
    ['without attested credential data', { flags: 0x45 }],
    ['if what is backed up is eligible for it', { flags: 0x15 }],
    ['without bytes that no flag announces', { extraBytes: new Uint8Array(1) }],
    ['with the extensions that a flag announces', { flags: 0x85 }],
  ])('%s', (_, changes) =>
    expectOutcome(context, 'PERSON_SIGNATURE_INVALID', (text) => authenticator.sign(text, changes)),
  );

  test('if the file names a relying party', async () => {
    const bareRegistrars = [createSignatory('administrator'), createSignatory('administrator-deputy')];
    context.personKeys = { ...buildPersonKeys(bareRegistrars, COUNTY, []), party: null };
    context.use(register(authenticator, IDENTITY, bareRegistrars));
    await expectOutcome(context, 'PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });
});

describe('a signature does not count', () => {
  const invalid = (sign: (text: string) => PersonSignature) => expectOutcome(context, 'PERSON_SIGNATURE_INVALID', sign);

  test('in the form of another kind of credential', async () => {
    await invalid((text) => signText(authenticator.privateKey, authenticator.id, text));
    const bare = createSignatory('bare');
    context.use(register(bare, IDENTITY, registrars));
    await invalid((text) => assertText(bare.privateKey, bare.id, text));
  });

  test('by another algorithm than the key’s', async () => {
    const bare = createSignatory('bare', 'KEY', 'RS256');
    context.use(register(bare, IDENTITY, registrars));
    const by = (signature: Uint8Array) => ({
      credential: bare.id,
      signature: Buffer.from(signature).toString('base64url'),
    });
    await expectOutcome(context, 'SEALED', (text) => by(signBytes(bare.privateKey, Buffer.from(text))));
    // The public key as the secret of an HMAC.
    await invalid((text) => by(createHmac('sha256', bare.key).update(text).digest()));
    await invalid((text) => by(sign('sha1', Buffer.from(text), bare.privateKey)));
    await invalid((text) => by(sign('sha512', Buffer.from(text), bare.privateKey)));
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    await invalid((text) => by(sign('sha256', Buffer.from(text), { key: bare.privateKey, padding })));
    const curve = createSignatory('curve');
    context.use(register(curve, IDENTITY, registrars));
    const raw = { key: curve.privateKey, dsaEncoding: 'ieee-p1363' } as const;
    await invalid((text) => ({
      ...by(sign('sha256', Buffer.from(text), raw)),
      credential: curve.id,
    }));
  });

  test('with malformed bytes', async () => {
    for (const signature of ['AA', 'A', Buffer.alloc(72, 0x30).toString('base64url'), '_'.repeat(683)])
      await invalid((text) => ({ ...authenticator.sign(text), signature }));
    for (const part of ['authenticatorData', 'clientDataJson'] as const) {
      for (const value of [
        'AA',
        'A',
        Buffer.from('null').toString('base64url'),
        Buffer.from('{').toString('base64url'),
      ])
        await invalid((text) => {
          const signature = authenticator.sign(text);
          if (!signature.webauthn) throw new Error('no assertion');
          return { ...signature, webauthn: { ...signature.webauthn, [part]: value } };
        });
    }
  });

  test('in a form that is no signature: huge, of other characters, with other members', async () => {
    const good = authenticator.sign('x');
    const bad: unknown[] = [
      { ...good, signature: 'A'.repeat(684) },
      { ...good, signature: 'A'.repeat(1_000_000) },
      { ...good, signature: '=' },
      { ...good, signature: '' },
      { ...good, credential: 'A'.repeat(1365) },
      { ...good, credential: '' },
      { ...good, webauthn: { ...good.webauthn, clientDataJson: 'A'.repeat(4001) } },
      { ...good, webauthn: { ...good.webauthn, authenticatorData: 'A'.repeat(1367) } },
      { ...good, webauthn: {} },
      { ...good, algorithm: 'none' },
      'x',
      7,
      null,
    ];
    for (const signature of bad)
      await expectOutcome(context, 'SEAL_AUTHORISATION_INVALID', () => signature as PersonSignature);
  });
});

describe('what a person signs with', () => {
  const ask = async (request: Parameters<Signer['personSigning']>[0]) => {
    const [[, local], [, remote]] = context.signers as [[string, Signer], [string, Signer]];
    const answer = await local.personSigning(request);
    expect(await remote.personSigning(request)).toEqual(answer);
    return answer;
  };

  test('is told with the organs that need it, also before they do', async () => {
    context.personKeys = { ...context.personKeys, organs: [{ organ: COUNTY, from: '2027-01-01T00:00:00Z' }] };
    expect(await ask({ person: PERSON, signed: null })).toEqual({
      organs: [COUNTY],
      rpId: PARTY.rpId,
      credentials: [{ id: authenticator.id, kind: 'WEBAUTHN', organ: COUNTY }],
    });
    expect((await ask({ person: 'x', signed: null })).credentials).toEqual([]);
  });

  test('leaves out credentials that do not count now', async () => {
    context.fixture.clock.set('2028-01-01T00:00:00Z');
    expect((await ask({ person: PERSON, signed: null })).credentials).toEqual([]);
    context.fixture.clock.set(AUTHORISED_AT);
    context.use(register(authenticator, IDENTITY, registrars.slice(1)));
    expect((await ask({ person: PERSON, signed: null })).credentials).toEqual([]);
  });

  test('is verified when it is given', async () => {
    const statement = statementOf(newRequest());
    const signature = authenticator.sign(writeAuthorisationText(statement));
    await expect(ask({ person: PERSON, signed: { statement, signature } })).resolves.toBeDefined();
    for (const [, signer] of context.signers) {
      const forged = { ...signature, signature: 'AAAA' };
      await expect(
        signer.personSigning({ person: PERSON, signed: { statement, signature: forged } }),
      ).rejects.toMatchObject({ name: 'Refusal', code: 'PERSON_SIGNATURE_INVALID', field: 'signature' });
    }
  });
});
