import type { Day } from '../../kernel/day.ts';
import { beginsPeriod, takesOverOnFirstDay } from '../../kernel/license-acts.ts';
import { type LicenseTypeVersion, MAX_MONTHS } from '../../kernel/license-type/type.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { actOf, type Case, type LicenseFact } from '../case.ts';
import { renewalStart } from '../fact/license.ts';

/** The period of validity (有效期) of what a decision grants: by law, by the license type, by the decision. */

/** What a decision says of it. Null: what law and license type set. */
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

/** The latest start of a validity, in months after the decision. */
const MAX_START_MONTHS = 12;

/** Returns the first day that the law sets for what a case grants, or null if the decision names it. */
function legalStartOf(subject: Case, { license, today }: TermFacts): Day | null {
  return license !== null && takesOverOnFirstDay(actOf(subject)) ? renewalStart(license, today) : null;
}

/**
 * Refuses FIELD_MALFORMED for a first day of validity where the act keeps the period, or in the past, or more than a
 * year ahead, or another one than the law sets.
 */
export function requireStartDay(subject: Case, { validFrom }: TermInput, facts: TermFacts): void {
  if (validFrom !== null && !beginsPeriod(actOf(subject)))
    throw new Refusal('FIELD_MALFORMED', 'validFrom', '此情形不改变有效期');
  const legalStart = legalStartOf(subject, facts);
  if (validFrom !== null && legalStart !== null && validFrom !== legalStart)
    throw new Refusal('FIELD_MALFORMED', 'validFrom', `延续自${legalStart}起算`);
  if (validFrom === null || legalStart !== null) return;
  const lastStart = endOfMonths(facts.today, MAX_START_MONTHS) ?? facts.today;
  if (validFrom < facts.today || validFrom > lastStart) throw new Refusal('FIELD_MALFORMED', 'validFrom');
}

/** Refuses FIELD_MALFORMED for a day of validity where the decision grants no license. */
export function requireNoTerm({ validFrom, validUntil }: TermInput): void {
  const field = validFrom !== null ? 'validFrom' : 'validUntil';
  if (validFrom !== null || validUntil !== null)
    throw new Refusal('FIELD_MALFORMED', field, '此决定不制发证照，不写有效期');
}

/**
 * Refuses FIELD_MALFORMED for a last day of validity that is not for the decision to say (only a type with a date of
 * the case leaves it to the decision, and only where the act begins a period), that is before the first one or too far
 * ahead, and for none where nothing else sets one.
 */
export function requireEndDay(subject: Case, input: TermInput, facts: TermFacts): void {
  const refuse = (why: string) => {
    throw new Refusal('FIELD_MALFORMED', 'validUntil', why);
  };
  const { validUntil } = input;
  const isNamedByDecision = facts.type?.term.kind === 'DATE_OF_CASE';
  if (!beginsPeriod(actOf(subject))) {
    if (validUntil !== null) refuse('此情形不改变有效期');
    return;
  }
  if (validUntil === null) {
    if (isNamedByDecision && monthsOf(subject, facts) === null) refuse('须写明有效期止');
    return;
  }
  if (!isNamedByDecision) refuse('有效期由证照类型规定');
  const { validFrom } = termOf(subject, input, facts);
  if (validUntil < validFrom) refuse('有效期止早于有效期起');
  const latest = endOfMonths(validFrom, MAX_MONTHS);
  if (latest !== null && validUntil > latest) refuse(`有效期至多到${latest}`);
}

/** Returns the period that a decision which the rules above accept gives a license. A null end is 长期. */
export function termOf(subject: Case, input: TermInput, facts: TermFacts): { validFrom: Day; validUntil: Day | null } {
  const validFrom = input.validFrom ?? legalStartOf(subject, facts) ?? facts.today;
  return { validFrom, validUntil: input.validUntil ?? endOfMonths(validFrom, monthsOf(subject, facts)) };
}

/** The length of the period in months; null: none. The row of a matter overrules its license type. */
function monthsOf({ delegation }: Case, { type }: TermFacts): number | null {
  return delegation.outcome.validityMonths ?? type?.term.months ?? null;
}

/** Returns the last day of a validity of `months` that begins on `from`, or null if it has no end. */
export function endOfMonths(from: Day, months: number | null): Day | null {
  if (months === null) return null;
  const start = new Date(`${from}T00:00:00Z`);
  const end = new Date(start);
  end.setUTCMonth(end.getUTCMonth() + months);
  // 31 January and one month is the last day of February, not the third of March.
  if (end.getUTCDate() !== start.getUTCDate()) end.setUTCDate(0);
  else end.setUTCDate(end.getUTCDate() - 1);
  return end.toISOString().slice(0, 10);
}
