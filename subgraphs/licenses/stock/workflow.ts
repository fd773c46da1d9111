import { type Database, type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { requireAllowed, requireOrgan } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { RefusalCollector } from '../../kernel/refusals/collector.ts';
import { subjectOfBox, subjectOfWriteOff } from '../countersign/countersign.ts';
import { countersign, lockWaiting } from '../countersign/workflow.ts';
import { requireReason } from '../license.ts';
import { succeedStock } from '../organ/store.ts';
import { lockBlanks, receiveBox, writeOffBox } from '../paper/blank-store.ts';
import { type BlankRange, listBlankNumbers } from '../paper/paper.ts';
import { requireFreeNumbers } from '../paper/store.ts';
import { findLicenseTypes } from '../type/store.ts';
import { STOCK_POLICY } from './policy.ts';
import { requireAllInStock, type WriteOffReason } from './stock.ts';

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
  const organ = requireOrgan(requireAllowed(STOCK_POLICY.receiveBlanks, {}, actor));
  const box = { ...range, organ };
  const faults = new RefusalCollector();
  const numbers = faults.check(() => listBlankNumbers(box), []);
  return transact(deps.db, dryRun, async (tx) => {
    const at = deps.now();
    await faults.checkLater(() => requireLicenseType(tx, box.licenseType), undefined);
    faults.settle();
    const subject = subjectOfBox(box);
    const first = await lockWaiting(tx, 'RECEIVE_BLANKS', subject, at);
    const person = requireAllowed(STOCK_POLICY.receiveBlanks, { first }, actor);
    await requireFreeNumbers(tx, numbers);
    const request = { kind: 'RECEIVE_BLANKS' as const, subject, organ, reason: null };
    if (!(await countersign(tx, first, request, person, at))) return null;
    await receiveBox(tx, box, { actor: person.name, at });
    return numbers.length;
  });
}

/** What a person states of blanks that are to be written off. */
interface WriteOffRequest extends BlankRange {
  reason: WriteOffReason;
  remark: string;
  dryRun: boolean;
}

/**
 * Writes off blanks in the stock of the person's organ (核销), when a second person states the same numbers and reason.
 * Returns how many, or null for the first person. Refuses REASON_MISSING, what `requireAllInStock` refuses, and
 * SECOND_PERSON_NEEDED. All is checked again for the second person: meanwhile a blank may have been used.
 */
export async function writeOffBlanks(
  deps: StockDependencies,
  actor: Actor,
  { dryRun, remark, ...stated }: WriteOffRequest,
): Promise<number | null> {
  const organ = requireOrgan(requireAllowed(STOCK_POLICY.writeOffBlanks, {}, actor));
  const writeOff = { ...stated, organ };
  const faults = new RefusalCollector();
  const numbers = faults.check(() => listBlankNumbers(writeOff), []);
  faults.check(() => requireReason(remark, 'remark'), undefined);
  return transact(deps.db, dryRun, async (tx) => {
    const at = deps.now();
    const subject = subjectOfWriteOff(writeOff);
    const first = await lockWaiting(tx, 'WRITE_OFF_BLANKS', subject, at);
    const person = requireAllowed(STOCK_POLICY.writeOffBlanks, { first }, actor);
    const blanks = await lockBlanks(tx, numbers);
    const stock = await succeedStock(tx, { organ, matterId: null, blanks }, dayOf(at));
    faults.check(() => requireAllInStock(numbers, stock.blanks, organ), undefined);
    faults.settle();
    const request = { kind: 'WRITE_OFF_BLANKS' as const, subject, organ, reason: remark };
    if (!(await countersign(tx, first, request, person, at)) || first === null) return null;
    await writeOffBox(tx, writeOff, { proposalId: first.id, remark, actor: person.name, at });
    return numbers.length;
  });
}
