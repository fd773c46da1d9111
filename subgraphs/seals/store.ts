import { and, asc, desc, eq, gt, inArray, isNull, lt, ne, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import type { EventPayload } from '../kernel/events.ts';
import { append, type MessageTables } from '../kernel/outbox.ts';
import { cutPage, type Page, type PageRequest } from '../kernel/page.ts';
import { certificateOf, ofCode, ofList, ofSealEvent, ofUse } from './log/leaf.ts';
import { enter } from './log/store.ts';
import type { Seal, SealState } from './seal.ts';
import * as tables from './tables.ts';

const {
  authority,
  logKey,
  revocation,
  revocationList,
  seal,
  sealCode,
  sealCodeKey,
  sealEvent,
  sealGrant,
  sealPicture,
  sealUse,
} = tables;

export const messages: MessageTables = tables;
const CONSUMERS = { licenses: ['SealChanged'] } as const;

export type SealRow = typeof seal.$inferSelect;
export type UseRow = typeof sealUse.$inferSelect;
export type CodeRow = typeof sealCode.$inferSelect;
export type AuthorityRow = typeof authority.$inferSelect;
export type CodeKeyRow = typeof sealCodeKey.$inferSelect;
export type RevocationRow = typeof revocation.$inferSelect;
export type ListRow = typeof revocationList.$inferSelect;

/** A seal with its certificate and encrypted key. */
export interface StoredSeal {
  seal: Seal;
  row: SealRow;
  /** Digest of the office's own picture, or null where the seal is drawn. */
  picture: string | null;
}

async function withGrants(db: Reader, rows: readonly SealRow[]): Promise<StoredSeal[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const grants = await db
    .select()
    .from(sealGrant)
    .where(inArray(sealGrant.sealId, ids))
    .orderBy(asc(sealGrant.matterId));
  const bySeal = Map.groupBy(grants, (grant) => grant.sealId);
  const pictures = await db
    .selectDistinctOn([sealPicture.sealId], { sealId: sealPicture.sealId, digest: sealPicture.digest })
    .from(sealPicture)
    .where(inArray(sealPicture.sealId, ids))
    .orderBy(asc(sealPicture.sealId), desc(sealPicture.serial));
  const pictureOf = new Map(pictures.map((one) => [one.sealId, one.digest]));
  return rows.map((row) => {
    const { id, name, kind, organ, state, validFrom, validUntil } = row;
    const matters = (bySeal.get(id) ?? []).map((grant) => grant.matterId);
    const picture = pictureOf.get(id) ?? null;
    return { seal: { id, name, kind, organ, state, validFrom, validUntil, matters }, row, picture };
  });
}

/** Seals in the order of their ids. */
export async function listSeals(
  db: Reader,
  filter: { organ: string | null; state: SealState | null },
  page: PageRequest<string>,
): Promise<Page<StoredSeal>> {
  const rows = await db
    .select()
    .from(seal)
    .where(
      and(
        filter.organ === null ? undefined : eq(seal.organ, filter.organ),
        filter.state === null ? undefined : eq(seal.state, filter.state),
        page.after === null ? undefined : gt(seal.id, page.after),
      ),
    )
    .orderBy(asc(seal.id))
    .limit(page.first + 1);
  const cut = cutPage(rows, page.first);
  return { rows: await withGrants(db, cut.rows), hasNextPage: cut.hasNextPage };
}

/** Seals by id, in the order asked, null where there is none. */
export async function findSeals(db: Reader, ids: readonly string[]): Promise<(StoredSeal | null)[]> {
  const found = await withGrants(
    db,
    await db
      .select()
      .from(seal)
      .where(inArray(seal.id, [...ids])),
  );
  const byId = new Map(found.map((one) => [one.seal.id, one]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** A seal whose row is locked: nobody signs with it until the transaction ends. */
export async function lockSeal(tx: Transaction, id: string): Promise<StoredSeal | null> {
  const rows = await tx.select().from(seal).where(eq(seal.id, id)).for('update');
  return (await withGrants(tx, rows))[0] ?? null;
}

/** The seals of an organ, held for signing: whoever wants to stop one waits, and whoever stopped one first is seen. */
export async function holdSealsOf(tx: Transaction, organ: string): Promise<StoredSeal[]> {
  return withGrants(tx, await tx.select().from(seal).where(eq(seal.organ, organ)).for('share'));
}

/** Every authority, a later generation after the ones before it. */
export async function findAuthorities(db: Reader): Promise<AuthorityRow[]> {
  return db.select().from(authority).orderBy(asc(authority.id), asc(authority.generation));
}

export async function insertAuthority(tx: Transaction, row: AuthorityRow): Promise<void> {
  await tx.insert(authority).values(row);
  await enter(tx, [certificateOf(row.id, row.certificatePem)]);
}

/** Names of the advisory locks of this schema. */
const LOCKS = { pki: 7_310_001, issuance: 7_310_002, case: 7_310_003, list: 7_310_004 } as const;

/** One process at a time makes the PKI or a seal. */
export async function lockPki(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.pki})`);
}

/** One signature at a time per issuance id, and per case. */
export async function lockIssuance(tx: Transaction, issuanceId: string, caseId: string | null): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.issuance}, hashtext(${issuanceId}))`);
  if (caseId !== null) await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.case}, hashtext(${caseId}))`);
}

/** One process at a time publishes a list of an authority. */
export async function lockList(tx: Transaction, authorityId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.list}, hashtext(${authorityId}))`);
}

export async function findCodeKey(db: Reader, sealId: string): Promise<CodeKeyRow | null> {
  const [row] = await db.select().from(sealCodeKey).where(eq(sealCodeKey.sealId, sealId));
  return row ?? null;
}

export async function insertCodeKey(tx: Transaction, row: CodeKeyRow): Promise<void> {
  await tx.insert(sealCodeKey).values(row);
  await enter(tx, [certificateOf('code', row.certificatePem)]);
}

/** Every private key in its envelope, under the id that is bound to it. */
export interface HeldKey {
  id: string;
  table: 'authority' | 'seal' | 'sealCodeKey' | 'logKey';
  encryptedKey: Uint8Array;
}

export async function listKeys(db: Reader): Promise<HeldKey[]> {
  const authorities = await db.select({ id: authority.id, encryptedKey: authority.encryptedKey }).from(authority);
  const seals = await db.select({ id: seal.id, encryptedKey: seal.encryptedKey }).from(seal);
  const codes = await db.select({ id: sealCodeKey.sealId, encryptedKey: sealCodeKey.encryptedKey }).from(sealCodeKey);
  const logs = await db.select({ encryptedKey: logKey.encryptedKey }).from(logKey);
  return [
    ...logs.map((key) => ({ ...key, id: 'log', table: 'logKey' as const })),
    ...authorities.map((key) => ({ ...key, table: 'authority' as const })),
    ...seals.map((key) => ({ ...key, table: 'seal' as const })),
    ...codes.map((key) => ({ ...key, id: `${key.id} code`, table: 'sealCodeKey' as const })),
  ];
}

/** Puts an envelope in the place of the one that was read; what has changed meanwhile stays. */
export async function setKey(tx: Transaction, { table, encryptedKey }: HeldKey, encrypted: Uint8Array): Promise<void> {
  const of = { authority, seal, sealCodeKey, logKey }[table];
  await tx.update(of).set({ encryptedKey: encrypted }).where(eq(of.encryptedKey, encryptedKey));
}

/** Seals made before seals had keys for QR codes. */
export async function listSealsWithoutCodeKey(db: Reader): Promise<SealRow[]> {
  const rows = await db
    .select({ seal })
    .from(seal)
    .leftJoin(sealCodeKey, eq(sealCodeKey.sealId, seal.id))
    .where(isNull(sealCodeKey.sealId));
  return rows.map((row) => row.seal);
}

/** Names and certificates of all seals and of their keys for QR codes. */
export async function listCertificates(db: Reader): Promise<{ name: string; seal: string; code: string | null }[]> {
  return db
    .select({ name: seal.name, seal: seal.certificatePem, code: sealCodeKey.certificatePem })
    .from(seal)
    .leftJoin(sealCodeKey, eq(sealCodeKey.sealId, seal.id))
    .orderBy(asc(seal.id))
    .limit(CERTIFICATES_MOST);
}

/** Seals whose certificates are published in one file: a county and its city have some dozens. */
const CERTIFICATES_MOST = 2_000;

export async function insertRevocations(tx: Transaction, rows: readonly RevocationRow[]): Promise<void> {
  await tx.insert(revocation).values([...rows]);
}

/** What an authority has revoked, in the order in which it did. */
export async function listRevocations(db: Reader, of: ListRow['authority']): Promise<RevocationRow[]> {
  return db
    .select()
    .from(revocation)
    .where(eq(revocation.authority, of))
    .orderBy(asc(revocation.revokedAt), asc(revocation.serial));
}

export async function findNewestList(db: Reader, of: ListRow['authority']): Promise<ListRow | null> {
  const [row] = await db
    .select()
    .from(revocationList)
    .where(eq(revocationList.authority, of))
    .orderBy(desc(revocationList.number))
    .limit(1);
  return row ?? null;
}

export async function insertList(tx: Transaction, row: ListRow): Promise<void> {
  await tx.insert(revocationList).values(row);
  await enter(tx, [ofList(row)]);
}

export interface SealAct {
  event: 'MADE' | 'SUSPENDED' | 'RESUMED' | 'GRANTED' | 'GRANT_WITHDRAWN' | 'PICTURE_CHANGED' | 'ENDED';
  matterId: string | null;
  /** The person's id, or null where the hub itself did it at its first start. */
  actorId: string | null;
  actor: string;
  reason: string | null;
  at: Date;
}

export async function insertSeal(tx: Transaction, row: SealRow): Promise<void> {
  await tx.insert(seal).values(row);
  await enter(tx, [certificateOf('seal', row.certificatePem)]);
}

export async function setState(tx: Transaction, id: string, state: SealState): Promise<void> {
  await tx.update(seal).set({ state }).where(eq(seal.id, id));
}

export async function insertPicture(
  tx: Transaction,
  row: Omit<typeof sealPicture.$inferSelect, 'serial'>,
): Promise<void> {
  await tx.insert(sealPicture).values(row);
}

/** A picture by its digest, whether in force or not: documents show it for ever. */
export async function findPicture(db: Reader, digest: string): Promise<Uint8Array | null> {
  const [row] = await db
    .select({ png: sealPicture.png })
    .from(sealPicture)
    .where(eq(sealPicture.digest, digest))
    .limit(1);
  return row?.png ?? null;
}

/** The seals of an organ. */
export async function listSealsOf(db: Reader, organ: string): Promise<StoredSeal[]> {
  return withGrants(db, await db.select().from(seal).where(eq(seal.organ, organ)));
}

/** Adds grants that are missing; gives those it added. */
export async function addGrants(tx: Transaction, sealId: string, matters: readonly string[]): Promise<string[]> {
  if (matters.length === 0) return [];
  const rows = matters.map((matterId) => ({ sealId, matterId }));
  const added = await tx
    .insert(sealGrant)
    .values(rows)
    .onConflictDoNothing()
    .returning({ matterId: sealGrant.matterId });
  return added.map((row) => row.matterId);
}

/** Takes a grant back; gives false where there was none. */
export async function removeGrant(tx: Transaction, sealId: string, matterId: string): Promise<boolean> {
  const where = and(eq(sealGrant.sealId, sealId), eq(sealGrant.matterId, matterId));
  return (await tx.delete(sealGrant).where(where).returning({ sealId: sealGrant.sealId })).length > 0;
}

/** Enters what was done with a seal in its ledger, and tells licenses how it now stands. */
export async function enterSealActs(
  tx: Transaction,
  id: string,
  acts: readonly SealAct[],
  at: Date,
): Promise<StoredSeal> {
  const events = await tx
    .insert(sealEvent)
    .values(acts.map((act) => ({ sealId: id, ...act })))
    .returning();
  await enter(tx, events.map(ofSealEvent));
  const stored = await lockSeal(tx, id);
  if (!stored) throw new Error(`no seal ${id}`);
  await append(tx, messages, CONSUMERS, {
    type: 'SealChanged',
    stream: `seal:${id}`,
    occurredAt: at,
    payload: factOf(stored.seal),
  });
  return stored;
}

function factOf({ id, name, kind, organ, state, validFrom, validUntil, matters }: Seal): EventPayload<'SealChanged'> {
  return {
    sealId: id,
    name,
    kind,
    organ,
    state,
    validFrom: validFrom.toISOString(),
    validUntil: validUntil.toISOString(),
    matters: [...matters],
  };
}

export async function findUse(db: Reader, issuanceId: string): Promise<UseRow | null> {
  const [row] = await db.select().from(sealUse).where(eq(sealUse.issuanceId, issuanceId));
  return row ?? null;
}

/** Whether a seal, or its key for QR codes, has been used for a case under another issuance: a decision is sealed once. */
export async function isCaseSealed(db: Reader, caseId: string, issuanceId: string): Promise<boolean> {
  for (const table of [sealUse, sealCode]) {
    const elsewhere = and(eq(table.caseId, caseId), ne(table.issuanceId, issuanceId));
    if ((await db.select({ at: table.at }).from(table).where(elsewhere).limit(1)).length > 0) return true;
  }
  return false;
}

export async function findCode(db: Reader, issuanceId: string): Promise<CodeRow | null> {
  const [row] = await db.select().from(sealCode).where(eq(sealCode.issuanceId, issuanceId));
  return row ?? null;
}

export async function insertCode(tx: Transaction, row: Omit<CodeRow, 'serial'>): Promise<void> {
  await tx.insert(sealCode).values(row);
  await enter(tx, [ofCode(row)]);
}

export async function insertUse(tx: Transaction, row: Omit<UseRow, 'serial'>): Promise<void> {
  await tx.insert(sealUse).values(row);
  await enter(tx, [ofUse(row)]);
}

/** Uses of seals, newest first; `organ` null means every organ's. */
export async function listUses(
  db: Reader,
  filter: { organ: string | null; seal: string | null; license: string | null },
  page: PageRequest<number>,
): Promise<Page<UseRow>> {
  const rows = await db
    .select()
    .from(sealUse)
    .where(
      and(
        filter.organ === null ? undefined : eq(sealUse.organ, filter.organ),
        filter.seal === null ? undefined : eq(sealUse.sealId, filter.seal),
        filter.license === null ? undefined : eq(sealUse.identifier, filter.license),
        page.after === null ? undefined : lt(sealUse.serial, page.after),
      ),
    )
    .orderBy(desc(sealUse.serial))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}
