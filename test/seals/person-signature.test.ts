import { constants, createHmac, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { computeContentDigest } from '../../subgraphs/kernel/events/events.ts';
import {
  type PersonSignature,
  type SealStatement,
  writeAuthorisationText,
  writeSignedText,
} from '../../subgraphs/kernel/sealing/person-signature.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import { writeAuthorisation } from '../../subgraphs/kernel/sealing/token.ts';
import {
  findRegistrationFault,
  type PersonKeys,
  type Registration,
} from '../../subgraphs/seals/signer/person/credential.ts';
import type { Signer } from '../../subgraphs/seals/signer/signer.ts';
import { connectSigner } from '../../subgraphs/seals/signer/signer-client.ts';
import { serveSigner } from '../../subgraphs/seals/signer/signer-routes.ts';
import {
  type Algorithm,
  assertText,
  buildPersonKeys,
  createKeys,
  createSignatory,
  PARTY,
  register,
  type Signatory,
  signBytes,
  signText,
  toPem,
} from '../support/person-keys.ts';
import {
  AUTHORISER,
  authorise,
  CITY,
  CITY_MATTER,
  COUNTY,
  newCodeRequest,
  newRequest,
  statementRequest,
} from './requests.ts';
import { openSignerFixture, type SignerFixture } from './signer-fixture.ts';

/**
 * Attacks the signer as somebody who holds the hub's process: its service key, both keys of authorisations and the
 * envelopes of the seals. Only what a person signed is sealed for an organ that needs it, in process and over HTTP.
 */

const PERSON = `${COUNTY}.approver`;
const AUTHORISED_AT = '2026-06-01T04:00:00Z';
const identity = { person: PERSON, name: AUTHORISER, organ: COUNTY };

const registrars = [createSignatory('administrator'), createSignatory('administrator-deputy', 'WEBAUTHN', 'EdDSA')];
const authenticator = createSignatory('webauthn-es256', 'WEBAUTHN');
const registered = register(authenticator, identity, registrars);

let fixture: SignerFixture;
let app: FastifyInstance;
let signers: [string, Signer][];
/** The signer's file. Each test may change it. */
let personKeys: PersonKeys;

beforeAll(async () => {
  personKeys = buildPersonKeys(registrars, COUNTY, []);
  fixture = await openSignerFixture(() => personKeys);
  const serviceKey = randomBytes(32);
  app = serveSigner(fixture.signer, { serviceKey, now: fixture.clock });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  signers = [
    ['in process', fixture.signer],
    ['over HTTP', connectSigner(() => url, serviceKey, fixture.clock)],
  ];
});
afterAll(() => app.close());
beforeEach(() => {
  personKeys = buildPersonKeys(registrars, COUNTY, [registered]);
  fixture.clock.set(AUTHORISED_AT);
});

function statementOf(request: SealUseRequest, changes: Partial<SealStatement> = {}): SealStatement {
  return {
    actor: PERSON,
    actorName: AUTHORISER,
    organ: request.organ,
    matter: request.matterId,
    caseId: request.caseId,
    act: request.act,
    contentDigest: computeContentDigest(request.content),
    authorisedAt: AUTHORISED_AT,
    ...changes,
  };
}

type SignStatement = (text: string, statement: SealStatement) => PersonSignature | undefined;

/** Returns the request with an authorisation by the hub's own key, as whoever holds its process writes one. */
async function withSignature<Request extends SealUseRequest>(
  request: Request,
  sign: SignStatement,
  changes: Partial<SealStatement> = {},
): Promise<Request> {
  const statement = statementOf(request, changes);
  const signature = sign(writeAuthorisationText(statement), statement);
  const subgraph = request.caseId === null ? 'licenses' : 'cases';
  const authorisation = await writeAuthorisation(subgraph, fixture.authorisationKeys[subgraph], {
    ...statement,
    signature,
  });
  return { ...request, authorisation };
}

/** What a signer does with a request to seal: `SEALED`, or the code of its refusal. */
async function sealWith(signer: Signer, request: SignRequest, keys?: Partial<SignerFixture['keys']>): Promise<string> {
  return signer.seal(fixture.sealOrder(request, keys)).then(
    () => 'SEALED',
    (error) => (error.name === 'Refusal' ? error.code : `${error}`),
  );
}

async function codeWith(signer: Signer, request: CodeRequest): Promise<string> {
  return signer.code(fixture.codeOrder(request)).then(
    () => 'SEALED',
    (error) => (error.name === 'Refusal' ? error.code : `${error}`),
  );
}

/** Requires the same outcome of a license, its code and a statement without a case, in process and over HTTP. */
async function expectOutcome(
  outcome: string,
  sign: SignStatement,
  changes: Partial<SealStatement> = {},
): Promise<void> {
  const license = await withSignature(newRequest(), sign, changes);
  const code = await withSignature(newCodeRequest(), sign, changes);
  const ownAct = await withSignature(statementRequest(), sign, changes);
  for (const [name, signer] of signers) {
    expect([name, await sealWith(signer, license)]).toEqual([name, outcome]);
    expect([name, await codeWith(signer, code)]).toEqual([name, outcome]);
    expect([name, await sealWith(signer, ownAct)]).toEqual([name, outcome]);
  }
}

const use = (...registrations: Registration[]) => {
  personKeys = { ...personKeys, registrations };
};

describe('a signature that counts', () => {
  test.each<Algorithm>(['ES256', 'EdDSA', 'RS256'])(
    'by a WebAuthn authenticator, a certificate, a key: %s',
    async (algorithm) => {
      for (const kind of ['WEBAUTHN', 'CERTIFICATE', 'KEY'] as const) {
        const signatory = createSignatory(`${kind} ${algorithm}`, kind, algorithm);
        use(register(signatory, identity, registrars));
        await expectOutcome('SEALED', (text) => signatory.sign(text));
      }
    },
  );

  test('authenticator data may have extensions and a credential that is backed up', async () => {
    const flags = 0x01 | 0x04 | 0x08 | 0x10 | 0x80;
    await expectOutcome('SEALED', (text) => authenticator.sign(text, { flags, extraBytes: Buffer.from('a0', 'hex') }));
  });

  test('is verified also where no organ needs it', async () => {
    personKeys = { ...personKeys, organs: [] };
    await expectOutcome('SEALED', (text) => authenticator.sign(text));
    await expectOutcome('PERSON_SIGNATURE_INVALID', (text) => authenticator.sign(`${text} `));
  });

  test('is not needed by other organs, and not before the requirement begins by the signer’s own clock', async () => {
    const request = newRequest({ organ: CITY, matterId: CITY_MATTER });
    const authorisation = await authorise(fixture.authorisationKeys, request, fixture.clock());
    const { citySeal } = fixture.keys;
    for (const [, signer] of signers)
      expect(await sealWith(signer, { ...request, authorisation }, { seal: citySeal })).toBe('SEALED');
    personKeys = { ...personKeys, organs: [{ organ: COUNTY, from: '2026-06-01T04:00:00.001Z' }] };
    await expectOutcome('SEALED', () => undefined);
    fixture.clock.advance(1);
    await expectOutcome('PERSON_SIGNATURE_MISSING', () => undefined);
    // A backdated authorisation is no way around it.
    await expectOutcome('PERSON_SIGNATURE_MISSING', () => undefined, { authorisedAt: '2026-05-31T04:00:00Z' });
  });
});

describe('whoever holds the hub’s process is refused', () => {
  test('without a signature', () => expectOutcome('PERSON_SIGNATURE_MISSING', () => undefined));

  test('with a key of its own that nobody registered, or under the id of one that is', async () => {
    const forger = createSignatory('forger', 'WEBAUTHN');
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => forger.sign(text));
    await expectOutcome('PERSON_SIGNATURE_INVALID', (text) => ({ ...forger.sign(text), credential: authenticator.id }));
  });

  test('with a credential of another person, name or organ', async () => {
    for (const other of [{ person: `${COUNTY}.reviewer` }, { name: '他人' }, { organ: CITY }]) {
      use(register(authenticator, { ...identity, ...other }, registrars));
      await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    }
    use(registered);
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text), { actorName: '他人' });
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text), { actor: `${COUNTY}.clerk` });
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
      await expectOutcome('PERSON_SIGNATURE_INVALID', (_, statement) =>
        authenticator.sign(writeAuthorisationText({ ...statement, ...other })),
      );
  });

  test('with an authorisation that a person signed for another case', async () => {
    const first = await withSignature(newRequest(), (text) => authenticator.sign(text));
    for (const [, signer] of signers) {
      expect(await sealWith(signer, first)).toBe('SEALED');
      expect(await sealWith(signer, { ...first, caseId: randomUUID() })).toBe('SEAL_AUTHORISATION_INVALID');
    }
  });

  test('with a signature over a text of another kind', async () => {
    await expectOutcome('PERSON_SIGNATURE_INVALID', (_, statement) =>
      authenticator.sign(writeSignedText('registration', statement)),
    );
    await expectOutcome('PERSON_SIGNATURE_INVALID', (text) => authenticator.sign(text.split('\n')[1] ?? ''));
  });
});

describe('a registration counts only', () => {
  const [first, second] = registrars as [Signatory, Signatory];
  const own = createSignatory(PERSON);

  test.each<[string, () => Registration]>([
    ['with two registrars', () => register(authenticator, identity, [first])],
    ['with two different ones', () => register(authenticator, identity, [first, first])],
    ['with signatures at all', () => register(authenticator, identity, [])],
    ['with registrars of the file', () => register(authenticator, identity, [first, createSignatory('stranger')])],
    ['with the registrar’s own key', () => register(authenticator, identity, [first, createSignatory(second.id)])],
    [
      'with signatures over this statement',
      () => ({
        ...registered,
        statement: { ...registered.statement, validTo: '2030-01-01T00:00:00Z' },
      }),
    ],
    [
      'for a person other than the registrars',
      () => register(authenticator, { ...identity, person: first.id }, registrars),
    ],
    ['for a key other than the registrars’', () => register({ ...first, id: 'x' }, identity, registrars)],
    [
      'if it ever is valid',
      () => register(authenticator, { ...identity, validTo: '2026-01-01T00:00:00Z' }, registrars),
    ],
  ])('%s', async (_, build) => {
    use(build());
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    expect(findRegistrationFault(personKeys, build())).not.toBeNull();
    expect(findRegistrationFault(personKeys, registered)).toBeNull();
  });

  test('for somebody other than a registrar of the file who signs for oneself', async () => {
    const three = [...registrars, own];
    personKeys = buildPersonKeys(three, COUNTY, [register(authenticator, identity, [first, own])]);
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('with two keys: one registrar under two ids is one', async () => {
    const alias = { ...first, id: 'alias', sign: (text: string) => signText(first.privateKey, 'alias', text) };
    personKeys = buildPersonKeys([first, alias], COUNTY, [register(authenticator, identity, [first, alias])]);
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('before its registrar left', async () => {
    const leave = (until: string) => {
      const [head, ...rest] = personKeys.registrars;
      if (!head) throw new Error('no registrar');
      personKeys = { ...personKeys, registrars: [{ ...head, until }, ...rest] };
    };
    leave('2026-01-02T00:00:01Z');
    await expectOutcome('SEALED', (text) => authenticator.sign(text));
    leave('2026-01-02T00:00:00Z');
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('of a kind that the file accepts', async () => {
    const bare = createSignatory('bare');
    use(register(bare, identity, registrars));
    await expectOutcome('SEALED', (text) => bare.sign(text));
    personKeys = { ...personKeys, acceptsBareKeys: false };
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => bare.sign(text));
    personKeys = { ...buildPersonKeys([first, own], COUNTY, []), party: null };
    use(register(authenticator, { ...identity, person: 'x' }, [first, own]));
    expect(findRegistrationFault(personKeys, personKeys.registrations[0] as Registration)).toMatch('relying party');
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
    use(register({ ...authenticator, key: build() }, identity, registrars));
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });
});

describe('a credential counts only for authorisations', () => {
  test('in its period', async () => {
    const period = { validFrom: AUTHORISED_AT, validTo: '2026-06-01T04:00:01Z' };
    use(register(authenticator, { ...identity, ...period }, registrars));
    await expectOutcome('SEALED', (text) => authenticator.sign(text));
    for (const authorisedAt of ['2026-06-01T03:59:59.999Z', '2026-06-01T04:00:01Z'])
      await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text), { authorisedAt });
  });

  test('in the period of its certificate', async () => {
    const period = { validFrom: new Date('2026-06-01T05:00:00Z'), validUntil: new Date('2026-06-01T06:00:00Z') };
    const holder = createSignatory('certificate', 'CERTIFICATE', 'RS256', period);
    use(register(holder, identity, registrars));
    fixture.clock.set('2026-06-01T08:00:00Z');
    for (const [authorisedAt, outcome] of [
      ['2026-06-01T04:59:59Z', 'PERSON_CREDENTIAL_UNFIT'],
      ['2026-06-01T05:30:00Z', 'SEALED'],
      ['2026-06-01T06:00:01Z', 'PERSON_CREDENTIAL_UNFIT'],
    ] as const)
      await expectOutcome(outcome, (text) => holder.sign(text), { authorisedAt });
  });

  test('before it ended, which the hub can neither hide nor undo', async () => {
    const end = (from: string) => {
      personKeys = { ...personKeys, endings: [{ credential: authenticator.id, from, reason: '遗失' }] };
    };
    end('2026-06-01T04:00:01Z');
    await expectOutcome('SEALED', (text) => authenticator.sign(text));
    end(AUTHORISED_AT);
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    use(registered, registered);
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('neither of the future nor older than the file allows', async () => {
    fixture.clock.set('2026-08-30T04:00:00Z');
    await expectOutcome('SEALED', (text) => authenticator.sign(text));
    fixture.clock.advance(1);
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
    fixture.clock.set('2026-06-01T03:58:59Z');
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });

  test('of its newest registration', async () => {
    use(registered, register(authenticator, { ...identity, name: '他人' }, registrars));
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
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
  ])('%s', (_, changes) => expectOutcome('PERSON_SIGNATURE_INVALID', (text) => authenticator.sign(text, changes)));

  test('if the file names a relying party', async () => {
    const bareRegistrars = [createSignatory('administrator'), createSignatory('administrator-deputy')];
    personKeys = { ...buildPersonKeys(bareRegistrars, COUNTY, []), party: null };
    use(register(authenticator, identity, bareRegistrars));
    await expectOutcome('PERSON_CREDENTIAL_UNFIT', (text) => authenticator.sign(text));
  });
});

describe('a signature does not count', () => {
  const invalid = (sign: (text: string) => PersonSignature) => expectOutcome('PERSON_SIGNATURE_INVALID', sign);

  test('in the form of another kind of credential', async () => {
    await invalid((text) => signText(authenticator.privateKey, authenticator.id, text));
    const bare = createSignatory('bare');
    use(register(bare, identity, registrars));
    await invalid((text) => assertText(bare.privateKey, bare.id, text));
  });

  test('by another algorithm than the key’s', async () => {
    const bare = createSignatory('bare', 'KEY', 'RS256');
    use(register(bare, identity, registrars));
    const by = (signature: Uint8Array) => ({
      credential: bare.id,
      signature: Buffer.from(signature).toString('base64url'),
    });
    await expectOutcome('SEALED', (text) => by(signBytes(bare.privateKey, Buffer.from(text))));
    // The public key as the secret of an HMAC.
    await invalid((text) => by(createHmac('sha256', bare.key).update(text).digest()));
    await invalid((text) => by(sign('sha1', Buffer.from(text), bare.privateKey)));
    await invalid((text) => by(sign('sha512', Buffer.from(text), bare.privateKey)));
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    await invalid((text) => by(sign('sha256', Buffer.from(text), { key: bare.privateKey, padding })));
    const curve = createSignatory('curve');
    use(register(curve, identity, registrars));
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
    for (const signature of bad) await expectOutcome('SEAL_AUTHORISATION_INVALID', () => signature as PersonSignature);
  });
});

describe('what a person signs with', () => {
  const ask = async (request: Parameters<Signer['personSigning']>[0]) => {
    const [[, local], [, remote]] = signers as [[string, Signer], [string, Signer]];
    const answer = await local.personSigning(request);
    expect(await remote.personSigning(request)).toEqual(answer);
    return answer;
  };

  test('is told with the organs that need it, also before they do', async () => {
    personKeys = { ...personKeys, organs: [{ organ: COUNTY, from: '2027-01-01T00:00:00Z' }] };
    expect(await ask({ person: PERSON, signed: null })).toEqual({
      organs: [COUNTY],
      rpId: PARTY.rpId,
      credentials: [{ id: authenticator.id, kind: 'WEBAUTHN', organ: COUNTY }],
    });
    expect((await ask({ person: 'x', signed: null })).credentials).toEqual([]);
  });

  test('leaves out credentials that do not count now', async () => {
    fixture.clock.set('2028-01-01T00:00:00Z');
    expect((await ask({ person: PERSON, signed: null })).credentials).toEqual([]);
    fixture.clock.set(AUTHORISED_AT);
    use(register(authenticator, identity, registrars.slice(1)));
    expect((await ask({ person: PERSON, signed: null })).credentials).toEqual([]);
  });

  test('is verified when it is given', async () => {
    const statement = statementOf(newRequest());
    const signature = authenticator.sign(writeAuthorisationText(statement));
    await expect(ask({ person: PERSON, signed: { statement, signature } })).resolves.toBeDefined();
    for (const [, signer] of signers) {
      const forged = { ...signature, signature: 'AAAA' };
      await expect(
        signer.personSigning({ person: PERSON, signed: { statement, signature: forged } }),
      ).rejects.toMatchObject({ name: 'Refusal', code: 'PERSON_SIGNATURE_INVALID', field: 'signature' });
    }
  });
});

function generate(namedCurve: string) {
  return generateKeyPairSync('ec', { namedCurve }).publicKey;
}
function generateRsa(modulusLength: number) {
  return generateKeyPairSync('rsa', { modulusLength }).publicKey;
}
