import { and, eq, or } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import { listOwners, readHeld } from '../../kernel/identity/co-ownership.ts';
import { act, document, license, licenseVersion } from '../tables.ts';

/** A file without its bytes, and the holder whose code it has. */
export interface FileOwner {
  number: string;
  name: string;
  mediaType: string;
  /** Codes of the holders on the version that the file is, or that it is about. */
  holderCodes: string[];
  /** Codes of the holders of the license today. */
  currentHolderCodes: string[];
}

/** Returns whose data a file has, or null if there is no such file. */
export async function findFileOwner(db: Reader, digest: string): Promise<FileOwner | null> {
  const [row] = await db
    .select({
      number: document.number,
      name: document.name,
      mediaType: document.mediaType,
      record: licenseVersion.record,
      currentHolderCode: license.holderCode,
      coHolderCodes: license.coHolderCodes,
    })
    .from(document)
    .innerJoin(license, eq(license.number, document.number))
    .leftJoin(
      act,
      and(
        eq(act.number, document.number),
        or(eq(act.documentDigest, document.digest), eq(act.signatureDigest, document.digest)),
      ),
    )
    .leftJoin(licenseVersion, eq(licenseVersion.identifier, act.identifier))
    .where(eq(document.digest, digest))
    .limit(1);
  if (!row) return null;
  const { record, currentHolderCode, coHolderCodes, ...file } = row;
  const currentHolderCodes = [currentHolderCode, ...coHolderCodes];
  const holderCodes = record === null ? currentHolderCodes : listOwners(readHeld(record)).map(({ code }) => code);
  return { ...file, holderCodes, currentHolderCodes };
}
