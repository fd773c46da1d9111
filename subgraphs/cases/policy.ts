import { type Actor, hasRole, type Person, type Role, requireRole } from '../kernel/actor.ts';
import type { DelegationFact } from '../kernel/events.ts';
import { Refusal } from '../kernel/refusal.ts';
import {
  type Case,
  divisionOf,
  endsInPaper,
  examiningOrgan,
  type MatterFact,
  mustBeForwarded,
  type Position,
} from './case.ts';

/**
 * Returns the organ for which `actor` accepts: the county organ at its window or counter, or the city organ by its
 * equal right.
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

/**
 * The actions on a case. Each function returns the person who acts, or throws a Refusal if the actor may not act.
 * The mutations call the same functions.
 */
export const permissions = {
  /** 受理: accepts a received application. */
  acceptApplication: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['RECEIVED']);
    return requireCounter(subject, actor);
  },
  /** 一次性告知: at most once per case (行政许可法 art. 32). */
  askSupplement: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['RECEIVED']);
    const clerk = requireCounter(subject, actor);
    if (subject.steps.some((record) => record.step === 'SUPPLEMENT_ASKED'))
      throw new Refusal('SUPPLEMENT_ALREADY_ASKED');
    return clerk;
  },
  /** 补正: by the applicant, or by the counter that takes the papers. */
  supplementCase: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['SUPPLEMENT_ASKED']);
    return requireApplicantOrCounter(subject, actor);
  },
  /** 补交不来办结: after the last day of the supplement. The caller checks that day against the calendar day of the act. */
  closeUnsupplemented: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['SUPPLEMENT_ASKED']);
    return requireCounter(subject, actor);
  },
  /** 不予受理. */
  refuseAcceptance: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['RECEIVED']);
    return requireCounter(subject, actor);
  },
  /** 审查: by the organ that examines, or by the city organ if the city organ accepted the case. */
  examineCase: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['ACCEPTED']);
    const examiner = requireExaminer(subject, actor);
    requireNotPaused(subject);
    return examiner;
  },
  /** 转报: the county's examiner sends the case to the city. */
  forwardCase: (subject: Case, actor: Actor): Person => {
    if (!mustBeForwarded(subject)) throw new Refusal('CASE_STEP_NOT_ALLOWED');
    requireStep(subject, ['EXAMINED']);
    const sender = requireExaminer(subject, actor);
    requireNotPaused(subject);
    return sender;
  },
  /** 退回: the organ that decides asks for another examination. */
  sendBackCase: (subject: Case, actor: Actor): Person => {
    requireStep(subject, mustBeForwarded(subject) ? ['FORWARDED'] : ['EXAMINED']);
    const sender = requireDecider(subject, actor, ['REVIEWER', 'APPROVER']);
    requireNotPaused(subject);
    return sender;
  },
  /** 特别程序: the organ that handles the case stops its clock (行政许可法 art. 45). */
  pauseCase: (subject: Case, actor: Actor): Person => {
    const person = requireHandler(subject, actor);
    requireNotPaused(subject);
    return person;
  },
  /** 恢复计时. */
  resumeCase: (subject: Case, actor: Actor): Person => {
    const person = requireHandler(subject, actor);
    if (subject.paused === null) throw new Refusal('CASE_NOT_PAUSED');
    return person;
  },
  /** 决定: by the organ that decides, after the step that brings the case to it. */
  decideCase: (subject: Case, actor: Actor): Person => {
    if (subject.step === 'EXAMINED' && mustBeForwarded(subject)) throw new Refusal('CASE_MUST_BE_FORWARDED');
    requireStep(subject, mustBeForwarded(subject) ? ['FORWARDED'] : ['EXAMINED']);
    const approver = requireDecider(subject, actor, ['APPROVER']);
    requireNotPaused(subject);
    return approver;
  },
  /** 撤回申请: by the applicant, or by the counter on the applicant's behalf, until the decision. */
  withdrawCase: (subject: Case, actor: Actor): Person => {
    requireStep(subject, ['RECEIVED', 'SUPPLEMENT_ASKED', 'ACCEPTED', 'EXAMINED', 'FORWARDED']);
    return requireApplicantOrCounter(subject, actor);
  },
  /** 送达: delivers a decision document. A license is delivered with its paper instead. */
  deliverDecision: (subject: Case, actor: Actor): Person => {
    if (!endsInPaper(subject)) throw new Refusal('CASE_STEP_NOT_ALLOWED');
    const clerk = requireRole(actor, 'WINDOW_CLERK', 'REVIEWER', 'APPROVER');
    if (clerk.organ !== null && clerk.organ === subject.delegation.decides.organ) return clerk;
    return requireCounter(subject, actor);
  },
} as const;

export type CaseActionName = keyof typeof permissions;

/** The basis of each action in the plan 于府办发〔2022〕30号 or in law. Null if the delegation itself states it. */
const CLAUSES: Record<CaseActionName, string | null> = {
  acceptApplication: null,
  askSupplement: '行政许可法第三十二条第一款第（四）项（一次告知）',
  supplementCase: '行政许可法第三十二条第一款第（四）项',
  closeUnsupplemented: '行政许可法第三十二条；办结结果代码5（补交不来）',
  refuseAcceptance: '行政许可法第三十二条第一款第（一）（二）项',
  examineCase: null,
  forwardCase: null,
  sendBackCase: '实施方案三.3（全流程线上闭环审批管理）',
  pauseCase: '行政许可法第四十五条',
  resumeCase: '行政许可法第四十五条',
  decideCase: null,
  withdrawCase: '办结结果代码2（申请人撤回申请）',
  deliverDecision: '行政许可法第四十四条',
};

export function clauseOf(name: CaseActionName, delegation: DelegationFact): string {
  const { accepts, examines, decides } = delegation;
  const assigned = { acceptApplication: accepts, examineCase: examines, forwardCase: examines, decideCase: decides };
  return CLAUSES[name] ?? assigned[name as keyof typeof assigned]?.reason ?? '实施方案二';
}

function requireStep(subject: Case, steps: readonly Position[]): void {
  if (!steps.includes(subject.step)) throw new Refusal('CASE_STEP_NOT_ALLOWED');
}

function requireNotPaused(subject: Case): void {
  if (subject.paused !== null) throw new Refusal('CASE_PAUSED');
}

/**
 * Returns the refusal for a person whose organ has no part in this step.
 * It is MATTER_MOVED if the organ had a part before a transfer, else ORGAN_WITHOUT_POWER.
 */
function powerRefusal(subject: Case, person: Person): Refusal {
  const { organ } = person;
  const moves = subject.steps.flatMap(({ data }) => data?.moved ?? []);
  const hadPower = moves.some(({ from }) => from.cityOrgan === organ || from.countyOrgan === organ);
  const hasPower = subject.delegation.cityOrgan === organ || subject.delegation.countyOrgan === organ;
  return new Refusal(hadPower && !hasPower ? 'MATTER_MOVED' : 'ORGAN_WITHOUT_POWER');
}

/** Returns a clerk of the counter that may accept the case or has accepted it. */
function requireCounter(subject: Case, actor: Actor): Person {
  const clerk = requireRole(actor, 'WINDOW_CLERK');
  try {
    const organ = acceptingOrgan(clerk, subject.matter, subject.delegation);
    if (subject.acceptedBy === null || subject.acceptedBy === organ) return clerk;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  throw powerRefusal(subject, clerk);
}

function requireApplicantOrCounter(subject: Case, actor: Actor): Person {
  if (actor.kind === 'person' && hasRole(actor, 'APPLICANT')) {
    if (actor.holderCode !== null && actor.holderCode === subject.applicant.code) return actor;
    throw new Refusal('NOT_YOUR_RECORD');
  }
  return requireCounter(subject, actor);
}

function requireExaminer(subject: Case, actor: Actor): Person {
  const { organ, window } = subject.delegation.examines;
  const examining = examiningOrgan(subject);
  const roles: Role[] = subject.delegation.mode === 'WINDOW_FORWARD' ? ['REVIEWER', 'WINDOW_CLERK'] : ['REVIEWER'];
  const examiner = requireRole(actor, ...roles);
  if (examiner.organ === examining) return examiner;
  const atWindow = window && examining === organ && examiner.window !== null;
  if (atWindow && hasRole(examiner, 'WINDOW_CLERK') && examiner.window === divisionOf(subject.matter, organ))
    return examiner;
  throw powerRefusal(subject, examiner);
}

function requireDecider(subject: Case, actor: Actor, roles: readonly Role[]): Person {
  const decider = requireRole(actor, ...roles);
  if (decider.organ !== subject.delegation.decides.organ) throw powerRefusal(subject, decider);
  return decider;
}

/**
 * Returns a person of the organ that handles an accepted, undecided case: the examiner, later the organ that decides.
 */
function requireHandler(subject: Case, actor: Actor): Person {
  requireStep(subject, ['ACCEPTED', 'EXAMINED', 'FORWARDED']);
  const isWithCounty = subject.step === 'ACCEPTED' || (subject.step === 'EXAMINED' && mustBeForwarded(subject));
  return isWithCounty ? requireExaminer(subject, actor) : requireDecider(subject, actor, ['REVIEWER', 'APPROVER']);
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
