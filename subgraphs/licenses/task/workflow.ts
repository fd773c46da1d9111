import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/day.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { findActByCase } from '../act/act-store.ts';
import * as ledger from '../act/ledger-store.ts';
import { requireReason } from '../license.ts';
import { LICENSES_POLICY } from '../policy.ts';
import { lockTask, toTask } from './store.ts';

/**
 * Voids the certificate task of a granted case (作废), with the reason.
 * A grant whose act has become impossible can thus still end.
 * Refuses CASE_NOT_GRANTED, ROLE_NOT_ALLOWED, ORGAN_WITHOUT_POWER, TASK_VOIDED, LICENSE_BUSY, REASON_MISSING.
 */
export function voidTask(
  { db, now }: { db: Database; now: Clock },
  actor: Actor,
  request: { case: string; reason: string; dryRun: boolean },
): Promise<void> {
  return transact(db, request.dryRun, async (tx) => {
    const row = await lockTask(tx, request.case);
    if (!row) throw new Refusal('CASE_NOT_GRANTED', 'case');
    const task = toTask(row);
    const isPrepared = (await findActByCase(tx, task.caseId)) !== null;
    const approver = requireAllowed(LICENSES_POLICY.voidTask, { task, isPrepared }, actor);
    requireReason(request.reason);
    const details = { actor: approver.name, organ: task.issuer.id, reason: request.reason, at: now() };
    await ledger.voidTask(tx, task.caseId, details);
  });
}
