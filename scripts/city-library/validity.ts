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

/**
 * Returns the state of a version on the day `today` (YYYY-MM-DD), from the state that its acts made. From the first day
 * of the renewal that takes its place it is superseded. After the last day it has lapsed. Before the first day it is
 * not yet valid, unless it is suspended. A final state stays.
 */
export function stateOn(
  state: State,
  { ZZYXQQSRQ: from, ZZYXQJZRQ: until }: Pick<VersionRecord, 'ZZYXQQSRQ' | 'ZZYXQJZRQ'>,
  today: string,
  supersededFrom: string | null,
): ValidityState {
  if (state !== 'VALID' && state !== 'SUSPENDED') return state;
  if (supersededFrom !== null && supersededFrom <= today) return 'SUPERSEDED';
  if (until !== '长期' && until < today) return 'LAPSED';
  return state === 'VALID' && today < from ? 'NOT_YET_VALID' : state;
}
