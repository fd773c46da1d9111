import { type Database, transact } from '../../../db/client.ts';
import { type Actor, requireRole } from '../../kernel/actor.ts';
import type { Clock, Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Agreement, endEarly, requireAgreement } from './agreement.ts';
import * as store from './store.ts';

export interface AgreementDependencies {
  db: Database;
  now: Clock;
}

/** Whether two agreements have the same content. The order of matters is ignored. */
function same(known: Agreement, given: Agreement): boolean {
  const text = ({ number, cityOrgan, countyOrgan, matters, validFrom, validTo, scanDigest }: Agreement) =>
    JSON.stringify([number, cityOrgan, countyOrgan, [...matters].sort(), validFrom, validTo, scanDigest]);
  return text(known) === text(given);
}

/**
 * Records an agreement. Recording the same agreement again changes nothing.
 * Refuses AGREEMENT_NUMBER_TAKEN, MATTER_UNKNOWN, and what `requireAgreement` refuses.
 */
export function recordAgreement(
  { db, now }: AgreementDependencies,
  actor: Actor,
  given: Agreement,
  dryRun: boolean,
): Promise<store.StoredAgreement> {
  return transact(db, dryRun, async (tx) => {
    const administrator = requireAgreement(actor, given);
    const [unknown] = await store.unknownMatters(tx, given.matters);
    if (unknown !== undefined) throw new Refusal('MATTER_UNKNOWN', 'matters', unknown);
    const made = await store.insertAgreement(tx, { ...given, recordedBy: administrator.name, recordedAt: now() });
    if (made) return made;
    const known = await store.lockAgreement(tx, given.number);
    if (!known || !same(known, given)) throw new Refusal('AGREEMENT_NUMBER_TAKEN', 'number');
    return known;
  });
}

/**
 * Ends an agreement early. Running cases continue; new ones are refused.
 * Refuses ROLE_NOT_ALLOWED, AGREEMENT_UNKNOWN, and what `endEarly` refuses.
 */
export function endAgreement(
  { db }: AgreementDependencies,
  actor: Actor,
  ended: { number: string; on: Day; reason: string },
  dryRun: boolean,
): Promise<store.StoredAgreement> {
  return transact(db, dryRun, async (tx) => {
    const administrator = requireRole(actor, 'ADMINISTRATOR');
    const known = await store.lockAgreement(tx, ended.number);
    if (!known) throw new Refusal('AGREEMENT_UNKNOWN', 'number');
    const { validTo } = endEarly(known, ended.on, ended.reason);
    return store.endAgreement(tx, known.number, { validTo, endedBy: administrator.name, endReason: ended.reason });
  });
}
