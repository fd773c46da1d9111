import { getLoader, requireReadScope } from '../../kernel/http/context.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { CASE_READS, maySee } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { findCases } from '../store.ts';
import * as store from './store.ts';
import { viewMessage, viewPlatform } from './view.ts';
import { audienceOf, type PlatformDependencies } from './workflow.ts';

/** Resolvers of platforms, their messages, and the state of a case at a platform. */
export function platformResolvers(deps: PlatformDependencies) {
  const { db } = deps;
  return {
    Query: {
      platforms: async (_, args, { actor }) => {
        requireReadScope(CASE_READS.platforms, actor, FORBIDDEN);
        const page = await store.listPlatforms(db, readPage(args, store.PLATFORM_ORDER));
        return toConnection(page, store.PLATFORM_ORDER, (platform) => viewPlatform(platform, audienceOf(deps)));
      },
      platformMessages: async (_, args, { actor }) => {
        requireReadScope(CASE_READS.platformMessages, actor, FORBIDDEN);
        const page = readPage(args, store.MESSAGE_ORDER);
        const [storedCase] = await findCases(db, [args.case]);
        const { number } = storedCase?.subject ?? { number: '' };
        return toConnection(await store.listMessages(db, number, page), store.MESSAGE_ORDER, viewMessage);
      },
    },
    Case: {
      platform: async ({ id }, _, context) => {
        const { actor } = context;
        const storedCase = await getLoader(context, 'platformCases', (ids) => findCases(db, ids)).load(id);
        if (!storedCase || actor.kind !== 'person') return null;
        const { subject, parties, window } = storedCase;
        // The applicant may know which organ has the case, but not which system that organ uses.
        if (!maySee({ ...actor, holderCode: null }, { applicantCode: subject.applicant.code, parties, window })) {
          return null;
        }
        return getLoader(context, 'platformStates', (ids) => store.findStates(db, ids)).load(id);
      },
    },
  } satisfies Resolvers;
}

const FORBIDDEN = '您的岗位不能查看审批平台。';
