import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { EventPayload, GrantContent, OrganFact, SealGrant } from '../kernel/events.ts';
import type { Act, LicenseState } from '../kernel/license-acts.ts';
import { defineMessageTables } from '../kernel/outbox-tables.ts';
import type { BlankState, SheetState } from './paper.ts';
import type { ActStatement, LicenseRecord } from './record.ts';

const schema = pgSchema('licenses');
const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const moment = () => timestamp({ withTimezone: true });
const serial = () => bigint({ mode: 'number' }).generatedAlwaysAsIdentity();

/** Seals as the newest SealChanged tells them. */
export const sealFact = schema.table('seal_fact', {
  sealId: text().primaryKey(),
  organ: text().notNull(),
  name: text().notNull(),
  state: text().$type<EventPayload<'SealChanged'>['state']>().notNull(),
  validFrom: moment().notNull(),
  validUntil: moment().notNull(),
  grants: jsonb().$type<SealGrant[]>().notNull(),
});

/** Granted cases whose act on a license is to be done (制证任务). */
export const certificateTask = schema.table(
  'certificate_task',
  {
    caseId: uuid().primaryKey(),
    serial: serial(),
    caseNumber: text().notNull(),
    content: jsonb().$type<GrantContent>().notNull(),
    contentDigest: text().notNull(),
    authorisation: text().notNull(),
    issuer: jsonb().$type<OrganFact>().notNull(),
    parties: text().array().notNull(),
    /** Organs whose counters have its paper in hand. */
    counters: text().array().notNull(),
    handledBy: text().notNull(),
    /** License number reserved at the first attempt. */
    number: text(),
    openedAt: moment().notNull(),
    doneAt: moment(),
    /** Given up (作废) by the organ that decided. */
    voidedAt: moment(),
    voidedBy: text(),
    voidReason: text(),
  },
  (table) => [index('certificate_task_license').on(sql`(${table.content}->>'licenseNumber')`)],
);

/** The newest license number of each division and year; taken under its row lock, so that no number is lost. */
export const licenseNumber = schema.table(
  'license_number',
  { divisionCode: text().notNull(), year: integer().notNull(), newest: integer().notNull() },
  (table) => [primaryKey({ columns: [table.divisionCode, table.year] })],
);

/** A license under its number: what all versions share, and the lock that acts on it take. */
export const license = schema.table(
  'license',
  {
    number: text().primaryKey(),
    serial: serial().unique(),
    divisionCode: text().notNull(),
    handledBy: text().notNull(),
    issuer: jsonb().$type<OrganFact>().notNull(),
    matterId: text().notNull(),
    parties: text().array().notNull(),
    /** Organs whose counters have its paper in hand. */
    counters: text().array().notNull(),
    holderCode: text().notNull(),
    headVersion: integer().notNull(),
    headIdentifier: text().notNull(),
    /** State of the current version, kept beside it for lists. */
    headState: text().$type<LicenseState>().notNull(),
  },
  (table) => [index().on(table.holderCode, table.serial), index().using('gin', table.parties)],
);

/** Places in the status list; one that a rehearsal or an act given up took stays unused. */
export const statusIndex = schema.sequence('status_index', { startWith: 0, minValue: 0, maxValue: 2_147_483_647 });

/** A version with its document; written whole, in the transaction that makes it valid. Only `state` and what follows it change. */
export const licenseVersion = schema.table(
  'license_version',
  {
    identifier: text().primaryKey(),
    number: text().notNull(),
    version: integer().notNull(),
    state: text().$type<LicenseState>().notNull(),
    record: jsonb().$type<LicenseRecord>().notNull(),
    recordDigest: text().notNull(),
    /** The signed code (二维码) that the document carries; null in versions made before there was one. */
    code: text(),
    /** Place in the status list (状态列表); null in versions made before there was one. */
    statusIndex: integer().unique(),
    caseId: uuid().notNull(),
    documentDigest: text().notNull(),
    signatureDigest: text().notNull(),
    sealId: text().notNull(),
    signedAt: moment().notNull(),
    /** Revision of this version's newest event in stream `license:<number>`. */
    revision: integer().notNull(),
  },
  (table) => [uniqueIndex().on(table.number, table.version), index().on(table.caseId)],
);

/** Intent and outcome of every act: prepared before anything is signed, done when everything stands. */
export const act = schema.table(
  'act',
  {
    /** Also the issuance id under which the seal is used. */
    id: uuid().primaryKey(),
    serial: serial(),
    act: text().$type<Act | 'SPOIL'>().notNull(),
    number: text().notNull(),
    version: integer().notNull(),
    identifier: text().notNull(),
    caseId: uuid(),
    state: text().$type<'PREPARED' | 'DONE'>().notNull(),
    /** State of the version after the act. */
    stateAfter: text().$type<LicenseState>().notNull(),
    record: jsonb().$type<LicenseRecord | ActStatement>().notNull(),
    contentDigest: text().notNull(),
    authorisation: text().notNull(),
    organ: jsonb().$type<OrganFact>().notNull(),
    matterId: text().notNull(),
    /** The blank that the new sheet is printed on, where the act makes one. */
    blankNumber: text(),
    /** The sheet that a SPOIL does away with. */
    spoiledBlank: text(),
    reason: text(),
    /** The supervisor's order that the act carries out. */
    orderId: uuid(),
    actorId: text().notNull(),
    actor: text().notNull(),
    preparedAt: moment().notNull(),
    /** Why it waits, after somebody tried. */
    waitingFor: text(),
    /** Nobody else needs to try before this. */
    leasedUntil: moment().notNull(),
    /** The signed code (二维码) that a new version carries. */
    code: text(),
    /** The file as it was set, kept from ② until it is sealed: another release may set the same record otherwise. */
    rendered: bytea(),
    /** SHA-256 of the finished file, and of the CMS that is in it (a PDF) or beside it (a statement). */
    documentDigest: text(),
    signatureDigest: text(),
    doneAt: moment(),
  },
  (table) => [
    // One act at a time on a license, and one act per case.
    uniqueIndex('act_one_prepared').on(table.number).where(sql`${table.state} = 'PREPARED'`),
    uniqueIndex('act_one_per_case').on(table.caseId).where(sql`${table.caseId} is not null`),
    index().on(table.number, table.serial),
  ],
);

/** A ledger of validity; the license and the paper each keep one, and both say the same, version by version. */
const validityLedger = (name: string) =>
  schema.table(
    name,
    {
      number: text().notNull(),
      seq: integer().notNull(),
      version: integer().notNull(),
      identifier: text().notNull(),
      act: text().$type<Act>().notNull(),
      stateAfter: text().$type<LicenseState>().notNull(),
      contentDigest: text().notNull(),
      actId: uuid().notNull(),
      at: moment().notNull(),
    },
    (table) => [primaryKey({ columns: [table.number, table.seq] })],
  );
export const licenseEntry = validityLedger('license_entry');
export const paperEntry = validityLedger('paper_entry');

/** Sheets of paper (纸质证照): one stands for each version, spoiled ones beside it. */
export const sheet = schema.table(
  'sheet',
  {
    blankNumber: text().primaryKey(),
    identifier: text().notNull(),
    number: text().notNull(),
    version: integer().notNull(),
    state: text().$type<SheetState>().notNull(),
    validity: text().$type<LicenseState>().notNull(),
    contentDigest: text().notNull(),
    printedAt: moment().notNull(),
    deliveredAt: moment(),
    recalledAt: moment(),
  },
  (table) => [
    uniqueIndex('sheet_one_standing').on(table.identifier).where(sql`${table.state} <> 'SPOILED'`),
    index().on(table.number),
  ],
);

/** Numbered blanks (空白证照). */
export const blank = schema.table(
  'blank',
  {
    number: text().primaryKey(),
    organ: text().notNull(),
    state: text().$type<BlankState>().notNull(),
    identifier: text(),
  },
  (table) => [
    index().on(table.organ, table.number),
    check('blank_carries', sql`(${table.state} = 'IN_STOCK') = (${table.identifier} is null)`),
  ],
);

/** Every movement of every blank: append-only. */
export const blankEntry = schema.table(
  'blank_entry',
  {
    number: text().notNull(),
    seq: integer().notNull(),
    state: text().$type<BlankState>().notNull(),
    identifier: text(),
    actId: uuid(),
    actor: text().notNull(),
    at: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.number, table.seq] })],
);

/** Files by content: PDFs, statements, signatures. */
export const document = schema.table('document', {
  digest: text().primaryKey(),
  mediaType: text().notNull(),
  bytes: bytea().notNull(),
  /** The number whose people may read the file. */
  number: text().notNull(),
  name: text().notNull(),
});

export * from './duty/tables.ts';
export * from './evidence/tables.ts';
export * from './order/tables.ts';

export const { outboxStream, outboxEvent, outboxDelivery, outboxReceipt, inbox } = defineMessageTables(schema);
