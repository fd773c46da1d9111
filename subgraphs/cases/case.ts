import type { Day } from '../kernel/day.ts';
import { dayOf, isWithin } from '../kernel/day.ts';
import type { Assignment, DelegationFact, EventPayload, Holder, OrganFact } from '../kernel/events/events.ts';
import { type LicenseAction, makesSheet } from '../kernel/license-acts.ts';
import { Refusal } from '../kernel/refusal.ts';
import type { GuideInForce } from './guide.ts';

/** A matter as cases know it, from the newest DelegationChanged. */
export type MatterFact = EventPayload<'DelegationChanged'>;
/** A license as cases know it, from the newest LicenseChanged. */
export type LicenseFact = EventPayload<'LicenseChanged'>;

/** The steps of a case (办件环节), in the order in which they usually happen. */
export const STEPS = [
  'RECEIVED',
  'SUPPLEMENT_ASKED',
  'SUPPLEMENTED',
  'SUPPLEMENT_MISSED',
  'NOT_ACCEPTED',
  'ACCEPTED',
  'EXAMINED',
  'FORWARDED',
  'SENT_BACK',
  'PAUSED',
  'RESUMED',
  'MOVED',
  'DECIDED',
  'CERTIFIED',
  'DELIVERED',
  'UNDELIVERED',
  'WITHDRAWN',
  'VOIDED',
] as const;
export type Step = (typeof STEPS)[number];
export type Finding = 'APPROVED' | 'REFUSED' | 'GRANTED' | 'REJECTED';

/**
 * The position that a step leads to, or null if the case does not move. A step not listed leads to the position of its
 * name.
 */
const NEXT_POSITION: Partial<Record<Step, Position | null>> = {
  SUPPLEMENTED: 'RECEIVED',
  SENT_BACK: 'ACCEPTED',
  PAUSED: null,
  RESUMED: null,
  MOVED: null,
};
/** The positions that a case can have. */
export type Position = Exclude<Step, 'SUPPLEMENTED' | 'SENT_BACK' | 'PAUSED' | 'RESUMED' | 'MOVED'>;

/** Whether a step is also the name of a position. */
export function isPosition(step: Step): step is Position {
  return NEXT_POSITION[step] === undefined;
}

/** Positions after which no step follows. */
const END_POSITIONS: ReadonlySet<Position> = new Set<Position>([
  'SUPPLEMENT_MISSED',
  'NOT_ACCEPTED',
  'DELIVERED',
  'UNDELIVERED',
  'WITHDRAWN',
  'VOIDED',
]);

/** Results and their codes in the field's list (办结结果): 0 出证, 1 退回, 2 作废, 5 补交不来, 6 办结. */
export const RESULT_CODES = {
  ISSUED: 0,
  REJECTED: 1,
  NOT_ACCEPTED: 1,
  WITHDRAWN: 2,
  VOIDED: 2,
  SUPPLEMENT_MISSED: 5,
  CLOSED: 6,
} as const;
export type Result = keyof typeof RESULT_CODES;
/** Code 4 (转报办结): the county's step ends when it sends the case to the city. The case itself stays open. */
export const FORWARDED_CODE = 4;

/** Special procedures (特别程序) whose time does not count, 行政许可法 art. 45. */
export const PAUSE_KINDS = ['HEARING', 'INSPECTION', 'TESTING', 'QUARANTINE', 'APPRAISAL', 'EXPERT_REVIEW'] as const;
export type PauseKind = (typeof PAUSE_KINDS)[number];

/** Data of a step in addition to its note. */
export interface StepData {
  /** PAUSED: the procedure and the numbers (文号) of the papers that it is based on. */
  pause?: { kind: PauseKind; papers: string[] };
  /** SUPPLEMENT_ASKED: what is missing and the last day to bring it. The applicant is told only once (一次性告知). */
  supplement?: { items: string[]; until: Day };
  /** MOVED: the organs before and after the transfer (划转). */
  moved?: { from: OrganPair; to: OrganPair };
}
export interface OrganPair {
  cityOrgan: string;
  countyOrgan: string;
}

/** A recorded step. The status of a case is computed from its steps alone. */
export interface StepRecord {
  step: Step;
  at: Date;
  actor: string;
  actorId: string;
  organ: string | null;
  note: string | null;
  finding: Finding | null;
  data: StepData | null;
}

/**
 * The data with which a case was received and accepted. It stays the same until the case ends.
 * Only the organs change, when the matter is transferred.
 */
export interface CaseFile {
  id: string;
  number: string;
  matter: MatterFact;
  delegation: DelegationFact;
  applicant: Holder;
  fields: readonly { label: string; text: string }[];
  licenseNumber: string | null;
  /** The organ that accepted, or null before acceptance. */
  acceptedBy: string | null;
  /** The service guide (办事指南) at acceptance. Null before acceptance, or if none is published. */
  guide: GuideInForce | null;
}

export interface Case extends CaseFile {
  step: Position;
  result: Result | null;
  finding: Finding | null;
  /** The PAUSED step of the special procedure that stops the clock, or null. */
  paused: StepRecord | null;
  steps: readonly StepRecord[];
}

/** Computes the status of a case from its recorded steps. Throws RangeError if there are none. */
export function foldCase(file: CaseFile, steps: readonly StepRecord[]): Case {
  const [first] = steps;
  if (!first) throw new RangeError(`case ${file.number} has no step`);
  let step: Position = 'RECEIVED';
  let paused: StepRecord | null = null;
  for (const record of steps) {
    const position = NEXT_POSITION[record.step];
    if (position !== null) step = position ?? (record.step as Position);
    if (record.step === 'PAUSED') paused = record;
    if (record.step === 'RESUMED' || END_POSITIONS.has(step)) paused = null;
  }
  const decisionStep = steps.find((record) => record.step === 'DECIDED');
  const finding = steps.findLast((record) => record.finding !== null)?.finding ?? null;
  return { ...file, steps, step, finding, paused, result: resultOf(file, step, decisionStep, steps) };
}

function resultOf(
  file: CaseFile,
  step: Position,
  decisionStep: StepRecord | undefined,
  steps: readonly StepRecord[],
): Result | null {
  if (step === 'NOT_ACCEPTED' || step === 'WITHDRAWN' || step === 'SUPPLEMENT_MISSED' || step === 'VOIDED') return step;
  if (!decisionStep) return null;
  if (decisionStep.finding === 'REJECTED') return 'REJECTED';
  if (!endsInLicenseAct(file.delegation)) return 'CLOSED';
  return steps.some((record) => record.step === 'CERTIFIED') ? 'ISSUED' : null;
}

/** Whether no step can follow. An act without a new sheet, as 注销, ends at CERTIFIED: there is nothing to deliver. */
export function hasEnded(subject: Case): boolean {
  return END_POSITIONS.has(subject.step) || (subject.step === 'CERTIFIED' && !makesSheet(actionOf(subject.delegation)));
}

/** Whether the case waits for delivery of its decision document, not for an act on a license. */
export function endsInPaper(subject: Case): boolean {
  return subject.step === 'DECIDED' && (subject.result === 'REJECTED' || !endsInLicenseAct(subject.delegation));
}

/** Whether a granted case of this delegation ends in an act on a license rather than in a decision document. */
export function endsInLicenseAct(delegation: DelegationFact): boolean {
  return delegation.outcome.kind !== 'DECISION';
}

/** Returns the act on a license that a case of this delegation leads to. The default is ISSUE. */
export function actionOf(delegation: DelegationFact): LicenseAction {
  return delegation.licenseAction ?? 'ISSUE';
}

/** Returns the delegation in force on `day`. Refuses MATTER_NOT_DELEGATED if there is none. */
export function delegationOn(matter: MatterFact, day: Day): DelegationFact {
  const delegation = matter.delegations.find((period) => isWithin(day, period.validFrom, period.validTo));
  if (!delegation) throw new Refusal('MATTER_NOT_DELEGATED', 'matter');
  return delegation;
}

/** Whether the case must go from the county to the city before it can be decided. */
export function mustBeForwarded(subject: CaseFile): boolean {
  return subject.delegation.decides.organ !== subject.acceptedBy;
}

/** Returns the organ that examines: the county organ, or the city organ if the city organ accepted the case. */
export function examiningOrgan(subject: CaseFile): string | null {
  const { accepts, examines } = subject.delegation;
  return subject.acceptedBy !== null && subject.acceptedBy === accepts.second ? subject.acceptedBy : examines.organ;
}

export function divisionOf(matter: MatterFact, organ: string | null): string | null {
  return matter.organs.find((organFact) => organFact.id === organ)?.divisionCode ?? null;
}

/** Returns the delegation of a running case after a transfer (划转) of its matter: same mode, new organs. */
function moveDelegation(delegation: DelegationFact, newOrgans: OrganPair): DelegationFact {
  const replaceOrgan = (organ: string | null) => {
    if (organ === delegation.cityOrgan) return newOrgans.cityOrgan;
    return organ === delegation.countyOrgan ? newOrgans.countyOrgan : organ;
  };
  const moveAssignment = (assignment: Assignment): Assignment => ({
    ...assignment,
    organ: replaceOrgan(assignment.organ),
    second: replaceOrgan(assignment.second),
  });
  return {
    ...delegation,
    ...newOrgans,
    accepts: moveAssignment(delegation.accepts),
    examines: moveAssignment(delegation.examines),
    decides: moveAssignment(delegation.decides),
    seals: moveAssignment(delegation.seals),
    liable: moveAssignment(delegation.liable),
  };
}

/** Positions before acceptance. Such a case follows the current state of its matter. */
const POSITIONS_BEFORE_ACCEPTANCE: ReadonlySet<Position> = new Set<Position>(['RECEIVED', 'SUPPLEMENT_ASKED']);

const pairOf = ({ cityOrgan, countyOrgan }: OrganPair): OrganPair => ({ cityOrgan, countyOrgan });
const isSamePair = (a: OrganPair, b: OrganPair) => a.cityOrgan === b.cityOrgan && a.countyOrgan === b.countyOrgan;

/**
 * Returns a running case with the organs that its matter has on `today`, and its previous organs in `from`.
 * Returns null if the case does not change: the organs are the same, the list says that running cases stay, or the case
 * is decided.
 * A case that is not accepted yet takes today's mode too.
 */
export function follow(subject: Case, matter: MatterFact, today: Day): (CaseFile & { from: OrganPair }) | null {
  if (hasEnded(subject) || subject.step === 'DECIDED' || subject.step === 'CERTIFIED') return null;
  const { delegation } = subject;
  const from = pairOf(delegation);
  if (POSITIONS_BEFORE_ACCEPTANCE.has(subject.step)) {
    const current = matter.delegations.find((period) => isWithin(today, period.validFrom, period.validTo));
    if (!current || (current.mode === delegation.mode && isSamePair(current, from))) return null;
    return { ...subject, matter, delegation: current, from };
  }
  const to = currentOrgans(subject, matter, today);
  if (isSamePair(to, from)) return null;
  return {
    ...subject,
    matter: { ...subject.matter, organs: joinOrgans(subject.matter.organs, matter.organs) },
    delegation: moveDelegation(delegation, to),
    acceptedBy: subject.acceptedBy === delegation.cityOrgan ? to.cityOrgan : to.countyOrgan,
    from,
  };
}

/**
 * Returns the organs of an accepted case on `today`. It starts with the organs at acceptance.
 * It then applies each later transfer that running cases follow.
 */
function currentOrgans(subject: Case, matter: MatterFact, today: Day): OrganPair {
  const acceptanceIndex = subject.steps.findLastIndex((record) => record.step === 'ACCEPTED');
  const acceptedOn = dayOf(subject.steps[acceptanceIndex]?.at ?? new Date(0));
  const firstTransfer = subject.steps.slice(acceptanceIndex + 1).find((record) => record.data?.moved)?.data?.moved;
  let organs = pairOf(firstTransfer?.from ?? subject.delegation);
  let previous = organs;
  const periods = matter.delegations.filter(
    ({ validFrom, validTo }) => (validFrom ?? '') <= today && (validTo === null || validTo >= acceptedOn),
  );
  for (const period of periods) {
    if (!isSamePair(period, previous) && period.runningCases === 'FOLLOW') organs = pairOf(period);
    previous = pairOf(period);
  }
  return organs;
}

function joinOrgans(organs: readonly OrganFact[], added: readonly OrganFact[]): OrganFact[] {
  return [...organs, ...added.filter((organ) => !organs.some((existing) => existing.id === organ.id))];
}

/** Returns the organs that take part in the case or supervise it. They may see it. */
export function partiesOf(delegation: DelegationFact): string[] {
  const { accepts, examines, decides, seals, liable, supervises, industry } = delegation;
  const organs = [accepts, examines, decides, seals, liable, supervises].flatMap((assignment) => [
    assignment.organ,
    assignment.second,
  ]);
  return [...new Set([...organs, industry.city, industry.county].filter((organ) => organ !== null))];
}

/**
 * Returns who must handle the case next (待办): any of `organs`, or the integrated window of division `window`.
 * Both are empty if the case has ended.
 */
export function waitsFor(subject: Case): { organs: string[]; window: string | null } {
  if (hasEnded(subject)) return { organs: [], window: null };
  const { accepts, decides } = subject.delegation;
  const county = divisionOf(subject.matter, subject.delegation.countyOrgan);
  const presentOrgans = (...organs: (string | null)[]) => [...new Set(organs.filter((organ) => organ !== null))];
  const counter = {
    organs: presentOrgans(accepts.window ? null : accepts.organ, accepts.second),
    window: accepts.window ? county : null,
  };
  const examiner = examiningOrgan(subject);
  const examination = {
    organs: presentOrgans(examiner),
    window: subject.delegation.examines.window && examiner === subject.delegation.examines.organ ? county : null,
  };
  switch (subject.step) {
    case 'RECEIVED':
    case 'SUPPLEMENT_ASKED':
      return counter;
    case 'ACCEPTED':
      return examination;
    case 'EXAMINED':
      return mustBeForwarded(subject) ? examination : { organs: presentOrgans(decides.organ), window: null };
    case 'FORWARDED':
      return { organs: presentOrgans(decides.organ), window: null };
    case 'DECIDED':
    case 'CERTIFIED': {
      const atWindow = accepts.window && subject.acceptedBy === accepts.organ;
      return { organs: presentOrgans(subject.acceptedBy, decides.organ), window: atWindow ? county : null };
    }
    default:
      return { organs: [], window: null };
  }
}
