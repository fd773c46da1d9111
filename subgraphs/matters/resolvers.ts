import { GraphQLError } from 'graphql';
import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database } from '../../db/client.ts';
import { type Clock, type Day, dayOf, isDay } from '../kernel/day.ts';
import type { Assignment, OrganFact } from '../kernel/events.ts';
import { readPage, toConnection } from '../kernel/page.ts';
import { type GraphContext, loader } from '../kernel/serve.ts';
import { guideResolvers } from './guide/resolvers.ts';
import { importResolvers } from './import/resolvers.ts';
import {
  type Delegation,
  delegationOn,
  delegationsOf,
  type IndustryOrgan,
  type Matter,
  nameOf,
  nearest,
  outcomeOn,
  responsibilities,
} from './matter.ts';
import * as store from './store.ts';
import { taskResolvers } from './task/resolvers.ts';

export interface ResolverDependencies {
  db: Database;
  now: Clock;
}

type On = { on?: string | null };
type Load<Value> = (context: GraphContext, id: string) => Promise<Value>;

/**
 * Resolvers of the catalogue. It is public: no resolver here checks the caller. Importing is not public: see
 * import/resolvers.ts.
 */
export function matterResolvers(dependencies: ResolverDependencies) {
  const { db } = dependencies;
  const loadMatter: Load<Matter | null> = (context, id) =>
    loader<Matter>(context, 'matters', (ids) => store.findMatters(db, ids)).load(id);
  const loadOrgan: Load<OrganFact> = async (context, id) => {
    const found = await loader<OrganFact>(context, 'organs', (ids) => store.findOrgans(db, ids)).load(id);
    if (!found) throw new Error(`no organ ${id}`);
    return found;
  };
  const { Query, Mutation, ...imports } = importResolvers(dependencies, loadMatter);
  const guides = guideResolvers(dependencies);
  const { Query: taskQuery, Mutation: taskMutation, ...tasks } = taskResolvers(dependencies);
  return {
    ...imports,
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    ...tasks,
    Query: { ...queries(dependencies, loadMatter), ...Query, ...taskQuery },
    Mutation: { ...Mutation, ...guides.Mutation, ...taskMutation },
    Guide: guides.Guide,
    Matter: { ...guides.Matter, ...matterFields(dependencies, loadMatter, loadOrgan) },
    IndustryOrgan: {
      organ: ({ organ }: IndustryOrgan, _: unknown, context: GraphContext) => organ && loadOrgan(context, organ),
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

function queries({ db, now }: ResolverDependencies, loadMatter: Load<Matter | null>) {
  return {
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
  };
}

function matterFields({ now }: ResolverDependencies, loadMatter: Load<Matter | null>, loadOrgan: Load<OrganFact>) {
  const view = (matter: Matter, one: Delegation, on: string) => responsibilities(matter, one, nearest(on, one));
  return {
    __resolveReference: ({ id }: { id: string }, context: GraphContext) => loadMatter(context, id),
    id: ({ row }: Matter) => row.id,
    mainItem: ({ row }: Matter) => row.mainItem,
    subItem: ({ row }: Matter) => row.subItem,
    name: ({ row }: Matter) => nameOf(row),
    powerType: ({ row }: Matter) => row.powerType,
    cityOrgan: ({ row }: Matter, _: unknown, context: GraphContext) => loadOrgan(context, row.cityOrgan),
    countyOrgan: ({ row }: Matter, _: unknown, context: GraphContext) => loadOrgan(context, row.countyOrgan),
    delegation: (matter: Matter, { on }: On) => {
      const day = on ?? dayOf(now());
      const found = delegationOn(matter, day);
      return found && view(matter, found, day);
    },
    delegations: (matter: Matter) => delegationsOf(matter).map((one) => view(matter, one, dayOf(now()))),
    licenseAction: (matter: Matter, { on }: On) => outcomeOn(matter, on ?? dayOf(now())).licenseAction,
    outcome: (matter: Matter, { on }: On) => outcomeOn(matter, on ?? dayOf(now())).outcome,
    source: ({ row }: Matter) => row,
  };
}

function readFilter(given: Partial<store.MatterFilter>, today: Day): store.MatterFilter {
  const { mode = null, powerType = null, organ = null, nameContains = null, annex = null, on } = given;
  // The scalar accepts a year 0000, which is not a valid day here.
  if (on && !isDay(on)) throw new GraphQLError('on 须为真实日期。', { extensions: { code: 'BAD_USER_INPUT' } });
  return { mode, powerType, organ, nameContains, annex, on: on ?? today };
}

function readPosition([annex, row]: readonly string[]): store.MatterPosition | null {
  if (!/^\d$/.test(annex ?? '') || !/^\d{1,4}$/.test(row ?? '')) return null;
  return { annex: Number(annex), row: Number(row) };
}
