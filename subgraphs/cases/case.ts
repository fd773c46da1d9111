import { type Actor, hasRole, type Person, type Role, requireRole } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import { within } from '../kernel/day.ts';
import type { DelegationFact, EventPayload, Holder, LicenseAction } from '../kernel/events.ts';
import { requireHolderCode } from '../kernel/identifier.ts';
import { Refusal } from '../kernel/refusal.ts';

/** A matter as cases know it, from the newest DelegationChanged. */
export type MatterFact = EventPayload<'DelegationChanged'>;
/** A license as cases know it, from the newest LicenseChanged. */
export type LicenseFact = EventPayload<'LicenseChanged'>;

export const STEPS = ['ACCEPTED', 'EXAMINED', 'FORWARDED', 'DECIDED', 'CERTIFIED', 'DELIVERED', 'VOIDED'] as const;
export type Step = (typeof STEPS)[number];
export type Finding = 'APPROVED' | 'REFUSED' | 'GRANTED' | 'REJECTED';
/** ISSUED is code 0, REJECTED code 1, VOIDED code 2, CLOSED code 6 of the field's list of results (办结结果). */
export type Result = 'ISSUED' | 'REJECTED' | 'VOIDED' | 'CLOSED';

/** A step as it was recorded; a case's status is a fold over these and nothing else. */
export interface StepRecord {
  step: Step;
  at: Date;
  actor: string;
  organ: string | null;
  note: string | null;
  finding: Finding | null;
}

/** What a case was accepted with; it keeps all of this to its end. */
export interface CaseFile {
  id: string;
  number: string;
  matter: MatterFact;
  delegation: DelegationFact;
  applicant: Holder;
  fields: readonly { label: string; text: string }[];
  licenseNumber: string | null;
  /** The organ that accepted. */
  acceptedBy: string;
}

export interface Case extends CaseFile {
  step: Step;
  result: Result | null;
  finding: Finding | null;
  steps: readonly StepRecord[];
}

/** Folds the recorded steps into the case's status. */
export function foldCase(file: CaseFile, steps: readonly StepRecord[]): Case {
  const last = steps.at(-1);
  if (!last) throw new RangeError(`case ${file.number} has no step`);
  const decided = steps.find((record) => record.step === 'DECIDED');
  return { ...file, steps, step: last.step, finding: last.finding, result: resultOf(file, decided, steps) };
}

function resultOf(file: CaseFile, decided: StepRecord | undefined, steps: readonly StepRecord[]): Result | null {
  if (!decided) return null;
  if (decided.finding === 'REJECTED') return 'REJECTED';
  if (steps.some((record) => record.step === 'VOIDED')) return 'VOIDED';
  if (!endsInLicenseAct(file.matter)) return 'CLOSED';
  return steps.some((record) => record.step === 'CERTIFIED') ? 'ISSUED' : null;
}

/** Whether a granted case of this matter ends in an act on a license rather than in a decision document. */
export function endsInLicenseAct(matter: MatterFact): boolean {
  return matter.outcome.kind !== 'DECISION';
}

/** What the matter does to a license; a matter that ends in one and says nothing else issues it. */
export function actionOf(matter: MatterFact): LicenseAction {
  return matter.licenseAction ?? 'ISSUE';
}

/** The delegation in force on `on`; refuses MATTER_NOT_DELEGATED where there is none. */
export function delegationOn(matter: MatterFact, on: Day): DelegationFact {
  const found = matter.delegations.find((one) => within(on, one.validFrom, one.validTo));
  if (!found) throw new Refusal('MATTER_NOT_DELEGATED', 'matter');
  return found;
}

export const NAME_LENGTH = 100;
export const LABEL_LENGTH = 20;
export const TEXT_LENGTH = 500;
export const FIELDS_MOST = 20;

export interface Application {
  applicant: Holder;
  fields: readonly { label: string; text: string }[];
  licenseNumber: string | null;
}

/** Printable text of one line: no control characters, no surrounding blanks, 1 to `most` characters. */
export function requireLine(text: string, most: number, field: string): void {
  if ([...text].length > most) throw new Refusal('FIELD_TOO_LONG', field, `最多 ${most} 字`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (text === '' || text !== text.trim() || /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]/u.test(text)) {
    throw new Refusal('FIELD_MALFORMED', field);
  }
  if (!text.isWellFormed()) throw new Refusal('FIELD_MALFORMED', field);
}

/**
 * Checks an application (收件) before it is accepted.
 * Refuses FIELD_TOO_LONG, FIELD_MALFORMED, HOLDER_CODE_INVALID, LICENSE_NOT_NAMED, LICENSE_UNKNOWN, NOT_YOUR_RECORD.
 */
export function requireApplication(matter: MatterFact, application: Application, license: LicenseFact | null): void {
  requireLine(application.applicant.name, NAME_LENGTH, 'applicant.name');
  requireHolderCode(application.applicant.codeKind, application.applicant.code, 'applicant.code');
  if (application.fields.length > FIELDS_MOST) throw new Refusal('FIELD_TOO_LONG', 'fields', `最多 ${FIELDS_MOST} 项`);
  for (const field of application.fields) {
    requireLine(field.label, LABEL_LENGTH, 'fields.label');
    requireLine(field.text, TEXT_LENGTH, 'fields.text');
  }
  if (!endsInLicenseAct(matter) || actionOf(matter) === 'ISSUE') return;
  if (application.licenseNumber === null) throw new Refusal('LICENSE_NOT_NAMED', 'licenseNumber');
  if (license === null || license.license.licenseType !== matter.outcome.licenseType) {
    throw new Refusal('LICENSE_UNKNOWN', 'licenseNumber');
  }
  const passesOn = actionOf(matter) === 'TRANSFER';
  if (!passesOn && license.license.holder.code !== application.applicant.code) {
    throw new Refusal('NOT_YOUR_RECORD', 'licenseNumber');
  }
}

function divisionOf(matter: MatterFact, organ: string | null): string | null {
  return matter.organs.find((one) => one.id === organ)?.divisionCode ?? null;
}

/**
 * The organ for which `actor` accepts: the county organ at its window or counter, or the city organ by its equal right.
 * Refuses ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER.
 */
export function acceptingOrgan(actor: Actor, matter: MatterFact, delegation: DelegationFact): string {
  const clerk = requireRole(actor, 'WINDOW_CLERK');
  const { organ, second, window } = delegation.accepts;
  if (window && organ !== null && clerk.window !== null && clerk.window === divisionOf(matter, organ)) return organ;
  if (!window && organ !== null && clerk.organ === organ) return organ;
  if (second !== null && clerk.organ === second) return second;
  throw new Refusal('ORGAN_WITHOUT_POWER', 'matter');
}

/** What may be done with a running case; each answers by returning or by throwing a Refusal. */
export const permissions = {
  /** 审查: the organ that examines; where the city organ accepted, that organ itself. */
  examineCase: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['ACCEPTED']);
    return requireExaminer(subject, actor);
  },
  /** 转报: whoever examined for the county sends the case to the city. */
  forwardCase: (subject: Case, actor: Actor): Person => {
    if (!mustBeForwarded(subject)) throw new Refusal('CASE_STEP_NOT_ALLOWED');
    requireStep(subject, ['EXAMINED']);
    return requireExaminer(subject, actor);
  },
  /** 决定: the organ that decides, after the step that brings the case there. */
  decideCase: (subject: Case, actor: Actor): Person => {
    if (subject.step === 'EXAMINED' && mustBeForwarded(subject)) throw new Refusal('CASE_MUST_BE_FORWARDED');
    requireStep(subject, mustBeForwarded(subject) ? ['FORWARDED'] : ['EXAMINED']);
    const approver = requireRole(actor, 'APPROVER');
    if (approver.organ !== subject.delegation.decides.organ) throw new Refusal('ORGAN_WITHOUT_POWER');
    return approver;
  },
} as const;

export type CaseActionName = keyof typeof permissions;

/** Where each action rests in the plan 于府办发〔2022〕30号. */
export function clauseOf(name: CaseActionName, delegation: DelegationFact): string {
  const assignment = name === 'decideCase' ? delegation.decides : delegation.examines;
  return assignment.reason ?? '实施方案二';
}

function requireStep(subject: Case, steps: readonly Step[]): void {
  if (!steps.includes(subject.step)) throw new Refusal('CASE_STEP_NOT_ALLOWED');
}

function requireExaminer(subject: Case, actor: Actor): Person {
  const { organ, window } = subject.delegation.examines;
  const examiningOrgan = subject.acceptedBy === subject.delegation.accepts.second ? subject.acceptedBy : organ;
  const roles: Role[] = subject.delegation.mode === 'WINDOW_FORWARD' ? ['REVIEWER', 'WINDOW_CLERK'] : ['REVIEWER'];
  const examiner = requireRole(actor, ...roles);
  if (examiner.organ === examiningOrgan) return examiner;
  const atWindow = window && examiningOrgan === organ && examiner.window !== null;
  if (atWindow && hasRole(examiner, 'WINDOW_CLERK') && examiner.window === divisionOf(subject.matter, organ))
    return examiner;
  throw new Refusal('ORGAN_WITHOUT_POWER');
}

/** Whether the case must go from the county to the city before it can be decided. */
export function mustBeForwarded(subject: CaseFile): boolean {
  return subject.delegation.decides.organ !== subject.acceptedBy;
}

/** Organs that take part in the case or supervise it: they may see it. */
export function partiesOf(delegation: DelegationFact): string[] {
  const { accepts, examines, decides, seals, liable, supervises } = delegation;
  const named = [accepts, examines, decides, seals, liable, supervises].flatMap((one) => [one.organ, one.second]);
  return [...new Set(named.filter((organ) => organ !== null))];
}

/** Whether `actor` may see a case: its applicant, its organs, its window, an auditor. */
export function maySee(
  actor: Person,
  file: { applicantCode: string; parties: readonly string[]; window: string | null },
): boolean {
  if (hasRole(actor, 'AUDITOR')) return true;
  if (actor.holderCode !== null && actor.holderCode === file.applicantCode) return true;
  if (actor.organ !== null && file.parties.includes(actor.organ)) return true;
  return actor.window !== null && actor.window === file.window;
}
