import type { Database } from '../../../../db/client.ts';
import type { Clock } from '../../../kernel/day.ts';
import { sha256 } from '../../../kernel/events/events.ts';
import { MAX_STATED_ACTS } from '../../../kernel/sealing/attest.ts';
import type { AttestActs } from '../../../kernel/sealing/sign.ts';
import { buildRegistrationStatement, type RegistrationLine, type Takeover } from '../registration.ts';
import * as store from '../store.ts';
import { enterLicenses, type StatedLine } from './store.ts';

/**
 * Enters the licenses of approved ledgers, batch by batch, behind everything else. Each batch is one transaction with
 * its progress. A crash between statement and transaction repeats the batch: the register states an act once.
 */

export interface EntryDependencies {
  db: Database;
  now: Clock;
  attestActs: AttestActs;
}

/** Licenses of one batch: one transaction, and one event for cases. */
const BATCH = MAX_STATED_ACTS;

/** Enters the next batch. Returns whether more is left. */
export async function enterNextBatch({ db, now, attestActs }: EntryDependencies): Promise<boolean> {
  const next = await store.findNextBatch(db, BATCH);
  if (next === null) return false;
  const { progress, lines } = next;
  const { proposalId, organs } = progress;
  const registration = await store.registrationStore.find(db, proposalId);
  if (!registration?.ended || lines.length === 0)
    throw new Error(`registration ${proposalId} has no lines or decision`);
  const { proposedById, ended } = registration;
  const takeover = { proposedById, approvedById: ended.actorId, approvedAt: ended.at, organ: organs.issuer.id };
  const stated = await stateLines(attestActs, lines, takeover);
  const at = now();
  const facts = { approver: { id: ended.actorId, name: ended.actor }, ...organs, at };
  await db.transaction(async (tx) => {
    // Another process may have entered the same lines meanwhile.
    if (await store.moveProgress(tx, progress, lines.length, at)) await enterLicenses(tx, proposalId, stated, facts);
  });
  return true;
}

async function stateLines(
  attestActs: AttestActs,
  lines: readonly RegistrationLine[],
  takeover: Pick<Takeover, 'proposedById' | 'approvedById' | 'approvedAt'> & { organ: string },
): Promise<StatedLine[]> {
  const statements = lines.map((line) => buildRegistrationStatement(line, takeover));
  const texts = await attestActs({ statements });
  return lines.map((line, i) => {
    const [statement, text] = [statements[i], texts[i]];
    if (!statement || text === undefined) throw new Error(`the register did not state ${line.actId}`);
    return { ...line, statement, text, digest: sha256(text) };
  });
}
