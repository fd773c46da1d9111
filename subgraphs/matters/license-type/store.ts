import { and, asc, inArray, lte, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { computeContentDigest, type EventPayload } from '../../kernel/events/events.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { LicenseType } from '../../kernel/license-type/type.ts';
import { byText, type KeysetRequest, selectPage } from '../../kernel/list/keyset-store.ts';
import type { Page } from '../../kernel/list/page.ts';
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

/** The order of `licenseTypes`. */
export const TYPE_ORDER = byText('licenseTypes', licenseTypeVersion.code, ({ code }: { code: string }) => code);

/** Returns a page of the codes of types that have a version in force on a day. */
export function listCodes(db: Reader, on: Day, page: KeysetRequest): Promise<Page<{ code: string }>> {
  return selectPage(page, (keyset) =>
    db
      .selectDistinct({ code: licenseTypeVersion.code })
      .from(licenseTypeVersion)
      .where(and(lte(licenseTypeVersion.validFrom, on), keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
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
