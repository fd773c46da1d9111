import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgSchema, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { actorColumns, day, digest, divisionCode, instant, serial } from '../../kernel/columns.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import type {
  FindingEvent,
  FindingKind,
  FindingState,
  Level,
  PushEvent,
  PushedResult,
  PushState,
} from './supervision.ts';

const schema = pgSchema('cases');

/** Approval results on their way to supervisors (双推送): one per result and level. */
export const push = schema.table(
  'push',
  {
    id: uuid().primaryKey(),
    serial: serial().unique(),
    caseId: uuid().notNull(),
    matterId: text().notNull(),
    level: text().$type<Level>().notNull(),
    /** The industry organ (行业主管部门), or null if none is named yet. */
    organ: text(),
    decision: text().$type<PushedResult>().notNull(),
    decidedBy: text().notNull(),
    decidedAt: instant().notNull(),
    /** Third working day after the decision, or null if the calendar of `missingYear` is missing. */
    dueOn: day(),
    missingYear: integer(),
    state: text().$type<PushState>().notNull(),
    claimedById: text(),
    claimedBy: text(),
    claimedAt: instant(),
    signedBy: text(),
    signedAt: instant(),
    /** When it first reached the supervisor: signed for, or accepted by its system. */
    reachedAt: instant(),
  },
  (table) => [
    uniqueIndex().on(table.caseId, table.level, table.decision),
    index().on(table.organ, table.serial),
    index().on(table.dueOn).where(sql`reached_at is null`),
  ],
);

/** Receipts of every push: append-only. */
export const pushEntry = schema.table(
  'push_entry',
  {
    pushId: uuid().notNull(),
    seq: integer().notNull(),
    event: text().$type<PushEvent>().notNull(),
    ...actorColumns(),
    organ: text(),
    /** Receipt that the supervisor's system gave. */
    receipt: text(),
    at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.pushId, table.seq] })],
);

/** Findings of supervisors (监管反馈). */
export const finding = schema.table(
  'finding',
  {
    id: uuid().primaryKey(),
    serial: serial().unique(),
    caseId: uuid().notNull(),
    pushId: uuid().notNull(),
    kind: text().$type<FindingKind>().notNull(),
    text: text().notNull(),
    /** SHA-256, hex, of the papers that it is based on. */
    papers: text().array().notNull(),
    dueOn: day(),
    /** The supervisor's organ, and the organ that decided the case. */
    organ: text().notNull(),
    decidedBy: text().notNull(),
    /** Number of the license that an order is about, or null. */
    licenseNumber: text(),
    state: text().$type<FindingState>().notNull(),
    recordedBy: text().notNull(),
    recordedAt: instant().notNull(),
    acknowledgedBy: text(),
    acknowledgedAt: instant(),
    /** What the issuing organ answered to an order, in words. */
    answer: text(),
    endedAt: instant(),
    /** Chosen by the sender. The same key again means the same finding. */
    requestKey: text(),
    requestDigest: digest().notNull(),
  },
  (table) => [
    uniqueIndex().on(table.organ, table.requestKey),
    index().on(table.caseId, table.serial),
    index().on(table.organ, table.serial),
  ],
);

/** Receipts of every finding, in both directions: append-only. */
export const findingEntry = schema.table(
  'finding_entry',
  {
    findingId: uuid().notNull(),
    seq: integer().notNull(),
    event: text().$type<FindingEvent>().notNull(),
    ...actorColumns(),
    organ: text(),
    note: text(),
    at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.findingId, table.seq] })],
);

/** URLs of supervisors' systems, at most one in use per organ. The secret is derived and not stored. */
export const webhook = schema.table(
  'webhook',
  {
    id: uuid().primaryKey(),
    serial: serial().unique(),
    organ: text().notNull(),
    url: text().notNull(),
    registeredBy: text().notNull(),
    registeredAt: instant().notNull(),
    endedAt: instant(),
  },
  (table) => [uniqueIndex().on(table.organ).where(sql`ended_at is null`)],
);

/** Every correctly signed message of a supervisor's system with the hub's answer, append-only. */
export const supervisionMessage = schema.table(
  'supervision_message',
  {
    webhookId: uuid().notNull(),
    messageId: text().notNull(),
    /** SHA-256 of the received body. */
    bodyDigest: digest().notNull(),
    status: integer().notNull(),
    answer: jsonb().$type<object>().notNull(),
    receivedAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.webhookId, table.messageId] })],
);

/** The license that a case issued or acted on, from LicenseChanged. */
export const caseLicense = schema.table(
  'case_license',
  { caseId: uuid().primaryKey(), number: text().notNull() },
  (table) => [index().on(table.number)],
);

/** Open and closed duties about a license, or about what an organ has in stock, from the newest DutyChanged. */
export const duty = schema.table(
  'duty',
  {
    dutyId: text().primaryKey(),
    kind: text().$type<EventPayload<'DutyChanged'>['kind']>().notNull(),
    identifier: text(),
    name: text().notNull(),
    organs: text().array().notNull(),
    divisionCode: divisionCode(),
    reason: text(),
    openedAt: instant().notNull(),
    closedAt: instant(),
  },
  (table) => [index().on(table.openedAt).where(sql`closed_at is null`)],
);
