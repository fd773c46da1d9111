import {
  bigint,
  customType,
  index,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { messageTables } from '../kernel/outbox.ts';
import type { SealKind, SealState } from './seal.ts';

const schema = pgSchema('seals');
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const moment = () => timestamp({ withTimezone: true });

/** The certification authorities of the test PKI: `root` and `issuing`. */
export const authority = schema.table('authority', {
  id: text().primaryKey(),
  certificatePem: text().notNull(),
  publicKeyPem: text().notNull(),
  encryptedKey: bytea().notNull(),
});

/** Electronic seals with their certificates and encrypted keys. */
export const seal = schema.table(
  'seal',
  {
    id: text().primaryKey(),
    organ: text().notNull(),
    name: text().notNull(),
    kind: text().$type<SealKind>().notNull(),
    state: text().$type<SealState>().notNull(),
    suite: text().notNull(),
    validFrom: moment().notNull(),
    validUntil: moment().notNull(),
    certificatePem: text().notNull(),
    encryptedKey: bytea().notNull(),
  },
  (table) => [index().on(table.organ)],
);

/** Matters for which a seal may be used. */
export const sealGrant = schema.table(
  'seal_grant',
  {
    sealId: text()
      .notNull()
      .references(() => seal.id),
    matterId: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.sealId, table.matterId] })],
);

/** What was done with a seal itself: made, stopped, resumed, granted; append-only. */
export const sealEvent = schema.table('seal_event', {
  serial: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  sealId: text().notNull(),
  event: text().notNull(),
  matterId: text(),
  /** Null where the hub itself did it at its first start. */
  actorId: text(),
  actor: text().notNull(),
  reason: text(),
  at: moment().notNull(),
});

/** Every use of every seal (用印日志), with the signature it made; append-only. */
export const sealUse = schema.table(
  'seal_use',
  {
    /** The act's id in licenses, or the decision document's in cases: one act, one use. */
    issuanceId: uuid().primaryKey(),
    serial: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().unique(),
    sealId: text()
      .notNull()
      .references(() => seal.id),
    suite: text().notNull(),
    authorisedById: text().notNull(),
    authorisedBy: text().notNull(),
    authorisation: text().notNull(),
    organ: text().notNull(),
    matterId: text().notNull(),
    caseId: uuid(),
    act: text().notNull(),
    identifier: text().notNull(),
    documentDigest: text().notNull(),
    contentDigest: text().notNull(),
    signature: bytea().notNull(),
    at: moment().notNull(),
  },
  (table) => [
    index().on(table.organ, table.serial),
    index().on(table.sealId, table.serial),
    index().on(table.identifier),
    // One decision, one use: nulls, the acts without a case, do not collide.
    uniqueIndex().on(table.caseId),
  ],
);

export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = messageTables(schema);
