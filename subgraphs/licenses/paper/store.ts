import { and, asc, desc, eq, getTableColumns, inArray, isNull, or, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import type { Day } from '../../kernel/day.ts';
import { byText, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { blank, blankEntry, licenseVersion, sheet } from '../tables.ts';
import { buildStateOn } from '../validity/store.ts';
import { type Blank, type BlankState, SEED_ACTOR, type Sheet } from './paper.ts';

/** A sheet with the state of its version on a day. */
export type SheetOnDay = Omit<typeof sheet.$inferSelect, 'validity'> & Pick<Sheet, 'validity'>;

/** Refuses BLANK_RANGE_TAKEN if a blank has one of these numbers, in the stock of whatever organ. */
export async function requireFreeNumbers(db: Reader, numbers: readonly string[]): Promise<void> {
  const [taken] = await db
    .select({ number: blank.number })
    .from(blank)
    .where(inArray(blank.number, [...numbers]))
    .orderBy(asc(blank.number))
    .limit(1);
  if (taken) throw new Refusal('BLANK_RANGE_TAKEN', 'from', taken.number);
}

/** The prefix and the running number of a blank in SQL. */
export const blankSeries = {
  prefix: sql<string>`left(${blank.number}, -${blank.digits})`,
  serial: sql<number>`right(${blank.number}, ${blank.digits})::int`,
};

/** The order of `blanks`. */
export const BLANK_ORDER = byText('blanks', blank.number, (row: Blank) => row.number);

/** Which blanks: in the stock of organs, in a state, fit for licenses of a type, by their numbers. Null: all. */
export interface BlankSelection {
  organs: ReadScope;
  state: BlankState | null;
  licenseType: string | null;
  prefix: string | null;
  digits: number | null;
  from: number | null;
  to: number | null;
}

/** Lists blanks by number. */
export function listBlanks(
  db: Reader,
  { organs, state, licenseType, prefix, digits, from, to }: BlankSelection,
  page: KeysetRequest,
): Promise<Page<Blank>> {
  const conditions = and(
    isInScope(blank.organ, organs),
    state === null ? undefined : eq(blank.state, state),
    licenseType === null ? undefined : or(isNull(blank.licenseType), eq(blank.licenseType, licenseType)),
    prefix === null ? undefined : sql`${blankSeries.prefix} = ${prefix}`,
    digits === null ? undefined : eq(blank.digits, digits),
    from === null ? undefined : sql`${blankSeries.serial} >= ${from}`,
    to === null ? undefined : sql`${blankSeries.serial} <= ${to}`,
  );
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(blank)
      .where(and(conditions, keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** The columns of a sheet, with the state of its version on a day. */
const onDay = (day: Day) => {
  const columns = { ...getTableColumns(licenseVersion), state: sheet.validity };
  return { ...getTableColumns(sheet), validity: buildStateOn(columns, day) };
};

/** Lists the sheets of versions, oldest first; those of one act in their order, the original first. */
export async function listSheets(db: Reader, identifiers: readonly string[], day: Day): Promise<SheetOnDay[]> {
  return db
    .select(onDay(day))
    .from(sheet)
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, sheet.identifier))
    .where(inArray(sheet.identifier, [...identifiers]))
    .orderBy(asc(sheet.printedAt), desc(sheet.kind), asc(sheet.place), asc(sheet.blankNumber));
}

/** Locks a sheet of a version until the transaction ends. Returns null if there is no such sheet. */
export async function lockSheet(
  tx: Transaction,
  { blankNumber, identifier }: { blankNumber: string; identifier: string },
  day: Day,
): Promise<SheetOnDay | null> {
  const isSheet = and(eq(sheet.blankNumber, blankNumber), eq(sheet.identifier, identifier));
  // Two queries, because a join that locks would lock the version too.
  const [, [row]] = await inOrder(tx, [
    (tx) => tx.select({ blankNumber: sheet.blankNumber }).from(sheet).where(isSheet).for('update'),
    (tx) =>
      tx
        .select(onDay(day))
        .from(sheet)
        .innerJoin(licenseVersion, eq(licenseVersion.identifier, sheet.identifier))
        .where(isSheet),
  ]);
  return row ?? null;
}

/** Locks the printed sheets of a version that nobody has handed over. Returns the numbers of their blanks. */
export async function lockPrintedSheets(tx: Transaction, identifier: string): Promise<string[]> {
  const rows = await tx
    .select({ blankNumber: sheet.blankNumber })
    .from(sheet)
    .where(and(eq(sheet.identifier, identifier), eq(sheet.state, 'PRINTED')))
    .orderBy(asc(sheet.blankNumber))
    .for('update');
  return rows.map(({ blankNumber }) => blankNumber);
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
