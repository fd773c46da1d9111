import type { Actor } from '../../kernel/actor.ts';
import { getLoader, requirePerson, requireReadScope } from '../../kernel/http/context.ts';
import { mutate, toRefusalFields } from '../../kernel/http/errors.ts';
import { readPage, toConnection } from '../../kernel/list/page.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { viewAgreement } from '../agreement/view.ts';
import { viewException } from '../exception/view.ts';
import type { ListProblem } from '../person/list.ts';
import { viewAppointment } from '../person/view.ts';
import { viewPlatform } from '../platform/view.ts';
import { audienceOf } from '../platform/workflow.ts';
import { CASE_READS } from '../policy.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { viewWebhook } from '../supervision/view.ts';
import { importPeople } from './people-workflow.ts';
import type { ProposalContents, ProposalKind } from './proposal.ts';
import { findProposals, listProposals, PROPOSAL_ORDER } from './store.ts';
import { viewProposal, viewProposalActions } from './view.ts';
import * as workflow from './workflow.ts';

/** Resolvers of proposals (提议), and of the acts of administration that are proposed. */
export function proposalResolvers(deps: workflow.ProposalDependencies) {
  return {
    Query: {
      proposals: async (_, args, { actor }) => {
        const ownOrgan = requireReadScope(CASE_READS.proposals, actor, '您的岗位不能查看提议。');
        const { kind = null, state = null } = args.filter ?? {};
        const page = await listProposals(deps.db, ownOrgan, { kind, state }, readPage(args, PROPOSAL_ORDER));
        return toConnection(page, PROPOSAL_ORDER, viewProposal);
      },
    },
    Proposal: { actions: (proposal, _, { actor }) => viewProposalActions(proposal, actor) },
    AttentionItem: {
      proposal: async ({ kind, proposalId }, _, context) => {
        if (kind !== 'PROPOSAL_WAITING' || proposalId === null) return null;
        const row = await getLoader<StoredProposal<ProposalKind>>(context, 'proposals', async (ids) => {
          const found = new Map((await findProposals(deps.db, ids)).map((stored) => [stored.id, stored]));
          return ids.map((id) => found.get(id) ?? null);
        }).load(proposalId);
        return row && viewProposal(row);
      },
    },
    Mutation: {
      ...{ ...platformMutations(deps), ...otherMutations(deps), ...peopleMutations(deps), ...decisions(deps) },
    },
  } satisfies Resolvers;
}

function viewResult(deps: workflow.ProposalDependencies, { proposal, effect }: workflow.ProposalResult) {
  const { agreement, calendar, movedCases, platform, webhook, exception, people, secret } = effect;
  return {
    proposal: proposal && viewProposal(proposal),
    agreement: agreement ? viewAgreement(agreement, deps.now) : null,
    calendar: calendar ?? null,
    movedCases: movedCases ?? null,
    platform: platform ? viewPlatform(platform, audienceOf(deps)) : null,
    webhook: webhook ? viewWebhook(webhook) : null,
    exception: exception ? viewException(exception) : null,
    people: people?.people.map((line) => viewAppointment(line, deps.now())) ?? null,
    secret: secret ?? null,
  };
}

function settle(deps: workflow.ProposalDependencies, actor: Actor, run: () => Promise<workflow.ProposalResult>) {
  requirePerson(actor);
  return mutate(async () => viewResult(deps, await run()));
}

/** Proposes an act of one kind. */
function propose<Kind extends ProposalKind>(
  deps: workflow.ProposalDependencies,
  actor: Actor,
  kind: Kind,
  { dryRun }: { dryRun: boolean },
  content: ProposalContents[Kind],
) {
  return settle(deps, actor, () => workflow.propose(deps, actor, { kind, content, dryRun }));
}

const toText = (time: Date | null | undefined) => time?.toISOString() ?? null;

function platformMutations(deps: workflow.ProposalDependencies) {
  return {
    registerPlatform: (_, { input }, { actor }) => {
      const { organ, name, url, publicKey } = input;
      return propose(deps, actor, 'REGISTER_PLATFORM', input, { organ, name, url, publicKey });
    },
    changePlatform: (_, { input }, { actor }) => {
      const { platform: id, name = null, url = null, renewSecret } = input;
      return propose(deps, actor, 'CHANGE_PLATFORM', input, { id, name, url, renewSecret });
    },
    addPlatformKey: (_, { input }, { actor }) => {
      const { platform: id, publicKey, validFrom, validTo } = input;
      const content = { id, publicKey, validFrom: toText(validFrom), validTo: toText(validTo) };
      return propose(deps, actor, 'ADD_PLATFORM_KEY', input, content);
    },
    endPlatformKey: (_, { input }, { actor }) => {
      const { platform: id, key: kid, validTo } = input;
      return propose(deps, actor, 'END_PLATFORM_KEY', input, { id, kid, validTo: toText(validTo) });
    },
    removePlatform: (_, { input }, { actor }) => propose(deps, actor, 'REMOVE_PLATFORM', input, { id: input.platform }),
  } satisfies Resolvers['Mutation'];
}

function otherMutations(deps: workflow.ProposalDependencies) {
  return {
    recordAgreement: (_, { input }, { actor }) => {
      const { dryRun, validTo = null, ...content } = input;
      return propose(deps, actor, 'RECORD_AGREEMENT', { dryRun }, { ...content, validTo });
    },
    endAgreement: (_, { input: { dryRun, ...content } }, { actor }) =>
      propose(deps, actor, 'END_AGREEMENT', { dryRun }, content),
    loadCalendar: (_, { input: { dryRun, ...content } }, { actor }) =>
      propose(deps, actor, 'LOAD_CALENDAR', { dryRun }, content),
    recordException: (_, { input: { dryRun, ...input } }, { actor }) => {
      const { person = null, personOrgan = null, ...content } = input;
      return propose(deps, actor, 'RECORD_EXCEPTION', { dryRun }, { ...content, person, personOrgan });
    },
    registerWebhook: (_, { input }, { actor }) => {
      const { organ, url } = input;
      return propose(deps, actor, 'REGISTER_WEBHOOK', input, { organ, url });
    },
    removeWebhook: (_, { input }, { actor }) => propose(deps, actor, 'REMOVE_WEBHOOK', input, { organ: input.organ }),
  } satisfies Resolvers['Mutation'];
}

const NOTHING_IMPORTED = { proposals: [], changes: 0, unchanged: 0, problems: [] as ListProblem[] };
const CHANGE_DEFAULTS = { name: null, organ: null, window: null, from: null, to: null, reason: null };

function peopleMutations(deps: workflow.ProposalDependencies) {
  return {
    changePeople: (_, { input: { changes, ...input } }, { actor }) => {
      const content = changes.map(({ issuer, ...change }) => ({
        ...{ ...CHANGE_DEFAULTS, ...change },
        issuer: issuer ?? deps.issuer,
      }));
      return propose(deps, actor, 'CHANGE_PEOPLE', input, { changes: content });
    },
    importPeople: (_, { input }, { actor }) => {
      requirePerson(actor);
      return mutate(async () => {
        const { proposals, ...result } = await importPeople(deps, actor, input);
        return { ...result, proposals: proposals.map(viewProposal) };
      }, NOTHING_IMPORTED).then((result) =>
        result.problems.length > 0 ? { ...result, ...toRefusalFields(new Refusal('IMPORT_NOT_DONE')) } : result,
      );
    },
  } satisfies Resolvers['Mutation'];
}

function decisions(deps: workflow.ProposalDependencies) {
  return {
    decideProposal: (_, { input }, { actor }) =>
      settle(deps, actor, () => workflow.decideProposal(deps, actor, { ...input, reason: input.reason ?? null })),
    withdrawProposal: (_, { input }, { actor }) =>
      settle(deps, actor, () => workflow.withdrawProposal(deps, actor, input)),
  } satisfies Resolvers['Mutation'];
}
