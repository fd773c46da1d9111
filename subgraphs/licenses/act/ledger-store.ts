import { and, eq, inArray, ne, sql } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import { type Act, endsSheet, type LicenseState } from '../../kernel/license-acts.ts';
import { periodOf } from '../../kernel/period/validity.ts';
import { computeRecordDigest } from '../license.ts';
import { summarize } from '../list/finding.ts';
import { moveBlanks } from '../paper/blank-store.ts';
import { closeDuty, dutyIds } from '../paper/duty-store.ts';
import { demandRecall, enterSheets } from '../paper/sheet-store.ts';
import type { StoredLicense } from '../store.ts';
import * as tables from '../tables.ts';
import type { TaskRow } from '../task/store.ts';
import type { ActRow } from './act-store.ts';
import type { LicenseRecord } from './record.ts';

const { act, certificateTask, license, licenseEntry, licenseVersion, paperEntry, sheet } = tables;

export const messages: MessageTables = tables;
/** The relays to the city library: of acts on licenses, and of what the register stated. Neither holds up the other. */
export const LIBRARY_CONSUMERS = { changes: 'library', statements: 'library-statements' } as const;
export const CONSUMERS = {
  cases: ['LicenseChanged', 'RegisterStated', 'CertificateDelivered', 'TaskVoided'],
  [LIBRARY_CONSUMERS.changes]: ['LicenseChanged'],
  [LIBRARY_CONSUMERS.statements]: ['RegisterStated'],
} as const;
export const licenseStream = (number: string) => `license:${number}`;

function nextSeq(ledger: typeof licenseEntry | typeof paperEntry, number: string) {
  return sql`(select coalesce(max(seq), 0) + 1 from ${ledger} where number = ${number})`;
}

/**
 * Writes one entry to each of the two ledgers, by one statement. The document and the paper of a version therefore gain
 * and lose validity together. No other function changes either ledger.
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

async function setVersionState(
  tx: Transaction,
  storedLicense: StoredLicense,
  state: LicenseState,
  doneAct: ActRow,
  at: Date,
): Promise<void> {
  const { identifier, version, recordDigest } = storedLicense.version;
  await inOrder(tx, [
    (tx) => enterValidity(tx, doneAct, { version, identifier, stateAfter: state, contentDigest: recordDigest, at }),
    endsSheet(doneAct.act as Act) ? (tx) => demandRecall(tx, storedLicense, at) : null,
    (tx) => tx.update(licenseVersion).set({ state }).where(eq(licenseVersion.identifier, identifier)),
    (tx) =>
      tx
        .update(sheet)
        .set({ validity: state })
        .where(and(eq(sheet.identifier, identifier), ne(sheet.state, 'SPOILED'))),
  ]);
}

/** Result of sealing an act. */
export interface SealResult {
  documentDigest: string;
  signatureDigest: string;
  sealId: string;
  signedAt: Date;
}

/** Result of an act that the register states: the file contains its signature. */
export interface StatementResult {
  documentDigest: string;
  signatureDigest: null;
}

/**
 * Enters a new version: document row, sheets, blanks and both ledgers.
 * The previous version is superseded in the same transaction.
 */
export async function enterVersion(
  tx: Transaction,
  doneAct: ActRow,
  task: TaskRow,
  storedLicense: StoredLicense | null,
  sealResult: SealResult,
  at: Date,
): Promise<void> {
  const { number, version, identifier } = doneAct;
  const record = doneAct.record as LicenseRecord;
  const contentDigest = computeRecordDigest(record);
  const period = periodOf(record);
  const head = { headVersion: version, headIdentifier: identifier, headState: 'VALID' as const };
  const shared = {
    parties: task.parties,
    counters: task.counters,
    holderCode: task.content.holder.code,
    handledBy: task.handledBy,
    window: task.window ?? storedLicense?.license.window ?? null,
    issuer: task.issuer,
    ...summarize(record),
  };
  await inOrder(tx, [
    // First, because a later statement reads the revision of this event.
    (tx) => appendLicenseChanged(tx, doneAct, record, sealResult, at),
    storedLicense && ((tx) => setVersionState(tx, storedLicense, 'SUPERSEDED', doneAct, at)),
    (tx) => enterValidity(tx, doneAct, { version, identifier, stateAfter: 'VALID', contentDigest, at }),
    (tx) =>
      tx
        .insert(license)
        .values({ number, divisionCode: task.issuer.divisionCode, matterId: task.content.matterId, ...shared, ...head })
        .onConflictDoUpdate({ target: license.number, set: { ...shared, ...head } }),
    (tx) =>
      tx.insert(licenseVersion).values({
        identifier,
        number,
        version,
        state: 'VALID',
        record,
        recordDigest: contentDigest,
        code: doneAct.code,
        statusIndex: record.KZ_ZTXH ?? null,
        ...period,
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

/** Enters an act that changes the state of the current version, of document and paper together. */
export async function enterState(
  tx: Transaction,
  doneAct: ActRow,
  storedLicense: StoredLicense,
  sealResult: SealResult,
  at: Date,
): Promise<void> {
  const { number, stateAfter } = doneAct;
  const { identifier, record } = storedLicense.version;
  await inOrder(tx, [
    // First, because a later statement reads the revision of this event.
    (tx) => appendLicenseChanged(tx, doneAct, record, sealResult, at),
    (tx) => setVersionState(tx, storedLicense, stateAfter, doneAct, at),
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
    (tx) => setVersionState(tx, storedLicense, stateAfter, doneAct, at),
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

/** Appends the event about a done act for cases and the city library, in the transaction that does the act. */
async function appendLicenseChanged(
  tx: Transaction,
  doneAct: ActRow,
  record: LicenseRecord,
  sealResult: SealResult,
  at: Date,
): Promise<void> {
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'LicenseChanged',
    stream: licenseStream(doneAct.number),
    occurredAt: at,
    payload: {
      act: doneAct.act as Act,
      number: doneAct.number,
      identifier: doneAct.identifier,
      version: doneAct.version,
      state: doneAct.stateAfter,
      caseId: doneAct.caseId,
      orderId: doneAct.orderId,
      documentDigest: sealResult.documentDigest,
      signatureDigest: sealResult.signatureDigest,
      changedAt: at.toISOString(),
      license: {
        matterId: record.KZ_SX,
        licenseName: record.ZZMC,
        licenseType: record.ZZLXDM,
        holder: {
          name: record.CZZT,
          code: record.CZZTDM,
          codeKind: record.CZZTDMLX === '001' ? 'USCC' : 'CITIZEN_NUMBER',
        },
        fields: [...record.KZ_NR],
        validFrom: record.ZZYXQQSRQ,
        validUntil: record.ZZYXQJZRQ === '长期' ? null : record.ZZYXQJZRQ,
      },
    },
  });
}

/** Sheets of one version. */
interface SheetsOfVersion {
  identifier: string;
  blankNumbers: readonly string[];
}

/** Records that sheets of a version were handed over together, and appends one event for cases. */
export async function enterDelivered(
  tx: Transaction,
  { identifier, blankNumbers, number, caseId }: SheetsOfVersion & { number: string; caseId: string },
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
    payload: { number, identifier, caseId, deliveredAt: at.toISOString() },
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
