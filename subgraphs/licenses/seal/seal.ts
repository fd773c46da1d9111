import { dayOf } from '../../kernel/day.ts';
import type { EventPayload } from '../../kernel/events/events.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { pickSealsFor } from '../../kernel/sealing/seal-kind.ts';
import { type AuthorisedUse, isGranted } from '../../kernel/sealing/sign.ts';

/** A seal as the newest SealChanged event describes it. */
export interface SealFact extends Pick<EventPayload<'SealChanged'>, 'name' | 'kind' | 'state' | 'grants'> {
  validFrom: Date;
  validUntil: Date;
  requiredSince: Date | null;
}

/** The use of a seal that an act needs. */
export interface SealUse {
  /** The seals of the organ. */
  seals: readonly SealFact[];
  /** Null if the statement of the case names nobody. */
  authorised: AuthorisedUse | null;
  at: Date;
}

/**
 * Returns the seal that may be used.
 * Refuses SEAL_AUTHORISATION_INVALID, SEAL_UNKNOWN, SEAL_NOT_GRANTED, SEAL_NOT_IN_USE, SEAL_SUSPENDED, SEAL_EXPIRED.
 * The seals subgraph checks again when it signs.
 */
export function requireSeal({ seals, authorised, at }: SealUse): SealFact {
  if (authorised === null) throw new Refusal('SEAL_AUTHORISATION_INVALID');
  if (seals.length === 0) throw new Refusal('SEAL_UNKNOWN');
  const grantedSeals = pickSealsFor(seals, authorised).filter(
    ({ grants, state }) => state !== 'ENDED' && isGranted(grants, authorised, dayOf(at)),
  );
  if (grantedSeals.length === 0) throw new Refusal('SEAL_NOT_GRANTED');
  const startedSeals = grantedSeals.filter(({ state }) => state === 'IN_USE' || state === 'SUSPENDED');
  if (startedSeals.length === 0) throw new Refusal('SEAL_NOT_IN_USE');
  const sealsInUse = startedSeals.filter((seal) => seal.state === 'IN_USE');
  if (sealsInUse.length === 0) throw new Refusal('SEAL_SUSPENDED');
  const validSeal = sealsInUse.find((seal) => seal.validFrom <= at && at <= seal.validUntil);
  if (!validSeal) throw new Refusal('SEAL_EXPIRED');
  return validSeal;
}
