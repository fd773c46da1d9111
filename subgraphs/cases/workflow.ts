import { type Database, type Transaction, transact } from '../../db/client.ts';
import type { Actor, Person } from '../kernel/actor.ts';
import { type Clock, dayOf } from '../kernel/day.ts';
import { requirePrintableText } from '../kernel/pdf/document.ts';
import { partiesOf } from '../kernel/period/delegation.ts';
import { requireLivingOrgan } from '../kernel/policy.ts';
import { Refusal } from '../kernel/refusal.ts';
import { checkAll } from '../kernel/refusals/collector.ts';
import type { ReadPersonSigning } from '../kernel/sealing/person-signature.ts';
import type { ServiceIdentity } from '../kernel/sealing/service-token.ts';
import * as text from '../kernel/text.ts';
import { prepareActions } from './action/workflow.ts';
import { requirePapers } from './calendar/pause.ts';
import { buildStep, type Case, examiningOrgan, type PauseKind } from './case.ts';
import { findSecondment } from './exception/exception.ts';
import { listUsedExceptions, toStepData } from './exception/step.ts';
import { listExceptionsNow } from './exception/workflow.ts';
import { findMatter } from './fact/store.ts';
import { type CaseActionName, type CaseSubject, maySee, requireCaseAction } from './policy.ts';
import { MAX_TEXT_CHARS } from './reception/application.ts';
import * as store from './store.ts';
import { bringUpToDate } from './transfer/workflow.ts';

/** Dependencies of the case workflow. Nothing here is read from the environment. */
export interface WorkflowDependencies {
  db: Database;
  now: Clock;
  /** Signs the authorisations of seals. */
  identity: ServiceIdentity;
  /** The secrets of webhooks and approval platforms are derived from it. */
  derivationKey: Uint8Array;
  /** The public URL of the gateway. */
  publicUrl: string;
  /** What persons sign with, and which organs need it. */
  personSigning: ReadPersonSigning;
  /** Receives what fails in the background. */
  onError?: (error: unknown) => void;
}

/** One action on one case: the actor, the id of the case, and whether it is a dry run. */
export interface CaseCommand {
  actor: Actor;
  id: string;
  dryRun: boolean;
}

/** Records the examination (审查). Refuses REASON_MISSING if the finding is REFUSED and there is no opinion. */
export function examine(
  deps: WorkflowDependencies,
  command: CaseCommand,
  finding: 'APPROVED' | 'REFUSED',
  opinion: string | null,
): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const examiner = requireCaseAction('examineCase', subject, command.actor);
    if (finding === 'REFUSED' && opinion === null) throw new Refusal('REASON_MISSING', 'opinion');
    if (opinion !== null) requireNote(opinion, 'opinion');
    const data = toStepData(listUsedExceptions(subject, examiningOrgan(subject), examiner));
    return store.addStep(tx, subject, buildStep(examiner, 'EXAMINED', at, { note: opinion, finding, data }));
  });
}

/** Sends the case to the city organ (转报). */
export function forward(deps: WorkflowDependencies, command: CaseCommand, note: string | null): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const sender = requireCaseAction('forwardCase', subject, command.actor);
    if (note !== null) requireNote(note, 'note');
    return store.addStep(tx, subject, buildStep(sender, 'FORWARDED', at, { note }));
  });
}

/** Sends the case back for another examination (退回补充审查), by the organ that decides, with a reason. */
export function sendBack(deps: WorkflowDependencies, command: CaseCommand, reason: string): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const sender = requireCaseAction('sendBackCase', subject, command.actor);
    requireReason(reason);
    return store.addStep(tx, subject, buildStep(sender, 'SENT_BACK', at, { note: reason }));
  });
}

/** Stops the clock for a special procedure (特别程序), with a reason and the papers that it is based on. */
export function pause(
  deps: WorkflowDependencies,
  command: CaseCommand,
  procedure: { kind: PauseKind; reason: string; papers: readonly string[] },
): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const person = requireCaseAction('pauseCase', subject, command.actor);
    checkAll(
      () => requireReason(procedure.reason),
      () => requirePapers(procedure.papers),
    );
    const data = { pause: { kind: procedure.kind, papers: [...procedure.papers] } };
    return store.addStep(tx, subject, buildStep(person, 'PAUSED', at, { note: procedure.reason, data }));
  });
}

/** Restarts the clock (恢复计时). */
export function resume(deps: WorkflowDependencies, command: CaseCommand, note: string | null): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const person = requireCaseAction('resumeCase', subject, command.actor);
    if (note !== null) requireNote(note, 'note');
    return store.addStep(tx, subject, buildStep(person, 'RESUMED', at, { note }));
  });
}

/**
 * Locks a case, brings its organs up to date, and runs one action on it in a transaction.
 * Refuses ROLE_NOT_ALLOWED, and CASE_UNKNOWN if there is no such case or the actor may not see it.
 */
export function act(
  { db, now }: Pick<WorkflowDependencies, 'db' | 'now'>,
  { actor, id, dryRun }: CaseCommand,
  run: (tx: Transaction, subject: CaseSubject, at: Date) => Promise<Case>,
): Promise<Case> {
  return transact(db, dryRun, async (tx) => {
    const { subject, parties, window } = store.requireCase(await store.lockCase(tx, id));
    if (actor.kind !== 'person') throw new Refusal('ROLE_NOT_ALLOWED');
    requireLivingOrgan(actor);
    const at = now();
    const current = await bringUpToDate(tx, subject, await findMatter(tx, subject.matter.matterId, dayOf(at)), at);
    const visibility = {
      applicantCode: subject.applicant.code,
      parties: [...parties, ...partiesOf(current.delegation)],
      window,
    };
    const exceptions = await listExceptionsNow(tx, visibility.parties, at);
    const isSecond = visibility.parties.some((organ) => findSecondment(exceptions, organ, actor) !== null);
    if (!isSecond && !maySee(actor, visibility)) throw new Refusal('CASE_UNKNOWN', 'case');
    return run(tx, { ...current, exceptions }, at);
  });
}

/** Returns the person who takes an action that depends on more than the case. Throws the refusal of its policy row. */
export async function requirePreparedAction(
  tx: Transaction,
  name: CaseActionName,
  { subject, actor, at }: { subject: Case; actor: Actor; at: Date },
): Promise<Person> {
  const person = requireCaseAction(name, subject, actor);
  const [prepared = subject] = await prepareActions(tx, [subject], person, dayOf(at));
  return requireCaseAction(name, prepared, actor);
}

/** Locks a case and brings it up to date. Refuses CASE_UNKNOWN if there is none. */
export async function lockUpToDateCase(tx: Transaction, id: string, at: Date): Promise<Case> {
  const { subject } = store.requireCase(await store.lockCase(tx, id));
  return bringUpToDate(tx, subject, await findMatter(tx, subject.matter.matterId, dayOf(at)), at);
}

/** Refuses REASON_MISSING, FIELD_TOO_LONG, FIELD_MALFORMED. A reason is printed, so it must be printable. */
export function requireReason(reason: string): void {
  text.requireReason(reason, MAX_TEXT_CHARS);
  requirePrintableText(reason, { field: 'reason', form: 'LINES' });
}

/** Refuses FIELD_TOO_LONG, FIELD_MALFORMED for a remark of several lines that goes on paper. */
export function requireNote(note: string, field: string): void {
  text.requireLines(note, MAX_TEXT_CHARS, field);
  requirePrintableText(note, { field, form: 'LINES' });
}
