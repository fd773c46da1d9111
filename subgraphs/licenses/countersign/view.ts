import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import { type CountersignedKind, countsSince } from './countersign.ts';
import { findWaiting } from './store.ts';

/** Loads what a first person asked for, or null. One query serves a whole GraphQL answer. */
export function loadWaiting(
  { db, now }: { db: Database; now: Clock },
  context: GraphContext,
  kind: CountersignedKind,
  subject: string,
): Promise<StoredProposal<CountersignedKind> | null> {
  return getLoader<StoredProposal<CountersignedKind>>(context, `waiting ${kind}`, async (subjects) => {
    const bySubject = await findWaiting(db, kind, subjects, countsSince(now()));
    return subjects.map((id) => bySubject.get(id) ?? null);
  }).load(subject);
}
