import { and, eq, gte, inArray, isNull, lte, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { UUID_PATTERN } from '../../kernel/identifier.ts';
import { bySerial, type Keyset, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
import { isInScope } from '../../kernel/organ/place-store.ts';
import type { ReadScope } from '../../kernel/policy.ts';
import { matterFact } from '../fact/tables.ts';
import { proposal, proposalOutcome } from '../proposal/tables.ts';
import type { DutyException } from './exception.ts';
import { dutyException, dutyExceptionEnd } from './tables.ts';

export type ExceptionRow = typeof dutyException.$inferSelect;
type EndRow = typeof dutyExceptionEnd.$inferSelect;

/** An exception with the persons who proposed and approved it, and its early end or null. */
export interface StoredException {
  row: ExceptionRow;
  proposedBy: string;
  approvedBy: string;
  ended: EndRow | null;
}

const isEndOf = eq(dutyExceptionEnd.exceptionId, dutyException.id);

/** Locks the exceptions of an organ until the transaction ends, so that no two overlap. */
export async function lockExceptions(tx: Transaction, organ: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`exceptions of ${organ}`}, 0))`);
}

export async function insertException(tx: Transaction, row: Omit<ExceptionRow, 'serial'>): Promise<void> {
  await tx.insert(dutyException).values(row);
}

export async function insertEnd(tx: Transaction, row: EndRow): Promise<void> {
  await tx.insert(dutyExceptionEnd).values(row);
}

async function selectExceptions(db: Reader, { condition, orderBy, limit }: Keyset): Promise<StoredException[]> {
  return db
    .select({
      ...{ row: dutyException, ended: dutyExceptionEnd },
      ...{ proposedBy: proposal.proposedBy, approvedBy: proposalOutcome.actor },
    })
    .from(dutyException)
    .innerJoin(proposal, eq(proposal.id, dutyException.id))
    .innerJoin(proposalOutcome, eq(proposalOutcome.proposalId, dutyException.id))
    .leftJoin(dutyExceptionEnd, isEndOf)
    .where(condition)
    .orderBy(...orderBy)
    .limit(limit);
}

export async function findException(db: Reader, id: string): Promise<StoredException | null> {
  if (!UUID_PATTERN.test(id)) return null;
  return (await selectExceptions(db, { condition: eq(dutyException.id, id), orderBy: [], limit: 1 }))[0] ?? null;
}

/** The order of `dutyExceptions`. */
export const EXCEPTION_ORDER = bySerial(
  'dutyExceptions',
  dutyException.serial,
  'DESC',
  ({ row }: StoredException) => row.serial,
);

/** Returns a page of exceptions, newest first. */
export function listExceptions(db: Reader, scope: ReadScope, page: KeysetRequest): Promise<Page<StoredException>> {
  const ofOrgan = isInScope(dutyException.organ, scope);
  return selectPage(page, (keyset) => selectExceptions(db, { ...keyset, condition: and(ofOrgan, keyset.condition) }));
}

const toException = ({ id, organ, kind, personId, personOrgan, validFrom, validTo }: ExceptionRow): DutyException => ({
  ...{ id, organ, kind, person: personId, personOrgan, validFrom, validTo },
});

/** Returns the exceptions of these organs that are in force on some day of [from, to] and were not ended. */
export async function listInForce(
  db: Reader,
  organs: readonly (string | null)[],
  { from, to }: { from: Day; to: Day },
): Promise<DutyException[]> {
  const ids = [...new Set(organs.filter((organ) => organ !== null))];
  if (ids.length === 0) return [];
  const rows = await db
    .select({ row: dutyException })
    .from(dutyException)
    .leftJoin(dutyExceptionEnd, isEndOf)
    .where(
      and(
        inArray(dutyException.organ, ids),
        isNull(dutyExceptionEnd.exceptionId),
        lte(dutyException.validFrom, to),
        gte(dutyException.validTo, from),
      ),
    );
  return rows.map(({ row }) => toException(row));
}

/**
 * Returns the superior organs (上级机关) of an organ on a day: the city organs that hand matters down to it, or are the
 * industry organs of these matters. A city organ has none in the hub.
 */
export async function listSuperiors(db: Reader, organ: string, day: Day): Promise<string[]> {
  const rows = await db
    .selectDistinct({
      city: sql<string>`piece->>'cityOrgan'`,
      industry: sql<string | null>`piece->'industry'->>'city'`,
    })
    .from(sql`${matterFact} cross join lateral jsonb_array_elements(${matterFact.fact}->'delegations') as piece`)
    .where(
      sql`piece->>'countyOrgan' = ${organ} and coalesce(piece->>'validFrom', '') <= ${day}
        and coalesce(piece->>'validTo', '9999') >= ${day}`,
    );
  return [...new Set(rows.flatMap(({ city, industry }) => [city, industry]).filter((id) => id !== null))].sort();
}

/** The organs whose cases a person handles by an exception in force on a day, as an SQL array. */
export function organsOfSecondPerson({ id, organ }: Pick<Person, 'id' | 'organ'>, day: Day): SQL {
  return sql`array(select ${dutyException.organ} from ${dutyException}
    left join ${dutyExceptionEnd} on ${isEndOf}
    where ${dutyException.personId} = ${id} and ${dutyException.personOrgan} = ${organ}
      and ${dutyExceptionEnd.exceptionId} is null
      and ${dutyException.validFrom} <= ${day} and ${dutyException.validTo} >= ${day})`;
}
