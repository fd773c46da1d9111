import { and, asc, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { sha256 } from '../../kernel/events/events.ts';
import { documentNumber, type NoticeContent } from './notice.ts';
import * as tables from './tables.ts';

const { decisionSeal, notice, sealedFile } = tables;

export type NoticeRow = typeof notice.$inferSelect;
export type SealRow = typeof decisionSeal.$inferSelect;

/** A notice, with its seal if it bears one. */
export interface StoredNotice {
  notice: NoticeRow;
  seal: SealRow | null;
}

/** Takes the next number of a mark and year. */
export async function takeDocumentNumber(tx: Transaction, mark: string, year: string): Promise<string> {
  const { documentNumber: series } = tables;
  const [counter] = await tx
    .insert(series)
    .values({ mark, year, newest: 1 })
    .onConflictDoUpdate({ target: [series.mark, series.year], set: { newest: sql`${series.newest} + 1` } })
    .returning({ newest: series.newest });
  if (!counter) throw new Error('no document number taken');
  return documentNumber(mark, year, counter.newest);
}

export interface NewNotice {
  caseId: string;
  content: NoticeContent;
  contentDigest: string;
  issuedAt: Date;
}

/** Writes a notice and returns its id. */
export async function insertNotice(tx: Transaction, newNotice: NewNotice): Promise<string> {
  const { kind, number, organ } = newNotice.content;
  const id = crypto.randomUUID();
  await tx.insert(notice).values({ ...newNotice, id, kind, number, organ: organ.id });
  return id;
}

export async function insertSeal(
  tx: Transaction,
  seal: Pick<SealRow, 'noticeId' | 'organ' | 'matterId' | 'authorisation' | 'preparedAt'>,
): Promise<void> {
  await tx.insert(decisionSeal).values({ ...seal, state: 'PREPARED', leasedUntil: sql`now()` });
}

function withSeals(db: Reader) {
  return db
    .select({ notice, seal: decisionSeal })
    .from(notice)
    .leftJoin(decisionSeal, eq(decisionSeal.noticeId, notice.id));
}

/** The notices of each case, oldest first. */
export async function findByCases(db: Reader, caseIds: readonly string[]): Promise<Map<string, StoredNotice[]>> {
  const rows = await withSeals(db)
    .where(inArray(notice.caseId, [...caseIds]))
    .orderBy(asc(notice.serial));
  return Map.groupBy(rows, (row) => row.notice.caseId);
}

/** Returns a notice by its id (a UUID), or null if there is none. */
export async function findNotice(db: Reader, id: string): Promise<StoredNotice | null> {
  const [row] = await withSeals(db).where(eq(notice.id, id));
  return row ?? null;
}

/** How long one attempt to seal has before another may be made. */
const LEASE_SECONDS = 30;
/** How soon a document that waits is tried again. */
const RETRY_SECONDS = 2;
/**
 * Most documents that one poll leases. Few of the other notices: each acceptance writes one, and sealing many of them
 * at once would slow a burst of acceptances down.
 */
const MAX_LEASED_DECISIONS = 16;
const MAX_LEASED_NOTICES = 4;

/** Leases notices that are prepared and not sealed to the caller, decisions first. Returns their notice ids. */
export async function leaseUnsealed(tx: Transaction): Promise<string[]> {
  const decisions = await lease(tx, sql`= 'DECISION'`, MAX_LEASED_DECISIONS);
  return [...decisions, ...(await lease(tx, sql`<> 'DECISION'`, MAX_LEASED_NOTICES))];
}

async function lease(tx: Transaction, isKind: SQL, limit: number): Promise<string[]> {
  const isOfKind = sql`(select ${notice.kind} from ${notice} where ${notice.id} = ${decisionSeal.noticeId}) ${isKind}`;
  const dueSeals = tx
    .select({ id: decisionSeal.noticeId })
    .from(decisionSeal)
    .where(and(eq(decisionSeal.state, 'PREPARED'), lt(decisionSeal.leasedUntil, sql`now()`), isOfKind))
    .orderBy(asc(decisionSeal.leasedUntil))
    .limit(limit)
    .for('update', { skipLocked: true });
  const rows = await tx
    .update(decisionSeal)
    .set({ leasedUntil: sql`now() + make_interval(secs => ${LEASE_SECONDS})` })
    .where(sql`${decisionSeal.noticeId} in ${dueSeals}`)
    .returning({ id: decisionSeal.noticeId });
  return rows.map((row) => row.id);
}

const isUnsealed = (noticeId: string) => and(eq(decisionSeal.noticeId, noticeId), eq(decisionSeal.state, 'PREPARED'));

/** Records why a document waits, and when to try again. */
export async function recordWaiting(tx: Transaction, noticeId: string, waitingFor: string): Promise<void> {
  await tx
    .update(decisionSeal)
    .set({ waitingFor, leasedUntil: sql`now() + make_interval(secs => ${RETRY_SECONDS})` })
    .where(isUnsealed(noticeId));
}

/** Stores the file to be sealed, unless one is stored already. Returns the digest of the stored file. */
export async function storeFile(tx: Transaction, noticeId: string, bytes: Uint8Array): Promise<string> {
  const [row] = await tx.select().from(decisionSeal).where(eq(decisionSeal.noticeId, noticeId)).for('update');
  if (!row) throw new Error(`no decision ${noticeId}`);
  if (row.documentDigest !== null) return row.documentDigest;
  const documentDigest = sha256(bytes);
  await tx.insert(sealedFile).values({ digest: documentDigest, bytes }).onConflictDoNothing();
  await tx.update(decisionSeal).set({ documentDigest }).where(isUnsealed(noticeId));
  return documentDigest;
}

export async function findFile(db: Reader, digest: string): Promise<Uint8Array | null> {
  const [row] = await db.select().from(sealedFile).where(eq(sealedFile.digest, digest));
  return row?.bytes ?? null;
}

/** Stores the signature. Does nothing if the document has one. */
export async function storeSeal(
  tx: Transaction,
  noticeId: string,
  seal: { signature: Uint8Array; sealId: string; signedAt: Date },
): Promise<void> {
  await tx
    .update(decisionSeal)
    .set({ ...seal, state: 'DONE', waitingFor: null })
    .where(isUnsealed(noticeId));
}

/** Returns which of the cases have a sealed decision document, which may be delivered (送达). */
export async function listSealedDecisions(db: Reader, caseIds: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ caseId: notice.caseId })
    .from(notice)
    .innerJoin(decisionSeal, eq(decisionSeal.noticeId, notice.id))
    .where(and(inArray(notice.caseId, [...caseIds]), eq(notice.kind, 'DECISION'), eq(decisionSeal.state, 'DONE')));
  return new Set(rows.map(({ caseId }) => caseId));
}
