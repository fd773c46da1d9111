import { type Day, isDay } from '../../kernel/day.ts';
import { competentOrgan, type Succession } from '../../kernel/organ/reform.ts';
import type { MatterFact } from '../../kernel/period/delegation.ts';
import { Refusal } from '../../kernel/refusal.ts';
import { checkAll } from '../../kernel/refusals/collector.ts';
import { requireLine, requireReason } from '../../kernel/text.ts';
import { MAX_TEXT_CHARS } from '../reception/application.ts';

/**
 * An undertaking agreement (承接协议). The county organ accepts a case of mode SUBSTANTIVE_REVIEW only while one is in
 * force (实施方案二（二）). The city organ accepts by its own right.
 */
export interface Agreement {
  number: string;
  cityOrgan: string;
  countyOrgan: string;
  matters: readonly string[];
  validFrom: Day;
  /** Last day in force, or null if it has no end. */
  validTo: Day | null;
  /** SHA-256 of the scanned paper, hex. */
  scanDigest: string;
}

/** Who recorded the agreements of a demonstration: its seed. */
export const SEED_RECORDER = '初始化';
const MAX_NUMBER_CHARS = 60;
const MAX_MATTERS = 200;
const MAX_ID_CHARS = 64;
/** An agreement is listed as about to end from this many days before its last day. */
export const ENDING_SOON_DAYS = 30;

/** Refuses FIELD_TOO_LONG, FIELD_MALFORMED unless an agreement is well-formed. */
export function requireAgreement(agreement: Agreement): void {
  const { number, cityOrgan, countyOrgan, matters, validFrom, validTo, scanDigest } = agreement;
  const requireForm = (isFit: boolean, field: string) => () => {
    if (!isFit) throw new Refusal('FIELD_MALFORMED', field);
  };
  checkAll(
    () => requireLine(number, MAX_NUMBER_CHARS, 'number'),
    () => requireLine(cityOrgan, MAX_ID_CHARS, 'cityOrgan'),
    () => requireLine(countyOrgan, MAX_ID_CHARS, 'countyOrgan'),
    () => requireMatters(matters),
    requireForm(isDay(validFrom), 'validFrom'),
    requireForm(validTo === null || (isDay(validTo) && validTo >= validFrom), 'validTo'),
    requireForm(/^[0-9a-f]{64}$/.test(scanDigest), 'scanDigest'),
  );
}

function requireMatters(matters: readonly string[]): void {
  if (matters.length === 0) throw new Refusal('FIELD_MALFORMED', 'matters');
  if (matters.length > MAX_MATTERS) throw new Refusal('FIELD_TOO_LONG', 'matters', `最多 ${MAX_MATTERS} 项`);
  if (new Set(matters).size !== matters.length) throw new Refusal('FIELD_MALFORMED', 'matters', '事项重复');
}

type OrganPair = Pick<Agreement, 'cityOrgan' | 'countyOrgan'>;

const isSamePair = (one: OrganPair, other: OrganPair): boolean =>
  one.cityOrgan === other.cityOrgan && one.countyOrgan === other.countyOrgan;

/** Whether an agreement is of these two organs and names the matter. */
export function covers(agreement: Agreement, pair: OrganPair, matterId: string): boolean {
  return isSamePair(agreement, pair) && agreement.matters.includes(matterId);
}

/** Returns an agreement as it binds on a day for a matter: a successor (机构改革) takes over what a former organ agreed. */
export function succeedAgreement<Made extends OrganPair>(
  agreement: Made,
  shares: readonly Succession[],
  matterId: string,
  day: Day,
): Made {
  const heir = (organ: string) => competentOrgan(shares, organ, matterId, day);
  return { ...agreement, cityOrgan: heir(agreement.cityOrgan), countyOrgan: heir(agreement.countyOrgan) };
}

/**
 * Refuses AGREEMENT_OF_OTHER_ORGANS unless each matter is delegated between the two organs on some day of the
 * agreement. `matters` has the delegations of each matter that the agreement names.
 */
export function requireOwnMatters(agreement: Agreement, matters: readonly MatterFact[]): void {
  const isOwn = (period: MatterFact['delegations'][number]) =>
    isSamePair(agreement, period) &&
    (period.validTo === null || agreement.validFrom <= period.validTo) &&
    (period.validFrom === null || agreement.validTo === null || period.validFrom <= agreement.validTo);
  const foreign = matters.filter(({ delegations }) => !delegations.some(isOwn)).map(({ matterId }) => matterId);
  if (foreign.length > 0) throw new Refusal('AGREEMENT_OF_OTHER_ORGANS', 'matters', foreign.join('、'));
}

/**
 * Returns the agreement with an earlier last day.
 * Refuses REASON_MISSING, FIELD_TOO_LONG, and FIELD_MALFORMED unless `lastDay` is earlier than the present one.
 */
export function endEarly(agreement: Agreement, lastDay: Day, reason: string): Agreement {
  const { validFrom, validTo } = agreement;
  checkAll(
    () => requireReason(reason, MAX_TEXT_CHARS),
    () => {
      const isEarlier = isDay(lastDay) && lastDay >= validFrom && (validTo === null || lastDay < validTo);
      if (!isEarlier) throw new Refusal('FIELD_MALFORMED', 'on');
    },
  );
  return { ...agreement, validTo: lastDay };
}
