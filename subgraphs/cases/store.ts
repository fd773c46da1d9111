import { and, arrayContains, desc, eq, gt, inArray, isNotNull, isNull, lt, ne, or, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import { hasRole, type Person } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import type { EventPayload, Mode } from '../kernel/events/events.ts';
import { appendEvent } from '../kernel/events/outbox-store.ts';
import type { MessageTables } from '../kernel/events/outbox-tables.ts';
import { cutPage, type Page, type PageRequest } from '../kernel/http/page.ts';
import { UUID_PATTERN } from '../kernel/identifier.ts';
import { caseRestOf, putCaseRest } from './attention/store.ts';
import { holdCalendar } from './calendar/store.ts';
import {
  type Case,
  type CaseFile,
  divisionOf,
  foldCase,
  type LicenseFact,
  type MatterFact,
  type Position,
  partiesOf,
  type StepRecord,
  waitsFor,
} from './case.ts';
import type { PublishedGuides } from './guide.ts';
import { notifyPlatform } from './platform/store.ts';
import { putFigure } from './statistics/store.ts';
import * as tables from './tables.ts';

const { caseFile, caseLicense, caseNumber, caseStep, guideFact, licenseFact, matterFact } = tables;

export const messages: MessageTables = tables;
/** Consumers of CaseGranted: licenses. */
const CONSUMERS = { licenses: ['CaseGranted'] } as const;

export interface CaseFilter {
  /** Any of these positions. Null means all. */
  steps: readonly Position[] | null;
  matter: string | null;
  closed: boolean | null;
}

type FileRow = typeof caseFile.$inferSelect;

/** A case with the additional columns of its row. */
export interface StoredCase {
  subject: Case;
  serial: number;
  parties: readonly string[];
  window: string | null;
  restsSince: Date;
}

function toFile(row: FileRow): CaseFile {
  const applicant = { name: row.applicantName, codeKind: row.applicantCodeKind, code: row.applicantCode };
  const { id, number, matter, delegation, fields, licenseNumber, acceptedBy, guide } = row;
  return { id, number, matter, delegation, applicant, fields, licenseNumber, acceptedBy, guide };
}

async function toStoredCases(db: Reader, rows: readonly FileRow[]): Promise<StoredCase[]> {
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
  }));
}

/** Returns the condition for the cases that a person may see. It is the same rule as `maySee`, for lists. */
function visibleTo(actor: Person): SQL | undefined {
  if (hasRole(actor, 'AUDITOR')) return undefined;
  return or(
    actor.holderCode === null ? undefined : eq(caseFile.applicantCode, actor.holderCode),
    actor.organ === null ? undefined : arrayContains(caseFile.parties, [actor.organ]),
    actor.window === null ? undefined : eq(caseFile.window, actor.window),
    sql`false`,
  );
}

/** Returns a page of the cases that a person may see, newest first. */
export async function listCases(
  db: Reader,
  actor: Person,
  filter: CaseFilter,
  page: PageRequest<number>,
): Promise<Page<StoredCase>> {
  const rows = await db
    .select()
    .from(caseFile)
    .where(
      and(
        visibleTo(actor),
        filter.steps === null ? undefined : inArray(caseFile.step, [...filter.steps]),
        filter.matter === null ? undefined : eq(caseFile.matterId, filter.matter),
        filter.closed === null ? undefined : eq(caseFile.closed, filter.closed),
        page.after === null ? undefined : lt(caseFile.serial, page.after),
      ),
    )
    .orderBy(desc(caseFile.serial))
    .limit(page.first + 1);
  const cut = cutPage(rows, page.first);
  return { rows: await toStoredCases(db, cut.rows), hasNextPage: cut.hasNextPage };
}

/** Returns a page of the cases that wait for a person's organ or window, longest waiting first. */
export async function listQueue(
  db: Reader,
  actor: Person,
  steps: readonly Position[] | null,
  page: PageRequest<{ since: Date; serial: number }>,
): Promise<Page<StoredCase>> {
  const { organ, window } = actor;
  const rows = await db
    .select()
    .from(caseFile)
    .where(
      and(
        or(
          organ === null ? undefined : arrayContains(caseFile.waitsOrgans, [organ]),
          window === null ? undefined : eq(caseFile.waitsWindow, window),
          sql`false`,
        ),
        steps === null ? undefined : inArray(caseFile.step, [...steps]),
        page.after === null
          ? undefined
          : sql`(${caseFile.restsSince}, ${caseFile.serial}) > (${page.after.since.toISOString()}::timestamptz, ${page.after.serial})`,
      ),
    )
    .orderBy(caseFile.restsSince, caseFile.serial)
    .limit(page.first + 1);
  const cut = cutPage(rows, page.first);
  return { rows: await toStoredCases(db, cut.rows), hasNextPage: cut.hasNextPage };
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

export async function findMatter(db: Reader, id: string): Promise<MatterFact | null> {
  const [row] = await db.select().from(matterFact).where(eq(matterFact.matterId, id));
  return row?.fact ?? null;
}

export async function findLicense(db: Reader, number: string): Promise<LicenseFact | null> {
  const [row] = await db.select().from(licenseFact).where(eq(licenseFact.number, number));
  return row?.fact ?? null;
}

/** Takes the next case number of a division and day: division, date, and five digits. */
export async function takeCaseNumber(tx: Transaction, divisionCode: string, day: Day): Promise<string> {
  const [counter] = await tx
    .insert(caseNumber)
    .values({ divisionCode, day, newest: 1 })
    .onConflictDoUpdate({
      target: [caseNumber.divisionCode, caseNumber.day],
      set: { newest: sql`${caseNumber.newest} + 1` },
    })
    .returning({ newest: caseNumber.newest });
  if (!counter) throw new Error('no case number taken');
  return `${divisionCode}${day.replaceAll('-', '')}${String(counter.newest).padStart(5, '0')}`;
}

export interface NewCase {
  file: CaseFile;
  divisionCode: string;
  request: { by: string; key: string | null; digest: string };
}

/** Writes a received case with its first step. Returns null if the same person has used the request key before. */
export async function insertCase(tx: Transaction, newCase: NewCase, first: StepRecord): Promise<StoredCase | null> {
  const { file, divisionCode, request } = newCase;
  const subject = foldCase(file, [first]);
  const rows = await tx
    .insert(caseFile)
    .values({
      ...columnsOf(subject),
      id: file.id,
      number: file.number,
      applicantName: file.applicant.name,
      applicantCodeKind: file.applicant.codeKind,
      applicantCode: file.applicant.code,
      divisionCode,
      parties: partiesOf(file.delegation),
      window: file.delegation.accepts.window ? divisionCode : null,
      restsSince: first.at,
      requestedBy: request.by,
      requestKey: request.key,
      requestDigest: request.digest,
    })
    .onConflictDoNothing({ target: [caseFile.requestedBy, caseFile.requestKey] })
    .returning();
  if (rows.length === 0) return null;
  const [calendar] = await inOrder(tx, [
    holdCalendar,
    (tx) => tx.insert(caseStep).values({ caseId: file.id, seq: 1, ...first }),
  ]);
  const rest = caseRestOf(subject, calendar);
  await inOrder(tx, [(tx) => putFigure(tx, subject, calendar), (tx) => putCaseRest(tx, rest)]);
  return (await toStoredCases(tx, rows))[0] ?? null;
}

/** Returns the columns that are derived from the current state of a case. */
function columnsOf(subject: Case) {
  const { matter, delegation, fields, licenseNumber, acceptedBy, guide, step, result } = subject;
  const { organs: waitsOrgans, window: waitsWindow } = waitsFor(subject);
  return {
    matter,
    matterId: matter.matterId,
    delegation,
    fields: [...fields],
    licenseNumber,
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
 * Returns the case that a person's request with this key made, and the digest of that request. Null if there is none.
 */
export async function findRequest(
  db: Reader,
  personId: string,
  key: string,
): Promise<{ stored: StoredCase; digest: string } | null> {
  const rows = await db
    .select()
    .from(caseFile)
    .where(and(eq(caseFile.requestedBy, personId), eq(caseFile.requestKey, key)));
  const [stored] = await toStoredCases(db, rows);
  return stored && rows[0] ? { stored, digest: rows[0].requestDigest } : null;
}

/**
 * Adds a step to a case and returns the new state. The caller must hold the lock of `lockCase`.
 * `file` contains the parts of the case file that the step changes.
 */
export async function addStep(
  tx: Transaction,
  subject: Case,
  record: StepRecord,
  file: Partial<Pick<CaseFile, 'matter' | 'delegation' | 'acceptedBy' | 'guide' | 'fields' | 'licenseNumber'>> = {},
): Promise<Case> {
  const updated = foldCase({ ...subject, ...file }, [...subject.steps, record]);
  const columns = columnsOf(updated);
  const newParties = partiesOf(updated.delegation);
  const [calendar] = await inOrder(tx, [
    holdCalendar,
    (tx) => notifyPlatform(tx, subject, updated, record),
    (tx) => tx.insert(caseStep).values({ caseId: subject.id, seq: updated.steps.length, ...record }),
    (tx) =>
      tx
        .update(caseFile)
        .set({
          ...columns,
          parties: sql`array(select distinct unnest(${caseFile.parties} || ${sql.param(newParties, caseFile.parties)}) order by 1)`,
          ...(record.step === 'PAUSED' || record.step === 'RESUMED' ? {} : { restsSince: record.at }),
        })
        .where(eq(caseFile.id, subject.id)),
  ]);
  const rest = caseRestOf(updated, calendar);
  await inOrder(tx, [(tx) => putFigure(tx, updated, calendar), (tx) => putCaseRest(tx, rest)]);
  return updated;
}

/**
 * Returns undecided cases that may have to follow `period` of their matter.
 * These are cases with other organs, and cases not accepted yet with another mode.
 */
export async function listCasesToMove(
  db: Reader,
  period: { mode: Mode; cityOrgan: string; countyOrgan: string },
  matterId: string,
  { after, limit }: { after: number; limit: number },
): Promise<{ id: string; serial: number }[]> {
  const { delegation } = caseFile;
  return db
    .select({ id: caseFile.id, serial: caseFile.serial })
    .from(caseFile)
    .where(
      and(
        eq(caseFile.matterId, matterId),
        gt(caseFile.serial, after),
        inArray(caseFile.step, ['RECEIVED', 'SUPPLEMENT_ASKED', 'ACCEPTED', 'EXAMINED', 'FORWARDED']),
        or(
          sql`(${delegation}->>'cityOrgan', ${delegation}->>'countyOrgan') <> (${period.cityOrgan}, ${period.countyOrgan})`,
          and(isNull(caseFile.acceptedBy), sql`${delegation}->>'mode' <> ${period.mode}`),
        ),
      ),
    )
    .orderBy(caseFile.serial)
    .limit(limit);
}

/** Returns the ids of certified but undelivered cases that acted on a license, without the case `except`. */
export async function listUndelivered(db: Reader, number: string, except: string | null): Promise<string[]> {
  const rows = await db
    .select({ id: caseFile.id })
    .from(caseLicense)
    .innerJoin(caseFile, eq(caseFile.id, caseLicense.caseId))
    .where(
      and(
        eq(caseLicense.number, number),
        eq(caseFile.step, 'CERTIFIED'),
        or(sql`cardinality(${caseFile.waitsOrgans}) > 0`, isNotNull(caseFile.waitsWindow)),
        except === null ? undefined : ne(caseFile.id, except),
      ),
    );
  return rows.map((row) => row.id);
}

/** Writes the derived columns of a case again. Needed for rows that are older than these columns. */
export async function refreshDerivedColumns(tx: Transaction, subject: Case): Promise<void> {
  await tx.update(caseFile).set(columnsOf(subject)).where(eq(caseFile.id, subject.id));
}

/** Returns the matters with more than one delegation period. Only these can be transferred. */
export async function listMovableMatters(db: Reader): Promise<MatterFact[]> {
  const rows = await db
    .select({ fact: matterFact.fact })
    .from(matterFact)
    .where(sql`jsonb_array_length(${matterFact.fact}->'delegations') > 1`);
  return rows.map((row) => row.fact);
}

export async function appendCaseGranted(
  tx: Transaction,
  payload: EventPayload<'CaseGranted'>,
  at: Date,
): Promise<void> {
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'CaseGranted',
    stream: `case:${payload.caseId}`,
    occurredAt: at,
    payload,
  });
}

export async function putMatterFact(tx: Transaction, fact: MatterFact): Promise<void> {
  const row = { matterId: fact.matterId, fact };
  await tx.insert(matterFact).values(row).onConflictDoUpdate({ target: matterFact.matterId, set: row });
}

export async function putLicenseFact(tx: Transaction, fact: LicenseFact): Promise<void> {
  const row = { number: fact.number, fact };
  await tx.insert(licenseFact).values(row).onConflictDoUpdate({ target: licenseFact.number, set: row });
}

export async function putGuideFact(tx: Transaction, fact: PublishedGuides): Promise<void> {
  const row = { matterId: fact.matterId, fact };
  await tx.insert(guideFact).values(row).onConflictDoUpdate({ target: guideFact.matterId, set: row });
}

/** Returns a matter's service guides, or null if it has none. */
export async function findGuideFacts(db: Reader, ids: readonly string[]): Promise<Map<string, PublishedGuides>> {
  const rows = await db.select().from(guideFact).where(inArray(guideFact.matterId, ids.slice()));
  return new Map(rows.map(({ matterId, fact }) => [matterId, fact]));
}
