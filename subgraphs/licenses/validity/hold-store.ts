import { and, eq, exists, inArray, lte, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { IN_FORCE } from '../../kernel/license-acts.ts';
import type { HoldStatement, ReleaseStatement } from '../../kernel/sealing/attest.ts';
import type { ActRow } from '../act/act-store.ts';
import { license, licenseVersion, renewal } from '../tables.ts';
import type { Renewal } from './renewal.ts';

/** Of which renewals the register has stated that they hold off the last day of a license. */

/** A renewal of which something is to be stated. */
export interface DueHold {
  caseId: string;
  number: string;
}

const { caseId, number, until, isRunning, isHeld } = renewal;

/** Lists running renewals whose end is on `horizon` or before, and which hold it off without a statement of it. */
export function listUnstatedHolds(db: Reader, horizon: Day, limit: number): Promise<DueHold[]> {
  const isHeadInForce = and(
    eq(licenseVersion.identifier, license.headIdentifier),
    inArray(licenseVersion.state, [...IN_FORCE]),
    sql`${licenseVersion.validUntil} is null and ${licenseVersion.record}->>'ZZYXQJZRQ' <= ${until}::text`,
  );
  return db
    .select({ caseId, number })
    .from(renewal)
    .innerJoin(license, eq(license.number, number))
    .innerJoin(licenseVersion, isHeadInForce)
    .where(and(isRunning, lte(until, horizon), eq(isHeld, false)))
    .limit(limit);
}

/** Lists renewals that are settled, and of which the register's newest word is that they hold off the end. */
export function listUnstatedReleases(db: Reader, limit: number): Promise<DueHold[]> {
  return db
    .select({ caseId, number })
    .from(renewal)
    .where(and(isHeld, eq(isRunning, false)))
    .limit(limit);
}

/** Returns a renewal. The caller must hold the lock on its license. */
export async function findRenewal(tx: Transaction, id: string): Promise<Renewal | null> {
  const [row] = await tx.select().from(renewal).where(eq(caseId, id));
  return row ?? null;
}

/** Whether a case has made a version. */
export async function hasVersion(tx: Transaction, id: string): Promise<boolean> {
  const rows = await tx
    .select({ version: licenseVersion.version })
    .from(licenseVersion)
    .where(eq(licenseVersion.caseId, id));
  return rows.length > 0;
}

/** Enters that the register has stated that a renewal holds off the last day, or does so no longer. */
export async function enterHold(tx: Transaction, { act, number: ofLicense, record }: ActRow): Promise<void> {
  const { case: ofCase } = record as HoldStatement | ReleaseStatement;
  await tx
    .update(renewal)
    .set({ isHeld: act === 'HOLD' })
    .where(and(eq(number, ofLicense), eq(renewal.caseNumber, ofCase)));
}

/** SQL condition: the register's newest word of a license is that a renewal holds off its last day. */
export function isStatedAsHeld(db: Reader, ofNumber: typeof licenseVersion.number): SQL {
  return exists(
    db
      .select({ one: sql`1` })
      .from(renewal)
      .where(and(eq(number, ofNumber), isHeld)),
  );
}
