import { ANYWHERE, type Grant, type Place, type Policy } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { PROPOSALS, type Proposal } from './proposal.ts';

/** The organ that the proposal acts for. */
const PROPOSAL_ORGAN: Place<Proposal> = {
  name: 'PROPOSAL_ORGAN',
  includes: ({ organ }, person) => organ !== null && person.organ === organ,
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

/** The administrator who proposed it. */
const OWN_PROPOSAL: Place<Proposal> = {
  name: 'OWN_PROPOSAL',
  includes: ({ proposedById }, { id }) => proposedById === id,
  refuse: () => new Refusal('NOT_YOUR_RECORD'),
};

const whileWaiting = ({ outcome }: Proposal) => (outcome === null ? null : new Refusal('PROPOSAL_DECIDED', 'proposal'));

const approverOf = ({ kind }: Proposal) => PROPOSALS[kind].approver;
const APPROVERS: readonly Grant<Proposal>[] = [
  { roles: ['APPROVER'], place: PROPOSAL_ORGAN, when: (subject) => approverOf(subject) === 'APPROVER' },
  { roles: ['SUPERVISOR'], place: PROPOSAL_ORGAN, when: (subject) => approverOf(subject) === 'SUPERVISOR' },
  { roles: ['ADMINISTRATOR'], place: ANYWHERE, when: (subject) => approverOf(subject) === 'ADMINISTRATOR' },
];

export const PROPOSAL_POLICY: Policy<{ decideProposal: Proposal; withdrawProposal: Proposal }> = {
  /** 批准或者不予批准: never by who proposed it, whatever roles the token holds. */
  decideProposal: {
    grants: APPROVERS,
    state: (proposal, { id }) =>
      id === proposal.proposedById ? new Refusal('SECOND_PERSON_NEEDED', 'proposal') : whileWaiting(proposal),
  },
  /** 撤回. */
  withdrawProposal: { grants: [{ roles: ['ADMINISTRATOR'], place: OWN_PROPOSAL }], state: whileWaiting },
};
