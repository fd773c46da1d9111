import { describe, expect, test } from 'vitest';
import { readEnvelope } from '../../subgraphs/kernel/events/events.ts';
import type { Decider } from '../../subgraphs/kernel/sealing/person-signature.ts';
import { isGranted } from '../../subgraphs/kernel/sealing/sign.ts';

/** SealChanged events of this release and of the previous one. */

const seal = {
  ...{ sealId: 's', name: '某机关证照专用章', kind: 'LICENSE_SEAL', organ: 'o', state: 'IN_USE' },
  ...{ validFrom: '2026-01-01T00:00:00.000Z', validUntil: '2029-01-01T00:00:00.000Z' },
};
const useOf = (matterId: string, personId: string) => ({
  ...{ organ: 'o', matterId, personId },
  decider: { organ: 'o', decides: 'o', exception: null },
  act: 'ISSUE' as const,
});
const readPayload = (payload: object) =>
  readEnvelope({ type: 'SealChanged', stream: 'seal:s', revision: 1, occurredAt: '2026-01-01T00:00:00.000Z', payload })
    .payload;

test('a notice is authorised by whoever did its step: of the organ, or at the window through which it accepts', () => {
  const openGrant = { matter: 'm', person: null, from: null, to: null };
  const isAuthorised = (decider: Decider, act: 'NOTICE' | 'DECISION') =>
    isGranted([openGrant], { organ: 'o', matterId: 'm', personId: 'q', decider, act }, '2026-06-15');
  const place = { organ: 'o', decides: 'o', exception: null };
  const atWindow = { ...place, organ: 'p', window: '360731' };
  expect([isAuthorised(place, 'NOTICE'), isAuthorised(atWindow, 'NOTICE')]).toEqual([true, true]);
  // Whoever is only at the window decides nothing, and neither place is that of another organ.
  expect(isAuthorised(atWindow, 'DECISION')).toBe(false);
  for (const other of [
    { ...place, decides: 'p' },
    { ...atWindow, decides: 'p' },
    { ...place, organ: 'p' },
  ])
    expect(isAuthorised(other, 'NOTICE')).toBe(false);
});

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
    expect(isGranted([grant], useOf(matter, person), day)).toBe(expected);
  });
  const openGrant = { matter: 'm', person: null, from: null, to: null };
  test('without a person is for whoever decides, without days has no end, and one of several is enough', () => {
    expect(isGranted([grant, openGrant], useOf('m', 'q'), '2999-01-01')).toBe(true);
    expect(isGranted([], useOf('m', 'q'), '2999-01-01')).toBe(false);
  });
  test.each<[string, Decider | null, boolean]>([
    ['a person of the organ that decided', { organ: 'o', decides: 'o', exception: null }, true],
    ['a person of its superior, by an exception', { organ: 'p', decides: 'o', exception: 'e' }, true],
    ['a person of another organ', { organ: 'p', decides: 'o', exception: null }, false],
    ['a case that another organ decided', { organ: 'p', decides: 'p', exception: null }, false],
    ['its own person, for another organ', { organ: 'o', decides: 'p', exception: null }, false],
    ['its own person, for another organ by an exception', { organ: 'o', decides: 'p', exception: 'e' }, false],
    ['a statement of release 0.4, which names no organ', null, true],
  ])('to whoever decides, for %s', (_, decider, expected) => {
    const use = { organ: 'o', matterId: 'm', personId: 'q', decider, act: 'ISSUE' as const };
    expect(isGranted([openGrant], use, '2026-06-15')).toBe(expected);
    // Somebody whom a grant names needs no other.
    expect(isGranted([{ ...openGrant, person: 'q' }], use, '2026-06-15')).toBe(true);
  });
});
