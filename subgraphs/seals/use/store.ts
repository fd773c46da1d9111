import { and, asc, desc, eq, gte, inArray, lt, notExists, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { documentOf } from '../../kernel/sealing/seal-kind.ts';
import type { SealUseRequest } from '../../kernel/sealing/sign.ts';
import { type AuthorityRow, selectAuthorities } from '../certification/authority-store.ts';
import type { CodeKeyRow } from '../certification/certificate-store.ts';
import { buildCodeLeaf, buildUseLeaf } from '../log/leaf.ts';
import { insertLeavesWith } from '../log/store.ts';
import type { Seal } from '../seal.ts';
import { type CertificateRow, LOCK_IDS, toGrant } from '../store.ts';
import * as tables from '../tables.ts';

/** The ledger of uses (用印日志): reads what a use is checked against, and records each use. */

const { lostUse, seal, sealCertificate, sealCode, sealCodeKey, sealGrant, sealGrantWithdrawal, sealPicture, sealUse } =
  tables;

export type UseRow = typeof sealUse.$inferSelect;
export type CodeRow = typeof sealCode.$inferSelect;

/** What a use is checked against. Locks keep it unchanged until the transaction ends. */
export interface UseContext<Previous, Key> {
  /** The earlier use under this issuance, or null. */
  previous: Previous | null;
  /**
   * Whether a seal, or its key for QR codes, was used for the case under another issuance, or for this issuance or
   * license version before the database was set back. An act on a license is sealed once for a case, and its decision
   * document once.
   */
  isCaseSealed: boolean;
  /**
   * The organ's seals, ordered by id, with their grants for the matter only. Their rows are locked: a concurrent
   * suspension waits, and an earlier one is visible.
   */
  seals: Seal[];
  /** The newest key of each seal, by the seal's id. */
  keys: Map<string, Key>;
}

type UseIdentity = Pick<SealUseRequest, 'issuanceId' | 'caseId' | 'organ' | 'matterId' | 'identifier' | 'act'>;

/** Locks and reads what a signature is checked against. Also reads every authority, earlier generations first. */
export async function lockForSeal(
  tx: Transaction,
  request: UseIdentity,
): Promise<UseContext<UseRow, CertificateRow> & { authorities: AuthorityRow[] }> {
  const selectCertificates = (tx: Transaction) =>
    tx
      .selectDistinctOn([sealCertificate.sealId])
      .from(sealCertificate)
      .where(inArray(sealCertificate.sealId, selectSealIds(tx, request.organ)))
      .orderBy(asc(sealCertificate.sealId), desc(sealCertificate.generation));
  const [, [useState], lockedRows, rows, keys, authorities] = await inOrder(tx, [
    ...lockStatements(sealUse, request),
    selectCertificates,
    selectAuthorities,
  ]);
  const [previous = null] = useState?.again
    ? await tx.select().from(sealUse).where(eq(sealUse.issuanceId, request.issuanceId))
    : [];
  const isCaseSealed = useState?.sealed === true;
  return { previous, isCaseSealed, seals: keepLockedSeals(lockedRows, rows), keys: indexBySeal(keys), authorities };
}

/** Locks and reads what a code is checked against. */
export async function lockForCode(tx: Transaction, request: UseIdentity): Promise<UseContext<CodeRow, CodeKeyRow>> {
  const selectCodeKeys = (tx: Transaction) =>
    tx
      .selectDistinctOn([sealCodeKey.sealId])
      .from(sealCodeKey)
      .where(inArray(sealCodeKey.sealId, selectSealIds(tx, request.organ)))
      .orderBy(asc(sealCodeKey.sealId), desc(sealCodeKey.generation));
  const [, [useState], lockedRows, rows, keys] = await inOrder(tx, [
    ...lockStatements(sealCode, request),
    selectCodeKeys,
  ]);
  const [previous = null] = useState?.again
    ? await tx.select().from(sealCode).where(eq(sealCode.issuanceId, request.issuanceId))
    : [];
  return {
    previous,
    isCaseSealed: useState?.sealed === true,
    seals: keepLockedSeals(lockedRows, rows),
    keys: indexBySeal(keys),
  };
}

/**
 * Returns the statements that every use begins with. They first lock the issuance and the case, then the seals. Only
 * then they read the seals.
 */
function lockStatements(
  useTable: typeof sealUse | typeof sealCode,
  { issuanceId, caseId, organ, matterId, identifier, act }: UseIdentity,
) {
  const document = documentOf(act);
  // A case has several notices, each under its own issuance.
  const isOnce = document !== 'NOTICE';
  const isUsedElsewhere = (table: typeof sealUse | typeof sealCode) =>
    sql`(${isOnce} and exists (select from ${table} where ${table.caseId} = ${caseId}
      and ${table.issuanceId} <> ${issuanceId}
      and case when ${table.act} in ('DECISION', 'NOTICE') then ${table.act} else 'LICENSE' end = ${document}))`;
  // A QR code is signed only for a new version, so its identifier is that of one.
  // The identifier of a decision document is the number of its case, digits alone; that of a notice ends with 号.
  const isLost = sql`exists (select from ${lostUse} where
    (${isOnce} and ${lostUse.caseId} = ${caseId} and case when ${lostUse.identifier} ~ '号$' then 'NOTICE'
      when ${lostUse.identifier} ~ '^[0-9]+$' then 'DECISION' else 'LICENSE' end = ${document})
    or ${lostUse.issuanceId} = ${issuanceId} or (${lostUse.identifier} = ${identifier} and ${lostUse.kind} = 'CODE_USE'))`;
  return [
    // Without a case the second call locks nothing: both functions return null for null.
    (tx: Transaction) =>
      tx.execute(sql`select pg_advisory_xact_lock(${LOCK_IDS.issuance}, hashtext(${issuanceId})),
      pg_advisory_xact_lock(${LOCK_IDS.case}, hashtext(${caseId}))`),
    (tx: Transaction) =>
      tx.execute<{ again: boolean; sealed: boolean }>(sql`select
      exists (select from ${useTable} where ${useTable.issuanceId} = ${issuanceId}) as again,
      ${isUsedElsewhere(sealUse)} or ${isUsedElsewhere(sealCode)} or ${isLost} as sealed`),
    (tx: Transaction) => selectSealIds(tx, organ).orderBy(asc(seal.id)).for('share'),
    (tx: Transaction) => selectSeals(tx, organ, matterId),
  ] as const;
}

function selectSealIds(db: Reader, organ: string) {
  return db.select({ id: seal.id }).from(seal).where(eq(seal.organ, organ));
}

/**
 * Builds the statement that selects an organ's seals. It has one row for each grant for the matter that was not
 * withdrawn, or one row without a grant.
 */
function selectSeals(db: Reader, organ: string, matterId: string) {
  const withdrawal = db.select().from(sealGrantWithdrawal).where(eq(sealGrantWithdrawal.grantId, sealGrant.id));
  const isGrant = and(eq(sealGrant.sealId, seal.id), eq(sealGrant.matterId, matterId), notExists(withdrawal));
  const picture = db
    .select({ digest: sealPicture.digest })
    .from(sealPicture)
    .where(eq(sealPicture.sealId, seal.id))
    .orderBy(desc(sealPicture.serial))
    .limit(1);
  return db
    .select({ row: seal, grant: sealGrant, picture: sql<string | null>`${picture}` })
    .from(seal)
    .leftJoin(sealGrant, isGrant)
    .where(eq(seal.organ, organ))
    .orderBy(asc(seal.id));
}

type SealGrantRow = Awaited<ReturnType<typeof selectSeals>>[number];

function toSeals(rows: readonly SealGrantRow[]): Seal[] {
  const rowsBySeal = Map.groupBy(rows, ({ row }) => row.id).values();
  return [...rowsBySeal].flatMap((sealRows) =>
    sealRows.slice(0, 1).map(({ row: { suite: _, ...row } }) => ({
      ...row,
      grants: sealRows.flatMap(({ grant }) => (grant ? [toGrant(grant)] : [])),
    })),
  );
}

/** Leaves out seals that were made after the others were locked. */
function keepLockedSeals(lockedRows: readonly { id: string }[], rows: readonly SealGrantRow[]): Seal[] {
  const ids = new Set(lockedRows.map((lockedSeal) => lockedSeal.id));
  return toSeals(rows.filter(({ row }) => ids.has(row.id)));
}

function indexBySeal<Key extends { sealId: string }>(keys: readonly Key[]): Map<string, Key> {
  return new Map(keys.map((key) => [key.sealId, key]));
}

/**
 * Returns an organ's seals, ordered by id, with their grants for a matter only. Also returns the digests of the
 * office's own pictures, by seal id.
 */
export async function listSealsFor(
  db: Reader,
  { organ, matterId }: Pick<UseIdentity, 'organ' | 'matterId'>,
): Promise<{ seals: Seal[]; pictures: Map<string, string> }> {
  const rows = await selectSeals(db, organ, matterId);
  const pictures = rows.flatMap(({ row, picture }) => (picture === null ? [] : [[row.id, picture] as const]));
  return { seals: toSeals(rows), pictures: new Map(pictures) };
}

export async function insertUse(tx: Transaction, row: Omit<UseRow, 'serial'>): Promise<void> {
  await insertLeavesWith(tx, tx.insert(sealUse).values(row), [buildUseLeaf(row)]);
}

export async function insertCode(tx: Transaction, row: Omit<CodeRow, 'serial'>): Promise<void> {
  await insertLeavesWith(tx, tx.insert(sealCode).values(row), [buildCodeLeaf(row)]);
}

/** Returns the use under each issuance, in their order. Null if there is none. */
export async function findUses(db: Reader, issuanceIds: readonly string[]): Promise<(UseRow | null)[]> {
  const ids = issuanceIds.filter((id) => UUID_PATTERN.test(id));
  const rows = ids.length === 0 ? [] : await db.select().from(sealUse).where(inArray(sealUse.issuanceId, ids));
  const byId = new Map(rows.map((row) => [row.issuanceId, row]));
  return issuanceIds.map((id) => byId.get(id) ?? null);
}

/** Filter of uses. Null selects all. */
export interface UseFilter {
  organs: ReadScope;
  seal: string | null;
  license: string | null;
  person: string | null;
  matter: string | null;
  /** From this time on, and before this time. */
  from: Date | null;
  to: Date | null;
}

/** The order of `sealUses`. */
export const USE_ORDER = bySerial('sealUses', sealUse.serial, 'DESC');

/** Returns a page of uses, newest first. */
export function listUses(db: Reader, filter: UseFilter, page: KeysetRequest): Promise<Page<UseRow>> {
  const { organs, seal: sealId, license, person, matter, from, to } = filter;
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(sealUse)
      .where(
        and(
          isInScope(sealUse.organ, organs),
          sealId === null ? undefined : eq(sealUse.sealId, sealId),
          license === null ? undefined : eq(sealUse.identifier, license),
          person === null ? undefined : eq(sealUse.authorisedById, person),
          matter === null ? undefined : eq(sealUse.matterId, matter),
          from === null ? undefined : gte(sealUse.at, from),
          to === null ? undefined : lt(sealUse.at, to),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}
