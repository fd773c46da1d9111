import type { Database, Transaction } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { type GraphContext, requirePerson } from '../../kernel/http/context.ts';
import { mutate } from '../../kernel/http/errors.ts';
import {
  makesVersion,
  type OwnAct,
  type ValidityState,
  VERSION_ACTS,
  type VersionAct,
} from '../../kernel/license-acts.ts';
import { periodOf, stateOn } from '../../kernel/period/validity.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import type { SignatureRequest } from '../../kernel/sealing/signing-workflow.ts';
import { mapMutations } from '../action/mutation.ts';
import { type Rehearsal, toActRehearsal, toSheetRehearsal } from '../action/rehearsal-view.ts';
import * as handover from '../paper/handover-workflow.ts';
import type { SheetBlanks } from '../paper/paper.ts';
import { viewProposal } from '../proposal/view.ts';
import * as view from '../reading/view.ts';
import { prepareSpoil } from '../register/prepare-workflow.ts';
import type { CaseActInput, MutationResolvers, Resolvers } from '../resolvers.gen.ts';
import { voidTask } from '../task/workflow.ts';
import type { ActRow, PreparedAct } from './act-store.ts';
import * as issue from './issue-workflow.ts';
import { prepareCaseAct } from './prepare-workflow.ts';
import type { LicenseRecord } from './record.ts';

/** The generated type of the resolver of a mutation. */
export type MutationResolver<Name extends keyof MutationResolvers> = NonNullable<MutationResolvers[Name]>;

/** Mutations of licenses: the acts that granted cases end in, which are signed, and those of the counter. */
export function licenseMutations(deps: issue.IssueDependencies) {
  const resolveCaseAct =
    (act: VersionAct): MutationResolver<'issueLicense'> =>
    (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) =>
        prepareCaseAct(tx, deps, actor, { caseId: input.case, act, sheets: toSheetBlanks(input) }),
      );
  return {
    ...mapMutations(VERSION_ACTS, resolveCaseAct),
    spoilBlank: (_, { input }, context) =>
      runAct(deps, context, input.dryRun, (tx, actor) => prepareSpoil(tx, deps, actor, input)),
    ...counterMutations(deps),
  } satisfies Resolvers['Mutation'];
}

function toSheetBlanks({ blankNumber, duplicateBlanks }: CaseActInput): SheetBlanks {
  return { blankNumber, duplicateBlanks: [...(duplicateBlanks ?? [])] };
}

/**
 * Mutations of the counter: delivery and recall of paper, voiding of a task, redrive to the library. None of them is
 * signed.
 */
function counterMutations(deps: issue.IssueDependencies) {
  const resolveSheetMutation =
    (changeSheet: typeof handover.deliverSheet): MutationResolver<'deliverCertificate'> =>
    (_, { input }, context) =>
      runLicenseMutation(deps.db, context, (actor) => carryOutOnSheet(deps, changeSheet, actor, input));
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
        const isVoided = await voidTask(deps, actor, input);
        return { case: { id: input.case }, waitsForSecondPerson: !isVoided };
      });
    },
  } satisfies Resolvers['Mutation'];
}

export interface MutationOutcome {
  /** Null if the act waits for its seal. */
  identifier: string | null;
  proposal?: StoredProposal<OwnAct> | null;
  rehearsal: Rehearsal | null;
  /** What the actor signs, in a rehearsal of an act that the actor authorises. */
  signatureRequest?: SignatureRequest | null;
}

/** Performs an act, or rehearses it if `dryRun`. The payload contains the license in the state after that. */
export function runAct(
  deps: issue.IssueDependencies,
  context: GraphContext,
  dryRun: boolean,
  prepare: (tx: Transaction, actor: Actor) => Promise<PreparedAct>,
) {
  return runLicenseMutation(deps.db, context, (actor) => carryOut(deps, dryRun, async (tx) => prepare(tx, actor)));
}

/** The state that an act leads to, on the day of a rehearsal: a new version may begin later. */
function stateToday({ now }: issue.IssueDependencies, { act, record, stateAfter }: ActRow): ValidityState {
  if (!makesVersion(act)) return stateAfter;
  return stateOn(stateAfter, periodOf(record as LicenseRecord), dayOf(now()));
}

/** Performs an act, or rehearses it if `dryRun`. */
export async function carryOut(
  deps: issue.IssueDependencies,
  dryRun: boolean,
  prepare: (tx: Transaction) => Promise<PreparedAct>,
): Promise<MutationOutcome> {
  if (dryRun) {
    const intent = await issue.rehearseAct(deps, prepare);
    return {
      identifier: intent.identifier,
      rehearsal: { ...toActRehearsal(intent), state: stateToday(deps, intent) },
    };
  }
  const outcome = await issue.performAct(deps, prepare);
  return { identifier: outcome.waitingFor === null ? outcome.identifier : null, rehearsal: null };
}

/** Delivers or recalls a sheet, or rehearses it. */
export async function carryOutOnSheet(
  deps: issue.IssueDependencies,
  changeSheet: typeof handover.deliverSheet,
  actor: Actor,
  input: Parameters<typeof handover.deliverSheet>[2],
): Promise<MutationOutcome> {
  const sheet = await changeSheet(deps, actor, input);
  return { identifier: input.identifier, rehearsal: input.dryRun ? toSheetRehearsal(sheet) : null };
}

/** Runs a mutation. The payload contains the license, and the proposal if the mutation was about one. */
export function runLicenseMutation(
  db: Database,
  context: GraphContext,
  run: (actor: Actor) => Promise<MutationOutcome>,
) {
  const person = requirePerson(context.actor);
  return mutate(async () => {
    const { identifier, proposal = null, rehearsal, signatureRequest = null } = await run(person);
    context.loaders.clear();
    const license = identifier === null ? null : await view.loadLicense(db, context, person, identifier);
    return { license, proposal: proposal && viewProposal(proposal), rehearsal, signatureRequest };
  });
}
