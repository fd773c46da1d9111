import { type Actor, hasRole, type Person, STAFF_ROLES } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import type { Assignment, DelegationFact } from '../kernel/events/events.ts';
import { actsFor, readsOneOf } from '../kernel/organ/place.ts';
import { type Grant, type Place, type Policy, type ReadPolicy, requireAllowed } from '../kernel/policy.ts';
import { Refusal } from '../kernel/refusal.ts';
import {
  type Case,
  divisionOf,
  endsInLicenseAct,
  endsInPaper,
  examiningOrgan,
  mustBeForwarded,
  type Position,
} from './case.ts';
import { type DutyException, findExaminerException, findSecondment } from './exception/exception.ts';
import { REGISTER_READ } from './person/policy.ts';
import { findAcceptingOrgan } from './reception/policy.ts';

/** The applicant's own case. */
const OWN_CASE: Place<Case> = {
  name: 'OWN_CASE',
  includes: ({ applicant }, { holderCode }) => holderCode !== null && holderCode === applicant.code,
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

/** The counter that accepted the case; before acceptance, every counter that may. */
const COUNTER: Place<Case> = {
  name: 'COUNTER',
  includes: ({ matter, delegation, acceptedBy }, person) => {
    const organ = findAcceptingOrgan(person, matter, delegation);
    return organ !== null && (acceptedBy === null || acceptedBy === organ);
  },
  refuse: refuseWithoutPower,
};

/** Whether a person belongs to an organ, or handles its cases by an exception in force (SECOND_PERSON). */
const belongsTo = ({ exceptions = [], matter }: CaseSubject, organ: string | null, person: Person) =>
  actsFor(person, organ, matter.matterId) || findSecondment(exceptions, organ, person) !== null;

/** The organ that examines: the county organ, or the city organ if the city organ accepted the case. */
const EXAMINING_ORGAN: Place<CaseSubject> = {
  name: 'EXAMINING_ORGAN',
  includes: (subject: CaseSubject, person) => belongsTo(subject, examiningOrgan(subject), person),
  refuse: refuseWithoutPower,
};

/** The integrated window that examines for the county organ. */
const EXAMINING_WINDOW: Place<Case> = {
  name: 'EXAMINING_WINDOW',
  includes: (subject, person) => {
    const { organ, window } = subject.delegation.examines;
    const examinesAtWindow = window && examiningOrgan(subject) === organ && person.window !== null;
    return examinesAtWindow && person.window === divisionOf(subject.matter, organ);
  },
  refuse: refuseWithoutPower,
};

/** The organ that decides. */
const DECIDING_ORGAN: Place<CaseSubject> = {
  name: 'DECIDING_ORGAN',
  includes: (subject, person) => belongsTo(subject, subject.delegation.decides.organ, person),
  refuse: refuseWithoutPower,
};

/**
 * Returns the refusal for a person whose organ has no part in this step.
 * It is MATTER_MOVED if the organ had a part before a transfer, else ORGAN_WITHOUT_POWER.
 */
function refuseWithoutPower(subject: Case, { organ }: Person): Refusal {
  const moves = subject.steps.flatMap(({ data }) => data?.moved ?? []);
  const hadPower = moves.some(({ from }) => from.cityOrgan === organ || from.countyOrgan === organ);
  const hasPower = subject.delegation.cityOrgan === organ || subject.delegation.countyOrgan === organ;
  return new Refusal(hadPower && !hasPower ? 'MATTER_MOVED' : 'ORGAN_WITHOUT_POWER');
}

type CaseGrant = Grant<CaseSubject>;
const COUNTER_CLERK: CaseGrant = { roles: ['WINDOW_CLERK'], place: COUNTER };
const APPLICANT_OR_COUNTER: readonly CaseGrant[] = [
  { roles: ['APPLICANT'], place: OWN_CASE, isFinal: true },
  COUNTER_CLERK,
];
const DECIDER: CaseGrant = { roles: ['APPROVER'], place: DECIDING_ORGAN };
const DECIDING_STAFF: CaseGrant = { roles: ['REVIEWER', 'APPROVER'], place: DECIDING_ORGAN };

const isWindowForward = ({ delegation }: Case) => delegation.mode === 'WINDOW_FORWARD';
const EXAMINERS: readonly CaseGrant[] = [
  { roles: ['WINDOW_CLERK'], place: EXAMINING_WINDOW, when: isWindowForward },
  { roles: ['REVIEWER', 'WINDOW_CLERK'], place: EXAMINING_ORGAN, when: isWindowForward },
  { roles: ['REVIEWER'], place: EXAMINING_ORGAN, when: (subject) => !isWindowForward(subject) },
];

/** Whether an accepted, undecided case is with its examiner. Otherwise it is with the organ that decides. */
const isWithExaminer = (subject: Case) =>
  subject.step === 'ACCEPTED' || (subject.step === 'EXAMINED' && mustBeForwarded(subject));
/** The organ that handles an accepted, undecided case: the examiner, later the organ that decides. */
const HANDLERS: readonly CaseGrant[] = [
  ...EXAMINERS.map((grant) => ({
    ...grant,
    when: (subject: Case) => isWithExaminer(subject) && (grant.when?.(subject) ?? true),
  })),
  { ...DECIDING_STAFF, when: (subject) => !isWithExaminer(subject) },
];

const refuseStep = () => new Refusal('CASE_STEP_NOT_ALLOWED');
/** The refusal unless the case is at one of `steps`. */
const atStep =
  (...steps: Position[]) =>
  (subject: Case) =>
    steps.includes(subject.step) ? null : refuseStep();
/** The refusal unless the case is at the step that brings it to the organ that decides. */
const beforeDecision = (subject: Case) => atStep(mustBeForwarded(subject) ? 'FORWARDED' : 'EXAMINED')(subject);
const whileUndecided = atStep('ACCEPTED', 'EXAMINED', 'FORWARDED');
const unlessPaused = ({ paused }: Case) => (paused === null ? null : new Refusal('CASE_PAUSED'));
/** Whether a person examined the case, also before it was sent back. */
export const hasExamined = ({ steps }: Case, { id }: Pick<Person, 'id'>) =>
  steps.some(({ step, actorId }) => step === 'EXAMINED' && actorId === id);
/** Segregation of duties: who examined the case does not decide it, unless an exception of the organ is in force. */
const unlessExaminer = (subject: CaseSubject, person: Person) => {
  const { exceptions = [], delegation } = subject;
  if (!hasExamined(subject, person) || findExaminerException(exceptions, delegation.decides.organ)) return null;
  return new Refusal('EXAMINER_DECIDES');
};

const refuseNotDue = () => new Refusal('SUPPLEMENT_NOT_DUE');
/** Whether the last day to bring what is missing has passed. */
function isSupplementOver(steps: Case['steps'], today: Day): boolean {
  const until = steps.find(({ data }) => data?.supplement)?.data?.supplement?.until;
  return until !== undefined && until < today;
}

/** The clause of an act that the delegation itself assigns, with its reason there. */
const assignedBy = (pick: (delegation: DelegationFact) => Assignment) => (subject: Case) =>
  pick(subject.delegation).reason ?? '实施方案二';

/** A case with what its actions depend on. A field is absent until the caller has looked it up, with its check. */
export interface CaseSubject extends Case {
  today?: Day;
  /** Exceptions to the segregation of duties that are in force for its organs. */
  exceptions?: readonly DutyException[];
  /** Whether the decision document is sealed. */
  isDecisionSealed?: boolean;
  /** Why this person cannot accept the application today, or null. See `requireAcceptable`. */
  acceptanceRefusal?: Refusal | null;
}

/** The mutations that `Case.actions` shows. */
type CaseActions = Record<
  | 'acceptApplication'
  | 'askSupplement'
  | 'supplementCase'
  | 'closeUnsupplemented'
  | 'refuseAcceptance'
  | 'examineCase'
  | 'forwardCase'
  | 'sendBackCase'
  | 'amendCase'
  | 'pauseCase'
  | 'resumeCase'
  | 'decideCase'
  | 'withdrawCase'
  | 'deliverDecision',
  CaseSubject
>;
export type CaseActionName = keyof CaseActions;

export const CASE_ACTIONS: Policy<CaseActions> = {
  /** 受理: accepts a received application. */
  acceptApplication: {
    stateFirst: atStep('RECEIVED'),
    grants: [COUNTER_CLERK],
    state: ({ acceptanceRefusal = null }) => acceptanceRefusal,
    clause: assignedBy(({ accepts }) => accepts),
  },
  /** 一次性告知: at most once per case (行政许可法 art. 32). */
  askSupplement: {
    stateFirst: atStep('RECEIVED'),
    grants: [COUNTER_CLERK],
    state: ({ steps }) =>
      steps.some(({ step }) => step === 'SUPPLEMENT_ASKED') ? new Refusal('SUPPLEMENT_ALREADY_ASKED') : null,
    clause: '行政许可法第三十二条第一款第（四）项（一次告知）',
  },
  /** 补正: by the applicant, or by the counter that takes the papers. */
  supplementCase: {
    stateFirst: atStep('SUPPLEMENT_ASKED'),
    grants: APPLICANT_OR_COUNTER,
    clause: '行政许可法第三十二条第一款第（四）项',
  },
  /** 补交不来办结: after the last day of the supplement. */
  closeUnsupplemented: {
    stateFirst: atStep('SUPPLEMENT_ASKED'),
    grants: [COUNTER_CLERK],
    state: ({ steps, today }) => (today === undefined || isSupplementOver(steps, today) ? null : refuseNotDue()),
    clause: '行政许可法第三十二条；办结结果代码5（补交不来）',
  },
  /** 不予受理. */
  refuseAcceptance: {
    stateFirst: atStep('RECEIVED'),
    grants: [COUNTER_CLERK],
    clause: '行政许可法第三十二条第一款第（一）（二）项',
  },
  /** 审查: by the organ that examines, or by the city organ if the city organ accepted the case. */
  examineCase: {
    stateFirst: atStep('ACCEPTED'),
    grants: EXAMINERS,
    state: unlessPaused,
    clause: assignedBy(({ examines }) => examines),
  },
  /** 转报: the county's examiner sends the case to the city. */
  forwardCase: {
    stateFirst: (subject) => (mustBeForwarded(subject) ? atStep('EXAMINED')(subject) : refuseStep()),
    grants: EXAMINERS,
    state: unlessPaused,
    clause: assignedBy(({ examines }) => examines),
  },
  /** 退回: the organ that decides asks for another examination. */
  sendBackCase: {
    stateFirst: beforeDecision,
    grants: [DECIDING_STAFF],
    state: unlessPaused,
    clause: '实施方案三.3（全流程线上闭环审批管理）',
  },
  /** 修改制证信息: the lines of the license to be, by the organ that handles the case. The decider authorises them. */
  amendCase: {
    stateFirst: (subject) => (endsInLicenseAct(subject.delegation) ? whileUndecided(subject) : refuseStep()),
    grants: HANDLERS,
    state: unlessPaused,
    clause: '行政许可法第三十四条',
  },
  /** 特别程序: the organ that handles the case stops its clock (行政许可法 art. 45). */
  pauseCase: { stateFirst: whileUndecided, grants: HANDLERS, state: unlessPaused, clause: '行政许可法第四十五条' },
  /** 恢复计时. */
  resumeCase: {
    stateFirst: whileUndecided,
    grants: HANDLERS,
    state: ({ paused }) => (paused === null ? new Refusal('CASE_NOT_PAUSED') : null),
    clause: '行政许可法第四十五条',
  },
  /** 决定: by the organ that decides, after the step that brings the case to it. */
  decideCase: {
    stateFirst: (subject) =>
      subject.step === 'EXAMINED' && mustBeForwarded(subject)
        ? new Refusal('CASE_MUST_BE_FORWARDED')
        : beforeDecision(subject),
    grants: [DECIDER],
    state: (subject, person) => unlessPaused(subject) ?? unlessExaminer(subject, person),
    clause: assignedBy(({ decides }) => decides),
  },
  /** 撤回申请: by the applicant, or by the counter on the applicant's behalf, until the decision. */
  withdrawCase: {
    stateFirst: atStep('RECEIVED', 'SUPPLEMENT_ASKED', 'ACCEPTED', 'EXAMINED', 'FORWARDED'),
    grants: APPLICANT_OR_COUNTER,
    clause: '办结结果代码2（申请人撤回申请）',
  },
  /** 送达: delivers a decision document. A license is delivered with its paper instead. */
  deliverDecision: {
    stateFirst: (subject) => (endsInPaper(subject) ? null : refuseStep()),
    grants: [{ roles: ['WINDOW_CLERK', 'REVIEWER', 'APPROVER'], place: DECIDING_ORGAN }, COUNTER_CLERK],
    state: ({ isDecisionSealed = true }) => (isDecisionSealed ? null : new Refusal('DECISION_NOT_SEALED')),
    clause: '行政许可法第四十四条',
  },
};

/** Every office, each for its own. */
const OFFICES = { everything: ['AUDITOR', 'ADMINISTRATOR'], ownOrgan: STAFF_ROLES, ownWindow: STAFF_ROLES } as const;
const OVERSEERS = { everything: ['ADMINISTRATOR', 'AUDITOR'], ownOrgan: [] } as const;

/** Who reads what besides cases, which `maySee` opens. */
export const CASE_READS = {
  attention: OFFICES,
  /** Also the route `/cases/statistics.csv`. */
  caseStatistics: OFFICES,
  /** Every office sees all agreements. */
  agreements: { everything: ['AUDITOR', 'ADMINISTRATOR'], ownOrgan: STAFF_ROLES },
  approvalPushes: { everything: ['AUDITOR'], ownOrgan: ['SUPERVISOR'] },
  supervisionFindings: { everything: ['AUDITOR'], ownOrgan: ['SUPERVISOR', 'REVIEWER', 'APPROVER'] },
  /** Reads of materials by the staff of an organ. */
  materialReads: { everything: ['AUDITOR'], ownOrgan: ['SEAL_APPROVER', 'SUPERVISOR'] },
  /** Acts of administration that wait for a second person, or had one. */
  proposals: { everything: ['ADMINISTRATOR', 'AUDITOR'], ownOrgan: STAFF_ROLES },
  /** Exceptions to the segregation of duties. */
  dutyExceptions: { everything: ['ADMINISTRATOR', 'AUDITOR'], ownOrgan: STAFF_ROLES },
  /** The register of people. */
  people: REGISTER_READ,
  webhooks: OVERSEERS,
  platforms: OVERSEERS,
  platformMessages: OVERSEERS,
  /** A field of Matter. */
  runningCases: OVERSEERS,
} as const satisfies ReadPolicy;

/** Whether `actor` may see a case: its applicant, its organs, its window, an auditor. */
export function maySee(
  actor: Person,
  file: { applicantCode: string; parties: readonly string[]; window: string | null },
): boolean {
  if (hasRole(actor, 'AUDITOR')) return true;
  if (actor.holderCode !== null && actor.holderCode === file.applicantCode) return true;
  if (readsOneOf(actor, file.parties)) return true;
  return actor.window !== null && actor.window === file.window;
}

/** Returns the person who takes the action `name` on a case. Throws the refusal of its row. */
export function requireCaseAction(name: CaseActionName, subject: CaseSubject, actor: Actor): Person {
  return requireAllowed(CASE_ACTIONS[name], subject, actor);
}
