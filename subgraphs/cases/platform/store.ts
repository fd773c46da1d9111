import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import type { Case, StepRecord } from '../case.ts';
import * as tables from '../tables.ts';
import type { PlatformKey } from './message.ts';
import { isArrival, type Platform, snapshotOf } from './platform.ts';

const { caseFile, matterFact, outboxDelivery, outboxReceipt, platform, platformCase, platformKey, platformMessage } =
  tables;
const messages: MessageTables = tables;

export const CONSUMER = 'platform';
/** The receipt of news for a platform that was removed: it was not delivered. */
export const NOT_DELIVERED_RECEIPT = '审批平台已注销，未送达';
const CONSUMERS = { [CONSUMER]: ['ForwardedCaseChanged'] } as const;

async function toPlatforms(db: Reader, rows: readonly (typeof platform.$inferSelect)[]): Promise<Platform[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const keys = await db
    .select()
    .from(platformKey)
    .where(inArray(platformKey.platformId, ids))
    .orderBy(asc(platformKey.validFrom), asc(platformKey.kid));
  const byPlatform = Map.groupBy(keys, (key) => key.platformId);
  return rows.map((row) => ({ ...row, keys: byPlatform.get(row.id) ?? [] }));
}

/** The order of `platforms`. */
export const PLATFORM_ORDER = bySerial('platforms', platform.serial, 'ASC');

/** Returns a page of platforms in the order of registration, including removed ones. */
export async function listPlatforms(db: Reader, page: KeysetRequest): Promise<Page<Platform>> {
  const platformPage = await selectPage(page, (keyset) =>
    db
      .select()
      .from(platform)
      .where(keyset.condition)
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
  return { ...platformPage, rows: await toPlatforms(db, platformPage.rows) };
}

export async function findPlatform(db: Reader, id: string): Promise<Platform | null> {
  if (!/^[0-9a-f-]{36}$/.test(id)) return null;
  return (await toPlatforms(db, await db.select().from(platform).where(eq(platform.id, id))))[0] ?? null;
}

/** Returns the platform in use of an organ, or null. */
async function findPlatformOf(db: Reader, organ: string): Promise<Platform | null> {
  const rows = await db
    .select()
    .from(platform)
    .where(and(eq(platform.organ, organ), isNull(platform.removedAt)));
  return (await toPlatforms(db, rows))[0] ?? null;
}

/** Returns a platform in use, locked until the transaction ends, or null. */
export async function lockPlatform(tx: Transaction, id: string): Promise<Platform | null> {
  if (!/^[0-9a-f-]{36}$/.test(id)) return null;
  const rows = await tx
    .select()
    .from(platform)
    .where(and(eq(platform.id, id), isNull(platform.removedAt)))
    .for('update');
  return (await toPlatforms(tx, rows))[0] ?? null;
}

/** Returns the platform in use whose key has this thumbprint, or null. */
export async function findPlatformByKey(db: Reader, kid: string): Promise<Platform | null> {
  const [key] = await db
    .select({ platformId: platformKey.platformId })
    .from(platformKey)
    .where(eq(platformKey.kid, kid));
  const owner = key ? await findPlatform(db, key.platformId) : null;
  return owner?.removedAt === null ? owner : null;
}

/** Returns the key with this thumbprint, also one that has ended, or null. */
export async function findKey(db: Reader, kid: string): Promise<PlatformKey | null> {
  const [key] = await db.select().from(platformKey).where(eq(platformKey.kid, kid));
  return key ?? null;
}

/** Returns whether a platform is in use. If so, it stays in use until the transaction ends. */
export async function holdPlatform(tx: Transaction, id: string): Promise<boolean> {
  const rows = await tx
    .select({ id: platform.id })
    .from(platform)
    .where(and(eq(platform.id, id), isNull(platform.removedAt)))
    .for('share');
  return rows.length > 0;
}

/** Whether some matter names `organ` as an organ of the city. */
export async function isCityOrgan(db: Reader, organ: string): Promise<boolean> {
  const organPattern = JSON.stringify([{ id: organ, level: 'CITY' }]);
  const rows = await db
    .select({ matterId: matterFact.matterId })
    .from(matterFact)
    .where(sql`${matterFact.fact} -> 'organs' @> ${organPattern}::jsonb`)
    .limit(1);
  return rows.length > 0;
}

/** Writes a platform without keys. Returns false if its organ already has another one in use. */
export async function insertPlatform(tx: Transaction, row: typeof platform.$inferInsert): Promise<boolean> {
  const rows = await tx.insert(platform).values(row).onConflictDoNothing().returning({ id: platform.id });
  return rows.length > 0;
}

export async function updatePlatform(
  tx: Transaction,
  id: string,
  change: Partial<Pick<Platform, 'name' | 'url' | 'secretVersion' | 'removedAt'>>,
): Promise<void> {
  await tx.update(platform).set(change).where(eq(platform.id, id));
}

/** Writes a key. Returns false if the key was registered before, here or for another platform. */
export async function insertKey(tx: Transaction, platformId: string, key: PlatformKey): Promise<boolean> {
  const rows = await tx
    .insert(platformKey)
    .values({ platformId, ...key })
    .onConflictDoNothing()
    .returning({ kid: platformKey.kid });
  return rows.length > 0;
}

export async function endKey(tx: Transaction, kid: string, validTo: Date): Promise<void> {
  await tx.update(platformKey).set({ validTo }).where(eq(platformKey.kid, kid));
}

/**
 * Sends a step to the deciding organ's platform. Must be called in the transaction that writes the step.
 * A case arrives at a platform with 转报 or by a transfer. The platform then receives every step until the case ends.
 * `previous` is the case without the step.
 */
export async function notifyPlatform(
  tx: Transaction,
  previous: Case,
  current: Case,
  record: StepRecord,
): Promise<void> {
  const [previousOrgan, currentOrgan] = [previous.delegation.decides.organ, current.delegation.decides.organ];
  const hasArrived = isArrival(current, previousOrgan, record);
  for (const organ of new Set([previousOrgan, currentOrgan])) {
    const target = organ === null ? null : await findPlatformOf(tx, organ);
    if (!target) continue;
    if (hasArrived && organ === currentOrgan) await putArrival(tx, current, target, record.at);
    else if (await hasPlatformCase(tx, current.id, target.id)) await appendNews(tx, current, target, record.at);
  }
}

async function putArrival(tx: Transaction, subject: Case, target: Platform, at: Date): Promise<void> {
  const revision = await appendNews(tx, subject, target, at);
  const arrival = { stream: streamOf(subject, target), revision, arrivedAt: at, receivedAt: null };
  await tx
    .insert(platformCase)
    .values({ caseId: subject.id, platformId: target.id, ...arrival })
    .onConflictDoUpdate({ target: [platformCase.caseId, platformCase.platformId], set: arrival });
}

/** Returns the stream of one platform and case. A case that moves does not wait for the platform that it left. */
function streamOf(subject: Case, target: Platform): string {
  return `platform:${target.id}:${subject.id}`;
}

function appendNews(tx: Transaction, subject: Case, target: Platform, at: Date): Promise<number> {
  return appendEvent(tx, messages, CONSUMERS, {
    type: 'ForwardedCaseChanged',
    stream: streamOf(subject, target),
    occurredAt: at,
    payload: snapshotOf(subject, target),
  });
}

async function hasPlatformCase(db: Reader, caseId: string, platformId: string): Promise<boolean> {
  const rows = await db
    .select({ caseId: platformCase.caseId })
    .from(platformCase)
    .where(and(eq(platformCase.caseId, caseId), eq(platformCase.platformId, platformId)));
  return rows.length > 0;
}

/** Records that a case is received (签收). Only the first time counts. */
export async function putReceived(tx: Transaction, caseId: string, platformId: string, at: Date): Promise<void> {
  await tx
    .update(platformCase)
    .set({ receivedAt: sql`coalesce(${platformCase.receivedAt}, ${at.toISOString()})` })
    .where(and(eq(platformCase.caseId, caseId), eq(platformCase.platformId, platformId)));
}

/** The state of a case at a platform, and of the newest delivery about it. */
export interface PlatformState {
  name: string;
  arrivedAt: Date;
  deliveredAt: Date | null;
  receivedAt: Date | null;
  attempts: number;
  lastError: string | null;
}

/** Returns the newest arrival of each case at a platform, in the order of `caseIds`, null if there was none. */
export async function findStates(db: Reader, caseIds: readonly string[]): Promise<(PlatformState | null)[]> {
  const rows = await db
    .select({
      caseId: platformCase.caseId,
      name: platform.name,
      arrivedAt: platformCase.arrivedAt,
      deliveredAt: outboxReceipt.deliveredAt,
      receivedAt: platformCase.receivedAt,
      attempts: outboxDelivery.attempts,
      lastError: outboxDelivery.lastError,
    })
    .from(platformCase)
    .innerJoin(platform, eq(platform.id, platformCase.platformId))
    .innerJoin(
      outboxDelivery,
      and(eq(outboxDelivery.consumer, CONSUMER), eq(outboxDelivery.stream, platformCase.stream)),
    )
    .leftJoin(
      outboxReceipt,
      and(
        eq(outboxReceipt.consumer, CONSUMER),
        eq(outboxReceipt.stream, platformCase.stream),
        eq(outboxReceipt.revision, platformCase.revision),
        ne(outboxReceipt.receipt, NOT_DELIVERED_RECEIPT),
      ),
    )
    .where(inArray(platformCase.caseId, [...caseIds]))
    .orderBy(asc(platformCase.arrivedAt));
  // Rows are ordered by arrival, so the newest arrival of a case replaces the earlier ones.
  const statesByCase = new Map(rows.map(({ caseId, ...state }) => [caseId, state]));
  return caseIds.map((id) => statesByCase.get(id) ?? null);
}

export async function findCaseId(db: Reader, number: string): Promise<string | null> {
  const [row] = await db.select({ id: caseFile.id }).from(caseFile).where(eq(caseFile.number, number));
  return row?.id ?? null;
}

export type StoredMessage = Omit<typeof platformMessage.$inferSelect, 'serial'>;

/**
 * Locks a message id until the transaction ends, so that copies of a message are handled one at a time.
 * Returns the stored message, or null.
 */
export async function lockMessage(tx: Transaction, platformId: string, id: string): Promise<StoredMessage | null> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${platformId}/${id}`}, 0))`);
  const isSameMessage = and(eq(platformMessage.platformId, platformId), eq(platformMessage.id, id));
  const [row] = await tx.select().from(platformMessage).where(isSameMessage);
  return row ?? null;
}

export async function insertMessage(tx: Transaction, row: StoredMessage): Promise<void> {
  await tx.insert(platformMessage).values(row);
}

/** The order of `platformMessages`. */
export const MESSAGE_ORDER = bySerial('platformMessages', platformMessage.serial, 'ASC');

/** Returns the message of a platform with this id, or null. */
export async function findMessage(db: Reader, platformId: string, id: string): Promise<StoredMessage | null> {
  const [row] = await db
    .select()
    .from(platformMessage)
    .where(and(eq(platformMessage.platformId, platformId), eq(platformMessage.id, id)));
  return row ?? null;
}

/** Returns a page of the messages on a case, oldest first. */
export function listMessages(
  db: Reader,
  caseNumber: string,
  page: KeysetRequest,
): Promise<Page<typeof platformMessage.$inferSelect>> {
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(platformMessage)
      .where(and(eq(platformMessage.caseNumber, caseNumber), keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}
