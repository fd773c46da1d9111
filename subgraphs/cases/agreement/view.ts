import { type Clock, dayOf } from '../../kernel/day.ts';
import { ENDING_SOON_DAYS } from './agreement.ts';
import type { StoredAgreement } from './store.ts';

/** Returns the day that many days after today, at most a century ahead. */
export function laterDay(now: Clock, days: number): string {
  return dayOf(new Date(now().getTime() + Math.min(Math.max(days, 0), 36_500) * 86_400_000));
}

/** An agreement as GraphQL shows it. @public by codegen.ts */
export type AgreementView = ReturnType<typeof viewAgreement>;

export function viewAgreement(row: StoredAgreement, now: Clock) {
  const { validFrom, validTo } = row;
  const today = dayOf(now());
  const isInForce = validFrom <= today && (validTo === null || today <= validTo);
  return {
    ...row,
    id: row.number,
    cityOrgan: { id: row.cityOrgan },
    countyOrgan: { id: row.countyOrgan },
    matters: row.matters.map((id) => ({ id })),
    inForce: isInForce,
    endingSoon: isInForce && validTo !== null && validTo <= laterDay(now, ENDING_SOON_DAYS),
  };
}
