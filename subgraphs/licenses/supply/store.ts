import { eq, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { blankSeries } from '../paper/store.ts';
import { blank, blankBox, numberSeries } from '../tables.ts';
import type { Holding } from './supply.ts';

/** What organs have of numbers and blanks. */

/** Returns the newest running number of each series in a year. */
export function listSeries(db: Reader, year: number): Promise<{ series: string; newest: number }[]> {
  return db
    .select({ series: numberSeries.series, newest: numberSeries.newest })
    .from(numberSeries)
    .where(eq(numberSeries.year, year));
}

/**
 * Returns, for each box and organ, how many of its blanks the organ has or has used, and how many of these are no
 * longer in stock. Blanks on their way to another organ count for neither.
 */
export async function listHoldings(db: Reader): Promise<Holding[]> {
  return db
    .select({
      organ: blank.organ,
      licenseType: blank.licenseType,
      room: sql<number>`count(*)::int`,
      used: sql<number>`(count(*) filter (where ${blank.state} <> 'IN_STOCK'))::int`,
    })
    .from(blank)
    .innerJoin(
      blankBox,
      sql`${blankBox.prefix} = ${blankSeries.prefix} and ${blankBox.digits} = ${blank.digits}
        and ${blankSeries.serial} between ${blankBox.first} and ${blankBox.last}`,
    )
    .where(sql`${blank.state} <> 'IN_TRANSIT'`)
    .groupBy(blank.organ, blank.licenseType, blankBox.prefix, blankBox.digits, blankBox.first);
}
