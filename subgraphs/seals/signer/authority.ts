import { decodeJwt } from 'jose';
import { computeContentDigest } from '../../kernel/events/events.ts';
import { maySeal } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { decidesFor } from '../../kernel/sealing/person-signature.ts';
import type { SealUseRequest } from '../../kernel/sealing/sign.ts';
import { type AuthorisationKeys, readAuthorisation, type SealAuthorisation } from '../../kernel/sealing/token.ts';
import { type PersonKeys, requirePersonSignature } from './person/credential.ts';

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
  keys: AuthorisationKeys,
  request: SealUseRequest,
  { personKeys, now }: { personKeys: PersonKeys; now: Date },
): Promise<SealAuthorisation> {
  const statement = await readAuthorisation(keys, request.authorisation);
  const issuer = decodeJwt(request.authorisation).iss;
  const agrees =
    issuer === (request.caseId === null ? 'licenses' : 'cases') &&
    maySeal(request.act, request.caseId !== null) &&
    statement.organ === request.organ &&
    statement.matter === request.matterId &&
    statement.caseId === request.caseId &&
    statement.act === request.act &&
    statement.contentDigest === computeContentDigest(request.content) &&
    (statement.decider === undefined || decidesFor(request.organ, statement.decider));
  if (!agrees) throw new Refusal('SEAL_AUTHORISATION_INVALID');
  requirePersonSignature(personKeys, statement, now);
  return statement;
}
