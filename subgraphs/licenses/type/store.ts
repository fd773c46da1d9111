import { inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import type { GrantContent } from '../../kernel/events/events.ts';
import { findTypeOn, findTypeVersion, type PublishedLicenseType } from '../../kernel/license-type/type.ts';
import { licenseType } from './tables.ts';

export async function putLicenseType(tx: Transaction, fact: PublishedLicenseType): Promise<void> {
  const row = { code: fact.code, fact };
  await tx.insert(licenseType).values(row).onConflictDoUpdate({ target: licenseType.code, set: row });
}

/** Returns license types by code, each with all of its versions. */
export async function findLicenseTypes(
  db: Reader,
  codes: readonly string[],
): Promise<Map<string, PublishedLicenseType>> {
  const rows = await db.select().from(licenseType).where(inArray(licenseType.code, codes.slice()));
  return new Map(rows.map(({ code, fact }) => [code, fact]));
}

/**
 * Returns how many duplicates (副本) the license of each grant has, by the version of its type that the grant names.
 * Grants of releases up to 0.4 name none: that of the day counts, and a type without one has no duplicates. Null for a
 * version that is not known here yet.
 */
export async function countDuplicates(
  db: Reader,
  grants: readonly Pick<GrantContent, 'licenseType' | 'typeVersion'>[],
  on: Day,
): Promise<(number | null)[]> {
  const types = await findLicenseTypes(db, [...new Set(grants.map(({ licenseType: code }) => code))]);
  return grants.map(({ licenseType: code, typeVersion }) => {
    const published = types.get(code);
    if (typeVersion === undefined) return (published && findTypeOn(published, on)?.duplicates) ?? 0;
    return findTypeVersion(published, typeVersion)?.duplicates ?? null;
  });
}
