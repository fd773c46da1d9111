import { describe, expect, test } from 'vitest';
import { CASE_ORDER, findCaseBefore, type RunningCase, requireTurn } from '../../subgraphs/cases/standing/standing.ts';
import { LICENSE_ACTIONS, type LicenseAction } from '../../subgraphs/kernel/license-acts.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';

/** Which cases on one license wait for each other. */

const buildCase = (act: LicenseAction, isGranted: boolean, number: string | null = '360731202600001'): RunningCase => ({
  ...{ id: 'c', number, act, isGranted, holdsEnd: false },
});
const ON_LICENSE = LICENSE_ACTIONS.filter((act) => act !== 'ISSUE');
const waits = (act: LicenseAction, stage: 'acceptance' | 'grant', other: LicenseAction, isGranted: boolean) =>
  findCaseBefore(act, stage, [buildCase(other, isGranted)]) !== null;

describe('cases on one license', () => {
  test.each(ON_LICENSE)('after a granted end or transfer nothing else is accepted or granted: %s', (act) => {
    for (const other of ['CANCEL', 'TRANSFER'] as const)
      for (const stage of ['acceptance', 'grant'] as const)
        expect([other, stage, waits(act, stage, other, true)]).toEqual([other, stage, true]);
  });

  test.each(['RENEW', 'TRANSFER', 'CANCEL', 'REISSUE', 'RETAIN'] as const)('%s is asked for once at a time', (act) => {
    expect(waits(act, 'acceptance', act, false)).toBe(true);
    // Both of an earlier release run. The first is decided; the other waits for its version.
    expect([waits(act, 'grant', act, false), waits(act, 'grant', act, true)]).toEqual([false, true]);
  });

  test('a transfer waits for the renewal of the present holder; the renewal does not wait for an undecided transfer', () => {
    expect([waits('TRANSFER', 'acceptance', 'RENEW', false), waits('TRANSFER', 'grant', 'RENEW', false)]).toEqual([
      true,
      true,
    ]);
    expect([waits('RENEW', 'acceptance', 'TRANSFER', false), waits('RENEW', 'grant', 'TRANSFER', false)]).toEqual([
      false,
      false,
    ]);
  });

  test.each(ON_LICENSE)('what was granted is done before the license is renewed or cancelled: %s', (act) => {
    for (const later of ['RENEW', 'CANCEL'] as const)
      expect([later, waits(later, 'grant', act, true)]).toEqual([later, true]);
    expect(waits(act, 'grant', 'RENEW', true)).toBe(true);
  });

  test.each(ON_LICENSE)('no two undecided cases wait for each other: %s', (act) => {
    for (const other of ON_LICENSE)
      expect([other, waits(act, 'grant', other, false) && waits(other, 'grant', act, false)]).toEqual([other, false]);
  });

  test('lines are changed and corrected, and lost sheets made anew, while a renewal is undecided', () => {
    for (const act of ['CHANGE', 'CORRECT', 'REISSUE', 'RETAIN'] as const)
      for (const stage of ['acceptance', 'grant'] as const)
        expect([act, stage, waits(act, stage, 'RENEW', false)]).toEqual([act, stage, false]);
  });

  test('every act of a case has a row', () => {
    expect(Object.keys(CASE_ORDER).sort()).toEqual([...LICENSE_ACTIONS].sort());
  });
});

test('the refusal says what runs, and the number only to those who may see it', () => {
  const messageOf = (other: RunningCase) => {
    try {
      requireTurn('TRANSFER', 'acceptance', { running: [other] } as never);
      return null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return [error.code, error.field, error.message];
    }
  };
  const head = ['CASE_RUNNING_ON_LICENSE', 'licenseNumber'];
  expect(messageOf(buildCase('RENEW', false))).toEqual([
    ...head,
    '此证照另有办件须先办结：延续正在办理，办件360731202600001。',
  ]);
  expect(messageOf(buildCase('CANCEL', true, null))).toEqual([...head, '此证照另有办件须先办结：注销已准予待制证。']);
  expect(messageOf(buildCase('CHANGE', true))).toBeNull();
});
