import { and, asc, eq, inArray, lte, sql } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Act, LicenseState } from '../../kernel/license-acts.ts';
import * as tables from '../tables.ts';

const { act, document, licenseEntry, licenseVersion } = tables;

/** A file that the hub issued, with its detached signature. */
export interface IssuedFile {
  /** Identifier of the license version that the file is, or whose act the file states. */
  identifier: string;
  file: Uint8Array;
  /** CMS, DER, or null if the signature is embedded. */
  signature: Uint8Array | null;
}

/**
 * Finds the file of a finished act by its digest, or null. The first query uses the primary key, so guessing digests is
 * cheap for the hub.
 */
export async function findIssuedFile(db: Reader, digest: string): Promise<IssuedFile | null> {
  const [file] = await db.select().from(document).where(eq(document.digest, digest));
  if (!file) return null;
  const [doneAct] = await db
    .select({ identifier: act.identifier, signatureDigest: act.signatureDigest })
    .from(act)
    .where(and(eq(act.number, file.number), eq(act.documentDigest, digest), eq(act.state, 'DONE')))
    .limit(1);
  if (!doneAct) return null;
  // A statement of the register contains its signature.
  if (doneAct.signatureDigest === null) return { identifier: doneAct.identifier, file: file.bytes, signature: null };
  const [signatureFile] = await db
    .select({ bytes: document.bytes })
    .from(document)
    .where(eq(document.digest, doneAct.signatureDigest));
  return { identifier: doneAct.identifier, file: file.bytes, signature: signatureFile?.bytes ?? null };
}

/** Returns the address in the record of a license version (KZ_HYDZ), or null if there is none with this identifier. */
export async function findAskAddress(db: Reader, identifier: string): Promise<string | null> {
  const [row] = await db
    .select({ address: sql<string>`${licenseVersion.record}->>'KZ_HYDZ'` })
    .from(licenseVersion)
    .where(eq(licenseVersion.identifier, identifier));
  return row?.address ?? null;
}

export interface LifeEvent {
  act: Act;
  version: number;
  state: LicenseState;
  at: Date;
}

/** Maximum number of acts shown for one license. */
const MAX_LIFE_EVENTS = 200;

/** Lists the newest acts on the licenses with these numbers, by number, oldest first. */
export async function listLives(db: Reader, numbers: readonly string[]): Promise<Map<string, LifeEvent[]>> {
  const { act, version, stateAfter, at, seq, number } = licenseEntry;
  const place = sql<number>`row_number() over (partition by ${number} order by ${seq} desc)`.as('place');
  const ranked = db
    .select({ act, version, state: stateAfter, at, seq, number, place })
    .from(licenseEntry)
    .where(inArray(number, [...numbers]))
    .as('ranked');
  const rows = await db.select().from(ranked).where(lte(ranked.place, MAX_LIFE_EVENTS)).orderBy(asc(ranked.seq));
  return Map.groupBy(rows, (row) => row.number);
}
