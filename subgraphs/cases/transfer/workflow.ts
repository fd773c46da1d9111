import type { Transaction } from '../../../db/client.ts';
import { dayOf, isWithin } from '../../kernel/day.ts';
import { runItems } from '../../kernel/loop.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { buildSystemStep, type Case } from '../case.ts';
import * as store from '../store.ts';
import type { WorkflowDependencies } from '../workflow.ts';
import { listCasesToMove, listMovableMatters } from './store.ts';
import { follow } from './transfer.ts';

/** Cases per batch. */
const MAX_BATCH_CASES = 100;

/**
 * Moves running cases to the organs that their matter has today. Returns the number of cases moved. A case that cannot
 * be moved holds up no other.
 */
export async function moveRunningCases({ db, now, onError }: WorkflowDependencies): Promise<number> {
  const at = now();
  const today = dayOf(at);
  let movedCount = 0;
  for (const matter of await listMovableMatters(db)) {
    const period = matter.delegations.find((candidate) => isWithin(today, candidate.validFrom, candidate.validTo));
    if (!period) continue;
    for (let after = 0; ; ) {
      const movableCases = await listCasesToMove(db, period, matter.matterId, { after, limit: MAX_BATCH_CASES });
      const move = async ({ id }: { id: string }) => {
        movedCount += await db.transaction(async (tx) => {
          const stored = store.requireCase(await store.lockCase(tx, id));
          return (await bringUpToDate(tx, stored.subject, matter, at)) === stored.subject ? 0 : 1;
        });
      };
      await runItems(movableCases, move, { limit: 1, onError });
      after = movableCases.at(-1)?.serial ?? after;
      if (movableCases.length < MAX_BATCH_CASES) break;
    }
  }
  return movedCount;
}

/** Returns the case with the organs that its matter has today. A transfer (划转) adds a MOVED step. */
export async function bringUpToDate(
  tx: Transaction,
  subject: Case,
  matter: MatterFact | null,
  at: Date,
): Promise<Case> {
  const movedCase = matter && follow(subject, matter, dayOf(at));
  if (!movedCase) return subject;
  const { from, delegation, acceptedBy } = movedCase;
  const { cityOrgan, countyOrgan } = delegation;
  const data = { moved: { from, to: { cityOrgan, countyOrgan } } };
  const record = { ...buildSystemStep('matters', '事项划转', 'MOVED', at), data };
  return store.addStep(tx, subject, record, { matter: movedCase.matter, delegation, acceptedBy });
}
