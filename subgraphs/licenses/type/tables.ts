import { jsonb, pgSchema, text } from 'drizzle-orm/pg-core';
import type { PublishedLicenseType } from '../../kernel/license-type/type.ts';

/** License types (证照类型), from the newest LicenseTypeChanged. */
export const licenseType = pgSchema('licenses').table('license_type', {
  code: text().primaryKey(),
  fact: jsonb().$type<PublishedLicenseType>().notNull(),
});
