import type { Database, Transaction } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type GraphContext, requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import {
  EITHER_ACTS,
  type EitherAct,
  mapMutations,
  OWN_ACTS,
  type OwnAct,
  VERSION_ACTS,
  type VersionAct,
} from '../../kernel/license-acts.ts';
import { Refusal } from '../../kernel/refusal.ts';
import * as handover from '../paper/handover-workflow.ts';
import type { MutationResolvers, Resolvers } from '../resolvers.gen.ts';
import { voidTask } from '../task/workflow.ts';
import * as view from '../view.ts';
import type { PreparedAct } from './act-store.ts';
import * as issue from './issue-workflow.ts';
import { prepareCaseAct, prepareOwnAct, prepareSpoil } from './prepare-workflow.ts';

/** The generated type of the resolver of a mutation. */
type MutationResolver<Name extends keyof MutationResolvers> = NonNullable<MutationResolvers[Name]>;

/** Mutations of licenses: the acts, which are sealed, and those of the counter. */
export function licenseMutations(deps: issue.IssueDependencies) {
  const resolveCaseAct =
    (act: VersionAct): MutationResolver<'issueLicense'> =>
    (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) =>
        prepareCaseAct(tx, deps, actor, { caseId: input.case, blankNumber: input.blankNumber, act }),
      );
  const resolveOwnAct =
    (act: OwnAct): MutationResolver<'suspendLicense'> =>
    (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) => {
        const { identifier, reason = null, order = null } = input;
        return prepareOwnAct(tx, deps, actor, { identifier, reason, order, act });
      });
  const resolveEitherAct =
    (act: EitherAct): MutationResolver<'cancelLicense'> =>
    (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) => {
        const { case: caseId, identifier, reason = null } = input;
        if (caseId) return prepareCaseAct(tx, deps, actor, { caseId, blankNumber: null, act });
        if (!identifier) throw new Refusal('ACT_NEEDS_CASE', 'case');
        return prepareOwnAct(tx, deps, actor, { identifier, act, reason, order: null });
      });
  return {
    ...mapMutations(VERSION_ACTS, resolveCaseAct),
    ...mapMutations(OWN_ACTS, resolveOwnAct),
    ...mapMutations(EITHER_ACTS, resolveEitherAct),
    spoilBlank: (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) => prepareSpoil(tx, deps, actor, input)),
    ...counterMutations(deps),
  } satisfies Resolvers['Mutation'];
}

/**
 * Mutations of the counter: delivery and recall of paper, receipt of blanks, voiding of a task, redrive to the library.
 * None of them is sealed.
 */
function counterMutations(deps: issue.IssueDependencies) {
  const resolveSheetMutation =
    (changeSheet: typeof handover.deliverSheet): MutationResolver<'deliverCertificate'> =>
    (_, { input }, context) =>
      runLicenseMutation(deps.db, context, async (actor) => {
        const sheet = await changeSheet(deps, actor, input);
        return { identifier: input.identifier, rehearsal: input.dryRun ? view.toSheetRehearsal(sheet) : null };
      });
  return {
    deliverCertificate: resolveSheetMutation(handover.deliverSheet),
    recallCertificate: resolveSheetMutation(handover.recallSheet),
    redriveCollection: (_, { input }, context) =>
      runLicenseMutation(deps.db, context, async (actor) => {
        await handover.redriveCollection(deps, actor, input);
        return { identifier: input.identifier, rehearsal: null };
      }),
    voidTask: (_, { input }, { actor }) => {
      requirePerson(actor);
      return mutate(async () => {
        await voidTask(deps, actor, input);
        return { case: { id: input.case } };
      });
    },
    receiveBlanks: (_, { input }, { actor }) => {
      requirePerson(actor);
      return mutate(async () => ({ received: await handover.receiveBlanks(deps, actor, input) }));
    },
  } satisfies Resolvers['Mutation'];
}

interface MutationOutcome {
  /** Null if the act waits for its seal. */
  identifier: string | null;
  rehearsal: view.Rehearsal | null;
}

/** Performs an act, or rehearses it if `dryRun`. The payload contains the license in the state after that. */
function runAct(
  deps: issue.IssueDependencies,
  context: GraphContext,
  dryRun: boolean,
  prepare: (tx: Transaction, actor: Actor) => Promise<PreparedAct>,
) {
  return runLicenseMutation(deps.db, context, async (actor) => {
    const prepareForActor = async (tx: Transaction) => prepare(tx, actor);
    if (dryRun) {
      const intent = await issue.rehearseAct(deps, prepareForActor);
      return { identifier: intent.identifier, rehearsal: view.toActRehearsal(intent) };
    }
    const outcome = await issue.performAct(deps, prepareForActor);
    return { identifier: outcome.waitingFor === null ? outcome.identifier : null, rehearsal: null };
  });
}

function runLicenseMutation(db: Database, context: GraphContext, run: (actor: Actor) => Promise<MutationOutcome>) {
  const person = requirePerson(context.actor);
  return mutate(async () => {
    const { identifier, rehearsal } = await run(person);
    context.loaders.clear();
    const license = identifier === null ? null : await view.loadLicense(db, context, person, identifier);
    return { license, rehearsal };
  });
}
