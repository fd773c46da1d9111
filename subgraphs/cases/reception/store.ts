import { and, eq, gt, inArray, or, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import type { Day } from '../../kernel/day.ts';
import { partiesOf } from '../../kernel/period/delegation.ts';
import { caseRestOf, putCaseRest } from '../attention/store.ts';
import { holdCalendar } from '../calendar/store.ts';
import { type CaseFile, foldCase, type StepRecord } from '../case.ts';
import { reading } from '../reading/tables.ts';
import { putFigure, putLastDays } from '../statistics/store.ts';
import { columnsOf, type StoredCase, toStoredCases } from '../store.ts';
import { caseFile, caseNumber, caseStep } from '../tables.ts';

/** Takes the next case number of a division and day: division, date, and five digits. */
export async function takeCaseNumber(tx: Transaction, divisionCode: string, day: Day): Promise<string> {
  const [counter] = await tx
    .insert(caseNumber)
    .values({ divisionCode, day, newest: 1 })
    .onConflictDoUpdate({
      target: [caseNumber.divisionCode, caseNumber.day],
      set: { newest: sql`${caseNumber.newest} + 1` },
    })
    .returning({ newest: caseNumber.newest });
  if (!counter) throw new Error('no case number taken');
  return `${divisionCode}${day.replaceAll('-', '')}${String(counter.newest).padStart(5, '0')}`;
}

/**
 * Returns how many applications of an applicant wait for acceptance, with those withdrawn since `since`. Applications
 * of one applicant wait for each other until the transaction ends, so that two cannot both take the last place.
 */
export async function lockOpenApplications(tx: Transaction, applicantCode: string, since: Date): Promise<number> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`case_file applicant ${applicantCode}`}, 0))`);
  const isWithdrawn = and(eq(caseFile.step, 'WITHDRAWN'), gt(caseFile.restsSince, since));
  return tx.$count(
    caseFile,
    and(
      eq(caseFile.applicantCode, applicantCode),
      or(inArray(caseFile.step, ['RECEIVED', 'SUPPLEMENT_ASKED']), isWithdrawn),
    ),
  );
}

/**
 * Returns the licenses of other holders that a person named since `since`. The checks of one person wait for each other
 * until the transaction ends, so that concurrent ones count too.
 */
export async function lockHolderChecks(tx: Transaction, personId: string, since: Date) {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`holder checks of ${personId}`}, 0))`);
  return tx
    .select({ object: reading.object, subject: reading.subject })
    .from(reading)
    .where(
      and(
        eq(reading.readerId, personId),
        inArray(reading.object, ['HOLDER_CHECK', 'LICENSE_NAMED']),
        gt(reading.at, since),
      ),
    );
}

export interface NewCase {
  file: CaseFile;
  divisionCode: string;
  request: { by: string; key: string | null; digest: string };
}

/** Writes a received case with its first step. Returns null if the same person has used the request key before. */
export async function insertCase(tx: Transaction, newCase: NewCase, first: StepRecord): Promise<StoredCase | null> {
  const { file, divisionCode, request } = newCase;
  const subject = foldCase(file, [first]);
  const rows = await tx
    .insert(caseFile)
    .values({
      ...columnsOf(subject),
      id: file.id,
      number: file.number,
      applicantName: file.applicant.name,
      applicantCodeKind: file.applicant.codeKind,
      applicantCode: file.applicant.code,
      divisionCode,
      parties: partiesOf(file.delegation),
      window: file.delegation.accepts.window ? divisionCode : null,
      restsSince: first.at,
      requestedBy: request.by,
      requestKey: request.key,
      requestDigest: request.digest,
    })
    .onConflictDoNothing({ target: [caseFile.requestedBy, caseFile.requestKey] })
    .returning();
  if (rows.length === 0) return null;
  const [calendar] = await inOrder(tx, [
    holdCalendar,
    (tx) => tx.insert(caseStep).values({ caseId: file.id, seq: 1, ...first }),
  ]);
  const rest = caseRestOf(subject, calendar);
  await inOrder(tx, [
    (tx) => putFigure(tx, subject, calendar),
    (tx) => putLastDays(tx, [subject.id]),
    (tx) => putCaseRest(tx, rest),
  ]);
  return (await toStoredCases(tx, rows))[0] ?? null;
}

/**
 * Returns the case that a person's request with this key made, and the digest of that request. Null if there is none.
 */
export async function findRequest(
  db: Reader,
  personId: string,
  key: string,
): Promise<{ stored: StoredCase; digest: string } | null> {
  const rows = await db
    .select()
    .from(caseFile)
    .where(and(eq(caseFile.requestedBy, personId), eq(caseFile.requestKey, key)));
  const [stored] = await toStoredCases(db, rows);
  return stored && rows[0] ? { stored, digest: rows[0].requestDigest } : null;
}
