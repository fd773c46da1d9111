import type { Day } from '../../kernel/day.ts';
import { dayOf } from '../../kernel/day.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { findOwner } from '../../kernel/identity/co-ownership.ts';
import { changesHolder, changesLines, type LicenseAction, makesSheet, periodMove } from '../../kernel/license-acts.ts';
import { type AmendedLine, type Lines, listAmended, listLicenseChanges } from '../../kernel/license-type/changes.ts';
import { type ContentFault, listContentFaults, readFields } from '../../kernel/license-type/content.ts';
import { needsLicense, situationLabel } from '../../kernel/license-type/situation.ts';
import {
  findTypeOn,
  findTypeVersion,
  type LicenseTypeVersion,
  type PublishedLicenseType,
} from '../../kernel/license-type/type.ts';
import { Refusal, type RefusalCode } from '../../kernel/refusal.ts';
import { checkAll, checkEach, RefusalCollector } from '../../kernel/refusals/collector.ts';
import { actOf, type CaseFile, type LicenseFact, type StepRecord } from '../case.ts';
import { linesAfter } from './content.ts';
import { hasSameOwners, ownersAfter } from './owners.ts';

/** The content of a license (制证信息) held against its type (证照类型). */

/**
 * Returns the version of a license type that a case keeps: the one that its acceptance names, or today's before that.
 * A case of a release up to 0.4.1 names none, so the day of its acceptance counts. Null if none is known: a case of a
 * release up to 0.4 can be older than every version.
 */
export function typeOfCase(
  published: PublishedLicenseType | null,
  steps: readonly Pick<StepRecord, 'step' | 'at' | 'data'>[],
  today: Day,
): LicenseTypeVersion | null {
  if (published === null) return null;
  const accepted = steps.find(({ step }) => step === 'ACCEPTED');
  if (accepted === undefined) return findTypeOn(published, today);
  const kept = findTypeVersion(published, accepted.data?.typeVersion);
  return kept ?? findTypeOn(published, dayOf(accepted.at)) ?? findTypeOn(published, today);
}

/**
 * Returns lines under their labels. Each may be given by its label, in any width and with any brackets, or by the key
 * that the type has for it.
 */
export function toLabels(type: LicenseTypeVersion | null, given: Lines): { label: string; text: string }[] {
  const labelByKey = new Map(type?.lines.map(({ key, label }) => [key, label]));
  const labelByFolded = new Map(type?.lines.map(({ label }) => [foldText(label), label]));
  return given.map(({ label, text }) => {
    return { label: labelByKey.get(label) ?? labelByFolded.get(foldText(label)) ?? label, text };
  });
}

/**
 * Refuses what is wrong with the given lines by themselves, all at once, each with its place: FIELD_TOO_LONG, and
 * FIELD_MALFORMED for a line that the type does not have, that occurs twice, or is of another kind. A line that stands
 * on the license may be changed although its type does not have it any more. What is missing is for the decision.
 */
export function requireFitting(type: LicenseTypeVersion | null, given: Lines, standing: Lines): void {
  if (type === null) return;
  const known = new Set(standing.map(({ label }) => label));
  const faults = new RefusalCollector();
  for (const fault of listContentFaults(type, readFields(type, given))) {
    if (fault.index === null || fault.fault === 'MISSING') continue;
    if (fault.fault === 'UNKNOWN' && known.has(fault.key)) continue;
    const member = fault.fault === 'UNKNOWN' || fault.fault === 'REPEATED' ? 'label' : 'text';
    faults.add(new Refusal(codeOf(fault), `fields[${fault.index}].${member}`, fault.message));
  }
  faults.settle();
}

/**
 * Returns what keeps a license from being sealed with these lines by the rules of its type: each required line that is
 * missing, and what is wrong with a line that the act changes. What stands unchanged was sealed before.
 */
export function listSealFaults(type: LicenseTypeVersion, standing: Lines, lines: Lines): ContentFault[] {
  const changed = new Set(listAmended(standing, lines).map(({ label }) => label));
  return listContentFaults(type, readFields(type, lines)).filter(({ fault, index }) => {
    const label = index === null ? undefined : lines[index]?.label;
    return fault === 'MISSING' || (label !== undefined && changed.has(label));
  });
}

/** Refuses, all at once, what `listSealFaults` finds: CONTENT_INCOMPLETE, FIELD_TOO_LONG, FIELD_MALFORMED. */
function requireComplete(type: LicenseTypeVersion | null, standing: Lines, lines: Lines): void {
  if (type === null) return;
  const faults = new RefusalCollector();
  for (const fault of listSealFaults(type, standing, lines))
    faults.add(new Refusal(codeOf(fault), null, fault.message));
  faults.settle();
}

/** Returns the labels of the required lines of a type that `standing` lacks: the first act on it supplies them. */
function listLacking(type: LicenseTypeVersion | null, standing: Lines): ReadonlySet<string> {
  const labels = new Set(standing.map(({ label }) => label));
  return new Set((type?.lines ?? []).flatMap(({ label, required }) => (required && !labels.has(label) ? label : [])));
}

/** What decides which lines a license carries after a case. */
type CaseLines = Pick<CaseFile, 'act' | 'delegation' | 'fields'>;

/** Returns the lines that the license carries after the act of a case (制证信息). */
export function linesOf(subject: CaseLines, license: LicenseFact | null, type: LicenseTypeVersion | null) {
  const standing = license?.license.fields ?? [];
  return linesAfter(actOf(subject), standing, subject.fields, listLacking(type, standing));
}

/** Refuses as `requireComplete` does. An act that makes no new sheet seals no lines. */
export function requireContent(subject: CaseLines, license: LicenseFact | null, type: LicenseTypeVersion | null): void {
  if (!makesSheet(actOf(subject))) return;
  requireComplete(type, license?.license.fields ?? [], linesOf(subject, license, type));
}

/**
 * Returns what a case changes on the license that it acts on: names and shares of the holders and the lines, each
 * before and after.
 * [] for a first license, and for an act that changes neither.
 */
export function listChanges(
  subject: CaseLines & Pick<CaseFile, 'applicant' | 'coOwnership'>,
  license: LicenseFact | null,
  type: LicenseTypeVersion | null,
): AmendedLine[] {
  if (license === null || !makesSheet(actOf(subject))) return [];
  const fields = linesOf(subject, license, type);
  return listLicenseChanges(license.license, { ...ownersAfter(subject, license), fields });
}

/** The acts that must change what a license says, each with its refusal. The others are something without a change. */
export const EMPTY_REFUSALS = { CHANGE: 'CHANGE_EMPTY', CORRECT: 'CORRECTION_EMPTY' } as const satisfies Partial<
  Record<LicenseAction, RefusalCode>
>;

const isOfEmptyRefusals = (act: LicenseAction): act is keyof typeof EMPTY_REFUSALS =>
  Object.hasOwn(EMPTY_REFUSALS, act);

/**
 * Refuses CHANGE_EMPTY or CORRECTION_EMPTY for a change (变更) or correction (更正) that changes neither a line nor the
 * holder's name nor, where the act may correct it, `period`, what the decision makes of the period of validity. Before
 * the decision nobody has named it yet: null. Days that a decision wrote may be all that is wrong, of any term.
 */
export function requireChange(
  subject: CaseLines & Pick<CaseFile, 'applicant' | 'coOwnership'>,
  license: LicenseFact | null,
  type: LicenseTypeVersion | null,
  period: { validFrom: Day; validUntil: Day | null } | null = null,
): void {
  const act = actOf(subject);
  if (license === null || act === null || !isOfEmptyRefusals(act)) return;
  if (listChanges(subject, license, type).length > 0) return;
  const mayCorrectDays = periodMove(act) === 'CORRECTS';
  if (mayCorrectDays && (period === null || !hasPeriod(license, period))) return;
  throw new Refusal(EMPTY_REFUSALS[act], 'fields');
}

/** Whether a period is that of a license: of one whose renewal waits, from the first day of either version. */
function hasPeriod(
  { license, earlier }: Pick<LicenseFact, 'license' | 'earlier'>,
  { validFrom, validUntil }: { validFrom: Day; validUntil: Day | null },
): boolean {
  return [license.validFrom, earlier?.validFrom].includes(validFrom) && license.validUntil === validUntil;
}

/**
 * Refuses FIELD_MALFORMED for what an act cannot change, instead of dropping it: lines or the holder's name by an act
 * that keeps them (补发、注销), and a transfer to the present holder. What a sealed license must have and lacks, an act
 * that makes a new sheet may supply.
 */
export function requireChangeable(
  subject: CaseLines & Pick<CaseFile, 'applicant' | 'coOwnership'>,
  license: LicenseFact | null,
  type: LicenseTypeVersion | null,
): void {
  const act = actOf(subject);
  if (license === null || !needsLicense(act)) return;
  const { fields: standing } = license.license;
  const { applicant, fields } = subject;
  const owner = findOwner(license.license, applicant.code);
  if (changesHolder(act) && hasSameOwners(license.license, ownersAfter(subject, license)))
    throw new Refusal('FIELD_MALFORMED', 'applicant.code', '受让人已是持证人');
  if (changesLines(act)) return;
  const refuse = (field: string) => {
    throw new Refusal('FIELD_MALFORMED', field, `${situationLabel(act)}不改动证照内容`);
  };
  const lacking = makesSheet(act) ? listLacking(type, standing) : new Set<string>();
  const isKept = ({ label, text }: Lines[number]) =>
    lacking.has(label) || standing.some((line) => line.label === label && line.text === text);
  checkAll(
    () => checkEach(fields, (line, i) => isKept(line) || refuse(`fields[${i}].text`)),
    () => owner !== null && applicant.name !== owner.name && refuse('applicant.name'),
  );
}

function codeOf({ fault }: ContentFault) {
  if (fault === 'MISSING') return 'CONTENT_INCOMPLETE';
  return fault === 'TOO_LONG' ? 'FIELD_TOO_LONG' : 'FIELD_MALFORMED';
}
