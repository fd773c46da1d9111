import { eq } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import { type Day, dayOf } from '../../kernel/day.ts';
import { type Act, isLive, takesOverOnFirstDay } from '../../kernel/license-acts.ts';
import { periodOf } from '../../kernel/period/validity.ts';
import type { LicenseRecord } from '../act/record.ts';
import { type StoredLicense, stateOfVersion } from '../store.ts';
import { licenseVersion } from '../tables.ts';

/** A renewal that waits for its first day, and the version that is in force until then. */

/**
 * Whether a version is current on a day: it was made last, or the one made last still waits for its first day and this
 * one is in force until then.
 */
export function isCurrentVersion({ license: shared, version }: StoredLicense, day: Day): boolean {
  const { headIdentifier, headFrom, earlierIdentifier } = shared;
  if (version.identifier === headIdentifier) return true;
  return version.identifier === earlierIdentifier && headFrom !== null && day < headFrom;
}

/**
 * Returns the version that is in force until the newest one begins, as long as that one waits for its first day. Else
 * null. The caller must hold the lock on the license.
 */
export async function findEarlierVersion(
  tx: Transaction,
  head: StoredLicense,
  day: Day,
): Promise<StoredLicense | null> {
  const { earlierIdentifier, headFrom } = head.license;
  if (earlierIdentifier === null || headFrom === null || headFrom <= day) return null;
  const [version] = await tx.select().from(licenseVersion).where(eq(licenseVersion.identifier, earlierIdentifier));
  if (!version) throw new Error(`no version ${earlierIdentifier}`);
  return { license: head.license, version };
}

/** Returns the current versions of a license: the newest one, and the one in force until that begins. */
export async function listCurrentVersions(tx: Transaction, head: StoredLicense, at: Date): Promise<StoredLicense[]> {
  const earlier = await findEarlierVersion(tx, head, dayOf(at));
  return earlier === null ? [head] : [earlier, head];
}

/**
 * Returns the first day of a new version if it takes the place of `head` only then: its act says so, that day is still
 * to come, and `head` is in force until then. Else null.
 */
export function findTakeoverDay(
  { act }: { act: string },
  record: LicenseRecord,
  head: StoredLicense | null,
  at: Date,
): Day | null {
  const { validFrom } = periodOf(record);
  const today = dayOf(at);
  if (head === null || validFrom === null || validFrom <= today || !takesOverOnFirstDay(act as Act)) return null;
  return isLive(stateOfVersion(head, today)) ? validFrom : null;
}
