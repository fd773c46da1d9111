import { type Actor, hasRole } from '../../kernel/actor.ts';
import type { DelegationFact } from '../../kernel/events/events.ts';
import type { GraphContext } from '../../kernel/http/context.ts';
import { requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { maskCode } from '../../kernel/identity/identity.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import type { CountedConnection } from '../../kernel/list/page.ts';
import { answerAction } from '../../kernel/policy.ts';
import type { SignatureRequest } from '../../kernel/sealing/signing-workflow.ts';
import {
  actOf,
  type Case,
  endsInLicenseAct,
  FORWARDED_CODE,
  RESULT_CODES,
  restsAfter,
  type StepRecord,
  waitsFor,
} from '../case.ts';
import { amendedFor } from '../content/sight.ts';
import { viewParties } from '../party/view.ts';
import { CASE_ACTIONS, type CaseActionName, type CaseSubject } from '../policy.ts';
import type * as workflow from '../workflow.ts';

const organ = (id: string) => ({ id });

/** The parent value of Case resolvers. @public by codegen.ts */
export type CaseView = ReturnType<typeof viewCase>;

/** The parent value of CaseConnection. @public by codegen.ts */
export type CaseConnection = CountedConnection<CaseView>;

/** Returns a case by its id as the caller may see it, or null. */
export type FindCase = (context: GraphContext, id: string) => Promise<CaseView | null>;

/** Returns a case as `actor` may see it. Other modules add their fields in their own Case resolvers. */
export function viewCase(subject: Case, actor: Actor) {
  const isOwn = actor.kind === 'person' && actor.holderCode === subject.applicant.code;
  const { result, acceptedBy } = subject;
  return {
    /** For the Case resolvers of other modules. Not a field of the schema. */
    subject,
    id: subject.id,
    number: subject.number,
    matter: { id: subject.matter.matterId },
    applicant: { ...subject.applicant, code: isOwn ? subject.applicant.code : maskCode(subject.applicant.code) },
    coOwnership: viewCoOwnership(subject.coOwnership, actor),
    ...viewParties(subject, actor),
    delegation: subject.delegation,
    acceptedBy: acceptedBy === null ? null : organ(acceptedBy),
    licenseNumber: subject.licenseNumber && printedNumber(subject.licenseNumber),
    act: endsInLicenseAct(subject.delegation) ? actOf(subject) : null,
    reissuedSheets: [...(subject.reissuedSheets ?? [])],
    fields: subject.fields,
    step: subject.step,
    result,
    resultCode: result === null ? null : RESULT_CODES[result],
    supplement: subject.steps.find((record) => record.data?.supplement)?.data?.supplement ?? null,
    holderConsent: viewConsent(subject),
    waitsFor: viewWaiting(subject),
    responsibility: viewResponsibility(subject.delegation),
    steps: subject.steps.map((record) => ({
      ...viewStep(record, isOwn && !hasRole(actor, 'AUDITOR')),
      amended: amendedOf(subject, record, actor),
    })),
  };
}

/** Returns the consent of the holder without the holder: the decision names them. */
function viewConsent({ steps }: Case) {
  const step = steps.findLast(({ data }) => data?.consent);
  const consent = step?.data?.consent;
  return step && consent ? { form: consent.form, on: consent.on, recordedBy: step.actor } : null;
}

/** Returns the other holders as `actor` may see them: each sees the own code. */
function viewCoOwnership(coOwnership: Case['coOwnership'], actor: Actor) {
  if (coOwnership === null) return null;
  const isOwn = (code: string) => actor.kind === 'person' && actor.holderCode === code;
  const coHolders = coOwnership.coHolders.map((one) => ({
    ...one,
    code: isOwn(one.code) ? one.code : maskCode(one.code),
  }));
  return { ...coOwnership, coHolders };
}

/** Returns the actions on a case, and for each whether `actor` may do it now. */
export function viewCaseActions(subject: CaseSubject, actor: Actor) {
  return (Object.keys(CASE_ACTIONS) as CaseActionName[]).map((name) =>
    answerAction(name, CASE_ACTIONS[name], subject, actor),
  );
}

function viewStep(record: StepRecord, isForApplicant: boolean) {
  const { step, at, note, finding, data } = record;
  const from = data?.moved?.from;
  return {
    step,
    at,
    note,
    finding,
    // The applicant sees the organ that acted. Only offices see the names of its staff.
    actor: isForApplicant && record.organ !== null ? '经办人员' : record.actor,
    organ: record.organ === null ? null : organ(record.organ),
    code: step === 'FORWARDED' ? FORWARDED_CODE : null,
    exceptions: (data?.exceptions ?? []).map(({ id }) => id),
    withheld: data?.publication?.withheld ?? null,
    movedFrom: from ? [organ(from.cityOrgan), organ(from.countyOrgan)] : null,
  };
}

/** An amendment is of the application's own lines. A decision amends the license. */
function amendedOf(subject: Case, { step, data }: StepRecord, actor: Actor) {
  const amended = data?.amended ?? [];
  return step === 'DECIDED' ? amendedFor(actor, subject, amended) : amended;
}

function viewWaiting(subject: Case) {
  const { organs, window } = waitsFor(subject);
  const currentStep = subject.steps.findLast(({ step }) => !restsAfter(step));
  return { organs: organs.map(organ), window, since: currentStep?.at ?? new Date(0) };
}

function viewResponsibility({ decides, seals, liable, supervises }: DelegationFact) {
  const assignments = [decides, seals, liable, supervises];
  return {
    decides,
    seals,
    liable,
    supervises,
    basis: assignments.map((assignment) => assignment.reason ?? ''),
  };
}

/** Returns the command of a mutation on one case. */
export function toCommand(actor: Actor, input: { case: string; dryRun: boolean }): workflow.CaseCommand {
  return { actor, id: input.case, dryRun: input.dryRun };
}

/** Runs a person's mutation on a case. A missing token is a fault, not a refusal. */
export function settleCase(actor: Actor, run: () => Promise<Case>) {
  const person = requirePerson(actor);
  return mutate(async () => ({ case: viewCase(await run(), person) }));
}

/** Like `settleCase`, for a decision. A rehearsal also tells what the decider signs. */
export function settleDecision(actor: Actor, run: () => Promise<{ decided: Case; request: SignatureRequest | null }>) {
  const person = requirePerson(actor);
  return mutate(async () => {
    const { decided, request: signatureRequest } = await run();
    return { case: viewCase(decided, person), signatureRequest };
  });
}
