import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import { dayOf } from '../kernel/day.ts';
import { type GraphContext, getLoader, requirePerson } from '../kernel/http/context.ts';
import type { CompleteResolvers } from '../kernel/http/resolver-types.ts';
import { prepareActions } from './action/workflow.ts';
import { agreementResolvers } from './agreement/resolvers.ts';
import { attentionResolvers } from './attention/resolvers.ts';
import { calendarResolvers } from './calendar/resolvers.ts';
import type { Case } from './case.ts';
import { contentResolvers } from './content/resolvers.ts';
import { decideInPerson, deliverDecision } from './decision/workflow.ts';
import { exceptionResolvers } from './exception/resolvers.ts';
import { isSecondPerson } from './exception/workflow.ts';
import { mergeResolvers } from './graph/merge.ts';
import { listResolvers } from './list/resolvers.ts';
import { materialResolvers } from './material/resolvers.ts';
import type { MaterialDependencies } from './material/upload/workflow.ts';
import { nodeResolvers } from './node/resolvers.ts';
import { noticeResolvers } from './notice/resolvers.ts';
import { personResolvers } from './person/resolvers.ts';
import type { PersonDependencies } from './person/workflow.ts';
import { platformResolvers } from './platform/resolvers.ts';
import type { PlatformDependencies } from './platform/workflow.ts';
import { type CaseSubject, maySee } from './policy.ts';
import { progressResolvers } from './progress/resolvers.ts';
import { proposalResolvers } from './proposal/resolvers.ts';
import { publicationResolvers } from './publication/resolvers.ts';
import { readingResolvers } from './reading/resolvers.ts';
import { type FindCase, settleCase, settleDecision, toCommand, viewCase, viewCaseActions } from './reading/view.ts';
import { receptionMutations } from './reception/resolvers.ts';
import type { Resolvers, ResolversParentTypes } from './resolvers.gen.ts';
import { statisticsResolvers } from './statistics/resolvers.ts';
import * as store from './store.ts';
import { supervisionResolvers } from './supervision/resolvers.ts';
import type { WebhookDependencies } from './supervision/webhook/workflow.ts';
import * as workflow from './workflow.ts';

/** Returns all resolvers of the cases subgraph: its own and those of its modules. */
export function caseResolvers(
  dependencies: PlatformDependencies & WebhookDependencies & MaterialDependencies & PersonDependencies,
): CompleteResolvers<Resolvers, ResolversParentTypes> {
  const findCase: FindCase = (context, id) => findVisible(dependencies, context, id);
  const modules = mergeResolvers([
    {
      Query: queries(findCase),
      Mutation: { ...receptionMutations(dependencies), ...stepMutations(dependencies) },
      Case: {
        __resolveReference: ({ id }, context) => findCase(context, id),
        actions: ({ subject }, _, context) => loadActions(dependencies, context, subject),
      },
      Assignment: {
        organ: ({ organ }) => (organ === null ? null : { id: organ }),
        second: ({ second }) => (second === null ? null : { id: second }),
      },
    } satisfies Resolvers,
    listResolvers(dependencies),
    agreementResolvers(dependencies),
    attentionResolvers(dependencies, findCase),
    calendarResolvers(dependencies),
    contentResolvers(dependencies),
    exceptionResolvers(dependencies),
    materialResolvers(dependencies),
    nodeResolvers(dependencies, findCase),
    noticeResolvers(dependencies),
    personResolvers(dependencies),
    platformResolvers(dependencies),
    progressResolvers(dependencies),
    proposalResolvers(dependencies),
    publicationResolvers(dependencies),
    readingResolvers(dependencies),
    statisticsResolvers(dependencies),
    supervisionResolvers(dependencies, findCase),
  ]);
  return { Date: GraphQLLocalDate, DateTime: GraphQLDateTime, ...modules };
}

/** Loads the actions on a case. What they depend on is loaded once for all cases of the request. */
async function loadActions({ db, now }: workflow.WorkflowDependencies, context: GraphContext, subject: Case) {
  const person = requirePerson(context.actor);
  const loader = getLoader<CaseSubject, Case>(context, 'case actions', (cases) =>
    prepareActions(db, cases, person, dayOf(now())),
  );
  return viewCaseActions((await loader.load(subject)) ?? subject, person);
}

function queries(findCase: FindCase) {
  return {
    case: async (_, { id }, context) => findCase(context, id),
  } satisfies Resolvers['Query'];
}

/** Mutations of an accepted case, up to its decision and the hand-over of a decision document. */
function stepMutations(deps: workflow.WorkflowDependencies) {
  return {
    examineCase: (_, { input }, { actor }) =>
      settleCase(actor, () => workflow.examine(deps, toCommand(actor, input), input.finding, input.opinion ?? null)),
    forwardCase: (_, { input }, { actor }) =>
      settleCase(actor, () => workflow.forward(deps, toCommand(actor, input), input.note ?? null)),
    sendBackCase: (_, { input }, { actor }) =>
      settleCase(actor, () => workflow.sendBack(deps, toCommand(actor, input), input.reason)),
    pauseCase: (_, { input }, { actor }) =>
      settleCase(actor, () => workflow.pause(deps, toCommand(actor, input), input)),
    resumeCase: (_, { input }, { actor }) =>
      settleCase(actor, () => workflow.resume(deps, toCommand(actor, input), input.note ?? null)),
    decideCase: (_, { input }, { actor }) =>
      settleDecision(actor, () => {
        const { decision, reason = null, authoriseSeal, signature = null } = input;
        const { validFrom = null, validUntil = null, withheld = null } = input;
        const decisionInput = { decision, reason, authoriseSeal, withheld, validFrom, validUntil };
        return decideInPerson(deps, toCommand(actor, input), decisionInput, signature);
      }),
    deliverDecision: (_, { input }, { actor }) =>
      settleCase(actor, () => deliverDecision(deps, toCommand(actor, input), input)),
  } satisfies Resolvers['Mutation'];
}

/** Returns a case, or null if the caller may not see it, so that nobody learns that it exists. */
async function findVisible({ db, now }: workflow.WorkflowDependencies, context: GraphContext, id: string) {
  const person = requirePerson(context.actor);
  const stored = await getLoader<store.StoredCase>(context, 'cases', (ids) => store.findCases(db, ids)).load(id);
  if (!stored) return null;
  const { subject, parties, window } = stored;
  const isVisible =
    maySee(person, { applicantCode: subject.applicant.code, parties, window }) ||
    (await isSecondPerson(db, person, parties, now()));
  return isVisible ? viewCase(subject, person) : null;
}
