import type { Transaction } from '../../../db/client.ts';
import { dayOf, isWithin } from '../../kernel/day.ts';
import { runItems } from '../../kernel/loop.ts';
import { readReforms } from '../../kernel/organ/organ-store.ts';
import { organOn } from '../../kernel/organ/reform.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { buildSystemStep, type Case, matterOn } from '../case.ts';
import * as store from '../store.ts';
import { organFact } from '../tables.ts';
import type { WorkflowDependencies } from '../workflow.ts';
import { listCasesToMove, listMovableMatters } from './store.ts';
import { follow, joinOrgans, renameOrgans } from './transfer.ts';

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
          return hasMoved(stored.subject, await bringUpToDate(tx, stored.subject, matterOn(matter, today), at)) ? 1 : 0;
        });
      };
      await runItems(movableCases, move, { limit: 1, onError });
      after = movableCases.at(-1)?.serial ?? after;
      if (movableCases.length < MAX_BATCH_CASES) break;
    }
  }
  return movedCount;
}

/** Whether a step was added. */
const hasMoved = (before: Case, after: Case) => after.steps.length > before.steps.length;

/** Returns the case with its matter's organs of today, as they are named today. A transfer (划转) adds a MOVED step. */
export async function bringUpToDate(tx: Transaction, stored: Case, matter: MatterFact | null, at: Date): Promise<Case> {
  if (!matter) return stored;
  const { shares, organs } = await readReforms(tx, organFact);
  const subject = renameOrgans(stored, matter);
  const known = {
    ...matter,
    organs: joinOrgans(
      matter.organs,
      [...organs.values()].map((one) => organOn(one, dayOf(at))),
    ),
  };
  const movedCase = follow(subject, known, shares, dayOf(at));
  if (!movedCase) return subject;
  const { from, delegation, acceptedBy } = movedCase;
  const { cityOrgan, countyOrgan } = delegation;
  const data = { moved: { from, to: { cityOrgan, countyOrgan } } };
  const record = { ...buildSystemStep('matters', '事项划转', 'MOVED', at), data };
  return store.addStep(tx, subject, record, { matter: movedCase.matter, delegation, acceptedBy });
}
