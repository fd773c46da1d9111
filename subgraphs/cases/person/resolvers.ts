import { requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { narrowScope } from '../../kernel/policy.ts';
import { CASE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { endSessions } from './session-workflow.ts';
import * as store from './store.ts';
import { viewAppointment, viewPerson } from './view.ts';
import type { PersonDependencies } from './workflow.ts';

/** Resolvers of the register of people (人员岗位登记). Its changes are proposals. */
export function personResolvers(deps: PersonDependencies) {
  return {
    Query: {
      viewer: async (_, _args, { actor }) => {
        if (actor.kind === 'public') return null;
        return viewPerson(actor, await store.findLineOfPerson(deps.db, actor.id, deps.now()));
      },
      people: async (_, args, { actor }) => {
        const scope = requireReadScope(CASE_READS.people, actor, '您的岗位不能查看人员岗位登记。');
        const { organ = null, subject = null, at = null } = args.filter ?? {};
        const page = readPage(args, store.REGISTER_ORDER);
        const filter = { organs: narrowScope(scope, organ), subject, at };
        const lines = await store.listRegister(deps.db, filter, page);
        return toConnection(lines, store.REGISTER_ORDER, (line) => viewAppointment(line, deps.now()));
      },
    },
    Mutation: {
      endSessions: (_, { input }, { actor }) => {
        requirePerson(actor);
        const { person = null, reason = null, dryRun } = input;
        return mutate(async () => ({ endedAt: await endSessions(deps, actor, { person, reason, dryRun }) }));
      },
    },
  } satisfies Resolvers;
}
