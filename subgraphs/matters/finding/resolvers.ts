import type { Reader } from '../../../db/client.ts';
import { foldText, type Rank } from '../../kernel/finding/fold.ts';
import {
  buildInputError,
  byValues,
  cutPage,
  idPart,
  numberPart,
  type PageRequest,
  readPage,
  toConnection,
} from '../../kernel/http/page.ts';
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
const BY_RANK_AND_PLAN = byValues<MatterPosition>({ rank: numberPart(1), annex: numberPart(1), row: numberPart(4) });
const BY_RANK_AND_ID = byValues<OrganPosition>({ rank: numberPart(1), id: idPart });

const compareMatters = (a: MatterPosition, b: MatterPosition) => a.rank - b.rank || a.annex - b.annex || a.row - b.row;
const compareOrgans = (a: OrganPosition, b: OrganPosition) =>
  a.rank - b.rank || (a.id < b.id ? -1 : Number(a.id > b.id));

/** Searches of the catalogue by any form of a name. They are public, as the catalogue is. */
export function findingResolvers(db: Reader) {
  return {
    searchMatters: async (_, args) => {
      const text = requireSearchText(args.text);
      const found = rankAll(await listMatterNames(db), (matter) => rankMatter(text, matter));
      const page = takePage(found, compareMatters, readPage(args, BY_RANK_AND_PLAN));
      const matters = await findMatters(
        db,
        page.rows.map(({ id }) => id),
      );
      const rows = page.rows.flatMap((position, i) => (matters[i] ? [{ ...position, matter: matters[i] }] : []));
      const connection = toConnection(
        { ...page, rows },
        BY_RANK_AND_PLAN,
        (row) => row,
        ({ matter }) => matter,
      );
      return { ...connection, totalCount: found.length };
    },
    searchOrgans: async (_, args) => {
      const text = requireSearchText(args.text);
      const found = rankAll(await listOrganNames(db), (organ) => rankOrgan(text, organ));
      const page = takePage(found, compareOrgans, readPage(args, BY_RANK_AND_ID));
      const organs = await findOrgans(
        db,
        page.rows.map(({ id }) => id),
      );
      const rows = page.rows.flatMap((position, i) => (organs[i] ? [{ ...position, organ: organs[i] }] : []));
      return toConnection(
        { ...page, rows },
        BY_RANK_AND_ID,
        (row) => row,
        ({ organ }) => organ,
      );
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

function takePage<Position, Row extends Position>(
  rows: readonly Row[],
  compare: (a: Position, b: Position) => number,
  { first, after }: PageRequest<Position>,
) {
  const rest = rows.toSorted(compare).filter((row) => after === null || compare(row, after) > 0);
  return cutPage(rest, first);
}
