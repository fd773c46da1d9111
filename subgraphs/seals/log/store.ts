import { and, asc, desc, eq, gt, gte, inArray, lt, max, type SQLWrapper, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Database, Reader, Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import { EMPTY_ROOT, type TreeHead } from '../../kernel/tlog/tree.ts';
import type { Leaf, LeafKind } from './leaf.ts';
import { logCheckpoint, logCosignature, logHead, logKey, logLeaf, logPending, logSequence, logTile } from './tables.ts';
import type { TileHash } from './tile.ts';

export type KeyRow = typeof logKey.$inferSelect;
export type CheckpointRow = typeof logCheckpoint.$inferSelect;
export type CosignatureRow = typeof logCosignature.$inferSelect;

/** The head is one row. */
const HEAD = 1;
/** SHA-256. */
const HASH_BYTES = 32;
/** Ids of the log's advisory locks. Locks apply to the whole database, so no other subgraph may use these ids. */
const LOCK_IDS = { sequence: 7_310_021, publish: 7_310_022 } as const;

/**
 * Writes leaves in the transaction of their subjects. So nothing is signed without a leaf, and no leaf exists without
 * its subject. It is one statement, so a leaf whose subject is stored nowhere else needs no transaction. Throws if a
 * leaf of the same kind and subject exists.
 */
export async function insertLeaves(db: Database, leaves: readonly Leaf[]): Promise<void> {
  if (leaves.length === 0) return;
  const leafInsert = db.insert(logLeaf).values([...leaves]);
  await insertPending(db, leafInsert.returning(SERIAL));
}

/** Writes leaves together with their subjects, in one statement. */
export async function insertLeavesWith(db: Database, statement: SQLWrapper, leaves: readonly Leaf[]): Promise<void> {
  const leafInsert = db
    .insert(logLeaf)
    .values([...leaves])
    .returning(SERIAL);
  await insertPending(db, leafInsert, sql`about as ${statement},`);
}

/** Writes a leaf unless one of its kind and subject exists. Returns whether it wrote the leaf. */
export async function insertLeafOnce(db: Database, leaf: Leaf): Promise<boolean> {
  const leafInsert = db.insert(logLeaf).values(leaf);
  const target = [logLeaf.kind, logLeaf.subject];
  return (await insertPending(db, leafInsert.onConflictDoNothing({ target }).returning(SERIAL))).length === 1;
}

const SERIAL = { serial: logLeaf.serial };

/** Writes leaves and marks them as pending in the same statement. Returns a row for each. */
function insertPending(db: Database, leafInsert: SQLWrapper, withClause = sql``) {
  return db.execute(sql`with ${withClause} written as ${leafInsert}
    insert into ${logPending} (serial) select serial from written returning serial`);
}

/**
 * Marks leaves as pending that have no place and are not pending. Only a manual change of the database can cause this.
 */
export async function insertLostPending(tx: Transaction): Promise<void> {
  await tx.execute(sql`insert into ${logPending} (serial) select l.serial from ${logLeaf} l
    where not exists (select 1 from ${logSequence} s where s.serial = l.serial)
    and not exists (select 1 from ${logPending} p where p.serial = l.serial)`);
}

/** Tries to take the lock for publishing, without waiting. Returns whether this transaction has it. */
export async function tryPublishLock(tx: Transaction): Promise<boolean> {
  return hasLock(await buildLockQuery(tx, 'publish'));
}

function buildLockQuery(tx: Transaction, lockName: keyof typeof LOCK_IDS) {
  return tx.execute(sql`select pg_try_advisory_xact_lock(${LOCK_IDS[lockName]}) as locked`);
}

function hasLock([row]: readonly Record<string, unknown>[]): boolean {
  return row?.locked === true;
}

/** The input for assigning places. */
export interface PlacementBatch {
  /** Leaves without a place, in the order in which they were written. */
  pending: { serial: number; hash: Uint8Array }[];
  head: TreeHead | null;
  key: KeyRow | null;
}

/** Takes the lock for assigning places, and reads what that needs. Returns null if another transaction has the lock. */
export async function lockPlacement(tx: Transaction, limit: number): Promise<PlacementBatch | null> {
  const selectPending = (db: Transaction) =>
    db
      .select({ serial: logPending.serial, hash: logLeaf.hash })
      .from(logPending)
      .innerJoin(logLeaf, eq(logLeaf.serial, logPending.serial))
      .orderBy(asc(logPending.serial))
      .limit(limit);
  const [lock, pending, [head = null], [key = null]] = await inOrder(tx, [
    (tx) => buildLockQuery(tx, 'sequence'),
    selectPending,
    selectHead,
    selectKey,
  ]);
  return hasLock(lock) ? { pending, head, key } : null;
}

function selectKey(db: Reader) {
  return db.select().from(logKey).limit(1);
}

export async function findKey(db: Reader): Promise<KeyRow | null> {
  const [row] = await selectKey(db);
  return row ?? null;
}

export async function insertKey(tx: Transaction, row: KeyRow): Promise<void> {
  await tx.insert(logKey).values(row);
}

/** Creates the head if there is none. */
export async function createHead(tx: Transaction): Promise<void> {
  await tx.insert(logHead).values({ id: HEAD, size: 0, root: EMPTY_ROOT }).onConflictDoNothing();
}

function selectHead(db: Reader) {
  return db.select({ size: logHead.size, root: logHead.root }).from(logHead).where(eq(logHead.id, HEAD));
}

export async function findHead(db: Reader): Promise<TreeHead | null> {
  const [row] = await selectHead(db);
  return row ?? null;
}

export async function hasPending(db: Reader): Promise<boolean> {
  return (await db.select().from(logPending).limit(1)).length > 0;
}

/**
 * Assigns places to leaves from the head on, stores the hashes of tiles that became full, and moves the head. Returns
 * false if the head is no longer the one that was read. Then the transaction must be rolled back.
 */
export async function insertPlaces(
  tx: Transaction,
  [oldHead, newHead]: readonly [TreeHead, TreeHead],
  serials: readonly number[],
  fullTiles: readonly TileHash[],
): Promise<boolean> {
  // One array parameter keeps the statement the same for any number of leaves.
  const placedRows = sql`unnest(${`{${serials.join()}}`}::bigint[]) with ordinality as placed (serial, place)`;
  const isUnchanged = and(eq(logHead.id, HEAD), eq(logHead.size, oldHead.size), eq(logHead.root, oldHead.root));
  const [movedRows] = await inOrder(tx, [
    (tx) =>
      tx
        .update(logHead)
        .set({ size: newHead.size, root: newHead.root })
        .where(isUnchanged)
        .returning({ id: logHead.id }),
    (tx) =>
      tx.execute(
        sql`insert into ${logSequence} (index, serial) select ${oldHead.size} + place - 1, serial from ${placedRows}`,
      ),
    (tx) => tx.execute(sql`delete from ${logPending} using ${placedRows} where ${logPending.serial} = placed.serial`),
    fullTiles.length > 0 ? (tx) => tx.insert(logTile).values([...fullTiles]) : null,
  ]);
  return movedRows.length === 1;
}

export async function insertCheckpoint(tx: Transaction, row: CheckpointRow): Promise<void> {
  await tx.insert(logCheckpoint).values(row);
}

/** Returns the hashes of a level from `start`: of leaves on level 0, of full tiles above. */
export async function listHashes(db: Reader, level: number, start: number, count: number): Promise<Uint8Array[]> {
  const end = start + count;
  // Aggregate into one value: reading some hundred rows takes longer than hashing them.
  const aggregateHashes = (hash: PgColumn, index: PgColumn) => ({
    hashes: sql<Buffer | null>`string_agg(${hash}, ''::bytea order by ${index})`,
  });
  const [row] =
    level === 0
      ? await db
          .select(aggregateHashes(logLeaf.hash, logSequence.index))
          .from(logSequence)
          .innerJoin(logLeaf, eq(logLeaf.serial, logSequence.serial))
          .where(and(gte(logSequence.index, start), lt(logSequence.index, end)))
      : await db
          .select(aggregateHashes(logTile.hash, logTile.index))
          .from(logTile)
          .where(and(eq(logTile.level, level), gte(logTile.index, start), lt(logTile.index, end)));
  return splitHashes(row?.hashes ?? Buffer.of());
}

/** Throws RangeError if a hash has another length. Only a manual change of the database can cause this. */
function splitHashes(joined: Buffer): Uint8Array[] {
  if (joined.length % HASH_BYTES !== 0) throw new RangeError('the log has a hash of another length');
  return Array.from({ length: joined.length / HASH_BYTES }, (_, i) =>
    joined.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}

/** Returns entries from `start`, in the order of the log. */
export async function listEntries(db: Reader, start: number, count: number): Promise<string[]> {
  const rows = await db
    .select({ entry: logLeaf.entry })
    .from(logSequence)
    .innerJoin(logLeaf, eq(logLeaf.serial, logSequence.serial))
    .where(and(gte(logSequence.index, start), lt(logSequence.index, start + count)))
    .orderBy(asc(logSequence.index));
  return rows.map((row) => row.entry);
}

export async function findCheckpoint(db: Reader, size: number): Promise<CheckpointRow | null> {
  const [row] = await db.select().from(logCheckpoint).where(eq(logCheckpoint.size, size));
  return row ?? null;
}

export async function findNewestCheckpoint(db: Reader): Promise<CheckpointRow | null> {
  const [row] = await db.select().from(logCheckpoint).orderBy(desc(logCheckpoint.size)).limit(1);
  return row ?? null;
}

/** A checkpoint with the signatures of the requested witnesses. */
export interface SignedCheckpoint {
  checkpoint: CheckpointRow;
  /** The whole note, with the signature lines of these witnesses at its end. */
  note: string;
}

/** Returns the checkpoint of a size, or the newest. Returns null if there is none. */
export async function findSigned(
  db: Reader,
  size: number | 'newest',
  witnesses: readonly string[],
): Promise<SignedCheckpoint | null> {
  const newest = db.select({ size: max(logCheckpoint.size) }).from(logCheckpoint);
  const isSigned = and(eq(logCosignature.size, logCheckpoint.size), inArray(logCosignature.witness, [...witnesses]));
  const rows = await db
    .select({ checkpoint: logCheckpoint, line: logCosignature.line })
    .from(logCheckpoint)
    .leftJoin(logCosignature, isSigned)
    .where(eq(logCheckpoint.size, size === 'newest' ? newest : size))
    .orderBy(asc(logCosignature.witness));
  const [row] = rows;
  return row
    ? {
        checkpoint: row.checkpoint,
        note: [row.checkpoint.note, ...rows.map((joinedRow) => joinedRow.line ?? '')].join(''),
      }
    : null;
}

/**
 * Returns the newest checkpoint if this witness has not signed it, else null. `signed` is the size of the newest
 * checkpoint that the witness has signed, or 0.
 */
export async function findUnsigned(
  db: Reader,
  witness: string,
): Promise<{ checkpoint: CheckpointRow; signed: number } | null> {
  const signed = db
    .select({ size: max(logCosignature.size) })
    .from(logCosignature)
    .where(eq(logCosignature.witness, witness));
  const [row] = await db
    .select({ checkpoint: logCheckpoint, signed: sql`coalesce(${signed}, 0)`.mapWith(Number) })
    .from(logCheckpoint)
    .orderBy(desc(logCheckpoint.size))
    .limit(1);
  return row && row.checkpoint.size > row.signed ? row : null;
}

/** Returns checkpoints larger than `after`, oldest first. */
export async function listCheckpoints(db: Reader, after: number, limit: number): Promise<CheckpointRow[]> {
  return db
    .select()
    .from(logCheckpoint)
    .where(gt(logCheckpoint.size, after))
    .orderBy(asc(logCheckpoint.size))
    .limit(limit);
}

/** Returns a leaf by kind and subject. Its index is null while it has no place. */
export async function findLeaf(
  db: Reader,
  kind: LeafKind,
  subject: string,
): Promise<{ entry: string; hash: Uint8Array; index: number | null } | null> {
  const [row] = await db
    .select({ entry: logLeaf.entry, hash: logLeaf.hash, index: logSequence.index })
    .from(logLeaf)
    .leftJoin(logSequence, eq(logSequence.serial, logLeaf.serial))
    .where(and(eq(logLeaf.kind, kind), eq(logLeaf.subject, subject)));
  return row ?? null;
}

/** Returns the subjects that have no leaf of that kind. */
export async function findMissingSubjects(
  db: Reader,
  kind: LeafKind,
  subjects: readonly string[],
): Promise<Set<string>> {
  const leafRows = await db
    .select({ subject: logLeaf.subject })
    .from(logLeaf)
    .where(and(eq(logLeaf.kind, kind), inArray(logLeaf.subject, [...subjects])));
  const knownSubjects = new Set(leafRows.map((row) => row.subject));
  return new Set(subjects.filter((subject) => !knownSubjects.has(subject)));
}

/** Returns, for each witness, the size of the newest checkpoint that it has signed. */
export async function listNewestCosigned(
  db: Reader,
  witnesses: readonly string[],
): Promise<{ witness: string; size: number }[]> {
  const newest = witnesses.map((witness) =>
    db
      .select({ witness: logCosignature.witness, size: logCosignature.size })
      .from(logCosignature)
      .where(eq(logCosignature.witness, witness))
      .orderBy(desc(logCosignature.size))
      .limit(1),
  );
  return (await Promise.all(newest)).flat();
}

/** Returns the signatures of these witnesses under a checkpoint. */
export async function listCosignatures(
  db: Reader,
  size: number,
  witnesses: readonly string[],
): Promise<CosignatureRow[]> {
  return db
    .select()
    .from(logCosignature)
    .where(and(eq(logCosignature.size, size), inArray(logCosignature.witness, [...witnesses])))
    .orderBy(asc(logCosignature.witness));
}

/** Stores a witness's signature. The first signature of a size stays. */
export async function insertCosignature(db: Database, row: CosignatureRow): Promise<void> {
  await db.insert(logCosignature).values(row).onConflictDoNothing();
}
