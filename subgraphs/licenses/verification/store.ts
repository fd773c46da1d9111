import { and, desc, eq } from 'drizzle-orm';
import type { Reader } from '../../../db/client.ts';
import type { Act, LicenseState } from '../../kernel/license-acts.ts';
import * as tables from '../tables.ts';

const { act, document, licenseEntry } = tables;

/** A file that the hub issued, with what stands beside it. */
export interface Issued {
  /** Version that the file is, or whose act it states. */
  identifier: string;
  file: Uint8Array;
  /** CMS, DER; null where the file carries its own. */
  signature: Uint8Array | null;
}

/** The file of a finished act by its digest, or null. The first look is by primary key: a guess costs no more than that. */
export async function findIssued(db: Reader, digest: string): Promise<Issued | null> {
  const [file] = await db.select().from(document).where(eq(document.digest, digest));
  if (!file) return null;
  const [made] = await db
    .select({ identifier: act.identifier, signatureDigest: act.signatureDigest })
    .from(act)
    .where(and(eq(act.number, file.number), eq(act.documentDigest, digest), eq(act.state, 'DONE')))
    .limit(1);
  if (!made?.signatureDigest) return null;
  const [beside] = await db
    .select({ bytes: document.bytes })
    .from(document)
    .where(eq(document.digest, made.signatureDigest));
  return { identifier: made.identifier, file: file.bytes, signature: beside?.bytes ?? null };
}

export interface LifeEvent {
  act: Act;
  version: number;
  state: LicenseState;
  at: Date;
}

/** Acts that are shown of one license. */
const LIFE_MOST = 200;

/** The newest acts on the license under a number, oldest first. */
export async function listLife(db: Reader, number: string): Promise<LifeEvent[]> {
  const { act, version, stateAfter, at, seq } = licenseEntry;
  const rows = await db
    .select({ act, version, state: stateAfter, at })
    .from(licenseEntry)
    .where(eq(licenseEntry.number, number))
    .orderBy(desc(seq))
    .limit(LIFE_MOST);
  return rows.reverse();
}
