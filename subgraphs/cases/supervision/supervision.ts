import type { Day } from '../../kernel/day.ts';
import { dayOf } from '../../kernel/day.ts';
import type { DelegationFact, Mode } from '../../kernel/events/events.ts';
import { isActAllowed, isLive, type OrderedAct, type ValidityState } from '../../kernel/license-acts.ts';
import { describeObstacle } from '../../kernel/license-type/act-fit.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll, checkEach } from '../../kernel/refusals/collector.ts';
import { requireReason } from '../../kernel/text.ts';
import { addWorkingDays, type Calendar, tryWithCalendar } from '../calendar/working-day.ts';
import { MAX_TEXT_CHARS } from '../reception/application.ts';

/** Rules of "双推送""双回路" (实施方案三.6): approval results go to the supervisors, findings come back. */

export type Level = 'CITY' | 'COUNTY';
export const PUSH_STATES = ['WAITING_FOR_ORGAN', 'SENT', 'CLAIMED', 'SIGNED'] as const;
export type PushState = (typeof PUSH_STATES)[number];
export type PushEvent = 'OPENED' | 'SENT' | 'CLAIMED' | 'SIGNED' | 'TAKEN_BY_SYSTEM';

/** The result that a supervisor receives (审批结果): a decision, or VOIDED if a grant was given up (作废). */
export type PushedResult = 'GRANTED' | 'REJECTED' | 'VOIDED';

/** An approval result on its way to one supervisor. */
export interface Push {
  id: string;
  caseId: string;
  level: Level;
  organ: string | null;
  decidedAt: Date;
  dueOn: Day | null;
  missingYear: number | null;
  state: PushState;
  claimedById: string | null;
  reachedAt: Date | null;
}

/** 实施方案三.6: "3个工作日内将审批信息推送县级监管部门". */
const PUSH_WORKING_DAYS = 3;

/**
 * The levels that receive a push: always the county's industry organ (三.6).
 * The city's too if the city supervises (三.5, annex 4 task 8).
 */
export function levelsOf(mode: Mode): Level[] {
  return mode === 'DIRECT' ? ['COUNTY'] : ['COUNTY', 'CITY'];
}

/**
 * Returns the industry organ of a level, or null if the office has not named it yet. The approver never replaces it.
 */
export function industryOrganOf(delegation: DelegationFact, level: Level): string | null {
  return level === 'CITY' ? delegation.industry.city : delegation.industry.county;
}

/** Returns the last day by which a decision must reach its supervisors, or the year whose calendar is missing. */
export function deadlineOf(calendar: Calendar, decidedOn: Day): Pick<Push, 'dueOn' | 'missingYear'> {
  const { value: dueOn, missingYear } = tryWithCalendar(() => addWorkingDays(calendar, decidedOn, PUSH_WORKING_DAYS));
  return { dueOn, missingYear };
}

/** Whether a push has not reached its supervisor although its last day is over. */
export function isOverdue({ dueOn, reachedAt }: Pick<Push, 'dueOn' | 'reachedAt'>, today: Day): boolean {
  return reachedAt === null && dueOn !== null && dueOn < today;
}

/** Whether a push reached its supervisor in time, or null while that is open. */
export function isOnTime(push: Pick<Push, 'dueOn' | 'reachedAt'>, today: Day): boolean | null {
  if (push.dueOn === null) return null;
  if (push.reachedAt === null) return isOverdue(push, today) ? false : null;
  return dayOf(push.reachedAt) <= push.dueOn;
}

export const FINDING_KINDS = ['NOTICE', 'RECTIFICATION', 'SUSPENSION', 'REVOCATION', 'LIFTED'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];
export const FINDING_STATES = [
  'OPEN',
  'ACKNOWLEDGED',
  'ORDERED',
  'CARRIED_OUT',
  'DECLINED',
  'OVERTAKEN',
  'CLOSED',
] as const;
export type FindingState = (typeof FINDING_STATES)[number];
export type FindingEvent = 'RECORDED' | 'ACKNOWLEDGED' | 'CLOSED' | 'CARRIED_OUT' | 'DECLINED' | 'OVERTAKEN';

export interface Finding {
  id: string;
  caseId: string;
  kind: FindingKind;
  organ: string;
  decidedBy: string;
  licenseNumber: string | null;
  state: FindingState;
  acknowledgedAt: Date | null;
  endedAt: Date | null;
}

/** Returns the act on the license that a finding demands, or null if it demands none. */
export function orderOf(kind: FindingKind): OrderedAct | null {
  switch (kind) {
    case 'SUSPENSION':
      return 'SUSPEND';
    case 'REVOCATION':
      return 'REVOKE';
    case 'LIFTED':
      return 'RESTORE';
    default:
      return null;
  }
}

const MAX_PAPERS = 20;

/** A finding as a supervisor submits it. */
export interface FindingInput {
  kind: FindingKind;
  text: string;
  papers: readonly string[];
  dueOn: Day | null;
}

/**
 * Refuses REASON_MISSING, FIELD_TOO_LONG, FIELD_MALFORMED unless a finding has exactly the fields that its kind needs.
 */
export function requireFinding({ kind, text, papers, dueOn }: FindingInput, today: Day): void {
  const isDueOnFit = kind === 'RECTIFICATION' ? dueOn !== null && dueOn >= today : dueOn === null;
  checkAll(
    () => requireReason(text, MAX_TEXT_CHARS, 'text'),
    () => requirePapers(papers),
    () => {
      if (!isDueOnFit) throw new Refusal('FIELD_MALFORMED', 'dueOn');
    },
  );
}

function requirePapers(papers: readonly string[]): void {
  if (papers.length > MAX_PAPERS) throw new Refusal('FIELD_TOO_LONG', 'papers', `最多 ${MAX_PAPERS} 份`);
  checkEach(papers, (paper, i) => {
    if (!/^[0-9a-f]{64}$/.test(paper)) throw new Refusal('FIELD_MALFORMED', `papers[${i}]`);
  });
}

/**
 * Checks that the license, in its state of today as cases know it, permits the act that a finding orders.
 * The issuing organ's side checks again when the order arrives.
 * A suspension may be lifted whether or not it was carried out. It must be the supervisor's own.
 * Refuses FINDING_NEEDS_LICENSE, LICENSE_ACT_NOT_ALLOWED.
 */
export function requireOrderable(kind: FindingKind, state: ValidityState | null, ownSuspension: boolean): void {
  const act = orderOf(kind);
  if (act === null) return;
  if (state === null) throw new Refusal('FINDING_NEEDS_LICENSE', 'kind');
  const isAllowed = act === 'RESTORE' ? isLive(state) && ownSuspension : isActAllowed(act, state);
  if (isAllowed) return;
  const isForeign = act === 'RESTORE' && isLive(state);
  const why = isForeign ? '暂扣并非由该监管部门要求' : describeObstacle(act, state);
  throw new Refusal('LICENSE_ACT_NOT_ALLOWED', 'kind', why);
}
