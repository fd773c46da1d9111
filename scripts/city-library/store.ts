import type postgres from 'postgres';
import { type Delivery, Fault, licenseOf, readVersionRecord, type State, type VersionRecord } from './protocol.ts';
import { isSigned, type Receivable, type WitnessedTree } from './receipt.ts';
import { type Hold, listHolds, selectHeldDays } from './statement/hold.ts';
import { advance, type Head } from './transition.ts';
import { findTakeoverDay, type Joins, toShanghaiDate, type ValidityState } from './validity.ts';

/** A collected act with its receipt. */
export interface CollectedAct {
  contentDigest: string;
  receipt: string;
  collectedAt: Date;
}

/** A license version in the library's database. */
export interface StoredCertificate extends Joins {
  identifier: string;
  number: string;
  version: number;
  state: State;
  /** Revision of the newest act on this version. */
  revision: number;
  changedAt: Date;
  collectedAt: Date;
  receipt: string;
  record: VersionRecord;
  /** The renewal that holds off the last day of its license, or null. */
  hold: Hold | null;
  documentDigest: string;
  document: Uint8Array;
  /** Detached signature, or null if the document contains its signature. */
  signature: Uint8Array | null;
  acts: readonly StoredAct[];
}

/** One act on a license version. */
export interface StoredAct {
  revision: number;
  act: string;
  state: State;
  changedAt: Date;
  collectedAt: Date;
  receipt: string;
  documentDigest: string;
}

export interface Counts {
  /** How many versions are in each state on the day. */
  states: readonly { state: ValidityState; count: number }[];
  acts: number;
  lastCollectedAt: Date | null;
}

/** Access to the library's own database. */
export interface Store {
  /** `number` is what names a license here (`licenseOf`), as in every table. */
  head(number: string): Promise<Head | null>;
  collected(number: string, revision: number): Promise<CollectedAct | null>;
  /** Stores a checked delivery once and returns its receipt. Throws Fault like `advance`. */
  collect(delivery: Delivery, contentDigest: string, at: Date): Promise<string>;
  find(identifier: string): Promise<StoredCertificate | null>;
  /** Returns the last day of a license that a renewal holds off, or null. */
  heldUntil(number: string): Promise<string | null>;
  /** Counts on a day, YYYY-MM-DD. */
  counts(today: string): Promise<Counts>;
}

/** Writes the receipt of a stored delivery. */
export interface ReceiptWriter {
  /** Origin of the hub's log that receipts name; null if the library follows no log. */
  origin: string | null;
  write(delivery: Receivable, collectedAt: Date, checkpoint: WitnessedTree | null): string;
}

/**
 * Opens the store. `knowsWaiting`: whether the library knows renewals that wait for their first day. One that speaks
 * version 1 does not: every new version takes the place of the one before when it is collected.
 */
export function openStore(sql: postgres.Sql, receiptWriter: ReceiptWriter, knowsWaiting: boolean): Store {
  return {
    head: (number) => readHead(sql, number),
    collected: (number, revision) => readCollected(sql, number, revision),
    collect: (delivery, contentDigest, at) =>
      sql.begin((tx) => collect(tx, { receiptWriter, knowsWaiting }, delivery, contentDigest, at)),
    find: (identifier) => findCertificate(sql, identifier),
    heldUntil: async (number) => (await findHold(sql, number))?.until ?? null,
    counts: (today) => readCounts(sql, today),
  };
}

async function readHead(sql: postgres.ISql, number: string): Promise<Head | null> {
  const [row] = await sql<Head[]>`
    select revision, identifier, version, state from license where number = ${number} and identifier is not null`;
  return row ?? null;
}

async function readCollected(sql: postgres.ISql, number: string, revision: number): Promise<CollectedAct | null> {
  const [row] = await sql<CollectedAct[]>`
    select content_digest, receipt, collected_at from act where number = ${number} and revision = ${revision}`;
  return row ?? null;
}

async function collect(
  tx: postgres.TransactionSql,
  { receiptWriter, knowsWaiting }: { receiptWriter: ReceiptWriter; knowsWaiting: boolean },
  delivery: Delivery,
  contentDigest: string,
  at: Date,
): Promise<string> {
  const { stream, revision, identifier, version, state, documentDigest } = delivery;
  const number = licenseOf(delivery);
  await tx`insert into license (number, stream, revision) values (${number}, ${stream}, 0) on conflict do nothing`;
  // A license from paper has no stream of acts before its first act.
  await tx`update license set stream = ${stream} where number = ${number} and stream is null`;
  const [lockedLicense] = await tx`select stream from license where number = ${number} for update`;
  if (lockedLicense?.stream !== stream) throw new Fault('RECORD_MISMATCH', 'stream');

  // A concurrent request may have collected the act. The lock makes this answer final.
  const collectedAct = await readCollected(tx, number, revision);
  if (collectedAct?.contentDigest === contentDigest)
    return isSigned(collectedAct.receipt)
      ? collectedAct.receipt
      : signOldReceipt(tx, receiptWriter, delivery, collectedAct);
  const headBefore = await readHead(tx, number);
  const headAfter = advance(headBefore, delivery);

  const { document, mediaType, record, signature } = delivery;
  await tx`
    insert into file (digest, media_type, bytes) values (${documentDigest}, ${mediaType}, ${Buffer.from(document)})
    on conflict do nothing`;
  if (mediaType === 'application/pdf') {
    if (headBefore) await replaceVersions(tx, delivery, knowsWaiting ? findTakeoverDay(delivery) : null);
    await tx`
      insert into certificate (identifier, number, version, state, record, document_digest, signature)
      values (${identifier}, ${number}, ${version}, ${state}, ${record.text}::text::json, ${documentDigest}, ${signature && Buffer.from(signature)})`;
  } else {
    await tx`update certificate set state = ${state} where ${current(tx, delivery)}`;
  }
  await tx`update license set ${tx({ ...headAfter })} where number = ${number}`;
  const receipt = receiptWriter.write(delivery, at, await readWitnessedTree(tx, receiptWriter.origin));
  await tx`
    insert into act (number, revision, act, identifier, version, state, changed_at, record, document_digest, signature,
      content_digest, receipt, collected_at)
    values (${number}, ${revision}, ${delivery.act}, ${identifier}, ${version}, ${state}, ${delivery.changedAt},
      ${record.text}::text::json, ${documentDigest}, ${signature && Buffer.from(signature)}, ${contentDigest}, ${receipt}, ${at})`;
  return receipt;
}

/** SQL condition: the newest version before an act, and the one in force until that begins. */
function current(tx: postgres.TransactionSql, delivery: Delivery) {
  const { changedAt } = delivery;
  return tx`number = ${licenseOf(delivery)} and state <> 'SUPERSEDED'
    and (superseded_from is null or superseded_from > ${toShanghaiDate(new Date(changedAt))})`;
}

/** Supersedes what a new version replaces, at once or from its first day on. */
async function replaceVersions(
  tx: postgres.TransactionSql,
  delivery: Delivery,
  takeoverDay: string | null,
): Promise<void> {
  const change = takeoverDay === null ? tx`state = 'SUPERSEDED'` : tx`superseded_from = ${takeoverDay}`;
  await tx`update certificate set ${change} where ${current(tx, delivery)}`;
}

/** Signs the receipt of an act that a release before 0.4 collected. Runs when the hub delivers the act again. */
async function signOldReceipt(
  tx: postgres.TransactionSql,
  receiptWriter: ReceiptWriter,
  delivery: Delivery,
  { collectedAt }: CollectedAct,
): Promise<string> {
  const { revision } = delivery;
  const number = licenseOf(delivery);
  const receipt = receiptWriter.write(delivery, collectedAt, null);
  await tx`update act set receipt = ${receipt} where number = ${number} and revision = ${revision}`;
  return receipt;
}

/** Returns the newest tree of the hub's log that the library signed, or null. */
export async function readWitnessedTree(sql: postgres.ISql, origin: string | null): Promise<WitnessedTree | null> {
  const [row] = await sql<{ size: string; root: string }[]>`
    select size, root from witnessed where origin = ${origin} and note is not null`;
  return row && origin !== null ? { origin, size: Number(row.size), root: row.root } : null;
}

async function findCertificate(sql: postgres.Sql, identifier: string): Promise<StoredCertificate | null> {
  type Row = Omit<StoredCertificate, 'acts' | 'record' | 'hold' | 'heldUntil' | keyof StoredAct> & {
    state: State;
    documentDigest: string;
    record: unknown;
  };
  const [row] = await sql<Row[]>`
    select c.identifier, c.number, c.version, c.state, c.record::text as record, c.superseded_from, c.document_digest, f.bytes as document, c.signature
    from certificate c join file f on f.digest = c.document_digest
    where c.identifier = ${identifier}`;
  if (!row) return null;
  const acts = await sql<StoredAct[]>`
    select revision, act, state, changed_at, collected_at, receipt, document_digest
    from act where identifier = ${identifier} order by revision`;
  const newestAct = acts.at(-1) ?? (await findRegistration(sql, identifier));
  if (!newestAct) throw new Error(`certificate without an act: ${identifier}`);
  const { revision, changedAt, collectedAt, receipt } = newestAct;
  const record = readVersionRecord(JSON.parse(String(row.record)));
  const hold = await findHold(sql, row.number);
  const number = record.ZZBH;
  const heldUntil = hold?.until ?? null;
  return { ...row, number, revision, changedAt, collectedAt, receipt, record, hold, heldUntil, acts: [...acts] };
}

async function findHold(sql: postgres.Sql, number: string): Promise<Hold | null> {
  const [hold] = await listHolds(sql, number);
  return hold ?? null;
}

/** Returns the entry of a version from paper as an act, or null. It is no act on the license: its revision is 0. */
async function findRegistration(sql: postgres.Sql, identifier: string): Promise<StoredAct | null> {
  const [row] = await sql<StoredAct[]>`
    select 0 as revision, act, state, stated_at as changed_at, collected_at, receipt, document_digest
    from statement where identifier = ${identifier} and act = 'REGISTER'`;
  return row ?? null;
}

async function readCounts(sql: postgres.Sql, today: string): Promise<Counts> {
  // The rule of `stateOn`. Days compare as texts.
  const states = await sql<{ state: ValidityState; count: number }[]>`
    select case
      when state in ('VALID', 'SUSPENDED') and superseded_from <= ${today}::text then 'SUPERSEDED'
      when state in ('VALID', 'SUSPENDED') and record->>'ZZYXQJZRQ' <> '长期' and record->>'ZZYXQJZRQ' < ${today}::text
        and record->>'ZZYXQJZRQ' > coalesce(held.until, '') then 'LAPSED'
      when state = 'VALID' and record->>'ZZYXQQSRQ' > ${today}::text then 'NOT_YET_VALID'
      else state end as state, count(*)::int as count
    from certificate left join (${selectHeldDays(sql)}) held using (number) group by 1 order by 1`;
  const [acts] = await sql<{ count: number; last: Date | null }[]>`
    select count(*)::int as count, max(collected_at) as last from act`;
  return { states, acts: acts?.count ?? 0, lastCollectedAt: acts?.last ?? null };
}
