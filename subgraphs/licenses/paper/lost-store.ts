import { and, desc, eq, getTableColumns, inArray, isNotNull } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { type ColumnOrder, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import { idPart, instantPart, type Page } from '../../kernel/list/page.ts';
import type { LicenseRecord } from '../act/record.ts';
import { licenseVersion, sheet } from '../tables.ts';

/** Sheets that were declared lost and void (遗失作废), for the public. */

/** A lost sheet, with the record of its version. */
export type LostSheet = typeof sheet.$inferSelect & { lostAt: Date; record: LicenseRecord };

/** The order of `lostPapers`: newest first. */
export const LOST_ORDER: ColumnOrder<LostSheet> = {
  name: 'lostPapers',
  direction: 'DESC',
  keys: [
    { column: sheet.lostAt, part: instantPart, readValue: ({ lostAt }) => lostAt },
    { column: sheet.blankNumber, part: idPart, readValue: ({ blankNumber }) => blankNumber },
  ],
};

const isLost = isNotNull(sheet.lostAt);
const select = (db: Reader) =>
  db
    .select({ ...getTableColumns(sheet), record: licenseVersion.record })
    .from(sheet)
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, sheet.identifier));
const toLost = (row: Omit<LostSheet, 'lostAt'> & { lostAt: Date | null }): LostSheet => {
  if (row.lostAt === null) throw new Error(`sheet ${row.blankNumber} is not lost`);
  return { ...row, lostAt: row.lostAt };
};

/** Lists the sheets that were declared lost, those that turned up again too. */
export function listLostSheets(db: Reader, page: KeysetRequest): Promise<Page<LostSheet>> {
  return selectPage(page, async ({ condition, orderBy, limit }) => {
    const rows = select(db).where(and(isLost, condition));
    return (await rows.orderBy(...orderBy).limit(limit)).map(toLost);
  });
}

/** Returns the lost sheets of versions, by identifier, the original first. */
export async function findLostSheets(db: Reader, identifiers: readonly string[]): Promise<Map<string, LostSheet[]>> {
  const rows = await select(db)
    .where(and(isLost, inArray(sheet.identifier, [...identifiers])))
    .orderBy(desc(sheet.kind), sheet.place, sheet.blankNumber);
  return Map.groupBy(rows.map(toLost), ({ identifier }) => identifier);
}
