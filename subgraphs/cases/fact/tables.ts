import { sql } from 'drizzle-orm';
import { index, jsonb, pgSchema, text } from 'drizzle-orm/pg-core';
import { instant } from '../../kernel/columns.ts';
import type { PublishedLicenseType } from '../../kernel/license-type/type.ts';
import { defineOrganTable } from '../../kernel/organ/organ-tables.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import type { LicenseFact } from '../case.ts';
import type { PublishedGuides } from '../reception/guide.ts';

const schema = pgSchema('cases');

/** Organs that a reform concerns, from the newest OrganChanged. */
export const organFact = defineOrganTable(schema);

/** Matters, from the newest DelegationChanged. */
export const matterFact = schema.table('matter_fact', {
  matterId: text().primaryKey(),
  fact: jsonb().$type<MatterFact>().notNull(),
});

/** Service guides (办事指南) of a matter, from the newest GuideChanged. */
export const guideFact = schema.table('guide_fact', {
  matterId: text().primaryKey(),
  fact: jsonb().$type<PublishedGuides>().notNull(),
});

/** Licenses, from the newest LicenseChanged. */
export const licenseFact = schema.table(
  'license_fact',
  {
    /** Its key. */
    number: text().primaryKey(),
    /** Its number as the paper shows it. */
    printed: text().notNull(),
    fact: jsonb().$type<LicenseFact>().notNull(),
  },
  (table) => [
    index().on(table.printed),
    index('license_fact_until').on(sql`(${table.fact}->'license'->>'validUntil')`),
  ],
);

/** The license that identifiers name, by what those of a license share (`keyOfLicense`). Filled by LicenseChanged. */
export const licenseKey = schema.table('license_key', { key: text().primaryKey(), number: text().notNull() });

/** Acceptance seals (受理专用章) that were put into use, one an organ, from SealChanged. */
export const acceptanceSeal = schema.table('acceptance_seal', {
  organ: text().primaryKey(),
  /** When it was first put into use: notices written since then bear it. */
  requiredSince: instant().notNull(),
});

/** License types (证照类型), from the newest LicenseTypeChanged. */
export const licenseTypeFact = schema.table('license_type_fact', {
  code: text().primaryKey(),
  fact: jsonb().$type<PublishedLicenseType>().notNull(),
});
