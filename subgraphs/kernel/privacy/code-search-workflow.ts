import type { Database, Transaction } from '../../../db/client.ts';
import type { Person } from '../actor.ts';
import { isHolderCode, normaliseHolderCode } from '../identity/identity.ts';
import { Refusal } from '../refusal.ts';
import { RefusalCollector } from '../refusals/collector.ts';
import { type Phase, phaseOfPurpose, requirePurpose, type StatedPurpose } from './purpose.ts';
import { buildReading, type ReadingSubject } from './reading.ts';
import { addReading, lockEmptySearches } from './reading-store.ts';
import type { ReadingTable } from './reading-tables.ts';

/** A search by the complete code of a holder or applicant (按证件号码查找), for a purpose. */
export interface CodeSearch {
  code: string;
  stated: StatedPurpose;
  /** In which phase the purpose must fit. Null: in any. */
  phase: Phase | null;
  dryRun: boolean;
}

/** What a search found: its data, and whose it is. */
export interface CodeMatch<Found> {
  found: Found;
  subject: ReadingSubject;
  objectId: string;
}

interface CodeSearchDependencies {
  db: Database;
  now: () => Date;
  table: ReadingTable;
  /** Searches of one person that find nothing, within 24 hours. */
  holderChecks: number;
}

const DAY_MS = 86_400_000;

/**
 * Finds by a complete code, and records it: a reading of each find, or of the search if it finds nothing. The record is
 * committed before the answer, and the person with the code sees it. A search that finds nothing tells that a code is
 * wrong, so they are few. A rehearsal looks for nothing and returns []. Refuses HOLDER_CODE_INVALID, what
 * `requirePurpose` refuses, and HOLDER_CHECKS_TOO_MANY, whether the search would find something or not.
 */
export async function searchByCode<Found>(
  { db, now, table, holderChecks }: CodeSearchDependencies,
  actor: Person,
  { code: text, stated, phase, dryRun }: CodeSearch,
  find: (tx: Transaction, code: string, phase: Phase | null) => Promise<readonly CodeMatch<Found>[]>,
): Promise<Found[]> {
  const faults = new RefusalCollector();
  const purpose = faults.check(() => requirePurpose(stated, actor, phase), null);
  const code = faults.check(() => requireCode(text), null);
  faults.settle();
  if (purpose === null || code === null) throw new Error('what nothing refused is known');
  if (dryRun) return [];
  return db.transaction(async (tx) => {
    const at = now();
    const emptySearches = await lockEmptySearches(tx, table, actor.id, new Date(at.getTime() - DAY_MS));
    if (emptySearches >= holderChecks) throw new Refusal('HOLDER_CHECKS_TOO_MANY', 'code');
    const matches = await find(tx, code, phaseOfPurpose(purpose.purpose));
    const nothing = { subject: { subject: '', number: '', holderCode: code }, objectId: '' };
    for (const { subject, objectId } of matches.length === 0 ? [nothing] : matches) {
      const object = { object: 'CODE_SEARCH' as const, objectId, at };
      await addReading(tx, table, buildReading(actor, purpose, subject, object));
    }
    return matches.map(({ found }) => found);
  });
}

function requireCode(text: string): string {
  const code = normaliseHolderCode(text);
  if (!isHolderCode(code)) throw new Refusal('HOLDER_CODE_INVALID', 'code');
  return code;
}
