import { type Database, transact } from '../../../db/client.ts';
import type { Actor } from '../../kernel/actor.ts';
import type { Clock, Day } from '../../kernel/day.ts';
import { requireAllowed } from '../../kernel/policy.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { ADMINISTRATION_POLICY } from '../policy.ts';
import { type Agreement, endEarly, requireAgreement } from './agreement.ts';
import * as store from './store.ts';

export interface AgreementDependencies {
  db: Database;
  now: Clock;
}

/** Whether two agreements have the same content. The order of matters is ignored. */
function hasSameContent(stored: Agreement, agreement: Agreement): boolean {
  const canonicalText = ({ number, cityOrgan, countyOrgan, matters, validFrom, validTo, scanDigest }: Agreement) =>
    JSON.stringify([number, cityOrgan, countyOrgan, [...matters].sort(), validFrom, validTo, scanDigest]);
  return canonicalText(stored) === canonicalText(agreement);
}

/**
 * Records an agreement. Recording the same agreement again changes nothing.
 * Refuses ROLE_NOT_ALLOWED, AGREEMENT_NUMBER_TAKEN, MATTER_UNKNOWN, and what `requireAgreement` refuses.
 */
export function recordAgreement(
  { db, now }: AgreementDependencies,
  actor: Actor,
  agreement: Agreement,
  dryRun: boolean,
): Promise<store.StoredAgreement> {
  return transact(db, dryRun, async (tx) => {
    const administrator = requireAllowed(ADMINISTRATION_POLICY.recordAgreement, null, actor);
    requireAgreement(agreement);
    const [unknownMatter] = await store.findUnknownMatters(tx, agreement.matters);
    if (unknownMatter !== undefined) throw new Refusal('MATTER_UNKNOWN', 'matters', unknownMatter);
    const insertedRow = await store.insertAgreement(tx, {
      ...agreement,
      recordedBy: administrator.name,
      recordedAt: now(),
    });
    if (insertedRow) return insertedRow;
    const existing = await store.lockAgreement(tx, agreement.number);
    if (!existing || !hasSameContent(existing, agreement)) throw new Refusal('AGREEMENT_NUMBER_TAKEN', 'number');
    return existing;
  });
}

/**
 * Ends an agreement early. Running cases continue; new ones are refused.
 * Refuses ROLE_NOT_ALLOWED, AGREEMENT_UNKNOWN, and what `endEarly` refuses.
 */
export function endAgreement(
  { db }: AgreementDependencies,
  actor: Actor,
  ending: { number: string; on: Day; reason: string },
  dryRun: boolean,
): Promise<store.StoredAgreement> {
  return transact(db, dryRun, async (tx) => {
    const administrator = requireAllowed(ADMINISTRATION_POLICY.endAgreement, null, actor);
    const agreement = await store.lockAgreement(tx, ending.number);
    if (!agreement) throw new Refusal('AGREEMENT_UNKNOWN', 'number');
    const { validTo } = endEarly(agreement, ending.on, ending.reason);
    return store.endAgreement(tx, agreement.number, { validTo, endedBy: administrator.name, endReason: ending.reason });
  });
}
