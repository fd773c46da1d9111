import { sql } from 'drizzle-orm';
import { index, integer, pgSchema, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { bytea, digest, instant, serial } from '../../kernel/columns.ts';
import type { MessageType, Verdict } from './message.ts';

const schema = pgSchema('cases');

/** Approval platforms of city organs (审批平台); at most one in use per organ. */
export const platform = schema.table(
  'platform',
  {
    id: uuid().primaryKey(),
    /** Order of registration, and key for keyset pagination. */
    serial: serial().unique(),
    organ: text().notNull(),
    name: text().notNull(),
    /** The URL that the hub posts to. */
    url: text().notNull(),
    /** Version of the derived secret that signs what the hub sends. */
    secretVersion: integer().notNull(),
    registeredAt: instant().notNull(),
    removedAt: instant(),
  },
  (table) => [uniqueIndex().on(table.organ).where(sql`removed_at is null`)],
);

/** Public keys of platforms. They are never deleted, so that every message can be verified again. */
export const platformKey = schema.table(
  'platform_key',
  {
    /** JWK thumbprint, RFC 7638, SHA-256, base64url. */
    kid: text().primaryKey(),
    platformId: uuid()
      .notNull()
      .references(() => platform.id),
    /** Public key, Ed25519: `x` of the JWK, RFC 8037. */
    x: text().notNull(),
    validFrom: instant().notNull(),
    /** First moment at which it is no longer valid, or null. */
    validTo: instant(),
  },
  (table) => [index().on(table.platformId)],
);

/** Cases that are or were with a platform. The newest `arrivedAt` of a case shows where it is. */
export const platformCase = schema.table(
  'platform_case',
  {
    caseId: uuid().notNull(),
    platformId: uuid()
      .notNull()
      .references(() => platform.id),
    /** The outbox stream for this platform and case. */
    stream: text().notNull(),
    /** Revision of the event that announced the arrival. */
    revision: integer().notNull(),
    arrivedAt: instant().notNull(),
    /** 签收, since the newest arrival. */
    receivedAt: instant(),
  },
  (table) => [primaryKey({ columns: [table.caseId, table.platformId] })],
);

/** Every correctly signed message of a platform with the hub's answer. Evidence, append-only. */
export const platformMessage = schema.table(
  'platform_message',
  {
    platformId: uuid()
      .notNull()
      .references(() => platform.id),
    id: uuid().notNull(),
    serial: serial().unique(),
    type: text().$type<MessageType>().notNull(),
    caseNumber: text().notNull(),
    kid: text()
      .notNull()
      .references(() => platformKey.kid),
    /** SHA-256 of `raw`, hex. */
    digest: digest().notNull(),
    /** The exact bytes of the body. */
    raw: bytea().notNull(),
    /** The received detached JWS over `raw`. */
    signature: text().notNull(),
    receivedAt: instant().notNull(),
    verdict: text().$type<Verdict>().notNull(),
    /** `seq` of the case's step that the message made, or null. */
    stepSeq: integer(),
    status: integer().notNull(),
    /** The body of the answer. */
    answer: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.platformId, table.id] }), index().on(table.caseNumber, table.serial)],
);
