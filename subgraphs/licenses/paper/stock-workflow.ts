import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { requireAllowed, requireOrgan } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { RefusalCollector } from '../../kernel/refusals/collector.ts';
import { subjectOfBox } from '../countersign/countersign.ts';
import { countersign, lockWaiting } from '../countersign/workflow.ts';
import { LICENSES_POLICY } from '../policy.ts';
import { findLicenseTypes } from '../type/store.ts';
import { receiveBox } from './blank-store.ts';
import { type BlankRange, listBlankNumbers } from './paper.ts';
import { requireFreeNumbers } from './store.ts';

/** The stock of numbered blanks of an organ (空白证照库存). Each change of it takes two persons. */

export interface StockDependencies {
  db: Database;
  now: Clock;
}

async function requireLicenseType(tx: Transaction, code: string | null): Promise<void> {
  if (code !== null && !(await findLicenseTypes(tx, [code])).has(code))
    throw new Refusal('BLANK_TYPE_UNKNOWN', 'licenseType');
}

/**
 * Takes a box of blanks into the stock of the person's organ, when a second person states the same numbers and type.
 * Returns how many, or null for the first person. Refuses BLANK_TYPE_UNKNOWN, BLANK_RANGE_TAKEN, SECOND_PERSON_NEEDED.
 */
export async function receiveBlanks(
  deps: StockDependencies,
  actor: Actor,
  { dryRun, ...range }: BlankRange & { licenseType: string | null; dryRun: boolean },
): Promise<number | null> {
  const organ = requireOrgan(requireAllowed(LICENSES_POLICY.receiveBlanks, {}, actor));
  const box = { ...range, organ };
  const faults = new RefusalCollector();
  const numbers = faults.check(() => listBlankNumbers(box), []);
  return transact(deps.db, dryRun, async (tx) => {
    const at = deps.now();
    await faults.checkLater(() => requireLicenseType(tx, box.licenseType), undefined);
    faults.settle();
    const subject = subjectOfBox(box);
    const first = await lockWaiting(tx, 'RECEIVE_BLANKS', subject, at);
    const person = requireAllowed(LICENSES_POLICY.receiveBlanks, { first }, actor);
    await requireFreeNumbers(tx, numbers);
    const request = { kind: 'RECEIVE_BLANKS' as const, subject, organ, reason: null };
    if (!(await countersign(tx, first, request, person, at))) return null;
    await receiveBox(tx, box, { actor: person.name, at });
    return numbers.length;
  });
}
