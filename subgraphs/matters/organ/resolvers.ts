import type { Database } from '../../../db/client.ts';
import { type Clock, dayOf } from '../../kernel/day.ts';
import type { OrganFact } from '../../kernel/events/events.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import { nameOn, type Succession } from '../../kernel/organ/reform.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { listShares } from './store.ts';

type FindOrgan = (context: GraphContext, id: string | null) => Promise<OrganFact | null> | null;

/** Resolvers of an organ through time: its names, and who takes its place. */
export function organFields({ db, now }: { db: Database; now: Clock }) {
  // All shares are read once for a request: there are few.
  const load = async (context: GraphContext): Promise<Succession[]> =>
    (await getLoader<Succession[]>(context, 'organ successions', async (keys) => {
      const shares = await listShares(db);
      return keys.map(() => shares);
    }).load('all')) ?? [];
  return {
    name: (organ, { on }) => nameOn(organ, on ?? dayOf(now())),
    names: ({ name, names = [] }) => [{ name, from: null }, ...names],
    successors: async ({ id }, _, context) => (await load(context)).filter(({ organ }) => organ === id),
    predecessors: async ({ id }, _, context) => (await load(context)).filter(({ successor }) => successor === id),
    documentMark: ({ documentMark }) => documentMark ?? null,
  } satisfies Resolvers['Organ'];
}

export function successionFields(findOrgan: FindOrgan) {
  return {
    former: ({ organ }, _, context) => findOrgan(context, organ),
    successor: ({ successor }, _, context) => findOrgan(context, successor),
  } satisfies Resolvers['OrganSuccession'];
}
