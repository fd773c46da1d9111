import { type Day, within } from '../../kernel/day.ts';
import type { EventPayload, GuideFact } from '../../kernel/events.ts';
import { dayBefore } from '../matter.ts';
import type { Difference } from './difference.ts';
import type { Guide } from './guide.ts';
import { hindrances, judge, type Overlay } from './overlay.ts';

/** A county's overlay on a version, as published; a later revision takes over on its first day. */
export interface OverlayRevision {
  divisionCode: string;
  revision: number;
  validFrom: Day;
  overlay: Overlay;
  /** The version it was carried over from when this one was published, or null where the county published it. */
  carriedFrom: number | null;
  publishedAt: Date;
  digest: string;
}

/** A published version (版本): it never changes; the next one ends it. */
export interface GuideVersion {
  version: number;
  guide: Guide;
  publishedAt: Date;
  digest: string;
  /** By division and revision. */
  overlays: readonly OverlayRevision[];
}

/** The last day of a version, or null while none follows. */
export function lastDayOf(versions: readonly GuideVersion[], version: number): Day | null {
  const next = versions.find((one) => one.version === version + 1);
  return next ? dayBefore(next.guide.validFrom) : null;
}

/** A guide as somebody reads it: the city's, or a county's with what it does otherwise. */
export interface GuideInForce {
  version: number;
  validFrom: Day;
  validTo: Day | null;
  /** The county whose guide it is, or null for the city's own. */
  divisionCode: string | null;
  guide: Guide;
  differences: readonly Difference[];
}

/** A version as the city or, with `overlay`, a county has it. */
export function readVersion(
  versions: readonly GuideVersion[],
  { version, guide, overlays }: GuideVersion,
  overlay: OverlayRevision | null,
): GuideInForce {
  const validTo = lastDayOf(versions, version);
  if (overlay === null) {
    return { version, validFrom: guide.validFrom, validTo, divisionCode: null, guide, differences: [] };
  }
  const { divisionCode, revision, validFrom } = overlay;
  const next = overlays.find((one) => one.divisionCode === divisionCode && one.revision === revision + 1);
  const ends = next ? dayBefore(next.validFrom) : validTo;
  return { version, validFrom, validTo: ends, divisionCode, ...judge(guide, overlay.overlay) };
}

/** A county's newest revision on a version that has begun on `on`, or null where the city's guide goes unchanged. */
export function overlayOn(version: GuideVersion, divisionCode: string, on: Day): OverlayRevision | null {
  return version.overlays.findLast((one) => one.divisionCode === divisionCode && one.validFrom <= on) ?? null;
}

/** Each county's newest revision on a version, begun or not. */
export function newestOverlays(version: GuideVersion): OverlayRevision[] {
  return [...new Map(version.overlays.map((one) => [one.divisionCode, one])).values()];
}

/** A county whose overlay did not come along to a version (未延续), and why. */
export interface Lapsed {
  divisionCode: string;
  reasons: readonly string[];
}

/** The counties that had an overlay on the version before and have none on this one. */
export function lapsedAt(versions: readonly GuideVersion[], { version, guide, overlays }: GuideVersion): Lapsed[] {
  const before = versions.find((one) => one.version === version - 1);
  if (!before) return [];
  return newestOverlays(before).flatMap(({ divisionCode, overlay }) => {
    if (overlays.some((one) => one.divisionCode === divisionCode)) return [];
    const reasons = hindrances(before.guide, guide, overlay);
    return [{ divisionCode, reasons: reasons.length > 0 ? reasons : ['在市级新版本发布之后才发布，须另行发布'] }];
  });
}

/** The guide in force on a day, for the city or a county; null where no version is. */
export function guideOn(versions: readonly GuideVersion[], on: Day, divisionCode: string | null): GuideInForce | null {
  const found = versions.find((one) => within(on, one.guide.validFrom, lastDayOf(versions, one.version)));
  if (!found) return null;
  return readVersion(versions, found, divisionCode === null ? null : overlayOn(found, divisionCode, on));
}

/** What cases are told: every version that is in force on `today` or later, with what each county has of it from then on. */
export function factOf(matterId: string, versions: readonly GuideVersion[], today: Day): EventPayload<'GuideChanged'> {
  const told = versions.flatMap((one) => {
    const validTo = lastDayOf(versions, one.version);
    if (validTo !== null && validTo < today) return [];
    const counties = one.overlays
      .filter((overlay) => overlay.validFrom > today || overlay === overlayOn(one, overlay.divisionCode, today))
      .map((overlay) => ({
        divisionCode: overlay.divisionCode,
        validFrom: overlay.validFrom,
        guide: contentOf(judge(one.guide, overlay.overlay).guide),
      }));
    return [{ version: one.version, validFrom: one.guide.validFrom, validTo, city: contentOf(one.guide), counties }];
  });
  return { matterId, versions: told };
}

function contentOf({ materials, steps, statutoryDays, promisedDays }: Guide): GuideFact {
  return {
    materials: materials.map(({ basis: _, ...told }) => told),
    steps: steps.map(({ what: _, ...told }) => told),
    statutoryDays,
    promisedDays,
  };
}
