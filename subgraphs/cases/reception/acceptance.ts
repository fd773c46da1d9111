import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import type { DelegationFact } from '../../kernel/events/events.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import { guideForSituation } from '../../kernel/license-type/situation.ts';
import { delegationOn, type MatterFact } from '../../kernel/period/delegation.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Agreement, covers } from '../agreement/agreement.ts';
import { type Case, type CaseFile, divisionOf } from '../case.ts';
import { requireAllMaterials } from '../material/material.ts';
import { requireAgentOn } from '../party/party.ts';
import { requireTurn, type StandingLicense } from '../standing/standing.ts';
import { requireLicenseFits, requireSituation } from './application.ts';
import { requireConsent } from './consent.ts';
import { guideOn, type PublishedGuides } from './guide.ts';
import { requireAcceptingOrgan } from './policy.ts';

/** Returns the situations (办理情形) for which a matter takes applications, in a delegation; [] for a decision document. */
export type ListOffered = (matter: MatterFact, delegation: DelegationFact) => LicenseAction[];

/** What decides whether a received application can be accepted today, besides the case itself. */
export interface AcceptanceFacts {
  matter: MatterFact | null;
  /** Agreements in force for the matter. */
  agreements: readonly Agreement[];
  /** The license that the application names, or null. */
  license: StandingLicense | null;
  guides: PublishedGuides | null;
  /** Returns the situations that the matter offers today. */
  listOffered: ListOffered;
  /** Codes of the materials that were handed in. */
  materialCodes: readonly string[];
}

/**
 * What an accepted case keeps: matter, delegation, situation and guide (办事指南) of the day, and the organ that accepts.
 */
export type Acceptance = Pick<CaseFile, 'matter' | 'delegation' | 'act' | 'guide'> & { acceptedBy: string };

/**
 * Returns what an application that a clerk accepts today keeps of the day. `actions` and mutations ask this one rule.
 * Refuses MATTER_UNKNOWN, MATTER_NOT_DELEGATED, AGREEMENT_MISSING, ORGAN_WITHOUT_POWER, MATERIALS_MISSING,
 * AGENT_NOT_AUTHORISED, and what
 * `requireSituation`, `requireLicenseFits`, `requireTurn` and `requireConsent` refuse.
 */
export function requireAcceptable(subject: Case, clerk: Person, facts: AcceptanceFacts, today: Day): Acceptance {
  const { matter, agreements, license, guides, listOffered, materialCodes } = facts;
  if (!matter) throw new Refusal('MATTER_UNKNOWN', 'matter');
  const delegation = delegationOn(matter, today);
  const acceptedBy = requireAcceptingOrgan(clerk, matter, delegation);
  // 实施方案二（二）: the county organ needs an undertaking agreement. The city organ accepts by its own right.
  const needsAgreement = delegation.mode === 'SUBSTANTIVE_REVIEW' && acceptedBy !== delegation.cityOrgan;
  if (needsAgreement && !agreements.some((agreement) => covers(agreement, delegation, matter.matterId)))
    throw new Refusal('AGREEMENT_MISSING', 'matter');
  const act = requireSituation({ ...subject, delegation }, listOffered(matter, delegation));
  requireLicenseFits({ ...subject, delegation, act }, license, today);
  requireAgentOn(subject, today);
  if (act !== null) requireTurn(act, 'acceptance', license);
  if (act !== null) requireConsent(subject, act, license?.license ?? null);
  const division = acceptedBy === delegation.cityOrgan ? null : divisionOf(matter, acceptedBy);
  const guideOfMatter = guides && guideOn(guides, today, division);
  const guide = guideOfMatter && guideForSituation(guideOfMatter, act);
  if (guide) requireAllMaterials(guide, materialCodes);
  return { matter, delegation, act, acceptedBy, guide };
}
