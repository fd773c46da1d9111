import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytea, digest, instant, serial } from '../../kernel/columns.ts';
import type { NoticeContent, NoticeKind } from './notice.ts';

const schema = pgSchema('cases');

/**
 * The newest number of each mark (发文机关代字) and year. It is taken under a row lock, so that no number is lost. Two organs
 * with one mark take from one series, so that no number occurs twice.
 */
export const documentNumber = schema.table(
  'document_number',
  { mark: text().notNull(), year: text().notNull(), newest: integer().notNull() },
  (table) => [primaryKey({ columns: [table.mark, table.year] })],
);

/** The full text of every notice and decision document, append-only. */
export const notice = schema.table(
  'notice',
  {
    /** Where it is sealed, also the issuance id under which its seal is used. */
    id: uuid().primaryKey(),
    serial: serial().unique(),
    caseId: uuid().notNull(),
    kind: text().$type<NoticeKind>().notNull(),
    number: text().notNull().unique(),
    content: jsonb().$type<NoticeContent>().notNull(),
    /** SHA-256, hex, of the canonical content (RFC 8785). */
    contentDigest: digest().notNull(),
    issuedAt: instant().notNull(),
    organ: text().notNull(),
  },
  (table) => [
    index().on(table.caseId, table.serial),
    // The list of published decisions.
    index('notice_decisions').on(table.issuedAt, table.serial).where(sql`kind = 'DECISION'`),
  ],
);

/** The seal on a decision document or another notice. It is authorised with the step and used afterwards. */
export const decisionSeal = schema.table(
  'decision_seal',
  {
    noticeId: uuid()
      .primaryKey()
      .references(() => notice.id),
    state: text().$type<'PREPARED' | 'DONE'>().notNull(),
    organ: text().notNull(),
    matterId: text().notNull(),
    /** The seal authorisation of the decider, or of whoever did the step: a JWS that only the seals subgraph reads. */
    authorisation: text().notNull(),
    preparedAt: instant().notNull(),
    /** Digest of the file to be sealed, once it is rendered. The first rendering stays. */
    documentDigest: digest(),
    /** Why it waits, after a failed attempt. */
    waitingFor: text(),
    /** No other attempt starts before this time. */
    leasedUntil: instant().notNull(),
    signature: bytea(),
    sealId: text(),
    signedAt: instant(),
  },
  (table) => [index().on(table.state, table.leasedUntil)],
);

/** Files that are sealed, byte for byte: append-only. */
export const sealedFile = schema.table('sealed_file', {
  digest: digest().primaryKey(),
  bytes: bytea().notNull(),
});
