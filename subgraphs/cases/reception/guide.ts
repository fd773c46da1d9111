import { type Day, isWithin } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import type { GuideFact } from '../../kernel/events/guide-fact.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import { guideForSituation } from '../../kernel/license-type/situation.ts';

/** A matter's service guides (办事指南) as cases know them, from the newest GuideChanged. */
export type PublishedGuides = EventPayload<'GuideChanged'>;

/** The guide that a case is accepted under, with the version it comes from. */
export interface GuideInForce extends GuideFact {
  version: number;
}

/**
 * Returns the guide in force on `day`, or null if no version is in force. It is the guide of the county `divisionCode`.
 * It is the city's own guide if a city organ accepts (`divisionCode` is null) or if the county has changed nothing.
 */
export function guideOn(guides: PublishedGuides, day: Day, divisionCode: string | null): GuideInForce | null {
  const guideVersion = guides.versions.find((guideVersion) =>
    isWithin(day, guideVersion.validFrom, guideVersion.validTo),
  );
  if (!guideVersion) return null;
  const county = guideVersion.counties.findLast(
    (countyGuide) => countyGuide.divisionCode === divisionCode && countyGuide.validFrom <= day,
  );
  return { version: guideVersion.version, ...(county?.guide ?? guideVersion.city) };
}

/**
 * Returns the guide for materials handed in on a day for a situation, or null if no version is in force.
 * At that time it is unknown who accepts: the county, or the city by its equal right.
 * It is therefore the county's guide plus, as optional materials, those that only the city asks for.
 */
export function guideForHandIn(
  guides: PublishedGuides,
  { on, divisionCode, situation }: { on: Day; divisionCode: string; situation: LicenseAction | null },
): GuideFact | null {
  const county = guideOn(guides, on, divisionCode);
  const city = guideOn(guides, on, null);
  if (!county || !city) return null;
  const countyCodes = new Set(county.materials.map(({ code }) => code));
  const cityMaterials = city.materials
    .filter(({ code }) => !countyCodes.has(code))
    .map((material) => ({ ...material, required: false }));
  return guideForSituation({ ...county, materials: [...county.materials, ...cityMaterials] }, situation);
}
