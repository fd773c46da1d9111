import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { awaitOwnEvents } from '../../kernel/events/delivery-waits.ts';
import { computeContentDigest, type EventPayload } from '../../kernel/events/events.ts';
import { awaitEarlierEvents } from '../../kernel/events/outbox-store.ts';
import type { OrderedAct } from '../../kernel/license-acts.ts';
import { runItems } from '../../kernel/loop.ts';
import { readReforms } from '../../kernel/organ/organ-store.ts';
import { actsFor, placeOf, readsOneOf } from '../../kernel/organ/place.ts';
import { competentOrgan } from '../../kernel/organ/reform.ts';
import { delegationOn, type MatterFact } from '../../kernel/period/delegation.ts';
import { requireAllowed, requireLivingOrgan, requireOrgan } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireReason } from '../../kernel/text.ts';
import { loadCalendar } from '../calendar/store.ts';
import type { Calendar } from '../calendar/working-day.ts';
import type { Case } from '../case.ts';
import { currentOn } from '../fact/license.ts';
import { MAX_TEXT_CHARS } from '../reception/application.ts';
import { findCases, messages } from '../store.ts';
import { organFact } from '../tables.ts';
import { SUPERVISION_POLICY } from './policy.ts';
import * as store from './store.ts';
import {
  deadlineOf,
  type FindingInput,
  industryOrganOf,
  type Level,
  levelsOf,
  orderOf,
  type PushedResult,
  requireFinding,
  requireOrderable,
} from './supervision.ts';
import { hasWebhook, shareOrgan } from './webhook/store.ts';

export interface SupervisionDependencies {
  db: Database;
  now: Clock;
  /** Receives what fails in the background. */
  onError?: (error: unknown) => void;
}

const SYSTEM = { actorId: 'cases', actor: '审批系统', organ: null };

/**
 * Pushes a result (双推送) to the supervisors of its case. Must be called in the transaction that makes the result.
 * The county's industry organ always receives it, the city's in the modes in which the city supervises.
 * If no organ is named, the push waits, and is shown as waiting.
 */
export async function openPushes(
  tx: Transaction,
  subject: Case,
  decision: PushedResult,
  at: Date,
  calendar: Calendar,
): Promise<void> {
  const { delegation, matter } = subject;
  const decidedBy = delegation.decides.organ;
  if (decidedBy === null) throw new Error(`case ${subject.number} was decided by nobody`);
  const today = dayOf(at);
  const deadline = deadlineOf(calendar, today);
  const current = (await store.findMatters(tx, [matter.matterId])).get(matter.matterId) ?? null;
  const { shares } = await readReforms(tx, organFact);
  for (const level of levelsOf(delegation.mode)) {
    const id = crypto.randomUUID();
    const base = { id, caseId: subject.id, matterId: matter.matterId, level, decision, decidedBy, decidedAt: at };
    const isNew = await store.insertPush(tx, { ...base, organ: null, ...deadline, state: 'WAITING_FOR_ORGAN' });
    if (!isNew) continue;
    await store.recordPushEvent(tx, id, { event: 'OPENED', at, ...SYSTEM });
    const named = industryOrganOf(delegation, level) ?? (current && currentIndustryOrgan(current, level, today));
    const organ = named && competentOrgan(shares, named, matter.matterId, today);
    const push = organ === null ? null : await store.lockPush(tx, id);
    if (push && organ !== null) await send(tx, push, organ, at);
  }
}

/** Returns the industry organ that a matter names today. If it is no longer delegated, its last period counts. */
function currentIndustryOrgan(matter: MatterFact, level: Level, today: Day): string | null {
  try {
    return industryOrganOf(delegationOn(matter, today), level);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const last = matter.delegations.at(-1);
    return last ? industryOrganOf(last, level) : null;
  }
}

/** Sends a push to its supervisor: into the organ's inbox, and to its system if it has one. */
async function send(tx: Transaction, push: store.PushRow, organ: string, at: Date): Promise<void> {
  await store.recordPushEvent(tx, push.id, { event: 'SENT', at, ...SYSTEM, organ }, { organ, state: 'SENT' });
  await store.addParty(tx, push.caseId, organ);
  const { number, matter, applicantName } = await store.factsOf(tx, push.caseId);
  const payload: EventPayload<'ApprovalPushed'> = {
    pushId: push.id,
    supervisor: organ,
    caseId: push.caseId,
    caseNumber: number,
    matterId: push.matterId,
    matterName: matter.name,
    decision: push.decision,
    applicantName,
    decidedBy: push.decidedBy,
    decidedAt: push.decidedAt.toISOString(),
    dueOn: push.dueOn,
  };
  await shareOrgan(tx, organ);
  await store.appendApprovalPushed(tx, payload, await hasWebhook(tx, organ), at);
}

/** Sends the pushes that waited for the industry organs that a matter names now. */
export async function sendWaitingPushes(tx: Transaction, matter: MatterFact, at: Date): Promise<void> {
  for (const level of ['COUNTY', 'CITY'] as const) {
    const organ = currentIndustryOrgan(matter, level, dayOf(at));
    if (organ === null) continue;
    for (const push of await store.lockWaiting(tx, matter.matterId, level)) await send(tx, push, organ, at);
  }
}

/**
 * Sends or dates pushes that could not be before, because an industry organ is named now, or a calendar is loaded now.
 * A matter whose pushes cannot be sent holds up no other.
 */
export async function retryWaitingPushes({ db, now, onError }: SupervisionDependencies): Promise<void> {
  const matters = await store.findMatters(db, await store.listWaitingMatters(db));
  const sendAll = (matter: MatterFact) => db.transaction((tx) => sendWaitingPushes(tx, matter, now()));
  await runItems(matters.values(), sendAll, { limit: 1, onError });
  await db.transaction(async (tx) => {
    const undated = await store.lockUndated(tx);
    const calendar = undated.length > 0 ? await loadCalendar(tx) : null;
    for (const push of undated) {
      const deadline = calendar && deadlineOf(calendar, dayOf(push.decidedAt));
      if (deadline?.dueOn) await store.setDeadline(tx, push.id, deadline.dueOn);
    }
  });
}

/** Claims a push (领取) for one supervisor of its organ. Refuses PUSH_UNKNOWN, PUSH_CLAIMED. */
export function claimPush(
  { db, now }: SupervisionDependencies,
  actor: Actor,
  request: { push: string; dryRun: boolean },
): Promise<store.PushRow> {
  return transact(db, request.dryRun, async (tx) => {
    const person = requireAllowed(SUPERVISION_POLICY.claimPush, await store.lockPush(tx, request.push), actor);
    return claimFor(tx, request.push, person, now());
  });
}

async function claimFor(tx: Transaction, id: string, person: Person, at: Date): Promise<store.PushRow> {
  const push = await requirePush(tx, id);
  if (push.claimedById !== null) return push;
  const changes = { state: 'CLAIMED' as const, claimedById: person.id, claimedBy: person.name, claimedAt: at };
  await store.recordPushEvent(tx, id, { event: 'CLAIMED', at, ...toEntryActor(person) }, changes);
  return requirePush(tx, id);
}

/**
 * Signs for a push (签收): it has reached its supervisor. This also claims a push that nobody has claimed.
 * Refuses PUSH_UNKNOWN.
 */
export function signPush(
  { db, now }: SupervisionDependencies,
  actor: Actor,
  request: { push: string; dryRun: boolean },
): Promise<store.PushRow> {
  return transact(db, request.dryRun, async (tx) => {
    const at = now();
    const person = requireAllowed(SUPERVISION_POLICY.signPush, await store.lockPush(tx, request.push), actor);
    const lockedPush = await requirePush(tx, request.push);
    const push = lockedPush.claimedById === null ? await claimFor(tx, lockedPush.id, person, at) : lockedPush;
    if (push.state === 'SIGNED') return push;
    const changes = { state: 'SIGNED' as const, signedBy: person.name, signedAt: at, reachedAt: push.reachedAt ?? at };
    await store.recordPushEvent(tx, push.id, { event: 'SIGNED', at, ...toEntryActor(person) }, changes);
    return requirePush(tx, push.id);
  });
}

async function requirePush(tx: Transaction, id: string): Promise<store.PushRow> {
  const push = await store.lockPush(tx, id);
  if (!push) throw new Refusal('PUSH_UNKNOWN', 'push');
  return push;
}

/** Records that a supervisor's system accepted a push, and its receipt. Repeated deliveries record this only once. */
export async function recordDelivery(tx: Transaction, id: string, receipt: string, at: Date): Promise<void> {
  const push = await requirePush(tx, id);
  if (push.organ === null) throw new Error(`push ${id} was sent to nobody`);
  const entries = await store.pushEntriesOf(tx, [id]);
  if (entries.some((entry) => entry.receipt === receipt)) return;
  const system = { actorId: `system:${push.organ}`, actor: '监管系统', organ: push.organ };
  const entry = { event: 'TAKEN_BY_SYSTEM' as const, at, receipt, ...system };
  await store.recordPushEvent(tx, id, entry, { reachedAt: push.reachedAt ?? at });
}

function toEntryActor(person: Person): store.EntryActor {
  return { actorId: person.id, actor: person.name, organ: person.organ };
}

/** A request to record a finding, on a push or on the case itself. */
export interface FindingRequest extends FindingInput {
  push: string | null;
  case: string | null;
  requestKey: string | null;
}

const MAX_REQUEST_KEY_CHARS = 100;

/**
 * Records a supervisor's finding (监管反馈). The actor must be a supervisor of the organ that the case's result was pushed
 * to.
 */
export async function recordFinding(
  { db, now }: SupervisionDependencies,
  actor: Actor,
  request: FindingRequest,
  dryRun: boolean,
): Promise<store.FindingRow> {
  const finding = await transact(db, dryRun, (tx) => {
    const person = requireAllowed(SUPERVISION_POLICY.recordFinding, null, actor);
    return createFinding(tx, { ...toEntryActor(person), organ: requireOrgan(person) }, request, now());
  });
  if (dryRun || finding.licenseNumber === null) return finding;
  // Licenses may have answered the order at once.
  await awaitEarlierEvents(db, messages, store.orderStream(finding.licenseNumber));
  await awaitOwnEvents();
  return db.transaction((tx) => requireStored(tx, finding.id));
}

/**
 * Records a finding of an organ, from a person or a system.
 * If the finding demands an act, an order goes to the organ that issued the license.
 * The same request key again returns the same finding.
 * Refuses CASE_UNKNOWN, NOT_THE_SUPERVISOR, CASE_NOT_DECIDED, REQUEST_KEY_REUSED, FINDING_NEEDS_LICENSE,
 * LICENSE_ACT_NOT_ALLOWED, and what `requireFinding` refuses.
 */
export async function createFinding(
  tx: Transaction,
  sender: store.EntryActor & { organ: string },
  request: FindingRequest,
  at: Date,
): Promise<store.FindingRow> {
  const { requestKey, ...findingContent } = request;
  const isKeyFit = requestKey === null || /^[\x21-\x7e]{1,100}$/.test(requestKey);
  const requestDigest = computeContentDigest({ ...findingContent, papers: [...findingContent.papers] });
  const isKeyUsable = requestKey !== null && isKeyFit;
  const earlierFinding = isKeyUsable ? await store.findRequest(tx, sender.organ, requestKey) : null;
  if (earlierFinding) return requireSameRequest(earlierFinding, requestDigest);

  // A system of a former organ (机构改革) has no token that would say so.
  const { inherits, ended } = placeOf(await readReforms(tx, organFact), sender.organ, dayOf(at));
  requireLivingOrgan({ ended: ended ?? undefined });
  const place = { organ: sender.organ, inherits };
  const { subject, pushId, decidedBy } = await requireSupervised(tx, place, request);
  checkAll(
    () => {
      if (!isKeyFit) throw new Refusal('FIELD_MALFORMED', 'requestKey', `最多 ${MAX_REQUEST_KEY_CHARS} 字`);
    },
    () => requireFinding(request, dayOf(at)),
  );
  const license = await store.licenseOf(tx, subject.id);
  const hasOwnSuspension = license !== null && (await store.hasSuspension(tx, sender.organ, license));
  const state = license && currentOn(license, dayOf(at)).state;
  requireOrderable(request.kind, state, hasOwnSuspension);
  const act = orderOf(request.kind);
  const { kind, text, papers, dueOn } = request;
  const row = {
    id: crypto.randomUUID(),
    caseId: subject.id,
    pushId,
    kind,
    text,
    papers: [...papers],
    dueOn,
    organ: sender.organ,
    decidedBy,
    licenseNumber: act === null ? null : (license?.number ?? null),
    state: act === null ? ('OPEN' as const) : ('ORDERED' as const),
    recordedBy: sender.actor,
    recordedAt: at,
    requestKey,
    requestDigest,
  };
  const newFinding = await store.insertFinding(tx, row, sender);
  if (!newFinding) {
    const concurrentFinding = await store.findRequest(tx, sender.organ, requestKey ?? '');
    if (!concurrentFinding) throw new Error('a finding was neither made nor there');
    return requireSameRequest(concurrentFinding, requestDigest);
  }
  if (act !== null && license !== null) await orderAct(tx, subject, newFinding, { act, number: license.number }, at);
  return newFinding;
}

function requireSameRequest(earlierFinding: store.FindingRow, digest: string): store.FindingRow {
  if (earlierFinding.requestDigest !== digest) throw new Refusal('REQUEST_KEY_REUSED', 'requestKey');
  return earlierFinding;
}

/** Returns the decided case that an organ supervises, found by its push or by its own id. */
async function requireSupervised(
  tx: Transaction,
  sender: Pick<Person, 'organ' | 'inherits'>,
  request: { push: string | null; case: string | null },
) {
  const namedPush = request.push === null ? null : await store.lockPush(tx, request.push);
  if (request.push !== null && !actsFor(sender, namedPush?.organ ?? null, null))
    throw new Refusal('PUSH_UNKNOWN', 'push');
  const caseId = namedPush?.caseId ?? request.case ?? '';
  if (namedPush && request.case !== null && request.case !== caseId) throw new Refusal('CASE_UNKNOWN', 'case');
  const [stored] = await findCases(tx, [caseId]);
  if (!stored) throw new Refusal('CASE_UNKNOWN', 'case');
  const { subject, parties } = stored;
  if (!readsOneOf(sender, parties)) throw new Refusal('CASE_UNKNOWN', 'case');
  if (!subject.steps.some((record) => record.step === 'DECIDED')) throw new Refusal('CASE_NOT_DECIDED', 'case');
  const push = namedPush ?? (await store.pushesOf(tx, subject.id)).find((one) => actsFor(sender, one.organ, null));
  if (!push) throw new Refusal('NOT_THE_SUPERVISOR', 'case');
  return { subject, pushId: push.id, decidedBy: push.decidedBy };
}

async function orderAct(
  tx: Transaction,
  subject: Case,
  finding: store.FindingRow,
  orderedAct: { act: OrderedAct; number: string },
  at: Date,
): Promise<void> {
  const current = (await store.findMatters(tx, [subject.matter.matterId])).values();
  const organs = [...current, subject.matter].flatMap((matter) => matter.organs);
  const supervisor = organs.find((organ) => organ.id === finding.organ);
  if (!supervisor) throw new Error(`no facts of organ ${finding.organ}`);
  const payload = { orderId: finding.id, ...orderedAct, reason: finding.text, supervisor, orderedAt: at.toISOString() };
  await store.appendSupervisionOrdered(tx, payload, at);
}

/**
 * Signs for a finding (签收): an approver or reviewer of the organ that decided. Repeating it changes nothing.
 * Refuses FINDING_UNKNOWN, FINDING_ENDED.
 */
export function acknowledgeFinding(
  { db, now }: SupervisionDependencies,
  actor: Actor,
  request: { finding: string; dryRun: boolean },
): Promise<store.FindingRow> {
  return transact(db, request.dryRun, async (tx) => {
    const stored = await store.lockFinding(tx, request.finding);
    const person = requireAllowed(SUPERVISION_POLICY.acknowledgeFinding, stored, actor);
    const finding = requireFound(stored);
    if (finding.acknowledgedAt !== null) return finding;
    const at = now();
    const state = finding.state === 'OPEN' ? ('ACKNOWLEDGED' as const) : finding.state;
    const entry = { event: 'ACKNOWLEDGED' as const, note: null, at, ...toEntryActor(person) };
    await store.recordFindingEvent(tx, finding.id, entry, { state, acknowledgedBy: person.name, acknowledgedAt: at });
    return requireStored(tx, finding.id);
  });
}

/** Closes a notice or a rectification (销号), with a note on how it ended. Only the supervisor's organ may do this. */
export function closeFinding(
  { db, now }: SupervisionDependencies,
  actor: Actor,
  request: { finding: string; note: string; dryRun: boolean },
): Promise<store.FindingRow> {
  return transact(db, request.dryRun, async (tx) => {
    const stored = await store.lockFinding(tx, request.finding);
    const person = requireAllowed(SUPERVISION_POLICY.closeFinding, stored, actor);
    const finding = requireFound(stored);
    requireReason(request.note, MAX_TEXT_CHARS, 'note');
    const at = now();
    const entry = { event: 'CLOSED' as const, note: request.note, at, ...toEntryActor(person) };
    await store.recordFindingEvent(tx, finding.id, entry, { state: 'CLOSED', answer: request.note, endedAt: at });
    return requireStored(tx, finding.id);
  });
}

async function requireStored(tx: Transaction, id: string): Promise<store.FindingRow> {
  return requireFound(await store.lockFinding(tx, id));
}

function requireFound(finding: store.FindingRow | null): store.FindingRow {
  if (!finding) throw new Refusal('FINDING_UNKNOWN', 'finding');
  return finding;
}

/** Records the issuing organ's answer to an order: carried out, declined, overtaken. */
export async function recordOrderAnswer(tx: Transaction, orderAnswer: EventPayload<'OrderAnswered'>): Promise<void> {
  const finding = await requireStored(tx, orderAnswer.orderId);
  if (finding.endedAt !== null) return;
  const at = new Date(orderAnswer.answeredAt);
  const { answer: event, reason: note, actor } = orderAnswer;
  const entry = { event, note, at, actorId: 'licenses', actor, organ: null };
  await store.recordFindingEvent(tx, finding.id, entry, { state: event, answer: note, endedAt: at });
}
