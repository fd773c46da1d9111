import { describe, expect, test } from 'vitest';
import type { Case } from '../../subgraphs/cases/case.ts';
import { findRunningRenewal } from '../../subgraphs/cases/renewal/renewal.ts';

/** Which cases hold off the end of the license that they renew. */

const buildCase = (steps: readonly string[], changes: object = {}): Case =>
  ({
    delegation: { licenseAction: 'RENEW', outcome: { kind: 'LICENSE' } },
    licenseNumber: 'N1',
    steps: steps.map((step) => ({ step })),
    step: steps.at(-1),
    result: null,
    ...changes,
  }) as unknown as Case;

describe('a running renewal', () => {
  test.each([
    [['RECEIVED'], {}, null],
    [['RECEIVED', 'ACCEPTED'], {}, 'N1'],
    [['RECEIVED', 'ACCEPTED', 'EXAMINED'], {}, 'N1'],
    [['RECEIVED', 'ACCEPTED', 'DECIDED'], {}, 'N1'],
    [['RECEIVED', 'ACCEPTED', 'DECIDED'], { result: 'REJECTED' }, null],
    [['RECEIVED', 'ACCEPTED', 'DECIDED', 'CERTIFIED'], {}, null],
    [['RECEIVED', 'ACCEPTED', 'WITHDRAWN'], {}, null],
    [['RECEIVED', 'ACCEPTED', 'DECIDED', 'VOIDED'], {}, null],
    [['RECEIVED', 'NOT_ACCEPTED'], {}, null],
  ] as const)('%j %j: %s', (steps, changes, expected) => {
    expect(findRunningRenewal(buildCase(steps, changes))).toBe(expected);
  });

  test('is of no other act', () => {
    const delegation = { licenseAction: 'CHANGE', outcome: { kind: 'LICENSE' } };
    expect(findRunningRenewal(buildCase(['RECEIVED', 'ACCEPTED'], { delegation }))).toBeNull();
  });
});
