import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findActByCase } from '../act/act-store.ts';
import * as ledger from '../act/ledger-store.ts';
import { countersign, lockWaiting } from '../countersign/workflow.ts';
import { requireReason } from '../license.ts';
import { LICENSES_POLICY } from '../policy.ts';
import { lockTask, toTask } from './store.ts';

/**
 * Voids the certificate task of a granted case (作废), with the reason, for the second person who asks. For the first one
 * it records the wish. Returns whether it was voided.
 * A grant whose act has become impossible can thus still end.
 * Refuses CASE_NOT_GRANTED, ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER, TASK_VOIDED, LICENSE_BUSY,
 * SECOND_PERSON_NEEDED, REASON_MISSING.
 */
export function voidTask(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  request: { case: string; reason: string; dryRun: boolean },
): Promise<boolean> {
  return transact(db, request.dryRun, async (tx) => {
    const row = await lockTask(tx, request.case);
    if (!row) throw new Refusal('CASE_NOT_GRANTED', 'case');
    const task = toTask(row);
    const isPrepared = (await findActByCase(tx, task.caseId)) !== null;
    const at = now();
    const first = await lockWaiting(tx, 'VOID_TASK', task.caseId, at);
    const person = requireAllowed(LICENSES_POLICY.voidTask, { task, isPrepared, first }, actor);
    const { reason } = request;
    requireReason(reason);
    const organ = task.issuer.id;
    const wish = { kind: 'VOID_TASK' as const, subject: task.caseId, organ, reason };
    if (!(await countersign(tx, first, wish, person, at))) return false;
    await ledger.voidTask(tx, task.caseId, { actor: person.name, organ, reason, at });
    return true;
  });
}
