import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import type { Day } from '../../kernel/day.ts';
import type { Delivery } from '../../kernel/delivery/delivery.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import { type Act, endsSheet, type LicenseState } from '../../kernel/license-acts.ts';
import { printedNumber } from '../../kernel/license-type/license-key.ts';
import type { ReissuedSheet } from '../../kernel/license-type/reissued-sheet.ts';
import { periodOf } from '../../kernel/period/validity.ts';
import { computeRecordDigest } from '../license.ts';
import { summarize } from '../list/finding.ts';
import { moveBlanks } from '../paper/blank-store.ts';
import { closeDuty, dutyIds } from '../paper/duty-store.ts';
import { endSheets, enterSheets } from '../paper/sheet-store.ts';
import type { StoredLicense } from '../store.ts';
import * as tables from '../tables.ts';
import type { TaskRow } from '../task/store.ts';
import { findLastDay, findTermStart } from '../validity/renewal-store.ts';
import { findTakeoverDay, listCurrentVersions } from '../validity/takeover-store.ts';
import type { ActRow } from './act-store.ts';
import { appendLicenseChanged, CONSUMERS, licenseStream, messages, type SealResult } from './event-store.ts';
import type { LicenseRecord } from './record.ts';

const { act, certificateTask, license, licenseEntry, licenseVersion, paperEntry, sheet } = tables;

function nextSeq(ledger: typeof licenseEntry | typeof paperEntry, number: string) {
  return sql`(select coalesce(max(seq), 0) + 1 from ${ledger} where number = ${number})`;
}

/**
 * Writes one entry to each of the two ledgers, by one statement. The document and the paper of a version therefore gain
 * and lose validity together. No other function changes either ledger, but
 * for the first entries of licenses from paper (registration/entry/store.ts).
 */
async function enterValidity(
  tx: Transaction,
  doneAct: ActRow,
  entry: { version: number; identifier: string; stateAfter: LicenseState; contentDigest: string; at: Date },
): Promise<void> {
  const row = { ...entry, number: doneAct.number, act: doneAct.act as Act, actId: doneAct.id };
  const documentEntry = tx.$with('of_document').as(
    tx
      .insert(licenseEntry)
      .values({ ...row, seq: nextSeq(licenseEntry, doneAct.number) })
      .returning({ seq: licenseEntry.seq }),
  );
  await tx
    .with(documentEntry)
    .insert(paperEntry)
    .values({ ...row, seq: nextSeq(paperEntry, doneAct.number) });
}

/** `named`: the sheets that the case of a reissue names, or null. */
async function setVersionState(
  tx: Transaction,
  storedLicense: StoredLicense,
  { state, named = null }: { state: LicenseState; named?: readonly ReissuedSheet[] | null },
  doneAct: ActRow,
  at: Date,
): Promise<void> {
  const { identifier, version, recordDigest } = storedLicense.version;
  const act = doneAct.act as Act;
  await inOrder(tx, [
    (tx) => enterValidity(tx, doneAct, { version, identifier, stateAfter: state, contentDigest: recordDigest, at }),
    endsSheet(act) ? (tx) => endSheets(tx, storedLicense, doneAct, named, at) : null,
    (tx) => tx.update(licenseVersion).set({ state }).where(eq(licenseVersion.identifier, identifier)),
    (tx) =>
      tx
        .update(sheet)
        .set({ validity: state })
        .where(and(eq(sheet.identifier, identifier), ne(sheet.state, 'SPOILED'))),
  ]);
}

/** Enters that a version stays as it is until a day, on which another one takes its place. Its paper stays as well. */
async function setSupersededFrom(
  tx: Transaction,
  { version }: StoredLicense,
  day: Day,
  doneAct: ActRow,
  at: Date,
): Promise<void> {
  const { identifier, version: count, state: stateAfter, record, recordDigest: contentDigest } = version;
  // A running renewal may have held off the last day. It is settled now.
  const columns = { supersededFrom: day, validUntil: periodOf(record).validUntil };
  await inOrder(tx, [
    (tx) => enterValidity(tx, doneAct, { version: count, identifier, stateAfter, contentDigest, at }),
    (tx) => tx.update(licenseVersion).set(columns).where(eq(licenseVersion.identifier, identifier)),
  ]);
}

/** Supersedes versions at once, or enters the day on which the new one takes their place. */
async function replaceVersions(
  tx: Transaction,
  replaced: readonly StoredLicense[],
  takeoverDay: Day | null,
  doneAct: ActRow,
  { content }: Pick<TaskRow, 'content'>,
  at: Date,
): Promise<void> {
  const end = { state: 'SUPERSEDED' as const, named: content.reissuedSheets ?? null };
  if (takeoverDay === null) return setStates(tx, replaced, end, doneAct, at);
  for (const one of replaced) await setSupersededFrom(tx, one, takeoverDay, doneAct, at);
}

async function setStates(
  tx: Transaction,
  versions: readonly StoredLicense[],
  end: { state: LicenseState; named?: readonly ReissuedSheet[] | null },
  doneAct: ActRow,
  at: Date,
): Promise<void> {
  for (const one of versions) await setVersionState(tx, one, end, doneAct, at);
}

/** Result of an act that the register states: the file contains its signature. */
export interface StatementResult {
  documentDigest: string;
  signatureDigest: null;
}

/**
 * Enters a new version: document row, sheets, blanks and both ledgers. In the same transaction the current versions are
 * superseded, or it is entered from which day the new one takes their place.
 */
export async function enterVersion(
  tx: Transaction,
  doneAct: ActRow,
  task: TaskRow,
  storedLicense: StoredLicense | null,
  sealResult: SealResult,
  at: Date,
): Promise<void> {
  const { number, version, identifier, stateAfter } = doneAct;
  const record = doneAct.record as LicenseRecord;
  const contentDigest = computeRecordDigest(record);
  const period = periodOf(record);
  const takeoverDay = findTakeoverDay(doneAct, record, storedLicense, at);
  // A renewal that runs keeps the end off, whichever act makes the version, and whenever that was granted.
  const validUntil = await findLastDay(tx, number, period);
  const termFrom = await findTermStart(tx, number, record);
  const replaced = storedLicense === null ? [] : await listCurrentVersions(tx, storedLicense, at);
  const earlier = takeoverDay === null ? null : storedLicense;
  const head = {
    ...{ headVersion: version, headIdentifier: identifier, headState: stateAfter },
    ...{ headFrom: takeoverDay, earlierIdentifier: earlier?.version.identifier ?? null },
  };
  const shared = {
    parties: task.parties,
    counters: task.counters,
    handledBy: task.handledBy,
    window: task.window ?? storedLicense?.license.window ?? null,
    issuer: task.issuer,
    ...summarize(record),
  };
  await inOrder(tx, [
    // First, because a later statement reads the revision of this event.
    (tx) => appendLicenseChanged(tx, doneAct, { record, termFrom, earlier }, sealResult, at),
    (tx) => replaceVersions(tx, replaced, takeoverDay, doneAct, task, at),
    (tx) => enterValidity(tx, doneAct, { version, identifier, stateAfter, contentDigest, at }),
    (tx) =>
      tx
        .insert(license)
        .values({
          ...{ number, printed: printedNumber(number), divisionCode: task.issuer.divisionCode },
          ...{ matterId: task.content.matterId, ...shared, ...head },
        })
        .onConflictDoUpdate({ target: license.number, set: { ...shared, ...head } }),
    (tx) =>
      tx.insert(licenseVersion).values({
        identifier,
        number,
        version,
        state: stateAfter,
        record,
        recordDigest: contentDigest,
        code: doneAct.code,
        statusIndex: record.KZ_ZTXH ?? null,
        ...{ ...period, validUntil },
        caseId: task.caseId,
        ...sealResult,
        revision: newestRevision(number),
      }),
    (tx) => enterSheets(tx, doneAct, contentDigest, at),
  ]);
}

/** The revision of the last event that this transaction appended about a license. */
function newestRevision(number: string) {
  const { outboxStream } = tables;
  return sql<number>`(select ${outboxStream.head} from ${outboxStream} where ${outboxStream.stream} = ${licenseStream(number)})`;
}

/** Enters an act that changes the state of each current version, of document and paper together. */
export async function enterState(
  tx: Transaction,
  doneAct: ActRow,
  storedLicense: StoredLicense,
  sealResult: SealResult,
  at: Date,
): Promise<void> {
  const { number, stateAfter } = doneAct;
  const { identifier, record } = storedLicense.version;
  const current = await listCurrentVersions(tx, storedLicense, at);
  const earlier = current.find((one) => one.version.identifier !== identifier) ?? null;
  const termFrom = await findTermStart(tx, number, record);
  await inOrder(tx, [
    // First, because a later statement reads the revision of this event.
    (tx) => appendLicenseChanged(tx, doneAct, { record, termFrom, earlier }, sealResult, at),
    (tx) => setStates(tx, current, { state: stateAfter }, doneAct, at),
    (tx) => tx.update(license).set({ headState: stateAfter }).where(eq(license.number, number)),
    (tx) =>
      tx
        .update(licenseVersion)
        .set({ revision: newestRevision(number) })
        .where(eq(licenseVersion.identifier, identifier)),
  ]);
}

/**
 * Enters the end of the current version, of document and paper together, as the register stated it. No organ decided
 * it, so the license's own stream has no event of it.
 */
export async function enterLapsed(
  tx: Transaction,
  doneAct: ActRow,
  storedLicense: StoredLicense,
  at: Date,
): Promise<void> {
  const { number, stateAfter } = doneAct;
  await inOrder(tx, [
    (tx) => setVersionState(tx, storedLicense, { state: stateAfter }, doneAct, at),
    (tx) => tx.update(license).set({ headState: stateAfter }).where(eq(license.number, number)),
  ]);
}

/** Marks the act done and its task with it. */
export async function finishAct(
  tx: Transaction,
  doneAct: ActRow,
  { documentDigest, signatureDigest }: SealResult | StatementResult,
  at: Date,
): Promise<void> {
  const { caseId } = doneAct;
  const columns = {
    state: 'DONE' as const,
    documentDigest,
    signatureDigest,
    rendered: null,
    waitingFor: null,
    doneAt: at,
  };
  await inOrder(tx, [
    (tx) => tx.update(act).set(columns).where(eq(act.id, doneAct.id)),
    caseId === null
      ? null
      : (tx) => tx.update(certificateTask).set({ doneAt: at }).where(eq(certificateTask.caseId, caseId)),
  ]);
}

/** Sheets of one version. */
interface SheetsOfVersion {
  identifier: string;
  blankNumbers: readonly string[];
}

/** Records that sheets of a version were handed over together, and appends one event for cases. */
export async function enterDelivered(
  tx: Transaction,
  {
    identifier,
    blankNumbers,
    number,
    caseId,
    delivery,
  }: SheetsOfVersion & { number: string; caseId: string | null; delivery: Delivery },
  actor: string,
  at: Date,
): Promise<void> {
  await tx
    .update(sheet)
    .set({ state: 'DELIVERED', deliveredAt: at })
    .where(inArray(sheet.blankNumber, [...blankNumbers]));
  await moveBlanks(tx, blankNumbers, 'DELIVERED', { identifier, actId: null, actor, at });
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'CertificateDelivered',
    stream: `certificate:${number}`,
    occurredAt: at,
    payload: { number, identifier, caseId, deliveredAt: at.toISOString(), delivery },
  });
}

/** Records that a sheet came back, and closes the duty to recall it. */
export async function enterRecalled(
  tx: Transaction,
  { identifier, blankNumber }: { identifier: string; blankNumber: string },
  actor: string,
  at: Date,
): Promise<void> {
  await tx.update(sheet).set({ state: 'RECALLED', recalledAt: at }).where(eq(sheet.blankNumber, blankNumber));
  await moveBlanks(tx, [blankNumber], 'RECALLED', { identifier, actId: null, actor, at });
  await closeDuty(tx, dutyIds.recall(blankNumber), at);
}

/** Voids a task (作废) and appends an event for cases. The caller must hold the lock on the task's row. */
export async function voidTask(
  tx: Transaction,
  caseId: string,
  details: { actor: string; organ: string; reason: string; at: Date },
): Promise<void> {
  const { at, ...eventDetails } = details;
  await tx
    .update(certificateTask)
    .set({ voidedAt: at, voidedBy: eventDetails.actor, voidReason: eventDetails.reason })
    .where(eq(certificateTask.caseId, caseId));
  const payload = { caseId, ...eventDetails, voidedAt: at.toISOString() };
  await appendEvent(tx, messages, CONSUMERS, { type: 'TaskVoided', stream: `task:${caseId}`, occurredAt: at, payload });
}
