import {
  and,
  asc,
  count,
  eq,
  gt,
  gte,
  ilike,
  inArray,
  isNotNull,
  isNull,
  lte,
  not,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import type { Day } from '../kernel/day.ts';
import { contentDigest, type EventPayload, type Mode, type OrganFact, type PowerType } from '../kernel/events.ts';
import { append, type MessageTables } from '../kernel/outbox.ts';
import { cutPage, type Page, type PageRequest } from '../kernel/page.ts';
import { factOf, type Matter, nameOf } from './matter.ts';
import * as tables from './tables.ts';

const { delegation, industryOrgan, matter, organ, outcome } = tables;

export const messages: MessageTables = tables;
/** Matters send cases events about delegations and service guides. */
export const CONSUMERS = { cases: ['DelegationChanged', 'GuideChanged'] } as const;

export interface MatterFilter {
  mode: Mode | null;
  powerType: PowerType | null;
  organ: string | null;
  nameContains: string | null;
  annex: number | null;
  /** The day for which `mode` and `organ` are filtered. */
  on: Day;
}

type Row = typeof matter.$inferSelect;

async function withTimes(db: Reader, rows: readonly Row[]): Promise<Matter[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const [delegations, industries, outcomes] = await Promise.all([
    db.select().from(delegation).where(inArray(delegation.matterId, ids)).orderBy(asc(delegation.serial)),
    db.select().from(industryOrgan).where(inArray(industryOrgan.matterId, ids)).orderBy(asc(industryOrgan.serial)),
    db.select().from(outcome).where(inArray(outcome.matterId, ids)).orderBy(asc(outcome.serial)),
  ]);
  const delegationsOf = Map.groupBy(delegations, (one) => one.matterId);
  const industriesOf = Map.groupBy(industries, (one) => one.matterId);
  const outcomesOf = Map.groupBy(outcomes, (one) => one.matterId);
  return rows.map((row) => ({
    row,
    periods: (delegationsOf.get(row.id) ?? []).map(withoutKeys),
    industryOrgans: (industriesOf.get(row.id) ?? []).map(withoutKeys),
    outcomes: (outcomesOf.get(row.id) ?? []).map(withoutKeys),
  }));
}

function withoutKeys<One extends { serial: number; matterId: string }>({ serial, matterId, ...rest }: One) {
  return rest;
}

function conditions(filter: MatterFilter): SQL | undefined {
  const { mode, powerType, organ: named, nameContains, annex, on } = filter;
  const pattern = `%${nameContains?.replace(/[\\%_]/g, '\\$&')}%`;
  const inForce = (more?: SQL) =>
    sql`exists (select 1 from ${delegation} where ${and(
      eq(delegation.matterId, matter.id),
      isNotNull(delegation.mode),
      or(isNull(delegation.validFrom), lte(delegation.validFrom, on)),
      or(isNull(delegation.validTo), gte(delegation.validTo, on)),
      more,
    )})`;
  return and(
    annex === null ? undefined : eq(matter.annex, annex),
    powerType === null ? undefined : eq(matter.powerType, powerType),
    named === null
      ? undefined
      : or(
          inForce(or(eq(delegation.cityOrgan, named), eq(delegation.countyOrgan, named))),
          and(not(inForce()), or(eq(matter.cityOrgan, named), eq(matter.countyOrgan, named))),
        ),
    nameContains === null ? undefined : or(ilike(matter.mainItem, pattern), ilike(matter.subItem, pattern)),
    mode === null ? undefined : inForce(eq(delegation.mode, mode)),
  );
}

/** The position of a matter in the plan: annex and row. */
export interface MatterPosition {
  annex: number;
  row: number;
}

/** Returns a page of matters in the order of the plan's annexes, and the number of all that match the filter. */
export async function listMatters(
  db: Reader,
  filter: MatterFilter,
  page: PageRequest<MatterPosition>,
): Promise<Page<Matter> & { totalCount: number }> {
  const where = conditions(filter);
  const after =
    page.after === null ? undefined : sql`(${matter.annex}, ${matter.row}) > (${page.after.annex}, ${page.after.row})`;
  const [rows, counted] = await Promise.all([
    db
      .select()
      .from(matter)
      .where(and(where, after))
      .orderBy(asc(matter.annex), asc(matter.row))
      .limit(page.first + 1),
    db.select({ total: count() }).from(matter).where(where),
  ]);
  const cut = cutPage(rows, page.first);
  return { rows: await withTimes(db, cut.rows), hasNextPage: cut.hasNextPage, totalCount: counted[0]?.total ?? 0 };
}

/** Returns matters by id in the order of `ids`; null if there is none. */
export async function findMatters(db: Reader, ids: readonly string[]): Promise<(Matter | null)[]> {
  const found = await withTimes(
    db,
    await db
      .select()
      .from(matter)
      .where(inArray(matter.id, [...ids])),
  );
  const byId = new Map(found.map((one) => [one.row.id, one]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Returns organs by id in the order of `ids`; null if there is none. */
export async function findOrgans(db: Reader, ids: readonly string[]): Promise<(OrganFact | null)[]> {
  const found = await db
    .select()
    .from(organ)
    .where(inArray(organ.id, [...ids]));
  const byId = new Map(found.map((one) => [one.id, one]));
  return ids.map((id) => byId.get(id) ?? null);
}

export async function listOrgans(db: Reader, page: PageRequest<string>): Promise<Page<OrganFact>> {
  const after = page.after === null ? undefined : gt(organ.id, page.after);
  const rows = await db
    .select()
    .from(organ)
    .where(after)
    .orderBy(asc(organ.id))
    .limit(page.first + 1);
  return cutPage(rows, page.first);
}

/** Lets one import run at a time. */
export async function lockImport(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7310003)`);
}

/** Adds missing organs. Existing ones stay unchanged. */
export async function addOrgans(tx: Transaction, organs: readonly OrganFact[]): Promise<void> {
  if (organs.length > 0)
    await tx
      .insert(organ)
      .values([...organs])
      .onConflictDoNothing();
}

/** Returns the ids of those matters that exist. */
export async function knownMatters(db: Reader, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: matter.id })
    .from(matter)
    .where(inArray(matter.id, [...ids]));
  return new Set(rows.map((row) => row.id));
}

/** Adds a new matter with its histories. */
export async function addMatter(tx: Transaction, added: Matter, at: Date): Promise<void> {
  await tx.insert(matter).values({ ...added.row, name: nameOf(added.row) });
  await putHistories(tx, added, at);
}

/** Replaces the histories of a matter, and sends cases an event. */
export async function putHistories(tx: Transaction, changed: Matter, at: Date): Promise<void> {
  const matterId = changed.row.id;
  const keyed = <One extends object>(list: readonly One[]) => list.map((one) => ({ ...one, matterId }));
  await tx.delete(delegation).where(eq(delegation.matterId, matterId));
  await tx.delete(industryOrgan).where(eq(industryOrgan.matterId, matterId));
  await tx.delete(outcome).where(eq(outcome.matterId, matterId));
  await tx.insert(delegation).values(keyed(changed.periods));
  await tx.insert(industryOrgan).values(keyed(changed.industryOrgans));
  await tx.insert(outcome).values(keyed(changed.outcomes));
  await tellChanged(tx, changed, at);
}

async function factNow(tx: Transaction, changed: Matter): Promise<EventPayload<'DelegationChanged'>> {
  const charged = changed.periods.flatMap((one) => [one.cityOrgan, one.countyOrgan]);
  const supervising = changed.industryOrgans.flatMap((one) => one.organ ?? []);
  const organs = await findOrgans(tx, [...new Set([...charged, ...supervising])]);
  return factOf(
    changed,
    organs.filter((one) => one !== null),
  );
}

/**
 * Sends cases a new event for each matter whose newest event differs from its current fact: a release may add fields to
 * the fact. Returns how many.
 */
export async function retell(tx: Transaction, at: Date): Promise<number> {
  const { outboxEvent, outboxStream } = tables;
  const told = await tx
    .select({ stream: outboxEvent.stream, payload: outboxEvent.payload })
    .from(outboxEvent)
    .innerJoin(
      outboxStream,
      and(eq(outboxStream.stream, outboxEvent.stream), eq(outboxStream.head, outboxEvent.revision)),
    )
    .where(eq(outboxEvent.type, 'DelegationChanged'));
  const digests = new Map(told.map(({ stream, payload }) => [stream, contentDigest(payload)]));
  const all = await withTimes(tx, await tx.select().from(matter));
  let again = 0;
  for (const one of all) {
    if (digests.get(`matter:${one.row.id}`) === contentDigest(await factNow(tx, one))) continue;
    await tellChanged(tx, one, at);
    again++;
  }
  return again;
}

async function tellChanged(tx: Transaction, changed: Matter, at: Date): Promise<void> {
  const payload = await factNow(tx, changed);
  const stream = `matter:${payload.matterId}`;
  await append(tx, messages, CONSUMERS, { type: 'DelegationChanged', stream, occurredAt: at, payload });
}
