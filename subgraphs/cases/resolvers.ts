import { GraphQLDateTime, GraphQLLocalDate } from 'graphql-scalars';
import type { Database } from '../../db/client.ts';
import type { Actor } from '../kernel/actor.ts';
import { dayOf } from '../kernel/day.ts';
import { type GraphContext, getLoader, requirePerson } from '../kernel/http/context.ts';
import { mutate } from '../kernel/http/errors.ts';
import { BY_SERIAL, byValues, instantPart, readPage, serialPart, toConnection } from '../kernel/http/page.ts';
import type { CompleteResolvers } from '../kernel/http/resolver-types.ts';
import { prepareActions } from './action-workflow.ts';
import { agreementResolvers } from './agreement/resolvers.ts';
import { attentionResolvers } from './attention/resolvers.ts';
import { calendarResolvers } from './calendar/resolvers.ts';
import { type Case, isPosition } from './case.ts';
import { materialResolvers, toSubmittedMaterial } from './material/resolvers.ts';
import type { MaterialDependencies } from './material/workflow.ts';
import { noticeResolvers } from './notice/resolvers.ts';
import { platformResolvers } from './platform/resolvers.ts';
import type { PlatformDependencies } from './platform/workflow.ts';
import { type CaseSubject, maySee } from './policy.ts';
import * as reception from './reception/reception-workflow.ts';
import type { ApplicationInput, Resolvers, ResolversParentTypes } from './resolvers.gen.ts';
import { runningResolvers } from './running-resolvers.ts';
import { statisticsResolvers } from './statistics/resolvers.ts';
import * as store from './store.ts';
import { supervisionResolvers } from './supervision/resolvers.ts';
import type { WebhookDependencies } from './supervision/webhook/workflow.ts';
import { type FindCase, viewCase, viewCaseActions } from './view.ts';
import * as workflow from './workflow.ts';

/** The order of the queue. */
const BY_REST = byValues<{ since: Date; serial: number }>({ since: instantPart, serial: serialPart });

/** Returns all resolvers of the cases subgraph: its own and those of its modules. */
export function caseResolvers(
  dependencies: PlatformDependencies & WebhookDependencies & MaterialDependencies,
): CompleteResolvers<Resolvers, ResolversParentTypes> {
  const { db } = dependencies;
  const findCase: FindCase = (context, id) => findVisible(db, context, id);
  const modules = mergeResolvers([
    {
      Query: queries(db),
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
    runningResolvers(db),
    agreementResolvers(dependencies),
    attentionResolvers(dependencies, findCase),
    calendarResolvers(dependencies),
    materialResolvers(dependencies),
    noticeResolvers(dependencies),
    platformResolvers(dependencies),
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

/** The intersection of the modules of a union: each type with the fields of every module. */
type Merged<Module> = (Module extends unknown ? (module: Module) => void : never) extends (merged: infer All) => void
  ? All
  : never;

/** Merges the resolvers of all modules, type by type. */
function mergeResolvers<Module extends Resolvers>(modules: readonly Module[]): Merged<Module> {
  const types: Record<string, object> = {};
  for (const module of modules) {
    for (const [type, fields] of Object.entries(module)) types[type] = { ...types[type], ...fields };
  }
  return types as Merged<Module>;
}

function queries(db: Database) {
  return {
    cases: async (_, args, { actor }) => {
      const person = requirePerson(actor);
      const page = readPage(args, BY_SERIAL);
      const { step = null, matter = null, closed = null } = args.filter ?? {};
      const filter = { steps: step === null ? null : [step].filter(isPosition), matter, closed };
      const casePage = await store.listCases(db, person, filter, page);
      return toConnection(
        casePage,
        BY_SERIAL,
        (row) => row.serial,
        (row) => viewCase(row.subject, person),
      );
    },
    queue: async (_, args, { actor }) => {
      const person = requirePerson(actor);
      const steps = args.steps?.filter(isPosition) ?? null;
      const casePage = await store.listQueue(db, person, steps, readPage(args, BY_REST));
      return toConnection(
        casePage,
        BY_REST,
        (row) => ({ since: row.restsSince, serial: row.serial }),
        (row) => viewCase(row.subject, person),
      );
    },
    case: async (_, { id }, context) => findVisible(db, context, id),
  } satisfies Resolvers['Query'];
}

/** Mutations of the counter: receipt, acceptance, supplement, withdrawal. */
function receptionMutations(deps: workflow.WorkflowDependencies) {
  return {
    receiveApplication: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.receiveApplication(deps, actor, readRequest(input))),
    acceptCase: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.receiveAndAccept(deps, actor, readRequest(input))),
    acceptApplication: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.acceptApplication(deps, toCommand(actor, input))),
    askSupplement: (_, { input }, { actor }) =>
      settleCase(actor, () =>
        reception.askSupplement(deps, toCommand(actor, input), { items: input.items, until: input.until ?? null }),
      ),
    supplementCase: (_, { input }, { actor }) =>
      settleCase(actor, () => {
        const { fields = null, licenseNumber = null, note = null } = input;
        const materials = input.materials.map(toSubmittedMaterial);
        return reception.supplement(deps, toCommand(actor, input), { fields, licenseNumber, materials, note });
      }),
    closeUnsupplemented: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.closeUnsupplemented(deps, toCommand(actor, input))),
    refuseAcceptance: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.refuseAcceptance(deps, toCommand(actor, input), input.reason)),
    withdrawCase: (_, { input }, { actor }) =>
      settleCase(actor, () => reception.withdraw(deps, toCommand(actor, input), input.reason)),
  } satisfies Resolvers['Mutation'];
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
      settleCase(actor, () => {
        const { decision, reason = null, authoriseSeal, validFrom = null } = input;
        return workflow.decideCase(deps, toCommand(actor, input), { decision, reason, authoriseSeal, validFrom });
      }),
    deliverDecision: (_, { input }, { actor }) =>
      settleCase(actor, () => workflow.deliverDecision(deps, toCommand(actor, input), input.note ?? null)),
  } satisfies Resolvers['Mutation'];
}

function toCommand(actor: Actor, input: { case: string; dryRun: boolean }): workflow.CaseCommand {
  return { actor, id: input.case, dryRun: input.dryRun };
}

function readRequest(input: ApplicationInput): reception.Request {
  const { matter, applicant, fields, licenseNumber = null, requestKey = null, dryRun } = input;
  const materials = input.materials.map(toSubmittedMaterial);
  return { matterId: matter, application: { applicant, fields, licenseNumber }, materials, requestKey, dryRun };
}

/** Runs a person's mutation on a case. A missing token is a fault, not a refusal. */
function settleCase(actor: Actor, run: () => Promise<Case>) {
  const person = requirePerson(actor);
  return mutate(async () => ({ case: viewCase(await run(), person) }));
}

/** Returns a case, or null if the caller may not see it, so that nobody learns that it exists. */
async function findVisible(db: Database, context: GraphContext, id: string) {
  const person = requirePerson(context.actor);
  const stored = await getLoader<store.StoredCase>(context, 'cases', (ids) => store.findCases(db, ids)).load(id);
  if (!stored) return null;
  const { subject, parties, window } = stored;
  return maySee(person, { applicantCode: subject.applicant.code, parties, window }) ? viewCase(subject, person) : null;
}
