import type { Actor } from '../../kernel/actor.ts';
import { maskParties } from './mask.ts';
import type { Parties } from './party.ts';

/** Returns agent and address for service as `actor` may see them: complete for the applicant alone, as the code is. */
export function viewParties({ applicant, agent, contact }: Parties, actor: Actor) {
  const isOwn = actor.kind === 'person' && actor.holderCode === applicant.code;
  return isOwn ? { agent, contact } : maskParties({ agent, contact });
}
