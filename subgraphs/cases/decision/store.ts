import type { Transaction } from '../../../db/client.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import { messages } from '../store.ts';

/** Consumers of CaseGranted: licenses. */
const CONSUMERS = { licenses: ['CaseGranted'] } as const;

/** The stream of a case's grant. */
export const grantStream = (caseId: string) => `case:${caseId}`;

export async function appendCaseGranted(
  tx: Transaction,
  payload: EventPayload<'CaseGranted'>,
  at: Date,
): Promise<void> {
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'CaseGranted',
    stream: grantStream(payload.caseId),
    occurredAt: at,
    payload,
  });
}
