import { and, arrayContains, desc, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import { hasRole, type Person } from '../kernel/actor.ts';
import type { Day } from '../kernel/day.ts';
import type { EventPayload } from '../kernel/events.ts';
import { append, type MessageTables } from '../kernel/outbox.ts';
import { cutPage, type Page, type PageRequest } from '../kernel/page.ts';
import {
  type Case,
  type CaseFile,
  foldCase,
  type LicenseFact,
  type MatterFact,
  type Step,
  type StepRecord,
} from './case.ts';
import { tellPlatform } from './platform/store.ts';
import * as tables from './tables.ts';

const { agreement, caseFile, caseNumber, caseStep, licenseFact, matterFact } = tables;

export const messages: MessageTables = tables;
/** Cases tell licenses of what they grant. */
const CONSUMERS = { licenses: ['CaseGranted'] } as const;

export interface CaseFilter {
  step: Step | null;
  matter: string | null;
  closed: boolean | null;
}

type FileRow = typeof caseFile.$inferSelect;

/** A case with what the store keeps beside it. */
export interface StoredCase {
  subject: Case;
  serial: number;
  parties: readonly string[];
  window: string | null;
}

function toFile(row: FileRow): CaseFile {
  const applicant = { name: row.applicantName, codeKind: row.applicantCodeKind, code: row.applicantCode };
  const { id, number, matter, delegation, fields, licenseNumber, acceptedBy } = row;
  return { id, number, matter, delegation, applicant, fields, licenseNumber, acceptedBy };
}

async function withSteps(db: Reader, rows: readonly FileRow[]): Promise<StoredCase[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const steps = await db
    .select()
    .from(caseStep)
    .where(inArray(caseStep.caseId, ids))
    .orderBy(caseStep.caseId, caseStep.seq);
  const byCase = Map.groupBy(steps, (step) => step.caseId);
  return rows.map((row) => ({
    subject: foldCase(toFile(row), byCase.get(row.id) ?? []),
    serial: row.serial,
    parties: row.parties,
    window: row.window,
  }));
}

/** The condition under which a person sees a case; the same rule as `maySee`, for a whole list. */
function visibleTo(actor: Person): SQL | undefined {
  if (hasRole(actor, 'AUDITOR')) return undefined;
  return or(
    actor.holderCode === null ? undefined : eq(caseFile.applicantCode, actor.holderCode),
    actor.organ === null ? undefined : arrayContains(caseFile.parties, [actor.organ]),
    actor.window === null ? undefined : eq(caseFile.window, actor.window),
    sql`false`,
  );
}

/** The cases that a person may see, newest first. */
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
        filter.step === null ? undefined : eq(caseFile.step, filter.step),
        filter.matter === null ? undefined : eq(caseFile.matterId, filter.matter),
        filter.closed === null ? undefined : eq(caseFile.closed, filter.closed),
        page.after === null ? undefined : lt(caseFile.serial, page.after),
      ),
    )
    .orderBy(desc(caseFile.serial))
    .limit(page.first + 1);
  const cut = cutPage(rows, page.first);
  return { rows: await withSteps(db, cut.rows), hasNextPage: cut.hasNextPage };
}

/** Cases by id, in the order asked, null where there is none. */
export async function findCases(db: Reader, ids: readonly string[]): Promise<(StoredCase | null)[]> {
  const known = ids.filter((id) => isUuid(id));
  const rows = known.length === 0 ? [] : await db.select().from(caseFile).where(inArray(caseFile.id, known));
  const found = new Map((await withSteps(db, rows)).map((one) => [one.subject.id, one]));
  return ids.map((id) => found.get(id) ?? null);
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** A case whose row is locked until the transaction ends, so that two people act on it one after the other. */
export async function lockCase(tx: Transaction, id: string): Promise<StoredCase | null> {
  if (!isUuid(id)) return null;
  const rows = await tx.select().from(caseFile).where(eq(caseFile.id, id)).for('update');
  return (await withSteps(tx, rows))[0] ?? null;
}

export async function findMatter(db: Reader, id: string): Promise<MatterFact | null> {
  const [row] = await db.select().from(matterFact).where(eq(matterFact.matterId, id));
  return row?.fact ?? null;
}

export async function findLicense(db: Reader, number: string): Promise<LicenseFact | null> {
  const [row] = await db.select().from(licenseFact).where(eq(licenseFact.number, number));
  return row?.fact ?? null;
}

/** Whether the two organs have an undertaking agreement in force on `on`. */
export async function hasAgreement(db: Reader, cityOrgan: string, countyOrgan: string, on: Day): Promise<boolean> {
  const rows = await db
    .select({ number: agreement.number })
    .from(agreement)
    .where(
      and(
        eq(agreement.cityOrgan, cityOrgan),
        eq(agreement.countyOrgan, countyOrgan),
        sql`${agreement.validFrom} <= ${on}`,
        sql`(${agreement.validTo} is null or ${agreement.validTo} >= ${on})`,
      ),
    )
    .limit(1);
  return rows.length > 0;
}

export type Agreement = typeof agreement.$inferSelect;

/** Keeps an agreement; the same number again replaces what was kept. */
export async function putAgreement(tx: Transaction, row: Agreement): Promise<void> {
  await tx.insert(agreement).values(row).onConflictDoUpdate({ target: agreement.number, set: row });
}

/** The next case number of a division and day: division, date, and five digits. */
export async function takeNumber(tx: Transaction, divisionCode: string, day: Day): Promise<string> {
  const [taken] = await tx
    .insert(caseNumber)
    .values({ divisionCode, day, newest: 1 })
    .onConflictDoUpdate({
      target: [caseNumber.divisionCode, caseNumber.day],
      set: { newest: sql`${caseNumber.newest} + 1` },
    })
    .returning({ newest: caseNumber.newest });
  if (!taken) throw new Error('no case number taken');
  return `${divisionCode}${day.replaceAll('-', '')}${String(taken.newest).padStart(5, '0')}`;
}

export interface NewCase {
  file: CaseFile;
  divisionCode: string;
  parties: string[];
  window: string | null;
}

/** Writes an accepted case with its first step. */
export async function insertCase(
  tx: Transaction,
  made: NewCase,
  first: StepRecord & { actorId: string },
): Promise<void> {
  const { file, divisionCode, parties, window } = made;
  await tx.insert(caseFile).values({
    ...file,
    fields: [...file.fields],
    matterId: file.matter.matterId,
    applicantName: file.applicant.name,
    applicantCodeKind: file.applicant.codeKind,
    applicantCode: file.applicant.code,
    divisionCode,
    parties,
    window,
    step: first.step,
    closed: false,
  });
  await tx.insert(caseStep).values({ caseId: file.id, seq: 1, ...first });
}

/** Adds a step to a case that `lockCase` holds, and gives the case as it then stands. */
export async function addStep(tx: Transaction, subject: Case, record: StepRecord & { actorId: string }): Promise<Case> {
  const after = foldCase(subject, [...subject.steps, record]);
  await tx.insert(caseStep).values({ caseId: subject.id, seq: after.steps.length, ...record });
  await tx
    .update(caseFile)
    .set({ step: after.step, closed: after.result !== null })
    .where(eq(caseFile.id, subject.id));
  await tellPlatform(tx, subject, after, record);
  return after;
}

export async function tellGranted(tx: Transaction, payload: EventPayload<'CaseGranted'>, at: Date): Promise<void> {
  await append(tx, messages, CONSUMERS, {
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
