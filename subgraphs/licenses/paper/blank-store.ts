import { asc, eq, inArray, sql } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { WriteOff } from '../stock/stock.ts';
import { blank, blankBox, blankEntry, blankWriteOff } from '../tables.ts';
import { type Blank, type BlankBox, type BlankState, listBlankNumbers } from './paper.ts';

/** Numbered blanks (空白证照) and their append-only ledger. No other file writes either. */

/** Locks blanks until the transaction ends, in one order, so that two acts on the same blanks wait for each other. */
export async function lockBlanks(tx: Transaction, numbers: readonly string[]): Promise<Map<string, Blank>> {
  const rows = await tx
    .select()
    .from(blank)
    .where(inArray(blank.number, [...numbers]))
    .orderBy(asc(blank.number))
    .for('update');
  return new Map(rows.map((row) => [row.number, row]));
}

export async function lockBlank(tx: Transaction, number: string): Promise<Blank | null> {
  const [row] = await tx.select().from(blank).where(eq(blank.number, number)).for('update');
  return row ?? null;
}

/** What moves blanks. `organ`: in whose stock they are from then on. Absent: in the same as before. */
interface Move {
  identifier: string | null;
  actId: string | null;
  proposalId?: string;
  organ?: string | undefined;
  actor: string;
  at: Date;
}

/** Changes the state of blanks and enters it in the ledger of each. The caller must hold the locks on their rows. */
export async function moveBlanks(
  tx: Transaction,
  numbers: readonly string[],
  state: BlankState,
  entry: Move,
): Promise<void> {
  const { identifier, organ } = entry;
  const movedBlanks = tx.$with('moved').as(
    tx
      .update(blank)
      .set({ state, identifier, organ })
      .where(inArray(blank.number, [...numbers]))
      .returning({ number: blank.number }),
  );
  const nextSeq = (number: string) =>
    sql`(select coalesce(max(seq), 0) + 1 from ${blankEntry} where number = ${number})`;
  await tx
    .with(movedBlanks)
    .insert(blankEntry)
    .values(numbers.map((number) => ({ number, state, ...entry, seq: nextSeq(number) })));
}

/** Takes a box of new blanks into an organ's stock. Refuses BLANK_RANGE_TAKEN, and takes none, if a number exists. */
export async function receiveBox(tx: Transaction, box: BlankBox, entry: { actor: string; at: Date }): Promise<void> {
  const { prefix, digits, from: first, to: last, organ, licenseType } = box;
  const numbers = listBlankNumbers(box);
  const rows = numbers.map((number) => ({ number, digits, organ, licenseType, state: 'IN_STOCK' as const }));
  const insertedBlanks = await tx.insert(blank).values(rows).onConflictDoNothing().returning({ number: blank.number });
  if (insertedBlanks.length !== numbers.length) throw new Refusal('BLANK_RANGE_TAKEN', 'from');
  await tx.insert(blankBox).values({ prefix, digits, first, last, organ, licenseType, ...entry });
  await tx
    .insert(blankEntry)
    .values(numbers.map((number) => ({ number, seq: 1, state: 'IN_STOCK' as const, ...entry })));
}

/** Writes off blanks of a stock: they are VOIDED for good. The caller must hold the locks on their rows. */
export async function writeOffBox(
  tx: Transaction,
  { organ, reason, ...range }: WriteOff,
  { remark, ...entry }: { proposalId: string; remark: string; actor: string; at: Date },
): Promise<void> {
  const { from: first, to: last, ...series } = range;
  await tx.insert(blankWriteOff).values({ ...series, first, last, organ, reason, remark, ...entry });
  const numbers = listBlankNumbers(range);
  await moveBlanks(tx, numbers, 'VOIDED', { identifier: null, actId: null, ...entry });
}
