import type { Reader, Transaction } from '../../../db/client.ts';
import type { EventPayload, OrganFact } from '../events/events.ts';
import type { OrganTable } from './organ-tables.ts';
import type { Succession } from './reform.ts';

/** The reforms of organs that a subgraph knows of. They are few, so each question reads all. */
export interface Reforms {
  organs: ReadonlyMap<string, OrganFact>;
  shares: readonly Succession[];
}

/** Stores the newest OrganChanged of an organ. */
export async function putOrganFact(
  tx: Transaction,
  table: OrganTable,
  fact: EventPayload<'OrganChanged'>,
): Promise<void> {
  const row = { id: fact.organ.id, fact };
  await tx.insert(table).values(row).onConflictDoUpdate({ target: table.id, set: row });
}

export async function readReforms(db: Reader, table: OrganTable): Promise<Reforms> {
  const facts = (await db.select({ fact: table.fact }).from(table)).map(({ fact }) => fact);
  return {
    organs: new Map(facts.map(({ organ }) => [organ.id, organ])),
    shares: facts.flatMap(({ successions }) => successions),
  };
}
