import type { Database, Transaction } from '../../../db/client.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { computeContentDigest, type EventPayload } from '../../kernel/events/events.ts';
import { findUnprintable } from '../../kernel/pdf/document.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { listDifferences } from './difference.ts';
import { type FileReading, requireNoProblems } from './file.ts';
import { type Guide, GuideRefusal } from './guide.ts';
import { applyOverlay, listCarryObstacles, listOverlayProblems, type Overlay } from './overlay.ts';
import * as store from './store.ts';
import {
  buildGuidesFact,
  findOverlay,
  type GuideVersion,
  lastDayOf,
  listLapsed,
  listNewestOverlays,
  type PublicationResult,
  readVersion,
} from './version.ts';

export interface GuideDependencies {
  db: Database;
  now: Clock;
}

/** Maximum of versions of a matter's guide, and of overlays on one version. */
const MAX_VERSIONS = 200;
const MAX_OVERLAYS = 200;
/** Largest event about a matter's guides, or about a license type. Every consumer accepts 1 MiB. */
export const MAX_EVENT_BYTES = 786_432;

/** Returns what a file holds. Refuses GUIDE_FILE_INVALID with every problem of the file. */
export function requireRead<Content>({ content, problems }: FileReading<Content>): Content {
  if (problems !== null) throw new GuideRefusal('GUIDE_FILE_INVALID', problems);
  return content;
}

/**
 * Publishes a version of a matter's guide. Must be called inside a transaction. Refuses GUIDE_FILE_INVALID,
 * MATTER_UNKNOWN, GUIDE_OUT_OF_ORDER, GUIDE_LIMIT_REACHED.
 */
export async function publishGuide(
  tx: Transaction,
  guide: Guide,
  publication: store.Publication,
): Promise<PublicationResult> {
  requireNoProblems(listUnprintable(guide));
  return publishVersion(tx, guide, publication);
}

/**
 * Publishes a county's overlay on a version. Must be called inside a transaction. Refuses as `publishGuide` does,
 * GUIDE_UNKNOWN, and GUIDE_OVERLAY_WIDENS.
 */
export async function publishOverlay(
  tx: Transaction,
  overlay: Overlay,
  publication: store.Publication,
): Promise<PublicationResult> {
  requireNoProblems(listUnprintable(overlay));
  return publishRevision(tx, overlay, publication);
}

/**
 * Publishes the guides of matters that have none yet, each with its overlays. A matter with a guide stays unchanged.
 * Returns how many were published.
 */
export async function publishMissing(
  { db, now }: GuideDependencies,
  guides: readonly Guide[],
  overlays: readonly Overlay[],
): Promise<number> {
  const publication = { publishedBy: 'seed', publishedAt: now() };
  let published = 0;
  for (const guide of guides) {
    await db.transaction(async (tx) => {
      if (!(await store.lockMatter(tx, guide.matterId))) throw new Refusal('MATTER_UNKNOWN', 'matterId');
      const [existing] = await store.findGuides(tx, [guide.matterId]);
      if (existing && existing.length > 0) return;
      await publishVersion(tx, guide, publication);
      for (const overlay of overlays) {
        if (overlay.matterId === guide.matterId) await publishRevision(tx, overlay, publication);
      }
      published++;
    });
  }
  return published;
}

async function publishVersion(
  tx: Transaction,
  guide: Guide,
  publication: store.Publication,
): Promise<PublicationResult> {
  const today = dayOf(publication.publishedAt);
  const versions = await lockVersions(tx, guide.matterId);
  const existing = versions.find((candidate) => candidate.digest === computeContentDigest(guide));
  if (existing)
    return { guide: readVersion(versions, existing, null), revision: 0, changed: false, differences: [], lapsed: [] };
  const newest = versions.at(-1);
  if (newest) requireLaterStart(guide.validFrom, newest.guide.validFrom, today);
  if (versions.length >= MAX_VERSIONS) throw new Refusal('GUIDE_LIMIT_REACHED', null, `最多 ${MAX_VERSIONS} 版`);
  const version = versions.length + 1;
  await store.insertVersion(tx, version, guide, publication);
  if (newest) await carryOverlays(tx, newest, guide, publication);
  const updatedVersions = await sendGuides(tx, guide.matterId, today, publication.publishedAt);
  const newVersion = getVersion(updatedVersions, version);
  return {
    guide: readVersion(updatedVersions, newVersion, null),
    revision: 0,
    changed: true,
    differences: newest ? listDifferences(newest.guide, guide) : [],
    lapsed: listLapsed(updatedVersions, newVersion),
  };
}

/** Carries the counties' overlays over to the next version, each only if nothing prevents it. */
async function carryOverlays(
  tx: Transaction,
  from: GuideVersion,
  guide: Guide,
  publication: store.Publication,
): Promise<void> {
  const position = { version: from.version + 1, revision: 1, carriedFrom: from.version };
  for (const { overlay } of listNewestOverlays(from)) {
    if (listCarryObstacles(from.guide, guide, overlay).length > 0) continue;
    const carriedOverlay = { ...overlay, version: position.version, validFrom: guide.validFrom };
    await store.insertOverlay(tx, position, carriedOverlay, publication);
  }
}

async function publishRevision(
  tx: Transaction,
  overlay: Overlay,
  publication: store.Publication,
): Promise<PublicationResult> {
  const { matterId, version, divisionCode, validFrom } = overlay;
  const today = dayOf(publication.publishedAt);
  const versions = await lockVersions(tx, matterId);
  const cityVersion = versions.find((candidate) => candidate.version === version);
  if (!cityVersion) throw new Refusal('GUIDE_UNKNOWN', 'text', `版本 ${version}`);
  if (!(await store.hasCounty(tx, divisionCode)))
    requireNoProblems([{ place: 'divisionCode', message: `没有区划代码为 ${divisionCode} 的县级机关` }]);
  const existing = cityVersion.overlays.find((candidate) => candidate.digest === computeContentDigest(overlay));
  if (existing) {
    const guideInForce = readVersion(versions, cityVersion, existing);
    const { differences } = guideInForce;
    return { guide: guideInForce, revision: existing.revision, changed: false, differences, lapsed: [] };
  }
  requireWithinVersion(validFrom, cityVersion.guide.validFrom, lastDayOf(versions, version));
  const ownOverlays = cityVersion.overlays.filter((candidate) => candidate.divisionCode === divisionCode);
  const newest = ownOverlays.at(-1);
  if (newest) requireNotBefore(validFrom, newest.validFrom, today);
  if (cityVersion.overlays.length >= MAX_OVERLAYS)
    throw new Refusal('GUIDE_LIMIT_REACHED', null, `一版最多 ${MAX_OVERLAYS} 份县级指南`);
  requireNoProblems(listOverlayProblems(cityVersion.guide, overlay));
  applyOverlay(cityVersion.guide, overlay);
  const revision = ownOverlays.length + 1;
  await store.insertOverlay(tx, { version, revision, carriedFrom: null }, overlay, publication);
  const updatedVersions = await sendGuides(tx, matterId, today, publication.publishedAt);
  const cityNow = getVersion(updatedVersions, version);
  const guide = readVersion(updatedVersions, cityNow, findOverlay(cityNow, divisionCode, validFrom));
  return { guide, revision, changed: true, differences: guide.differences, lapsed: [] };
}

/** Locks a matter until the transaction ends, and returns its versions. Refuses MATTER_UNKNOWN. */
async function lockVersions(tx: Transaction, matterId: string): Promise<GuideVersion[]> {
  if (!(await store.lockMatter(tx, matterId))) throw new Refusal('MATTER_UNKNOWN', 'text', matterId);
  return (await store.findGuides(tx, [matterId]))[0] ?? [];
}

/** Requires that a version begins after the newest one, and today or later: what has been in force must not change. */
function requireLaterStart(validFrom: Day, newest: Day, today: Day): void {
  if (validFrom > newest && validFrom >= today) return;
  throw new Refusal('GUIDE_OUT_OF_ORDER', 'text', `须晚于上一版的 ${newest}，且不早于今天 ${today}`);
}

function requireNotBefore(validFrom: Day, newest: Day, today: Day): void {
  if (validFrom >= newest && validFrom >= today) return;
  throw new Refusal('GUIDE_OUT_OF_ORDER', 'text', `不得早于本县上一份指南的 ${newest}，也不得早于今天 ${today}`);
}

function requireWithinVersion(validFrom: Day, first: Day, last: Day | null): void {
  if (validFrom >= first && (last === null || validFrom <= last)) return;
  throw new Refusal('GUIDE_OUT_OF_ORDER', 'text', `须在市级版本的施行期内：${first} 至 ${last ?? '今后'}`);
}

function getVersion(versions: readonly GuideVersion[], version: number): GuideVersion {
  const match = versions.find((candidate) => candidate.version === version);
  if (!match) throw new Error(`version ${version} was not kept`);
  return match;
}

/**
 * Sends cases the current guides of a matter and returns them. Refuses GUIDE_LIMIT_REACHED if they are too large for
 * one event.
 */
async function sendGuides(tx: Transaction, matterId: string, today: Day, at: Date): Promise<GuideVersion[]> {
  const versions = (await store.findGuides(tx, [matterId]))[0] ?? [];
  const fact: EventPayload<'GuideChanged'> = buildGuidesFact(matterId, versions, today);
  if (Buffer.byteLength(JSON.stringify(fact)) > MAX_EVENT_BYTES)
    throw new Refusal('GUIDE_LIMIT_REACHED', null, '待施行的版本施行后再发布');
  await store.sendGuideEvent(tx, fact, at);
  return versions;
}

/**
 * Returns a problem for each text of a guide or type that cannot be printed. Some of them are, and so may the rest be.
 */
export function listUnprintable(value: unknown, place = ''): { place: string; message: string }[] {
  if (typeof value === 'string') {
    const message = findUnprintable(value);
    return message === null ? [] : [{ place, message }];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const inner = Array.isArray(value) ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`;
    return listUnprintable(part, inner);
  });
}
