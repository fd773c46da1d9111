import { sql } from 'drizzle-orm';
import { boolean, check, index, integer, pgSchema, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, bytea, day, digest, instant, serial } from '../kernel/columns.ts';
import { defineMessageTables } from '../kernel/events/outbox-tables.ts';
import type { SealKind } from '../kernel/events/seal-grant.ts';
import type { SignedAct } from '../kernel/license-acts.ts';
import { sealApplication } from './application/tables.ts';
import type { ErasureBasis } from './log/leaf.ts';
import type { EndReason, SealState } from './seal.ts';

const schema = pgSchema('seals');

/**
 * Keys of the test PKI itself: `root`, `issuing`, `timestamp`, `status`. The last two have generations; every
 * generation stays.
 */
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

/** Electronic seals (电子印章). Their keys and certificates are in `seal_certificate`. */
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
    validFrom: instant().notNull(),
    validUntil: instant().notNull(),
    /** Filing number (备案编号). Null before filing, and for seals of earlier releases. */
    filingNumber: text(),
    /** When its kind became required: see `pickSealsFor`. Null before that. */
    requiredSince: instant(),
  },
  (table) => [index().on(table.organ)],
);

/**
 * Keys of a seal and their certificates, in generations (换证). The newest one signs; all stay published. Append-only.
 */
export const sealCertificate = schema.table(
  'seal_certificate',
  {
    sealId: text()
      .notNull()
      .references(() => seal.id),
    generation: integer().notNull(),
    certificatePem: text().notNull(),
    /**
     * CA certificates above it without the root, PEM, if another authority issued it. Null if the hub's own authority
     * did.
     */
    above: text().array(),
    encryptedKey: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.sealId, table.generation] })],
);

/** The small keys of each seal for QR codes (二维码), with their certificates, in generations. Append-only. */
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

/** Grants (用印授权): for which matter, by whom and when a seal may be used. Append-only. */
export const sealGrant = schema.table(
  'seal_grant',
  {
    id: uuid().primaryKey().defaultRandom(),
    serial: serial(),
    sealId: text()
      .notNull()
      .references(() => seal.id),
    matterId: text().notNull(),
    /** Person who may authorise the seal. Null: whoever decides the matter. */
    personId: text(),
    /** First and last day; null: open. */
    validFrom: day(),
    validTo: day(),
  },
  (table) => [index().on(table.sealId, table.serial)],
);

/** Withdrawn grants (收回授权). Append-only. */
export const sealGrantWithdrawal = schema.table('seal_grant_withdrawal', {
  grantId: uuid()
    .primaryKey()
    .references(() => sealGrant.id),
  at: instant().notNull(),
});

/** Acts on a seal itself: applied for, made, filed, suspended, resumed, granted, rotated, ended. Append-only. */
export const sealEvent = schema.table('seal_event', {
  serial: serial().primaryKey(),
  sealId: text().notNull(),
  event: text().notNull(),
  matterId: text(),
  /** Null if the hub itself acted, at its first start. */
  actorId: text(),
  actor: text().notNull(),
  /** The applicant, if the act rests on an application. Null if one person alone may act. */
  appliedById: text(),
  appliedBy: text(),
  applicationId: uuid(),
  reason: text(),
  /** Random element of the leaf's digest of the reason. Null without a reason, and in events up to release 0.4. */
  reasonSalt: text(),
  at: instant().notNull(),
});

/** An office's own pictures of a seal (印模图片), PNG. The newest is in force; a seal without one is drawn. Append-only. */
export const sealPicture = schema.table(
  'seal_picture',
  {
    serial: serial().primaryKey(),
    sealId: text()
      .notNull()
      .references(() => seal.id),
    /** SHA-256 of the bytes, hex. Digest and bytes are null if the seal is drawn again. */
    digest: digest(),
    png: bytea(),
    /** The approved application (印章申请). Null up to release 0.4: one person alone set the picture. */
    applicationId: uuid().references(() => sealApplication.id),
    ...actorColumns(),
    at: instant().notNull(),
  },
  (table) => [
    index().on(table.sealId, table.serial),
    index().on(table.digest),
    // The migration adds it NOT VALID, because of the rows of earlier releases.
    check('seal_picture_application', sql`${table.applicationId} is not null`),
  ],
);

/**
 * Columns that every use of a seal's keys records. `issuanceId` occurs once. It is the id of the act in licenses, or of
 * the decision document in cases.
 */
const useColumns = () => ({
  issuanceId: uuid().primaryKey(),
  serial: serial().unique(),
  sealId: text()
    .notNull()
    .references(() => seal.id),
  authorisedById: text().notNull(),
  authorisedBy: text().notNull(),
  authorisation: text().notNull(),
  organ: text().notNull(),
  matterId: text().notNull(),
  caseId: uuid(),
  act: text().$type<SignedAct>().notNull(),
  identifier: text().notNull(),
  /**
   * Number of the blank (空白证照) under the sheet that the act made. Null if it made no sheet, and in uses of earlier
   * releases.
   */
  blankNumber: text(),
  /** Numbers of the blanks under the duplicates (副本) that the act made. Null if it made none. */
  duplicateBlanks: text().array(),
  contentDigest: digest().notNull(),
  /** Whether content and document have random elements. Their digests may then be public. */
  isSalted: boolean().notNull().default(false),
  at: instant().notNull(),
});

/** Every use of every seal (用印日志), with its signature. Append-only. */
export const sealUse = schema.table(
  'seal_use',
  { ...useColumns(), suite: text().notNull(), documentDigest: digest().notNull(), signature: bytea().notNull() },
  (table) => [
    index().on(table.organ, table.serial),
    index().on(table.sealId, table.serial),
    index().on(table.identifier),
    // An act on a license is sealed once for a case, and its decision document once; other notices have numbers. Nulls,
    // the acts without a case, do not collide.
    uniqueIndex('seal_use_case_act').on(table.caseId).where(sql`act not in ('DECISION', 'NOTICE')`),
    uniqueIndex('seal_use_case_decision').on(table.caseId).where(sql`act = 'DECISION'`),
  ],
);

/** Every signed QR code (二维码), with its payload. Append-only. */
export const sealCode = schema.table(
  'seal_code',
  { ...useColumns(), payload: text().notNull(), code: text().notNull() },
  (table) => [uniqueIndex().on(table.caseId)],
);

/**
 * Uses that the log has and the database has lost (恢复时丢失的用印): it was restored to an older state, and `npm run resume`
 * took their leaves back. Neither their cases nor their license versions are sealed again. Append-only.
 */
export const lostUse = schema.table(
  'lost_use',
  {
    kind: text().$type<'SEAL_USE' | 'CODE_USE'>().notNull(),
    issuanceId: uuid().notNull(),
    caseId: uuid(),
    identifier: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.kind, table.issuanceId] }),
    index().on(table.caseId),
    index().on(table.identifier),
  ],
);

/** Acts whose content `npm run erase` has erased (合法删除). Each has a leaf. Append-only. */
export const erasure = schema.table(
  'erasure',
  {
    issuanceId: uuid().primaryKey(),
    /** Identifier of the license version. */
    identifier: text().notNull(),
    basis: text().$type<ErasureBasis>().notNull(),
    /** Who ordered it. */
    orderedBy: text().notNull(),
    at: instant().notNull(),
  },
  (table) => [index().on(table.identifier)],
);

/** Certificates revoked before they expired (RFC 5280 §5.3). Append-only. */
export const revocation = schema.table('revocation', {
  /** Serial number, hex. */
  serial: text().primaryKey(),
  /** The authority that issued the certificate and lists its revocation. */
  authority: text().$type<'root' | 'issuing'>().notNull(),
  sealId: text()
    .notNull()
    .references(() => seal.id),
  reason: text().$type<EndReason>().notNull(),
  revokedAt: instant().notNull(),
  compromisedAt: instant(),
});

/** Every published revocation list (证书吊销列表), DER. Append-only. */
export const revocationList = schema.table(
  'revocation_list',
  {
    authority: text().$type<'root' | 'issuing'>().notNull(),
    number: integer().notNull(),
    thisUpdate: instant().notNull(),
    bytes: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.authority, table.number] })],
);

export * from './application/tables.ts';
export * from './attestation/tables.ts';
export * from './log/tables.ts';

export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = defineMessageTables(schema);
