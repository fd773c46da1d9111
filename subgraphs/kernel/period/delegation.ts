import { type Day, isWithin } from '../day.ts';
import type { DelegationFact, EventPayload, OrganFact } from '../events/events.ts';
import { Refusal } from '../refusal.ts';

/** Which organs a matter has on a day. The one rule for cases, and for licenses that were issued on paper. */

/** A matter as others know it, from the newest DelegationChanged. */
export type MatterFact = EventPayload<'DelegationChanged'>;

/** Returns the delegation in force on `day`. Refuses MATTER_NOT_DELEGATED if there is none. */
export function delegationOn(matter: MatterFact, day: Day): DelegationFact {
  const delegation = matter.delegations.find((period) => isWithin(day, period.validFrom, period.validTo));
  if (!delegation) throw new Refusal('MATTER_NOT_DELEGATED', 'matter');
  return delegation;
}

/** Returns the organs that take part in the matter's cases or supervise them. They may see them. */
export function partiesOf(delegation: DelegationFact): string[] {
  const { accepts, examines, decides, seals, liable, supervises, industry } = delegation;
  const organs = [accepts, examines, decides, seals, liable, supervises].flatMap((assignment) => [
    assignment.organ,
    assignment.second,
  ]);
  return [...new Set([...organs, industry.city, industry.county].filter((organ) => organ !== null))];
}

/**
 * Returns the issuer: the organ whose seal is on the outcome. It is the organ that decides (谁决定，谁用印).
 * Refuses ORGAN_WITHOUT_POWER if the matter does not name it, or if another organ decides.
 */
export function issuerOf({ matter, delegation }: { matter: MatterFact; delegation: DelegationFact }): OrganFact {
  const { seals, decides } = delegation;
  const issuer = seals.organ === decides.organ && matter.organs.find((organ) => organ.id === seals.organ);
  if (!issuer) throw new Refusal('ORGAN_WITHOUT_POWER');
  return issuer;
}
