import { and, asc, eq, inArray, like, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Reader } from '../../../db/client.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import {
  byValues,
  cutPage,
  idPart,
  numberPart,
  type Page,
  type PageRequest,
  textPart,
} from '../../kernel/http/page.ts';
import { buildAttachedRecord } from '../act/code.ts';
import type { StoredFile } from '../act/file-store.ts';
import { licenseStream } from '../act/ledger-store.ts';
import type { ActStatement, AttachedRecord, LicenseRecord } from '../act/record.ts';
import { act, document, outboxDelivery, outboxEvent, outboxReceipt } from '../tables.ts';

/** Position of a row in the feed: its transaction, then stream and revision. */
export interface FeedPosition {
  xid: string;
  stream: string;
  revision: number;
}

export interface FeedRow extends FeedPosition {
  change: EventPayload<'LicenseChanged'>;
}

/** The order of the feed: the transaction that wrote the event, then its stream and revision. */
export const BY_COMMIT = byValues<FeedPosition>({
  xid: textPart(/^\d{1,19}$/),
  stream: idPart,
  revision: numberPart(9),
});

/**
 * Returns every act on every license, in an order that never changes.
 *
 * Rows are ordered by the transaction that wrote them. A page ends before the oldest transaction that is still running.
 * A transaction that began earlier and commits later can therefore only appear after every cursor returned so far.
 * The cost: a long transaction anywhere in the database delays the feed. It never makes the feed wrong.
 */
export async function readFeed(db: Reader, page: PageRequest<FeedPosition>): Promise<Page<FeedRow>> {
  const { after } = page;
  const rows = await db
    .select()
    .from(outboxEvent)
    .where(
      and(
        eq(outboxEvent.type, 'LicenseChanged'),
        sql`${outboxEvent.xid} < pg_snapshot_xmin(pg_current_snapshot())`,
        after === null
          ? undefined
          : sql`(${outboxEvent.xid}, ${outboxEvent.stream}, ${outboxEvent.revision}) > (${after.xid}::xid8, ${after.stream}::text, ${after.revision}::int)`,
      ),
    )
    .orderBy(asc(outboxEvent.xid), asc(outboxEvent.stream), asc(outboxEvent.revision))
    .limit(page.first + 1);
  return cutPage(
    rows.map(({ xid, stream, revision, payload }) => ({
      xid,
      stream,
      revision,
      change: payload as EventPayload<'LicenseChanged'>,
    })),
    page.first,
  );
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
  const streams = versions.map((version) => licenseStream(version.number));
  const isLibraryDelivery = eq(outboxDelivery.consumer, 'library');
  const rows = await db
    .select()
    .from(outboxDelivery)
    .where(and(isLibraryDelivery, inArray(outboxDelivery.stream, streams)));
  const receipts = await db
    .select()
    .from(outboxReceipt)
    .where(
      and(
        eq(outboxReceipt.consumer, 'library'),
        inArray(outboxReceipt.stream, streams),
        like(outboxReceipt.stream, 'license:%'),
      ),
    );
  const deliveryTimes = new Map(receipts.map((row) => [`${row.stream} ${row.revision}`, row.deliveredAt]));
  const byStream = new Map(rows.map((row) => [row.stream, row]));
  return new Map(
    versions.map(({ identifier, number, revision }): [string, Collection] => {
      const stream = licenseStream(number);
      const row = byStream.get(stream);
      if (row && row.delivered >= revision) {
        const collectedAt = deliveryTimes.get(`${stream} ${revision}`) ?? null;
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
): Promise<{ file: StoredFile; signature: Uint8Array | null; record: AttachedRecord | ActStatement } | null> {
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
