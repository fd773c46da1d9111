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
  /** Whether an undecided renewal holds off the last day (视为准予延续). Only the newest version has one. */
  isHeld: boolean;
}

/** The versions of a license, oldest first. */
export type ModelLicense = readonly ModelVersion[];

/** Returns the day so many days after another. */
export function addDays(day: string, days: number): string {
  return Array.from({ length: days }).reduce<string>(dayAfter, day);
}

/** The period by which a version is judged: without its last day while a renewal holds that off. */
function periodOf({ validFrom, validUntil, supersededFrom, isHeld }: ModelVersion) {
  return { validFrom, validUntil: isHeld ? null : validUntil, supersededFrom };
}

/** Returns the license from when a renewal is accepted, or from when it is refused. */
export function holdEnd(license: ModelLicense, isHeld: boolean): ModelLicense {
  return license.map((version) => (version === headOf(license) ? { ...version, isHeld } : version));
}

/** Returns the newest version: acts are done on it. */
export function headOf(license: ModelLicense): ModelVersion {
  const head = license.at(-1);
  if (!head) throw new RangeError('no version');
  return head;
}

/** Returns the state of each version on a day. */
export function statesOn(license: ModelLicense, day: string): ValidityState[] {
  return license.map((version) => stateOn(version.state, periodOf(version), day));
}

/** Whether the license takes an act on a day. The sweep enters only ends that time has made. */
export function takesAct(license: ModelLicense, act: Act, day: string): boolean {
  const { state } = headOf(license);
  const today = stateOn(state, periodOf(headOf(license)), day);
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

/** The new term of a renewal (延续): from the day after the last day, or from the day of its grant if that is later. */
export function termOf(
  license: ModelLicense,
  grantedOn: string,
  days: number,
): { validFrom: string; validUntil: string } {
  const { validUntil } = headOf(license);
  const validFrom = grantedOn > validUntil ? grantedOn : dayAfter(validUntil);
  return { validFrom, validUntil: addDays(validFrom, days - 1) };
}

/** Returns the license after an act that it takes. `term`: the period that a renewal gives. */
export function afterAct(
  license: ModelLicense,
  act: Act,
  day: string,
  term: { validFrom: string; validUntil: string },
): ModelLicense {
  const head = headOf(license);
  const current = license.filter((version) => isCurrent(license, version, day));
  const replace = (change: (version: ModelVersion) => ModelVersion) =>
    license.map((version) => (current.includes(version) ? change(version) : version));
  const { to } = LICENSE_ACTS[act];
  if (!makesVersion(act)) return replace((version) => ({ ...version, state: to }));
  const isRenewed = periodMove(act) === 'BEGINS';
  const period = isRenewed ? term : { validFrom: (current[0] ?? head).validFrom, validUntil: head.validUntil };
  const added = {
    // What is suspended stays so in every version.
    ...{ state: head.state === 'SUSPENDED' ? head.state : ('VALID' as const), ...period, supersededFrom: null },
    ...{ termFrom: isRenewed ? term.validFrom : head.termFrom, isHeld: isRenewed ? false : head.isHeld },
  };
  if (takesOverOnFirstDay(act) && period.validFrom > day)
    return [...replace((version) => ({ ...version, supersededFrom: period.validFrom, isHeld: false })), added];
  return [...replace((version) => ({ ...version, state: 'SUPERSEDED', isHeld: false })), added];
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
