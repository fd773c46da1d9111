import type { Reader } from '../../../db/client.ts';
import { rankMatter, rankOrgan } from './name.ts';
import { listMatterNames, listOrganNames } from './store.ts';

/** Returns the ids of the matters that a text finds, in no order. An empty text finds all. */
export async function findMatterIds(db: Reader, text: string): Promise<string[]> {
  const matters = await listMatterNames(db);
  return matters.filter((matter) => rankMatter(text, matter) !== null).map(({ id }) => id);
}

/** Returns the ids of the organs that a text finds, in no order. An empty text finds all. */
export async function findOrganIds(db: Reader, text: string): Promise<string[]> {
  const organs = await listOrganNames(db);
  return organs.filter((organ) => rankOrgan(text, organ) !== null).map(({ id }) => id);
}
