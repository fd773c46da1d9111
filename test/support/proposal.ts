import { runMutation } from './flow.ts';
import type { TestHub } from './hub.ts';

/** Acts of administration by two persons, for tests that need their effect. */

/** The other administrator of the demo people, who approves what acts for no organ. */
const DEPUTY = 'administrator-deputy';

interface OpenProposal {
  id: string;
  kind: string;
  organ: { code: string } | null;
}

/** Returns the demo person who approves a proposal. */
export function approverOf({ kind, organ }: OpenProposal): string {
  if (organ === null) return DEPUTY;
  return `${organ.code}.${kind.endsWith('_WEBHOOK') ? 'supervisor' : 'approver'}`;
}

/**
 * Proposes an act, as the administrator unless told otherwise, and approves it as the person whom it needs. Returns the
 * payload of the approval, or that of the proposal if it was refused or rehearsed.
 */
export async function administer(
  hub: TestHub,
  name: string,
  type: string,
  input: object,
  fields: string,
  proposer = 'administrator',
) {
  const waiting = 'proposal { id kind organ { code } }';
  const proposed = await runMutation(hub, proposer, name, type, input, `${waiting} ${fields}`);
  if (proposed.refusal || proposed.proposal === null) return proposed;
  const decision = { proposal: proposed.proposal.id, approve: true };
  const approver = approverOf(proposed.proposal);
  return runMutation(hub, approver, 'decideProposal', 'DecideProposalInput', decision, fields);
}

/** Who approves a proposed import: an approver of its organ, or the other administrator. */
const approverOfImport = (organ: { code: string } | null) => (organ === null ? DEPUTY : `${organ.code}.approver`);

/** Approves a proposed import as the person whom it needs. Returns the payload of the approval. */
export function approveImport(
  hub: TestHub,
  proposal: { id: string; organ: { code: string } | null },
  fields = 'import { id } guide { version }',
) {
  const input = { proposal: proposal.id, approve: true };
  return runMutation(hub, approverOfImport(proposal.organ), 'decideImport', 'DecideImportInput', input, fields);
}

/** Proposes a list of delegations and approves it. Returns the payload of the proposal with the import, if any. */
export async function importDelegations(hub: TestHub, input: object, fields: string, entry = 'id') {
  const waiting = `proposal { id organ { code } } ${fields}`;
  const type = 'ImportDelegationsInput';
  const proposed = await runMutation(hub, 'administrator', 'importDelegations', type, input, waiting);
  if (!proposed.proposal) return { ...proposed, import: null };
  const { refusal, import: done } = await approveImport(hub, proposed.proposal, `import { ${entry} }`);
  if (refusal) throw new Error(JSON.stringify(refusal));
  return { ...proposed, import: done };
}
