import type { Database } from '../../../db/client.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { getLoader } from '../../kernel/http/context.ts';
import { deemedRenewedSince, periodOf } from '../../kernel/period/validity.ts';
import { type LicenseView, loadHead } from '../reading/view.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { type StoredLicense, stateOfVersion } from '../store.ts';
import { findHolding, type Renewal } from './renewal.ts';
import { listDeemed, listRenewals } from './renewal-store.ts';
import { isCurrentVersion } from './takeover-store.ts';

/** What a license tells of its renewal: one that runs, and one that waits for its first day. */

/** Whether the newest version is a renewal that waits to take the place of this one. */
export function isRenewed(stored: StoredLicense, day: Day): boolean {
  return isCurrentVersion(stored, day) && stored.version.identifier !== stored.license.headIdentifier;
}

/** Loads the renewals of a license, settled ones as well. */
async function loadRenewals(db: Database, { stored, context }: LicenseView): Promise<readonly Renewal[]> {
  const renewals = await getLoader<Renewal[]>(context, 'renewals', async (numbers) => {
    const byNumber = await listRenewals(db, numbers);
    return numbers.map((each) => byNumber.get(each) ?? null);
  }).load(stored.license.number);
  return renewals ?? [];
}

/** Returns the renewal that is to renew a version and holds off its end, or null. Only the newest version has one. */
function findRenewal({ license: { headIdentifier }, version }: StoredLicense, renewals: readonly Renewal[]) {
  return version.identifier === headIdentifier ? findHolding(renewals, periodOf(version.record)) : null;
}

/** Returns what a version tells of its running renewal: the case, whether it is granted, since when it holds. */
export function viewRenewal(stored: StoredLicense, renewals: readonly Renewal[], day: Day) {
  const renewal = findRenewal(stored, renewals);
  const state = stateOfVersion(stored, day);
  return {
    renewalCase: renewal && { id: renewal.caseId },
    isRenewalGranted: renewal?.isGranted ?? false,
    deemedRenewedSince: deemedRenewedSince(state, periodOf(stored.version.record), renewal !== null, day),
  };
}

/** Resolvers of the renewal of a license. */
export function renewalResolvers({ db, now }: { db: Database; now: Clock }) {
  const show = async (view: LicenseView) => viewRenewal(view.stored, await loadRenewals(db, view), dayOf(now()));
  return {
    License: {
      nextVersion: ({ stored, person, context }) =>
        isRenewed(stored, dayOf(now())) ? loadHead(db, context, person, stored.license.number) : null,
      renewalCase: async (view) => (await show(view)).renewalCase,
      isRenewalGranted: async (view) => (await show(view)).isRenewalGranted,
      deemedRenewedSince: async (view) => (await show(view)).deemedRenewedSince,
      deemedRenewals: async (view) =>
        listDeemed(db, view.stored.license.number, await loadRenewals(db, view), dayOf(now())),
    },
  } satisfies Resolvers;
}
