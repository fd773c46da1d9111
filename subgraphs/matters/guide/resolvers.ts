import { type GraphContext, getLoader, requirePerson } from '../../kernel/context.ts';
import { dayOf } from '../../kernel/day.ts';
import { toRefusalView } from '../../kernel/errors.ts';
import { readPage, toConnection } from '../../kernel/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { Matter } from '../matter.ts';
import { findMatters } from '../store.ts';
import { GuideRefusal, type Problem } from './guide.ts';
import * as store from './store.ts';
import { findGuide, type GuideInForce, type GuideVersion, listLapsed, readVersion } from './version.ts';
import {
  type GuideDependencies,
  type GuideFile,
  importGuide,
  importOverlay,
  type PublicationResult,
} from './workflow.ts';

/** Resolvers of service guides. Reading is public. */
export function guideResolvers(dependencies: GuideDependencies) {
  const { db, now } = dependencies;
  const load = async (context: GraphContext, matterId: string) =>
    (await getLoader<GuideVersion[]>(context, 'guides', (ids) => store.findGuides(db, ids)).load(matterId)) ?? [];
  return {
    Mutation: {
      importGuide: (_: unknown, { input }: { input: GuideFile }, { actor }: GraphContext) => {
        const person = requirePerson(actor);
        return settleImport(() => importGuide(dependencies, person, input));
      },
      importGuideOverlay: (_: unknown, { input }: { input: GuideFile }, { actor }: GraphContext) => {
        const person = requirePerson(actor);
        return settleImport(() => importOverlay(dependencies, person, input));
      },
    },
    Matter: {
      guide: async (
        { row }: Matter,
        { on, division }: { on?: string | null; division?: string | null },
        context: GraphContext,
      ) => {
        const guideInForce = findGuide(await load(context, row.id), on ?? dayOf(now()), division ?? null);
        return guideInForce && viewGuide(guideInForce);
      },
      guideVersions: async ({ row }: Matter, args: { first: number; after?: string | null }, context: GraphContext) => {
        const { first, after } = readPage(args, ([version]) =>
          /^\d{1,6}$/.test(version ?? '') ? Number(version) : null,
        );
        const versions = await load(context, row.id);
        const remaining = versions.filter((version) => version.version > (after ?? 0));
        const page = { rows: remaining.slice(0, first), hasNextPage: remaining.length > first };
        return toConnection(
          page,
          (version) => [String(version.version)],
          (version) => viewVersion(versions, version),
        );
      },
    },
    Guide: {
      matter: ({ matterId }: { matterId: string }, _: unknown, context: GraphContext) =>
        getLoader<Matter>(context, 'matters', (ids) => findMatters(db, ids)).load(matterId),
    },
  };
}

function viewGuide({ guide, ...period }: GuideInForce) {
  return { ...guide, ...period };
}

function viewVersion(versions: readonly GuideVersion[], version: GuideVersion) {
  return {
    guide: viewGuide(readVersion(versions, version, null)),
    publishedAt: version.publishedAt,
    digest: version.digest,
    overlays: version.overlays.map((overlay) => ({
      ...overlay,
      differences: readVersion(versions, version, overlay).differences,
    })),
    lapsed: listLapsed(versions, version),
  };
}

/** Maps an import to its payload. A refusal includes every problem. */
async function settleImport(run: () => Promise<PublicationResult>) {
  try {
    const { guide, ...outcome } = await run();
    return { guide: viewGuide(guide), problems: [] as Problem[], ...outcome };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const problems = error instanceof GuideRefusal ? error.problems : [];
    return { changed: false, differences: [], lapsed: [], problems, refusal: toRefusalView(error) };
  }
}
