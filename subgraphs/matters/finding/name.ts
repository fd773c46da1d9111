import { foldText, RANKS, type Rank, rankMatch } from '../../kernel/finding/fold.ts';
import { displayNameOf } from '../../kernel/finding/matter-name.ts';
import type { MatterEntry } from '../matter.ts';

/** An organ with the names by which the plan's tables print it (市林业局). */
export interface NamedOrgan {
  id: string;
  /** Its full name (赣州市林业局). */
  name: string;
  printedNames: readonly string[];
}

/** A matter with its printed items. */
export interface NamedMatter {
  id: string;
  annex: number;
  row: number;
  mainItem: string;
  subItem: string | null;
}

/** Returns how well a query finds a matter by a form of its name, or by its whole id or number in the plan, or null. */
export function rankMatter(query: string, { id, annex, row, mainItem, subItem }: NamedMatter): Rank | null {
  const folded = foldText(query);
  if (folded === id || folded === `${annex}-${String(row).padStart(2, '0')}`) return RANKS.EXACT;
  return rankMatch(folded, [displayNameOf({ mainItem, subItem }), mainItem, subItem ?? ''].map(foldText));
}

/**
 * Returns how well a query finds an organ by a form of its name, or null: the full name, the printed one, and both with
 * or without the city or county, or with its level alone. A query of another level finds it last.
 */
export function rankOrgan(query: string, organ: NamedOrgan): Rank | null {
  const folded = foldText(query);
  const forms = listForms(organ).map(foldText);
  const rank = folded === organ.id ? RANKS.EXACT : rankMatch(folded, forms);
  if (rank !== null) return rank;
  const bareQuery = folded.replace(/^[市县]/, '');
  return bareQuery.length >= MIN_BARE_CHARS && forms.includes(bareQuery) ? RANKS.CONTAINS : null;
}

/** The shortest name of an organ without place and level has this many characters: 林业局. */
const MIN_BARE_CHARS = 3;

function listForms({ name, printedNames }: NamedOrgan): string[] {
  const [place = '', placeName = '', level = ''] =
    /^(\p{Script=Han}{1,8}?)([市县区旗])(?=\p{Script=Han})/u.exec(name) ?? [];
  const bareNames = [name.slice(place.length), ...printedNames.map((printed) => dropLevel(printed, level))];
  const starts = ['', level, placeName, place];
  return [...new Set([name, ...printedNames, ...bareNames.flatMap((bare) => starts.map((start) => start + bare))])];
}

function dropLevel(printed: string, level: string): string {
  return level !== '' && printed.startsWith(level) ? printed.slice(level.length) : printed;
}

/** Columns of the plan's tables that print an organ. */
const ORGAN_COLUMNS = { 市级实施单位: 'cityOrgan', 县级承接单位: 'countyOrgan' } as const;

/** Returns by organ id the names that the rows of the plan print for it. */
export function collectPrintedNames(
  rows: readonly Pick<MatterEntry, 'cityOrgan' | 'countyOrgan' | 'printed'>[],
): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const row of rows) {
    for (const [column, level] of Object.entries(ORGAN_COLUMNS)) {
      const text = row.printed.find((cell) => cell.column === column)?.text ?? '';
      if (text !== '') names.set(row[level], (names.get(row[level]) ?? new Set()).add(text));
    }
  }
  return names;
}
