import {
  and,
  arrayContains,
  asc,
  desc,
  eq,
  getTableColumns,
  gt,
  inArray,
  isNull,
  lt,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import { inOrder } from '../../db/in-order.ts';
import { hasRole, type Person } from '../kernel/actor.ts';
import type { EventPayload, GrantContent } from '../kernel/events/events.ts';
import { cutPage, type Page, type PageRequest } from '../kernel/http/page.ts';
import { UUID_PATTERN } from '../kernel/identifier.ts';
import type { Act, LicenseState } from '../kernel/license-acts.ts';
import type { CertificateTask, LicenseHead } from './license.ts';
import type { Blank, BlankState } from './paper/paper.ts';
import * as tables from './tables.ts';

const { act, blank, certificateTask, license, licenseNumber, licenseVersion, sealFact, sheet } = tables;

export type ActRow = typeof act.$inferSelect;
/**
 * An act with the content that was authorised for it: the content of the grant, or the statement itself for an act
 * without a case.
 */
export type PreparedAct = ActRow & { authorised: GrantContent | ActRow['record'] };
export type TaskRow = typeof certificateTask.$inferSelect;
export type SheetRow = typeof sheet.$inferSelect;

/** A version with the license it belongs to. */
export interface StoredLicense {
  license: typeof license.$inferSelect;
  version: typeof licenseVersion.$inferSelect;
}

/** Maps a stored version to what the state machine needs. */
export function toHead({ license: shared, version }: StoredLicense): LicenseHead {
  const { number, identifier, version: count, state, record } = version;
  const { issuer, parties, counters, handledBy } = shared;
  return { number, identifier, version: count, state, record, issuer, parties, counters, handledBy };
}

/**
 * SQL condition for the licenses that a person may see.
 * Readers of a license are its holder, its organs, its window, the library and auditors.
 */
function buildVisibilityCondition(actor: Person): SQL | undefined {
  if (hasRole(actor, 'AUDITOR', 'LIBRARY')) return undefined;
  return or(
    actor.holderCode === null ? undefined : eq(license.holderCode, actor.holderCode),
    actor.organ === null ? undefined : arrayContains(license.parties, [actor.organ]),
    actor.window === null ? undefined : eq(license.handledBy, actor.window),
    sql`false`,
  );
}

export interface LicenseFilter {
  state: LicenseState | null;
  matter: string | null;
  number: string | null;
}

/** Lists the licenses that a person may see, with their current versions, newest first. */
export async function listLicenses(
  db: Reader,
  actor: Person,
  filter: LicenseFilter,
  page: PageRequest<number>,
): Promise<Page<StoredLicense>> {
  const rows = await db
    .select({ license, version: licenseVersion })
    .from(license)
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, license.headIdentifier))
    .where(
      and(
        buildVisibilityCondition(actor),
        filter.state === null ? undefined : eq(license.headState, filter.state),
        filter.matter === null ? undefined : eq(license.matterId, filter.matter),
        filter.number === null ? undefined : eq(license.number, filter.number),
        page.after === null ? undefined : lt(license.serial, page.after),
      ),
    )
    .orderBy(desc(license.serial))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

/** Finds versions that a person may see, by values of a column, oldest first. Null as `actor` is a public reader. */
export function findVersions(
  db: Reader,
  by: 'identifier' | 'number' | 'caseId',
  values: readonly string[],
  actor: Person | null,
): Promise<StoredLicense[]> {
  return db
    .select({ license, version: licenseVersion })
    .from(licenseVersion)
    .innerJoin(license, eq(license.number, licenseVersion.number))
    .where(and(inArray(licenseVersion[by], [...values]), actor === null ? undefined : buildVisibilityCondition(actor)))
    .orderBy(asc(licenseVersion.number), asc(licenseVersion.version));
}

/** Returns for each case the identifier of the version that its act made or acted on. */
export async function findIdentifiersByCase(db: Reader, caseIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ caseId: act.caseId, identifier: act.identifier })
    .from(act)
    .where(and(inArray(act.caseId, [...caseIds]), eq(act.state, 'DONE')));
  return new Map(rows.map((row) => [row.caseId ?? '', row.identifier]));
}

/** Locks a license until the transaction ends. Returns its current version, or null if there is no such license. */
export async function lockHead(tx: Transaction, number: string): Promise<StoredLicense | null> {
  const isHead = eq(licenseVersion.identifier, license.headIdentifier);
  const ofNumber = eq(license.number, number);
  // Two queries, because a join that locks would read the version that was current before it got the lock.
  const [[lockedRow], [headRow]] = await inOrder(tx, [
    (tx) => tx.select().from(license).where(ofNumber).for('update'),
    (tx) => tx.select({ version: licenseVersion }).from(license).innerJoin(licenseVersion, isHead).where(ofNumber),
  ]);
  if (!lockedRow) return null;
  if (!headRow) throw new Error(`license ${number} has no version ${lockedRow.headIdentifier}`);
  return { license: lockedRow, version: headRow.version };
}

export async function lockTask(tx: Transaction, caseId: string): Promise<TaskRow | null> {
  if (!UUID_PATTERN.test(caseId)) return null;
  const [row] = await tx.select().from(certificateTask).where(eq(certificateTask.caseId, caseId)).for('update');
  return row ?? null;
}

export function toTask(row: TaskRow): CertificateTask {
  const { caseId, caseNumber, content, contentDigest, authorisation, issuer, parties, counters, handledBy } = row;
  const { number, doneAt, voidedAt } = row;
  const facts = { caseId, caseNumber, content, contentDigest, authorisation, issuer, parties, counters, handledBy };
  return { ...facts, number, doneAt, voidedAt };
}

/** Opens a certificate task for a granted case. */
export async function openTask(tx: Transaction, grantedCase: EventPayload<'CaseGranted'>): Promise<void> {
  const { decidedAt, ...task } = grantedCase;
  await tx.insert(certificateTask).values({ ...task, openedAt: new Date(decidedAt) });
}

/** Lists the open tasks of the organ or window of a person, oldest first. An auditor sees all. */
export async function listTasks(
  db: Reader,
  actor: Person,
  page: PageRequest<number>,
): Promise<Page<{ task: TaskRow; waitingFor: string | null }>> {
  const visibility = hasRole(actor, 'AUDITOR')
    ? undefined
    : or(
        actor.organ === null ? undefined : arrayContains(certificateTask.parties, [actor.organ]),
        actor.window === null ? undefined : eq(certificateTask.handledBy, actor.window),
        sql`false`,
      );
  const rows = await db
    .select({ task: certificateTask, waitingFor: act.waitingFor })
    .from(certificateTask)
    .leftJoin(act, eq(act.caseId, certificateTask.caseId))
    .where(
      and(
        visibility,
        isNull(certificateTask.doneAt),
        isNull(certificateTask.voidedAt),
        page.after === null ? undefined : gt(certificateTask.serial, page.after),
      ),
    )
    .orderBy(asc(certificateTask.serial))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

/** Finds the open tasks on licenses, by license number. */
export function findOpenTasks(db: Reader, numbers: readonly string[]): Promise<TaskRow[]> {
  return db
    .select()
    .from(certificateTask)
    .where(
      and(
        inArray(sql`${certificateTask.content}->>'licenseNumber'`, [...numbers]),
        isNull(certificateTask.doneAt),
        isNull(certificateTask.voidedAt),
      ),
    );
}

/** Finds the acts on licenses that are prepared and not done. There is at most one per number. */
export function findPreparedActs(db: Reader, numbers: readonly string[]): Promise<ActRow[]> {
  return db
    .select()
    .from(act)
    .where(and(inArray(act.number, [...numbers]), eq(act.state, 'PREPARED')));
}

/** Returns the identifiers of the current versions by license number. */
export async function findHeadIdentifiers(db: Reader, numbers: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ number: license.number, identifier: license.headIdentifier })
    .from(license)
    .where(inArray(license.number, [...numbers]));
  return new Map(rows.map((row) => [row.number, row.identifier]));
}

/**
 * Returns the license number of a task: division, year, and at least six digits.
 * It is reserved once and is the same at every later attempt.
 */
export async function reserveNumber(tx: Transaction, task: CertificateTask, year: number): Promise<string> {
  if (task.number !== null) return task.number;
  const { divisionCode } = task.issuer;
  const takenNumber = tx.$with('taken').as(
    tx
      .insert(licenseNumber)
      .values({ divisionCode, year, newest: 1 })
      .onConflictDoUpdate({
        target: [licenseNumber.divisionCode, licenseNumber.year],
        set: { newest: sql`${licenseNumber.newest} + 1` },
      })
      .returning({ digits: sql<string>`${licenseNumber.newest}::text`.as('digits') }),
  );
  // lpad alone would cut off a number of more than six digits.
  const digits = sql`lpad(${takenNumber.digits}, greatest(6, length(${takenNumber.digits})), '0')`;
  const [reservedTask] = await tx
    .with(takenNumber)
    .update(certificateTask)
    .set({ number: sql`${`${divisionCode}${year}`} || ${digits}` })
    .from(takenNumber)
    .where(eq(certificateTask.caseId, task.caseId))
    .returning({ number: certificateTask.number });
  if (!reservedTask?.number) throw new Error('no license number taken');
  return reservedTask.number;
}

/** Reserves an index in the status list. An index is never used twice. */
export async function reserveStatusIndex(tx: Transaction): Promise<number> {
  const [row] = await tx.execute<{ place: string }>(sql`select nextval('licenses.status_index') as place`);
  if (!row) throw new Error('no place in the status list');
  return Number(row.place);
}

export type SealFactRow = typeof sealFact.$inferSelect;

/** Lists the seals of organs, in the order of their ids. */
export function listSealFacts(db: Reader, organs: readonly string[]): Promise<SealFactRow[]> {
  return db
    .select()
    .from(sealFact)
    .where(inArray(sealFact.organ, [...organs]))
    .orderBy(asc(sealFact.sealId))
    .execute();
}

export async function storeSealFact(tx: Transaction, fact: EventPayload<'SealChanged'>): Promise<void> {
  const { sealId, organ, name, state, grants } = fact;
  const row = {
    sealId,
    organ,
    name,
    state,
    grants,
    validFrom: new Date(fact.validFrom),
    validUntil: new Date(fact.validUntil),
  };
  await tx.insert(sealFact).values(row).onConflictDoUpdate({ target: sealFact.sealId, set: row });
}

export async function lockBlank(tx: Transaction, number: string): Promise<Blank | null> {
  const [row] = await tx.select().from(blank).where(eq(blank.number, number)).for('update');
  return row ?? null;
}

/** Lists the blanks of an organ by number. */
export async function listBlanks(
  db: Reader,
  organ: string,
  state: BlankState | null,
  page: PageRequest<string>,
): Promise<Page<Blank>> {
  const rows = await db
    .select()
    .from(blank)
    .where(
      and(
        eq(blank.organ, organ),
        state === null ? undefined : eq(blank.state, state),
        page.after === null ? undefined : gt(blank.number, page.after),
      ),
    )
    .orderBy(asc(blank.number))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

export async function findAct(db: Reader, id: string): Promise<PreparedAct | null> {
  const [row] = await db
    .select({ act, content: certificateTask.content })
    .from(act)
    .leftJoin(certificateTask, eq(certificateTask.caseId, act.caseId))
    .where(eq(act.id, id));
  return row ? { ...row.act, authorised: row.content ?? row.act.record } : null;
}

export async function findActByCase(db: Reader, caseId: string): Promise<ActRow | null> {
  if (!UUID_PATTERN.test(caseId)) return null;
  const [row] = await db.select().from(act).where(eq(act.caseId, caseId));
  return row ?? null;
}

/** Lists the acts done on a license, oldest first, without spoiled sheets. */
export async function listActs(db: Reader, number: string): Promise<(ActRow & { act: Act })[]> {
  return db
    .select({ ...getTableColumns(act), act: sql<Act>`${act.act}` })
    .from(act)
    .where(and(eq(act.number, number), eq(act.state, 'DONE'), sql`${act.act} <> 'SPOIL'`))
    .orderBy(asc(act.serial));
}

/** Lists the sheets of versions, oldest first. */
export async function listSheets(db: Reader, identifiers: readonly string[]): Promise<SheetRow[]> {
  return db
    .select()
    .from(sheet)
    .where(inArray(sheet.identifier, [...identifiers]))
    .orderBy(asc(sheet.printedAt), asc(sheet.blankNumber));
}

export async function lockSheet(tx: Transaction, blankNumber: string, identifier: string): Promise<SheetRow | null> {
  const [row] = await tx
    .select()
    .from(sheet)
    .where(and(eq(sheet.blankNumber, blankNumber), eq(sheet.identifier, identifier)))
    .for('update');
  return row ?? null;
}

/** Whether a person may see the license under `number`. */
export async function maySeeNumber(db: Reader, actor: Person, number: string): Promise<boolean> {
  const rows = await db
    .select({ number: license.number })
    .from(license)
    .where(and(eq(license.number, number), buildVisibilityCondition(actor)));
  return rows.length > 0;
}
