import { asc } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { listLaterNames } from '../organ/store.ts';
import { matter, organ } from '../tables.ts';
import { collectPrintedNames, type NamedMatter, type NamedOrgan } from './name.ts';

/** Returns the names of all matters. The plan has 108. */
export function listMatterNames(db: Reader): Promise<NamedMatter[]> {
  const { id, annex, row, mainItem, subItem } = matter;
  return db.select({ id, annex, row, mainItem, subItem }).from(matter);
}

/** Returns the names of all organs, in the order of their ids, with those that the rows of the plan print. */
export async function listOrganNames(db: Reader): Promise<NamedOrgan[]> {
  const { cityOrgan, countyOrgan, printed } = matter;
  const [organs, rows] = await Promise.all([
    db.select({ id: organ.id, name: organ.name }).from(organ).orderBy(asc(organ.id)),
    db.select({ cityOrgan, countyOrgan, printed }).from(matter),
  ]);
  const printedNames = collectPrintedNames(rows);
  const laterNames = Map.groupBy(await listLaterNames(db), (later) => later.organ);
  return organs.map((named) => {
    const later = (laterNames.get(named.id) ?? []).map(({ name }) => name);
    return { ...named, printedNames: [...new Set([...(printedNames.get(named.id) ?? []), ...later])] };
  });
}
