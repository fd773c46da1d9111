import { jsonb, pgSchema, text } from 'drizzle-orm/pg-core';
import type { PublishedLicenseType } from '../../kernel/license-type/type.ts';

/** License types (证照类型), from the newest LicenseTypeChanged. */
export const licenseTypeFact = pgSchema('cases').table('license_type_fact', {
  code: text().primaryKey(),
  fact: jsonb().$type<PublishedLicenseType>().notNull(),
});
