import type postgres from 'postgres';
import { Fault } from '../protocol.ts';
import type { Claims } from './form.ts';

/** Renewals that hold off the last day of a license (视为准予延续), as the register stated them. */

/** A hold that no release has ended: the number of the renewal's case, and the last day that it holds off. */
export interface Hold {
  case: string;
  until: string;
}

/** SQL condition on a statement `h`: it is a hold that no release has ended. */
const isOpen = (sql: postgres.ISql) => sql`h.act = 'HOLD' and not exists (select from statement r
  where r.number = h.number and r.act = 'RELEASE' and r.revision > h.revision and r.record->>'case' = h.record->>'case')`;

/** Lists the holds of a license, that of the latest last day first. */
export async function listHolds(sql: postgres.ISql, number: string): Promise<Hold[]> {
  const rows = await sql<{ ofCase: string; until: string }[]>`
    select h.record->>'case' as of_case, h.record->>'until' as until from statement h
    where h.number = ${number} and ${isOpen(sql)} order by until desc`;
  return rows.map(({ ofCase, until }) => ({ case: ofCase, until }));
}

/** SQL: the last day that a renewal holds off (`until`), by license number. */
export const selectHeldDays = (sql: postgres.ISql) =>
  sql`select h.number, max(h.record->>'until') as until from statement h where ${isOpen(sql)} group by h.number`;

/** Throws Fault RECORD_MISMATCH unless the version ends by the day of the hold, and its case holds nothing yet. */
export function requireHeldEnd(claims: Claims & { act: 'HOLD' }, lastDay: string | null, holds: readonly Hold[]): void {
  if (lastDay === null || lastDay > claims.until) throw new Fault('RECORD_MISMATCH', 'until');
  if (holds.some((hold) => hold.case === claims.case)) throw new Fault('RECORD_MISMATCH', 'case');
}

/** Throws Fault RECORD_MISMATCH unless the case holds off exactly this day. */
export function requireOpenHold(claims: Claims & { act: 'RELEASE' }, holds: readonly Hold[]): void {
  const isOpen = holds.some((hold) => hold.case === claims.case && hold.until === claims.until);
  if (!isOpen) throw new Fault('RECORD_MISMATCH', 'case、until');
}
