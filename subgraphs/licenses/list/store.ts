import { and, desc, eq, exists, type SQL, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Reader } from '../../../db/client.ts';
import type { Person } from '../../kernel/actor.ts';
import type { Day } from '../../kernel/day.ts';
import type { ValidityState } from '../../kernel/license-acts.ts';
import { bySerial, type ColumnOrder, type KeysetRequest, selectCountedPage } from '../../kernel/list/keyset-store.ts';
import { type CountedPage, dayPart, numberPart, serialPart } from '../../kernel/list/page.ts';
import { buildVisibilityCondition, isHeldBy, type StoredLicense } from '../store.ts';
import { license, licenseVersion, sheet } from '../tables.ts';
import { buildCurrentIdentifier, buildStateCondition } from '../validity/store.ts';
import { buildQueryCondition, type LicenseQuery, worthOf } from './finding-store.ts';

export interface LicenseFilter {
  state: ValidityState | null;
  /** The day on which the state counts. */
  day: Day;
  matter: string | null;
  number: string | null;
  /** Number of a paper blank, folded. */
  blank: string | null;
  query: LicenseQuery;
}

const serialOf = ({ license }: StoredLicense) => license.serial;

/** The order by the last day of validity. One without an end is later than every day. */
const byEnd = (direction: 'ASC' | 'DESC'): ColumnOrder<StoredLicense> => ({
  name: `licenses VALID_UNTIL_${direction}`,
  direction,
  keys: [
    { column: license.validUntil, part: dayPart, readValue: ({ license }) => license.validUntil },
    { column: license.serial, part: serialPart, readValue: serialOf },
  ],
});

/** The orders of `licenses`. The serial number is that of the first issue. */
export const LICENSE_ORDERS = {
  ISSUED_DESC: bySerial('licenses ISSUED_DESC', license.serial, 'DESC', serialOf),
  ISSUED_ASC: bySerial('licenses ISSUED_ASC', license.serial, 'ASC', serialOf),
  VALID_UNTIL_ASC: byEnd('ASC'),
  VALID_UNTIL_DESC: byEnd('DESC'),
} as const satisfies Record<string, ColumnOrder<StoredLicense>>;

/** Lists the licenses that a person may see, with their current versions on the day of the filter. */
export function listLicenses(
  db: Reader,
  actor: Person,
  filter: LicenseFilter,
  page: KeysetRequest,
): Promise<CountedPage<StoredLicense>> {
  return selectCountedPage(db, page, (keyset) =>
    db
      .select({ license, version: licenseVersion })
      .from(license)
      .innerJoin(licenseVersion, eq(licenseVersion.identifier, buildCurrentIdentifier(filter.day)))
      .where(
        and(
          buildVisibilityCondition(actor),
          filter.state === null ? undefined : buildStateCondition(licenseVersion, filter.state, filter.day),
          filter.matter === null ? undefined : eq(license.matterId, filter.matter),
          filter.number === null ? undefined : eq(sql`licenses.fold_text(${license.printed})`, filter.number),
          filter.blank === null ? undefined : isOnBlank(db, actor, filter.blank),
          buildQueryCondition(actor, filter.query),
          keyset.condition,
        ),
      )
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}

/**
 * SQL: a version of the license stands on a sheet, spoiled or not, that the person may see. A new holder does not find
 * it by the paper of the holder before.
 */
function isOnBlank(db: Reader, actor: Person, blank: string): SQL {
  const printed = alias(licenseVersion, 'printed');
  return exists(
    db
      .select({ one: sql`1` })
      .from(sheet)
      .innerJoin(printed, eq(printed.identifier, sheet.identifier))
      .where(
        and(
          sql`licenses.fold_text(${sheet.blankNumber}) = ${blank}`,
          eq(sheet.number, license.number),
          buildVisibilityCondition(actor, printed),
        ),
      ),
  );
}

/** Most licenses that a search by a code answers. */
const MAX_FOUND_LICENSES = 100;

/** Returns the newest licenses of a holder that a person may see, with their current versions on a day. */
export function listLicensesOfHolder(
  db: Reader,
  actor: Person,
  holderCode: string,
  day: Day,
): Promise<StoredLicense[]> {
  return db
    .select({ license, version: licenseVersion })
    .from(license)
    .innerJoin(licenseVersion, eq(licenseVersion.identifier, buildCurrentIdentifier(day)))
    .where(and(isHeldBy(holderCode), buildVisibilityCondition(actor)))
    .orderBy(desc(license.serial))
    .limit(MAX_FOUND_LICENSES);
}

/** A license that a search found, and how well: more is better. */
export type FoundLicense = StoredLicense & { worth: number };

/** The order of `searchLicenses` for a folded text: best first, then newest first. */
export function toSearchOrder(text: string): ColumnOrder<FoundLicense> {
  return {
    name: 'searchLicenses',
    direction: 'DESC',
    keys: [
      { column: worthOf(text), part: numberPart(1), readValue: ({ worth }) => worth },
      { column: license.serial, part: serialPart, readValue: serialOf },
    ],
  };
}

/** Returns a page of the licenses that a person may see and that a folded text finds on a day, best first. */
export function searchLicenses(
  db: Reader,
  actor: Person,
  { text, day }: { text: string; day: Day },
  page: KeysetRequest,
): Promise<CountedPage<FoundLicense>> {
  const query = { text, holder: null, typeCode: null, organ: null, validFrom: null, validUntil: null };
  return selectCountedPage(db, page, (keyset) =>
    db
      .select({ license, version: licenseVersion, worth: worthOf(text) })
      .from(license)
      .innerJoin(licenseVersion, eq(licenseVersion.identifier, buildCurrentIdentifier(day)))
      .where(and(buildVisibilityCondition(actor), buildQueryCondition(actor, query), keyset.condition))
      .orderBy(...keyset.orderBy)
      .limit(keyset.limit),
  );
}
