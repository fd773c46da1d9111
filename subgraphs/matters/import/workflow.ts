import { type Database, transact } from '../../../db/client.ts';
import { type Actor, requireRole } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { sha256 } from '../../kernel/events.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findMatters, findOrgans, lockImport, putHistories } from '../store.ts';
import { readList } from './csv.ts';
import { applyList, type ImportLine, type MatterChange, type Problem, type Register } from './import.ts';
import * as store from './store.ts';

export const BASIS_LENGTH = 100;

export interface ImportInput {
  csv: string;
  /** The document that orders the change (依据), or null. */
  basis: string | null;
  dryRun: boolean;
}

export interface ImportOutcome {
  /** Null for a dry run, and if nothing changed. */
  entry: store.Entry | null;
  changes: MatterChange[];
  unchanged: number;
  /** If there is any, nothing was imported. */
  problems: Problem[];
}

/**
 * Imports a list (下放清单) in one transaction: all of it or nothing. The same list again changes nothing and is not
 * recorded. Refuses ROLE_NOT_ALLOWED, FIELD_TOO_LONG, FIELD_MALFORMED, IMPORT_TOO_LARGE, IMPORT_EMPTY.
 */
export async function importList(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  { csv, basis, dryRun }: ImportInput,
): Promise<ImportOutcome> {
  const administrator = requireRole(actor, 'ADMINISTRATOR');
  if (basis !== null) requireBasis(basis);
  const read = readList(csv);
  return transact(db, dryRun, async (tx) => {
    await lockImport(tx);
    const at = now();
    const { changes, unchanged, matters, problems } = applyList(read.lines, {
      ...(await registerFor(tx, read.lines)),
      today: dayOf(at),
    });
    const all = [...read.problems, ...problems].sort((a, b) => a.line - b.line);
    if (all.length > 0) return { entry: null, changes: [], unchanged: 0, problems: all };
    for (const matter of matters) await putHistories(tx, matter, at);
    if (changes.length === 0) return { entry: null, changes, unchanged, problems: [] };
    const { id: actorId, name } = administrator;
    const made = { importedAt: at, actorId, actor: name, basis, digest: sha256(csv) };
    const entry = await store.addEntry(tx, { ...made, changed: changes.length, unchanged }, changes);
    return { entry: dryRun ? null : entry, changes, unchanged, problems: [] };
  });
}

/** Returns the matters that the lines name, and every organ that the lines or these matters name. */
async function registerFor(
  tx: Parameters<typeof findMatters>[0],
  lines: readonly ImportLine[],
): Promise<Pick<Register, 'matters' | 'organs'>> {
  const ids = [...new Set(lines.map((line) => line.matterId))];
  const found = (await findMatters(tx, ids)).filter((one) => one !== null);
  const named = lines.flatMap(({ set }) => [set.city_organ, set.county_organ, set.city_industry, set.county_industry]);
  const printed = found.flatMap(({ row }) => [row.cityOrgan, row.countyOrgan]);
  const organs = await findOrgans(tx, [...new Set([...named, ...printed].flatMap((id) => id ?? []))]);
  return {
    matters: new Map(found.map((one) => [one.row.id, one])),
    organs: new Map(organs.flatMap((one) => (one === null ? [] : [[one.id, one] as const]))),
  };
}

function requireBasis(basis: string): void {
  if (basis.length > BASIS_LENGTH) throw new Refusal('FIELD_TOO_LONG', 'basis', `最多 ${BASIS_LENGTH} 字`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (!basis.isWellFormed() || basis.trim() === '' || /[\u0000-\u001f\u007f-\u009f]/.test(basis)) {
    throw new Refusal('FIELD_MALFORMED', 'basis');
  }
}
