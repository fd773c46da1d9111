import { computeContentDigest, sha256 } from '../../kernel/events/events.ts';
import { maySeal } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import {
  type AuthorisationKeys,
  readAuthorisation,
  readKnownAuthorisation,
  type SealAuthorisation,
  type VerifiedAuthorisation,
} from '../../kernel/sealing/authorisation.ts';
import { authorisesContent, authorisesFor } from '../../kernel/sealing/person-signature.ts';
import type { SealUseRequest } from '../../kernel/sealing/sign.ts';
import { type PersonKeys, requirePersonSignature } from './person/credential.ts';

/** By what a statement counts. */
export interface AuthorityDependencies {
  /** Public keys of the processes in which persons authorise. */
  keys: AuthorisationKeys;
  /** Whether a statement, by its SHA-256 in hex, waited for its seal when the keys of processes changed. */
  isKnown: (digest: string) => boolean;
  personKeys: PersonKeys;
  now: Date;
}

/**
 * Returns the statement of the person who authorised the use (用印授权). Requires that it covers exactly this request:
 * the same organ, matter, case, act and content. Requires that the person decided for this organ, and signed in person
 * where the organ needs it.
 * Refuses SEAL_AUTHORISATION_INVALID, and what `requirePersonSignature` refuses.
 *
 * For an act that rests on a case, only the subgraph that decides cases may have signed the statement. The key of
 * licenses authorises acts on the organ's own authority. It must not be able to issue a license that nobody granted.
 */
export async function requireAuthorisation(
  request: SealUseRequest,
  { keys, isKnown, personKeys, now }: AuthorityDependencies,
): Promise<SealAuthorisation> {
  const { subgraph, statement } = await readStatement(request.authorisation, keys, isKnown);
  const agrees =
    subgraph === (request.caseId === null ? 'licenses' : 'cases') &&
    maySeal(request.act, request.caseId !== null) &&
    statement.organ === request.organ &&
    statement.matter === request.matterId &&
    statement.caseId === request.caseId &&
    authorisesContent(statement, request.act, computeContentDigest(request.content)) &&
    (statement.decider === undefined || authorisesFor(request.organ, statement.decider, request.act));
  if (!agrees) throw new Refusal('SEAL_AUTHORISATION_INVALID');
  requirePersonSignature(personKeys, statement, { act: request.act, at: now });
  return statement;
}

/** Nothing signs a known statement again: its digest is that of the bytes which were verified. */
async function readStatement(
  jws: string,
  keys: AuthorisationKeys,
  isKnown: AuthorityDependencies['isKnown'],
): Promise<VerifiedAuthorisation> {
  try {
    return await readAuthorisation(keys, jws);
  } catch (refusal) {
    if (!isKnown(sha256(jws))) throw refusal;
    return readKnownAuthorisation(jws);
  }
}
