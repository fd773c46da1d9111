import type { Database } from '../../../db/client.ts';
import type { Clock } from '../../kernel/day.ts';
import { requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { CASE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { EXCEPTION_ORDER, listExceptions } from './store.ts';
import { viewException } from './view.ts';
import { endException } from './workflow.ts';

/** Resolvers of exceptions to the segregation of duties (职责分离的例外). `recordException` is a proposal. */
export function exceptionResolvers(deps: { db: Database; now: Clock }) {
  return {
    Query: {
      dutyExceptions: async (_, args, { actor }) => {
        const ownOrgan = requireReadScope(CASE_READS.dutyExceptions, actor, '您的岗位不能查看职责分离的例外。');
        const page = await listExceptions(deps.db, ownOrgan, readPage(args, EXCEPTION_ORDER));
        return toConnection(page, EXCEPTION_ORDER, viewException);
      },
    },
    Mutation: {
      endException: (_, { input }, { actor }) => {
        requirePerson(actor);
        return mutate(async () => ({ exception: viewException(await endException(deps, actor, input)) }));
      },
    },
  } satisfies Resolvers;
}
