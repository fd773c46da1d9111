import type { OrganFact } from '../events/events.ts';
import type { SealKind } from '../events/seal-grant.ts';
import type { SealedAct } from '../license-acts.ts';

/** Which seal goes onto what (印章种类): one table for everything that picks, checks or audits a seal. */

/** What bears a seal: a license or a statement on it, a decision document, any other notice. */
export type SealedDocument = 'LICENSE' | 'DECISION' | 'NOTICE';
export type OrganLevel = OrganFact['level'];

/** The kind of seal by document and by the level of the organ whose seal it is: of a license, its issuer. */
export const SEAL_KIND_OF: Record<SealedDocument, Record<OrganLevel, SealKind>> = {
  LICENSE: { COUNTY: 'LICENSE_SEAL', CITY: 'APPROVAL_SEAL' },
  DECISION: { COUNTY: 'UNIT_SEAL', CITY: 'APPROVAL_SEAL' },
  NOTICE: { COUNTY: 'ACCEPTANCE_SEAL', CITY: 'ACCEPTANCE_SEAL' },
};

/** Returns what an act seals. */
export function documentOf(act: SealedAct): SealedDocument {
  return act === 'DECISION' || act === 'NOTICE' ? act : 'LICENSE';
}

/** Returns the level of the organ of a division (GB/T 2260): the code of a city ends with 00. */
export function levelOfDivision(divisionCode: string): OrganLevel {
  return divisionCode.endsWith('00') ? 'CITY' : 'COUNTY';
}

/** Whether a seal of a kind may go onto a document at all: an acceptance seal onto notices, and nothing else. */
export function mayBear(document: SealedDocument, kind: SealKind): boolean {
  return (document === 'NOTICE') === (kind === 'ACCEPTANCE_SEAL');
}

/** For what a person authorised a seal, and when. */
export interface SealPurpose {
  act: SealedAct;
  /** Level of the organ whose seal it is. */
  level: OrganLevel;
  /** RFC 3339. */
  authorisedAt: string;
}

/** What the choice needs to know of a seal. */
interface KindOfSeal {
  kind: SealKind;
  /**
   * When its kind became required: when it was first put into use; for a seal of a release up to 0.4, at the upgrade.
   * Null before that.
   */
  requiredSince: Date | null;
}

/**
 * Picks those of an organ's seals that may serve, the right kind first. What was authorised since that kind is required
 * bears no other. What was authorised before may bear the organ's other seals, as up to release 0.4.
 */
export function pickSealsFor<Seal extends KindOfSeal>(
  seals: readonly Seal[],
  { act, level, authorisedAt }: SealPurpose,
): Seal[] {
  const document = documentOf(act);
  const kind = SEAL_KIND_OF[document][level];
  const at = new Date(authorisedAt);
  const ofKind = seals.filter((seal) => seal.kind === kind);
  if (ofKind.some(({ requiredSince }) => requiredSince !== null && requiredSince <= at)) return ofKind;
  const others = seals.filter((seal) => seal.kind !== kind && mayBear(document, seal.kind));
  return [...ofKind, ...others];
}
