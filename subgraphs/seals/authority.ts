import type { SealAuthorisation } from '../kernel/actor.ts';
import type { SignRequest } from '../kernel/events.ts';
import { Refusal } from '../kernel/refusal.ts';

/**
 * Refuses SEAL_AUTHORISATION_INVALID unless the statement of the person who decided (用印授权) is about exactly what is to be
 * sealed: the same organ, matter, case, act and content.
 */
export function requireAuthorised(statement: SealAuthorisation, request: SignRequest): void {
  const agrees =
    statement.organ === request.organ &&
    statement.matter === request.matterId &&
    statement.caseId === request.caseId &&
    statement.act === request.act &&
    statement.contentDigest === request.contentDigest;
  if (!agrees) throw new Refusal('SEAL_AUTHORISATION_INVALID');
}
