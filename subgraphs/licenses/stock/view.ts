import type { Database } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import { mayRead } from '../../kernel/http/context.ts';
import { answerAction } from '../../kernel/policy.ts';
import { LICENSE_READS } from '../policy.ts';
import { STOCK_POLICY } from './policy.ts';
import { type StoredTransfer, transferOf, transferStore } from './transfer-store.ts';

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

/** Finds a transfer, or null if it is of neither organ of the person. */
export async function findTransfer(db: Database, person: Person, id: string): Promise<BlankTransferView | null> {
  const stored = await transferStore.find(db, id);
  const organs = stored ? [stored.organ, transferOf(stored).organ] : [];
  return mayRead(LICENSE_READS.blankTransfers, person, organs) && stored ? viewTransfer(stored) : null;
}

/** What this caller may do with a transfer now. The answers come from the rows that the mutations ask. */
export function viewTransferActions(stored: StoredTransfer, person: Person) {
  return (['decideBlankTransfer', 'withdrawBlankTransfer'] as const).map((name) =>
    answerAction(name, STOCK_POLICY[name], stored, person),
  );
}
