import type { StoredProposal } from '../../kernel/proposal/store.ts';
import type { ImportContent, ImportKind } from './proposal.ts';

/** A proposed import as GraphQL shows it. @public by codegen.ts */
export type ImportProposalView = ReturnType<typeof viewImport>;

export function viewImport({ id, kind, organ, content, proposedBy, at, outcome, ended }: StoredProposal<ImportKind>) {
  const { digest, basis, changed, unchanged } = JSON.parse(content) as ImportContent;
  return {
    ...{ id, kind, digest, basis, changed, unchanged, proposedBy, proposedAt: at, organId: organ },
    state: outcome ?? ('WAITING' as const),
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}
