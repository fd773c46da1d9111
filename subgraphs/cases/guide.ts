import { type Day, within } from '../kernel/day.ts';
import type { EventPayload, GuideFact } from '../kernel/events.ts';

/** A matter's service guides (办事指南) as cases know them, from the newest GuideChanged. */
export type PublishedGuides = EventPayload<'GuideChanged'>;

/** The guide that a case is accepted under, with the version it comes from. */
export interface GuideInForce extends GuideFact {
  version: number;
}

/**
 * The guide in force on `day`: that of the county `divisionCode`, or the city's own where a city organ accepts
 * (`divisionCode` null) or the county has changed nothing. Null where no version is in force.
 */
export function guideOn(guides: PublishedGuides, day: Day, divisionCode: string | null): GuideInForce | null {
  const found = guides.versions.find((one) => within(day, one.validFrom, one.validTo));
  if (!found) return null;
  const county = found.counties.findLast((one) => one.divisionCode === divisionCode && one.validFrom <= day);
  return { version: found.version, ...(county?.guide ?? found.city) };
}

/**
 * What may be handed in on `day` before it is known who accepts, the county or the city by its equal right: the county's guide, and
 * what the city alone asks for as something that may be left out. Null where no version is in force.
 */
export function guideOfHandIn(guides: PublishedGuides, day: Day, divisionCode: string): GuideFact | null {
  const county = guideOn(guides, day, divisionCode);
  const city = guideOn(guides, day, null);
  if (!county || !city) return null;
  const known = new Set(county.materials.map(({ code }) => code));
  const beside = city.materials.filter(({ code }) => !known.has(code)).map((one) => ({ ...one, required: false }));
  return { ...county, materials: [...county.materials, ...beside] };
}
