import { integer, jsonb, pgSchema, primaryKey, text } from 'drizzle-orm/pg-core';
import { day, digest, instant } from '../../kernel/columns.ts';
import type { LicenseType } from '../../kernel/license-type/type.ts';

/** Published versions of license types (证照类型): append-only. A version ends where the next one begins. */
export const licenseTypeVersion = pgSchema('matters').table(
  'license_type_version',
  {
    code: text().notNull(),
    version: integer().notNull(),
    type: jsonb().$type<LicenseType>().notNull(),
    validFrom: day().notNull(),
    /** Digest of the type: a file with the same content changes nothing. */
    digest: digest().notNull(),
    publishedAt: instant().notNull(),
    /** Id of the person who proposed it. */
    publishedBy: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.code, table.version] })],
);
