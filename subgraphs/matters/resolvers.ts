import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database } from '../../db/client.ts';
import { type Clock, type Day, dayOf } from '../kernel/day.ts';
import type { Assignment, OrganFact } from '../kernel/events.ts';
import { readPage, toConnection } from '../kernel/page.ts';
import { type GraphContext, loader } from '../kernel/serve.ts';
import { guideResolvers } from './guide/resolvers.ts';
import { delegationOn, type Matter, nameOf, responsibilities } from './matter.ts';
import * as store from './store.ts';

export interface ResolverDependencies {
  db: Database;
  now: Clock;
}

/** The catalogue is public: no query here asks who the caller is. */
export function matterResolvers({ db, now }: ResolverDependencies) {
  const loadMatter = (context: GraphContext, id: string) =>
    loader<Matter>(context, 'matters', (ids) => store.findMatters(db, ids)).load(id);
  const loadOrgan = async (context: GraphContext, id: string): Promise<OrganFact> => {
    const found = await loader<OrganFact>(context, 'organs', (ids) => store.findOrgans(db, ids)).load(id);
    if (!found) throw new Error(`no organ ${id}`);
    return found;
  };
  const guides = guideResolvers({ db, now });
  return {
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    Query: {
      matters: async (
        _: unknown,
        args: { first: number; after?: string | null; filter?: Partial<store.MatterFilter> | null },
      ) => {
        const filter = readFilter(args.filter ?? {}, dayOf(now()));
        const found = await store.listMatters(db, filter, readPage(args, readPosition));
        const position = ({ row }: Matter) => [String(row.annex), String(row.row)];
        return { ...toConnection(found, position, (row) => row), totalCount: found.totalCount };
      },
      matter: (_: unknown, { id }: { id: string }, context: GraphContext) => loadMatter(context, id),
      organs: async (_: unknown, args: { first: number; after?: string | null }) => {
        const page = readPage(args, ([id]) => id ?? null);
        return toConnection(
          await store.listOrgans(db, page),
          (row) => [row.id],
          (row) => row,
        );
      },
    },
    Mutation: { ...guides.Mutation },
    Guide: guides.Guide,
    Matter: {
      ...guides.Matter,
      __resolveReference: ({ id }: { id: string }, context: GraphContext) => loadMatter(context, id),
      id: ({ row }: Matter) => row.id,
      mainItem: ({ row }: Matter) => row.mainItem,
      subItem: ({ row }: Matter) => row.subItem,
      name: ({ row }: Matter) => nameOf(row),
      powerType: ({ row }: Matter) => row.powerType,
      cityOrgan: ({ row }: Matter, _: unknown, context: GraphContext) => loadOrgan(context, row.cityOrgan),
      countyOrgan: ({ row }: Matter, _: unknown, context: GraphContext) => loadOrgan(context, row.countyOrgan),
      delegation: (matter: Matter, { on }: { on?: string | null }) => {
        const day = on ?? dayOf(now());
        const found = delegationOn(matter, day);
        return found && responsibilities(matter, found, day);
      },
      licenseAction: ({ row }: Matter) => row.licenseAction,
      outcome: ({ row }: Matter) => row.outcome,
      source: ({ row }: Matter) => row,
    },
    Assignment: {
      organ: ({ organ }: Assignment, _: unknown, context: GraphContext) => organ && loadOrgan(context, organ),
      second: ({ second }: Assignment, _: unknown, context: GraphContext) => second && loadOrgan(context, second),
    },
    Organ: {
      __resolveReference: ({ id }: { id: string }, context: GraphContext) =>
        loader<OrganFact>(context, 'organs', (ids) => store.findOrgans(db, ids)).load(id),
    },
  };
}

function readFilter(given: Partial<store.MatterFilter>, today: Day): store.MatterFilter {
  const { mode = null, powerType = null, organ = null, nameContains = null, annex = null, on } = given;
  return { mode, powerType, organ, nameContains, annex, on: on ?? today };
}

function readPosition([annex, row]: readonly string[]): store.MatterPosition | null {
  if (!/^\d$/.test(annex ?? '') || !/^\d{1,4}$/.test(row ?? '')) return null;
  return { annex: Number(annex), row: Number(row) };
}
