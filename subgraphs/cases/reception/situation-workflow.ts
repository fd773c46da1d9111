import type { Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { listCarriedActs, listSituations } from '../../kernel/license-type/situation.ts';
import { findTypeOn } from '../../kernel/license-type/type.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { endsInLicenseAct } from '../case.ts';
import { findLicenseTypes, findOutcomesOfTypes } from '../fact/store.ts';
import type { ListOffered } from './acceptance.ts';
import { guideOn, type PublishedGuides } from './guide.ts';

/**
 * Loads what decides, with the guides of matters, which situations they offer on a day. Returns a function that lists
 * them for one of the matters in a delegation in force on that day; [] if its cases end in a decision document.
 */
export async function loadSituations(
  db: Reader,
  matters: readonly MatterFact[],
  guides: ReadonlyMap<string, PublishedGuides>,
  on: Day,
): Promise<ListOffered> {
  const delegations = matters.flatMap((matter) => matter.delegations);
  const codes = [...new Set(delegations.flatMap(({ outcome }) => outcome.licenseType ?? []))];
  const types = await findLicenseTypes(db, codes);
  const outcomes = await findOutcomesOfTypes(db, codes);
  return ({ matterId }, delegation) => {
    const code = delegation.outcome.licenseType;
    if (!endsInLicenseAct(delegation) || code === null) return [];
    const [publishedType, publishedGuides] = [types.get(code), guides.get(matterId)];
    const type = publishedType ? findTypeOn(publishedType, on) : null;
    const carried = listCarriedActs(outcomes, code, on);
    // A county's differences leave the situations of the city's guide as they are.
    const guided = (publishedGuides && guideOn(publishedGuides, on, null)?.situations) ?? null;
    return listSituations({ ownAct: delegation.licenseAction, type, carried, guided });
  };
}
