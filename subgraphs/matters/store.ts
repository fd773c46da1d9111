import { and, asc, count, eq, gte, inArray, isNotNull, isNull, lte, not, or, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import type { Day } from '../kernel/day.ts';
import {
  computeContentDigest,
  type EventPayload,
  type Mode,
  type OrganFact,
  type PowerType,
} from '../kernel/events/events.ts';
import { appendEvent } from '../kernel/events/outbox-store.ts';
import type { MessageTables } from '../kernel/events/outbox-tables.ts';
import { byText, type ColumnOrder, type KeysetRequest, selectPage } from '../kernel/list/keyset-store.ts';
import { numberPart, type Page } from '../kernel/list/page.ts';
import { buildDelegationFact, type LegalBasis, type Matter, nameOf } from './matter.ts';
import { ORGAN_COLUMNS, toOrganFact } from './organ/store.ts';
import * as tables from './tables.ts';

const { delegation, industryOrgan, legalBasis, matter, organ, outcome } = tables;

export const messages: MessageTables = tables;
/** Matters send events about delegations and license types, and cases those about service guides. */
export const CONSUMERS = {
  cases: ['DelegationChanged', 'GuideChanged', 'LicenseTypeChanged', 'OrganChanged'],
  licenses: ['DelegationChanged', 'LicenseTypeChanged', 'OrganChanged'],
} as const;

export interface MatterFilter {
  mode: Mode | null;
  powerType: PowerType | null;
  organ: string | null;
  /** Any of these matters. Null means all. */
  ids: readonly string[] | null;
  annex: number | null;
  /** The day for which `mode` and `organ` are filtered. */
  on: Day;
}

type Row = typeof matter.$inferSelect;

async function addHistories(db: Reader, rows: readonly Row[]): Promise<Matter[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const [delegations, industries, outcomes, bases] = await Promise.all([
    db.select().from(delegation).where(inArray(delegation.matterId, ids)).orderBy(asc(delegation.serial)),
    db.select().from(industryOrgan).where(inArray(industryOrgan.matterId, ids)).orderBy(asc(industryOrgan.serial)),
    db.select().from(outcome).where(inArray(outcome.matterId, ids)).orderBy(asc(outcome.serial)),
    db.select().from(legalBasis).where(inArray(legalBasis.matterId, ids)).orderBy(asc(legalBasis.serial)),
  ]);
  const delegationsByMatter = Map.groupBy(delegations, (row) => row.matterId);
  const industriesByMatter = Map.groupBy(industries, (row) => row.matterId);
  const outcomesByMatter = Map.groupBy(outcomes, (row) => row.matterId);
  const basesByMatter = Map.groupBy(bases, (row) => row.matterId);
  return rows.map((row) => ({
    row,
    periods: (delegationsByMatter.get(row.id) ?? []).map(withoutKeys),
    industryOrgans: (industriesByMatter.get(row.id) ?? []).map(withoutKeys),
    outcomes: (outcomesByMatter.get(row.id) ?? []).map(withoutKeys),
    legalBases: (basesByMatter.get(row.id) ?? []).map(withoutKeys),
  }));
}

function withoutKeys<Item extends { serial: number; matterId: string }>({ serial, matterId, ...rest }: Item) {
  return rest;
}

function buildConditions(filter: MatterFilter): SQL | undefined {
  const { mode, powerType, organ: organId, ids, annex, on } = filter;
  const existsInForce = (condition?: SQL) =>
    sql`exists (select 1 from ${delegation} where ${and(
      eq(delegation.matterId, matter.id),
      isNotNull(delegation.mode),
      or(isNull(delegation.validFrom), lte(delegation.validFrom, on)),
      or(isNull(delegation.validTo), gte(delegation.validTo, on)),
      condition,
    )})`;
  return and(
    annex === null ? undefined : eq(matter.annex, annex),
    powerType === null ? undefined : eq(matter.powerType, powerType),
    organId === null
      ? undefined
      : or(
          existsInForce(or(eq(delegation.cityOrgan, organId), eq(delegation.countyOrgan, organId))),
          and(not(existsInForce()), or(eq(matter.cityOrgan, organId), eq(matter.countyOrgan, organId))),
        ),
    ids === null ? undefined : inArray(matter.id, [...ids]),
    mode === null ? undefined : existsInForce(eq(delegation.mode, mode)),
  );
}

/** The order of `matters`: that of the plan, by annex and row. */
export const MATTER_ORDER: ColumnOrder<Matter> = {
  name: 'matters',
  direction: 'ASC',
  keys: [
    { column: matter.annex, part: numberPart(1), readValue: ({ row }) => row.annex },
    { column: matter.row, part: numberPart(4), readValue: ({ row }) => row.row },
  ],
};

/** Returns a page of matters, and the number of all that match the filter. */
export async function listMatters(
  db: Reader,
  filter: MatterFilter,
  page: KeysetRequest,
): Promise<Page<Matter> & { totalCount: number }> {
  const where = buildConditions(filter);
  const [matterPage, countRows] = await Promise.all([
    selectPage(page, (keyset) =>
      db
        .select()
        .from(matter)
        .where(and(where, keyset.condition))
        .orderBy(...keyset.orderBy)
        .limit(keyset.limit),
    ),
    db.select({ total: count() }).from(matter).where(where),
  ]);
  return { ...matterPage, rows: await addHistories(db, matterPage.rows), totalCount: countRows[0]?.total ?? 0 };
}

/** Returns matters by id in the order of `ids`; null if there is none. */
export async function findMatters(db: Reader, ids: readonly string[]): Promise<(Matter | null)[]> {
  const foundMatters = await addHistories(
    db,
    await db
      .select()
      .from(matter)
      .where(inArray(matter.id, [...ids])),
  );
  const byId = new Map(foundMatters.map((entry) => [entry.row.id, entry]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Returns organs by id in the order of `ids`; null if there is none. */
export async function findOrgans(db: Reader, ids: readonly string[]): Promise<(OrganFact | null)[]> {
  const organRows = await db
    .select(ORGAN_COLUMNS)
    .from(organ)
    .where(inArray(organ.id, [...ids]));
  const byId = new Map(organRows.map((row) => [row.id, toOrganFact(row)]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Returns all organs. There are some dozens. */
export async function listAllOrgans(db: Reader): Promise<OrganFact[]> {
  return (await db.select(ORGAN_COLUMNS).from(organ).orderBy(asc(organ.id))).map(toOrganFact);
}

/** Returns all matters. The plan has 108. */
export async function listAllMatters(db: Reader): Promise<Matter[]> {
  return addHistories(db, await db.select().from(matter).orderBy(asc(matter.annex), asc(matter.row)));
}

export interface OrganFilter {
  /** Any of these organs. Null means all. */
  ids: readonly string[] | null;
  level: 'CITY' | 'COUNTY' | null;
  divisionCode: string | null;
}

/** The order of `organs`. */
export const ORGAN_ORDER = byText('organs', organ.id, (row: OrganFact) => row.id);

/** Returns a page of organs by id. */
export async function listOrgans(
  db: Reader,
  { ids, level, divisionCode }: OrganFilter,
  page: KeysetRequest,
): Promise<Page<OrganFact>> {
  const organPage = await selectPage(page, (keyset) =>
    db
      .select(ORGAN_COLUMNS)
      .from(organ)
      .where(
        and(
          ids === null ? undefined : inArray(organ.id, [...ids]),
          level === null ? undefined : eq(organ.level, level),
          divisionCode === null ? undefined : eq(organ.divisionCode, divisionCode),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
  return { ...organPage, rows: organPage.rows.map(toOrganFact) };
}

/** Lets one import run at a time. */
export async function lockImport(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7310003)`);
}

/**
 * Adds missing organs. Existing ones stay unchanged, but one without a 机关代字 gets that of the list unless another organ
 * has it.
 */
export async function addOrgans(tx: Transaction, organs: readonly OrganFact[]): Promise<void> {
  if (organs.length === 0) return;
  await tx
    .insert(organ)
    .values(organs.map(({ names: _, ...row }) => row))
    .onConflictDoNothing();
  for (const { id, documentMark } of organs) {
    if (!documentMark) continue;
    const isTaken = sql`exists (select from ${organ} as other where other.document_mark = ${documentMark})`;
    await tx
      .update(organ)
      .set({ documentMark })
      .where(and(eq(organ.id, id), isNull(organ.documentMark), not(isTaken)));
  }
}

/** Adds legal bases to the matters that have none. */
export async function addLegalBases(
  tx: Transaction,
  basesByMatter: ReadonlyMap<string, readonly LegalBasis[]>,
): Promise<void> {
  const ids = [...basesByMatter.keys()];
  if (ids.length === 0) return;
  const rows = await tx
    .selectDistinct({ id: legalBasis.matterId })
    .from(legalBasis)
    .where(inArray(legalBasis.matterId, ids));
  const known = await findKnownIds(tx, ids);
  const filled = new Set(rows.map(({ id }) => id));
  const missing = [...basesByMatter].filter(([id]) => known.has(id) && !filled.has(id));
  const values = missing.flatMap(([matterId, bases]) => bases.map((basis) => ({ ...basis, matterId })));
  if (values.length > 0) await tx.insert(legalBasis).values(values);
}

/** Returns the ids of those matters that exist. */
export async function findKnownIds(db: Reader, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: matter.id })
    .from(matter)
    .where(inArray(matter.id, [...ids]));
  return new Set(rows.map((row) => row.id));
}

/** Adds a new matter with its histories. */
export async function addMatter(tx: Transaction, newMatter: Matter, at: Date): Promise<void> {
  await tx.insert(matter).values({ ...newMatter.row, name: nameOf(newMatter.row) });
  await replaceHistories(tx, newMatter, at);
}

/** Replaces the histories of a matter, and sends cases an event. */
export async function replaceHistories(tx: Transaction, changedMatter: Matter, at: Date): Promise<void> {
  const matterId = changedMatter.row.id;
  const withMatterId = <Item extends object>(list: readonly Item[]) => list.map((one) => ({ ...one, matterId }));
  await tx.delete(delegation).where(eq(delegation.matterId, matterId));
  await tx.delete(industryOrgan).where(eq(industryOrgan.matterId, matterId));
  await tx.delete(outcome).where(eq(outcome.matterId, matterId));
  await tx.insert(delegation).values(withMatterId(changedMatter.periods));
  await tx.insert(industryOrgan).values(withMatterId(changedMatter.industryOrgans));
  await tx.insert(outcome).values(withMatterId(changedMatter.outcomes));
  await tx.delete(legalBasis).where(eq(legalBasis.matterId, matterId));
  if (changedMatter.legalBases.length > 0) await tx.insert(legalBasis).values(withMatterId(changedMatter.legalBases));
  await sendChanged(tx, changedMatter, at);
}

async function readFact(tx: Transaction, changedMatter: Matter): Promise<EventPayload<'DelegationChanged'>> {
  const organIds = changedMatter.periods.flatMap((entry) => [entry.cityOrgan, entry.countyOrgan]);
  const industryOrganIds = changedMatter.industryOrgans.flatMap((entry) => entry.organ ?? []);
  const organs = await findOrgans(tx, [...new Set([...organIds, ...industryOrganIds])]);
  return buildDelegationFact(
    changedMatter,
    organs.filter((entry) => entry !== null),
  );
}

/**
 * Sends cases a new event for each matter whose newest event differs from its current fact: a release may add fields to
 * the fact. Returns how many.
 */
export async function resendChanged(tx: Transaction, at: Date): Promise<number> {
  const { outboxEvent, outboxStream } = tables;
  const sentEvents = await tx
    .select({ stream: outboxEvent.stream, payload: outboxEvent.payload })
    .from(outboxEvent)
    .innerJoin(
      outboxStream,
      and(eq(outboxStream.stream, outboxEvent.stream), eq(outboxStream.head, outboxEvent.revision)),
    )
    .where(eq(outboxEvent.type, 'DelegationChanged'));
  const digests = new Map(sentEvents.map(({ stream, payload }) => [stream, computeContentDigest(payload)]));
  const all = await addHistories(tx, await tx.select().from(matter));
  let resentCount = 0;
  for (const storedMatter of all) {
    if (digests.get(`matter:${storedMatter.row.id}`) === computeContentDigest(await readFact(tx, storedMatter)))
      continue;
    await sendChanged(tx, storedMatter, at);
    resentCount++;
  }
  return resentCount;
}

async function sendChanged(tx: Transaction, changedMatter: Matter, at: Date): Promise<void> {
  const payload = await readFact(tx, changedMatter);
  const stream = `matter:${payload.matterId}`;
  await appendEvent(tx, messages, CONSUMERS, { type: 'DelegationChanged', stream, occurredAt: at, payload });
}
