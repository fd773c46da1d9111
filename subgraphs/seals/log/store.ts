import { and, asc, desc, eq, gt, gte, inArray, lt, sql } from 'drizzle-orm';
import type { Database, Reader, Transaction } from '../../../db/client.ts';
import { EMPTY_ROOT, type Head } from '../../kernel/tlog/tree.ts';
import type { Leaf, LeafKind } from './leaf.ts';
import { logCheckpoint, logCosignature, logHead, logKey, logLeaf, logPending, logSequence, logTile } from './tables.ts';
import type { TileHash } from './tile.ts';

export type KeyRow = typeof logKey.$inferSelect;
export type CheckpointRow = typeof logCheckpoint.$inferSelect;
export type CosignatureRow = typeof logCosignature.$inferSelect;

/** The head is one row. */
const HEAD = 1;
/** Names of the advisory locks of this room; locks are the database's, so no other subgraph may use these. */
const LOCKS = { sequence: 7_310_021, publish: 7_310_022 } as const;

/**
 * Writes leaves in the transaction of what they are about: nothing is signed without its leaf, and no leaf stands without what
 * it says. Throws where one of the same kind and subject is there already.
 */
export async function enter(tx: Transaction, leaves: readonly Leaf[]): Promise<void> {
  if (leaves.length > 0) await entering(tx, leaves);
}

/** The same as a statement that is not sent yet; of one leaf or more. */
export function entering(tx: Transaction, leaves: readonly Leaf[]) {
  const written = tx
    .insert(logLeaf)
    .values([...leaves])
    .returning({ serial: logLeaf.serial });
  return tx.execute(sql`with written as ${written} insert into ${logPending} (serial) select serial from written`);
}

/** Lines up leaves that have neither a place nor wait for one, which only a hand in the database can bring about. */
export async function lineUpLost(tx: Transaction): Promise<void> {
  await tx.execute(sql`insert into ${logPending} (serial) select l.serial from ${logLeaf} l
    where not exists (select 1 from ${logSequence} s where s.serial = l.serial)
    and not exists (select 1 from ${logPending} p where p.serial = l.serial)`);
}

/** Whether this transaction alone now gives places, or publishes; never waits. */
export async function tryLock(tx: Transaction, what: keyof typeof LOCKS): Promise<boolean> {
  const [row] = await tx.execute(sql`select pg_try_advisory_xact_lock(${LOCKS[what]}) as locked`);
  return row?.locked === true;
}

export async function findKey(db: Reader): Promise<KeyRow | null> {
  const [row] = await db.select().from(logKey).limit(1);
  return row ?? null;
}

export async function insertKey(tx: Transaction, row: KeyRow): Promise<void> {
  await tx.insert(logKey).values(row);
}

/** The head, and a first one where there is none. */
export async function makeHead(tx: Transaction): Promise<void> {
  await tx.insert(logHead).values({ id: HEAD, size: 0, root: EMPTY_ROOT }).onConflictDoNothing();
}

export async function findHead(db: Reader): Promise<Head | null> {
  const [row] = await db.select({ size: logHead.size, root: logHead.root }).from(logHead).where(eq(logHead.id, HEAD));
  return row ?? null;
}

/** Moves the head; gives false where it is no longer the one that was read. */
export async function moveHead(tx: Transaction, from: Head, to: Head): Promise<boolean> {
  const still = and(eq(logHead.id, HEAD), eq(logHead.size, from.size), eq(logHead.root, from.root));
  const moved = await tx
    .update(logHead)
    .set({ size: to.size, root: to.root })
    .where(still)
    .returning({ id: logHead.id });
  return moved.length === 1;
}

export async function isAnyPending(db: Reader): Promise<boolean> {
  return (await db.select().from(logPending).limit(1)).length > 0;
}

/** Leaves without a place, in the order in which they were written. */
export async function listPending(db: Reader, limit: number): Promise<{ serial: number; hash: Uint8Array }[]> {
  return db
    .select({ serial: logPending.serial, hash: logLeaf.hash })
    .from(logPending)
    .innerJoin(logLeaf, eq(logLeaf.serial, logPending.serial))
    .orderBy(asc(logPending.serial))
    .limit(limit);
}

/** Gives leaves their places, from `start` on, and keeps the hashes of the tiles that became whole. */
export async function insertPlaces(
  tx: Transaction,
  start: number,
  serials: readonly number[],
  made: readonly TileHash[],
): Promise<void> {
  await tx.insert(logSequence).values(serials.map((serial, i) => ({ index: start + i, serial })));
  await tx.delete(logPending).where(inArray(logPending.serial, [...serials]));
  if (made.length > 0) await tx.insert(logTile).values([...made]);
}

export async function insertCheckpoint(tx: Transaction, row: CheckpointRow): Promise<void> {
  await tx.insert(logCheckpoint).values(row);
}

/** Hashes of a level of tiles from `start`: leaves on level 0, whole tiles above. */
export async function listHashes(db: Reader, level: number, start: number, count: number): Promise<Uint8Array[]> {
  const end = start + count;
  const rows =
    level === 0
      ? await db
          .select({ hash: logLeaf.hash })
          .from(logSequence)
          .innerJoin(logLeaf, eq(logLeaf.serial, logSequence.serial))
          .where(and(gte(logSequence.index, start), lt(logSequence.index, end)))
          .orderBy(asc(logSequence.index))
      : await db
          .select({ hash: logTile.hash })
          .from(logTile)
          .where(and(eq(logTile.level, level), gte(logTile.index, start), lt(logTile.index, end)))
          .orderBy(asc(logTile.index));
  return rows.map((row) => row.hash);
}

/** Entries from `start`, in the order of the log. */
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

/** Checkpoints after one of `size`, the oldest first. */
export async function listCheckpoints(db: Reader, after: number, limit: number): Promise<CheckpointRow[]> {
  return db
    .select()
    .from(logCheckpoint)
    .where(gt(logCheckpoint.size, after))
    .orderBy(asc(logCheckpoint.size))
    .limit(limit);
}

/** A leaf by what it is about, with its place, null where it has none yet. */
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

/** Of these, the subjects that have no leaf of that kind. */
export async function listUnknown(db: Reader, kind: LeafKind, subjects: readonly string[]): Promise<Set<string>> {
  const known = await db
    .select({ subject: logLeaf.subject })
    .from(logLeaf)
    .where(and(eq(logLeaf.kind, kind), inArray(logLeaf.subject, [...subjects])));
  const there = new Set(known.map((row) => row.subject));
  return new Set(subjects.filter((subject) => !there.has(subject)));
}

/** The size of the newest checkpoint that each of these witnesses has signed. */
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

/** What these witnesses signed of a checkpoint. */
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

/** Keeps what a witness signed; the first of a size stays. */
export async function insertCosignature(db: Database, row: CosignatureRow): Promise<void> {
  await db.insert(logCosignature).values(row).onConflictDoNothing();
}
