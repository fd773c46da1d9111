import { GraphQLError } from 'graphql';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { PUBLICATION_ORDER } from './store.ts';
import { viewPublicDecision } from './view.ts';
import { listPublicDecisions, type PublicationDependencies } from './workflow.ts';

/** The list of granted licenses (双公示), for everybody. */
export function publicationResolvers(deps: PublicationDependencies) {
  return {
    Query: {
      publicDecisions: async (_, args) => {
        const { organ = null, from = null, to = null } = args.filter ?? {};
        if (from !== null && to !== null && from > to) {
          throw new GraphQLError('from 不得晚于 to。', { extensions: { code: 'BAD_USER_INPUT', argument: 'filter' } });
        }
        const page = await listPublicDecisions(deps, { organ, from, to }, readPage(args, PUBLICATION_ORDER));
        return toConnection(page, PUBLICATION_ORDER, viewPublicDecision);
      },
    },
  } satisfies Resolvers;
}
