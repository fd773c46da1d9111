import { type Day, dayOf } from '../../kernel/day.ts';
import { actsFor } from '../../kernel/organ/place.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireReason } from '../../kernel/text.ts';

/**
 * Exceptions to the segregation of duties (职责分离的例外), for an organ and a bounded period. An approver of the organ
 * proposes one. An approver of its superior organ, or another one of its own, approves it.
 */

export const EXCEPTION_KINDS = [
  /** Who examined a case may decide it (审查人员可以作出决定). */
  'EXAMINER_DECIDES',
  /** A named person of a superior organ handles the organ's cases as well (上级机关人员代办). */
  'SECOND_PERSON',
] as const;
export type ExceptionKind = (typeof EXCEPTION_KINDS)[number];

/** What is proposed. */
export interface ExceptionContent {
  organ: string;
  kind: ExceptionKind;
  /** SECOND_PERSON: the person, and the superior organ that the person belongs to. Else null. */
  person: string | null;
  personOrgan: string | null;
  /** First and last day. */
  validFrom: Day;
  validTo: Day;
  reason: string;
  /** Whose approver decides: a superior organ, or the organ itself. */
  approvingOrgan: string;
}

/** An exception, as a case asks for it. */
export interface DutyException extends Pick<ExceptionContent, 'organ' | 'kind' | 'person' | 'personOrgan'> {
  id: string;
  validFrom: Day;
  validTo: Day;
}

/** An exception that a step rests on. */
export type UsedException = Pick<DutyException, 'id' | 'kind' | 'validFrom' | 'validTo'>;

const MAX_REASON_CHARS = 500;
/** The longest exception, in years. */
const MAX_YEARS = 1;

/**
 * Requires that an exception may begin. `superiors` are the superior organs of the organ today.
 * Refuses REASON_MISSING, FIELD_TOO_LONG, FIELD_MALFORMED, EXCEPTION_PERIOD, EXCEPTION_ORGAN.
 */
export function requireException(content: ExceptionContent, superiors: readonly string[], at: Date): void {
  const { organ, kind, person, personOrgan, validFrom, validTo, reason, approvingOrgan } = content;
  checkAll(
    () => requireReason(reason, MAX_REASON_CHARS),
    () => {
      if (validFrom < dayOf(at) || validTo < validFrom || validTo >= addYears(validFrom, MAX_YEARS))
        throw new Refusal('EXCEPTION_PERIOD', 'validTo');
    },
    () => {
      if (approvingOrgan !== organ && !superiors.includes(approvingOrgan))
        throw new Refusal('EXCEPTION_ORGAN', 'approvingOrgan');
    },
    () => requirePersonOfKind(kind, person, personOrgan),
    () => {
      if (personOrgan !== null && !superiors.includes(personOrgan)) throw new Refusal('EXCEPTION_ORGAN', 'personOrgan');
    },
  );
}

function requirePersonOfKind(kind: ExceptionContent['kind'], person: string | null, personOrgan: string | null): void {
  const namesPerson = person !== null && personOrgan !== null;
  if (kind === 'SECOND_PERSON' && !namesPerson)
    throw new Refusal('FIELD_MALFORMED', 'person', '须写明人员及其所在机关');
  if (kind !== 'SECOND_PERSON' && (person !== null || personOrgan !== null))
    throw new Refusal('FIELD_MALFORMED', 'person', '此种例外不指定人员');
}

function addYears(day: Day, years: number): Day {
  return `${String(Number(day.slice(0, 4)) + years).padStart(4, '0')}${day.slice(4)}`;
}

/** Returns the exception by which a person of another organ handles cases of `organ`, or null. */
export function findSecondment(
  exceptions: readonly DutyException[],
  organ: string | null,
  person: { id: string; organ: string | null },
): DutyException | null {
  // Of that organ itself: an exception does not pass to a successor.
  const place = { organ: person.organ };
  const isSecondment = (one: DutyException) =>
    one.kind === 'SECOND_PERSON' &&
    one.organ === organ &&
    one.person === person.id &&
    actsFor(place, one.personOrgan, null);
  return exceptions.find(isSecondment) ?? null;
}

/** Returns the exception by which an examiner of `organ` may decide, or null. */
export function findExaminerException(
  exceptions: readonly DutyException[],
  organ: string | null,
): DutyException | null {
  return exceptions.find((one) => one.kind === 'EXAMINER_DECIDES' && one.organ === organ) ?? null;
}

/** What a decision document says about an exception that it rests on. */
export function printException({ kind, validFrom, validTo, id }: UsedException): string {
  const basis = `（例外编号：${id}，期间：${validFrom}至${validTo}）`;
  return kind === 'EXAMINER_DECIDES'
    ? `本决定经批准由审查人员作出${basis}。`
    : `本决定经批准由上级机关指定的人员作出${basis}。`;
}
