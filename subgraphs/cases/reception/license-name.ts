import type { DelegationFact } from '../../kernel/events/events.ts';
import { readLicenseIdentifier } from '../../kernel/identifier.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { Refusal } from '../../kernel/refusal.ts';
import type { LicenseFact } from '../case.ts';

/** Which license an application names by a number: numbers are unique per issuer and type, as printed. */

/** Most licenses that a refusal names. */
const MAX_CHOICES = 5;

/**
 * Returns the license that is meant among those with the same printed number: that of the type and the issuer of the
 * matter. Null if there is none with the number. Refuses LICENSE_NUMBER_AMBIGUOUS, naming the choices, if several fit.
 */
export function pickLicense(
  licenses: readonly LicenseFact[],
  { matter, delegation }: { matter: MatterFact; delegation: DelegationFact },
): LicenseFact | null {
  const uscc = matter.organs.find(({ id }) => id === delegation.seals.organ)?.uscc;
  const ofType = prefer(licenses, ({ license }) => license.licenseType === delegation.outcome.licenseType);
  const [first, ...others] = prefer(ofType, (license) => issuerCodeOf(license) === uscc);
  if (first === undefined || others.length === 0) return first ?? null;
  const choices = [first, ...others].slice(0, MAX_CHOICES).map(describeChoice).join('、');
  throw new Refusal('LICENSE_NUMBER_AMBIGUOUS', 'licenseNumber', `有${choices}`);
}

/** Returns those that fit, or all if none does: then a later rule says what is wrong with them. */
function prefer<Item>(items: readonly Item[], fits: (item: Item) => boolean): readonly Item[] {
  const fitting = items.filter(fits);
  return fitting.length > 0 ? fitting : items;
}

function issuerCodeOf({ identifier }: LicenseFact): string {
  return readLicenseIdentifier(identifier).parts?.issuer ?? '';
}

function describeChoice(fact: LicenseFact): string {
  return `${fact.license.licenseName}（发证机关代码 ${issuerCodeOf(fact)}）`;
}
