import { eq } from 'drizzle-orm';
import type { Transaction } from '../../../db/client.ts';
import { appendEvent } from '../../kernel/events/outbox-store.ts';
import type { RegisterAct } from '../../kernel/license-acts.ts';
import type { ActRow } from '../act/act-store.ts';
import { CONSUMERS, licenseStream, messages } from '../act/event-store.ts';

/** The stream of what the register stated of a license. The license's own stream has no gap for it. */
export const registerStream = (number: string) => `register:${number}`;

/**
 * Appends the event about a statement of the register, in the transaction that enters the act. The caller must hold the
 * lock on the license, so that the revision that the statement follows is the newest one: 0 for a license from paper
 * without an act.
 */
export async function appendStated(tx: Transaction, doneAct: ActRow, documentDigest: string, at: Date): Promise<void> {
  const { id: actId, act, number, identifier, version, stateAfter: state } = doneAct;
  const { outboxStream } = messages;
  const [license] = await tx
    .select({ head: outboxStream.head })
    .from(outboxStream)
    .where(eq(outboxStream.stream, licenseStream(number)));
  await appendEvent(tx, messages, CONSUMERS, {
    type: 'RegisterStated',
    stream: registerStream(number),
    occurredAt: at,
    payload: {
      ...{ actId, act: act as RegisterAct, number, identifier, version, state },
      ...{ follows: license?.head ?? 0, documentDigest, statedAt: at.toISOString() },
    },
  });
}
