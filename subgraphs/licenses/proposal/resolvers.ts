import { type GraphContext, mayRead, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { EITHER_ACTS, type EitherAct, OWN_ACTS, type OwnAct } from '../../kernel/license-acts.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { IssueDependencies } from '../act/issue-workflow.ts';
import { prepareCaseAct } from '../act/prepare-workflow.ts';
import { type MutationResolver, runAct, runLicenseMutation } from '../act/resolvers.ts';
import { mapMutations } from '../action/mutation.ts';
import { toActRehearsal } from '../action/rehearsal-view.ts';
import { LICENSE_READS } from '../policy.ts';
import * as view from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import type { Hearing } from './grounds.ts';
import { listProposals, PROPOSAL_ORDER, proposalStore } from './store.ts';
import { loadProposals, viewProposal, viewProposalActions } from './view.ts';
import * as workflow from './workflow.ts';

/** Resolvers of proposed acts on licenses (拟办), and of the mutations that prepare and decide them. */
export function proposalResolvers(deps: IssueDependencies) {
  const { db } = deps;
  return {
    Query: {
      licenseProposals: async (_, args, { actor }) => {
        const message = '拟办事项只供发证机关审查人、审批人，提出的监管人员和审计人员查阅。';
        const organs = requireReadScope(LICENSE_READS.licenseProposals, actor, message);
        const { act = null, state = null } = args.filter ?? {};
        const kind = act as OwnAct | null;
        const scope = { organs, personId: requirePerson(actor).id };
        const page = await listProposals(db, scope, { kind, state }, readPage(args, PROPOSAL_ORDER));
        return toConnection(page, PROPOSAL_ORDER, viewProposal);
      },
    },
    Mutation: proposalMutations(deps),
    License: { proposals: (parent) => loadProposals(db, parent) },
    LicenseAct: {
      preparedBy: async ({ number, proposalId }, _, context) => {
        if (proposalId === null) return null;
        const license = await view.loadHead(db, context, requirePerson(context.actor), number);
        const proposals = license && (await loadProposals(db, license));
        return proposals?.find(({ id }) => id === proposalId)?.proposedBy ?? null;
      },
    },
    LicenseProposal: {
      __resolveReference: async ({ id }, context) => {
        const person = requirePerson(context.actor);
        const stored = await proposalStore.find(db, id);
        if (!stored) return null;
        const ownOrgan = stored.proposedById === person.id ? person.organ : null;
        if (mayRead(LICENSE_READS.licenseProposals, person, [stored.organ, ownOrgan])) return viewProposal(stored);
        const license = await view.loadHead(db, context, person, workflow.contentOf(stored).number);
        return license && (await loadProposals(db, license)) ? viewProposal(stored) : null;
      },
      license: ({ number }, _, context) => view.loadHead(db, context, requirePerson(context.actor), number),
      actions: (proposal, _, { actor }) => viewProposalActions(proposal, requirePerson(actor)),
    },
  } satisfies Resolvers;
}

function proposalMutations(deps: IssueDependencies) {
  const resolveOwnAct =
    (act: OwnAct): MutationResolver<'suspendLicense'> =>
    (_, { input }, context) =>
      propose(deps, context, act, { ...input, order: input.order ?? null });
  const resolveEitherAct =
    (act: EitherAct): MutationResolver<'cancelLicense'> =>
    (_, { input }, context) => {
      const { case: caseId, identifier, dryRun } = input;
      if (!caseId) return propose(deps, context, act, { ...input, identifier: identifier ?? null, order: null });
      return runAct(deps, context, dryRun, (tx, actor) =>
        prepareCaseAct(tx, deps, actor, { caseId, sheets: null, act }),
      );
    };
  return {
    ...mapMutations(OWN_ACTS, resolveOwnAct),
    ...mapMutations(EITHER_ACTS, resolveEitherAct),
    decideLicenseProposal: (_, { input }, context) =>
      runLicenseMutation(deps.db, context, async (actor) =>
        toOutcome(
          await workflow.decideProposal(deps, actor, {
            ...input,
            reason: input.reason ?? null,
            signature: input.signature ?? null,
          }),
        ),
      ),
    withdrawLicenseProposal: (_, { input }, context) =>
      runLicenseMutation(deps.db, context, async (actor) =>
        toOutcome(await workflow.withdrawProposal(deps, actor, input)),
      ),
  } satisfies Resolvers['Mutation'];
}

interface PreparationInput {
  identifier: string | null;
  reason?: string | null;
  order: string | null;
  decisionNumber?: string | null;
  hearing?: (Omit<Hearing, 'heldOn'> & { heldOn?: string | null }) | null;
  dryRun: boolean;
}

/** Prepares an act on the organ's own authority. Refuses ACT_NEEDS_CASE if it names neither a case nor a license. */
function propose(deps: IssueDependencies, context: GraphContext, act: OwnAct, input: PreparationInput) {
  const { identifier, reason = null, order, decisionNumber = null, hearing, dryRun } = input;
  return runLicenseMutation(deps.db, context, async (actor) => {
    if (!identifier) throw new Refusal('ACT_NEEDS_CASE', 'case');
    const heard = hearing ? { ...hearing, heldOn: hearing.heldOn ?? null } : null;
    const request = { act, identifier, reason, order, decisionNumber, hearing: heard, dryRun };
    return toOutcome(await workflow.proposeAct(deps, actor, request));
  });
}

function toOutcome({ proposal, identifier, rehearsed, signatureRequest }: workflow.ProposalResult) {
  return { proposal, identifier, rehearsal: rehearsed && toActRehearsal(rehearsed), signatureRequest };
}
