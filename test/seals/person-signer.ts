import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { computeContentDigest } from '../../subgraphs/kernel/events/events.ts';
import { writeAuthorisation } from '../../subgraphs/kernel/sealing/authorisation.ts';
import {
  type PersonSignature,
  type SealStatement,
  writeAuthorisationText,
} from '../../subgraphs/kernel/sealing/person-signature.ts';
import type { CodeRequest, SealUseRequest, SignRequest } from '../../subgraphs/kernel/sealing/sign.ts';
import type { PersonKeys, Registration } from '../../subgraphs/seals/signer/person/credential.ts';
import type { Signer } from '../../subgraphs/seals/signer/signer.ts';
import { connectSigner } from '../../subgraphs/seals/signer/signer-client.ts';
import { serveSigner } from '../../subgraphs/seals/signer/signer-routes.ts';
import { buildPersonKeys, createSignatory, register } from '../support/person-keys.ts';
import { identities, servicesOf } from '../support/services.ts';
import { AUTHORISER, COUNTY, deciderOf, newCodeRequest, newRequest, statementRequest } from './requests.ts';
import { openSignerFixture, type SignerFixture } from './signer-fixture.ts';

/**
 * A signer with a file of persons' keys, attacked as by somebody who holds the hub's process: its service key, both
 * keys of authorisations and the envelopes of the seals.
 */

export const PERSON = `${COUNTY}.approver`;
export const AUTHORISED_AT = '2026-06-01T04:00:00Z';
export const IDENTITY = { person: PERSON, name: AUTHORISER, organ: COUNTY };

export const registrars = [
  createSignatory('administrator'),
  createSignatory('administrator-deputy', 'WEBAUTHN', 'EdDSA'),
] as const;
export const authenticator = createSignatory('webauthn-es256', 'WEBAUTHN');
export const registered = register(authenticator, IDENTITY, registrars);

export type SignStatement = (text: string, statement: SealStatement) => PersonSignature | undefined;

export interface PersonSigner {
  fixture: SignerFixture;
  /** The same signer in process and over HTTP. */
  signers: [name: string, signer: Signer][];
  /** The signer's file. Each test begins with one organ that needs signatures and one registered credential. */
  personKeys: PersonKeys;
  /** Replaces the registrations of the file. */
  use(...registrations: Registration[]): void;
}

/** Opens the signer before all tests of a file, and closes it after them. */
export function usePersonSigner(): PersonSigner {
  const context = { personKeys: buildPersonKeys(registrars, COUNTY, []) } as PersonSigner;
  context.use = (...registrations) => {
    context.personKeys = { ...context.personKeys, registrations };
  };
  let close = async () => {};
  beforeAll(async () => {
    const fixture = await openSignerFixture(() => context.personKeys);
    const app = serveSigner(fixture.signer, { services: servicesOf('signer'), now: fixture.clock });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    context.fixture = fixture;
    context.signers = [
      ['in process', fixture.signer],
      ['over HTTP', connectSigner(() => url, { identity: identities.seals, now: fixture.clock })],
    ];
    close = () => app.close();
  });
  afterAll(() => close());
  beforeEach(() => {
    context.personKeys = buildPersonKeys(registrars, COUNTY, [registered]);
    context.fixture.clock.set(AUTHORISED_AT);
  });
  return context;
}

export function statementOf(request: SealUseRequest, changes: Partial<SealStatement> = {}): SealStatement {
  return {
    actor: PERSON,
    actorName: AUTHORISER,
    organ: request.organ,
    matter: request.matterId,
    caseId: request.caseId,
    act: request.act,
    contentDigest: computeContentDigest(request.content),
    authorisedAt: AUTHORISED_AT,
    decider: deciderOf(request.organ),
    ...changes,
  };
}

/** Returns the request with an authorisation by the hub's own key, as whoever holds its process writes one. */
export async function withSignature<Request extends SealUseRequest>(
  { fixture }: PersonSigner,
  request: Request,
  sign: SignStatement,
  changes: Partial<SealStatement> = {},
): Promise<Request> {
  const statement = statementOf(request, changes);
  const signature = sign(writeAuthorisationText(statement), statement);
  const subgraph = request.caseId === null ? 'licenses' : 'cases';
  const authorisation = await writeAuthorisation(fixture.serviceKeys.identities[subgraph], {
    ...statement,
    signature,
  });
  return { ...request, authorisation };
}

const toOutcome = (answer: Promise<unknown>) =>
  answer.then(
    () => 'SEALED',
    (error) => (error.name === 'Refusal' ? error.code : `${error}`),
  );

/** What a signer does with a request to seal: `SEALED`, or the code of its refusal. */
export function sealWith(
  { fixture }: PersonSigner,
  signer: Signer,
  request: SignRequest,
  keys?: Partial<SignerFixture['keys']>,
): Promise<string> {
  return toOutcome(signer.seal(fixture.sealOrder(request, keys)));
}

function codeWith({ fixture }: PersonSigner, signer: Signer, request: CodeRequest): Promise<string> {
  return toOutcome(signer.code(fixture.codeOrder(request)));
}

/** Requires the same outcome of a license, its code and a statement without a case, in process and over HTTP. */
export async function expectOutcome(
  context: PersonSigner,
  outcome: string,
  sign: SignStatement,
  changes: Partial<SealStatement> = {},
): Promise<void> {
  const license = await withSignature(context, newRequest(), sign, changes);
  const code = await withSignature(context, newCodeRequest(), sign, changes);
  const ownAct = await withSignature(context, statementRequest(), sign, changes);
  for (const [name, signer] of context.signers) {
    expect([name, await sealWith(context, signer, license)]).toEqual([name, outcome]);
    expect([name, await codeWith(context, signer, code)]).toEqual([name, outcome]);
    expect([name, await sealWith(context, signer, ownAct)]).toEqual([name, outcome]);
  }
}
