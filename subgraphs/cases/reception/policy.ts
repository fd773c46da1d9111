import type { Person } from '../../kernel/actor.ts';
import type { DelegationFact } from '../../kernel/events/events.ts';
import { actsFor } from '../../kernel/organ/place.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import type { Place, Policy } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { divisionOf } from '../case.ts';

/** Who may do what with a case. Each row is one mutation. */

/** An application before there is a case of it: the matter on that day, and the holder code that it states. */
export interface Reception {
  matter: MatterFact;
  delegation: DelegationFact;
  applicantCode: string;
}

/**
 * Returns the organ for which a clerk accepts: the county organ at its window or counter, or the city organ by its
 * equal right. Returns null if the clerk accepts for neither.
 */
export function findAcceptingOrgan(clerk: Person, matter: MatterFact, delegation: DelegationFact): string | null {
  const { organ, second, window } = delegation.accepts;
  if (window && organ !== null && clerk.window !== null && clerk.window === divisionOf(matter, organ)) return organ;
  if (!window && actsFor(clerk, organ, matter.matterId)) return organ;
  return actsFor(clerk, second, matter.matterId) ? second : null;
}

/** Returns the organ for which a clerk accepts. Refuses ORGAN_WITHOUT_POWER. */
export function requireAcceptingOrgan(clerk: Person, matter: MatterFact, delegation: DelegationFact): string {
  const organ = findAcceptingOrgan(clerk, matter, delegation);
  if (organ === null) throw new Refusal('ORGAN_WITHOUT_POWER', 'matter');
  return organ;
}

/** The counters that may accept for a matter. */
const RECEIVING_COUNTER: Place<Reception> = {
  name: 'RECEIVING_COUNTER',
  includes: ({ matter, delegation }, person) => findAcceptingOrgan(person, matter, delegation) !== null,
  refuse: () => new Refusal('ORGAN_WITHOUT_POWER', 'matter'),
};

/** The applicant's own application. */
const OWN_APPLICATION: Place<Reception> = {
  name: 'OWN_APPLICATION',
  includes: ({ applicantCode }, { holderCode }) => holderCode === applicantCode,
  refuse: () => new Refusal('NOT_YOUR_RECORD', 'applicant.code'),
};

/** The mutations that make a case. */
export const RECEPTION_POLICY: Policy<Record<'receiveApplication' | 'acceptCase', Reception>> = {
  receiveApplication: {
    grants: [
      { roles: ['WINDOW_CLERK'], place: RECEIVING_COUNTER, isFinal: true },
      { roles: ['APPLICANT'], place: OWN_APPLICATION },
    ],
  },
  acceptCase: { grants: [{ roles: ['WINDOW_CLERK'], place: RECEIVING_COUNTER }] },
};
