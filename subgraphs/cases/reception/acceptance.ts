import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Agreement, covers } from '../agreement/agreement.ts';
import { type Case, delegationOn, divisionOf, type LicenseFact, type MatterFact } from '../case.ts';
import { guideOn, type PublishedGuides } from '../guide.ts';
import { requireAllMaterials } from '../material/material.ts';
import { requireAcceptingOrgan } from '../policy.ts';
import { requireLicenseFits } from './application.ts';

/** What decides whether a received application can be accepted today, besides the case itself. */
export interface AcceptanceFacts {
  matter: MatterFact | null;
  /** Agreements in force for the matter. */
  agreements: readonly Agreement[];
  /** The license that the application names, or null. */
  license: LicenseFact | null;
  guides: PublishedGuides | null;
  /** Codes of the materials that were handed in. */
  materialCodes: readonly string[];
}

/**
 * Refuses MATTER_UNKNOWN, MATTER_NOT_DELEGATED, AGREEMENT_MISSING, ORGAN_WITHOUT_POWER, MATERIALS_MISSING, and as
 * `requireLicenseFits` does unless a clerk can accept a received application today.
 */
export function requireAcceptable(subject: Case, clerk: Person, facts: AcceptanceFacts, today: Day): void {
  const { matter, agreements, license, guides, materialCodes } = facts;
  if (!matter) throw new Refusal('MATTER_UNKNOWN', 'matter');
  const delegation = delegationOn(matter, today);
  const needsAgreement = delegation.mode === 'SUBSTANTIVE_REVIEW';
  if (needsAgreement && !agreements.some((agreement) => covers(agreement, delegation, matter.matterId)))
    throw new Refusal('AGREEMENT_MISSING', 'matter');
  const acceptedBy = requireAcceptingOrgan(clerk, matter, delegation);
  requireLicenseFits(delegation, subject, license);
  const division = acceptedBy === delegation.cityOrgan ? null : divisionOf(matter, acceptedBy);
  const guide = guides && guideOn(guides, today, division);
  if (guide) requireAllMaterials(guide, materialCodes);
}
