import type { Reader } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { catchRefusal } from '../../kernel/policy.ts';
import { type Case, endsInPaper, examiningOrgan } from '../case.ts';
import { listInForce } from '../exception/store.ts';
import { listSealedDecisions } from '../notice/store.ts';
import type { CaseSubject } from '../policy.ts';
import { loadAcceptance } from '../reception/acceptance-workflow.ts';

/**
 * Returns cases with everything that the policy rows of their actions ask for. Mutations call it for one case,
 * `actions` for all cases of a request. Runs a constant number of queries.
 */
export async function prepareActions(
  db: Reader,
  cases: readonly Case[],
  person: Person,
  today: Day,
): Promise<CaseSubject[]> {
  const received = cases.filter(({ step }) => step === 'RECEIVED');
  const accept = received.length === 0 ? null : await loadAcceptance(db, received, person, today);
  const decided = cases.filter(endsInPaper).map(({ id }) => id);
  const sealedIds = decided.length === 0 ? new Set() : await listSealedDecisions(db, decided);
  const organs = cases.flatMap((subject) => [subject.delegation.decides.organ, examiningOrgan(subject)]);
  const exceptions = await listInForce(db, organs, { from: today, to: today });
  return cases.map((subject) => ({
    ...subject,
    exceptions,
    today,
    isDecisionSealed: sealedIds.has(subject.id),
    acceptanceRefusal: subject.step === 'RECEIVED' ? catchRefusal(() => accept?.(subject)) : null,
  }));
}
