import type { Person } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import type { Agency } from '../kernel/delivery/agent.ts';
import type { Delivery } from '../kernel/delivery/delivery.ts';
import type { DelegationFact, EventPayload, Holder } from '../kernel/events/events.ts';
import type { CoOwnership } from '../kernel/identity/co-ownership.ts';
import { type LicenseAction, makesSheet } from '../kernel/license-acts.ts';
import type { AmendedLine } from '../kernel/license-type/changes.ts';
import type { ReissuedSheet } from '../kernel/license-type/reissued-sheet.ts';
import { organOn } from '../kernel/organ/reform.ts';
import type { MatterFact } from '../kernel/period/delegation.ts';
import type { UsedException } from './exception/exception.ts';
import type { Agent, Contact } from './party/party.ts';
import type { PublicationExemption } from './publication/publication.ts';
import type { HolderConsent } from './reception/consent.ts';
import type { GuideInForce } from './reception/guide.ts';

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
  'AMENDED',
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
  AMENDED: null,
  PAUSED: null,
  RESUMED: null,
  MOVED: null,
};
/** The positions that a case can have. */
export type Position = Exclude<Step, 'SUPPLEMENTED' | 'SENT_BACK' | 'AMENDED' | 'PAUSED' | 'RESUMED' | 'MOVED'>;

/** Whether a step is also the name of a position. */
export function isPosition(step: Step): step is Position {
  return NEXT_POSITION[step] === undefined;
}

/** Whether a case goes on waiting where it was before a step: the same people have to handle it. */
export function restsAfter(step: string): boolean {
  return step === 'PAUSED' || step === 'RESUMED' || step === 'AMENDED';
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
  /** EXAMINED, DECIDED: the exceptions to the segregation of duties that the step rests on. */
  exceptions?: UsedException[];
  /**
   * AMENDED: the lines of the content before and after. DECIDED: what the license said before and says after the act,
   * with the holder's name.
   */
  amended?: AmendedLine[];
  /** DELIVERED: to whom and how. Absent in steps of releases up to 0.4. */
  delivery?: Delivery;
  /** ACCEPTED: the version of the license type that the case keeps. Absent without one, and up to 0.4.1. */
  typeVersion?: number;
  /** RECEIVED, SUPPLEMENTED: that the holder consents to a transfer. Absent without one, and up to 0.4.1. */
  consent?: HolderConsent;
  /**
   * DECIDED: that the law publishes the decision (双公示), and the reason against it or null. Absent if it does not,
   * and up to 0.4.1: those are not published.
   */
  publication?: { withheld: PublicationExemption | null };
  /**
   * SUPPLEMENTED: the agent since, null if there is none any more, and that the address for service is another one.
   * Codes, telephone and address stand in the case alone, so that an erasure reaches them.
   */
  agent?: Agency | null;
  changesContact?: true;
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
  /** The holders besides the applicant that the application names (共有人), or null. */
  coOwnership: CoOwnership | null;
  fields: readonly { label: string; text: string }[];
  licenseNumber: string | null;
  /**
   * The act on a license that the application is for (办理情形). Null for a decision document, for an application that
   * leaves it to the matter until it is accepted, and for cases of releases up to 0.4: see `actOf`.
   */
  act: LicenseAction | null;
  /** The sheets that a reissue names as lost or damaged, or null: then every sheet is lost. */
  reissuedSheets: readonly ReissuedSheet[] | null;
  /** Who acts for the applicant (代办人), or null. */
  agent: Agent | null;
  /** Where papers reach the applicant (送达地址), or null. */
  contact: Contact | null;
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
  return END_POSITIONS.has(subject.step) || (subject.step === 'CERTIFIED' && !makesSheet(actOf(subject)));
}

/** Whether the case waits for delivery of its decision document, not for an act on a license. */
export function endsInPaper(subject: Case): boolean {
  return subject.step === 'DECIDED' && (subject.result === 'REJECTED' || !endsInLicenseAct(subject.delegation));
}

/** Whether a granted case of this delegation ends in an act on a license rather than in a decision document. */
export function endsInLicenseAct(delegation: DelegationFact): boolean {
  return delegation.outcome.kind !== 'DECISION';
}

/** Returns the act on a license that a case leads to: what its application names, else what its matter is for. */
export function actOf({ act, delegation }: Pick<CaseFile, 'act' | 'delegation'>): LicenseAction {
  return act ?? delegation.licenseAction ?? 'ISSUE';
}

/** Returns the situation that decides which materials a case takes (办理情形). Null for a decision document. */
export function situationOf(file: Pick<CaseFile, 'act' | 'delegation'>): LicenseAction | null {
  return endsInLicenseAct(file.delegation) ? actOf(file) : null;
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

/** Returns a matter whose organs are named as on a day (更名). */
export function matterOn(matter: MatterFact, day: Day): MatterFact {
  return { ...matter, organs: matter.organs.map((organ) => organOn(organ, day)) };
}

export function divisionOf(matter: MatterFact, organ: string | null): string | null {
  return matter.organs.find((organFact) => organFact.id === organ)?.divisionCode ?? null;
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
      return { organs: presentOrgans(subject.acceptedBy, decides.organ), window: acceptingWindow(subject) };
    }
    default:
      return { organs: [], window: null };
  }
}

/** Returns the division code of the integrated window that accepted the case, or null if no window did. */
export function acceptingWindow({ matter, delegation, acceptedBy }: Case): string | null {
  const { accepts, countyOrgan } = delegation;
  return accepts.window && acceptedBy === accepts.organ ? divisionOf(matter, countyOrgan) : null;
}

/** Returns the record of a step that a person takes. */
export function buildStep(
  actor: Person,
  step: Step,
  at: Date,
  details: { note?: string | null; finding?: Finding | null; data?: StepData | null } = {},
) {
  const { note = null, finding = null, data = null } = details;
  return { step, at, actorId: actor.id, actor: actor.name, organ: actor.organ, note, finding, data };
}

/** Returns the record of a step that another subgraph causes. */
export function buildSystemStep(actorId: string, actor: string, step: Step, at: Date) {
  return { step, at, actorId, actor, organ: null, note: null, finding: null, data: null };
}
