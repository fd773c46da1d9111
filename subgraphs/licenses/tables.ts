import { sql } from 'drizzle-orm';
import { check, index, integer, jsonb, pgSchema, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, bytea, count, day, digest, divisionCode, instant, serial } from '../kernel/columns.ts';
import type { Service } from '../kernel/delivery/delivery.ts';
import type { EventPayload, GrantContent, OrganFact } from '../kernel/events/events.ts';
import { defineMessageTables } from '../kernel/events/outbox-tables.ts';
import type { SealGrant } from '../kernel/events/seal-grant.ts';
import type { Act, LicenseState } from '../kernel/license-acts.ts';
import { defineOrganTable } from '../kernel/organ/organ-tables.ts';
import type { RegisterStatement } from '../kernel/sealing/attest.ts';
import type { ActStatement, LicenseRecord } from './act/record.ts';
import type { PaperKind, SheetState } from './paper/paper.ts';
import type { NotedAct } from './register/statement.ts';

const schema = pgSchema('licenses');

/** Organs that a reform concerns, from the newest OrganChanged. */
export const organFact = defineOrganTable(schema);

/** Seals as in the newest SealChanged event. */
export const sealFact = schema.table('seal_fact', {
  sealId: text().primaryKey(),
  organ: text().notNull(),
  name: text().notNull(),
  kind: text().$type<EventPayload<'SealChanged'>['kind']>().notNull(),
  state: text().$type<EventPayload<'SealChanged'>['state']>().notNull(),
  validFrom: instant().notNull(),
  validUntil: instant().notNull(),
  grants: jsonb().$type<SealGrant[]>().notNull(),
  requiredSince: instant(),
});

/** Granted cases whose act on a license is to be done (制证任务). */
export const certificateTask = schema.table(
  'certificate_task',
  {
    caseId: uuid().primaryKey(),
    serial: serial(),
    caseNumber: text().notNull(),
    content: jsonb().$type<GrantContent>().notNull(),
    contentDigest: digest().notNull(),
    authorisation: text().notNull(),
    issuer: jsonb().$type<OrganFact>().notNull(),
    parties: text().array().notNull(),
    /** Organs whose counters have its paper in hand. */
    counters: text().array().notNull(),
    handledBy: text().notNull(),
    /** Division code of the integrated window that accepted the case, or null. */
    window: text(),
    /** Whom the paper may reach besides the applicant (代办人、送达地址的收件人), or null. */
    service: jsonb().$type<Service>(),
    /** License number reserved at the first attempt. */
    number: text(),
    openedAt: instant().notNull(),
    doneAt: instant(),
    /** When the organ that decided voided the task (作废). */
    voidedAt: instant(),
    voidedBy: text(),
    voidReason: text(),
  },
  (table) => [
    index('certificate_task_license').on(sql`(${table.content}->>'licenseNumber')`),
    index('certificate_task_window').on(table.window).where(sql`${table.content}->>'licenseNumber' is not null`),
  ],
);

/** A license under its number: the data that all versions share. Acts on the license lock this row. */
export const license = schema.table(
  'license',
  {
    number: text().primaryKey(),
    /** As the paper shows it. `number` is the key (`licenseKey`). */
    printed: text().notNull(),
    serial: serial().unique(),
    divisionCode: divisionCode().notNull(),
    handledBy: text().notNull(),
    /** Division code of the integrated window that accepted one of its cases, the newest, or null. */
    window: text(),
    issuer: jsonb().$type<OrganFact>().notNull(),
    matterId: text().notNull(),
    parties: text().array().notNull(),
    /** Organs whose counters have its paper in hand. */
    counters: text().array().notNull(),
    holderCode: text().notNull(),
    /** Codes of the other holders (共有人). */
    coHolderCodes: text().array().notNull().default(sql`'{}'`),
    headVersion: integer().notNull(),
    headIdentifier: text().notNull(),
    /** State of the current version, copied here for lists. */
    headState: text().$type<LicenseState>().notNull(),
    /** If the current version waits for its first day: that day, and the version in force until then. Else null. */
    headFrom: day(),
    earlierIdentifier: text(),
    /** By which lists find it, as in the record of the current version. */
    name: text().notNull(),
    holderName: text().notNull(),
    typeCode: text().notNull(),
    validFrom: day().notNull(),
    /** The last day of validity. 9999-12-31 if there is none (长期). */
    validUntil: day().notNull(),
  },
  (table) => [
    index().on(table.holderCode, table.serial),
    index().using('gin', table.coHolderCodes),
    index().using('gin', table.parties),
    index().on(table.validUntil, table.serial),
    index('license_number_find').on(sql`licenses.fold_text(${table.printed})`),
    index('license_find').using(
      'gin',
      sql`licenses.find_keys(${table.parties}, ${table.window}, ${table.printed}, ${table.holderName}, ${table.name}, ${table.typeCode}, (${table.issuer} ->> 'id'), ${table.validFrom}, ${table.validUntil})`,
    ),
  ],
);

/** Indexes in the status list. An index reserved by a rehearsal or by an act that was refused later stays unused. */
export const statusIndex = schema.sequence('status_index', { startWith: 0, minValue: 0, maxValue: 2_147_483_647 });

/**
 * A version with its document, written in the transaction that makes it valid.
 * Only `state`, `revision`, `supersededFrom` and, while a renewal runs, `validUntil` change later.
 */
export const licenseVersion = schema.table(
  'license_version',
  {
    identifier: text().primaryKey(),
    number: text().notNull(),
    version: integer().notNull(),
    state: text().$type<LicenseState>().notNull(),
    record: jsonb().$type<LicenseRecord>().notNull(),
    recordDigest: digest().notNull(),
    /** The signed code (二维码) on the document. Null in versions made before codes existed. */
    code: text(),
    /** Index in the status list (状态列表). Null in versions made before the list existed. */
    statusIndex: integer().unique(),
    /** Case and seal of a sealed version. A version entered from paper has neither, nor a signature beside its file. */
    caseId: uuid(),
    /** SHA-256 of its file: the sealed document, or what the register stated of its entry. */
    documentDigest: digest().notNull(),
    signatureDigest: digest(),
    sealId: text(),
    /** When it was sealed, or the register stated it. */
    signedAt: instant().notNull(),
    /** Revision of this version's newest event in stream `license:<number>`. */
    revision: integer().notNull(),
    /**
     * The period of validity, both days within it. Null: an open end (长期), the text of an old record that names no day,
     * or an end that a running renewal holds off (视为准予延续). The stored state is that of acts; what the period makes of
     * it, `stateOn` says.
     */
    validFrom: day(),
    validUntil: day(),
    /** First day of the renewal that takes its place then, or null. What was replaced at once is SUPERSEDED. */
    supersededFrom: day(),
  },
  (table) => [
    uniqueIndex().on(table.number, table.version),
    index().on(table.caseId),
    index().on(table.validFrom),
    check(
      'license_version_sealed',
      sql`num_nulls(${table.caseId}, ${table.signatureDigest}, ${table.sealId}) in (0, 3)`,
    ),
    // The sweep finds what has ended among what is stored as in force.
    index('license_version_due')
      .on(table.validUntil, table.number)
      .where(sql`${table.state} in ('VALID', 'SUSPENDED')`),
    index('license_version_superseded').on(table.supersededFrom).where(sql`${table.supersededFrom} is not null`),
  ],
);

/** Intent and outcome of every act: PREPARED before anything is signed, DONE when everything is entered. */
export const act = schema.table(
  'act',
  {
    /** Also the issuance id under which the seal is used. */
    id: uuid().primaryKey(),
    serial: serial(),
    act: text().$type<Act | NotedAct>().notNull(),
    number: text().notNull(),
    version: integer().notNull(),
    identifier: text().notNull(),
    caseId: uuid(),
    state: text().$type<'PREPARED' | 'DONE'>().notNull(),
    /** State of the version after the act. */
    stateAfter: text().$type<LicenseState>().notNull(),
    record: jsonb().$type<LicenseRecord | ActStatement | RegisterStatement>().notNull(),
    contentDigest: digest().notNull(),
    /** Who authorised the seal. Null if the register's key signs, and no seal is used. */
    authorisation: text(),
    organ: jsonb().$type<OrganFact>().notNull(),
    matterId: text().notNull(),
    /** The blank for the new sheet, if the act makes one: for the original (正本), or for the sheet that replaces one. */
    blankNumber: text(),
    /** The blanks for the duplicates (副本) of a new version, in their order. */
    duplicateBlanks: text().array().notNull().default([]),
    /** The sheet that a SPOIL marks as spoiled. */
    spoiledBlank: text(),
    reason: text(),
    /** The supervisor's order that the act carries out. */
    orderId: uuid(),
    /** The approved proposal that the act carries out. Null for an act by a case, and before proposals existed. */
    proposalId: uuid().unique(),
    ...actorColumns(),
    preparedAt: instant().notNull(),
    /** Why it waits after an attempt. */
    waitingFor: text(),
    /** No other process needs to try before this time. */
    leasedUntil: instant().notNull(),
    /** The signed code (二维码) that a new version carries. */
    code: text(),
    /** The rendered file, stored from ② until ③, because another release may render the same record differently. */
    rendered: bytea(),
    /** SHA-256 of the file and of its CMS: inside it (a PDF), detached (a statement), null of the register. */
    documentDigest: digest(),
    signatureDigest: digest(),
    doneAt: instant(),
  },
  (table) => [
    // At most one prepared act per license, and one act per case.
    uniqueIndex('act_one_prepared').on(table.number).where(sql`${table.state} = 'PREPARED'`),
    uniqueIndex('act_one_per_case').on(table.caseId).where(sql`${table.caseId} is not null`),
    index().on(table.number, table.serial),
  ],
);

/** A ledger of validity. The license and the paper each have one, with the same entries for each version. */
const defineValidityLedger = (name: string) =>
  schema.table(
    name,
    {
      number: text().notNull(),
      seq: integer().notNull(),
      version: integer().notNull(),
      identifier: text().notNull(),
      act: text().$type<Act>().notNull(),
      stateAfter: text().$type<LicenseState>().notNull(),
      contentDigest: digest().notNull(),
      actId: uuid().notNull(),
      at: instant().notNull(),
    },
    (table) => [primaryKey({ columns: [table.number, table.seq] }), index().on(table.at)],
  );
export const licenseEntry = defineValidityLedger('license_entry');
export const paperEntry = defineValidityLedger('paper_entry');

/**
 * Sheets of paper (纸质证照): for each version an original and its duplicates (正本、副本), and any number of spoiled ones,
 * each of which had the place of the sheet that replaced it.
 */
export const sheet = schema.table(
  'sheet',
  {
    blankNumber: text().primaryKey(),
    identifier: text().notNull(),
    number: text().notNull(),
    version: integer().notNull(),
    kind: text().$type<PaperKind>().notNull().default('ORIGINAL'),
    /** Place among the sheets of its kind, from 1. */
    place: integer().notNull().default(1),
    state: text().$type<SheetState>().notNull(),
    validity: text().$type<LicenseState>().notNull(),
    contentDigest: digest().notNull(),
    printedAt: instant().notNull(),
    deliveredAt: instant(),
    recalledAt: instant(),
    /** When it was declared lost and void (遗失作废): another version replaces it. It may still come back. */
    lostAt: instant(),
  },
  (table) => [
    uniqueIndex('sheet_one_standing')
      .on(table.identifier, table.kind, table.place)
      .where(sql`${table.state} <> 'SPOILED'`),
    index().on(table.number),
    index('sheet_lost').on(table.lostAt, table.blankNumber).where(sql`${table.lostAt} is not null`),
    index('sheet_find').on(sql`licenses.fold_text(${table.blankNumber})`),
  ],
);

/** Files by digest: PDFs, statements, signatures. */
export const document = schema.table('document', {
  digest: digest().primaryKey(),
  mediaType: text().notNull(),
  bytes: bytea().notNull(),
  /** License number. Whoever may see that license may read the file. */
  number: text().notNull(),
  name: text().notNull(),
});

/**
 * The place of each LicenseChanged event in the feed of changes, from 1. The transaction of the event takes it last,
 * under a lock that it holds until it has committed. Places are therefore visible in their order, and do not depend on
 * the cluster: transaction ids start again in another one. Append-only.
 */
export const licenseChange = schema.table(
  'license_change',
  { place: count().primaryKey(), stream: text().notNull(), revision: integer().notNull() },
  (table) => [uniqueIndex().on(table.stream, table.revision)],
);

/**
 * Versions that were sealed and that the database has lost: it was restored to an older state. The next version of the
 * license gets a later number. Append-only.
 */
export const lostVersion = schema.table(
  'lost_version',
  { identifier: text().primaryKey(), number: text().notNull(), version: integer().notNull() },
  (table) => [index().on(table.number)],
);

export * from './countersign/tables.ts';
export * from './evidence/tables.ts';
export * from './number/tables.ts';
export * from './order/tables.ts';
export * from './paper/blank-tables.ts';
export * from './paper/duty-tables.ts';
export * from './proposal/tables.ts';
export * from './reading/tables.ts';
export * from './registration/tables.ts';
export * from './type/tables.ts';
export * from './validity/tables.ts';

export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = defineMessageTables(schema);
