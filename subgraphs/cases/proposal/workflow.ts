import { type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { requireReason } from '../../kernel/text.ts';
import type { StoredAgreement } from '../agreement/store.ts';
import { endAgreement, recordAgreement } from '../agreement/workflow.ts';
import type { StoredNotice } from '../calendar/store.ts';
import { loadNotice } from '../calendar/workflow.ts';
import type { Platform } from '../platform/platform.ts';
import {
  addKey,
  changePlatform,
  endKey,
  type PlatformDependencies,
  registerPlatform,
  removePlatform,
} from '../platform/workflow.ts';
import { ADMINISTRATION_POLICY } from '../policy.ts';
import type { WebhookRow } from '../supervision/webhook/store.ts';
import { registerWebhook, removeWebhook, type WebhookDependencies } from '../supervision/webhook/workflow.ts';
import { PROPOSAL_POLICY } from './policy.ts';
import { MAX_WAITING_PROPOSALS, PROPOSALS, type ProposalContents, type ProposalKind } from './proposal.ts';
import * as store from './store.ts';

const MAX_REASON_CHARS = 500;

export type ProposalDependencies = PlatformDependencies & WebhookDependencies;

/** What an approved proposal made or changed. What does not concern its kind is absent. */
export interface ProposalEffect {
  agreement?: StoredAgreement;
  calendar?: StoredNotice;
  movedCases?: number;
  platform?: Platform;
  webhook?: WebhookRow;
  /** base64url, or null if no secret was created. */
  secret?: string | null;
}

/** What a proposal is carried out with. */
interface Execution {
  tx: Transaction;
  deps: ProposalDependencies;
  proposer: { id: string; name: string };
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
};

/** A proposal, and what it made or changed. Its effect is empty while it waits. */
export interface ProposalResult {
  proposal: store.StoredProposal | null;
  effect: ProposalEffect;
}

/**
 * Records a proposal of an administrator. It is carried out once and rolled back, so it is refused here as it would be
 * refused when it is approved. A dry run returns what it would make or change, and stores nothing.
 * Refuses ROLE_NOT_ALLOWED, PROPOSALS_TOO_MANY, and what its execution refuses.
 */
export function propose<Kind extends ProposalKind>(
  deps: ProposalDependencies,
  actor: Actor,
  { kind, content, dryRun }: { kind: Kind; content: ProposalContents[Kind]; dryRun: boolean },
): Promise<ProposalResult> {
  return transact(deps.db, dryRun, async (tx) => {
    const proposer = requireAllowed(ADMINISTRATION_POLICY[PROPOSALS[kind].mutation], null, actor);
    const at = deps.now();
    const effect = await transact(tx, true, (inner) => EXECUTIONS[kind]({ tx: inner, deps, proposer, at }, content));
    if (dryRun) return { proposal: null, effect: { ...effect, secret: null } };
    await store.lockWaiting(tx, proposer.id);
    if ((await store.countWaiting(tx, proposer.id)) >= MAX_WAITING_PROPOSALS) throw new Refusal('PROPOSALS_TOO_MANY');
    const id = crypto.randomUUID();
    const person = { proposedById: proposer.id, proposedBy: proposer.name };
    const organ = effect.platform?.organ ?? effect.webhook?.organ ?? effect.agreement?.cityOrgan ?? null;
    await store.insertProposal(tx, { id, kind, organ, content: JSON.stringify(content), ...person, at });
    return { proposal: await requireProposal(tx, id), effect: {} };
  });
}

export interface ProposalDecision {
  proposal: string;
  approve: boolean;
  reason: string | null;
  dryRun: boolean;
}

/**
 * Approves a proposal, which carries it out, or rejects it with a reason.
 * Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, SECOND_PERSON_NEEDED, REASON_MISSING, and what its execution refuses.
 */
export function decideProposal(
  deps: ProposalDependencies,
  actor: Actor,
  { proposal: id, approve, reason, dryRun }: ProposalDecision,
): Promise<ProposalResult> {
  return transact(deps.db, dryRun, async (tx) => {
    const proposal = await lockProposal(tx, id);
    const decider = requireAllowed(PROPOSAL_POLICY.decideProposal, proposal, actor);
    if (!approve || reason !== null) requireReason(reason ?? '', MAX_REASON_CHARS);
    const at = deps.now();
    const effect = approve ? await carryOut({ tx, deps, at }, proposal) : {};
    const outcome = approve ? 'APPROVED' : 'REJECTED';
    await store.insertOutcome(tx, { proposalId: id, outcome, actorId: decider.id, actor: decider.name, reason, at });
    return { proposal: await requireProposal(tx, id), effect: dryRun ? { ...effect, secret: null } : effect };
  });
}

/** Withdraws a waiting proposal. Only its author may. Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, NOT_YOUR_RECORD. */
export function withdrawProposal(
  { db, now }: ProposalDependencies,
  actor: Actor,
  { proposal: id, dryRun }: { proposal: string; dryRun: boolean },
): Promise<ProposalResult> {
  return transact(db, dryRun, async (tx) => {
    const proposal = await lockProposal(tx, id);
    const { id: actorId, name } = requireAllowed(PROPOSAL_POLICY.withdrawProposal, proposal, actor);
    const outcome = 'WITHDRAWN';
    await store.insertOutcome(tx, { proposalId: id, outcome, actorId, actor: name, reason: null, at: now() });
    return { proposal: await requireProposal(tx, id), effect: {} };
  });
}

function carryOut(
  execution: Omit<Execution, 'proposer'>,
  { kind, content, proposedById, proposedBy }: store.StoredProposal,
): Promise<ProposalEffect> {
  // The text was written by `propose` from the content of this kind.
  const run = EXECUTIONS[kind] as CarryOut<ProposalKind>;
  return run({ ...execution, proposer: { id: proposedById, name: proposedBy } }, JSON.parse(content));
}

async function lockProposal(tx: Transaction, id: string): Promise<store.StoredProposal> {
  await store.lockProposal(tx, id);
  const proposal = await store.findProposal(tx, id);
  if (!proposal) throw new Refusal('PROPOSAL_UNKNOWN', 'proposal');
  return proposal;
}

async function requireProposal(tx: Transaction, id: string): Promise<store.StoredProposal> {
  const proposal = await store.findProposal(tx, id);
  if (!proposal) throw new Error(`no proposal ${id}`);
  return proposal;
}
