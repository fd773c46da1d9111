import type { StoredProposal } from '../../kernel/proposal/store.ts';
import type { ProposalKind } from './proposal.ts';

/** The parent value of Proposal resolvers. @public by codegen.ts */
export type ProposalView = ReturnType<typeof viewProposal>;

/** A proposal as GraphQL shows it. */
export function viewProposal({
  id,
  kind,
  organ,
  content,
  proposedBy,
  at,
  outcome,
  ended,
}: StoredProposal<ProposalKind>) {
  return {
    ...{ id, kind, content, proposedBy, proposedAt: at },
    organ: organ === null ? null : { id: organ },
    state: outcome ?? ('WAITING' as const),
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}
