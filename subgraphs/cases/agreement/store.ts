import { and, arrayOverlaps, eq, inArray, isNotNull, lte, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { bySerial, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { matterFact } from '../tables.ts';
import type { Agreement } from './agreement.ts';
import { agreement } from './tables.ts';

export type StoredAgreement = typeof agreement.$inferSelect;

/** Returns the agreement with this number, locked until the transaction ends, or null if there is none. */
export async function lockAgreement(tx: Transaction, number: string): Promise<StoredAgreement | null> {
  const [row] = await tx.select().from(agreement).where(eq(agreement.number, number)).for('update');
  return row ?? null;
}

/** Returns the agreement with this number, or null if there is none. */
export async function findAgreement(db: Reader, number: string): Promise<StoredAgreement | null> {
  const [row] = await db.select().from(agreement).where(eq(agreement.number, number));
  return row ?? null;
}

/** Writes an agreement. Returns null if its number is taken. */
export async function insertAgreement(
  tx: Transaction,
  newAgreement: Agreement & { recordedBy: string; recordedAt: Date },
): Promise<StoredAgreement | null> {
  const values = { ...newAgreement, matters: [...newAgreement.matters] };
  const [insertedRow] = await tx.insert(agreement).values(values).onConflictDoNothing().returning();
  return insertedRow ?? null;
}

export async function endAgreement(
  tx: Transaction,
  number: string,
  set: { validTo: Day | null; endedBy: string; endReason: string },
): Promise<StoredAgreement> {
  const [row] = await tx.update(agreement).set(set).where(eq(agreement.number, number)).returning();
  if (!row) throw new Error(`no agreement ${number}`);
  return row;
}

const isInForceOn = (day: Day): SQL | undefined =>
  and(lte(agreement.validFrom, day), sql`(${agreement.validTo} is null or ${agreement.validTo} >= ${day})`);

/** Returns the agreements in force on `day` that name one of these matters. */
export function listAgreementsInForce(db: Reader, matterIds: readonly string[], day: Day): Promise<StoredAgreement[]> {
  return db
    .select()
    .from(agreement)
    .where(and(arrayOverlaps(agreement.matters, [...matterIds]), isInForceOn(day)));
}

export interface AgreementFilter {
  organ: string | null;
  inForceOn: Day | null;
  /** Only agreements whose last day is on or before this day, and on or after `inForceOn`. */
  endsBy: Day | null;
}

/** The order of `agreements`. */
export const AGREEMENT_ORDER = bySerial('agreements', agreement.serial, 'ASC');

export function listAgreements(
  db: Reader,
  filter: AgreementFilter,
  page: KeysetRequest,
): Promise<Page<StoredAgreement>> {
  const { organ, inForceOn, endsBy } = filter;
  return selectPage(page, (keyset) =>
    db
      .select()
      .from(agreement)
      .where(
        and(
          organ === null ? undefined : sql`${organ} in (${agreement.cityOrgan}, ${agreement.countyOrgan})`,
          inForceOn === null ? undefined : isInForceOn(inForceOn),
          endsBy === null ? undefined : and(isNotNull(agreement.validTo), lte(agreement.validTo, endsBy)),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/** Returns the facts of those of these matters that are known, each once. */
export async function findMatterFacts(db: Reader, ids: readonly string[]): Promise<MatterFact[]> {
  const rows = await db
    .select({ fact: matterFact.fact })
    .from(matterFact)
    .where(inArray(matterFact.matterId, [...ids]));
  return rows.map(({ fact }) => fact);
}
