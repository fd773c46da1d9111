import type { Day } from '../../kernel/day.ts';
import { periodMove, takesOverOnFirstDay } from '../../kernel/license-acts.ts';
import { type LicenseTypeVersion, MAX_MONTHS } from '../../kernel/license-type/type.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { actOf, type Case, type LicenseFact } from '../case.ts';
import { currentOn, renewalStart } from '../fact/license.ts';

/** The period of validity (有效期) of what a decision grants: by law, by the license type, by the decision. */

/** What a decision says of it. Null: what law and license type set, or what stands on the license. */
export interface TermInput {
  validFrom: Day | null;
  validUntil: Day | null;
}

/** What decides on the period besides the decision. */
export interface TermFacts {
  license: LicenseFact | null;
  type: LicenseTypeVersion | null;
  today: Day;
}

interface Period {
  validFrom: Day;
  validUntil: Day | null;
}

/** The latest start of a validity, in months after the decision; a correction moves a start no further. */
const MAX_START_MONTHS = 12;

function refuse(field: keyof TermInput, why: string): never {
  throw new Refusal('FIELD_MALFORMED', field, why);
}

/** Returns the first day that the law sets for what a case grants, or null if the decision names it. */
function legalStartOf(subject: Case, { license, today }: TermFacts): Day | null {
  return license !== null && takesOverOnFirstDay(actOf(subject)) ? renewalStart(license, today) : null;
}

/** Returns the period that stands on the license. Of one whose renewal waits, it has both periods. */
function standingPeriod({ license, today }: TermFacts): Period | null {
  return license && { validFrom: currentOn(license, today).validFrom, validUntil: license.license.validUntil };
}

/**
 * Refuses FIELD_MALFORMED for a first day of validity that the act does not give, in the past or more than a year
 * ahead, another one than the law sets, and a correction to a day more than a year from the one that stands.
 */
export function requireStartDay(subject: Case, { validFrom }: TermInput, facts: TermFacts): void {
  if (validFrom === null) return;
  const move = periodMove(actOf(subject));
  if (move === 'KEEPS' || move === 'EXTENDS') refuse('validFrom', '此情形不改变有效期起');
  const legalStart = legalStartOf(subject, facts);
  if (legalStart !== null && validFrom !== legalStart) refuse('validFrom', `延续自${legalStart}起算`);
  if (legalStart !== null) return;
  const standing = move === 'CORRECTS' ? standingPeriod(facts) : null;
  const first = standing === null ? facts.today : addMonths(standing.validFrom, -MAX_START_MONTHS);
  const last = addMonths(standing?.validFrom ?? facts.today, MAX_START_MONTHS);
  // Of a first period the last possible day is a day short of a year: both days are within it.
  const latest = standing === null ? dayBefore(last) : last;
  if (validFrom < first || validFrom > latest) refuse('validFrom', `应在${first}至${latest}之间`);
}

/** Refuses FIELD_MALFORMED for a day of validity where the decision grants no license. */
export function requireNoTerm({ validFrom, validUntil }: TermInput): void {
  const field = validFrom !== null ? 'validFrom' : 'validUntil';
  if (validFrom !== null || validUntil !== null)
    throw new Refusal('FIELD_MALFORMED', field, '此决定不制发证照，不写有效期');
}

/**
 * Refuses FIELD_MALFORMED for a last day of validity that is not for the decision to say (only a type with a date of
 * the case leaves it to the decision, and only where the act does not keep the period), that is before the first one or
 * too far ahead, and for none where nothing else sets one. A retention ends no earlier than the license did. A
 * correction cannot end a license in the past.
 */
export function requireEndDay(subject: Case, input: TermInput, facts: TermFacts): void {
  const { validUntil } = input;
  const move = periodMove(actOf(subject));
  const isNamedByDecision = facts.type?.term.kind === 'DATE_OF_CASE';
  if (validUntil === null) {
    if (move === 'BEGINS' && isNamedByDecision && monthsOf(subject, facts) === null)
      refuse('validUntil', '须写明有效期止');
  } else if (move === 'KEEPS') refuse('validUntil', '此情形不改变有效期');
  else if (!isNamedByDecision) refuse('validUntil', '有效期由证照类型规定');
  const { validFrom, validUntil: until } = termOf(subject, input, facts);
  const isUnchanged = move !== 'BEGINS' && input.validFrom === null && validUntil === null;
  if (isUnchanged || until === null) return;
  if (until < validFrom) refuse('validUntil', '有效期止早于有效期起');
  const latest = endOfMonths(validFrom, MAX_MONTHS);
  if (validUntil !== null && latest !== null && until > latest) refuse('validUntil', `有效期至多到${latest}`);
  const standing = standingPeriod(facts)?.validUntil ?? null;
  if (move === 'EXTENDS' && (standing === null || until < standing))
    refuse('validUntil', standing === null ? '证照长期有效' : `不能早于原有效期止${standing}`);
  if (move === 'CORRECTS' && until < facts.today) refuse('validUntil', '更正后有效期已届满');
}

/** Returns the period that a decision which the rules above accept gives a license. A null end is 长期. */
export function termOf(subject: Case, input: TermInput, facts: TermFacts): Period {
  const standing = periodMove(actOf(subject)) === 'BEGINS' ? null : standingPeriod(facts);
  if (standing === null) {
    const validFrom = input.validFrom ?? legalStartOf(subject, facts) ?? facts.today;
    return { validFrom, validUntil: input.validUntil ?? endOfMonths(validFrom, monthsOf(subject, facts)) };
  }
  const validFrom = input.validFrom ?? standing.validFrom;
  return { validFrom, validUntil: input.validUntil ?? endAfterCorrection(subject, validFrom, standing, facts) };
}

/** Returns the last day that follows a first one. Months that ran from a wrong day run from the right one. */
function endAfterCorrection(subject: Case, validFrom: Day, standing: Period, facts: TermFacts): Day | null {
  const months = monthsOf(subject, facts);
  const isByMonths = months !== null && standing.validUntil === endOfMonths(standing.validFrom, months);
  return isByMonths ? endOfMonths(validFrom, months) : standing.validUntil;
}

/** The length of the period in months; null: none. The row of a matter overrules its license type. */
function monthsOf({ delegation }: Case, { type }: TermFacts): number | null {
  return delegation.outcome.validityMonths ?? type?.term.months ?? null;
}

/** Returns the last day of a validity of `months` that begins on `from`, or null if it has no end. */
export function endOfMonths(from: Day, months: number | null): Day | null {
  if (months === null) return null;
  const end = addMonths(from, months);
  // 31 January and one month is the last day of February, not the third of March.
  return end.slice(8) === from.slice(8) ? dayBefore(end) : end;
}

/** Returns the day of the same date so many months later, or the last day of that month if it has no such date. */
function addMonths(from: Day, months: number): Day {
  const start = new Date(`${from}T00:00:00Z`);
  const end = new Date(start);
  end.setUTCMonth(end.getUTCMonth() + months);
  if (end.getUTCDate() !== start.getUTCDate()) end.setUTCDate(0);
  return end.toISOString().slice(0, 10);
}

function dayBefore(day: Day): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}
