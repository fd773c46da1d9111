import { expect, test } from 'vitest';
import {
  isActAllowed,
  LICENSE_STATE_LABELS,
  PERSON_ACTS,
  VALIDITY_STATES,
} from '../../subgraphs/kernel/license-acts.ts';
import { describeObstacle, requireActAllowed } from '../../subgraphs/kernel/license-type/act-fit.ts';

/** What a clerk reads where a license does not take an act. */

const PAIRS = PERSON_ACTS.flatMap((act) => VALIDITY_STATES.map((state) => ({ act, state })));

test('an act that the state does not allow is refused with the state, each state with a reason of its own', () => {
  for (const { act, state } of PAIRS) {
    const ask = () => requireActAllowed(act, state, 'licenseNumber');
    if (isActAllowed(act, state)) expect(ask).not.toThrow();
    else expect(ask).toThrow(`证照现为“${LICENSE_STATE_LABELS[state]}”，`);
  }
  expect(new Set(VALIDITY_STATES.map((state) => describeObstacle('CHANGE', state).split('，')[1])).size).toBe(9);
});

test('the words are those of the counter', () => {
  expect(describeObstacle('CHANGE', 'SUSPENDED')).toBe('证照现为“暂扣”，恢复以后办理变更');
  expect(describeObstacle('RENEW', 'LAPSED')).toBe('证照现为“失效”，有效期已经届满，不能再办理延续');
  expect(describeObstacle('RESTORE', 'VALID')).toBe('证照现为“有效”，只有暂扣的证照才办理恢复');
});
