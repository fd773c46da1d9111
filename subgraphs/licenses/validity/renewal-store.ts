import { and, asc, desc, eq, inArray, notInArray, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { type Act, beginsPeriod, IN_FORCE, VERSION_ACTS } from '../../kernel/license-acts.ts';
import { periodOf, type ValidityPeriod } from '../../kernel/period/validity.ts';
import type { LicenseRecord } from '../act/record.ts';
import { lockHead } from '../store.ts';
import { licenseEntry, licenseVersion, renewal } from '../tables.ts';
import { type DeemedPeriod, holdsLastDay, listDeemedPeriods, type Renewal } from './renewal.ts';

/**
 * Enters that a renewal runs, is granted or is settled. While one that was asked for in time runs, the license has no
 * last day. Undecided at the end, it counts as granted (视为准予延续, 行政许可法第五十条). A refusal gives the last day back.
 */
export async function putRenewal(tx: Transaction, event: EventPayload<'RenewalChanged'>): Promise<void> {
  const { caseId, caseNumber, acceptedOn, number, isRunning, isGranted, changedAt } = event;
  const stored = await lockHead(tx, number);
  if (!stored) throw new Error(`no license ${number}`);
  const { identifier, record } = stored.version;
  const period = periodOf(record);
  const set = { number, isRunning, isGranted, settledAt: isRunning ? null : new Date(changedAt) };
  await tx
    .insert(renewal)
    .values({ caseId, caseNumber, acceptedOn, ...set, until: period.validUntil })
    .onConflictDoUpdate({ target: renewal.caseId, set });
  const validUntil = await findLastDay(tx, number, period);
  await tx.update(licenseVersion).set({ validUntil }).where(eq(licenseVersion.identifier, identifier));
}

/**
 * Returns the last day of a license with a period, as the hub judges it: null while a renewal holds it off. The rule
 * for `license_version.valid_until` of the newest version, whatever made it. The caller must hold the license's lock.
 */
export async function findLastDay(tx: Transaction, number: string, period: ValidityPeriod): Promise<Day | null> {
  const renewals = (await listRenewals(tx, [number])).get(number) ?? [];
  return renewals.some((one) => holdsLastDay(one, period)) ? null : period.validUntil;
}

/** Returns the renewals of which cases told, of each license that has any, by number. */
export async function listRenewals(db: Reader, numbers: readonly string[]): Promise<Map<string, Renewal[]>> {
  const rows = await db
    .select()
    .from(renewal)
    .where(inArray(renewal.number, [...numbers]));
  return Map.groupBy(rows, (row) => row.number);
}

/** Lists when a license counted as renewed (视为准予延续), oldest first, by its renewals, versions and ledger. */
export async function listDeemed(
  db: Reader,
  number: string,
  renewals: readonly Renewal[],
  today: Day,
): Promise<DeemedPeriod[]> {
  if (renewals.length === 0) return [];
  const cases = renewals.map(({ caseId }) => caseId);
  const versions = await db
    .select({ caseId: licenseVersion.caseId, record: licenseVersion.record })
    .from(licenseVersion)
    .where(and(eq(licenseVersion.number, number), inArray(licenseVersion.caseId, cases)));
  const [end] = await db
    .select({ at: licenseEntry.at })
    .from(licenseEntry)
    .where(and(eq(licenseEntry.number, number), notInArray(licenseEntry.stateAfter, [...IN_FORCE, 'SUPERSEDED'])))
    .orderBy(asc(licenseEntry.seq))
    .limit(1);
  const starts = new Map(versions.map(({ caseId, record }) => [caseId, periodOf(record).validFrom]));
  const ends = { startOf: (caseId: string) => starts.get(caseId) ?? null, endedAt: end?.at ?? null };
  return listDeemedPeriods(renewals, ends, today);
}

/** Acts that begin a period of validity. */
const PERIOD_ACTS = VERSION_ACTS.filter(beginsPeriod);

/**
 * Returns the first day of the term that was granted last: that of the newest version whose act begins a period. A
 * version that joins two periods does not tell it.
 */
export async function findTermStart(tx: Transaction, ofLicense: string, latest: LicenseRecord): Promise<Day | null> {
  if (beginsPeriod(latest.KZ_CZ as Act)) return latest.ZZYXQQSRQ;
  const { number, version, record } = licenseVersion;
  const [row] = await tx
    .select({ from: sql<Day>`${record}->>'ZZYXQQSRQ'` })
    .from(licenseVersion)
    .where(and(eq(number, ofLicense), inArray(sql`${record}->>'KZ_CZ'`, PERIOD_ACTS)))
    .orderBy(desc(version))
    .limit(1);
  return row?.from ?? null;
}
