import { and, eq, inArray } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { periodOf } from '../../kernel/period/validity.ts';
import { lockHead } from '../store.ts';
import { licenseVersion, renewal } from '../tables.ts';

/**
 * Enters that a renewal runs or is settled. While one that was asked for in time runs, the license has no last day.
 * Undecided at the end, it counts as granted (视为准予延续, 行政许可法第五十条). A refusal gives the last day back.
 */
export async function putRenewal(tx: Transaction, event: EventPayload<'RenewalChanged'>): Promise<void> {
  const { caseId, number, isRunning } = event;
  const stored = await lockHead(tx, number);
  if (!stored) throw new Error(`no license ${number}`);
  const row = { caseId, number, isRunning };
  await tx.insert(renewal).values(row).onConflictDoUpdate({ target: renewal.caseId, set: row });
  const [running] = await tx
    .select({ caseId: renewal.caseId })
    .from(renewal)
    .where(and(eq(renewal.number, number), eq(renewal.isRunning, true)))
    .limit(1);
  const { identifier, record } = stored.version;
  const columns = { validUntil: running ? null : periodOf(record).validUntil };
  await tx.update(licenseVersion).set(columns).where(eq(licenseVersion.identifier, identifier));
}

/** Returns the case of a running renewal for each of the licenses that has one, by number. */
export async function findRunningRenewals(db: Reader, numbers: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ number: renewal.number, caseId: renewal.caseId })
    .from(renewal)
    .where(and(inArray(renewal.number, [...numbers]), eq(renewal.isRunning, true)));
  return new Map(rows.map(({ number, caseId }) => [number, caseId]));
}
