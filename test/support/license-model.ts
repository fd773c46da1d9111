import {
  type Act,
  IN_FORCE,
  isActAllowed,
  isLive,
  LICENSE_ACTS,
  type LicenseState,
  makesVersion,
  periodMove,
  takesOverOnFirstDay,
  type ValidityState,
} from '../../subgraphs/kernel/license-acts.ts';
import { dayAfter, stateOn } from '../../subgraphs/kernel/period/validity.ts';

/** What acts and days make of a license, by the table of acts and the function of the period alone. */

/** A version: the state that its acts made, its period, and the day from which another takes its place. */
export interface ModelVersion {
  state: LicenseState;
  validFrom: string;
  validUntil: string;
  supersededFrom: string | null;
  /** First day of the newest term. It may be later than `validFrom`: a version that joins two terms. */
  termFrom: string;
}

/** The versions of a license, oldest first. */
export type ModelLicense = readonly ModelVersion[];

/** Returns the day so many days after another. */
export function addDays(day: string, days: number): string {
  return Array.from({ length: days }).reduce<string>(dayAfter, day);
}

/** Returns the newest version: acts are done on it. */
export function headOf(license: ModelLicense): ModelVersion {
  const head = license.at(-1);
  if (!head) throw new RangeError('no version');
  return head;
}

/** Returns the state of each version on a day. */
export function statesOn(license: ModelLicense, day: string): ValidityState[] {
  return license.map((version) => stateOn(version.state, version, day));
}

/** Whether the license takes an act on a day. The sweep enters only ends that time has made. */
export function takesAct(license: ModelLicense, act: Act, day: string): boolean {
  const { state, ...period } = headOf(license);
  const today = stateOn(state, period, day);
  // A term that waits for its first day is not renewed.
  if (periodMove(act) === 'BEGINS' && day < headOf(license).termFrom) return false;
  if (act === 'LAPSE') return today === 'LAPSED' && (IN_FORCE as readonly LicenseState[]).includes(state);
  return isActAllowed(act, today);
}

/** Whether a version is the newest one, or in force until that one begins. */
function isCurrent(license: ModelLicense, version: ModelVersion, day: string): boolean {
  if (version === headOf(license)) return true;
  const { supersededFrom, state } = version;
  return supersededFrom !== null && day < supersededFrom && isLive(state);
}

/** Returns the license after an act that it takes. `days`: the length of a new period. */
export function afterAct(license: ModelLicense, act: Act, day: string, days: number): ModelLicense {
  const head = headOf(license);
  const current = license.filter((version) => isCurrent(license, version, day));
  const replace = (change: (version: ModelVersion) => ModelVersion) =>
    license.map((version) => (current.includes(version) ? change(version) : version));
  const { to } = LICENSE_ACTS[act];
  if (!makesVersion(act)) return replace((version) => ({ ...version, state: to }));
  const period =
    periodMove(act) === 'BEGINS'
      ? { validFrom: dayAfter(head.validUntil), validUntil: addDays(head.validUntil, days) }
      : { validFrom: (current[0] ?? head).validFrom, validUntil: head.validUntil };
  const termFrom = periodMove(act) === 'BEGINS' ? period.validFrom : head.termFrom;
  const added = { state: 'VALID' as const, ...period, supersededFrom: null, termFrom };
  if (takesOverOnFirstDay(act))
    return [...replace((version) => ({ ...version, supersededFrom: period.validFrom })), added];
  return [...replace((version) => ({ ...version, state: to })), added];
}

/** Returns the next day after `day` on which time alone makes another state of a version, or null. */
export function nextBoundary(license: ModelLicense, day: string): string | null {
  const days = license
    .filter(({ state }) => isLive(state))
    .flatMap(({ validFrom, validUntil, supersededFrom }) => [validFrom, dayAfter(validUntil), supersededFrom ?? []])
    .flat()
    .filter((one) => one > day);
  return days.sort()[0] ?? null;
}
