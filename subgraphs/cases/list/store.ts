import { and, arrayContains, desc, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { hasRole, type Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import { cutPage, type Page, type PageRequest } from '../../kernel/http/page.ts';
import type { Position } from '../case.ts';
import { organsOfSecondPerson } from '../exception/store.ts';
import { type StoredCase, toStoredCases } from '../store.ts';
import { caseFile } from '../tables.ts';

export interface CaseFilter {
  /** Any of these positions. Null means all. */
  steps: readonly Position[] | null;
  matter: string | null;
  closed: boolean | null;
}

/** Returns the condition for the cases that a person may see. It is the same rule as `maySee`, for lists. */
function visibleTo(actor: Person, today: Day): SQL | undefined {
  if (hasRole(actor, 'AUDITOR')) return undefined;
  return or(
    actor.holderCode === null ? undefined : eq(caseFile.applicantCode, actor.holderCode),
    actor.organ === null ? undefined : arrayContains(caseFile.parties, [actor.organ]),
    actor.window === null ? undefined : eq(caseFile.window, actor.window),
    sql`${caseFile.parties} && ${organsOfSecondPerson(actor, today)}`,
  );
}

/** Returns a page of the cases that a person may see, newest first. */
export async function listCases(
  db: Reader,
  { actor, today }: { actor: Person; today: Day },
  filter: CaseFilter,
  page: PageRequest<number>,
): Promise<Page<StoredCase>> {
  const rows = await db
    .select()
    .from(caseFile)
    .where(
      and(
        visibleTo(actor, today),
        filter.steps === null ? undefined : inArray(caseFile.step, [...filter.steps]),
        filter.matter === null ? undefined : eq(caseFile.matterId, filter.matter),
        filter.closed === null ? undefined : eq(caseFile.closed, filter.closed),
        page.after === null ? undefined : lt(caseFile.serial, page.after),
      ),
    )
    .orderBy(desc(caseFile.serial))
    .limit(page.first + 1);
  const cut = cutPage(rows, page.first);
  return { rows: await toStoredCases(db, cut.rows), hasNextPage: cut.hasNextPage };
}

/** Returns a page of the cases that wait for a person's organ or window, longest waiting first. */
export async function listQueue(
  db: Reader,
  { actor, today }: { actor: Person; today: Day },
  steps: readonly Position[] | null,
  page: PageRequest<{ since: Date; serial: number }>,
): Promise<Page<StoredCase>> {
  const { organ, window } = actor;
  const rows = await db
    .select()
    .from(caseFile)
    .where(
      and(
        or(
          organ === null ? undefined : arrayContains(caseFile.waitsOrgans, [organ]),
          window === null ? undefined : eq(caseFile.waitsWindow, window),
          sql`${caseFile.waitsOrgans} && ${organsOfSecondPerson(actor, today)}`,
        ),
        steps === null ? undefined : inArray(caseFile.step, [...steps]),
        page.after === null
          ? undefined
          : sql`(${caseFile.restsSince}, ${caseFile.serial}) > (${page.after.since.toISOString()}::timestamptz, ${page.after.serial})`,
      ),
    )
    .orderBy(caseFile.restsSince, caseFile.serial)
    .limit(page.first + 1);
  const cut = cutPage(rows, page.first);
  return { rows: await toStoredCases(db, cut.rows), hasNextPage: cut.hasNextPage };
}
