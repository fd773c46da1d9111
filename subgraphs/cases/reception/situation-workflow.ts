import type { Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import type { DelegationFact } from '../../kernel/events/events.ts';
import { listCarriedActs, listSituations } from '../../kernel/license-type/situation.ts';
import { findTypeOn } from '../../kernel/license-type/type.ts';
import { endsInLicenseAct } from '../case.ts';
import { findLicenseTypes, findOutcomesOfTypes } from '../fact/store.ts';
import type { ListOffered } from './acceptance.ts';

/**
 * Loads what decides which situations matters offer on a day. Returns a function that lists them for a delegation in
 * force on that day; [] if its cases end in a decision document.
 */
export async function loadSituations(
  db: Reader,
  delegations: readonly DelegationFact[],
  on: Day,
): Promise<ListOffered> {
  const codes = [...new Set(delegations.flatMap(({ outcome }) => outcome.licenseType ?? []))];
  const types = await findLicenseTypes(db, codes);
  const outcomes = await findOutcomesOfTypes(db, codes);
  return (delegation) => {
    const code = delegation.outcome.licenseType;
    if (!endsInLicenseAct(delegation) || code === null) return [];
    const published = types.get(code);
    const type = published ? findTypeOn(published, on) : null;
    return listSituations({ ownAct: delegation.licenseAction, type, carried: listCarriedActs(outcomes, code, on) });
  };
}
