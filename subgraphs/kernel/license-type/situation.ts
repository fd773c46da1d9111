import type { Day } from '../day.ts';
import { LICENSE_ACTIONS, LICENSE_ACTS, type LicenseAction, type LicenseActRule } from '../license-acts.ts';
import type { LicenseTypeVersion } from './type.ts';

/** Situations (办理情形): for which acts on a license a matter takes applications. The one rule for matters and cases. */

/** What a matter says of its cases from a day on; null: it always did. */
export interface OutcomeSince {
  validFrom: Day | null;
  licenseAction: LicenseAction | null;
  outcome: { licenseType: string | null };
}

/** What decides which situations a matter offers on a day. */
export interface SituationFacts {
  /** The act that the row of the matter names (`licenseAction`). Null counts as ISSUE. */
  ownAct: LicenseAction | null;
  /** The version of its license type that counts. Null: none is known, so only the own act is possible. */
  type: LicenseTypeVersion | null;
  /** Acts that other matters of the same type are for: see `listCarriedActs`. */
  carried: ReadonlySet<LicenseAction>;
  /** The situations that the service guide in force names. Null: it names none, or there is no guide. */
  guided: readonly LicenseAction[] | null;
}

/**
 * Returns the acts other than ISSUE for which matters of a license type exist on a day. What such a sub-item was once
 * for stays with it after its delegation has ended: the power went back to the city, not to another matter.
 */
export function listCarriedActs(
  matters: readonly (readonly OutcomeSince[])[],
  licenseType: string,
  on: Day,
): ReadonlySet<LicenseAction> {
  const begun = matters.flat().filter(({ validFrom }) => validFrom === null || validFrom <= on);
  const acts = begun.flatMap(({ licenseAction, outcome }) => {
    const isCarried = outcome.licenseType === licenseType && licenseAction !== null && licenseAction !== 'ISSUE';
    return isCarried ? licenseAction : [];
  });
  return new Set(acts);
}

/**
 * Returns the situations that a matter offers whose cases end in a license. A sub-item of the plan that names one act
 * (延续, 变更, 补发) is for that act alone. The matter that issues a license is also for every act of its type that no
 * sub-item names. A license without a term is not renewed. An error of its own (更正) every issuer corrects.
 * The service guide may leave out every other situation.
 */
export function listSituations({ ownAct, type, carried, guided }: SituationFacts): LicenseAction[] {
  const own = ownAct ?? 'ISSUE';
  if (type === null) return [own];
  const isFree = (act: LicenseAction) => own === 'ISSUE' && (isOfEveryType(act) || !carried.has(act));
  const isGuided = (act: LicenseAction) => guided === null || guided.includes(act) || isOfEveryType(act);
  return LICENSE_ACTIONS.filter((act) => isPossible(act, type) && (act === own || isFree(act)) && isGuided(act));
}

/** Whether an act is possible with a license of a type. */
function isPossible(act: LicenseAction, type: LicenseTypeVersion): boolean {
  const { needsTerm = false }: LicenseActRule = LICENSE_ACTS[act];
  return (isOfEveryType(act) || type.acts.includes(act)) && !(needsTerm && type.term.kind === 'NONE');
}

/**
 * Returns a guide with the materials that an application for a situation takes: those that name it, or none. The one
 * rule for matters and cases. Null, for a decision document or for no situation in particular, takes every material.
 */
export function guideForSituation<
  Material extends { situations?: readonly LicenseAction[] | undefined },
  Guide extends { materials: readonly Material[] },
>(guide: Guide, situation: LicenseAction | null): Guide {
  if (situation === null) return guide;
  const isFor = ({ situations }: Material) => situations === undefined || situations.includes(situation);
  return { ...guide, materials: guide.materials.filter(isFor) };
}

/** Whether an act is possible with a license of every type, so that no guide leaves it out. */
export function isOfEveryType(act: LicenseAction): boolean {
  const { ofEveryType = false }: LicenseActRule = LICENSE_ACTS[act];
  return ofEveryType;
}

/** Returns the name of a situation at the counter. A first license is applied for as 新办; the act on it is 制发. */
export function situationLabel(act: LicenseAction): string {
  return act === 'ISSUE' ? '新办' : LICENSE_ACTS[act].label;
}

/** Whether an act is done to a license that exists, so that its application names one. */
export function needsLicense(act: LicenseAction): boolean {
  return act !== 'ISSUE';
}
