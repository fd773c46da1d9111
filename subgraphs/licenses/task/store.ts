import { and, asc, eq, inArray, isNull, or, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { hasRole, type Person } from '../../kernel/actor.ts';
import type { Service } from '../../kernel/delivery/delivery.ts';
import type { EventPayload, GrantContent } from '../../kernel/events/events.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isReadBy } from '../../kernel/organ/place-store.ts';
import type { Blank } from '../paper/paper.ts';
import { act, blank, certificateTask } from '../tables.ts';
import type { CertificateTask } from './task.ts';

export type TaskRow = typeof certificateTask.$inferSelect;

/** A task, and why an attempt at it did not finish. */
export interface ListedTask {
  task: TaskRow;
  waitingFor: string | null;
}

export async function lockTask(tx: Transaction, caseId: string): Promise<TaskRow | null> {
  if (!UUID_PATTERN.test(caseId)) return null;
  const [row] = await tx.select().from(certificateTask).where(eq(certificateTask.caseId, caseId)).for('update');
  return row ?? null;
}

export function toTask(row: TaskRow): CertificateTask {
  const { caseId, caseNumber, content, contentDigest, authorisation, issuer, parties, counters, handledBy } = row;
  const { window, openedAt: decidedAt, number, doneAt, voidedAt } = row;
  const facts = { caseId, caseNumber, content, contentDigest, authorisation, issuer, parties, counters, handledBy };
  return { ...facts, window, decidedAt, number, doneAt, voidedAt };
}

/** In releases up to 0.4 another organ than the issuer accepted only where a window did so for it. */
function windowOfOldCase({
  counters,
  handledBy,
}: Pick<EventPayload<'CaseGranted'>, 'counters' | 'handledBy'>): string | null {
  return counters.length > 1 ? handledBy : null;
}

/** Opens a certificate task for a granted case. */
export async function openTask(tx: Transaction, grantedCase: EventPayload<'CaseGranted'>): Promise<void> {
  const { decidedAt, ...task } = grantedCase;
  const window = task.window === undefined ? windowOfOldCase(task) : task.window;
  await tx.insert(certificateTask).values({ ...task, window, openedAt: new Date(decidedAt) });
}

/** Returns whom the paper of a case may reach besides its holder, or null. */
export async function findService(tx: Transaction, caseId: string | null): Promise<Service | null> {
  if (caseId === null) return null;
  const { service } = certificateTask;
  const [task] = await tx.select({ service }).from(certificateTask).where(eq(certificateTask.caseId, caseId));
  return task?.service ?? null;
}

/** The order of `certificateTasks`. */
export const TASK_ORDER = bySerial(
  'certificateTasks',
  certificateTask.serial,
  'ASC',
  (row: { task: TaskRow }) => row.task.serial,
);

/** Lists the open tasks of the organ or window of a person, oldest first. An auditor sees all. */
export function listTasks(db: Reader, actor: Person, page: KeysetRequest): Promise<Page<ListedTask>> {
  return selectPage(page, (keyset) =>
    db
      .select({ task: certificateTask, waitingFor: act.waitingFor })
      .from(certificateTask)
      .leftJoin(act, eq(act.caseId, certificateTask.caseId))
      .where(and(isOpenFor(actor), keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Finds the open tasks of cases that `listTasks` shows to a person, by case. */
export async function findTasksOfCases(
  db: Reader,
  actor: Person,
  caseIds: readonly string[],
): Promise<Map<string, ListedTask>> {
  const ids = caseIds.filter((id) => UUID_PATTERN.test(id));
  const rows = await db
    .select({ task: certificateTask, waitingFor: act.waitingFor })
    .from(certificateTask)
    .leftJoin(act, eq(act.caseId, certificateTask.caseId))
    .where(and(isOpenFor(actor), inArray(certificateTask.caseId, ids)));
  return new Map(rows.map((row) => [row.task.caseId, row]));
}

/** Finds what cases grant, by case. Done and voided tasks count too. */
export async function findTaskContents(db: Reader, caseIds: readonly string[]): Promise<Map<string, GrantContent>> {
  const ids = caseIds.filter((id) => UUID_PATTERN.test(id));
  const { caseId, content } = certificateTask;
  const rows = await db.select({ caseId, content }).from(certificateTask).where(inArray(caseId, ids));
  return new Map(rows.map((row) => [row.caseId, row.content]));
}

/** The open tasks that a person may see. */
function isOpenFor(actor: Person) {
  const visibility = hasRole(actor, 'AUDITOR')
    ? undefined
    : or(
        isReadBy(certificateTask.parties, actor),
        actor.window === null ? undefined : eq(certificateTask.window, actor.window),
        sql`false`,
      );
  return and(visibility, isNull(certificateTask.doneAt), isNull(certificateTask.voidedAt));
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

/** Returns the windows that accepted a case on a license which exists, unless it was voided. */
export async function findTaskWindows(db: Reader, number: string): Promise<string[]> {
  const rows = await db
    .selectDistinct({ window: certificateTask.window })
    .from(certificateTask)
    .where(and(eq(sql`${certificateTask.content}->>'licenseNumber'`, number), isNull(certificateTask.voidedAt)));
  return rows.flatMap(({ window }) => window ?? []);
}

/** Lists blanks in the stock of an organ that fit licenses of each type, by number, at most `limit` for each type. */
export async function listFittingBlanks(
  db: Reader,
  organs: readonly string[],
  types: readonly string[],
  limit: number,
): Promise<Map<string, Blank[]>> {
  const type = sql<string>`wanted.type`;
  const fitting = db
    .select({ number: blank.number })
    .from(blank)
    .where(
      and(
        inArray(blank.organ, [...organs]),
        eq(blank.state, 'IN_STOCK'),
        or(isNull(blank.licenseType), eq(blank.licenseType, type)),
      ),
    )
    .orderBy(asc(blank.number))
    .limit(limit)
    .as('fitting');
  const rows = await db
    .select({ type, blank })
    .from(sql`unnest(${sql.param([...types], certificateTask.parties)}::text[]) as wanted (type)`)
    .crossJoinLateral(fitting)
    .innerJoin(blank, eq(blank.number, fitting.number))
    .orderBy(asc(blank.number));
  const byType = Map.groupBy(rows, (row) => row.type);
  return new Map([...byType].map(([wanted, group]) => [wanted, group.map((row) => row.blank)]));
}
