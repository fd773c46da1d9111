import { describe, expect, test } from 'vitest';
import { type Act, VERSION_ACTS } from '../../subgraphs/kernel/license-acts.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import type { LicenseHead } from '../../subgraphs/licenses/license.ts';
import { type CertificateTask, requireTaskFits } from '../../subgraphs/licenses/task/task.ts';

/** Which granted acts still fit a license that has gained a period since the decision. */

/** Returns the code with which an act is refused, or null, by first and last day of its content and of the license. */
function findCode(action: Act, content: [string, string | null], license: [string, string]): string | null {
  const [validFrom, validUntil] = content;
  const [ZZYXQQSRQ, ZZYXQJZRQ] = license;
  const task = { content: { action, licenseType: 'T', holder: { code: 'C' }, validFrom, validUntil } };
  const record = { ZZLXDM: 'T', CZZTDM: 'C', ZZYXQQSRQ, ZZYXQJZRQ };
  const head = { state: 'VALID', storedState: 'VALID', record };
  try {
    requireTaskFits(task as unknown as CertificateTask, head as unknown as LicenseHead);
    return null;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.code;
  }
}

const OLD: [string, string] = ['2025-03-02', '2026-03-01'];
const RENEWED: [string, string] = ['2026-03-02', '2027-03-01'];
const BOTH: [string, string] = ['2025-03-02', '2027-03-01'];

describe('an act that keeps the period', () => {
  const keeping = VERSION_ACTS.filter((act) => act !== 'ISSUE' && act !== 'RENEW');
  test.each(keeping)('%s decided before a renewal does not take its last day away', (act) => {
    expect(findCode(act, OLD, OLD)).toBeNull();
    expect(findCode(act, OLD, RENEWED)).toBe('LICENSE_ACT_NOT_ALLOWED');
    expect(findCode(act, BOTH, RENEWED)).toBeNull();
    expect(findCode(act, ['2025-03-02', null], ['2025-03-02', '长期'])).toBeNull();
  });
});

test('a renewal has a later last day, and what was renewed is not renewed again', () => {
  expect(findCode('RENEW', RENEWED, OLD)).toBeNull();
  expect(findCode('RENEW', RENEWED, RENEWED)).toBe('LICENSE_ACT_NOT_ALLOWED');
});

test('a cancellation states no period', () => {
  expect(findCode('CANCEL', OLD, RENEWED)).toBeNull();
});
