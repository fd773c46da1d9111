import { foreignKey, integer, jsonb, pgSchema, primaryKey, text } from 'drizzle-orm/pg-core';
import { day, digest, divisionCode, instant } from '../../kernel/columns.ts';
import type { Guide } from './guide.ts';
import type { Overlay } from './overlay.ts';

const schema = pgSchema('matters');

/** Columns of each publication in addition to its content. */
const publication = () => ({
  validFrom: day().notNull(),
  /** Digest of the content: a file with the same content changes nothing. */
  digest: digest().notNull(),
  publishedAt: instant().notNull(),
  /** Id of the person who published it. */
  publishedBy: text().notNull(),
});

/** Published versions of service guides (办事指南): append-only. A version ends where the next one begins. */
export const guideVersion = schema.table(
  'guide_version',
  {
    matterId: text().notNull(),
    version: integer().notNull(),
    guide: jsonb().$type<Guide>().notNull(),
    ...publication(),
  },
  (table) => [primaryKey({ columns: [table.matterId, table.version] })],
);

/** Counties' overlays on versions: append-only. A revision ends where the next one begins, or with its version. */
export const guideOverlay = schema.table(
  'guide_overlay',
  {
    matterId: text().notNull(),
    version: integer().notNull(),
    divisionCode: divisionCode().notNull(),
    revision: integer().notNull(),
    overlay: jsonb().$type<Overlay>().notNull(),
    /** The version it was carried over from, or null if the county published it. */
    carriedFrom: integer(),
    ...publication(),
  },
  (table) => [
    primaryKey({ columns: [table.matterId, table.version, table.divisionCode, table.revision] }),
    foreignKey({
      columns: [table.matterId, table.version],
      foreignColumns: [guideVersion.matterId, guideVersion.version],
    }),
  ],
);
