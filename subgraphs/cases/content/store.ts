import type { Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import type { LicenseTypeVersion } from '../../kernel/license-type/type.ts';
import type { Case } from '../case.ts';
import { findLicenseTypes } from '../fact/store.ts';
import { typeOfCase } from './check.ts';

/** Returns the version of the license type that a case keeps, or null: see `typeOfCase`. */
export async function findTypeOfCase(
  db: Reader,
  { delegation, steps }: Pick<Case, 'delegation' | 'steps'>,
  today: Day,
): Promise<LicenseTypeVersion | null> {
  const code = delegation.outcome.licenseType;
  if (code === null) return null;
  return typeOfCase((await findLicenseTypes(db, [code])).get(code) ?? null, steps, today);
}
