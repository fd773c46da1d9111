import type { Role } from '../actor.ts';
import { actsFor } from '../organ/place.ts';
import type { Grant, Place, PolicyRule } from '../policy.ts';
import { Refusal } from '../refusal.ts';

/**
 * Proposals (提议): what takes effect by two persons only. One person proposes it, another one decides it. A subgraph
 * brings its kinds, its tables (`defineProposalTables`) and who may decide.
 */

/** How a proposal ends: 批准, 不予批准, 撤回. */
export type ProposalOutcome = 'APPROVED' | 'REJECTED' | 'WITHDRAWN';
export type ProposalState = ProposalOutcome | 'WAITING';

export interface Proposal<Kind extends string = string> {
  id: string;
  kind: Kind;
  /** The organ that it acts for, or null if it acts for none. */
  organ: string | null;
  proposedById: string;
  proposedBy: string;
  /** Null while it waits. */
  outcome: ProposalOutcome | null;
}

/** Maximum of waiting proposals of one person. */
export const MAX_WAITING_PROPOSALS = 50;

/** Maximum length of the reason of a decision, in characters. */
export const MAX_DECISION_CHARS = 500;

/** The organ that the proposal acts for. */
export const PROPOSAL_ORGAN: Place<Proposal> = {
  name: 'PROPOSAL_ORGAN',
  includes: ({ organ }, person) => actsFor(person, organ, null),
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

/** The person who proposed it. */
const OWN_PROPOSAL: Place<Proposal> = {
  name: 'OWN_PROPOSAL',
  includes: ({ proposedById }, { id }) => proposedById === id,
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

const whileWaiting = ({ outcome }: Proposal) => (outcome === null ? null : new Refusal('PROPOSAL_DECIDED', 'proposal'));

/** The row of a decision (批准或者不予批准): once, and never by who proposed it, whatever roles the token holds. */
export function decisionRule<Subject extends Proposal>(grants: readonly Grant<Subject>[]): PolicyRule<Subject> {
  return {
    grants,
    state: (proposal, { id }) =>
      id === proposal.proposedById ? new Refusal('SECOND_PERSON_NEEDED', 'proposal') : whileWaiting(proposal),
  };
}

/** The row of a withdrawal (撤回), by who proposed it while it waits. `roles`: who may propose. */
export function withdrawalRule<Subject extends Proposal>(roles: readonly Role[]): PolicyRule<Subject> {
  return { grants: [{ roles, place: OWN_PROPOSAL }], state: whileWaiting };
}
