import { type Database, type Transaction, transact } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import type { Actor, Person } from '../kernel/actor.ts';
import { type Clock, dayOf, isWithin } from '../kernel/day.ts';
import { computeContentDigest, type Envelope, type EventPayload, type GrantContent } from '../kernel/events/events.ts';
import { receiveOnce } from '../kernel/events/outbox-store.ts';
import { endsSheet } from '../kernel/license-acts.ts';
import { requirePrintableText } from '../kernel/pdf/document.ts';
import { Refusal } from '../kernel/refusal.ts';
import { writeAuthorisation } from '../kernel/sealing/token.ts';
import * as text from '../kernel/text.ts';
import { prepareActions } from './action-workflow.ts';
import { loadCalendar } from './calendar/store.ts';
import {
  type Case,
  type Finding,
  follow,
  type MatterFact,
  type PauseKind,
  partiesOf,
  type Step,
  type StepData,
  type StepRecord,
} from './case.ts';
import { type DecisionInput, decide, issuerOf } from './decide.ts';
import { requireValidLicenses } from './material/workflow.ts';
import { requirePrintableApplication } from './notice/render.ts';
import { prepareDecision } from './notice/workflow.ts';
import { type CaseActionName, maySee, requireCaseAction } from './policy.ts';
import { MAX_TEXT_CHARS } from './reception/application.ts';
import * as store from './store.ts';
import { putCaseLicense, putDuty } from './supervision/store.ts';
import { openPushes, recordOrderAnswer, sendWaitingPushes } from './supervision/workflow.ts';

/** Dependencies of the case workflow. Nothing here is read from the environment. */
export interface WorkflowDependencies {
  db: Database;
  now: Clock;
  authorisationKey: Uint8Array;
}

/** One action on one case: the actor, the id of the case, and whether it is a dry run. */
export interface CaseCommand {
  actor: Actor;
  id: string;
  dryRun: boolean;
}

/** Most papers that a pause may name. */
const MAX_PAPERS = 20;

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
    return store.addStep(tx, subject, buildStep(examiner, 'EXAMINED', at, { note: opinion, finding }));
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
    requireReason(procedure.reason);
    if (procedure.papers.length === 0) throw new Refusal('PAPERS_MISSING', 'papers');
    if (procedure.papers.length > MAX_PAPERS) throw new Refusal('FIELD_TOO_LONG', 'papers', `最多 ${MAX_PAPERS} 份`);
    for (const [i, paper] of procedure.papers.entries()) text.requireLine(paper, MAX_TEXT_CHARS, `papers[${i}]`);
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
 * Decides a case (决定). One transaction writes the decision, the decider's seal authorisation, and what is sealed by it.
 * That is the event that opens the certificate task, or the decision document (决定书).
 */
export function decideCase(deps: WorkflowDependencies, command: CaseCommand, input: DecisionInput): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const approver = requireCaseAction('decideCase', subject, command.actor);
    const license = subject.licenseNumber === null ? null : await store.findLicense(tx, subject.licenseNumber);
    const content = decide(subject, input, license, dayOf(at));
    requirePrintableDecision(subject, approver, input.reason, content);
    if (input.decision === 'GRANTED') await requireValidLicenses(tx, subject.id, dayOf(at));
    const details = { note: input.reason, finding: input.decision };
    const step = buildStep(approver, 'DECIDED', at, details);
    const decided = await store.addStep(tx, subject, step);
    await openPushes(tx, decided, input.decision, at, await loadCalendar(tx));
    if (content) await announceGrant(tx, deps, { subject, approver, content, at });
    else {
      const { authorisationKey } = deps;
      await prepareDecision(tx, { subject, step, organ: issuerOf(subject), decider: approver, authorisationKey });
    }
    return decided;
  });
}

/** Delivers a decision document (送达). Refuses DECISION_NOT_SEALED while it waits for its seal. */
export function deliverDecision(deps: WorkflowDependencies, command: CaseCommand, note: string | null): Promise<Case> {
  return act(deps, command, async (tx, subject, at) => {
    const clerk = await requirePreparedAction(tx, 'deliverDecision', { subject, actor: command.actor, at });
    if (note !== null) requireNote(note, 'note');
    return store.addStep(tx, subject, buildStep(clerk, 'DELIVERED', at, { note }));
  });
}

/** Refuses FIELD_MALFORMED where the license or the decision document could not be printed. */
function requirePrintableDecision(
  subject: Case,
  approver: Person,
  reason: string | null,
  content: GrantContent | null,
): void {
  if (reason !== null) requirePrintableText(reason, { field: 'reason', form: 'LINES' });
  if (content === null) return;
  requirePrintableApplication({ applicant: content.holder, fields: content.fields });
  requirePrintableText(content.licenseName, { field: null, label: '证照名称' });
  requirePrintableText(issuerOf(subject).name, { field: null, label: '机关名称' });
  requirePrintableText(approver.name, { field: null, label: '决定人姓名' });
}

async function announceGrant(
  tx: Transaction,
  { authorisationKey }: WorkflowDependencies,
  decision: { subject: Case; approver: Person; content: GrantContent; at: Date },
): Promise<void> {
  const { subject, approver, content, at } = decision;
  const issuer = issuerOf(subject);
  const county = subject.matter.organs.find((organ) => organ.id === subject.delegation.countyOrgan);
  const digest = computeContentDigest(content);
  const authorisation = await writeAuthorisation('cases', authorisationKey, {
    actor: approver.id,
    actorName: approver.name,
    organ: issuer.id,
    matter: content.matterId,
    caseId: subject.id,
    act: content.action,
    contentDigest: digest,
    authorisedAt: at.toISOString(),
  });
  const parties = partiesOf(subject.delegation);
  await store.appendCaseGranted(
    tx,
    {
      caseId: subject.id,
      caseNumber: subject.number,
      content,
      contentDigest: digest,
      authorisation,
      issuer,
      parties: parties.includes(issuer.id) ? parties : [...parties, issuer.id],
      counters: [...new Set([issuer.id, subject.acceptedBy ?? issuer.id])],
      handledBy: county?.divisionCode ?? issuer.divisionCode,
      decidedAt: at.toISOString(),
    },
    at,
  );
}

/** Handles an event of matters or licenses, once. Throws for an event type that cases do not consume. */
export function receive({ db, now }: WorkflowDependencies, producer: string, event: Envelope): Promise<void> {
  return db.transaction((tx) =>
    receiveOnce(tx, store.messages, producer, event, async () => {
      switch (event.type) {
        case 'DelegationChanged':
          await store.putMatterFact(tx, event.payload);
          return sendWaitingPushes(tx, event.payload, now());
        case 'GuideChanged':
          return store.putGuideFact(tx, event.payload);
        case 'LicenseChanged':
          return handleLicenseChange(tx, event.payload);
        case 'CertificateDelivered':
          await addEventStep(tx, event.payload.caseId, 'DELIVERED', new Date(event.payload.deliveredAt));
          return;
        case 'TaskVoided': {
          const { caseId, actor, organ, reason, voidedAt } = event.payload;
          const at = new Date(voidedAt);
          const voidedCase = await addEventStep(tx, caseId, 'VOIDED', at, { actor, organ, note: reason });
          if (voidedCase) await openPushes(tx, voidedCase, 'VOIDED', at, await loadCalendar(tx));
          return;
        }
        case 'OrderAnswered':
          return recordOrderAnswer(tx, event.payload);
        case 'DutyChanged':
          return putDuty(tx, event.payload);
        default:
          throw new Error(`cases take no ${event.type}`);
      }
    }),
  );
}

/**
 * Stores the new state of a license. Certifies the case that caused the act.
 * Ends certified cases whose paper is not delivered if this act ends it. Nobody can deliver such paper any more.
 */
async function handleLicenseChange(tx: Transaction, event: EventPayload<'LicenseChanged'>): Promise<void> {
  const { number, caseId, changedAt } = event;
  const at = new Date(changedAt);
  const [, , , undelivered] = await inOrder(tx, [
    (tx) => store.putLicenseFact(tx, event),
    caseId === null ? null : (tx) => putCaseLicense(tx, caseId, number),
    (tx) => addEventStep(tx, caseId, 'CERTIFIED', at),
    (tx) => (endsSheet(event.act) ? store.listUndelivered(tx, number, caseId) : []),
  ]);
  for (const id of undelivered) await addEventStep(tx, id, 'UNDELIVERED', at);
}

/**
 * Adds a step caused by an event and returns the new state. Returns null if there is no case or if it has this step
 * already.
 */
async function addEventStep(
  tx: Transaction,
  caseId: string | null,
  step: 'CERTIFIED' | 'DELIVERED' | 'UNDELIVERED' | 'VOIDED',
  at: Date,
  details: Partial<Pick<StepRecord, 'actor' | 'organ' | 'note'>> = {},
): Promise<Case | null> {
  if (caseId === null) return null;
  const stored = await store.lockCase(tx, caseId);
  if (!stored) throw new Error(`no case ${caseId}`);
  const hasStep = (stepName: Step) => stored.subject.steps.some((record) => record.step === stepName);
  if (hasStep(step)) return null;
  // The two events arrive on different streams. A delivery that arrives before the certificate implies the certificate.
  if (step === 'DELIVERED' && !hasStep('CERTIFIED')) {
    await addEventStep(tx, caseId, 'CERTIFIED', at);
    return addEventStep(tx, caseId, 'DELIVERED', at);
  }
  return store.addStep(tx, stored.subject, { ...buildSystemStep('licenses', '电子证照系统', step, at), ...details });
}

/** Cases per batch. */
const MAX_BATCH_CASES = 100;

/** Moves running cases to the organs that their matter has today. Returns the number of cases moved. */
export async function moveRunningCases({ db, now }: WorkflowDependencies): Promise<number> {
  const at = now();
  const today = dayOf(at);
  let movedCount = 0;
  for (const matter of await store.listMovableMatters(db)) {
    const period = matter.delegations.find((candidate) => isWithin(today, candidate.validFrom, candidate.validTo));
    if (!period) continue;
    for (let after = 0; ; ) {
      const movableCases = await store.listCasesToMove(db, period, matter.matterId, { after, limit: MAX_BATCH_CASES });
      for (const { id } of movableCases) {
        movedCount += await db.transaction(async (tx) => {
          const stored = requireCase(await store.lockCase(tx, id));
          return (await bringUpToDate(tx, stored.subject, matter, at)) === stored.subject ? 0 : 1;
        });
      }
      after = movableCases.at(-1)?.serial ?? after;
      if (movableCases.length < MAX_BATCH_CASES) break;
    }
  }
  return movedCount;
}

/** Returns the case with the organs that its matter has today. A transfer (划转) adds a MOVED step. */
async function bringUpToDate(tx: Transaction, subject: Case, matter: MatterFact | null, at: Date): Promise<Case> {
  const movedCase = matter && follow(subject, matter, dayOf(at));
  if (!movedCase) return subject;
  const { from, delegation, acceptedBy } = movedCase;
  const { cityOrgan, countyOrgan } = delegation;
  const data = { moved: { from, to: { cityOrgan, countyOrgan } } };
  const record = { ...buildSystemStep('matters', '事项划转', 'MOVED', at), data };
  return store.addStep(tx, subject, record, { matter: movedCase.matter, delegation, acceptedBy });
}

/**
 * Locks a case, brings its organs up to date, and runs one action on it in a transaction.
 * Refuses ROLE_NOT_ALLOWED, and CASE_UNKNOWN if there is no such case or the actor may not see it.
 */
export function act(
  { db, now }: Pick<WorkflowDependencies, 'db' | 'now'>,
  { actor, id, dryRun }: CaseCommand,
  run: (tx: Transaction, subject: Case, at: Date) => Promise<Case>,
): Promise<Case> {
  return transact(db, dryRun, async (tx) => {
    const { subject, parties, window } = requireCase(await store.lockCase(tx, id));
    if (actor.kind !== 'person') throw new Refusal('ROLE_NOT_ALLOWED');
    const at = now();
    const current = await bringUpToDate(tx, subject, await store.findMatter(tx, subject.matter.matterId), at);
    const visibility = {
      applicantCode: subject.applicant.code,
      parties: [...parties, ...partiesOf(current.delegation)],
      window,
    };
    if (!maySee(actor, visibility)) throw new Refusal('CASE_UNKNOWN', 'case');
    return run(tx, current, at);
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
  const { subject } = requireCase(await store.lockCase(tx, id));
  return bringUpToDate(tx, subject, await store.findMatter(tx, subject.matter.matterId), at);
}

function requireCase(stored: store.StoredCase | null): store.StoredCase {
  if (!stored) throw new Refusal('CASE_UNKNOWN', 'case');
  return stored;
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

/** Returns the record of a step that a person takes. */
export function buildStep(
  actor: Person,
  step: Step,
  at: Date,
  details: { note?: string | null; finding?: Finding | null; data?: StepData | null } = {},
) {
  const { note = null, finding = null, data = null } = details;
  return { step, at, actorId: actor.id, actor: actor.name, organ: actor.organ, note, finding, data };
}

function buildSystemStep(actorId: string, actor: string, step: Step, at: Date) {
  return { step, at, actorId, actor, organ: null, note: null, finding: null, data: null };
}
