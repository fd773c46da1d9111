import type { Database } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { type GraphContext, getLoader, mayRead } from '../../kernel/http/context.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { answerAction } from '../../kernel/policy.ts';
import { LICENSE_READS } from '../policy.ts';
import { STOCK_POLICY } from './policy.ts';
import { findTransfers, type StoredTransfer, transferOf } from './transfer-store.ts';

/** The parent value of BlankTransfer resolvers. @public by codegen.ts */
export type BlankTransferView = ReturnType<typeof viewTransfer>;

/** A transfer as GraphQL shows it. */
export function viewTransfer(stored: StoredTransfer) {
  const { id, proposedBy, at: proposedAt, outcome, ended } = stored;
  const { organ, receiver, ...transfer } = transferOf(stored);
  return {
    ...{ id, stored, proposedBy, proposedAt, ...transfer },
    organ: { id: organ },
    receiver: { id: receiver },
    state: outcome ?? ('WAITING' as const),
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}

/** Loads a transfer, or null if it is of neither organ of the caller. One query serves a whole GraphQL answer. */
export async function loadTransfer(db: Database, context: GraphContext, id: string): Promise<BlankTransferView | null> {
  const stored = await getLoader<StoredTransfer>(context, 'transfers of blanks', async (ids) => {
    const byId = await findTransfers(
      db,
      ids.filter((each) => UUID_PATTERN.test(each)),
    );
    return ids.map((each) => byId.get(each) ?? null);
  }).load(id);
  const organs = stored ? [stored.organ, transferOf(stored).organ] : [];
  return mayRead(LICENSE_READS.blankTransfers, context.actor, organs) && stored ? viewTransfer(stored) : null;
}

/** What this caller may do with a transfer now. The answers come from the rows that the mutations ask. */
export function viewTransferActions(stored: StoredTransfer, person: Person) {
  return (['decideBlankTransfer', 'withdrawBlankTransfer'] as const).map((name) =>
    answerAction(name, STOCK_POLICY[name], stored, person),
  );
}
