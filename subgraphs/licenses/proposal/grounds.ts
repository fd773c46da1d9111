import type { Day } from '../../kernel/day.ts';
import { type HearingNeed, LICENSE_ACTS, type OwnAct } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireLine } from '../../kernel/text.ts';
import type { ActStatement } from '../act/record.ts';

/**
 * What an act on the organ's own authority rests on: the written decision (决定书) and how the holder was heard before
 * it. The columns of LICENSE_ACTS say what an act needs.
 */

/** How the holder was heard: 已听证, 已听取陈述、申辩, 书面放弃, 逾期未提出. */
export type HearingOutcome = 'HELD' | 'STATED' | 'WAIVED' | 'NOT_REQUESTED';

export interface Hearing {
  /** When the holder was told of the intended act and of the right to be heard (告知). */
  notifiedOn: Day;
  outcome: HearingOutcome;
  /** When the holder was heard, or null if there was nothing to hear. */
  heldOn: Day | null;
}

/** Returns a hearing as a sealed statement has it (KZ_TZ). */
export function toRecordedHearing({ notifiedOn, outcome, heldOn }: Hearing): ActStatement['KZ_TZ'] {
  return { GZRQ: notifiedOn, JG: outcome, JXRQ: heldOn };
}

interface OutcomeRow {
  /** What the law asks for, where this outcome is enough. */
  enoughFor: readonly HearingNeed[];
  /** Whether the holder was heard on a day. */
  isHeld: boolean;
}

/** What each outcome is enough for. The signer's closed form of a statement names the same outcomes. */
export const HEARING_OUTCOMES: Readonly<Record<HearingOutcome, OutcomeRow>> = {
  HELD: { enoughFor: ['HEARING', 'STATEMENT'], isHeld: true },
  STATED: { enoughFor: ['STATEMENT'], isHeld: true },
  WAIVED: { enoughFor: ['HEARING', 'STATEMENT'], isHeld: false },
  NOT_REQUESTED: { enoughFor: ['HEARING', 'STATEMENT'], isHeld: false },
};

/**
 * Days in which the holder may ask for a hearing (行政处罚法 art. 64). The law counts working days, so that fewer
 * calendar days are never enough. Whether they were is for the approver to check.
 */
const REQUEST_DAYS = 5;
const DAY_MS = 86_400_000;

const MAX_DECISION_NUMBER_CHARS = 50;
/** The number of a document (发文字号): the organ's word, the year in 〔〕, the number. 于林罚决〔2026〕12号 */
const DECISION_NUMBER = /^[\p{sc=Han}A-Za-z]{1,30}〔[12]\d{3}〕(第)?\d{1,8}号$/u;

export interface Grounds {
  decisionNumber: string | null;
  hearing: Hearing | null;
}

/**
 * Refuses DECISION_NUMBER_MISSING, HEARING_MISSING, FIELD_MALFORMED, FIELD_TOO_LONG, HEARING_NOT_LAWFUL unless an act
 * rests on what its row requires. What is not required may be stated, and is checked too.
 */
export function requireGrounds(act: OwnAct, { decisionNumber, hearing }: Grounds, today: Day): void {
  const { needsDecision, hearing: need }: { needsDecision: boolean; hearing: HearingNeed } = LICENSE_ACTS[act];
  checkAll(
    () => {
      if (decisionNumber !== null) requireDecisionNumber(decisionNumber);
      else if (needsDecision) throw new Refusal('DECISION_NUMBER_MISSING', 'decisionNumber');
    },
    () => {
      if (hearing !== null) requireLawful(hearing, need, today);
      else if (need !== 'NONE') throw new Refusal('HEARING_MISSING', 'hearing');
    },
  );
}

function requireDecisionNumber(number: string): void {
  requireLine(number, MAX_DECISION_NUMBER_CHARS, 'decisionNumber');
  if (!DECISION_NUMBER.test(number))
    throw new Refusal('FIELD_MALFORMED', 'decisionNumber', '决定文号形如“于林罚决〔2026〕12号”');
}

function requireLawful({ notifiedOn, outcome, heldOn }: Hearing, need: HearingNeed, today: Day): void {
  const { enoughFor, isHeld } = HEARING_OUTCOMES[outcome];
  const refuse = (detail: string) => new Refusal('HEARING_NOT_LAWFUL', 'hearing', detail);
  if (notifiedOn > today) throw refuse('告知日期晚于今日');
  if (isHeld !== (heldOn !== null)) throw refuse(isHeld ? '请填写举行日期' : '没有举行，不填举行日期');
  if (heldOn !== null && (heldOn < notifiedOn || heldOn > today)) throw refuse('举行日期须在告知以后、今日以前');
  if (need !== 'NONE' && !enoughFor.includes(need)) throw refuse('此操作须告知听证权利');
  if (need === 'HEARING' && outcome === 'NOT_REQUESTED' && daysBetween(notifiedOn, today) <= REQUEST_DAYS)
    throw refuse('要求听证的期限未满');
}

function daysBetween(from: Day, to: Day): number {
  return (Date.parse(to) - Date.parse(from)) / DAY_MS;
}
