import { type Delivery, STATES, type State, type VersionRecord } from './protocol.ts';

/** States on a day: what the acts made, and what the period of validity (有效期) makes of it. */
export const VALIDITY_STATES = [...STATES, 'NOT_YET_VALID'] as const;
export type ValidityState = (typeof VALIDITY_STATES)[number];

const shanghaiDateFormat = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Shanghai',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** Returns the date in the library's time zone, YYYY-MM-DD. */
export function toShanghaiDate(at: Date): string {
  return shanghaiDateFormat.format(at);
}

/**
 * Returns the first day of a new version if it takes the place of the version before only then, or null if it does so
 * at once. A renewal (延续) that begins later than the day on which it was made lets the earlier version run to its end.
 */
export function findTakeoverDay({ act, changedAt, record }: Delivery): string | null {
  const { ZZYXQQSRQ: from } = record.value;
  return act === 'RENEW' && typeof from === 'string' && from > toShanghaiDate(new Date(changedAt)) ? from : null;
}

/** What decides on a state beside acts and the period. */
export interface Joins {
  /** First day of the renewal that takes its place then, or null. */
  supersededFrom: string | null;
  /** The last day that an undecided renewal holds off (视为准予延续), and every one before it. Null: none does. */
  heldUntil: string | null;
}

/**
 * Returns the state of a version on the day `today` (YYYY-MM-DD), from the state that its acts made. From the first day
 * of the renewal that takes its place it is superseded. After the last day it has lapsed, unless a renewal holds that
 * day off. Before the first day it is not yet valid, unless it is suspended. A final state stays.
 */
export function stateOn(
  state: State,
  { ZZYXQQSRQ: from, ZZYXQJZRQ: until }: Pick<VersionRecord, 'ZZYXQQSRQ' | 'ZZYXQJZRQ'>,
  today: string,
  { supersededFrom, heldUntil }: Joins,
): ValidityState {
  if (state !== 'VALID' && state !== 'SUSPENDED') return state;
  if (supersededFrom !== null && supersededFrom <= today) return 'SUPERSEDED';
  if (hasEnded(until, today, heldUntil)) return 'LAPSED';
  return state === 'VALID' && today < from ? 'NOT_YET_VALID' : state;
}

/** Whether a last day has passed, and no renewal holds it off. */
export function hasEnded(until: string, today: string, heldUntil: string | null): boolean {
  const isHeld = heldUntil !== null && until <= heldUntil;
  return until !== '长期' && until < today && !isHeld;
}
