import { dayOf } from '../../kernel/day.ts';
import { readPage, toConnection } from '../../kernel/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type GraphContext, loader, requirePerson, viewRefusal } from '../../kernel/serve.ts';
import type { Matter } from '../matter.ts';
import { findMatters } from '../store.ts';
import { GuideRefusal, type Problem } from './guide.ts';
import * as store from './store.ts';
import { type GuideInForce, type GuideVersion, guideOn, lapsedAt, readVersion } from './version.ts';
import { type GuideDependencies, type GuideFile, importGuide, importOverlay, type Published } from './workflow.ts';

/** Resolvers of service guides. Reading is public. */
export function guideResolvers(dependencies: GuideDependencies) {
  const { db, now } = dependencies;
  const load = async (context: GraphContext, matterId: string) =>
    (await loader<GuideVersion[]>(context, 'guides', (ids) => store.findGuides(db, ids)).load(matterId)) ?? [];
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
        const found = guideOn(await load(context, row.id), on ?? dayOf(now()), division ?? null);
        return found && viewGuide(found);
      },
      guideVersions: async ({ row }: Matter, args: { first: number; after?: string | null }, context: GraphContext) => {
        const { first, after } = readPage(args, ([version]) =>
          /^\d{1,6}$/.test(version ?? '') ? Number(version) : null,
        );
        const versions = await load(context, row.id);
        const rest = versions.filter((one) => one.version > (after ?? 0));
        const page = { rows: rest.slice(0, first), hasNextPage: rest.length > first };
        return toConnection(
          page,
          (one) => [String(one.version)],
          (one) => viewVersion(versions, one),
        );
      },
    },
    Guide: {
      matter: ({ matterId }: { matterId: string }, _: unknown, context: GraphContext) =>
        loader<Matter>(context, 'matters', (ids) => findMatters(db, ids)).load(matterId),
    },
  };
}

function viewGuide({ guide, ...period }: GuideInForce) {
  return { ...guide, ...period };
}

function viewVersion(versions: readonly GuideVersion[], one: GuideVersion) {
  return {
    guide: viewGuide(readVersion(versions, one, null)),
    publishedAt: one.publishedAt,
    digest: one.digest,
    overlays: one.overlays.map((overlay) => ({
      ...overlay,
      differences: readVersion(versions, one, overlay).differences,
    })),
    lapsed: lapsedAt(versions, one),
  };
}

/** Maps an import to its payload. A refusal includes every problem. */
async function settleImport(run: () => Promise<Published>) {
  try {
    const { guide, ...done } = await run();
    return { guide: viewGuide(guide), problems: [] as Problem[], ...done };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const problems = error instanceof GuideRefusal ? error.problems : [];
    return { changed: false, differences: [], lapsed: [], problems, refusal: viewRefusal(error) };
  }
}
