import type { Database } from '../../../db/client.ts';
import { hasRole, type Person } from '../../kernel/actor.ts';
import { type GraphContext, getLoader } from '../../kernel/http/context.ts';
import type { OwnAct } from '../../kernel/license-acts.ts';
import { readsOneOf } from '../../kernel/organ/place.ts';
import { answerAction } from '../../kernel/policy.ts';
import type { StoredProposal } from '../../kernel/proposal/store.ts';
import type { LicenseView } from '../reading/view.ts';
import { LICENSE_PROPOSAL_POLICY } from './policy.ts';
import { findProposalsOf } from './store.ts';
import { contentOf } from './workflow.ts';

/** The parent value of LicenseProposal resolvers. @public by codegen.ts */
export type LicenseProposalView = ReturnType<typeof viewProposal>;

/** A proposed act as GraphQL shows it. */
export function viewProposal(stored: StoredProposal<OwnAct>) {
  const { id, kind: act, organ, proposedBy, at: proposedAt, outcome, ended } = stored;
  if (organ === null) throw new Error(`proposal ${id} acts for no organ`);
  const { revision: _, ...content } = contentOf(stored);
  return {
    ...{ id, act, stored, proposedBy, proposedAt, ...content },
    organ: { id: organ },
    state: outcome ?? ('WAITING' as const),
    endedBy: ended?.actor ?? null,
    endedAt: ended?.at ?? null,
    decision: ended?.reason ?? null,
  };
}

/** What this caller may do with a proposal now. The answers come from the rows that the mutations ask. */
export function viewProposalActions({ stored }: LicenseProposalView, person: Person) {
  return (['decideLicenseProposal', 'withdrawLicenseProposal'] as const).map((name) =>
    answerAction(name, LICENSE_PROPOSAL_POLICY[name], stored, person),
  );
}

/**
 * Loads the proposals on the license, oldest first. Returns null to a caller from none of its organs, except an
 * auditor: the holder sees the act, not who prepared it.
 */
export async function loadProposals(
  db: Database,
  { stored, person, context }: Pick<LicenseView, 'stored' | 'person' | 'context'>,
): Promise<LicenseProposalView[] | null> {
  const { number, parties } = stored.license;
  const isOfParty = readsOneOf(person, parties);
  if (!isOfParty && !hasRole(person, 'AUDITOR')) return null;
  return (await loadAllProposals(db, context, number)).map(viewProposal);
}

/** Loads the proposals under a number, oldest first, whoever asks. One query serves a whole GraphQL answer. */
async function loadAllProposals(
  db: Database,
  context: GraphContext,
  number: string,
): Promise<StoredProposal<OwnAct>[]> {
  const proposals = await getLoader<StoredProposal<OwnAct>[]>(context, 'proposals', async (numbers) => {
    const byNumber = await findProposalsOf(db, numbers);
    return numbers.map((licenseNumber) => byNumber.get(licenseNumber) ?? []);
  }).load(number);
  return proposals ?? [];
}
