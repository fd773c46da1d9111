import { describe, expect, test } from 'vitest';
import { type Act, LICENSE_ACTIONS, VERSION_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import type { LicenseHead } from '../../subgraphs/licenses/license.ts';
import { type CertificateTask, requireTaskFits, requireTaskInTime } from '../../subgraphs/licenses/task/task.ts';

/** Which granted acts still fit a license of which a version was made since the decision. */

const DECIDED_AT = '2026-03-02T04:00:00.000Z';
const LATER = '2026-03-02T04:00:00.001Z';

/** Returns the code with which an act decided on version 1 is refused, or null, by the version that stands now. */
function findCode(action: string, { version, madeAt }: { version: number; madeAt: string }, isOld = false) {
  const content = { action, licenseType: 'T', holder: { code: 'C' }, ...(!isOld && { onVersion: 1 }) };
  const task = { content, decidedAt: new Date(DECIDED_AT) } as unknown as CertificateTask;
  const record = { ZZLXDM: 'T', CZZTDM: 'C', ZZQZSJ: madeAt };
  const head = { state: 'VALID', storedState: 'VALID', version, record } as unknown as LicenseHead;
  try {
    requireTaskFits(task, head);
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.code;
  }
}

describe.each(LICENSE_ACTIONS.filter((act) => act !== 'ISSUE'))('%s', (act) => {
  const outdated = (VERSION_ACTS as readonly string[]).includes(act) ? 'LICENSE_CHANGED' : null;

  test('is done on the version on which it was decided, and states nothing over a later one', () => {
    // Whatever the clock says: the grant names the version.
    expect(findCode(act, { version: 1, madeAt: LATER })).toBeNull();
    expect(findCode(act, { version: 2, madeAt: DECIDED_AT })).toBe(outdated);
  });

  test('of a release up to 0.4.1 names no version: one that was made after the decision counts', () => {
    expect(findCode(act, { version: 2, madeAt: DECIDED_AT }, true)).toBeNull();
    expect(findCode(act, { version: 2, madeAt: LATER }, true)).toBe(outdated);
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
