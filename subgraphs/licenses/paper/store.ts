import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { byText, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { blank, blankEntry, sheet } from '../tables.ts';
import { type Blank, type BlankState, SEED_ACTOR } from './paper.ts';

export type SheetRow = typeof sheet.$inferSelect;

export async function lockBlank(tx: Transaction, number: string): Promise<Blank | null> {
  const [row] = await tx.select().from(blank).where(eq(blank.number, number)).for('update');
  return row ?? null;
}

/** Refuses BLANK_RANGE_TAKEN if a blank has one of these numbers, in the stock of whatever organ. */
export async function requireFreeNumbers(db: Reader, numbers: readonly string[]): Promise<void> {
  const [taken] = await db
    .select({ number: blank.number })
    .from(blank)
    .where(inArray(blank.number, [...numbers]))
    .limit(1);
  if (taken) throw new Refusal('BLANK_RANGE_TAKEN', 'from');
}

/** The order of `blanks`. */
export const BLANK_ORDER = byText('blanks', blank.number, (row: Blank) => row.number);

/** Lists the blanks of an organ by number. */
export function listBlanks(
  db: Reader,
  organ: string,
  state: BlankState | null,
  page: KeysetRequest,
): Promise<Page<Blank>> {
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(blank)
      .where(and(eq(blank.organ, organ), state === null ? undefined : eq(blank.state, state), keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
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

/** Voids the blanks in an organ's stock that a demonstration's seed received. Enters each in the blank's ledger. */
export async function voidSeedBlanks(
  tx: Transaction,
  organ: string,
  entry: { actor: string; reason: string; at: Date },
): Promise<void> {
  const isOfSeed = tx
    .select({ number: blankEntry.number })
    .from(blankEntry)
    .where(and(eq(blankEntry.seq, 1), eq(blankEntry.actor, SEED_ACTOR)));
  const voided = await tx
    .update(blank)
    .set({ state: 'VOIDED' })
    .where(and(eq(blank.organ, organ), eq(blank.state, 'IN_STOCK'), inArray(blank.number, isOfSeed)))
    .returning({ number: blank.number });
  if (voided.length === 0) return;
  const seq = (number: string) => sql`(select max(seq) + 1 from ${blankEntry} where number = ${number})`;
  const rows = voided.map(({ number }) => ({ number, seq: seq(number), state: 'VOIDED' as const, ...entry }));
  await tx.insert(blankEntry).values(rows);
}
