import { asc, getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import type { OrganName, Succession } from '../../kernel/organ/reform.ts';
import { organ } from '../tables.ts';
import { organName, organReform, organSuccession } from './tables.ts';

/**
 * The columns of an organ, with its later names in the order of their days, or null. Of two names from one day, the
 * newer entry counts.
 */
export const ORGAN_COLUMNS = {
  ...getTableColumns(organ),
  names: sql<OrganName[] | null>`(select json_agg(json_build_object('name', later.name, 'from', later.valid_from)
      order by later.valid_from)
    from (select distinct on (valid_from) name, valid_from from ${organName} as renamed
      where renamed.organ = "organ"."id" order by valid_from, serial desc) as later)`,
};

/** Returns an organ as events have it. One that was never renamed has no member for later names. */
export function toOrganFact({ names, ...row }: typeof organ.$inferSelect & { names: OrganName[] | null }): OrganFact {
  return names === null ? row : { ...row, names };
}

/** Returns every name that an organ got later. */
export async function listLaterNames(db: Reader): Promise<{ organ: string; name: string }[]> {
  return db.select({ organ: organName.organ, name: organName.name }).from(organName);
}

/** Returns the shares of former organs, in the order of their entry. */
export async function listShares(db: Reader, condition?: SQL): Promise<Succession[]> {
  const rows = await db.select().from(organSuccession).where(condition).orderBy(asc(organSuccession.serial));
  return rows.map(({ organ, successor, validFrom: from, matters }) => ({ organ, successor, from, matters }));
}

/** Records an imported list with the names and shares that it enters. */
export async function insertReform(
  tx: Transaction,
  entry: Omit<typeof organReform.$inferInsert, 'id'>,
  { renamed, ended }: { renamed: readonly (OrganName & { organ: string })[]; ended: readonly Succession[] },
): Promise<void> {
  const reformId = crypto.randomUUID();
  await tx.insert(organReform).values({ ...entry, id: reformId });
  const names = renamed.map(({ from: validFrom, ...name }) => ({ ...name, validFrom, reformId }));
  if (names.length > 0) await tx.insert(organName).values(names);
  const shares = ended.map(({ from: validFrom, matters, ...share }) => ({
    ...{ ...share, validFrom, reformId },
    matters: matters === null ? null : [...matters],
  }));
  if (shares.length > 0) await tx.insert(organSuccession).values(shares);
}
