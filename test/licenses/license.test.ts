import { describe, expect, test } from 'vitest';
import { ACTS, isLive, makesVersion, VALIDITY_STATES } from '../../subgraphs/kernel/license-acts.ts';
import { stateAfter } from '../../subgraphs/licenses/license.ts';

/**
 * The acts that each state allows. All others are refused. A version in force can be replaced, suspended or ended. A
 * suspended one can be restored or ended. One that has not begun is not renewed, and no time has ended it. One that has
 * ended can only be cancelled (行政许可法第七十条第一项、第四项).
 */
const ALLOWED: Record<(typeof VALIDITY_STATES)[number], readonly string[]> = {
  VALID: [
    'CHANGE',
    'RENEW',
    'REISSUE',
    'RETAIN',
    'TRANSFER',
    'CORRECT',
    'SUSPEND',
    'LAPSE',
    'RESCIND',
    'WITHDRAW',
    'REVOKE',
    'CANCEL',
  ],
  SUSPENDED: ['RENEW', 'RESTORE', 'LAPSE', 'RESCIND', 'WITHDRAW', 'REVOKE', 'CANCEL'],
  SUPERSEDED: [],
  LAPSED: ['CANCEL'],
  RESCINDED: ['CANCEL'],
  WITHDRAWN: ['CANCEL'],
  REVOKED: ['CANCEL'],
  CANCELLED: [],
  NOT_YET_VALID: [
    'CHANGE',
    'REISSUE',
    'RETAIN',
    'TRANSFER',
    'CORRECT',
    'SUSPEND',
    'RESCIND',
    'WITHDRAW',
    'REVOKE',
    'CANCEL',
  ],
};
const RESULTING_STATE: Record<string, string> = {
  CHANGE: 'SUPERSEDED',
  RENEW: 'SUPERSEDED',
  REISSUE: 'SUPERSEDED',
  RETAIN: 'SUPERSEDED',
  TRANSFER: 'SUPERSEDED',
  CORRECT: 'SUPERSEDED',
  SUSPEND: 'SUSPENDED',
  RESTORE: 'VALID',
  LAPSE: 'LAPSED',
  RESCIND: 'RESCINDED',
  WITHDRAW: 'WITHDRAWN',
  REVOKE: 'REVOKED',
  CANCEL: 'CANCELLED',
};

describe('the state machine of a license', () => {
  for (const state of VALIDITY_STATES) {
    for (const act of ACTS) {
      if (act === 'ISSUE') continue;
      if (ALLOWED[state].includes(act)) {
        test(`${act} of a ${state} license leads to ${RESULTING_STATE[act]}`, () => {
          expect(stateAfter(state, act)).toBe(RESULTING_STATE[act]);
        });
      } else {
        test(`${act} of a ${state} license is refused`, () => {
          expect(() => stateAfter(state, act)).toThrow(expect.objectContaining({ code: 'LICENSE_ACT_NOT_ALLOWED' }));
        });
      }
    }
  }

  test('only seven acts make a new document', () => {
    expect(ACTS.filter(makesVersion)).toEqual(['ISSUE', 'CHANGE', 'RENEW', 'REISSUE', 'RETAIN', 'TRANSFER', 'CORRECT']);
  });

  test('only versions in force, suspended or not yet begun are live; paper of all others must be returned', () => {
    expect(VALIDITY_STATES.filter(isLive)).toEqual(['VALID', 'SUSPENDED', 'NOT_YET_VALID']);
  });
});
