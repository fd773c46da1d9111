import { dayOf } from '../../kernel/day.ts';
import { type GraphContext, getLoader, requirePerson } from '../../kernel/http/context.ts';
import { toRefusalView } from '../../kernel/http/errors.ts';
import { byValue, numberPart, readPage, toConnection } from '../../kernel/http/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { Matter } from '../matter.ts';
import type { Resolvers, ResolversTypes } from '../resolvers.gen.ts';
import { findMatters } from '../store.ts';
import { GuideRefusal } from './guide.ts';
import * as store from './store.ts';
import { findGuide, type GuideVersion } from './version.ts';
import { viewGuide, viewVersion } from './view.ts';
import { type GuideDependencies, importGuide, importOverlay, type PublicationResult } from './workflow.ts';

const BY_VERSION = byValue(numberPart(6));

/** Resolvers of service guides. Reading is public. */
export function guideResolvers(dependencies: GuideDependencies) {
  const { db, now } = dependencies;
  const load = async (context: GraphContext, matterId: string) =>
    (await getLoader<GuideVersion[]>(context, 'guides', (ids) => store.findGuides(db, ids)).load(matterId)) ?? [];
  return {
    Mutation: {
      importGuide: (_, { input }, { actor }) => {
        const person = requirePerson(actor);
        return settleImport(() => importGuide(dependencies, person, input));
      },
      importGuideOverlay: (_, { input }, { actor }) => {
        const person = requirePerson(actor);
        return settleImport(() => importOverlay(dependencies, person, input));
      },
    },
    Matter: {
      guide: async ({ row }, { on, division }, context) => {
        const guideInForce = findGuide(await load(context, row.id), on ?? dayOf(now()), division ?? null);
        return guideInForce && viewGuide(guideInForce);
      },
      guideVersions: async ({ row }, args, context) => {
        const { first, after } = readPage(args, BY_VERSION);
        const versions = await load(context, row.id);
        const remaining = versions.filter((version) => version.version > (after ?? 0));
        const page = { rows: remaining.slice(0, first), hasNextPage: remaining.length > first };
        return toConnection(
          page,
          BY_VERSION,
          (version) => version.version,
          (version) => viewVersion(versions, version),
        );
      },
    },
    Guide: {
      matter: async ({ matterId }, _, context) => {
        const matter = await getLoader<Matter>(context, 'matters', (ids) => findMatters(db, ids)).load(matterId);
        if (!matter) throw new Error(`no matter ${matterId}`);
        return matter;
      },
    },
  } satisfies Resolvers;
}

/** Maps an import to its payload. A refusal includes every problem. */
async function settleImport(
  run: () => Promise<PublicationResult>,
): Promise<Awaited<ResolversTypes['ImportGuidePayload']>> {
  try {
    const { guide, ...outcome } = await run();
    return { guide: viewGuide(guide), problems: [], refusal: null, ...outcome };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const problems = error instanceof GuideRefusal ? error.problems : [];
    return { changed: false, differences: [], lapsed: [], problems, refusal: toRefusalView(error) };
  }
}
