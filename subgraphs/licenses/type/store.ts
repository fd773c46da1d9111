import { inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { findTypeOn, type PublishedLicenseType } from '../../kernel/license-type/type.ts';
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

/** Returns how many duplicates (副本) a license has on a day, by type code. A type without a version then has none. */
export async function countDuplicates(
  db: Reader,
  codes: readonly string[],
  on: Day,
): Promise<ReadonlyMap<string, number>> {
  const types = await findLicenseTypes(db, codes);
  return new Map(codes.map((code) => [code, findDuplicates(types.get(code), on)]));
}

function findDuplicates(type: PublishedLicenseType | undefined, on: Day): number {
  return (type && findTypeOn(type, on)?.duplicates) ?? 0;
}
