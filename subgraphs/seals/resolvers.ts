import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Actor } from '../kernel/actor.ts';
import { dayOf } from '../kernel/day.ts';
import { type GraphContext, getLoader, mayRead, requirePerson } from '../kernel/http/context.ts';
import { mutate } from '../kernel/http/errors.ts';
import type { CompleteResolvers } from '../kernel/http/resolver-types.ts';
import { readPage, toConnection } from '../kernel/list/page.ts';
import { viewSealActions } from './action/view.ts';
import { type ApplicationDependencies, applicationResolvers } from './application/resolvers.ts';
import { SEAL_READS } from './policy.ts';
import type { Resolvers, ResolversParentTypes } from './resolvers.gen.ts';
import type { Grant } from './seal.ts';
import * as store from './store.ts';
import { findUses, listUses, USE_ORDER, type UseRow } from './use/store.ts';
import { type SealView, viewGrant, viewSealOn, viewUse, visibleOrgans } from './view.ts';
import * as workflow from './workflow.ts';

export function sealResolvers(deps: ApplicationDependencies): CompleteResolvers<Resolvers, ResolversParentTypes> {
  const { db, now } = deps;
  const viewSeal = (stored: store.StoredSeal) => viewSealOn(stored, dayOf(now()));
  const loadStored = (context: GraphContext, id: string) =>
    getLoader<store.StoredSeal>(context, 'seals', (ids) => store.findSeals(db, ids)).load(id);
  const load = async (context: GraphContext, id: string) => {
    requirePerson(context.actor);
    const stored = await loadStored(context, id);
    return stored && viewSeal(stored);
  };
  const settleSeal = (actor: Actor, carryOut: () => Promise<store.StoredSeal>) => {
    requirePerson(actor);
    return mutate(async () => ({ seal: viewSeal(await carryOut()) }));
  };
  const applications = applicationResolvers(deps, viewSeal);
  return {
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    Query: {
      seals: async (_, args, { actor }) => {
        requirePerson(actor);
        const page = readPage(args, store.SEAL_ORDER);
        const sealPage = await store.listSeals(
          db,
          { organ: args.filter?.organ ?? null, state: args.filter?.state ?? null },
          page,
        );
        return toConnection(sealPage, store.SEAL_ORDER, viewSeal);
      },
      seal: (_, { id }, context) => load(context, id),
      sealUses: async (_, args, { actor }) => {
        const page = readPage(args, USE_ORDER);
        const { organ = null, seal = null, license = null, person = null, matter = null } = args.filter ?? {};
        const { from = null, to = null } = args.filter ?? {};
        const organs = visibleOrgans('sealUses', requirePerson(actor), organ);
        const filter = { organs, seal, license, person, matter, from, to };
        const usePage = await listUses(db, filter, page);
        return toConnection(usePage, USE_ORDER, viewUse);
      },
      ...applications.Query,
    },
    Mutation: {
      suspendSeal: (_, { input }, { actor }) => settleSeal(actor, () => workflow.suspendSeal(deps, actor, input)),
      fileSeal: (_, { input }, { actor }) => settleSeal(actor, () => workflow.fileSeal(deps, actor, input)),
      putSealIntoUse: (_, { input }, { actor }) => settleSeal(actor, () => workflow.putSealIntoUse(deps, actor, input)),
      ...applications.Mutation,
    },
    Seal: {
      code: ({ id }) => id,
      actions: (seal, _, { actor }) => viewSealActions(seal, now(), actor),
      __resolveReference: ({ id }, context) => load(context, id),
      certificateRequest: async ({ id }, _, context) => {
        const stored = await loadStored(context, id);
        return stored && workflow.requestCertificate(deps, context.actor, stored);
      },
    },
    SealApplication: { ...applications.SealApplication, seal: ({ sealId }, _, context) => load(context, sealId) },
    ...recordResolvers(deps, load),
  };
}

/** Resolvers of grants and uses: each is found alone, and a use names its seal. */
function recordResolvers(
  { db }: ApplicationDependencies,
  load: (context: GraphContext, id: string) => Promise<SealView | null>,
) {
  return {
    SealGrant: {
      __resolveReference: async ({ id }, context) => {
        requirePerson(context.actor);
        const grant = await getLoader<Grant>(context, 'seal grants', (ids) => store.findGrants(db, ids)).load(id);
        return grant && viewGrant(grant);
      },
    },
    SealUse: {
      __resolveReference: async ({ id }, context) => {
        const use = await getLoader<UseRow>(context, 'seal uses', (ids) => findUses(db, ids)).load(id);
        return use && mayRead(SEAL_READS.sealUses, context.actor, [use.organ]) ? viewUse(use) : null;
      },
      seal: async ({ sealId }, _, context) => {
        const sealView = await load(context, sealId);
        if (!sealView) throw new Error(`no seal ${sealId}`);
        return sealView;
      },
    },
  } satisfies Resolvers;
}
