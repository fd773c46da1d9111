import type { Database } from '../../../db/client.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { getLoader } from '../../kernel/http/context.ts';
import { deemedRenewedSince, periodOf } from '../../kernel/period/validity.ts';
import type { Resolvers } from '../resolvers.gen.ts';
import { type StoredLicense, stateOfVersion } from '../store.ts';
import { type LicenseView, loadHead } from '../view.ts';
import { findRunningRenewals } from './renewal-store.ts';
import { isCurrentVersion } from './takeover-store.ts';

/** What a license tells of its renewal: one that runs, and one that waits for its first day. */

/** Whether the newest version is a renewal that waits to take the place of this one. */
export function isRenewed(stored: StoredLicense, day: Day): boolean {
  return isCurrentVersion(stored, day) && stored.version.identifier !== stored.license.headIdentifier;
}

/** Loads the case that is to renew a license, for its newest version only. */
async function loadRenewalCase(db: Database, { stored, context }: LicenseView): Promise<string | null> {
  const { headIdentifier, number } = stored.license;
  if (stored.version.identifier !== headIdentifier) return null;
  return getLoader<string>(context, 'running renewals', async (numbers) => {
    const byNumber = await findRunningRenewals(db, numbers);
    return numbers.map((each) => byNumber.get(each) ?? null);
  }).load(number);
}

/** Returns since when a version counts as renewed, or null. */
export function findDeemedDay(stored: StoredLicense, isRenewalRunning: boolean, day: Day): Day | null {
  return deemedRenewedSince(stateOfVersion(stored, day), periodOf(stored.version.record), isRenewalRunning, day);
}

/** Resolvers of the renewal of a license. */
export function renewalResolvers({ db, now }: { db: Database; now: Clock }) {
  return {
    License: {
      nextVersion: ({ stored, person, context }) =>
        isRenewed(stored, dayOf(now())) ? loadHead(db, context, person, stored.license.number) : null,
      renewalCase: async (view) => {
        const id = await loadRenewalCase(db, view);
        return id === null ? null : { id };
      },
      deemedRenewedSince: async (view) =>
        findDeemedDay(view.stored, (await loadRenewalCase(db, view)) !== null, dayOf(now())),
    },
  } satisfies Resolvers;
}
