import { and, asc, eq, inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { computeContentDigest, type EventPayload } from '../../kernel/events/events.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import { CONSUMERS, messages } from '../store.ts';
import { matter, organ } from '../tables.ts';
import type { Guide } from './guide.ts';
import type { Overlay } from './overlay.ts';
import { guideOverlay, guideVersion } from './tables.ts';
import type { GuideVersion } from './version.ts';

/** Returns every version of each matter's guide with its overlays, in the order of `matterIds`; [] if there is none. */
export async function findGuides(db: Reader, matterIds: readonly string[]): Promise<GuideVersion[][]> {
  const ids = [...matterIds];
  const [versions, overlays] = await Promise.all([
    db.select().from(guideVersion).where(inArray(guideVersion.matterId, ids)).orderBy(asc(guideVersion.version)),
    db
      .select()
      .from(guideOverlay)
      .where(inArray(guideOverlay.matterId, ids))
      .orderBy(asc(guideOverlay.divisionCode), asc(guideOverlay.revision)),
  ]);
  const versionsByMatter = Map.groupBy(versions, (row) => row.matterId);
  const overlaysByVersion = Map.groupBy(overlays, (row) => `${row.matterId} ${row.version}`);
  return ids.map((id) =>
    (versionsByMatter.get(id) ?? []).map((row) => ({
      ...row,
      overlays: overlaysByVersion.get(`${id} ${row.version}`) ?? [],
    })),
  );
}

/**
 * Locks a matter until the transaction ends, so that its guides are published one after the other. Returns false if
 * there is no such matter.
 */
export async function lockMatter(tx: Transaction, id: string): Promise<boolean> {
  const rows = await tx.select({ id: matter.id }).from(matter).where(eq(matter.id, id)).for('update');
  return rows.length > 0;
}

/** Whether a county organ of that division is known. */
export async function hasCounty(db: Reader, divisionCode: string): Promise<boolean> {
  const rows = await db
    .select({ id: organ.id })
    .from(organ)
    .where(and(eq(organ.divisionCode, divisionCode), eq(organ.level, 'COUNTY')))
    .limit(1);
  return rows.length > 0;
}

/** Who publishes, and when. */
export interface Publication {
  publishedBy: string;
  publishedAt: Date;
}

export async function insertVersion(
  tx: Transaction,
  version: number,
  guide: Guide,
  publication: Publication,
): Promise<void> {
  const { matterId, validFrom } = guide;
  const row = { matterId, version, guide, validFrom, digest: computeContentDigest(guide), ...publication };
  await tx.insert(guideVersion).values(row);
}

export async function insertOverlay(
  tx: Transaction,
  position: { version: number; revision: number; carriedFrom: number | null },
  overlay: Overlay,
  publication: Publication,
): Promise<void> {
  const { matterId, divisionCode, validFrom } = overlay;
  const row = {
    matterId,
    divisionCode,
    overlay,
    validFrom,
    digest: computeContentDigest(overlay),
    ...position,
    ...publication,
  };
  await tx.insert(guideOverlay).values(row);
}

export async function sendGuideEvent(tx: Transaction, payload: EventPayload<'GuideChanged'>, at: Date): Promise<void> {
  const stream = `guide:${payload.matterId}`;
  await appendEvent(tx, messages, CONSUMERS, { type: 'GuideChanged', stream, occurredAt: at, payload });
}
