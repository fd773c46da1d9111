import { asc, inArray, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { computeContentDigest, type EventPayload } from '../../kernel/events/events.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { LicenseType } from '../../kernel/license-type/type.ts';
import type { Publication } from '../guide/store.ts';
import { CONSUMERS, messages } from '../store.ts';
import { licenseTypeVersion } from './tables.ts';
import type { PublishedVersion } from './version.ts';

/** Lets one version be published at a time. */
export async function lockTypes(tx: Transaction): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(7310007)`);
}

/** Returns every version of each type, oldest first, in the order of `codes`; [] if there is none. */
export async function findVersions(db: Reader, codes: readonly string[]): Promise<PublishedVersion[][]> {
  const rows = await db
    .select()
    .from(licenseTypeVersion)
    .where(inArray(licenseTypeVersion.code, [...codes]))
    .orderBy(asc(licenseTypeVersion.version));
  const rowsByCode = Map.groupBy(rows, ({ code }) => code);
  return codes.map((code) => rowsByCode.get(code) ?? []);
}

export async function insertVersion(
  tx: Transaction,
  version: number,
  type: LicenseType,
  publication: Publication,
): Promise<void> {
  const { code, validFrom } = type;
  const row = { code, version, type, validFrom, digest: computeContentDigest(type), ...publication };
  await tx.insert(licenseTypeVersion).values(row);
}

export async function sendTypeEvent(
  tx: Transaction,
  payload: EventPayload<'LicenseTypeChanged'>,
  at: Date,
): Promise<void> {
  const stream = `license-type:${payload.code}`;
  await appendEvent(tx, messages, CONSUMERS, { type: 'LicenseTypeChanged', stream, occurredAt: at, payload });
}
