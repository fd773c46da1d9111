import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Agreement, covers } from '../agreement/agreement.ts';
import { type Case, type CaseFile, delegationOn, divisionOf, type LicenseFact, type MatterFact } from '../case.ts';
import { requireAllMaterials } from '../material/material.ts';
import { requireLicenseFits } from './application.ts';
import { guideOn, type PublishedGuides } from './guide.ts';
import { requireAcceptingOrgan } from './policy.ts';

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

/** What an accepted case keeps: matter, delegation and guide (办事指南) of the day, and the organ that accepts. */
export type Acceptance = Pick<CaseFile, 'matter' | 'delegation' | 'guide'> & { acceptedBy: string };

/**
 * Returns what an application that a clerk accepts today keeps of the day. `actions` and mutations ask this one rule.
 * Refuses MATTER_UNKNOWN, MATTER_NOT_DELEGATED, AGREEMENT_MISSING, ORGAN_WITHOUT_POWER, MATERIALS_MISSING, and what
 * `requireLicenseFits` refuses.
 */
export function requireAcceptable(subject: Case, clerk: Person, facts: AcceptanceFacts, today: Day): Acceptance {
  const { matter, agreements, license, guides, materialCodes } = facts;
  if (!matter) throw new Refusal('MATTER_UNKNOWN', 'matter');
  const delegation = delegationOn(matter, today);
  // 实施方案二（二）: this mode needs an undertaking agreement of the two organs.
  const needsAgreement = delegation.mode === 'SUBSTANTIVE_REVIEW';
  if (needsAgreement && !agreements.some((agreement) => covers(agreement, delegation, matter.matterId)))
    throw new Refusal('AGREEMENT_MISSING', 'matter');
  const acceptedBy = requireAcceptingOrgan(clerk, matter, delegation);
  requireLicenseFits(delegation, subject, license, today);
  const division = acceptedBy === delegation.cityOrgan ? null : divisionOf(matter, acceptedBy);
  const guide = guides && guideOn(guides, today, division);
  if (guide) requireAllMaterials(guide, materialCodes);
  return { matter, delegation, acceptedBy, guide };
}
