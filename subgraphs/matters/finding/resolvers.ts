import type { Reader } from '../../../db/client.ts';
import { foldText, type Rank } from '../../kernel/finding/fold.ts';
import {
  buildInputError,
  cutRows,
  idPart,
  type ListOrder,
  numberPart,
  readPage,
  toConnection,
} from '../../kernel/list/page.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findMatters, findOrgans } from '../store.ts';
import { rankMatter, rankOrgan } from './name.ts';
import { listMatterNames, listOrganNames } from './store.ts';

interface MatterPosition {
  rank: number;
  annex: number;
  row: number;
}
interface OrganPosition {
  rank: number;
  id: string;
}

/** The order of `searchMatters`: best first, then as in the plan. */
const BY_RANK_AND_PLAN: ListOrder<MatterPosition> = {
  name: 'searchMatters',
  direction: 'ASC',
  keys: [
    { part: numberPart(1), readValue: ({ rank }) => rank },
    { part: numberPart(1), readValue: ({ annex }) => annex },
    { part: numberPart(4), readValue: ({ row }) => row },
  ],
};

/** The order of `searchOrgans`: best first, then by id. */
const BY_RANK_AND_ID: ListOrder<OrganPosition> = {
  name: 'searchOrgans',
  direction: 'ASC',
  keys: [
    { part: numberPart(1), readValue: ({ rank }) => rank },
    { part: idPart, readValue: ({ id }) => id },
  ],
};

const compareMatters = (a: MatterPosition, b: MatterPosition) => a.rank - b.rank || a.annex - b.annex || a.row - b.row;
const compareOrgans = (a: OrganPosition, b: OrganPosition) =>
  a.rank - b.rank || (a.id < b.id ? -1 : Number(a.id > b.id));

/** Searches of the catalogue by any form of a name. They are public, as the catalogue is. */
export function findingResolvers(db: Reader) {
  return {
    searchMatters: async (_, args) => {
      const text = requireSearchText(args.text);
      const found = rankAll(await listMatterNames(db), (matter) => rankMatter(text, matter));
      const page = cutRows(found.toSorted(compareMatters), readPage(args, BY_RANK_AND_PLAN));
      const matters = await findMatters(
        db,
        page.rows.map(({ id }) => id),
      );
      const rows = page.rows.flatMap((position, i) => (matters[i] ? [{ ...position, matter: matters[i] }] : []));
      const connection = toConnection({ ...page, rows }, BY_RANK_AND_PLAN, ({ matter }) => matter);
      return { ...connection, totalCount: found.length };
    },
    searchOrgans: async (_, args) => {
      const text = requireSearchText(args.text);
      const found = rankAll(await listOrganNames(db), (organ) => rankOrgan(text, organ));
      const page = cutRows(found.toSorted(compareOrgans), readPage(args, BY_RANK_AND_ID));
      const organs = await findOrgans(
        db,
        page.rows.map(({ id }) => id),
      );
      const rows = page.rows.flatMap((position, i) => (organs[i] ? [{ ...position, organ: organs[i] }] : []));
      return toConnection({ ...page, rows }, BY_RANK_AND_ID, ({ organ }) => organ);
    },
  } satisfies Resolvers['Query'];
}

/** Throws BAD_USER_INPUT if nothing of a text remains once it is folded. */
function requireSearchText(text: string): string {
  if (foldText(text) === '') throw buildInputError('请填写要查找的内容。', 'text');
  return text;
}

/** Returns the items that have a rank, with it. */
function rankAll<Item>(items: readonly Item[], rankOf: (item: Item) => Rank | null): (Item & { rank: Rank })[] {
  return items.flatMap((item) => {
    const rank = rankOf(item);
    return rank === null ? [] : [{ ...item, rank }];
  });
}
