import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { LicenseAction } from '../../kernel/license-acts.ts';
import type { Position } from '../case.ts';
import { findLicenses } from '../fact/store.ts';
import { maySee } from '../policy.ts';
import { isKnownAsRunning, isNewestWord, isRenewalStream } from '../renewal/store.ts';
import { caseFile, outboxEvent, outboxStream } from '../tables.ts';
import type { RunningCase, StandingLicense } from './standing.ts';

/** The positions of a case that is accepted and not settled. */
const RUNNING_POSITIONS = ['ACCEPTED', 'EXAMINED', 'FORWARDED', 'DECIDED'] as const satisfies readonly Position[];

/**
 * Holds the standing of a license until the transaction ends, so that cases on it are accepted and granted one after
 * another. Must be called after the lock on the case.
 */
export async function holdStanding(tx: Transaction, number: string | null): Promise<void> {
  if (number === null) return;
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`cases on license ${number}`}, 0))`);
}

/** Returns licenses by number, with the cases that run on each. Only those that `reader` may see have numbers. */
export async function findStandings(
  db: Reader,
  numbers: readonly string[],
  reader: Person | null,
): Promise<Map<string, StandingLicense>> {
  const licenses = await findLicenses(db, numbers);
  if (licenses.size === 0) return new Map();
  const { id, licenseNumber, number, step, applicantCode, parties, window } = caseFile;
  const act = sql<LicenseAction>`coalesce(${caseFile.act}, ${caseFile.delegation}->>'licenseAction', 'ISSUE')`;
  const rows = await db
    .select({ id, licenseNumber, number, step, applicantCode, parties, window, act, holdsEnd: isKnownAsRunning })
    .from(caseFile)
    .leftJoin(outboxStream, isRenewalStream)
    .leftJoin(outboxEvent, isNewestWord)
    .where(
      and(
        inArray(licenseNumber, [...licenses.keys()]),
        eq(caseFile.closed, false),
        inArray(step, [...RUNNING_POSITIONS]),
        sql`${caseFile.delegation}->'outcome'->>'kind' <> 'DECISION'`,
      ),
    )
    .orderBy(asc(caseFile.serial));
  const running = Map.groupBy(rows, (row) => row.licenseNumber);
  return new Map(
    [...licenses].map(([key, license]): [string, StandingLicense] => {
      const cases = (running.get(key) ?? []).map(
        (row): RunningCase => ({
          ...{ id: row.id, act: row.act, isGranted: row.step === 'DECIDED', holdsEnd: row.holdsEnd },
          number: reader !== null && maySee(reader, row) ? row.number : null,
        }),
      );
      return [key, { ...license, running: cases }];
    }),
  );
}

/** Returns the license that a case names, with the other cases that run on it, or null. */
export async function findStanding(
  db: Reader,
  { id, licenseNumber }: { id: string | null; licenseNumber: string | null },
  reader: Person | null = null,
): Promise<StandingLicense | null> {
  if (licenseNumber === null) return null;
  const license = (await findStandings(db, [licenseNumber], reader)).get(licenseNumber) ?? null;
  return license && { ...license, running: license.running.filter((other) => other.id !== id) };
}
