import type { Transaction } from '../../../db/client.ts';
import type { Day } from '../../kernel/day.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { type Agreement, endEarly, requireAgreement, requireOwnMatters } from './agreement.ts';
import * as store from './store.ts';

/** Whether two agreements have the same content. The order of matters is ignored. */
function hasSameContent(stored: Agreement, agreement: Agreement): boolean {
  const canonicalText = ({ number, cityOrgan, countyOrgan, matters, validFrom, validTo, scanDigest }: Agreement) =>
    JSON.stringify([number, cityOrgan, countyOrgan, [...matters].sort(), validFrom, validTo, scanDigest]);
  return canonicalText(stored) === canonicalText(agreement);
}

/**
 * Records an agreement, as an approved proposal. Recording the same agreement again changes nothing.
 * Refuses AGREEMENT_NUMBER_TAKEN, MATTER_UNKNOWN, and what `requireAgreement` and `requireOwnMatters` refuse.
 */
export async function recordAgreement(
  tx: Transaction,
  agreement: Agreement,
  recordedBy: string,
  recordedAt: Date,
): Promise<store.StoredAgreement> {
  requireAgreement(agreement);
  const recorded = await store.lockAgreement(tx, agreement.number);
  if (recorded && hasSameContent(recorded, agreement)) return recorded;
  const facts = await store.findMatterFacts(tx, agreement.matters);
  const unknownMatter = agreement.matters.find((id) => !facts.some(({ matterId }) => matterId === id));
  if (unknownMatter !== undefined) throw new Refusal('MATTER_UNKNOWN', 'matters', unknownMatter);
  requireOwnMatters(agreement, facts);
  const insertedRow = await store.insertAgreement(tx, { ...agreement, recordedBy, recordedAt });
  if (insertedRow) return insertedRow;
  const existing = await store.lockAgreement(tx, agreement.number);
  if (!existing || !hasSameContent(existing, agreement)) throw new Refusal('AGREEMENT_NUMBER_TAKEN', 'number');
  return existing;
}

/**
 * Ends an agreement early, as an approved proposal. Running cases continue; new ones are refused.
 * Refuses AGREEMENT_UNKNOWN, and what `endEarly` refuses.
 */
export async function endAgreement(
  tx: Transaction,
  ending: { number: string; on: Day; reason: string },
  endedBy: string,
): Promise<store.StoredAgreement> {
  const agreement = await store.lockAgreement(tx, ending.number);
  if (!agreement) throw new Refusal('AGREEMENT_UNKNOWN', 'number');
  const { validTo } = endEarly(agreement, ending.on, ending.reason);
  return store.endAgreement(tx, agreement.number, { validTo, endedBy, endReason: ending.reason });
}
