import { and, asc, desc, eq, getTableColumns, inArray, isNull, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import type { EventPayload } from '../kernel/events/events.ts';
import { appendEvent } from '../kernel/events/outbox-store.ts';
import type { MessageTables } from '../kernel/events/outbox-tables.ts';
import { UUID_PATTERN } from '../kernel/identifier.ts';
import { byText, type KeysetRequest, selectPage } from '../kernel/list/keyset-store.ts';
import type { Page } from '../kernel/list/page.ts';
import { makeSalt } from '../kernel/sealing/random.ts';
import type { ApplicationKind } from './application/application.ts';
import { buildEventLeaf } from './log/leaf.ts';
import { insertLeaves } from './log/store.ts';
import type { Grant, Seal, SealState } from './seal.ts';
import * as tables from './tables.ts';

const { seal, sealCertificate, sealEvent, sealGrant, sealGrantWithdrawal, sealPicture } = tables;

export const messages: MessageTables = tables;
const CONSUMERS = { licenses: ['SealChanged'], cases: ['SealChanged'] } as const;

export type SealRow = typeof seal.$inferSelect;
export type CertificateRow = typeof sealCertificate.$inferSelect;
/** A seal with its newest certificate and encrypted key. */
export interface StoredSeal {
  seal: Seal;
  certificate: CertificateRow;
  /** Digest of the office's own picture, or null if the seal is drawn. */
  picture: string | null;
}

/**
 * Adds grants, certificates and pictures to rows of seals. Each part is a statement of its own. So in a transaction
 * that has locked the seals, it reads their current state.
 */
async function toStoredSeals(db: Reader, rows: readonly SealRow[]): Promise<StoredSeal[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const { serial: _, ...columns } = getTableColumns(sealGrant);
  const grants = await db
    .select(columns)
    .from(sealGrant)
    .leftJoin(sealGrantWithdrawal, eq(sealGrantWithdrawal.grantId, sealGrant.id))
    .where(and(inArray(sealGrant.sealId, ids), isNull(sealGrantWithdrawal.grantId)))
    .orderBy(asc(sealGrant.matterId), asc(sealGrant.serial));
  const grantsBySeal = Map.groupBy(grants, (grant) => grant.sealId);
  const certificates = await db
    .selectDistinctOn([sealCertificate.sealId])
    .from(sealCertificate)
    .where(inArray(sealCertificate.sealId, ids))
    .orderBy(asc(sealCertificate.sealId), desc(sealCertificate.generation));
  const certificateBySeal = new Map(certificates.map((row) => [row.sealId, row]));
  const pictures = await db
    .selectDistinctOn([sealPicture.sealId], { sealId: sealPicture.sealId, digest: sealPicture.digest })
    .from(sealPicture)
    .where(inArray(sealPicture.sealId, ids))
    .orderBy(asc(sealPicture.sealId), desc(sealPicture.serial));
  const pictureBySeal = new Map(pictures.map((row) => [row.sealId, row.digest]));
  return rows.map((row) => {
    const { suite: _suite, ...sealColumns } = row;
    const certificate = certificateBySeal.get(row.id);
    if (!certificate) throw new Error(`seal ${row.id} has no certificate`);
    const seal = { ...sealColumns, grants: (grantsBySeal.get(row.id) ?? []).map(toGrant) };
    return { seal, certificate, picture: pictureBySeal.get(row.id) ?? null };
  });
}

/** Maps a row to a grant. */
export function toGrant(row: Omit<typeof sealGrant.$inferSelect, 'serial'>): Grant {
  return { id: row.id, matter: row.matterId, person: row.personId, from: row.validFrom, to: row.validTo };
}

/** The order of `seals`. */
export const SEAL_ORDER = byText('seals', seal.id, (row: StoredSeal) => row.seal.id);

/** Returns a page of seals, ordered by id. */
export async function listSeals(
  db: Reader,
  filter: { organ: string | null; state: SealState | null },
  page: KeysetRequest,
): Promise<Page<StoredSeal>> {
  const sealPage = await selectPage(page, (keyset) =>
    db
      .select()
      .from(seal)
      .where(
        and(
          filter.organ === null ? undefined : eq(seal.organ, filter.organ),
          filter.state === null ? undefined : eq(seal.state, filter.state),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
  return { ...sealPage, rows: await toStoredSeals(db, sealPage.rows) };
}

/** Returns seals by id in the order of `ids`; null if there is none. */
export async function findSeals(db: Reader, ids: readonly string[]): Promise<(StoredSeal | null)[]> {
  const storedSeals = await toStoredSeals(
    db,
    await db
      .select()
      .from(seal)
      .where(inArray(seal.id, [...ids])),
  );
  const byId = new Map(storedSeals.map((row) => [row.seal.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Returns the grants of `ids` that were not withdrawn, in their order. Null for any other. */
export async function findGrants(db: Reader, ids: readonly string[]): Promise<(Grant | null)[]> {
  const known = ids.filter((id) => UUID_PATTERN.test(id));
  if (known.length === 0) return ids.map(() => null);
  const rows = await db
    .select(getTableColumns(sealGrant))
    .from(sealGrant)
    .leftJoin(sealGrantWithdrawal, eq(sealGrantWithdrawal.grantId, sealGrant.id))
    .where(and(inArray(sealGrant.id, known), isNull(sealGrantWithdrawal.grantId)));
  const byId = new Map(rows.map((row) => [row.id, toGrant(row)]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Locks a seal's row: nobody can sign with the seal until the transaction ends. Returns null if there is none. */
export async function lockSeal(tx: Transaction, id: string): Promise<StoredSeal | null> {
  const rows = await tx.select().from(seal).where(eq(seal.id, id)).for('update');
  return (await toStoredSeals(tx, rows))[0] ?? null;
}

/** Ids of this schema's advisory locks. */
export const LOCK_IDS = {
  pki: 7_310_001,
  issuance: 7_310_002,
  case: 7_310_003,
  list: 7_310_004,
  organ: 7_310_005,
} as const;

/** Lets one transaction at a time create or end an application of an organ. */
export async function lockApplications(tx: Transaction, organ: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCK_IDS.organ}, hashtext(${organ}))`);
}

type SealEventName =
  | 'MADE'
  | 'FILED'
  | 'PUT_INTO_USE'
  | 'SUSPENDED'
  | 'RESUMED'
  | 'GRANTED'
  | 'GRANT_WITHDRAWN'
  | 'PICTURE_CHANGED'
  | 'ROTATED'
  | 'CERTIFICATE_ENTERED'
  | 'ENDED';

/** An act on a seal, or an event of an application. */
export interface SealAct {
  event: SealEventName | `${'APPLIED' | 'REJECTED' | 'WITHDRAWN'}_${ApplicationKind}`;
  matterId: string | null;
  /** The person's id, or null if the hub itself acted at its first start. */
  actorId: string | null;
  actor: string;
  /** The applicant. Left out if one person alone may act. */
  appliedById?: string;
  appliedBy?: string;
  applicationId?: string;
  reason: string | null;
  at: Date;
}

export async function insertSeal(tx: Transaction, row: SealRow): Promise<void> {
  await tx.insert(seal).values(row);
}

/** Updates the columns of a seal that may change. */
export async function setSeal(
  tx: Transaction,
  id: string,
  columns: Partial<Pick<SealRow, 'state' | 'filingNumber' | 'validFrom' | 'validUntil' | 'requiredSince'>>,
): Promise<void> {
  await tx.update(seal).set(columns).where(eq(seal.id, id));
}

export async function insertPicture(
  tx: Transaction,
  row: Omit<typeof sealPicture.$inferSelect, 'serial'>,
): Promise<void> {
  await tx.insert(sealPicture).values(row);
}

/** Returns a picture by its digest, in force or not: sealed documents keep showing it. */
export async function findPicture(db: Reader, digest: string): Promise<Uint8Array | null> {
  const [row] = await db
    .select({ png: sealPicture.png })
    .from(sealPicture)
    .where(eq(sealPicture.digest, digest))
    .limit(1);
  return row?.png ?? null;
}

/** Returns the seals of an organ, ordered by id. */
export async function listSealsOf(db: Reader, organ: string): Promise<StoredSeal[]> {
  return toStoredSeals(db, await db.select().from(seal).where(eq(seal.organ, organ)).orderBy(asc(seal.id)));
}

/** Records events in a seal's ledger that do not change the seal. */
export async function insertEvents(tx: Transaction, id: string, acts: readonly SealAct[]): Promise<void> {
  const events = await tx
    .insert(sealEvent)
    .values(acts.map((act) => ({ sealId: id, ...act, reasonSalt: act.reason === null ? null : makeSalt() })))
    .returning();
  await insertLeaves(tx, events.map(buildEventLeaf));
}

/** Records acts in a seal's ledger, and sends licenses the seal's new state. */
export async function recordSealActs(
  tx: Transaction,
  id: string,
  acts: readonly SealAct[],
  at: Date,
): Promise<StoredSeal> {
  await insertEvents(tx, id, acts);
  const stored = await lockSeal(tx, id);
  if (!stored) throw new Error(`no seal ${id}`);
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'SealChanged',
    stream: `seal:${id}`,
    occurredAt: at,
    payload: toSealFact(stored.seal),
  });
  return stored;
}

function toSealFact({
  id,
  validFrom,
  validUntil,
  grants,
  requiredSince,
  filingNumber: _,
  ...seal
}: Seal): EventPayload<'SealChanged'> {
  return {
    sealId: id,
    ...seal,
    validFrom: validFrom.toISOString(),
    validUntil: validUntil.toISOString(),
    grants: grants.map(({ id: _id, ...grant }) => grant),
    requiredSince: requiredSince?.toISOString() ?? null,
  };
}
