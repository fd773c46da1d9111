import { describe, expect, test } from 'vitest';
import { type Act, periodMove, VERSION_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import type { LicenseHead } from '../../subgraphs/licenses/license.ts';
import { type CertificateTask, requireTaskFits, requireTaskInTime } from '../../subgraphs/licenses/task/task.ts';

/** Which granted acts still fit a license of which a version was made since the decision. */

const DECIDED_AT = '2026-03-02T04:00:00.000Z';
const LATER = '2026-03-02T04:00:00.001Z';
const REPLACING = VERSION_ACTS.filter((act) => act !== 'ISSUE');

/** The license as it stands, and a grant on it that changes one line. */
const RECORD = {
  ...{ ZZLXDM: 'T', CZZTDM: 'C', CZZTDMLX: '001', CZZT: '甲公司', KZ_CZ: 'ISSUE', ZZQZSJ: DECIDED_AT },
  ...{ ZZYXQQSRQ: '2025-03-02', ZZYXQJZRQ: '2026-06-01' },
  KZ_NR: [
    { label: '住所', text: '甲路' },
    { label: '范围', text: '零售' },
  ],
};
const KEPT = { validFrom: '2025-03-02', validUntil: '2026-06-01' };
const NEXT = { validFrom: '2026-06-02', validUntil: '2027-06-01' };
const CONTENT = {
  ...{ licenseType: 'T', holder: { code: 'C', name: '甲公司' }, onVersion: 1 },
  fields: [
    { label: '住所', text: '乙路' },
    { label: '范围', text: '零售' },
  ],
  changes: [{ label: '住所', before: '甲路', after: '乙路' }],
};

/** Returns the code with which an act decided on version 1 is refused, or null, by what stands and what it states. */
function findCode(action: string, standing: object = {}, stated: object = {}, version = 1): string | null {
  const content = { action, ...CONTENT, ...(action === 'RENEW' ? NEXT : KEPT), ...stated };
  const task = { content, decidedAt: new Date(DECIDED_AT) } as unknown as CertificateTask;
  const record = { ...RECORD, ...standing };
  const head = { state: 'VALID', storedState: 'VALID', version, record } as unknown as LicenseHead;
  try {
    requireTaskFits(task, head);
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.code;
  }
}

describe.each(REPLACING)('%s', (act) => {
  test('is printed on the version on which it was decided, and on no other', () => {
    // Whatever the clock says: the grant names the version.
    expect(findCode(act, { ZZQZSJ: LATER })).toBeNull();
    expect(findCode(act, {}, {}, 2)).toBe('LICENSE_CHANGED');
  });

  test('states nothing that its decision did not change', () => {
    const lines = (text: string) => [RECORD.KZ_NR[0], { label: '范围', text }];
    expect(findCode(act, { KZ_NR: lines('批发') })).toBe('LICENSE_CHANGED');
    expect(findCode(act, { KZ_NR: [] })).toBe('LICENSE_CHANGED');
    expect(findCode(act, { CZZT: '乙公司' })).toBe('LICENSE_CHANGED');
    expect(findCode(act, {}, { changes: [] })).toBe('LICENSE_CHANGED');
  });

  test('has the period that follows from the one that stands', () => {
    const move = periodMove(act);
    const unlessNamed = move === 'CORRECTS' ? null : 'LICENSE_CHANGED';
    expect(findCode(act, { ZZYXQJZRQ: '2026-07-01' })).toBe(unlessNamed);
    // A retention may end later than the license did.
    expect(findCode(act, { ZZYXQJZRQ: '2026-05-01' })).toBe(move === 'KEEPS' ? 'LICENSE_CHANGED' : null);
    expect(findCode(act, { ZZYXQQSRQ: '2025-04-02' })).toBe(move === 'BEGINS' ? null : unlessNamed);
    const waiting = { KZ_CZ: 'RENEW', ZZYXQQSRQ: '2026-03-03', ZZYXQJZRQ: '2026-06-01' };
    expect(findCode(act, waiting)).toBeNull();
    // It has begun before the decision.
    const begun = { ...waiting, ZZYXQQSRQ: '2026-03-02' };
    expect(findCode(act, begun)).toBe(move === 'BEGINS' ? null : unlessNamed);
  });

  test('of a release up to 0.4.1 says neither: a version that was made after the decision counts', () => {
    const old = { onVersion: undefined, changes: undefined };
    expect(findCode(act, { KZ_NR: [] }, old, 2)).toBeNull();
    expect(findCode(act, { ZZQZSJ: LATER }, old, 2)).toBe('LICENSE_CHANGED');
  });
});

describe('a version that would have lapsed when it is made', () => {
  const TODAY = '2026-03-02';
  /** Returns the code with which an act with a last day is refused, on a license in a state. */
  const codeOf = (action: Act, validUntil: string | null, state: string | null): string | null => {
    const task = { content: { action, validFrom: '2025-03-02', validUntil } } as unknown as CertificateTask;
    try {
      requireTaskInTime(task, state === null ? null : ({ state } as LicenseHead), TODAY);
      return null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return error.code;
    }
  };

  test('an issue and a renewal state their own last day', () => {
    for (const [action, state] of [
      ['ISSUE', null],
      ['RENEW', 'LAPSED'],
    ] as const)
      expect([
        action,
        codeOf(action, '2026-03-01', state),
        codeOf(action, TODAY, state),
        codeOf(action, null, state),
      ]).toEqual([action, 'TASK_LICENSE_ENDED', null, null]);
  });

  test.each(VERSION_ACTS.filter((act) => act !== 'ISSUE' && act !== 'RENEW'))(
    '%s keeps the last day of the license, which a renewal may hold off',
    (act) => {
      expect(codeOf(act, '2026-03-01', 'LAPSED')).toBe('TASK_LICENSE_ENDED');
      expect(codeOf(act, '2026-03-01', 'VALID')).toBeNull();
    },
  );

  test('an end may be entered at any time', () => {
    expect(codeOf('CANCEL', '2026-03-01', 'LAPSED')).toBeNull();
  });
});

test('a cancellation makes no version, so it is entered on any', () => {
  expect(findCode('CANCEL', { KZ_NR: [], ZZYXQJZRQ: '2027-01-01' }, {}, 2)).toBeNull();
});
