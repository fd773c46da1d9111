import { runMutation } from './flow.ts';
import type { TestHub } from './hub.ts';

/** Acts on a license by an organ's own authority, by two persons, for tests that need their effect. */

/** What the law asks for before any such act: a written decision, and that the holder was heard. */
export const GROUNDS = {
  decisionNumber: '示范罚决〔2022〕1号',
  hearing: { notifiedOn: '2022-10-10', outcome: 'HELD', heldOn: '2022-10-20' },
};

/** Prepares an act (`suspend`, `cancel`) as a person. Returns the payload. */
export function prepareAct(hub: TestHub, person: string, action: string, input: object, fields = '') {
  const type = action === 'cancel' ? 'CancelLicenseInput' : 'OwnActInput';
  const filled = { reason: '检查', ...GROUNDS, ...input };
  return runMutation(hub, person, `${action}License`, type, filled, `proposal { id: uuid } ${fields}`);
}

/** Decides a prepared act as a person. Returns the payload. */
export function decideAct(
  hub: TestHub,
  person: string,
  proposal: string,
  fields = '__typename',
  overrides: object = {},
) {
  const input = { proposal, approve: true, ...overrides };
  return runMutation(hub, person, 'decideLicenseProposal', 'DecideLicenseProposalInput', input, fields);
}

/**
 * Does an act for an organ: its reviewer prepares it, its approver approves it. Returns the payload of the approval, or
 * that of the preparation if it was refused or rehearsed.
 */
export async function actForOrgan(
  hub: TestHub,
  organ: string,
  action: string,
  input: object,
  fields = 'license { state }',
) {
  const prepared = await prepareAct(hub, `${organ}.reviewer`, action, input, fields);
  if (prepared.refusal || prepared.proposal === null) return prepared;
  return decideAct(hub, `${organ}.approver`, prepared.proposal.id, fields);
}

/** Returns the code with which an act for an organ was refused, or null if it was done. */
export async function findRefusalOfAct(
  hub: TestHub,
  organ: string,
  action: string,
  input: object,
): Promise<string | null> {
  return (await actForOrgan(hub, organ, action, input)).refusal?.code ?? null;
}
