import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Reader } from '../../db/client.ts';
import { type Day, dayOf } from '../kernel/day.ts';
import type { OrganFact } from '../kernel/events/events.ts';
import { displayNameOf } from '../kernel/finding/matter-name.ts';
import { findNode, findNodes } from '../kernel/graphql/node.ts';
import { type GraphContext, getLoader } from '../kernel/http/context.ts';
import type { CompleteResolvers } from '../kernel/http/resolver-types.ts';
import { readPage, toConnection } from '../kernel/list/page.ts';
import { findingResolvers } from './finding/resolvers.ts';
import { findMatterIds, findOrganIds } from './finding/workflow.ts';
import { guideResolvers } from './guide/resolvers.ts';
import { importResolvers } from './import/resolvers.ts';
import { licenseTypeResolvers } from './license-type/resolvers.ts';
import {
  type Delegation,
  deriveResponsibilities,
  findDelegation,
  findLegalBasis,
  getOutcome,
  listDelegations,
  type Matter,
  nameOf,
  nearestDay,
} from './matter.ts';
import { organFields, successionFields } from './organ/resolvers.ts';
import { importProposalResolvers } from './proposal/resolvers.ts';
import type { ImportDependencies } from './proposal/workflow.ts';
import type { MatterFilter, OrganFilter, Resolvers, ResolversParentTypes, ResolversTypes } from './resolvers.gen.ts';
import * as store from './store.ts';
import { taskResolvers } from './task/resolvers.ts';

export type ResolverDependencies = ImportDependencies;

type MatterResolverMap = CompleteResolvers<Resolvers, ResolversParentTypes>;
type NodeObject = Awaited<ResolversTypes['Node']>;
type LoadById<Value> = (context: GraphContext, id: string) => Promise<Value>;

/**
 * Resolvers of the catalogue. It is public: no resolver here checks the caller. Importing is not public: see
 * import/resolvers.ts.
 */
export function matterResolvers(dependencies: ResolverDependencies): MatterResolverMap {
  const { db } = dependencies;
  const loadMatter: LoadById<Matter | null> = (context, id) =>
    getLoader<Matter>(context, 'matters', (ids) => store.findMatters(db, ids)).load(id);
  const loadOrgan: LoadById<OrganFact> = async (context, id) => {
    const organ = await getLoader<OrganFact>(context, 'organs', (ids) => store.findOrgans(db, ids)).load(id);
    if (!organ) throw new Error(`no organ ${id}`);
    return organ;
  };
  const findNamed = (context: GraphContext, id: string | null) => (id === null ? null : loadOrgan(context, id));
  const { Query, ...importFields } = importResolvers(db, loadMatter);
  const proposals = importProposalResolvers(dependencies, findNamed);
  const guides = guideResolvers(dependencies);
  const types = licenseTypeResolvers(dependencies);
  const { Query: taskQuery, Mutation: taskMutation, ...taskFields } = taskResolvers(dependencies);
  return {
    ...importFields,
    Date: GraphQLLocalDate,
    DateTime: GraphQLDateTime,
    ...taskFields,
    Query: {
      ...{ ...buildQueries(dependencies, loadMatter), ...findingResolvers(db) },
      ...{ ...Query, ...proposals.Query, ...taskQuery, ...types.Query },
    },
    Mutation: { ...proposals.Mutation, ...taskMutation },
    ImportProposal: proposals.ImportProposal,
    Guide: guides.Guide,
    GuideVersion: guides.GuideVersion,
    LicenseNumberFormat: types.LicenseNumberFormat,
    LicenseType: types.LicenseType,
    Matter: { ...guides.Matter, ...types.Matter, ...buildMatterFields(dependencies, loadMatter, loadOrgan) },
    OrganSuccession: successionFields(findNamed),
    IndustryOrgan: {
      organ: ({ organ }, _, context) => findNamed(context, organ),
    },
    Assignment: {
      organ: ({ organ }, _, context) => findNamed(context, organ),
      second: ({ second }, _, context) => findNamed(context, second),
    },
    Organ: {
      code: ({ id }) => id,
      ...organFields(dependencies),
      __resolveReference: ({ id }, context) =>
        getLoader<OrganFact>(context, 'organs', (ids) => store.findOrgans(db, ids)).load(id),
    },
  };
}

function buildQueries({ db, now }: ResolverDependencies, loadMatter: LoadById<Matter | null>) {
  return {
    matters: async (_, args) => {
      const filter = await readMatterFilter(db, args.filter ?? {}, dayOf(now()));
      const matterPage = await store.listMatters(db, filter, readPage(args, store.MATTER_ORDER));
      const connection = toConnection(matterPage, store.MATTER_ORDER, (row) => row);
      return { ...connection, totalCount: matterPage.totalCount };
    },
    matter: (_, { id }, context) => loadMatter(context, id),
    node: (_, { id }, context, info) => findNode<NodeObject>(id, context, info),
    nodes: (_, { ids }, context, info) => findNodes<NodeObject>(ids, context, info),
    organs: async (_, args) => {
      const page = readPage(args, store.ORGAN_ORDER);
      const organPage = await store.listOrgans(db, await readOrganFilter(db, args.filter ?? {}), page);
      return toConnection(organPage, store.ORGAN_ORDER, (row) => row);
    },
  } satisfies Resolvers['Query'];
}

function buildMatterFields(
  { now }: ResolverDependencies,
  loadMatter: LoadById<Matter | null>,
  loadOrgan: LoadById<OrganFact>,
) {
  const view = (matter: Matter, delegation: Delegation, on: string) =>
    deriveResponsibilities(matter, delegation, nearestDay(on, delegation));
  return {
    __resolveReference: ({ id }, context) => loadMatter(context, id),
    id: ({ row }) => row.id,
    code: ({ row }) => row.id,
    mainItem: ({ row }) => row.mainItem,
    subItem: ({ row }) => row.subItem,
    name: ({ row }) => nameOf(row),
    displayName: ({ row }) => displayNameOf(row),
    powerType: ({ row }) => row.powerType,
    cityOrgan: ({ row }, _, context) => loadOrgan(context, row.cityOrgan),
    countyOrgan: ({ row }, _, context) => loadOrgan(context, row.countyOrgan),
    delegation: (matter, { on }) => {
      const day = on ?? dayOf(now());
      const delegation = findDelegation(matter, day);
      return delegation && view(matter, delegation, day);
    },
    delegations: (matter) => listDelegations(matter).map((delegation) => view(matter, delegation, dayOf(now()))),
    licenseAction: (matter, { on }) => getOutcome(matter, on ?? dayOf(now())).licenseAction,
    outcome: (matter, { on }) => getOutcome(matter, on ?? dayOf(now())).outcome,
    legalBasis: (matter, { on }) => findLegalBasis(matter, on ?? dayOf(now())),
    source: ({ row }) => row,
  } satisfies Resolvers['Matter'];
}

async function readMatterFilter(db: Reader, filter: MatterFilter, today: Day): Promise<store.MatterFilter> {
  const { mode = null, powerType = null, organ = null, nameContains = null, annex = null, on } = filter;
  const ids = nameContains === null ? null : await findMatterIds(db, nameContains);
  return { mode, powerType, organ, ids, annex, on: on ?? today };
}

async function readOrganFilter(db: Reader, filter: OrganFilter): Promise<store.OrganFilter> {
  const { nameContains = null, level = null, divisionCode = null } = filter;
  return { ids: nameContains === null ? null : await findOrganIds(db, nameContains), level, divisionCode };
}
