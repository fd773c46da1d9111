import { and, asc, count, eq, gt, ilike, inArray, or, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../db/client.ts';
import type { Day } from '../kernel/day.ts';
import { contentDigest, type EventPayload, type Mode, type OrganFact, type PowerType } from '../kernel/events.ts';
import { append, type MessageTables } from '../kernel/outbox.ts';
import { cutPage, type Page, type PageRequest } from '../kernel/page.ts';
import { type Matter, type MatterRow, nameOf, succeed } from './matter.ts';
import * as tables from './tables.ts';

const { delegation, industryOrgan, matter, organ } = tables;

export const messages: MessageTables = tables;
/** Matters tell cases of delegations and of service guides. */
export const CONSUMERS = { cases: ['DelegationChanged', 'GuideChanged'] } as const;

export interface MatterFilter {
  mode: Mode | null;
  powerType: PowerType | null;
  organ: string | null;
  nameContains: string | null;
  annex: number | null;
  /** The day on which `mode` is asked. */
  on: Day;
}

type Row = typeof matter.$inferSelect;

async function withTimes(db: Reader, rows: readonly Row[]): Promise<Matter[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const [delegations, industries] = await Promise.all([
    db
      .select({
        matterId: delegation.matterId,
        mode: delegation.mode,
        cityOrgan: delegation.cityOrgan,
        countyOrgan: delegation.countyOrgan,
        validFrom: delegation.validFrom,
        validTo: delegation.validTo,
      })
      .from(delegation)
      .where(inArray(delegation.matterId, ids))
      .orderBy(asc(delegation.serial)),
    db
      .select({
        matterId: industryOrgan.matterId,
        level: industryOrgan.level,
        organ: industryOrgan.organ,
        validFrom: industryOrgan.validFrom,
        validTo: industryOrgan.validTo,
      })
      .from(industryOrgan)
      .where(inArray(industryOrgan.matterId, ids))
      .orderBy(asc(industryOrgan.serial)),
  ]);
  const delegationsOf = Map.groupBy(delegations, (one) => one.matterId);
  const industriesOf = Map.groupBy(industries, (one) => one.matterId);
  return rows.map((row) => ({
    row,
    delegations: delegationsOf.get(row.id) ?? [],
    industryOrgans: industriesOf.get(row.id) ?? [],
  }));
}

function conditions(filter: MatterFilter): SQL | undefined {
  const { mode, powerType, organ: named, nameContains, annex, on } = filter;
  const pattern = `%${nameContains?.replace(/[\\%_]/g, '\\$&')}%`;
  return and(
    annex === null ? undefined : eq(matter.annex, annex),
    powerType === null ? undefined : eq(matter.powerType, powerType),
    named === null ? undefined : or(eq(matter.cityOrgan, named), eq(matter.countyOrgan, named)),
    nameContains === null ? undefined : or(ilike(matter.mainItem, pattern), ilike(matter.subItem, pattern)),
    mode === null
      ? undefined
      : sql`exists (select 1 from ${delegation} where ${delegation.matterId} = ${matter.id} and ${delegation.mode} = ${mode}
          and (${delegation.validFrom} is null or ${delegation.validFrom} <= ${on})
          and (${delegation.validTo} is null or ${delegation.validTo} >= ${on}))`,
  );
}

/** Where a matter stands: annex and row. */
export interface MatterPosition {
  annex: number;
  row: number;
}

/** Matters in the order of the plan's annexes, and how many the filter finds in all. */
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

/** Matters by id, in the order asked, null where there is none. */
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

/** Organs by id, in the order asked, null where there is none. */
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

/** One import at a time. */
export async function lockImport(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7310003)`);
}

export async function putOrgans(tx: Transaction, organs: readonly OrganFact[]): Promise<void> {
  for (const row of organs) await tx.insert(organ).values(row).onConflictDoUpdate({ target: organ.id, set: row });
}

/** Keeps a matter as a row says, its earlier periods with it; gives null where it already stands so. */
export async function putMatter(tx: Transaction, given: MatterRow): Promise<Matter | null> {
  const rowDigest = contentDigest(given);
  const [known] = await tx.select({ digest: matter.rowDigest }).from(matter).where(eq(matter.id, given.id));
  if (known?.digest === rowDigest) return null;
  const { mode, validFrom, cityIndustry, countyIndustry, ...rest } = given;
  const row = { ...rest, name: nameOf(given), rowDigest };
  await tx.insert(matter).values(row).onConflictDoUpdate({ target: matter.id, set: row });
  const { id: matterId, cityOrgan, countyOrgan } = given;
  const [before] = await findMatters(tx, [matterId]);
  const period = { matterId, validFrom, validTo: null };
  const keyed = <One extends object>(list: readonly One[] = []) => list.map((one) => ({ ...one, matterId }));
  const industriesAt = (level: 'CITY' | 'COUNTY') => keyed(before?.industryOrgans.filter((one) => one.level === level));
  await tx.delete(delegation).where(eq(delegation.matterId, matterId));
  await tx.delete(industryOrgan).where(eq(industryOrgan.matterId, matterId));
  await tx.insert(delegation).values(succeed(keyed(before?.delegations), { ...period, mode, cityOrgan, countyOrgan }));
  await tx
    .insert(industryOrgan)
    .values([
      ...succeed(industriesAt('CITY'), { ...period, level: 'CITY', organ: cityIndustry }),
      ...succeed(industriesAt('COUNTY'), { ...period, level: 'COUNTY', organ: countyIndustry }),
    ]);
  const [stored] = await findMatters(tx, [matterId]);
  return stored ?? null;
}

export async function tellChanged(
  tx: Transaction,
  payload: EventPayload<'DelegationChanged'>,
  at: Date,
): Promise<void> {
  const stream = `matter:${payload.matterId}`;
  await append(tx, messages, CONSUMERS, { type: 'DelegationChanged', stream, occurredAt: at, payload });
}
