import { STATES, type State, type VersionRecord } from './protocol.ts';

/** States on a day: what the acts made, and what the period of validity (有效期) makes of it. */
export const VALIDITY_STATES = [...STATES, 'NOT_YET_VALID'] as const;
export type ValidityState = (typeof VALIDITY_STATES)[number];

/**
 * Returns the state of a version on the day `today` (YYYY-MM-DD), from the state that its acts made. After the last day
 * it has lapsed. Before the first day it is not yet valid, unless it is suspended. A final state stays.
 */
export function stateOn(
  state: State,
  { ZZYXQQSRQ: from, ZZYXQJZRQ: until }: Pick<VersionRecord, 'ZZYXQQSRQ' | 'ZZYXQJZRQ'>,
  today: string,
): ValidityState {
  if (state !== 'VALID' && state !== 'SUSPENDED') return state;
  if (until !== '长期' && until < today) return 'LAPSED';
  return state === 'VALID' && today < from ? 'NOT_YET_VALID' : state;
}
