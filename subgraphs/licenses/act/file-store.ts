import { eq, inArray, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { act, document } from '../tables.ts';

/** A file under its digest: a sealed document, a signature, or a statement. */
export interface StoredFile {
  digest: string;
  mediaType: string;
  name: string;
  number: string;
  bytes: Uint8Array;
}

/** Stores files under their digests. Does nothing for a file that is already stored. */
export async function storeFiles(tx: Transaction, files: StoredFile[]): Promise<void> {
  await tx.insert(document).values(files).onConflictDoNothing();
}

/**
 * Stores the sealed file of an act: the rendered file (`act.rendered`) in which `part` replaces the bytes from `from`.
 * Only the changed part is sent, so that a document is sent to the database once.
 * Throws an Error if the result does not have the digest `digest`.
 */
export async function storeSealedFile(
  tx: Transaction,
  actId: string,
  { part, from }: { part: Uint8Array; from: number },
  { digest, mediaType, number, name }: Omit<StoredFile, 'bytes'>,
): Promise<void> {
  const storedRows = await tx.execute(sql`
    with sealed as materialized (
      select overlay(rendered placing ${sql.param(part, document.bytes)} from ${from + 1}) as bytes from ${act} where id = ${actId}
    )
    insert into ${document} (digest, media_type, bytes, number, name)
    select ${digest}::text, ${mediaType}::text, bytes, ${number}::text, ${name}::text from sealed
    where encode(sha256(bytes), 'hex') = ${digest} returning digest`);
  if (storedRows.length === 0) throw new Error(`what is kept of act ${actId} is not what was sealed`);
}

export async function findFile(db: Reader, digest: string): Promise<StoredFile | null> {
  const [row] = await db.select().from(document).where(eq(document.digest, digest));
  return row ?? null;
}

/** Returns the media type and size of files by digest, without their bytes. */
export async function findFileFacts(
  db: Reader,
  digests: readonly string[],
): Promise<Map<string, { mediaType: string; sizeBytes: number }>> {
  const rows = await db
    .select({
      digest: document.digest,
      mediaType: document.mediaType,
      sizeBytes: sql<number>`length(${document.bytes})`,
    })
    .from(document)
    .where(inArray(document.digest, [...digests]));
  return new Map(rows.map((row) => [row.digest, row]));
}
