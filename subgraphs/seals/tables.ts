import {
  bigint,
  customType,
  date,
  index,
  integer,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { messageTables } from '../kernel/outbox.ts';
import type { EndReason, SealKind, SealState } from './seal.ts';

const schema = pgSchema('seals');
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const moment = () => timestamp({ withTimezone: true });

/** What signs for the test PKI itself: `root`, `issuing`, `timestamp`, `status`; the last two in generations, all kept. */
export const authority = schema.table(
  'authority',
  {
    id: text().notNull(),
    generation: integer().notNull().default(1),
    certificatePem: text().notNull(),
    publicKeyPem: text().notNull(),
    encryptedKey: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.id, table.generation] })],
);

/** Electronic seals; keys and certificates stand in `seal_certificate`. */
export const seal = schema.table(
  'seal',
  {
    id: text().primaryKey(),
    organ: text().notNull(),
    name: text().notNull(),
    kind: text().$type<SealKind>().notNull(),
    state: text().$type<SealState>().notNull(),
    suite: text().notNull(),
    /** Validity of its newest certificate. */
    validFrom: moment().notNull(),
    validUntil: moment().notNull(),
    /** Number under which it is on file (备案编号); null before that, and for seals of earlier releases. */
    filingNumber: text(),
  },
  (table) => [index().on(table.organ)],
);

/** Keys of a seal and their certificates in generations (换证): the newest signs, every one stays published; append-only. */
export const sealCertificate = schema.table(
  'seal_certificate',
  {
    sealId: text()
      .notNull()
      .references(() => seal.id),
    generation: integer().notNull(),
    certificatePem: text().notNull(),
    /** Certificates above it without the root, PEM, where another authority made it; null where the hub's own did. */
    above: text().array(),
    encryptedKey: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.sealId, table.generation] })],
);

/** The small keys of each seal, for QR codes (二维码), with their certificates; in generations too; append-only. */
export const sealCodeKey = schema.table(
  'seal_code_key',
  {
    sealId: text()
      .notNull()
      .references(() => seal.id),
    generation: integer().notNull().default(1),
    certificatePem: text().notNull(),
    encryptedKey: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.sealId, table.generation] })],
);

/** For what, by whom and when a seal may be used (用印授权); append-only. */
export const sealGrant = schema.table(
  'seal_grant',
  {
    id: uuid().primaryKey().defaultRandom(),
    serial: bigint({ mode: 'number' }).generatedAlwaysAsIdentity(),
    sealId: text()
      .notNull()
      .references(() => seal.id),
    matterId: text().notNull(),
    /** Who may authorise the seal; null: whoever decides the matter. */
    personId: text(),
    /** First and last day; null: open. */
    validFrom: date(),
    validTo: date(),
  },
  (table) => [index().on(table.sealId, table.serial)],
);

/** Grants that were taken back (收回授权); append-only. */
export const sealGrantWithdrawal = schema.table('seal_grant_withdrawal', {
  grantId: uuid()
    .primaryKey()
    .references(() => sealGrant.id),
  at: moment().notNull(),
});

/** What was done with a seal itself: applied for, made, filed, stopped, resumed, granted, rotated, ended; append-only. */
export const sealEvent = schema.table('seal_event', {
  serial: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  sealId: text().notNull(),
  event: text().notNull(),
  matterId: text(),
  /** Null where the hub itself did it at its first start. */
  actorId: text(),
  actor: text().notNull(),
  /** The second person, whose application it rests on; null where one person alone may do it. */
  appliedById: text(),
  appliedBy: text(),
  applicationId: uuid(),
  reason: text(),
  at: moment().notNull(),
});

/** The office's own pictures of a seal (印模图片), PNG, the newest in force; without one the seal is drawn; append-only. */
export const sealPicture = schema.table(
  'seal_picture',
  {
    serial: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    sealId: text()
      .notNull()
      .references(() => seal.id),
    /** SHA-256 of the bytes, hex; both null where the seal is drawn again. */
    digest: text(),
    png: bytea(),
    actorId: text().notNull(),
    actor: text().notNull(),
    at: moment().notNull(),
  },
  (table) => [index().on(table.sealId, table.serial), index().on(table.digest)],
);

/** What every use of a seal's keys is recorded by; the act's id in licenses, or the decision document's in cases, comes once. */
const useColumns = () => ({
  issuanceId: uuid().primaryKey(),
  serial: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().unique(),
  sealId: text()
    .notNull()
    .references(() => seal.id),
  authorisedById: text().notNull(),
  authorisedBy: text().notNull(),
  authorisation: text().notNull(),
  organ: text().notNull(),
  matterId: text().notNull(),
  caseId: uuid(),
  act: text().notNull(),
  identifier: text().notNull(),
  /** The blank of the sheet that the act made; null where it made none, and in uses of earlier releases. */
  blankNumber: text(),
  contentDigest: text().notNull(),
  at: moment().notNull(),
});

/** Every use of every seal (用印日志), with the signature it made; append-only. */
export const sealUse = schema.table(
  'seal_use',
  { ...useColumns(), suite: text().notNull(), documentDigest: text().notNull(), signature: bytea().notNull() },
  (table) => [
    index().on(table.organ, table.serial),
    index().on(table.sealId, table.serial),
    index().on(table.identifier),
    // One decision, one use: nulls, the acts without a case, do not collide.
    uniqueIndex().on(table.caseId),
  ],
);

/** Every QR code signed (二维码), with what it says; append-only. */
export const sealCode = schema.table(
  'seal_code',
  { ...useColumns(), payload: text().notNull(), code: text().notNull() },
  (table) => [uniqueIndex().on(table.caseId)],
);

/** Certificates revoked before their time (RFC 5280 §5.3); append-only. */
export const revocation = schema.table('revocation', {
  /** Serial number, hex. */
  serial: text().primaryKey(),
  /** The authority that issued the certificate, and on whose list it stands. */
  authority: text().$type<'root' | 'issuing'>().notNull(),
  sealId: text()
    .notNull()
    .references(() => seal.id),
  reason: text().$type<EndReason>().notNull(),
  revokedAt: moment().notNull(),
  compromisedAt: moment(),
});

/** Every revocation list published (证书吊销列表), DER; append-only. */
export const revocationList = schema.table(
  'revocation_list',
  {
    authority: text().$type<'root' | 'issuing'>().notNull(),
    number: integer().notNull(),
    thisUpdate: moment().notNull(),
    bytes: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.authority, table.number] })],
);

export * from './application/tables.ts';
export * from './log/tables.ts';

export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = messageTables(schema);
