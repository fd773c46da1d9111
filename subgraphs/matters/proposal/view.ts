import type { Actor } from '../../kernel/actor.ts';
import { answerAction } from '../../kernel/policy.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import { IMPORT_PROPOSAL_POLICY } from './policy.ts';
import type { ImportContent, ImportKind } from './proposal.ts';

/** A proposed import as GraphQL shows it. @public by codegen.ts */
export type ImportProposalView = ReturnType<typeof viewImport>;

export function viewImport(stored: StoredProposal<ImportKind>) {
  const { id, kind, organ, content, proposedBy, at, outcome, ended } = stored;
  const { digest, basis, changed, unchanged } = JSON.parse(content) as ImportContent;
  return {
    ...{ id, stored, kind, digest, basis, changed, unchanged, proposedBy, proposedAt: at, organId: organ },
    state: outcome ?? ('WAITING' as const),
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}

/** What this caller may do with a proposed import now. The answers come from the rows that the mutations ask. */
export function viewImportActions({ stored }: ImportProposalView, actor: Actor) {
  return (['decideImport', 'withdrawImport'] as const).map((name) =>
    answerAction(name, IMPORT_PROPOSAL_POLICY[name], stored, actor),
  );
}
