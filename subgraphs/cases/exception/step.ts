import type { Person } from '../../kernel/actor.ts';
import type { AmendedLine } from '../../kernel/license-type/changes.ts';
import { actsFor } from '../../kernel/organ/place.ts';
import type { StepData } from '../case.ts';
import { type CaseSubject, hasExamined } from '../policy.ts';
import { findExaminerException, findSecondment, type UsedException } from './exception.ts';

/** Returns the exceptions that an act of a person for `organ` rests on. `decides`: whether it is the decision. */
export function listUsedExceptions(
  subject: CaseSubject,
  organ: string | null,
  person: Person,
  decides = false,
): UsedException[] {
  const { exceptions = [] } = subject;
  const used = [
    actsFor(person, organ, subject.matter.matterId) ? null : findSecondment(exceptions, organ, person),
    decides && hasExamined(subject, person) ? findExaminerException(exceptions, organ) : null,
  ];
  return used
    .filter((one) => one !== null)
    .map(({ id, kind, validFrom, validTo }) => ({ id, kind, validFrom, validTo }));
}

/** The data of a step that rests on exceptions, changes lines of a license and is published, or null without any. */
export function toStepData(
  exceptions: UsedException[],
  amended: AmendedLine[] = [],
  publication: StepData['publication'] | null = null,
): StepData | null {
  if (exceptions.length === 0 && amended.length === 0 && publication === null) return null;
  return {
    ...(exceptions.length > 0 && { exceptions }),
    ...(amended.length > 0 && { amended }),
    ...(publication !== null && { publication }),
  };
}
