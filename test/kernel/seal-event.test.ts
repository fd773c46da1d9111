import { describe, expect, test } from 'vitest';
import { readEnvelope } from '../../subgraphs/kernel/events/events.ts';
import { isGranted } from '../../subgraphs/kernel/sealing/sign.ts';

/** SealChanged events of this release and of the previous one. */

const seal = {
  ...{ sealId: 's', name: '某机关证照专用章', kind: 'LICENSE_SEAL', organ: 'o', state: 'IN_USE' },
  ...{ validFrom: '2026-01-01T00:00:00.000Z', validUntil: '2029-01-01T00:00:00.000Z' },
};
const readPayload = (payload: object) =>
  readEnvelope({ type: 'SealChanged', stream: 'seal:s', revision: 1, occurredAt: '2026-01-01T00:00:00.000Z', payload })
    .payload;

describe('SealChanged', () => {
  test('of release 0.3, with only matters, is read with open grants', () => {
    const openGrant = { person: null, from: null, to: null };
    expect(readPayload({ ...seal, matters: ['m1', 'm2'] })).toEqual({
      ...seal,
      grants: [
        { matter: 'm1', ...openGrant },
        { matter: 'm2', ...openGrant },
      ],
    });
    expect(readPayload({ ...seal, matters: [] })).toEqual({ ...seal, grants: [] });
  });
  test('of this release is read unchanged, and one without matters and grants is refused', () => {
    const grants = [{ matter: 'm1', person: 'p', from: '2026-01-01', to: null }];
    expect(readPayload({ ...seal, state: 'ON_FILE', grants })).toEqual({ ...seal, state: 'ON_FILE', grants });
    // If both are present, only the grants of this release count.
    expect(readPayload({ ...seal, grants, matters: ['m2'] })).toEqual({ ...seal, grants });
    for (const payload of [seal, { ...seal, matters: 'm1' }, { ...seal, grants: [{ matter: 'm1' }] }]) {
      expect(() => readPayload(payload)).toThrow();
    }
  });
});

describe('a grant', () => {
  const grant = { matter: 'm', person: 'p', from: '2026-06-01', to: '2026-06-30' };
  test.each([
    ['its person on its first day', 'm', 'p', '2026-06-01', true],
    ['its person on its last day', 'm', 'p', '2026-06-30', true],
    ['its person a day early', 'm', 'p', '2026-05-31', false],
    ['its person a day late', 'm', 'p', '2026-07-01', false],
    ['somebody else', 'm', 'q', '2026-06-15', false],
    ['another matter', 'n', 'p', '2026-06-15', false],
  ])('for %s', (_, matter, person, day, expected) => {
    expect(isGranted([grant], matter, person, day)).toBe(expected);
  });
  test('without a person is for everybody, without days has no end, and one of several is enough', () => {
    const openGrant = { matter: 'm', person: null, from: null, to: null };
    expect(isGranted([grant, openGrant], 'm', 'q', '2999-01-01')).toBe(true);
    expect(isGranted([], 'm', 'q', '2999-01-01')).toBe(false);
  });
});
