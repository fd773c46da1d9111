import { and, desc, eq, inArray, notInArray, or, type SQL, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { hasRole, type Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { bySerial, type ColumnOrder, type KeysetRequest, selectCountedPage } from '../../kernel/list/keyset-store.ts';
import { type CountedPage, dayPart, instantPart, numberPart, serialPart } from '../../kernel/list/page.ts';
import { isReadBy } from '../../kernel/organ/place-store.ts';
import type { Position } from '../case.ts';
import { organsOfSecondPerson } from '../exception/store.ts';
import { type StoredCase, toStoredCases } from '../store.ts';
import { caseFile } from '../tables.ts';
import { buildQueryCondition, type CaseQuery, worthOf } from './finding-store.ts';

export interface CaseFilter {
  /** Any of these positions. Null means all. */
  steps: readonly Position[] | null;
  matter: string | null;
  closed: boolean | null;
  /** The complete number. */
  number: string | null;
  query: CaseQuery | null;
}

/** Returns the condition for the cases that a person may see. It is the same rule as `maySee`, for lists. */
function visibleTo(actor: Person, today: Day): SQL | undefined {
  if (hasRole(actor, 'AUDITOR')) return undefined;
  return or(
    actor.holderCode === null ? undefined : eq(caseFile.applicantCode, actor.holderCode),
    isReadBy(caseFile.parties, actor),
    actor.window === null ? undefined : eq(caseFile.window, actor.window),
    sql`${caseFile.parties} && ${organsOfSecondPerson(actor, today)}`,
  );
}

/** The order by the last day of running cases. Those without one, and closed ones, are later than every day. */
const byLastDay = (direction: 'ASC' | 'DESC'): ColumnOrder<StoredCase> => ({
  name: `cases LAST_DAY_${direction}`,
  direction,
  keys: [
    { column: caseFile.lastDay, part: dayPart, readValue: ({ lastDay }) => lastDay },
    { column: caseFile.serial, part: serialPart, readValue: ({ serial }) => serial },
  ],
});

/** The orders of `cases`. The serial number is that of receipt. */
export const CASE_ORDERS = {
  RECEIVED_DESC: bySerial<StoredCase>('cases RECEIVED_DESC', caseFile.serial, 'DESC'),
  RECEIVED_ASC: bySerial<StoredCase>('cases RECEIVED_ASC', caseFile.serial, 'ASC'),
  LAST_DAY_ASC: byLastDay('ASC'),
  LAST_DAY_DESC: byLastDay('DESC'),
} as const satisfies Record<string, ColumnOrder<StoredCase>>;

/** The order of `queue`. */
export const QUEUE_ORDER: ColumnOrder<StoredCase> = {
  name: 'queue',
  direction: 'ASC',
  keys: [
    { column: caseFile.restsSince, part: instantPart, readValue: ({ restsSince }) => restsSince },
    { column: caseFile.serial, part: serialPart, readValue: ({ serial }) => serial },
  ],
};

/** Returns a page of the cases that a person may see. */
export async function listCases(
  db: Reader,
  { actor, today }: { actor: Person; today: Day },
  filter: CaseFilter,
  page: KeysetRequest,
): Promise<CountedPage<StoredCase>> {
  const { query } = filter;
  const isFound = query === null ? undefined : await buildQueryCondition(db, { actor, today }, query);
  const casePage = await selectCountedPage(db, page, (keyset) =>
    db
      .select()
      .from(caseFile)
      .where(
        and(
          visibleTo(actor, today),
          isFound,
          filter.number === null ? undefined : eq(caseFile.number, filter.number),
          filter.steps === null ? undefined : inArray(caseFile.step, [...filter.steps]),
          filter.matter === null ? undefined : eq(caseFile.matterId, filter.matter),
          filter.closed === null ? undefined : eq(caseFile.closed, filter.closed),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
  return { ...casePage, rows: await toStoredCases(db, casePage.rows) };
}

/** Most cases that a search by a code answers. */
const MAX_FOUND_CASES = 100;

/** Returns the newest cases of an applicant that a person may see, at any of these positions or at none of them. */
export async function listCasesOfApplicant(
  db: Reader,
  { actor, today }: { actor: Person; today: Day },
  applicantCode: string,
  steps: { of: readonly Position[] } | { exceptOf: readonly Position[] },
): Promise<StoredCase[]> {
  const isAtStep =
    'of' in steps ? inArray(caseFile.step, [...steps.of]) : notInArray(caseFile.step, [...steps.exceptOf]);
  const rows = await db
    .select()
    .from(caseFile)
    .where(and(eq(caseFile.applicantCode, applicantCode), visibleTo(actor, today), isAtStep))
    .orderBy(desc(caseFile.serial))
    .limit(MAX_FOUND_CASES);
  return toStoredCases(db, rows);
}

/** A case that a search found, and how well: more is better. */
export type FoundCase = StoredCase & { worth: number };

/** The order of `searchCases` for a folded text: best first, then newest first. */
export function toSearchOrder(text: string): ColumnOrder<FoundCase> {
  return {
    name: 'searchCases',
    direction: 'DESC',
    keys: [
      { column: worthOf(text), part: numberPart(1), readValue: ({ worth }) => worth },
      { column: caseFile.serial, part: serialPart, readValue: ({ serial }) => serial },
    ],
  };
}

/** Returns a page of the cases that a person may see and that a folded text finds, best first. */
export async function searchCases(
  db: Reader,
  { actor, today }: { actor: Person; today: Day },
  text: string,
  page: KeysetRequest,
): Promise<CountedPage<FoundCase>> {
  const query = { text, applicantName: null, receivedFrom: null, receivedTo: null };
  const isFound = await buildQueryCondition(db, { actor, today }, query);
  const found = await selectCountedPage(db, page, (keyset) =>
    db
      .select({ file: caseFile, worth: worthOf(text) })
      .from(caseFile)
      .where(and(visibleTo(actor, today), isFound, keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
  const files = found.rows.map(({ file }) => file);
  const stored = await toStoredCases(db, files);
  return { ...found, rows: stored.map((each, i) => ({ ...each, worth: found.rows[i]?.worth ?? 0 })) };
}

/** Returns a page of the cases that wait for a person's organ or window, longest waiting first. */
export async function listQueue(
  db: Reader,
  { actor, today }: { actor: Person; today: Day },
  steps: readonly Position[] | null,
  page: KeysetRequest,
): Promise<CountedPage<StoredCase>> {
  const { window } = actor;
  const casePage = await selectCountedPage(db, page, (keyset) =>
    db
      .select()
      .from(caseFile)
      .where(
        and(
          or(
            isReadBy(caseFile.waitsOrgans, actor),
            window === null ? undefined : eq(caseFile.waitsWindow, window),
            sql`${caseFile.waitsOrgans} && ${organsOfSecondPerson(actor, today)}`,
          ),
          steps === null ? undefined : inArray(caseFile.step, [...steps]),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
  return { ...casePage, rows: await toStoredCases(db, casePage.rows) };
}
