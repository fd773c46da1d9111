import { and, asc, between, eq, inArray } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Blank } from '../paper/paper.ts';
import { blankSeries } from '../paper/store.ts';
import { blank, blankBox, blankEntry, blankWriteOff } from '../tables.ts';

/** What the ledgers say of single blanks (空白证照). Only reads. */

/** Finds blanks by number. */
export async function findBlanks(db: Reader, numbers: readonly string[]): Promise<Map<string, Blank>> {
  const rows = await db
    .select()
    .from(blank)
    .where(inArray(blank.number, [...numbers]));
  return new Map(rows.map((row) => [row.number, row]));
}

/** The box of a blank. */
export type StoredBox = typeof blankBox.$inferSelect;

/** Returns the box in which each blank was delivered, by the number of the blank. */
export async function findBoxes(db: Reader, numbers: readonly string[]): Promise<Map<string, StoredBox>> {
  const isOfBox = and(
    eq(blankBox.prefix, blankSeries.prefix),
    eq(blankBox.digits, blank.digits),
    between(blankSeries.serial, blankBox.first, blankBox.last),
  );
  const rows = await db
    .select({ number: blank.number, box: blankBox })
    .from(blank)
    .innerJoin(blankBox, isOfBox)
    .where(inArray(blank.number, [...numbers]));
  return new Map(rows.map(({ number, box }) => [number, box]));
}

export type BlankMoveRow = Awaited<ReturnType<typeof selectMoves>>[number];

function selectMoves(db: Reader, numbers: readonly string[]) {
  return db
    .select({ entry: blankEntry, writeOff: blankWriteOff })
    .from(blankEntry)
    .leftJoin(blankWriteOff, eq(blankWriteOff.proposalId, blankEntry.proposalId))
    .where(inArray(blankEntry.number, [...numbers]))
    .orderBy(asc(blankEntry.number), asc(blankEntry.seq));
}

/** Returns what happened to each blank, oldest first, by number. */
export async function listMoves(db: Reader, numbers: readonly string[]): Promise<Map<string, BlankMoveRow[]>> {
  return Map.groupBy(await selectMoves(db, numbers), ({ entry }) => entry.number);
}
