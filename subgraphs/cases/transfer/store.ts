import { and, eq, gt, inArray, isNull, or, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Mode } from '../../kernel/events/events.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { caseFile, matterFact } from '../tables.ts';

/**
 * Returns undecided cases that may have to follow `period` of their matter.
 * These are cases with other organs, and cases not accepted yet with another mode.
 */
export async function listCasesToMove(
  db: Reader,
  period: { mode: Mode; cityOrgan: string; countyOrgan: string },
  matterId: string,
  { after, limit }: { after: number; limit: number },
): Promise<{ id: string; serial: number }[]> {
  const { delegation } = caseFile;
  return db
    .select({ id: caseFile.id, serial: caseFile.serial })
    .from(caseFile)
    .where(
      and(
        eq(caseFile.matterId, matterId),
        gt(caseFile.serial, after),
        inArray(caseFile.step, ['RECEIVED', 'SUPPLEMENT_ASKED', 'ACCEPTED', 'EXAMINED', 'FORWARDED']),
        or(
          sql`(${delegation}->>'cityOrgan', ${delegation}->>'countyOrgan') <> (${period.cityOrgan}, ${period.countyOrgan})`,
          and(isNull(caseFile.acceptedBy), sql`${delegation}->>'mode' <> ${period.mode}`),
        ),
      ),
    )
    .orderBy(caseFile.serial)
    .limit(limit);
}

/** Returns the matters with more than one delegation period. Only these can be transferred. */
export async function listMovableMatters(db: Reader): Promise<MatterFact[]> {
  const rows = await db
    .select({ fact: matterFact.fact })
    .from(matterFact)
    .where(sql`jsonb_array_length(${matterFact.fact}->'delegations') > 1`);
  return rows.map((row) => row.fact);
}
