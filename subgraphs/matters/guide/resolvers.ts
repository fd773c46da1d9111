import { dayOf } from '../../kernel/day.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import { guideForSituation } from '../../kernel/license-type/situation.ts';
import { cutRows, type ListOrder, numberPart, readPage, toConnection } from '../../kernel/list/page.ts';
import type { Matter } from '../matter.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findMatters } from '../store.ts';
import * as store from './store.ts';
import { findGuide, type GuideVersion } from './version.ts';
import { viewGuide, viewVersion } from './view.ts';
import type { GuideDependencies } from './workflow.ts';

const BY_VERSION: ListOrder<GuideVersion> = {
  name: 'guideVersions',
  direction: 'ASC',
  keys: [{ part: numberPart(6), readValue: ({ version }) => version }],
};

/** Resolvers of service guides. Reading is public. */
export function guideResolvers(dependencies: GuideDependencies) {
  const { db, now } = dependencies;
  const load = async (context: GraphContext, matterId: string) =>
    (await getLoader<GuideVersion[]>(context, 'guides', (ids) => store.findGuides(db, ids)).load(matterId)) ?? [];
  return {
    Matter: {
      guide: async ({ row }, { on, division, situation }, context) => {
        const found = findGuide(await load(context, row.id), on ?? dayOf(now()), division ?? null);
        return found && viewGuide({ ...found, guide: guideForSituation(found.guide, situation ?? null) });
      },
      guideVersions: async ({ row }, args, context) => {
        const page = readPage(args, BY_VERSION);
        const versions = await load(context, row.id);
        return toConnection(cutRows(versions, page), BY_VERSION, (version) => viewVersion(versions, version));
      },
    },
    GuideVersion: {
      __resolveReference: async ({ id }, context) => {
        const [, matterId = '', version] = /^(.+)\/(\d{1,6})$/.exec(id) ?? [];
        const versions = matterId === '' ? [] : await load(context, matterId);
        const found = versions.find((one) => one.version === Number(version));
        return found ? viewVersion(versions, found) : null;
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
