import { type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { type PolicyRule, requireAllowed } from '../../kernel/policy.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import {
  type ProposalDecision,
  recordDecision,
  recordProposal,
  recordWithdrawal,
} from '../../kernel/proposal/workflow.ts';
import type { StoredAgreement } from '../agreement/store.ts';
import { endAgreement, recordAgreement } from '../agreement/workflow.ts';
import type { StoredNotice } from '../calendar/store.ts';
import { loadNotice } from '../calendar/workflow.ts';
import { EXCEPTION_POLICY } from '../exception/policy.ts';
import type { StoredException } from '../exception/store.ts';
import { recordException } from '../exception/workflow.ts';
import { type Approval, changePeople, type PeopleEffect, type PersonDependencies } from '../person/workflow.ts';
import type { Platform } from '../platform/platform.ts';
import {
  addKey,
  changePlatform,
  endKey,
  type PlatformDependencies,
  registerPlatform,
  removePlatform,
} from '../platform/workflow.ts';
import type { WebhookRow } from '../supervision/webhook/store.ts';
import { registerWebhook, removeWebhook, type WebhookDependencies } from '../supervision/webhook/workflow.ts';
import { ADMINISTRATION_POLICY, PROPOSAL_POLICY } from './policy.ts';
import { PROPOSALS, type ProposalContents, type ProposalKind } from './proposal.ts';
import { proposalStore } from './store.ts';

export type ProposalDependencies = PlatformDependencies & WebhookDependencies & PersonDependencies;

/** What an approved proposal made or changed. What does not concern its kind is absent. */
export interface ProposalEffect {
  agreement?: StoredAgreement;
  calendar?: StoredNotice;
  movedCases?: number;
  platform?: Platform;
  webhook?: WebhookRow;
  exception?: StoredException | null;
  people?: PeopleEffect;
  /** base64url, or null if no secret was created. */
  secret?: string | null;
}

/** What a proposal is carried out with. */
interface Execution {
  tx: Transaction;
  deps: ProposalDependencies;
  proposer: { id: string; name: string };
  /** Null if it is only rehearsed. */
  proposalId: string | null;
  /** Who approved it for which organ. Null in its rehearsal, before it is proposed. */
  approval: Approval | null;
  at: Date;
}

type CarryOut<Kind extends ProposalKind> = (
  execution: Execution,
  content: ProposalContents[Kind],
) => Promise<ProposalEffect>;

/** How each kind of proposal is carried out. Every check of its content is in there. */
const EXECUTIONS: { readonly [Kind in ProposalKind]: CarryOut<Kind> } = {
  RECORD_AGREEMENT: async ({ tx, proposer, at }, content) => ({
    agreement: await recordAgreement(tx, content, proposer.name, at),
  }),
  END_AGREEMENT: async ({ tx, proposer }, content) => ({ agreement: await endAgreement(tx, content, proposer.name) }),
  LOAD_CALENDAR: async ({ tx, proposer, at }, content) => {
    const { notice, movedCases } = await loadNotice(tx, content, proposer, at);
    return { calendar: notice, movedCases };
  },
  REGISTER_PLATFORM: ({ tx, deps, at }, content) => registerPlatform(tx, deps, content, at),
  CHANGE_PLATFORM: ({ tx, deps }, content) => changePlatform(tx, deps, content),
  ADD_PLATFORM_KEY: async ({ tx, at }, content) => ({ platform: await addKey(tx, content, at) }),
  END_PLATFORM_KEY: async ({ tx, at }, content) => ({ platform: await endKey(tx, content, at) }),
  REMOVE_PLATFORM: async ({ tx, at }, { id }) => ({ platform: await removePlatform(tx, id, at) }),
  REGISTER_WEBHOOK: ({ tx, deps, proposer, at }, content) => registerWebhook(tx, deps, content, proposer.name, at),
  REMOVE_WEBHOOK: async ({ tx, at }, { organ }) => ({ webhook: await removeWebhook(tx, organ, at) }),
  RECORD_EXCEPTION: async ({ tx, proposalId, at }, content) => ({
    exception: await recordException(tx, proposalId, content, at),
  }),
  CHANGE_PEOPLE: async ({ tx, proposer, approval, at }, { changes }) => ({
    people: await changePeople(tx, changes, { proposer, approval, at }),
  }),
};

/** Who may propose, by the mutation that does. The subject of a row is the content of the proposal. */
const PROPOSING = { ...ADMINISTRATION_POLICY, recordException: EXCEPTION_POLICY.recordException } as Record<
  (typeof PROPOSALS)[ProposalKind]['mutation'],
  PolicyRule<unknown>
>;

/** A proposal, and what it made or changed. Its effect is empty while it waits. */
export interface ProposalResult {
  proposal: StoredProposal<ProposalKind> | null;
  effect: ProposalEffect;
}

/**
 * Records a proposal. It is carried out once and rolled back, so it is refused here as it would be
 * refused when it is approved. A dry run returns what it would make or change, and stores nothing.
 * Refuses ROLE_NOT_ALLOWED, PROPOSALS_TOO_MANY, and what its execution refuses.
 */
export function propose<Kind extends ProposalKind>(
  deps: ProposalDependencies,
  actor: Actor,
  { kind, content, dryRun }: { kind: Kind; content: ProposalContents[Kind]; dryRun: boolean },
): Promise<ProposalResult> {
  return transact(deps.db, dryRun, async (tx) => {
    const proposer = requireAllowed(PROPOSING[PROPOSALS[kind].mutation], content, actor);
    const at = deps.now();
    const effect = await transact(tx, true, (inner) =>
      EXECUTIONS[kind]({ tx: inner, deps, proposer, proposalId: null, approval: null, at }, content),
    );
    if (dryRun) return { proposal: null, effect: { ...effect, secret: null } };
    const organ = findOrgan(effect) ?? ('approvingOrgan' in content ? content.approvingOrgan : null);
    const proposal = await recordProposal(tx, proposalStore, proposer, { kind, organ, content }, at);
    return { proposal, effect: {} };
  });
}

/** Returns the organ that a proposal of this effect acts for. */
function findOrgan({ platform, webhook, agreement, people }: ProposalEffect): string | null {
  return platform?.organ ?? webhook?.organ ?? agreement?.cityOrgan ?? people?.approvalOrgan ?? null;
}

/**
 * Approves a proposal, which carries it out, or rejects it with a reason.
 * Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, SECOND_PERSON_NEEDED, REASON_MISSING, and what its execution refuses.
 */
export function decideProposal(
  deps: ProposalDependencies,
  actor: Actor,
  { dryRun, ...decision }: ProposalDecision & { dryRun: boolean },
): Promise<ProposalResult> {
  return transact(deps.db, dryRun, async (tx) => {
    const at = deps.now();
    const decider = { rule: PROPOSAL_POLICY.decideProposal, actor, at };
    const proposal = await recordDecision(tx, proposalStore, decider, decision);
    const effect = decision.approve ? await carryOut({ tx, deps, at }, proposal) : {};
    return { proposal, effect: dryRun ? { ...effect, secret: null } : effect };
  });
}

/** Withdraws a waiting proposal. Only its author may. Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, NOT_YOUR_RECORD. */
export function withdrawProposal(
  { db, now }: ProposalDependencies,
  actor: Actor,
  { proposal: id, dryRun }: { proposal: string; dryRun: boolean },
): Promise<ProposalResult> {
  return transact(db, dryRun, async (tx) => {
    const author = { rule: PROPOSAL_POLICY.withdrawProposal, actor, at: now() };
    return { proposal: await recordWithdrawal(tx, proposalStore, author, id), effect: {} };
  });
}

function carryOut(
  execution: Omit<Execution, 'proposer' | 'proposalId' | 'approval'>,
  { id, kind, organ, content, proposedById, proposedBy, ended }: StoredProposal<ProposalKind>,
): Promise<ProposalEffect> {
  // The text was written by `propose` from the content of this kind.
  const run = EXECUTIONS[kind] as CarryOut<ProposalKind>;
  const proposer = { id: proposedById, name: proposedBy };
  const approval = ended && { organ, approver: { id: ended.actorId, name: ended.actor } };
  return run({ ...execution, proposer, proposalId: id, approval }, JSON.parse(content));
}
