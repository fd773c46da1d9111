import { type Day, isWithin } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import type { GuideFact } from '../../kernel/events/guide-fact.ts';
import { dayBefore } from '../matter.ts';
import type { Difference } from './difference.ts';
import type { Guide } from './guide.ts';
import { evaluateOverlay, listCarryObstacles, type Overlay } from './overlay.ts';

/** A county's published overlay on a version. A later revision replaces it from its first day on. */
export interface OverlayRevision {
  divisionCode: string;
  revision: number;
  validFrom: Day;
  overlay: Overlay;
  /** The version it was carried over from when this one was published, or null if the county published it. */
  carriedFrom: number | null;
  publishedAt: Date;
  digest: string;
}

/** A published version (版本). It never changes; the next version ends it. */
export interface GuideVersion {
  version: number;
  guide: Guide;
  publishedAt: Date;
  digest: string;
  /** Ordered by division and revision. */
  overlays: readonly OverlayRevision[];
}

/** Returns the last day of a version, or null while none follows. */
export function lastDayOf(versions: readonly GuideVersion[], version: number): Day | null {
  const next = versions.find((candidate) => candidate.version === version + 1);
  return next ? dayBefore(next.guide.validFrom) : null;
}

/** A guide as people read it: the city's, or a county's with its differences. */
export interface GuideInForce {
  version: number;
  validFrom: Day;
  validTo: Day | null;
  /** The county whose guide it is, or null for the city's own. */
  divisionCode: string | null;
  guide: Guide;
  differences: readonly Difference[];
}

/** Returns a version as the city has it or, with `overlay`, as a county has it. */
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
  const next = overlays.find(
    (candidate) => candidate.divisionCode === divisionCode && candidate.revision === revision + 1,
  );
  const lastDay = next ? dayBefore(next.validFrom) : validTo;
  return { version, validFrom, validTo: lastDay, divisionCode, ...evaluateOverlay(guide, overlay.overlay) };
}

/**
 * Returns a county's newest revision on a version that has begun on `on`, or null if the city's guide applies
 * unchanged.
 */
export function findOverlay(version: GuideVersion, divisionCode: string, on: Day): OverlayRevision | null {
  return (
    version.overlays.findLast((revision) => revision.divisionCode === divisionCode && revision.validFrom <= on) ?? null
  );
}

/** Returns each county's newest revision on a version, begun or not. */
export function listNewestOverlays(version: GuideVersion): OverlayRevision[] {
  return [...new Map(version.overlays.map((revision) => [revision.divisionCode, revision])).values()];
}

/** A county whose overlay was not carried over to a version (未延续), and why. */
export interface Lapsed {
  divisionCode: string;
  reasons: readonly string[];
}

/** Lists the counties that have an overlay on the version before and none on this one. */
export function listLapsed(versions: readonly GuideVersion[], { version, guide, overlays }: GuideVersion): Lapsed[] {
  const previous = versions.find((candidate) => candidate.version === version - 1);
  if (!previous) return [];
  return listNewestOverlays(previous).flatMap(({ divisionCode, overlay }) => {
    if (overlays.some((candidate) => candidate.divisionCode === divisionCode)) return [];
    const reasons = listCarryObstacles(previous.guide, guide, overlay);
    return [{ divisionCode, reasons: reasons.length > 0 ? reasons : ['在市级新版本发布之后才发布，须另行发布'] }];
  });
}

/** Returns the guide in force on a day, for the city or a county; null if no version is in force. */
export function findGuide(
  versions: readonly GuideVersion[],
  on: Day,
  divisionCode: string | null,
): GuideInForce | null {
  const versionInForce = versions.find((candidate) =>
    isWithin(on, candidate.guide.validFrom, lastDayOf(versions, candidate.version)),
  );
  if (!versionInForce) return null;
  return readVersion(
    versions,
    versionInForce,
    divisionCode === null ? null : findOverlay(versionInForce, divisionCode, on),
  );
}

/** Builds the fact for cases: every version in force on `today` or later, with each county's overlays from then on. */
export function buildGuidesFact(
  matterId: string,
  versions: readonly GuideVersion[],
  today: Day,
): EventPayload<'GuideChanged'> {
  const currentVersions = versions.flatMap((version) => {
    const validTo = lastDayOf(versions, version.version);
    if (validTo !== null && validTo < today) return [];
    const counties = version.overlays
      .filter((overlay) => overlay.validFrom > today || overlay === findOverlay(version, overlay.divisionCode, today))
      .map((overlay) => ({
        divisionCode: overlay.divisionCode,
        validFrom: overlay.validFrom,
        guide: toGuideFact(evaluateOverlay(version.guide, overlay.overlay).guide),
      }));
    return [
      {
        version: version.version,
        validFrom: version.guide.validFrom,
        validTo,
        city: toGuideFact(version.guide),
        counties,
      },
    ];
  });
  return { matterId, versions: currentVersions };
}

function toGuideFact({ situations, materials, steps, statutoryDays, promisedDays }: Guide): GuideFact {
  return {
    ...(situations !== undefined && { situations }),
    materials: materials.map(({ basis: _, ...fact }) => fact),
    steps: steps.map(({ what: _, ...fact }) => fact),
    statutoryDays,
    promisedDays,
  };
}

/** What a publication did, or would do. */
export interface PublicationResult {
  guide: GuideInForce;
  /** The number of the county's overlay on the version; 0 for the city's own guide. */
  revision: number;
  /** False if the same content was published before: nothing was done. */
  changed: boolean;
  /** Differences from the version before; for an overlay, from the city's guide. */
  differences: readonly Difference[];
  /** Counties whose overlay lapses with the new version. */
  lapsed: readonly Lapsed[];
}
