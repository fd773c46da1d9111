import { and, asc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Reader, Transaction } from '../../../db/client.ts';
import { inOrder } from '../../../db/in-order.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import {
  idPart,
  type KeyValue,
  type ListOrder,
  numberPart,
  type Page,
  type PageRequest,
  textPart,
} from '../../kernel/list/page.ts';
import type { RegisterStatement } from '../../kernel/sealing/attest.ts';
import { LIBRARY_CONSUMERS, licenseStream } from '../act/event-store.ts';
import type { StoredFile } from '../act/file-store.ts';
import type { ActStatement, LicenseRecord } from '../act/record.ts';
import { buildAttachedRecord } from '../document/code.ts';
import { registerStream } from '../register/store.ts';
import { act, document, licenseChange, outboxDelivery, outboxEvent, outboxReceipt, outboxStream } from '../tables.ts';

/** Position of a row in the feed. */
export interface FeedPosition {
  /** `p` and the place. Cursors of releases up to 0.4.1 hold the transaction id, digits alone, in its stead. */
  place: string;
  stream: string;
  revision: number;
}

export interface FeedRow extends FeedPosition {
  change: EventPayload<'LicenseChanged'>;
}

/**
 * The order of the feed: the place of the event. Stream and revision find the place of an older cursor. Readers keep
 * its cursors, so they have no name.
 */
export const FEED_ORDER: ListOrder<FeedRow> = {
  name: null,
  direction: 'ASC',
  keys: [
    { part: textPart(/^(p\d{1,15}|\d{1,19})$/), readValue: ({ place }) => place },
    { part: idPart, readValue: ({ stream }) => stream },
    { part: numberPart(9), readValue: ({ revision }) => revision },
  ],
};

/** Id of the advisory lock under which places are taken. Locks apply to the whole database. */
const PLACE_LOCK_ID = 7_320_001;

/**
 * Gives the events of a stream, or of every stream for null, their places in the feed. Must be the last that its
 * transaction does: the lock is held until the transaction has committed, so places become visible in their order.
 */
export async function placeChanges(tx: Transaction, stream: string | null): Promise<void> {
  const hasPlace = sql`exists (select from ${licenseChange} c where c.stream = e.stream and c.revision = e.revision)`;
  await inOrder(tx, [
    (tx) => tx.execute(sql`select pg_advisory_xact_lock(${PLACE_LOCK_ID})`),
    (tx) =>
      tx.execute(sql`insert into ${licenseChange} (place, stream, revision)
        select (select coalesce(max(place), 0) from ${licenseChange}) + row_number() over (order by occurred_at, stream, revision),
          stream, revision
        from ${outboxEvent} e
        where e.type = 'LicenseChanged' and ${stream === null ? sql`true` : sql`e.stream = ${stream}`} and not ${hasPlace}`),
  ]);
}

/** Returns every act on every license, in an order that never changes, also in another cluster. */
export async function readFeed(db: Reader, page: PageRequest): Promise<Page<FeedRow>> {
  const { place, stream, revision } = licenseChange;
  const isEvent = and(eq(outboxEvent.stream, stream), eq(outboxEvent.revision, revision));
  const rows = await db
    .select({ place, stream, revision, payload: outboxEvent.payload })
    .from(licenseChange)
    .innerJoin(outboxEvent, isEvent)
    .where(page.cursor === null ? undefined : sql`${place} > ${selectPlace(page.cursor)}`)
    .orderBy(asc(place))
    .limit(page.count + 1);
  const cut = rows
    .slice(0, page.count)
    .map((row) => ({ ...row, place: `p${row.place}`, change: row.payload as EventPayload<'LicenseChanged'> }));
  return { rows: cut, hasNextPage: rows.length > page.count, hasPreviousPage: page.cursor !== null };
}

/**
 * Selects the place of a position. An older cursor whose event a restore has lost counts from the beginning: it repeats
 * changes, and misses none.
 */
function selectPlace([first, stream, revision]: readonly KeyValue[]): SQL {
  const place = String(first);
  if (place.startsWith('p')) return sql`${place.slice(1)}::bigint`;
  const { place: column, stream: ofStream, revision: ofRevision } = licenseChange;
  return sql`coalesce((select ${column} from ${licenseChange}
    where ${ofStream} = ${stream} and ${ofRevision} = ${revision}), 0)`;
}

/** State of the delivery of a version to the city library (归集). */
export interface Collection {
  state: 'PENDING' | 'COLLECTED' | 'FAILED';
  attempts: number;
  collectedAt: Date | null;
  lastError: string | null;
}

/** Returns the collection state of versions by identifier. `revision` is that of the version's newest event. */
export async function findCollections(
  db: Reader,
  versions: readonly { identifier: string; number: string; revision: number }[],
): Promise<Map<string, Collection>> {
  const streams = versions.flatMap(({ number }) => [licenseStream(number), registerStream(number)]);
  const consumers = Object.values(LIBRARY_CONSUMERS);
  const isLibraryDelivery = inArray(outboxDelivery.consumer, consumers);
  const rows = await db
    .select()
    .from(outboxDelivery)
    .where(and(isLibraryDelivery, inArray(outboxDelivery.stream, streams)));
  const receipts = await db
    .select()
    .from(outboxReceipt)
    .where(and(inArray(outboxReceipt.consumer, consumers), inArray(outboxReceipt.stream, streams)));
  const deliveryTimes = new Map(receipts.map((row) => [`${row.stream} ${row.revision}`, row.deliveredAt]));
  const byStream = new Map(rows.map((row) => [row.stream, row]));
  return new Map(
    versions.map(({ identifier, number, revision }): [string, Collection] => {
      // A version from paper is collected when the register's first statement is.
      const isFromPaper = revision === 0;
      const stream = isFromPaper ? registerStream(number) : licenseStream(number);
      const row = byStream.get(stream);
      if (row && row.delivered >= Math.max(revision, 1)) {
        const collectedAt = deliveryTimes.get(`${stream} ${Math.max(revision, 1)}`) ?? null;
        return [identifier, { state: 'COLLECTED', attempts: 0, collectedAt, lastError: null }];
      }
      const state = row?.rejectedAt ? 'FAILED' : 'PENDING';
      return [
        identifier,
        { state, attempts: row?.attempts ?? 0, collectedAt: null, lastError: row?.lastError ?? null },
      ];
    }),
  );
}

/**
 * Returns the sealed file of an act with its content and its detached signature, or null if there is no such file.
 * The content is the record attached to a document, or the statement itself.
 */
export async function findSealedFile(
  db: Reader,
  digests: { documentDigest: string; signatureDigest: string },
): Promise<{
  file: StoredFile;
  signature: Uint8Array | null;
  record: LicenseRecord | ActStatement | RegisterStatement;
} | null> {
  const signatureFile = alias(document, 'beside');
  const [row] = await db
    .select({ file: document, signature: signatureFile.bytes, record: act.record, code: act.code })
    .from(document)
    // Joins by number too, because the index of acts is on number.
    .innerJoin(act, and(eq(act.number, document.number), eq(act.documentDigest, document.digest)))
    .leftJoin(signatureFile, eq(signatureFile.digest, digests.signatureDigest))
    .where(eq(document.digest, digests.documentDigest));
  if (!row) return null;
  const { file, signature, code } = row;
  return {
    file,
    signature,
    record: code === null ? row.record : buildAttachedRecord(row.record as LicenseRecord, code),
  };
}

/** Whether nothing has changed the license since an event of its stream. */
export async function isNewestChange(
  db: Reader,
  { stream, revision }: { stream: string; revision: number },
): Promise<boolean> {
  const [row] = await db.select({ head: outboxStream.head }).from(outboxStream).where(eq(outboxStream.stream, stream));
  return row?.head === revision;
}
