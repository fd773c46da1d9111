import type { Transaction } from '../../../db/client.ts';
import { dayOf } from '../../kernel/day.ts';
import { sha256 } from '../../kernel/events/events.ts';
import { findUnprintable } from '../../kernel/pdf/document.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { requireLine } from '../../kernel/text.ts';
import { listShares } from '../organ/store.ts';
import { findMatters, findOrgans, lockImport, replaceHistories } from '../store.ts';
import type { ParsedList } from './csv.ts';
import { applyList, type ImportLine, type MatterChange, type Problem, type Register, toProblem } from './import.ts';
import * as store from './store.ts';

const MAX_BASIS_CHARS = 100;

/** Refuses FIELD_TOO_LONG, FIELD_MALFORMED for the document that orders a change. */
export function requireBasis(basis: string | null): void {
  if (basis !== null) requireLine(basis, MAX_BASIS_CHARS, 'basis');
}

export interface ImportOutcome {
  /** Null if nothing changed. */
  entry: store.ImportEntry | null;
  changes: MatterChange[];
  unchanged: number;
  /** If there is any, nothing was imported. */
  problems: Problem[];
}

/**
 * Imports a list (下放清单), all of it or nothing. The same list again changes nothing and is not recorded. Must be called
 * inside a transaction.
 */
export async function importList(
  tx: Transaction,
  list: ParsedList,
  { csv, basis }: { csv: string; basis: string | null },
  { id: actorId, name: actor, at }: { id: string; name: string; at: Date },
): Promise<ImportOutcome> {
  await lockImport(tx);
  const { changes, unchanged, matters, problems } = applyList(list.lines, {
    ...(await readRegister(tx, list.lines)),
    ended: new Set((await listShares(tx)).map(({ organ }) => organ)),
    today: dayOf(at),
  });
  const allProblems = [...list.problems, ...problems, ...listUnprintable(list.lines)].sort((a, b) => a.line - b.line);
  if (allProblems.length > 0) return { entry: null, changes: [], unchanged: 0, problems: allProblems };
  for (const matter of matters) await replaceHistories(tx, matter, at);
  if (changes.length === 0) return { entry: null, changes, unchanged, problems: [] };
  const record = { importedAt: at, actorId, actor, basis, digest: sha256(csv) };
  const entry = await store.insertEntry(tx, { ...record, changed: changes.length, unchanged }, changes);
  return { entry, changes, unchanged, problems: [] };
}

/** Returns the matters that the lines name, and every organ that the lines or these matters name. */
async function readRegister(
  tx: Parameters<typeof findMatters>[0],
  lines: readonly ImportLine[],
): Promise<Pick<Register, 'matters' | 'organs'>> {
  const ids = [...new Set(lines.map((line) => line.matterId))];
  const knownMatters = (await findMatters(tx, ids)).filter((entry) => entry !== null);
  const namedOrgans = lines.flatMap(({ set }) => [
    set.city_organ,
    set.county_organ,
    set.city_industry,
    set.county_industry,
  ]);
  const printedOrgans = knownMatters.flatMap(({ row }) => [row.cityOrgan, row.countyOrgan]);
  const organs = await findOrgans(tx, [...new Set([...namedOrgans, ...printedOrgans].flatMap((id) => id ?? []))]);
  return {
    matters: new Map(knownMatters.map((entry) => [entry.row.id, entry])),
    organs: new Map(organs.flatMap((entry) => (entry === null ? [] : [[entry.id, entry] as const]))),
  };
}

/** Returns a problem for each name of a list that no license or decision document could show. */
function listUnprintable(lines: readonly ImportLine[]): Problem[] {
  return lines.flatMap(({ line, set }) => {
    return (['outcome_name', 'legal_basis'] as const).flatMap((column) => {
      const value = set[column];
      const reason = value ? findUnprintable(value) : null;
      return reason === null ? [] : [toProblem(line, new Refusal('FIELD_MALFORMED', column, reason))];
    });
  });
}
