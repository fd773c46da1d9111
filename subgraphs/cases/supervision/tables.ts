import { sql } from 'drizzle-orm';
import {
  bigint,
  date,
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
import type { EventPayload } from '../../kernel/events.ts';
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
const moment = () => timestamp({ withTimezone: true });
const serial = () => bigint({ mode: 'number' }).generatedAlwaysAsIdentity().unique();

/** Approval results on their way to supervisors (双推送): one per result and level. */
export const push = schema.table(
  'push',
  {
    id: uuid().primaryKey(),
    serial: serial(),
    caseId: uuid().notNull(),
    matterId: text().notNull(),
    level: text().$type<Level>().notNull(),
    /** The industry organ (行业主管部门), or null if none is named yet. */
    organ: text(),
    decision: text().$type<PushedResult>().notNull(),
    decidedBy: text().notNull(),
    decidedAt: moment().notNull(),
    /** Third working day after the decision, or null if the calendar of `missingYear` is missing. */
    dueOn: date({ mode: 'string' }),
    missingYear: integer(),
    state: text().$type<PushState>().notNull(),
    claimedById: text(),
    claimedBy: text(),
    claimedAt: moment(),
    signedBy: text(),
    signedAt: moment(),
    /** When it first reached the supervisor: signed for, or accepted by its system. */
    reachedAt: moment(),
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
    actorId: text().notNull(),
    actor: text().notNull(),
    organ: text(),
    /** Receipt that the supervisor's system gave. */
    receipt: text(),
    at: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.pushId, table.seq] })],
);

/** Findings of supervisors (监管反馈). */
export const finding = schema.table(
  'finding',
  {
    id: uuid().primaryKey(),
    serial: serial(),
    caseId: uuid().notNull(),
    pushId: uuid().notNull(),
    kind: text().$type<FindingKind>().notNull(),
    text: text().notNull(),
    /** SHA-256, hex, of the papers that it is based on. */
    papers: text().array().notNull(),
    dueOn: date({ mode: 'string' }),
    /** The supervisor's organ, and the organ that decided the case. */
    organ: text().notNull(),
    decidedBy: text().notNull(),
    /** Number of the license that an order is about, or null. */
    licenseNumber: text(),
    state: text().$type<FindingState>().notNull(),
    recordedBy: text().notNull(),
    recordedAt: moment().notNull(),
    acknowledgedBy: text(),
    acknowledgedAt: moment(),
    /** What the issuing organ answered to an order, in words. */
    answer: text(),
    endedAt: moment(),
    /** Chosen by the sender. The same key again means the same finding. */
    requestKey: text(),
    requestDigest: text().notNull(),
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
    actorId: text().notNull(),
    actor: text().notNull(),
    organ: text(),
    note: text(),
    at: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.findingId, table.seq] })],
);

/** URLs of supervisors' systems, at most one in use per organ. The secret is derived and not stored. */
export const webhook = schema.table(
  'webhook',
  {
    id: uuid().primaryKey(),
    serial: serial(),
    organ: text().notNull(),
    url: text().notNull(),
    registeredBy: text().notNull(),
    registeredAt: moment().notNull(),
    endedAt: moment(),
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
    bodyDigest: text().notNull(),
    status: integer().notNull(),
    answer: jsonb().$type<object>().notNull(),
    receivedAt: moment().notNull(),
  },
  (table) => [primaryKey({ columns: [table.webhookId, table.messageId] })],
);

/** The license that a case issued or acted on, from LicenseChanged. */
export const caseLicense = schema.table('case_license', {
  caseId: uuid().primaryKey(),
  number: text().notNull(),
});

/** Open and closed duties about a license, from the newest DutyChanged. */
export const duty = schema.table(
  'duty',
  {
    dutyId: text().primaryKey(),
    kind: text().$type<EventPayload<'DutyChanged'>['kind']>().notNull(),
    identifier: text().notNull(),
    name: text().notNull(),
    organs: text().array().notNull(),
    divisionCode: text().notNull(),
    reason: text(),
    openedAt: moment().notNull(),
    closedAt: moment(),
  },
  (table) => [index().on(table.openedAt).where(sql`closed_at is null`)],
);
