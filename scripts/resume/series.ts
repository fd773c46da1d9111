import type postgres from 'postgres';
import type { Day } from '../../subgraphs/kernel/day.ts';
import { foldText } from '../../subgraphs/kernel/finding/fold.ts';
import { LIBRARY_CONSUMERS } from '../../subgraphs/licenses/act/event-store.ts';
import type { CollectedVersion } from './library.ts';
import { type Lost, listSeenVersions } from './lost.ts';

/** Every series of numbers of the hub, and how it skips what log, city library and files have seen. */

/** Numbers that nothing published shows are skipped by this many: more than a county hands out between two backups. */
const LEAP = 10_000;
/** The last acts before the loss may have been answered and not published yet: their numbers are skipped too. */
const UNPUBLISHED_MARGIN = 100;
/** Revisions that approval platforms have seen. They take each one that is larger than the last. */
const PLATFORM_LEAP = 1_000;

/** What the numbers are skipped for. */
export interface SkipContext {
  lost: Lost;
  collected: readonly CollectedVersion[];
  /** The day of the newest record in the database, and today. */
  from: Day;
  today: Day;
}

export interface Series {
  name: string;
  /** Moves the series on, within the transaction. */
  skip(sql: postgres.TransactionSql, context: SkipContext): Promise<unknown>;
}

export const SERIES: readonly Series[] = [
  {
    name: '证照编号 license numbers',
    async skip(sql, { lost, today }) {
      for (const seen of listSeenVersions(lost)) {
        const { type, issuer, serial } = seen.parts;
        await sql`insert into licenses.license_serial (type_code, uscc, serial, number, printed)
          values (${type}, ${issuer}, ${serial}, ${serial}, ${foldText(serial)}) on conflict do nothing`;
        await sql`insert into licenses.reserved_number values (${foldText(serial)}) on conflict do nothing`;
        const [, divisionCode, year, digits] = /^(\d{6})(\d{4})(\d{6,9})$/.exec(serial) ?? [];
        if (divisionCode === undefined) continue;
        await sql`insert into licenses.number_series as n (series, year, newest)
          values (${divisionCode}, ${Number(year)}, ${Number(digits)})
          on conflict (series, year) do update set newest = greatest(n.newest, excluded.newest)`;
      }
      const year = Number(today.slice(0, 4));
      await sql`insert into licenses.number_series as n (series, year, newest)
        select series, ${year}::int, ${UNPUBLISHED_MARGIN}::int
        from (select division_code as series from matters.organ union select series from licenses.number_series) as known
        on conflict (series, year) do update set newest = n.newest + ${UNPUBLISHED_MARGIN}`;
    },
  },
  {
    name: '证照标识的版本 versions of licenses',
    async skip(sql, { lost }) {
      for (const { identifier, parts } of listSeenVersions(lost)) {
        const { type, issuer, serial, version } = parts;
        await sql`insert into licenses.lost_version (identifier, number, version)
          select ${identifier}, coalesce((select number from licenses.license_serial
            where type_code = ${type} and uscc = ${issuer} and serial = ${serial}), ${serial}), ${version}
          where not exists (select from licenses.license_version where identifier = ${identifier})
          on conflict do nothing`;
      }
    },
  },
  {
    name: '用印和办件 uses of seals, by issuance and case',
    async skip(sql, { lost }) {
      for (const { kind, issuanceId, caseId, identifier } of lost.uses) {
        // What the register stated used no seal. Its act is lost too, and another one gets another id.
        if (kind === 'ATTESTATION') continue;
        await sql`insert into seals.lost_use (kind, issuance_id, case_id, identifier)
          values (${kind}, ${issuanceId}, ${caseId}, ${identifier}) on conflict do nothing`;
      }
    },
  },
  {
    name: '空白证照编号 serials of blanks',
    async skip(sql, { lost }) {
      for (const { blankNumber, duplicateBlanks, organ, identifier } of [...lost.uses, ...lost.orphanUses]) {
        if (blankNumber === null) continue;
        for (const number of [blankNumber, ...duplicateBlanks]) await takeBlank(sql, number, organ, identifier);
      }
    },
  },
  {
    name: '办件编号 case numbers',
    skip: (sql, { from, today }) => sql`insert into cases.case_number as n (division_code, day, newest)
      select division_code, day::date, ${LEAP} from (select distinct division_code from matters.organ) as organ,
        generate_series(${from}::date, greatest(${from}::date, ${today}::date), interval '1 day') as day
      on conflict (division_code, day) do update set newest = n.newest + ${LEAP}`,
  },
  {
    name: '文书编号 numbers of notices',
    skip: (sql, { from }) => sql`update cases.document_number set newest = newest + ${LEAP}
      where year >= ${from.slice(0, 4)}`,
  },
  {
    name: '变更流的位置 places in the feed of changes',
    // A row without an event holds the place.
    skip: (sql) => sql`insert into licenses.license_change (place, stream, revision)
      select coalesce(max(place), 0) + ${LEAP}, 'lost', coalesce(max(revision) filter (where stream = 'lost'), 0) + 1
      from licenses.license_change`,
  },
  {
    name: '归集序号 revisions that the city library has',
    async skip(sql, { lost, collected }) {
      for (const { stream, revision } of [...lost.receipts, ...collected]) {
        // A license without statements in the database has no such stream yet. Its first one must not be revision 1.
        if (stream.startsWith('register:')) {
          await sql`insert into licenses.outbox_stream (stream, head) values (${stream}, 0) on conflict do nothing`;
          await sql`insert into licenses.outbox_delivery (consumer, stream, head)
            values (${LIBRARY_CONSUMERS.statements}, ${stream}, 0), ('cases', ${stream}, 0) on conflict do nothing`;
          await sql`insert into cases.inbox (producer, stream, revision) values ('licenses', ${stream}, 0)
            on conflict do nothing`;
        }
        await sql`update licenses.outbox_stream set head = ${revision} where stream = ${stream} and head < ${revision}`;
        await sql`update licenses.outbox_delivery set head = ${revision}, delivered = ${revision}
          where stream = ${stream} and head < ${revision}`;
        await sql`update cases.inbox set revision = ${revision}
          where producer = 'licenses' and stream = ${stream} and revision < ${revision}`;
      }
    },
  },
  {
    name: '审批平台的序号 revisions that approval platforms have',
    async skip(sql) {
      const streams = await sql`update cases.outbox_delivery
        set head = head + ${PLATFORM_LEAP}, delivered = delivered + ${PLATFORM_LEAP}
        where stream like 'platform:%' and delivered = head returning stream`;
      await sql`update cases.outbox_stream set head = head + ${PLATFORM_LEAP}
        where stream = any(${streams.map(({ stream }) => String(stream))}::text[])`;
    },
  },
];

/** Takes a blank out of the stock: a version that is lost was printed on it. */
async function takeBlank(sql: postgres.TransactionSql, number: string, organ: string, identifier: string) {
  const taken = await sql`insert into licenses.blank as b (number, organ, state, identifier)
    values (${number}, ${organ}, 'ASSIGNED', ${identifier})
    on conflict (number) do update set state = 'ASSIGNED', identifier = excluded.identifier
    where b.state = 'IN_STOCK' returning number`;
  if (taken.length === 0) return;
  await sql`insert into licenses.blank_entry (number, seq, state, identifier, actor, at)
    select ${number}, coalesce(max(seq), 0) + 1, 'ASSIGNED', ${identifier}, '恢复 resume', now()
    from licenses.blank_entry where number = ${number}`;
}

/** A sequence of the database, and the value after which it goes on. */
export interface SequenceLeap {
  path: string;
  value: number;
}

/**
 * Returns where the sequences go on: serials of lists and of events of seals, and indexes in the status list. Sequences
 * do not take part in transactions.
 */
export async function planSequences(
  sql: postgres.Sql,
  schemas: readonly string[],
  { lost, collected }: Pick<SkipContext, 'lost' | 'collected'>,
): Promise<SequenceLeap[]> {
  const rows = await sql<{ path: string; last: string }[]>`select format('%I.%I', schemaname, sequencename) as path,
    coalesce(last_value, start_value) as last from pg_sequences where schemaname in ${sql([...schemas])} order by 1`;
  const seen: Readonly<Record<string, number>> = {
    'seals.seal_event_serial_seq': Math.max(0, ...lost.sealEvents.map(({ serial }) => serial)),
    'licenses.status_index': Math.max(0, ...collected.map(({ statusIndex }) => statusIndex ?? 0)),
  };
  return rows.map(({ path, last }) => ({ path, value: Math.max(Number(last), seen[path] ?? 0) + LEAP }));
}
