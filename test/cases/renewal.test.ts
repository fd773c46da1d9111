import { describe, expect, test } from 'vitest';
import type { Case, LicenseFact } from '../../subgraphs/cases/case.ts';
import { findRunningRenewal, wasAskedInTime } from '../../subgraphs/cases/renewal/renewal.ts';

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

test.each([
  // The last moment of the last day, and the first after it, in Asia/Shanghai.
  ['2026-03-01T15:59:59.999Z', '2026-03-01', true],
  ['2026-03-01T16:00:00.000Z', '2026-03-01', false],
  ['2026-03-01T16:00:00.000Z', null, true],
] as const)('accepted at %s, before a last day %s: %s', (at, validUntil, expected) => {
  const steps = [
    { step: 'RECEIVED', at: new Date('2026-01-01') },
    { step: 'ACCEPTED', at: new Date(at) },
  ];
  const license = { license: { validFrom: '2025-03-02', validUntil } } as LicenseFact;
  expect(wasAskedInTime(buildCase([], { steps }), license)).toBe(expected);
});
