import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { foldText } from '../../kernel/finding/fold.ts';
import { type NumberScope, printedNumber } from '../../kernel/license-type/license-key.ts';
import { certificateTask, license, licenseVersion } from '../tables.ts';
import { licenseSerial, numberSeries, reservedNumber } from './tables.ts';

/** Lets one transaction at a time reserve numbers and serials. Held until the transaction ends. */
export async function lockNumbers(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('license numbers', 0))`);
}

/** Takes the next running number of a series in a year, from 1. */
export async function takeRunning(tx: Transaction, series: string, year: number): Promise<number> {
  const [row] = await tx
    .insert(numberSeries)
    .values({ series, year, newest: 1 })
    .onConflictDoUpdate({
      target: [numberSeries.series, numberSeries.year],
      set: { newest: sql`${numberSeries.newest} + 1` },
    })
    .returning({ newest: numberSeries.newest });
  if (!row) throw new Error(`series ${series}: no number taken`);
  return row.newest;
}

/** Moves a series on to a running number. */
export async function moveSeries(tx: Transaction, series: string, year: number, newest: number): Promise<void> {
  await tx
    .update(numberSeries)
    .set({ newest })
    .where(and(eq(numberSeries.series, series), eq(numberSeries.year, year)));
}

/** Returns which of these numbers are taken, folded, and which of these serials are, within a scope. */
export async function findTaken(
  tx: Transaction,
  scope: NumberScope,
  candidates: readonly { number: string; serial: string }[],
): Promise<{ numbers: Set<string>; serials: Set<string> }> {
  const numbers = candidates.map(({ number }) => foldText(number));
  const serials = candidates.map(({ serial }) => serial);
  const takenNumbers = await tx.select().from(reservedNumber).where(inArray(reservedNumber.number, numbers));
  const takenSerials = await tx
    .select({ serial: licenseSerial.serial })
    .from(licenseSerial)
    .where(
      and(
        eq(licenseSerial.typeCode, scope.typeCode),
        eq(licenseSerial.uscc, scope.uscc),
        inArray(licenseSerial.serial, serials),
      ),
    );
  return {
    numbers: new Set(takenNumbers.map(({ number }) => number)),
    serials: new Set(takenSerials.map(({ serial }) => serial)),
  };
}

/** A serial that names a license within a scope. `number` is its key. */
export type NewSerial = NumberScope & { serial: string; number: string };

export function toSerialRow(row: NewSerial): typeof licenseSerial.$inferInsert {
  return { ...row, printed: foldText(printedNumber(row.number)) };
}

/** Enters the key of a new license, with the serial by which identifiers name it. */
export async function insertNumber(tx: Transaction, row: NewSerial): Promise<void> {
  await tx.insert(reservedNumber).values({ number: foldText(row.number) });
  await insertSerial(tx, row);
}

export async function insertSerial(tx: Transaction, row: NewSerial): Promise<void> {
  await tx.insert(licenseSerial).values(toSerialRow(row));
}

/** Returns the serial that names a number within a scope, or null if none does yet. */
export async function findSerial(tx: Transaction, scope: NumberScope, number: string): Promise<string | null> {
  const [row] = await tx
    .select({ serial: licenseSerial.serial })
    .from(licenseSerial)
    .where(
      and(
        eq(licenseSerial.typeCode, scope.typeCode),
        eq(licenseSerial.uscc, scope.uscc),
        eq(licenseSerial.number, number),
      ),
    );
  return row?.serial ?? null;
}

/** Keeps the number that a task has reserved: every later attempt uses it. */
export async function keepNumber(tx: Transaction, caseId: string, number: string): Promise<void> {
  await tx.update(certificateTask).set({ number }).where(eq(certificateTask.caseId, caseId));
}

/** Returns the license number of a version, or null if no version has the identifier. */
export async function findNumberOf(db: Reader, identifier: string): Promise<string | null> {
  const [row] = await db
    .select({ number: licenseVersion.number })
    .from(licenseVersion)
    .where(eq(licenseVersion.identifier, identifier));
  return row?.number ?? null;
}

/** Returns the keys of the licenses that have this number on paper, in any width. */
export async function findKeys(db: Reader, printed: string): Promise<string[]> {
  const rows = await db
    .select({ number: license.number })
    .from(license)
    .where(eq(sql`licenses.fold_text(${license.printed})`, foldText(printed)));
  return rows.map(({ number }) => number);
}
