import type { Actor } from '../../kernel/actor.ts';
import { answerAction } from '../../kernel/policy.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import { PROPOSAL_POLICY } from './policy.ts';
import type { ProposalKind } from './proposal.ts';

/** The parent value of Proposal resolvers. @public by codegen.ts */
export type ProposalView = ReturnType<typeof viewProposal>;

/** A proposal as GraphQL shows it. */
export function viewProposal(stored: StoredProposal<ProposalKind>) {
  const { id, kind, organ, content, proposedBy, at, outcome, ended } = stored;
  return {
    ...{ id, stored, kind, content, proposedBy, proposedAt: at },
    organ: organ === null ? null : { id: organ },
    state: outcome ?? ('WAITING' as const),
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}

/** What this caller may do with a proposal now. The answers come from the rows that the mutations ask. */
export function viewProposalActions({ stored }: ProposalView, actor: Actor) {
  return (['decideProposal', 'withdrawProposal'] as const).map((name) =>
    answerAction(name, PROPOSAL_POLICY[name], stored, actor),
  );
}
