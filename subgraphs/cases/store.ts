import { eq, inArray, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import type { Day } from '../kernel/day.ts';
import type { MessageTables } from '../kernel/events/outbox-tables.ts';
import { UUID_PATTERN } from '../kernel/identifier.ts';
import { partiesOf } from '../kernel/period/delegation.ts';
import { Refusal } from '../kernel/refusal.ts';
import { caseRestOf, putCaseRest } from './attention/store.ts';
import { holdCalendar } from './calendar/store.ts';
import { type Case, type CaseFile, divisionOf, foldCase, restsAfter, type StepRecord, waitsFor } from './case.ts';
import { notifyPlatform } from './platform/store.ts';
import { announceRenewal } from './renewal/store.ts';
import { putFigure, putLastDays } from './statistics/store.ts';
import * as tables from './tables.ts';

const { caseFile, caseStep } = tables;

export const messages: MessageTables = tables;
type FileRow = typeof caseFile.$inferSelect;

/** A case with the additional columns of its row. */
export interface StoredCase {
  subject: Case;
  serial: number;
  parties: readonly string[];
  window: string | null;
  restsSince: Date;
  lastDay: Day;
}

function toFile(row: FileRow): CaseFile {
  const applicant = { name: row.applicantName, codeKind: row.applicantCodeKind, code: row.applicantCode };
  const { id, number, matter, delegation, coOwnership, fields, licenseNumber, act } = row;
  const { reissuedSheets, agent, contact, acceptedBy, guide } = row;
  const named = { id, number, matter, delegation, applicant, coOwnership, fields, licenseNumber, act };
  return { ...named, reissuedSheets, agent, contact, acceptedBy, guide };
}

/** Folds rows of cases with their steps, in the order of the rows. */
export async function toStoredCases(db: Reader, rows: readonly FileRow[]): Promise<StoredCase[]> {
  if (rows.length === 0) return [];
  return foldRows(
    rows,
    await stepsOf(
      db,
      rows.map((row) => row.id),
    ),
  );
}

function stepsOf(db: Reader, ids: string[]) {
  return db.select().from(caseStep).where(inArray(caseStep.caseId, ids)).orderBy(caseStep.caseId, caseStep.seq);
}

function foldRows(rows: readonly FileRow[], steps: readonly (typeof caseStep.$inferSelect)[]): StoredCase[] {
  const byCase = Map.groupBy(steps, (step) => step.caseId);
  return rows.map((row) => ({
    subject: foldCase(toFile(row), byCase.get(row.id) ?? []),
    serial: row.serial,
    parties: row.parties,
    window: row.window,
    restsSince: row.restsSince,
    lastDay: row.lastDay,
  }));
}

/** Returns cases in the order of `ids`, null for an unknown id. */
export async function findCases(db: Reader, ids: readonly string[]): Promise<(StoredCase | null)[]> {
  const validIds = ids.filter((id) => isUuid(id));
  const rows = validIds.length === 0 ? [] : await db.select().from(caseFile).where(inArray(caseFile.id, validIds));
  const casesById = new Map((await toStoredCases(db, rows)).map((stored) => [stored.subject.id, stored]));
  return ids.map((id) => casesById.get(id) ?? null);
}

function isUuid(text: string): boolean {
  return UUID_PATTERN.test(text);
}

/**
 * Returns a case, or null if there is none. Its row is locked until the transaction ends, so that actions on it run one
 * at a time.
 */
export async function lockCase(tx: Transaction, id: string): Promise<StoredCase | null> {
  if (!isUuid(id)) return null;
  const [rows, steps] = await inOrder(tx, [
    (tx) => tx.select().from(caseFile).where(eq(caseFile.id, id)).for('update'),
    (tx) => stepsOf(tx, [id]),
  ]);
  return foldRows(rows, steps)[0] ?? null;
}

/** Refuses CASE_UNKNOWN if there is no case. */
export function requireCase(stored: StoredCase | null): StoredCase {
  if (!stored) throw new Refusal('CASE_UNKNOWN', 'case');
  return stored;
}

/** Returns the columns that are derived from the current state of a case. */
export function columnsOf(subject: Case) {
  const { matter, delegation, coOwnership, fields, licenseNumber, act, acceptedBy, guide, step, result } = subject;
  const { reissuedSheets, agent, contact } = subject;
  const { organs: waitsOrgans, window: waitsWindow } = waitsFor(subject);
  return {
    matter,
    matterId: matter.matterId,
    delegation,
    coOwnership,
    fields: [...fields],
    licenseNumber,
    act,
    reissuedSheets: reissuedSheets === null ? null : [...reissuedSheets],
    agent,
    contact,
    acceptedBy,
    guide,
    step,
    closed: result !== null,
    waitsOrgans,
    waitsWindow,
    ...(delegation.accepts.window ? { window: divisionOf(matter, delegation.countyOrgan) } : {}),
  };
}

/**
 * Adds a step to a case and returns the new state. The caller must hold the lock of `lockCase`.
 * `file` contains the parts of the case file that the step changes.
 */
export async function addStep(
  tx: Transaction,
  subject: Case,
  record: StepRecord,
  file: Partial<
    Pick<
      CaseFile,
      | 'matter'
      | 'delegation'
      | 'acceptedBy'
      | 'guide'
      | 'act'
      | 'coOwnership'
      | 'fields'
      | 'licenseNumber'
      | 'agent'
      | 'contact'
    >
  > = {},
): Promise<Case> {
  const updated = foldCase({ ...subject, ...file }, [...subject.steps, record]);
  const columns = columnsOf(updated);
  const newParties = partiesOf(updated.delegation);
  const [calendar] = await inOrder(tx, [
    holdCalendar,
    (tx) => notifyPlatform(tx, subject, updated, record),
    (tx) => announceRenewal(tx, subject, updated, record.at),
    (tx) => tx.insert(caseStep).values({ caseId: subject.id, seq: updated.steps.length, ...record }),
    (tx) =>
      tx
        .update(caseFile)
        .set({
          ...columns,
          parties: sql`array(select distinct unnest(${caseFile.parties} || ${sql.param(newParties, caseFile.parties)}) order by 1)`,
          ...(restsAfter(record.step) ? {} : { restsSince: record.at }),
        })
        .where(eq(caseFile.id, subject.id)),
  ]);
  await inOrder(tx, [
    (tx) => putFigure(tx, updated, calendar),
    (tx) => putLastDays(tx, [updated.id]),
    (tx) => putCaseRest(tx, caseRestOf(updated, calendar)),
  ]);
  return updated;
}

/** Writes the derived columns of a case again. Needed for rows that are older than these columns. */
export async function refreshDerivedColumns(tx: Transaction, subject: Case): Promise<void> {
  await tx.update(caseFile).set(columnsOf(subject)).where(eq(caseFile.id, subject.id));
}
