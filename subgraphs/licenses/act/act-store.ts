import { and, asc, eq, getTableColumns, inArray, isNull, max, notInArray, sql } from 'drizzle-orm';
import type { Database, Reader, Transaction } from '../../../db/client.ts';
import type { GrantContent } from '../../kernel/events/events.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import type { Act } from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { announceMootWishes } from '../countersign/store.ts';
import { NOTED_ACTS } from '../register/statement.ts';
import { act, certificateTask, lostVersion } from '../tables.ts';

/** While its caller works on an act, no other process needs to try it. After this time a resumer takes it over. */
const LEASE_SECONDS = 5;
const leaseEnd = sql`now() + make_interval(secs => ${LEASE_SECONDS})`;

/** Writes an intent. Refuses LICENSE_BUSY while another act on the same license is prepared. */
export async function insertAct(
  tx: Transaction,
  row: Omit<typeof act.$inferInsert, 'state' | 'leasedUntil'>,
): Promise<ActRow> {
  const [insertedAct] = await tx
    .insert(act)
    .values({ ...row, state: 'PREPARED', leasedUntil: leaseEnd })
    .onConflictDoNothing()
    .returning();
  if (!insertedAct) throw new Refusal('LICENSE_BUSY');
  const { caseId, preparedAt } = insertedAct;
  if (caseId !== null) await announceMootWishes(tx, 'VOID_TASK', caseId, preparedAt);
  return insertedAct;
}

/**
 * Stores the rendered file of an act. The first file stored counts.
 * Returns whether this call stored it; false also if the act is done.
 */
export async function keepRendered(
  db: Pick<Database, 'update'>,
  id: string,
  renderedFile: { rendered: Uint8Array; code: string | null },
): Promise<boolean> {
  const updatedRows = await db
    .update(act)
    .set(renderedFile)
    .where(and(eq(act.id, id), isNull(act.rendered), eq(act.state, 'PREPARED')))
    .returning({ id: act.id });
  return updatedRows.length > 0;
}

/** Records why a prepared act waits. Returns false, and changes nothing, if the act is done meanwhile. */
export async function noteWaiting(tx: Transaction, id: string, reason: string): Promise<boolean> {
  const rows = await tx
    .update(act)
    .set({ waitingFor: reason })
    .where(and(eq(act.id, id), eq(act.state, 'PREPARED')))
    .returning({ id: act.id });
  return rows.length > 0;
}

/**
 * Locks an act until the transaction ends and returns it in its current state.
 * Reads only the columns that can change, not its content or its file.
 */
export async function lockAct(tx: Transaction, intent: ActRow): Promise<ActRow> {
  const { state, code, waitingFor } = act;
  const [currentColumns] = await tx
    .select({ state, code, waitingFor })
    .from(act)
    .where(eq(act.id, intent.id))
    .for('update');
  if (!currentColumns) throw new Error(`no act ${intent.id}`);
  return { ...intent, ...currentColumns };
}

/** Maximum of acts that one poll leases. */
const MAX_RESUMED_ACTS = 16;

/** Leases prepared acts whose lease has expired. Returns their ids. */
export async function leaseDueActs(db: Pick<Database, 'select' | 'update'>): Promise<string[]> {
  const dueActs = db
    .select({ id: act.id })
    .from(act)
    .where(and(eq(act.state, 'PREPARED'), sql`${act.leasedUntil} < now()`))
    // Those that were tried longest ago come first, so that no act waits behind others that fail again and again.
    .orderBy(asc(act.leasedUntil))
    .limit(MAX_RESUMED_ACTS)
    .for('update', { skipLocked: true });
  const rows = await db
    .update(act)
    .set({ leasedUntil: leaseEnd })
    .where(sql`${act.id} in ${dueActs}`)
    .returning({ id: act.id });
  return rows.map((row) => row.id);
}

/** Replaces the content of an act that a release up to 0.4 prepared by what the register has stated of it. */
export async function setStatement(
  tx: Transaction,
  id: string,
  columns: Pick<ActRow, 'record' | 'contentDigest' | 'reason'>,
): Promise<void> {
  await tx.update(act).set(columns).where(eq(act.id, id));
}

export type ActRow = typeof act.$inferSelect;
/** What an act changes, or would change. */
export type ActOutline = Pick<ActRow, 'act' | 'identifier' | 'number' | 'version' | 'stateAfter' | 'blankNumber'>;
/**
 * An act with the content that was authorised for it: the content of the grant, or the statement itself for an act
 * without a case.
 */
export type PreparedAct = ActRow & { authorised: GrantContent | ActRow['record'] };

/** Finds the acts on licenses that are prepared and not done. There is at most one per number. */
export function findPreparedActs(db: Reader, numbers: readonly string[]): Promise<ActRow[]> {
  return db
    .select()
    .from(act)
    .where(and(inArray(act.number, [...numbers]), eq(act.state, 'PREPARED')));
}

/** Returns the newest version of a license that a restore has lost, or 0. */
export async function findNewestLostVersion(tx: Transaction, number: string): Promise<number> {
  const [row] = await tx
    .select({ version: max(lostVersion.version) })
    .from(lostVersion)
    .where(eq(lostVersion.number, number));
  return row?.version ?? 0;
}

/** Reserves an index in the status list. An index is never used twice. */
export async function reserveStatusIndex(tx: Transaction): Promise<number> {
  const [row] = await tx.execute<{ place: string }>(sql`select nextval('licenses.status_index') as place`);
  if (!row) throw new Error('no place in the status list');
  return Number(row.place);
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

/** Lists the acts done on a license, oldest first, without what the register only noted. */
export async function listActs(db: Reader, numbers: readonly string[]): Promise<(ActRow & { act: Act })[]> {
  return db
    .select({ ...getTableColumns(act), act: sql<Act>`${act.act}` })
    .from(act)
    .where(and(inArray(act.number, [...numbers]), eq(act.state, 'DONE'), notInArray(act.act, [...NOTED_ACTS])))
    .orderBy(asc(act.serial));
}
