import { and, asc, eq, inArray, isNotNull, or, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { hasRole, type Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope, isReadBy } from '../../kernel/organ/place-store.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import type { LicenseFact } from '../case.ts';
import * as tables from '../tables.ts';
import type { FindingEvent, FindingState, Level, PushEvent, PushState } from './supervision.ts';

const { caseFile, caseLicense, duty, finding, findingEntry, licenseFact, matterFact, push, pushEntry } = tables;
const messages: MessageTables = tables;

/** Orders go to licenses. Approval results go to supervisors' systems instead, if there are any. */
const ORDER_CONSUMERS = { licenses: ['SupervisionOrdered'] } as const;

export type PushRow = typeof push.$inferSelect;
export type PushEntryRow = typeof pushEntry.$inferSelect;
export type FindingRow = typeof finding.$inferSelect;
export type FindingEntryRow = typeof findingEntry.$inferSelect;

export interface EntryActor {
  actorId: string;
  actor: string;
  organ: string | null;
}

function nextSeq(ledger: typeof pushEntry | typeof findingEntry, column: SQL) {
  return sql`(select coalesce(max(seq), 0) + 1 from ${ledger} where ${column})`;
}

/** Opens a push and returns whether it was new. A second one of the same result and level changes nothing. */
export async function insertPush(tx: Transaction, row: typeof push.$inferInsert): Promise<boolean> {
  const rows = await tx.insert(push).values(row).onConflictDoNothing().returning({ id: push.id });
  return rows.length > 0;
}

/** Writes an event of a push and its resulting state. The caller must hold its row. */
export async function recordPushEvent(
  tx: Transaction,
  id: string,
  entry: { event: PushEvent; at: Date; receipt?: string } & EntryActor,
  changes: Partial<typeof push.$inferInsert> = {},
): Promise<void> {
  if (Object.keys(changes).length > 0) await tx.update(push).set(changes).where(eq(push.id, id));
  await tx.insert(pushEntry).values({ pushId: id, seq: nextSeq(pushEntry, sql`push_id = ${id}`), ...entry });
}

export async function lockPush(tx: Transaction, id: string): Promise<PushRow | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await tx.select().from(push).where(eq(push.id, id)).for('update');
  return row ?? null;
}

export interface PushFilter {
  scope: ReadScope;
  state: PushState | null;
  overdue: boolean | null;
}

const overdueOn = (today: Day) => sql`(${push.reachedAt} is null and ${push.dueOn} < ${today})`;

/** The order of `approvalPushes`. */
export const PUSH_ORDER = bySerial('approvalPushes', push.serial, 'ASC');

/** Returns a page of the pushes to the organs of a scope, oldest first. */
export function listPushes(db: Reader, filter: PushFilter, today: Day, page: KeysetRequest): Promise<Page<PushRow>> {
  const { scope, state, overdue } = filter;
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(push)
      .where(
        and(
          isInScope(push.organ, scope),
          state === null ? undefined : eq(push.state, state),
          overdue === null ? undefined : sql`coalesce(${overdueOn(today)}, false) = ${overdue}`,
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Every push of a case, oldest first. */
export function pushesOf(db: Reader, caseId: string): Promise<PushRow[]> {
  return db.select().from(push).where(eq(push.caseId, caseId)).orderBy(asc(push.serial));
}

/**
 * Returns those cases of `ids` to whose organs a person belongs, or all for an auditor.
 * Pushes and findings are for the offices only.
 */
export async function listVisibleCaseIds(db: Reader, actor: Person, ids: readonly string[]): Promise<string[]> {
  const parties = isReadBy(caseFile.parties, actor) ?? sql`false`;
  const rows = await db
    .select({ id: caseFile.id })
    .from(caseFile)
    .where(and(inArray(caseFile.id, [...ids]), hasRole(actor, 'AUDITOR') ? undefined : parties));
  return rows.map((row) => row.id);
}

/** Pushes of cases, oldest first. */
export function pushesOfCases(db: Reader, caseIds: readonly string[]): Promise<PushRow[]> {
  return db
    .select()
    .from(push)
    .where(inArray(push.caseId, [...caseIds]))
    .orderBy(asc(push.serial));
}

export async function findPushes(db: Reader, ids: readonly string[]): Promise<(PushRow | null)[]> {
  const rows = await db
    .select()
    .from(push)
    .where(inArray(push.id, [...ids]));
  const pushesById = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => pushesById.get(id) ?? null);
}

export function pushEntriesOf(db: Reader, ids: readonly string[]): Promise<PushEntryRow[]> {
  return db
    .select()
    .from(pushEntry)
    .where(inArray(pushEntry.pushId, [...ids]))
    .orderBy(asc(pushEntry.pushId), asc(pushEntry.seq));
}

/** Most pushes that one poll handles. The next poll continues. */
const MAX_PUSHES_PER_POLL = 200;

/** Pushes of a matter and level that wait for an organ to be named, oldest first, locked. */
export function lockWaiting(tx: Transaction, matterId: string, level: Level): Promise<PushRow[]> {
  return tx
    .select()
    .from(push)
    .where(and(eq(push.state, 'WAITING_FOR_ORGAN'), eq(push.matterId, matterId), eq(push.level, level)))
    .orderBy(asc(push.serial))
    .limit(MAX_PUSHES_PER_POLL)
    .for('update');
}

/** Matters with pushes that wait for an organ to be named. */
export async function listWaitingMatters(db: Reader): Promise<string[]> {
  const rows = await db
    .selectDistinct({ matterId: push.matterId })
    .from(push)
    .where(eq(push.state, 'WAITING_FOR_ORGAN'));
  return rows.map((row) => row.matterId);
}

/** Pushes whose last day could not be calculated because a calendar was missing, locked. */
export function lockUndated(tx: Transaction): Promise<PushRow[]> {
  return tx
    .select()
    .from(push)
    .where(isNotNull(push.missingYear))
    .orderBy(asc(push.serial))
    .limit(MAX_PUSHES_PER_POLL)
    .for('update');
}

export async function setDeadline(tx: Transaction, id: string, dueOn: Day): Promise<void> {
  await tx.update(push).set({ dueOn, missingYear: null }).where(eq(push.id, id));
}

export async function findMatters(db: Reader, ids: readonly string[]): Promise<Map<string, MatterFact>> {
  const rows = await db
    .select()
    .from(matterFact)
    .where(inArray(matterFact.matterId, [...ids]));
  return new Map(rows.map((row) => [row.matterId, row.fact]));
}

/** Returns the facts of a case that a push contains. */
export async function factsOf(db: Reader, caseId: string) {
  const [row] = await db
    .select({ number: caseFile.number, matter: caseFile.matter, applicantName: caseFile.applicantName })
    .from(caseFile)
    .where(eq(caseFile.id, caseId));
  if (!row) throw new Error(`no case ${caseId}`);
  return row;
}

/** Lets an organ see a case that it supervises. */
export async function addParty(tx: Transaction, caseId: string, organ: string): Promise<void> {
  await tx
    .update(caseFile)
    .set({ parties: sql`array_append(${caseFile.parties}, ${organ}::text)` })
    .where(and(eq(caseFile.id, caseId), sql`not (${caseFile.parties} @> array[${organ}]::text[])`));
}

/**
 * Appends ApprovalPushed. `hasSystem` says whether the organ has a system to deliver it to.
 * The event is stored in both cases.
 */
export async function appendApprovalPushed(
  tx: Transaction,
  payload: EventPayload<'ApprovalPushed'>,
  hasSystem: boolean,
  at: Date,
): Promise<void> {
  const event = { type: 'ApprovalPushed' as const, stream: pushStream(payload.pushId), occurredAt: at, payload };
  await appendEvent(tx, messages, hasSystem ? { webhook: ['ApprovalPushed'] } : {}, event);
}

const pushStream = (id: string) => `push:${id}`;
/** One stream per license: a lifting must not arrive before the suspension that it lifts. */
export const orderStream = (licenseNumber: string) => `order:${licenseNumber}`;

/** Records a finding. Returns null if its organ has used the request key before. */
export async function insertFinding(
  tx: Transaction,
  row: typeof finding.$inferInsert,
  recorder: EntryActor,
): Promise<FindingRow | null> {
  const [newFinding] = await tx
    .insert(finding)
    .values(row)
    .onConflictDoNothing({ target: [finding.organ, finding.requestKey] })
    .returning();
  if (!newFinding) return null;
  await recordFindingEvent(tx, newFinding.id, {
    event: 'RECORDED',
    note: newFinding.text,
    at: newFinding.recordedAt,
    ...recorder,
  });
  return newFinding;
}

/** Writes an event of a finding and its resulting state. The caller must hold its row. */
export async function recordFindingEvent(
  tx: Transaction,
  id: string,
  entry: { event: FindingEvent; note: string | null; at: Date } & EntryActor,
  changes: Partial<typeof finding.$inferInsert> = {},
): Promise<void> {
  if (Object.keys(changes).length > 0) await tx.update(finding).set(changes).where(eq(finding.id, id));
  await tx
    .insert(findingEntry)
    .values({ findingId: id, seq: nextSeq(findingEntry, sql`finding_id = ${id}`), ...entry });
}

export async function lockFinding(tx: Transaction, id: string): Promise<FindingRow | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await tx.select().from(finding).where(eq(finding.id, id)).for('update');
  return row ?? null;
}

export async function findFinding(db: Reader, id: string): Promise<FindingRow | null> {
  if (!UUID_PATTERN.test(id)) return null;
  const [row] = await db.select().from(finding).where(eq(finding.id, id));
  return row ?? null;
}

export async function findRequest(db: Reader, organ: string, requestKey: string): Promise<FindingRow | null> {
  const [row] = await db
    .select()
    .from(finding)
    .where(and(eq(finding.organ, organ), eq(finding.requestKey, requestKey)));
  return row ?? null;
}

/** Findings on cases, oldest first. */
export function findingsOfCases(db: Reader, caseIds: readonly string[]): Promise<FindingRow[]> {
  return db
    .select()
    .from(finding)
    .where(inArray(finding.caseId, [...caseIds]))
    .orderBy(asc(finding.serial));
}

export function findingEntriesOf(db: Reader, ids: readonly string[]): Promise<FindingEntryRow[]> {
  return db
    .select()
    .from(findingEntry)
    .where(inArray(findingEntry.findingId, [...ids]))
    .orderBy(asc(findingEntry.findingId), asc(findingEntry.seq));
}

/** The order of `supervisionFindings`. */
export const FINDING_ORDER = bySerial('supervisionFindings', finding.serial, 'DESC');

/**
 * Returns a page of the findings of the supervision by organs of a scope or on their decisions, newest first.
 */
export function listFindings(
  db: Reader,
  scope: ReadScope,
  state: FindingState | null,
  page: KeysetRequest,
): Promise<Page<FindingRow>> {
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(finding)
      .where(
        and(
          scope === null ? undefined : or(isInScope(finding.organ, scope), isInScope(finding.decidedBy, scope)),
          state === null ? undefined : eq(finding.state, state),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/**
 * Whether the organ ordered a suspension that is still open on a license, or that caused the license's current state.
 */
export async function hasSuspension(
  db: Reader,
  organ: string,
  { number, orderId }: Pick<LicenseFact, 'number' | 'orderId'>,
): Promise<boolean> {
  const rows = await db
    .select({ id: finding.id })
    .from(finding)
    .where(
      and(
        eq(finding.organ, organ),
        eq(finding.licenseNumber, number),
        eq(finding.kind, 'SUSPENSION'),
        or(eq(finding.state, 'ORDERED'), orderId === null ? undefined : eq(finding.id, orderId)),
      ),
    )
    .limit(1);
  return rows.length > 0;
}

export async function appendSupervisionOrdered(
  tx: Transaction,
  payload: EventPayload<'SupervisionOrdered'>,
  at: Date,
): Promise<void> {
  const stream = orderStream(payload.number);
  await appendEvent(tx, messages, ORDER_CONSUMERS, { type: 'SupervisionOrdered', stream, occurredAt: at, payload });
}

/** Stores which license a case issued or acted on. */
export async function putCaseLicense(tx: Transaction, caseId: string, number: string): Promise<void> {
  await tx.insert(caseLicense).values({ caseId, number }).onConflictDoNothing();
}

/** Returns the license that a case issued or acted on, as cases know it now, or null. */
export async function licenseOf(db: Reader, caseId: string): Promise<LicenseFact | null> {
  const [row] = await db
    .select({ fact: licenseFact.fact })
    .from(caseLicense)
    .innerJoin(licenseFact, eq(licenseFact.number, caseLicense.number))
    .where(eq(caseLicense.caseId, caseId));
  return row?.fact ?? null;
}

/** Stores the newest DutyChanged of a duty, in place of the previous one. */
export async function putDuty(tx: Transaction, event: EventPayload<'DutyChanged'>): Promise<void> {
  const openedAt = new Date(event.openedAt);
  const closedAt = event.closedAt === null ? null : new Date(event.closedAt);
  const row = { ...event, openedAt, closedAt };
  await tx.insert(duty).values(row).onConflictDoUpdate({ target: duty.dutyId, set: row });
}
