import { type Database, type Transaction, transact } from '../../../db/client.ts';
import { type Actor, requireRole } from '../../kernel/actor.ts';
import { type Clock, type Day, dayOf } from '../../kernel/day.ts';
import { contentDigest, type EventPayload } from '../../kernel/events.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Difference, differences } from './difference.ts';
import { type Format, readGuide, readOverlay, refuseAny } from './file.ts';
import type { Guide } from './guide.ts';
import { applyOverlay, hindrances, misfits, type Overlay } from './overlay.ts';
import * as store from './store.ts';
import {
  factOf,
  type GuideInForce,
  type GuideVersion,
  type Lapsed,
  lapsedAt,
  lastDayOf,
  newestOverlays,
  overlayOn,
  readVersion,
} from './version.ts';

export interface GuideDependencies {
  db: Database;
  now: Clock;
}

export interface GuideFile {
  format: Format;
  text: string;
  dryRun: boolean;
}

/** Maximum of versions of a matter's guide, and of overlays on one version. */
const VERSIONS_MOST = 200;
const OVERLAYS_MOST = 200;
/** Largest event about a matter's guides. Every consumer accepts 1 MiB. */
const TOLD_BYTES_MOST = 786_432;

/** What an import did, or with `dryRun` would do. */
export interface Published {
  guide: GuideInForce;
  /** False if the same content was published before: nothing was done. */
  changed: boolean;
  /** Differences from the version before; for an overlay, from the city's guide. */
  differences: readonly Difference[];
  /** Counties whose overlay lapses with the new version. */
  lapsed: readonly Lapsed[];
}

/**
 * Publishes a version of a matter's guide. Requires an administrator. Refuses ROLE_NOT_ALLOWED, GUIDE_FILE_INVALID,
 * MATTER_UNKNOWN, GUIDE_OUT_OF_ORDER, GUIDE_LIMIT_REACHED.
 */
export async function importGuide({ db, now }: GuideDependencies, actor: Actor, file: GuideFile): Promise<Published> {
  const person = requireRole(actor, 'ADMINISTRATOR');
  const guide = readGuide(file.format, file.text);
  return transact(db, file.dryRun, (tx) => publish(tx, guide, { publishedBy: person.id, publishedAt: now() }));
}

/**
 * Publishes a county's overlay on a version. Requires an administrator. Refuses as `importGuide` does, GUIDE_UNKNOWN,
 * and GUIDE_OVERLAY_WIDENS.
 */
export async function importOverlay({ db, now }: GuideDependencies, actor: Actor, file: GuideFile): Promise<Published> {
  const person = requireRole(actor, 'ADMINISTRATOR');
  const overlay = readOverlay(file.format, file.text);
  return transact(db, file.dryRun, (tx) => publishOverlay(tx, overlay, { publishedBy: person.id, publishedAt: now() }));
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
      const [known] = await store.findGuides(tx, [guide.matterId]);
      if (known && known.length > 0) return;
      await publish(tx, guide, publication);
      for (const overlay of overlays) {
        if (overlay.matterId === guide.matterId) await publishOverlay(tx, overlay, publication);
      }
      published++;
    });
  }
  return published;
}

async function publish(tx: Transaction, guide: Guide, publication: store.Publication): Promise<Published> {
  const today = dayOf(publication.publishedAt);
  const before = await lockVersions(tx, guide.matterId);
  const known = before.find((one) => one.digest === contentDigest(guide));
  if (known) return { guide: readVersion(before, known, null), changed: false, differences: [], lapsed: [] };
  const newest = before.at(-1);
  if (newest) requireFollows(guide.validFrom, newest.guide.validFrom, today);
  if (before.length >= VERSIONS_MOST) throw new Refusal('GUIDE_LIMIT_REACHED', null, `最多 ${VERSIONS_MOST} 版`);
  const version = before.length + 1;
  await store.insertVersion(tx, version, guide, publication);
  if (newest) await carryOver(tx, newest, guide, publication);
  const after = await tell(tx, guide.matterId, today, publication.publishedAt);
  const stands = versionOf(after, version);
  return {
    guide: readVersion(after, stands, null),
    changed: true,
    differences: newest ? differences(newest.guide, guide) : [],
    lapsed: lapsedAt(after, stands),
  };
}

/** Carries the counties' overlays over to the next version, each only if nothing prevents it. */
async function carryOver(
  tx: Transaction,
  from: GuideVersion,
  guide: Guide,
  publication: store.Publication,
): Promise<void> {
  const place = { version: from.version + 1, revision: 1, carriedFrom: from.version };
  for (const { overlay } of newestOverlays(from)) {
    if (hindrances(from.guide, guide, overlay).length > 0) continue;
    const again = { ...overlay, version: place.version, validFrom: guide.validFrom };
    await store.insertOverlay(tx, place, again, publication);
  }
}

async function publishOverlay(tx: Transaction, overlay: Overlay, publication: store.Publication): Promise<Published> {
  const { matterId, version, divisionCode, validFrom } = overlay;
  const today = dayOf(publication.publishedAt);
  const before = await lockVersions(tx, matterId);
  const city = before.find((one) => one.version === version);
  if (!city) throw new Refusal('GUIDE_UNKNOWN', 'text', `版本 ${version}`);
  if (!(await store.hasCounty(tx, divisionCode)))
    refuseAny([{ place: 'divisionCode', message: `没有区划代码为 ${divisionCode} 的县级机关` }]);
  const known = city.overlays.find((one) => one.digest === contentDigest(overlay));
  if (known) {
    const read = readVersion(before, city, known);
    return { guide: read, changed: false, differences: read.differences, lapsed: [] };
  }
  requireWithin(validFrom, city.guide.validFrom, lastDayOf(before, version));
  const own = city.overlays.filter((one) => one.divisionCode === divisionCode);
  const newest = own.at(-1);
  if (newest) requireNotBefore(validFrom, newest.validFrom, today);
  if (city.overlays.length >= OVERLAYS_MOST)
    throw new Refusal('GUIDE_LIMIT_REACHED', null, `一版最多 ${OVERLAYS_MOST} 份县级指南`);
  refuseAny(misfits(city.guide, overlay));
  applyOverlay(city.guide, overlay);
  await store.insertOverlay(tx, { version, revision: own.length + 1, carriedFrom: null }, overlay, publication);
  const after = await tell(tx, matterId, today, publication.publishedAt);
  const stands = versionOf(after, version);
  const guide = readVersion(after, stands, overlayOn(stands, divisionCode, validFrom));
  return { guide, changed: true, differences: guide.differences, lapsed: [] };
}

/** Locks a matter until the transaction ends, and returns its versions. Refuses MATTER_UNKNOWN. */
async function lockVersions(tx: Transaction, matterId: string): Promise<GuideVersion[]> {
  if (!(await store.lockMatter(tx, matterId))) throw new Refusal('MATTER_UNKNOWN', 'text', matterId);
  return (await store.findGuides(tx, [matterId]))[0] ?? [];
}

/** Requires that a version begins after the newest one, and today or later: what has been in force must not change. */
function requireFollows(validFrom: Day, newest: Day, today: Day): void {
  if (validFrom > newest && validFrom >= today) return;
  throw new Refusal('GUIDE_OUT_OF_ORDER', 'text', `须晚于上一版的 ${newest}，且不早于今天 ${today}`);
}

function requireNotBefore(validFrom: Day, newest: Day, today: Day): void {
  if (validFrom >= newest && validFrom >= today) return;
  throw new Refusal('GUIDE_OUT_OF_ORDER', 'text', `不得早于本县上一份指南的 ${newest}，也不得早于今天 ${today}`);
}

function requireWithin(validFrom: Day, first: Day, last: Day | null): void {
  if (validFrom >= first && (last === null || validFrom <= last)) return;
  throw new Refusal('GUIDE_OUT_OF_ORDER', 'text', `须在市级版本的施行期内：${first} 至 ${last ?? '今后'}`);
}

function versionOf(versions: readonly GuideVersion[], version: number): GuideVersion {
  const found = versions.find((one) => one.version === version);
  if (!found) throw new Error(`version ${version} was not kept`);
  return found;
}

/**
 * Sends cases the current guides of a matter and returns them. Refuses GUIDE_LIMIT_REACHED if they are too large for
 * one event.
 */
async function tell(tx: Transaction, matterId: string, today: Day, at: Date): Promise<GuideVersion[]> {
  const versions = (await store.findGuides(tx, [matterId]))[0] ?? [];
  const fact: EventPayload<'GuideChanged'> = factOf(matterId, versions, today);
  if (Buffer.byteLength(JSON.stringify(fact)) > TOLD_BYTES_MOST)
    throw new Refusal('GUIDE_LIMIT_REACHED', null, '待施行的版本施行后再发布');
  await store.tellGuides(tx, fact, at);
  return versions;
}
