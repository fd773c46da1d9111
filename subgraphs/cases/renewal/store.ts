import type { Transaction } from '../../../db/client.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { MessageTables } from '../../kernel/events/outbox-tables.ts';
import type { Case } from '../case.ts';
import * as tables from '../tables.ts';
import { findRunningRenewal } from './renewal.ts';

const messages: MessageTables = tables;
const CONSUMERS = { licenses: ['RenewalChanged'] } as const;

/**
 * Tells licenses of a renewal that runs or that a step has settled. Each step of a running one tells it again, so that
 * cases of earlier releases are told too. Must be called in the transaction of the step.
 */
export async function announceRenewal(tx: Transaction, before: Case, after: Case, at: Date): Promise<void> {
  const running = findRunningRenewal(after);
  const number = running ?? findRunningRenewal(before);
  if (number === null) return;
  const { id: caseId } = after;
  const payload = { caseId, number, isRunning: running !== null, changedAt: at.toISOString() };
  const stream = `renewal:${caseId}`;
  await appendEvent(tx, messages, CONSUMERS, { type: 'RenewalChanged', stream, occurredAt: at, payload });
}
