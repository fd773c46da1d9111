import type { Person } from '../../kernel/actor.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import type { GrantContent } from '../../kernel/events/events.ts';
import { makesSheet } from '../../kernel/license-acts.ts';
import { listUnprinted } from '../../kernel/license-type/content.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import type { Decider } from '../../kernel/sealing/person-signature.ts';
import { requireLines } from '../../kernel/text.ts';
import { actOf, type Case, endsInLicenseAct, type LicenseFact } from '../case.ts';
import { linesOf, listChanges, requireChange, requireContent } from '../content/check.ts';
import type { Labelled } from '../content/labels.ts';
import { ownersAfter, requireCoOwnership } from '../content/owners.ts';
import { ownLicense } from '../content/sight.ts';
import type { UsedException } from '../exception/exception.ts';
import { type PublicationExemption, requireWithholdable } from '../publication/publication.ts';
import { MAX_TEXT_CHARS, requireLicenseFits } from '../reception/application.ts';
import { requireTurn, type StandingLicense } from '../standing/standing.ts';
import { requireEndDay, requireNoTerm, requireStartDay, type TermInput, termOf } from './term.ts';

export interface DecisionInput extends TermInput {
  decision: 'GRANTED' | 'REJECTED';
  reason: string | null;
  authoriseSeal: boolean;
  /** Why it is not published, or null: then it is, if the law publishes it. */
  withheld: PublicationExemption | null;
}

/**
 * Returns the exact content that a grant puts on the license, or null if the case ends in a decision document.
 * Refuses REASON_MISSING, SEAL_AUTHORISATION_MISSING, FIELD_MALFORMED, and what `requireLicenseFits`,
 * `requireTurn`, `requireContent` and `requireChange` refuse.
 */
export function decide(
  subject: Case,
  input: DecisionInput,
  { license, type }: { license: Labelled<StandingLicense> | null; type: LicenseTypeVersion | null },
  today: Day,
): GrantContent | null {
  const isRejected = input.decision === 'REJECTED';
  const isAgainstExamination = !isRejected && subject.finding === 'REFUSED';
  const grantsLicense = !isRejected && endsInLicenseAct(subject.delegation);
  const termFacts = { license, type, today };
  const isCorrection = grantsLicense && actOf(subject) === 'CORRECT';
  checkAll(
    () => requireDecisionReason(input.reason, isRejected || isAgainstExamination || isCorrection),
    () => {
      // Every decision is sealed: on the license, or on a decision document.
      if (!input.authoriseSeal) throw new Refusal('SEAL_AUTHORISATION_MISSING', 'authoriseSeal');
    },
    () => requireWithholdable(subject.matter, input),
    () => !grantsLicense && requireNoTerm(input),
    () => grantsLicense && requireStartDay(subject, input, termFacts),
    () => grantsLicense && requireEndDay(subject, input, termFacts),
    () => grantsLicense && requireLicenseFits(subject, license, fitDayOf(subject, today)),
    () => grantsLicense && requireTurn(actOf(subject), 'grant', license),
    () => grantsLicense && requireCoOwnership(subject, ownLicense(license, subject.applicant.code), type),
    () => grantsLicense && requireContent(subject, license, type),
    () => grantsLicense && requireChange(subject, license, type, termOf(subject, input, termFacts)),
  );
  return grantsLicense ? contentOf(subject, license, type, { input, today }) : null;
}

/**
 * Returns the day on which the license must allow the act. A renewal asked for in time may be decided after the last
 * day (行政许可法第五十条), so the day of its acceptance counts. For every other act it is the day of the decision.
 */
function fitDayOf(subject: Case, today: Day): Day {
  const accepted = subject.steps.find(({ step }) => step === 'ACCEPTED');
  return accepted && actOf(subject) === 'RENEW' ? dayOf(accepted.at) : today;
}

function requireDecisionReason(reason: string | null, isRequired: boolean): void {
  if (reason !== null) requireLines(reason, MAX_TEXT_CHARS, 'reason');
  else if (isRequired) throw new Refusal('REASON_MISSING', 'reason');
}

/**
 * Returns in whose place a person decides a case: for the organ that decides it today, after each transfer that the
 * case followed, as one of its people or by an exception that the decision rests on. Refuses ORGAN_WITHOUT_POWER to a
 * person without an organ.
 */
export function placeOf({ delegation }: Case, person: Person, exceptions: readonly UsedException[]): Decider {
  const decides = delegation.decides.organ;
  if (decides === null || person.organ === null) throw new Refusal('ORGAN_WITHOUT_POWER');
  const secondment = exceptions.find(({ kind }) => kind === 'SECOND_PERSON');
  return { organ: person.organ, decides, exception: secondment?.id ?? null };
}

/** Returns the content that a granted case puts on the license. */
function contentOf(
  subject: Case,
  license: Labelled<LicenseFact> | null,
  type: LicenseTypeVersion | null,
  { input, today }: { input: DecisionInput; today: Day },
): GrantContent {
  const term = termOf(subject, input, { license, type, today });
  const { matterId } = subject.matter;
  const { outcome } = subject.delegation;
  if (outcome.licenseType === null) throw new RangeError(`matter ${matterId} ends in a license without a type`);
  const action = actOf(subject);
  const fields = linesOf(subject, license, type);
  const unprinted = type === null || !makesSheet(action) ? [] : listUnprinted(type, fields);
  const base = {
    ...{ matterId, action, licenseName: outcome.name, licenseType: outcome.licenseType },
    ...(type === null ? {} : { typeVersion: type.version }),
    ...(unprinted.length === 0 ? {} : { unprinted }),
  };
  if (action === 'ISSUE') {
    return { ...base, licenseNumber: null, ...ownersAfter(subject, null), fields, ...term };
  }
  if (license === null) throw new Refusal('LICENSE_UNKNOWN', 'licenseNumber');
  const currentBase = {
    ...base,
    licenseNumber: license.number,
    onVersion: license.version,
    changes: listChanges(subject, license, type),
    ...(subject.reissuedSheets === null ? {} : { reissuedSheets: [...subject.reissuedSheets] }),
    ...(license.renamed === undefined ? {} : { renamed: [...license.renamed] }),
    ...term,
  };
  return { ...currentBase, ...ownersAfter(subject, license), fields };
}
