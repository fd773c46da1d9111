import { and, eq, inArray } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import type { EventPayload, GrantContent } from '../../kernel/events/events.ts';
import type { Case } from '../case.ts';
import { grantStream } from '../decision/store.ts';
import { findLicenseTypes } from '../fact/store.ts';
import { messages } from '../store.ts';
import { caseFile } from '../tables.ts';
import { typeOfCase } from './check.ts';
import type { TypeOfCase } from './labels.ts';

/** Returns the license type of a case, and the version that it keeps, or nulls: see `typeOfCase`. */
export async function findTypeOfCase(
  db: Reader,
  { delegation, steps }: Pick<Case, 'delegation' | 'steps'>,
  today: Day,
): Promise<TypeOfCase> {
  const code = delegation.outcome.licenseType;
  if (code === null) return { published: null, type: null };
  const published = (await findLicenseTypes(db, [code])).get(code) ?? null;
  return { published, type: typeOfCase(published, steps, today) };
}

/** Returns which of these cases are recorded. That of a rehearsal is not. */
export async function findStoredIds(db: Reader, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db
    .select({ id: caseFile.id })
    .from(caseFile)
    .where(inArray(caseFile.id, [...ids]));
  return new Set(rows.map(({ id }) => id));
}

/** Returns what each of these cases granted, by case: the content of a license, as the event of its grant says it. */
export async function findGrants(db: Reader, ids: readonly string[]): Promise<Map<string, GrantContent>> {
  const { outboxEvent } = messages;
  const isGrant = and(inArray(outboxEvent.stream, ids.map(grantStream)), eq(outboxEvent.type, 'CaseGranted'));
  const rows = await db.select({ payload: outboxEvent.payload }).from(outboxEvent).where(isGrant);
  return new Map(
    rows.map(({ payload }) => {
      const { caseId, content } = payload as EventPayload<'CaseGranted'>;
      return [caseId, content];
    }),
  );
}
