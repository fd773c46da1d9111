import { describe, expect, test } from 'vitest';
import { LICENSE_ACTIONS, VERSION_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import type { LicenseHead } from '../../subgraphs/licenses/license.ts';
import { type CertificateTask, requireTaskFits } from '../../subgraphs/licenses/task/task.ts';

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
