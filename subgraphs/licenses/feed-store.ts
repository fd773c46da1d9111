import { and, asc, eq, inArray, like, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Reader } from '../../db/client.ts';
import type { EventPayload } from '../kernel/events.ts';
import { cutPage, type Page, type PageRequest } from '../kernel/page.ts';
import { attachedOf } from './code.ts';
import { licenseStream } from './ledger-store.ts';
import type { ActStatement, AttachedRecord, LicenseRecord } from './record.ts';
import type { StoredFile } from './store.ts';
import { act, document, outboxDelivery, outboxEvent, outboxReceipt } from './tables.ts';

/** Where a row of the feed stands: its transaction, then stream and revision. */
export interface FeedPosition {
  xid: string;
  stream: string;
  revision: number;
}

export interface FeedRow extends FeedPosition {
  change: EventPayload<'LicenseChanged'>;
}

/** Reads the parts of a feed cursor, or null where no page gave them. */
export function readPosition([xid, stream, revision]: readonly string[]): FeedPosition | null {
  if (!/^\d{1,20}$/.test(xid ?? '') || !/^\d{1,9}$/.test(revision ?? '') || stream === undefined) return null;
  return { xid: xid ?? '', stream, revision: Number(revision) };
}

/**
 * Every act on every license, in an order that never changes.
 *
 * Rows are ordered by the transaction that wrote them, and a page ends before the oldest transaction still running: one
 * that began earlier and commits later can then only appear after every cursor given out, never before. The price is
 * that a long transaction anywhere in the database holds the feed back; it never makes it wrong.
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

/** How far a version is on its way to the city library. */
export interface Collection {
  state: 'PENDING' | 'COLLECTED' | 'FAILED';
  attempts: number;
  collectedAt: Date | null;
  lastError: string | null;
}

/** The collection of versions, by identifier; `revision` is that of the version's newest event. */
export async function findCollections(
  db: Reader,
  versions: readonly { identifier: string; number: string; revision: number }[],
): Promise<Map<string, Collection>> {
  const streams = versions.map((version) => licenseStream(version.number));
  const ofLibrary = eq(outboxDelivery.consumer, 'library');
  const rows = await db
    .select()
    .from(outboxDelivery)
    .where(and(ofLibrary, inArray(outboxDelivery.stream, streams)));
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
  const delivered = new Map(receipts.map((row) => [`${row.stream} ${row.revision}`, row.deliveredAt]));
  const byStream = new Map(rows.map((row) => [row.stream, row]));
  return new Map(
    versions.map(({ identifier, number, revision }): [string, Collection] => {
      const stream = licenseStream(number);
      const row = byStream.get(stream);
      if (row && row.delivered >= revision) {
        const collectedAt = delivered.get(`${stream} ${revision}`) ?? null;
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

/** The file of an act with what it says, the record attached to a document or the statement itself, and the signature beside it. */
export async function findSealed(
  db: Reader,
  sealed: { documentDigest: string; signatureDigest: string },
): Promise<{ file: StoredFile; signature: Uint8Array | null; record: AttachedRecord | ActStatement } | null> {
  const beside = alias(document, 'beside');
  const [row] = await db
    .select({ file: document, signature: beside.bytes, record: act.record, code: act.code })
    .from(document)
    // By the number, which acts are indexed by.
    .innerJoin(act, and(eq(act.number, document.number), eq(act.documentDigest, document.digest)))
    .leftJoin(beside, eq(beside.digest, sealed.signatureDigest))
    .where(eq(document.digest, sealed.documentDigest));
  if (!row) return null;
  const { file, signature, code } = row;
  return { file, signature, record: code === null ? row.record : attachedOf(row.record as LicenseRecord, code) };
}
