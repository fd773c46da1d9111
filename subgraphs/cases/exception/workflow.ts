import { type Database, type Reader, type Transaction, transact } from '../../../db/client.ts';
import type { Actor, Person } from '../../kernel/actor.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { requireReason } from '../../kernel/text.ts';
import { type DutyException, type ExceptionContent, findSecondment, requireException } from './exception.ts';
import { EXCEPTION_POLICY } from './policy.ts';
import * as store from './store.ts';

const MAX_REASON_CHARS = 500;

/**
 * Records an approved exception under the id of its proposal, or only checks it if `id` is null. Must be called inside
 * a transaction. Refuses as `requireException` does, and EXCEPTION_OVERLAPS.
 */
export async function recordException(
  tx: Transaction,
  id: string | null,
  content: ExceptionContent,
  at: Date,
): Promise<store.StoredException | null> {
  const { organ, kind, person, personOrgan, validFrom, validTo, reason } = content;
  await store.lockExceptions(tx, organ);
  requireException(content, await store.listSuperiors(tx, organ, dayOf(at)), at);
  const others = await store.listInForce(tx, [organ], { from: validFrom, to: validTo });
  if (others.some((other) => other.kind === kind && other.person === person))
    throw new Refusal('EXCEPTION_OVERLAPS', 'validFrom');
  if (id === null) return null;
  await store.insertException(tx, { id, organ, kind, personId: person, personOrgan, validFrom, validTo, reason, at });
  return store.findException(tx, id);
}

/**
 * Ends an exception early, at once. Refuses EXCEPTION_UNKNOWN, EXCEPTION_ENDED, REASON_MISSING, and what its policy row
 * refuses.
 */
export function endException(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  { exception: id, reason, dryRun }: { exception: string; reason: string; dryRun: boolean },
): Promise<store.StoredException> {
  return transact(db, dryRun, async (tx) => {
    const found = await store.findException(tx, id);
    if (!found) throw new Refusal('EXCEPTION_UNKNOWN', 'exception');
    await store.lockExceptions(tx, found.row.organ);
    const at = now();
    const { row, ended } = (await store.findException(tx, id)) ?? found;
    const isOver = ended !== null || row.validTo < dayOf(at);
    const { organ, personOrgan } = row;
    const person = requireAllowed(EXCEPTION_POLICY.endException, { organ, personOrgan, isOver }, actor);
    requireReason(reason, MAX_REASON_CHARS);
    await store.insertEnd(tx, { exceptionId: id, actorId: person.id, actor: person.name, reason, at });
    return (await store.findException(tx, id)) ?? found;
  });
}

/** Returns the exceptions that are in force now for these organs. */
export function listExceptionsNow(db: Reader, organs: readonly (string | null)[], at: Date): Promise<DutyException[]> {
  const today = dayOf(at);
  return store.listInForce(db, organs, { from: today, to: today });
}

/** Whether a person handles cases of one of these organs by an exception that is in force now. */
export async function isSecondPerson(
  db: Reader,
  person: Person,
  organs: readonly string[],
  at: Date,
): Promise<boolean> {
  if (person.organ === null) return false;
  const exceptions = await listExceptionsNow(db, organs, at);
  return organs.some((organ) => findSecondment(exceptions, organ, person) !== null);
}
