import { type Transaction, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import { dayOf } from '../../kernel/day.ts';
import { LICENSE_ACTS, type OwnAct } from '../../kernel/license-acts.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import {
  type ProposalDecision,
  recordDecision,
  recordProposal,
  recordWithdrawal,
} from '../../kernel/proposal/workflow.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import {
  openPersonSigning,
  type PersonSignatureInput,
  type SignatureRequest,
} from '../../kernel/sealing/signing-workflow.ts';
import { type ActOutline, findPreparedActs, type PreparedAct } from '../act/act-store.ts';
import { type IssueDependencies, performAct, rehearseAct } from '../act/issue-workflow.ts';
import { insertAuthorised, lockCurrentLicense, type SigningDependencies } from '../act/prepare-workflow.ts';
import { buildStatement, type LicenseHead, requireReason, stateAfter } from '../license.ts';
import { type Order, requireOrder } from '../order/order.ts';
import { findOrder, findSuspenders, lockOpenOrders, lockOrder } from '../order/store.ts';
import { succeedIssuer } from '../organ/store.ts';
import { closeDuty, dutyIds, openDuty, readLicenseSubject } from '../paper/duty-store.ts';
import { type ActSubject, policyOfAct, requireActState } from '../policy.ts';
import { requireSeal } from '../seal/seal.ts';
import { type Authoriser, loadOwnSealUse } from '../seal/workflow.ts';
import { lockHead, type StoredLicense, toHead } from '../store.ts';
import { type Grounds, requireGrounds } from './grounds.ts';
import { LICENSE_PROPOSAL_POLICY } from './policy.ts';
import { type ActContent, requireUnchanged } from './proposal.ts';
import { insertProposalLicense, proposalStore } from './store.ts';

/** A proposal after a step. */
export interface ProposalResult {
  /** Null in the rehearsal of a new one. */
  proposal: StoredProposal<OwnAct> | null;
  /** Identifier of the license, or null if its act waits for the seal. */
  identifier: string | null;
  /** In a rehearsal: the act as it would be. */
  rehearsed: ActOutline | null;
  /** In the rehearsal of an approval: what the approver signs. */
  signatureRequest?: SignatureRequest | null;
}

/** An act on the organ's own authority, as it is prepared. */
export interface ActRequest extends Grounds {
  act: OwnAct;
  identifier: string;
  /** Required unless an order is named, whose reason then applies. */
  reason: string | null;
  order: string | null;
  dryRun: boolean;
}

/**
 * Prepares an act on the issuing organ's own authority. Everything that could refuse the act is checked now, except the
 * approver's seal. Refuses what the row of the act refuses, REASON_MISSING, PROPOSALS_TOO_MANY, and what
 * `requireGrounds` refuses.
 */
export function proposeAct(deps: IssueDependencies, actor: Actor, request: ActRequest): Promise<ProposalResult> {
  const { act, decisionNumber, hearing, dryRun } = request;
  return transact(deps.db, dryRun, async (tx) => {
    const at = deps.now();
    const stored = await lockCurrentLicense(tx, request.identifier, dayOf(at));
    const head = await succeedIssuer(tx, toHead(stored, dayOf(at)), dayOf(at));
    const rule = policyOfAct(act);
    const namedOrder = request.order === null ? null : await findOrder(tx, request.order);
    const orderedBy = namedOrder?.number === head.number ? namedOrder.supervisor.id : null;
    // Whoever may not prepare it is refused before the orders are locked.
    const preparer = requireAllowed(rule, { head, task: null, orderedBy }, actor);
    const { subject, order } = await lockSubject(tx, head, act, request.order);
    requireAllowed(rule, { ...subject, orderedBy }, actor);
    // An act that carries out an order states the supervisor's reason.
    const reason = order?.reason ?? request.reason ?? '';
    checkAll(
      () => requireReason(reason),
      () => requireGrounds(act, { decisionNumber, hearing }, dayOf(at)),
    );
    const { number, identifier } = head;
    const outline = { act, identifier, number, version: head.version, stateAfter: stateAfter(head.state, act) };
    if (dryRun) return { proposal: null, identifier, rehearsed: { ...outline, blankNumber: null } };
    const { revision } = stored.version;
    const base = { number, identifier, revision };
    const content: ActContent = { ...base, reason, order: order?.id ?? null, decisionNumber, hearing };
    const draft = { kind: act, organ: head.issuer.id, content };
    const proposal = await recordProposal(tx, proposalStore, preparer, draft, at);
    await insertProposalLicense(tx, { proposalId: proposal.id, number });
    const duty = { id: dutyIds.proposal(proposal.id), kind: 'ACT_PROPOSED' as const, at };
    await openDuty(tx, { ...duty, reason: LICENSE_ACTS[act].label, ...(await readLicenseSubject(tx, number)) });
    return { proposal, identifier, rehearsed: null };
  });
}

/**
 * Approves a proposal, which does the act with the seal that the approver authorises, or rejects it with a reason.
 * Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, SECOND_PERSON_NEEDED, REASON_MISSING, NOT_YOUR_RECORD,
 * LICENSE_NOT_CURRENT, LICENSE_CHANGED, what refuses the act in the present state of license, order and seal, and what
 * refuses the signature.
 */
export async function decideProposal(
  deps: IssueDependencies,
  actor: Actor,
  { dryRun, signature, ...decision }: ProposalDecision & { dryRun: boolean; signature: PersonSignatureInput | null },
): Promise<ProposalResult> {
  if (!decision.approve) {
    const proposal = await transact(
      deps.db,
      dryRun,
      async (tx) => (await lockAndDecide(tx, deps, actor, decision)).proposal,
    );
    return { proposal, identifier: contentOf(proposal).identifier, rehearsed: null };
  }
  const signing = await openPersonSigning(deps.personSigning, actor, { input: signature, dryRun });
  let proposal = null as StoredProposal<OwnAct> | null;
  const prepare = async (tx: Transaction): Promise<PreparedAct> => {
    const decided = await lockAndDecide(tx, deps, actor, decision);
    proposal = decided.proposal;
    return prepareApproved(tx, { ...deps, signing }, decided);
  };
  if (dryRun) {
    const rehearsed = await rehearseAct(deps, prepare);
    return { proposal, identifier: rehearsed.identifier, rehearsed, signatureRequest: signing.request() };
  }
  const { identifier, waitingFor } = await performAct(deps, prepare);
  return { proposal, identifier: waitingFor === null ? identifier : null, rehearsed: null };
}

/** Withdraws a waiting proposal. Only its author may. Refuses PROPOSAL_UNKNOWN, PROPOSAL_DECIDED, NOT_YOUR_RECORD. */
export function withdrawProposal(
  { db, now }: Pick<IssueDependencies, 'db' | 'now'>,
  actor: Actor,
  { proposal: id, dryRun }: { proposal: string; dryRun: boolean },
): Promise<ProposalResult> {
  return transact(db, dryRun, async (tx) => {
    const at = now();
    const author = { rule: LICENSE_PROPOSAL_POLICY.withdrawLicenseProposal, actor, at };
    const proposal = await recordWithdrawal(tx, proposalStore, author, id);
    await closeDuty(tx, dutyIds.proposal(id), at);
    return { proposal, identifier: contentOf(proposal).identifier, rehearsed: null };
  });
}

/** Returns what a proposal carries out. `proposeAct` wrote the text. */
export function contentOf({ content }: Pick<StoredProposal, 'content'>): ActContent {
  return JSON.parse(content) as ActContent;
}

interface Decided {
  proposal: StoredProposal<OwnAct>;
  content: ActContent;
  stored: StoredLicense;
  decider: Authoriser;
}

/** Records a decision. Locks the license before the proposal, as every act on a license does first. */
async function lockAndDecide(
  tx: Transaction,
  deps: IssueDependencies,
  actor: Actor,
  decision: ProposalDecision,
): Promise<Decided> {
  const found = await proposalStore.find(tx, decision.proposal);
  if (!found) throw new Refusal('PROPOSAL_UNKNOWN', 'proposal');
  const content = contentOf(found);
  const stored = await lockHead(tx, content.number);
  const at = deps.now();
  const rule = LICENSE_PROPOSAL_POLICY.decideLicenseProposal;
  const proposal = await recordDecision(tx, proposalStore, { rule, actor, at }, decision);
  await closeDuty(tx, dutyIds.proposal(proposal.id), at);
  if (!stored || !proposal.ended) throw new Error(`proposal ${proposal.id} has no license or no decision`);
  const { actorId: id, actor: name } = proposal.ended;
  const organ = actor.kind === 'person' ? actor.organ : null;
  if (organ === null) throw new Refusal('ORGAN_WITHOUT_POWER');
  return { proposal, content, stored, decider: { id, name, organ } };
}

/**
 * Step ① of an approved act. The approval also authorises the seal. Everything that its preparation checked is checked
 * again. Returns the act.
 */
async function prepareApproved(
  tx: Transaction,
  deps: SigningDependencies,
  { proposal, content, stored, decider }: Decided,
): Promise<PreparedAct> {
  const act = proposal.kind;
  const at = deps.signing.timeOf(deps.now());
  const head = await succeedIssuer(tx, toHead(stored, dayOf(at)), dayOf(at));
  requireUnchanged(content, head, stored.version.revision);
  const { subject, order } = await lockSubject(tx, head, act, content.order);
  const sealUse = await loadOwnSealUse(tx, head, decider, { act, at });
  requireActState(act, { ...subject, sealUse });
  const newState = stateAfter(head.state, act);
  const sealName = requireSeal(sealUse).name;
  const sealing = { authorisedBy: decider.name, authorisedAt: at, sealName, salt: deps.signing.salt };
  const { reason, decisionNumber, hearing } = content;
  const orderId = order?.id ?? null;
  const grounds = { id: proposal.id, decisionNumber, hearing };
  const details = { reason, caseNumber: null, orderId, proposal: grounds };
  const record = buildStatement(head, act, newState, sealing, details);
  const intent = { act, record, stateAfter: newState, reason, orderId, proposalId: proposal.id, at };
  return insertAuthorised(tx, deps, decider, head, intent);
}

/** Locks what decides on an act: the open orders, the order that it carries out, and an act that waits for its seal. */
async function lockSubject(
  tx: Transaction,
  head: LicenseHead,
  act: OwnAct,
  orderId: string | null,
): Promise<{ subject: ActSubject; order: Order | null }> {
  const open = await lockOpenOrders(tx, head.number);
  const order = orderId === null ? null : requireOrder(await lockOrder(tx, orderId), head.number, act);
  const suspenderId = order && ((await findSuspenders(tx, [head.number])).get(head.number) ?? null);
  const [prepared = null] = await findPreparedActs(tx, [head.number]);
  return { subject: { head, task: null, prepared, orders: { open, answered: order, suspenderId } }, order };
}
