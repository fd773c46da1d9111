import { and, asc, eq, gt, isNotNull, isNull, type SQL, sql } from 'drizzle-orm';
import type { Reader, Transaction } from '../../../db/client.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import type { Case } from '../case.ts';
import { findLicense } from '../fact/store.ts';
import * as tables from '../tables.ts';
import { findAcceptanceDay, findRunningRenewal, RENEWING, wasAskedInTime } from './renewal.ts';

const { caseFile, outboxEvent, outboxStream } = tables;
const messages: MessageTables = tables;
const CONSUMERS = { licenses: ['RenewalChanged'] } as const;
/** The stream of what cases tell of a renewal: one for each case. */
const streamOf = (caseId: string) => `renewal:${caseId}`;

/**
 * Tells licenses of a renewal that runs or that a step has settled. Each step of a running one tells it again. Returns
 * false for what does not concern them. Must be called in the transaction of the step.
 */
export async function announceRenewal(tx: Transaction, before: Case, after: Case, at: Date): Promise<boolean> {
  const running = findRunningRenewal(after);
  const number = running ?? findRunningRenewal(before);
  const license = number === null ? null : await findLicense(tx, number);
  const acceptedOn = findAcceptanceDay(after);
  if (number === null || license === null || acceptedOn === null || !wasAskedInTime(after, license)) return false;
  const { id: caseId, number: caseNumber } = after;
  const isGranted = running !== null && after.step === 'DECIDED';
  const state = { isRunning: running !== null, isGranted, changedAt: at.toISOString() };
  const payload = { caseId, caseNumber, acceptedOn, number, ...state };
  const event = { type: 'RenewalChanged', stream: streamOf(caseId), occurredAt: at, payload } as const;
  await appendEvent(tx, messages, CONSUMERS, event);
  return true;
}

/** SQL condition that joins the stream of what cases tell of the renewal of a case. */
export const isRenewalStream: SQL = eq(outboxStream.stream, sql`${streamOf('')} || ${caseFile.id}`);
/** SQL condition that joins the newest word of that stream. */
export const isNewestWord: SQL = sql`${outboxEvent.stream} = ${outboxStream.stream} and ${outboxEvent.revision} = ${outboxStream.head}`;
/** SQL: whether licenses know the renewal as running, by the newest word of it. */
export const isKnownAsRunning: SQL<boolean> = sql<boolean>`coalesce((${outboxEvent.payload}->>'isRunning')::boolean, false)`;

/** SQL: the table of running cases whose renewal licenses know as running. */
export const runningRenewals: SQL = sql`${caseFile} join ${outboxStream} on ${isRenewalStream} and not ${caseFile.closed}
  join ${outboxEvent} on ${isNewestWord} and ${isKnownAsRunning}`;

/** Whether licenses were told of the renewal of a case. */
export async function isAnnounced(tx: Transaction, caseId: string): Promise<boolean> {
  const rows = await tx
    .select({ stream: outboxStream.stream })
    .from(outboxStream)
    .where(eq(outboxStream.stream, streamOf(caseId)));
  return rows.length > 0;
}

/** Lists ids after `after` of running cases that renew a license of which no renewal was told. */
export async function listUnannounced(db: Reader, after: string | null, limit: number): Promise<string[]> {
  const rows = await db
    .select({ id: caseFile.id })
    .from(caseFile)
    .leftJoin(outboxStream, isRenewalStream)
    .where(
      and(
        eq(caseFile.closed, false),
        isNotNull(caseFile.licenseNumber),
        sql`coalesce(${caseFile.act}, ${caseFile.delegation}->>'licenseAction') = ${RENEWING}`,
        isNull(outboxStream.stream),
        after === null ? undefined : gt(caseFile.id, after),
      ),
    )
    .orderBy(asc(caseFile.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}
