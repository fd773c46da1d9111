import { describe, expect, test } from 'vitest';
import type { Case, LicenseFact } from '../../subgraphs/cases/case.ts';
import { requireEndDay, requireStartDay, type TermInput, termOf } from '../../subgraphs/cases/decision/term.ts';
import { LICENSE_ACTIONS, periodMove } from '../../subgraphs/kernel/license-acts.ts';
import type { LicenseTypeVersion } from '../../subgraphs/kernel/license-type/type.ts';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';

/** The period of validity that a decision gives: by law, by the license type, by the decision. */

const TODAY = '2026-03-02';
const caseOf = (act: string, validityMonths: number | null): Case =>
  ({ act, delegation: { licenseAction: act, outcome: { kind: 'LICENSE', validityMonths } } }) as unknown as Case;
const typeOf = (kind: string, months: number | null = null) =>
  ({ term: { kind, months } }) as unknown as LicenseTypeVersion;
const licenseUntil = (validUntil: string | null) =>
  ({ state: 'VALID', license: { validFrom: '2021-03-02', validUntil } }) as unknown as LicenseFact;

interface Decided extends Partial<TermInput> {
  act?: string;
  months?: number | null;
  type?: LicenseTypeVersion | null;
  license?: LicenseFact | null;
}

/** Returns the period, or where the decision is refused. */
function decide({ act = 'ISSUE', months = null, type = null, license = null, ...named }: Decided) {
  const input = { validFrom: null, validUntil: null, ...named };
  const facts = { license, type, today: TODAY };
  const subject = caseOf(act, months);
  try {
    requireStartDay(subject, input, facts);
    requireEndDay(subject, input, facts);
  } catch (error) {
    if (error instanceof Refusal) return error.field;
    throw error;
  }
  const { validFrom, validUntil } = termOf(subject, input, facts);
  return `${validFrom} ${validUntil}`;
}

describe('the period of a decision', () => {
  const dated = typeOf('DATE_OF_CASE');
  test.each<[string, Decided, string]>([
    ['months of the matter', { months: 12 }, '2026-03-02 2027-03-01'],
    ['the matter overrules the type', { months: 12, type: typeOf('FIXED', 60) }, '2026-03-02 2027-03-01'],
    ['months of the type', { type: typeOf('FIXED', 60) }, '2026-03-02 2031-03-01'],
    ['no term', { type: typeOf('NONE') }, '2026-03-02 null'],
    ['a later first day', { months: 12, validFrom: '2026-08-31' }, '2026-08-31 2027-08-30'],
    ['a first day in the past', { validFrom: '2026-03-01' }, 'validFrom'],
    ['a first day more than a year ahead', { validFrom: '2027-03-02' }, 'validFrom'],
    ['a date of the case', { type: dated, validUntil: '2026-06-30' }, '2026-03-02 2026-06-30'],
    ['one day', { type: dated, validUntil: TODAY }, `${TODAY} ${TODAY}`],
    [
      'a date of the case instead of the months',
      { months: 12, type: dated, validUntil: '2026-06-30' },
      '2026-03-02 2026-06-30',
    ],
    ['the months where the decision names none', { type: typeOf('DATE_OF_CASE', 36) }, '2026-03-02 2029-03-01'],
    ['no date where nothing else sets one', { type: dated }, 'validUntil'],
    ['an end before the beginning', { type: dated, validUntil: '2026-03-01' }, 'validUntil'],
    [
      'an end before a later beginning',
      { type: dated, validFrom: '2026-05-01', validUntil: '2026-04-30' },
      'validUntil',
    ],
    ['an end in a hundred years and a day', { type: dated, validUntil: '2126-03-02' }, 'validUntil'],
    ['an end for a fixed term', { type: typeOf('FIXED', 60), validUntil: '2026-06-30' }, 'validUntil'],
    ['an end for a type without a term', { type: typeOf('NONE'), validUntil: '2026-06-30' }, 'validUntil'],
    ['an end of a case of 0.4, without a type', { months: 12, validUntil: '2026-06-30' }, 'validUntil'],
  ])('%s', (_, decided, expected) => expect(decide(decided)).toBe(expected));

  test('a renewal begins the day after the license ends, and its date is held against that day', () => {
    const renewal = { act: 'RENEW', type: dated, license: licenseUntil('2026-05-31') };
    expect(decide({ ...renewal, validUntil: '2027-05-31' })).toBe('2026-06-01 2027-05-31');
    expect(decide({ ...renewal, validUntil: '2026-05-31' })).toBe('validUntil');
    expect(decide({ ...renewal, validFrom: TODAY, validUntil: '2027-05-31' })).toBe('validFrom');
  });

  const license = licenseUntil('2027-05-31');
  const keeping = LICENSE_ACTIONS.filter((act) => periodMove(act) === 'KEEPS');
  test.each(keeping)('%s keeps the period', (act) => {
    expect(decide({ act, type: dated, license, validUntil: '2028-05-31' })).toBe('validUntil');
    expect(decide({ act, type: dated, license, validFrom: '2021-04-02' })).toBe('validFrom');
    expect(decide({ act, type: dated, license })).toBe('2021-03-02 2027-05-31');
  });

  test('a retention ends when the decision says, no earlier than the license did', () => {
    const retention = { act: 'RETAIN', type: dated, license };
    expect(decide({ ...retention, validUntil: '2029-05-31' })).toBe('2021-03-02 2029-05-31');
    expect(decide(retention)).toBe('2021-03-02 2027-05-31');
    expect(decide({ ...retention, validUntil: '2027-05-30' })).toBe('validUntil');
    expect(decide({ ...retention, validFrom: TODAY })).toBe('validFrom');
    expect(decide({ ...retention, type: typeOf('FIXED', 60), validUntil: '2029-05-31' })).toBe('validUntil');
    expect(decide({ ...retention, license: licenseUntil(null), validUntil: '2029-05-31' })).toBe('validUntil');
  });

  test('a correction mends the days that a decision wrote, as far as the type leaves them to it', () => {
    const correction = { act: 'CORRECT', type: dated, license };
    expect(decide({ ...correction, validUntil: '2026-05-31' })).toBe('2021-03-02 2026-05-31');
    expect(decide({ ...correction, validFrom: '2021-02-03' })).toBe('2021-02-03 2027-05-31');
    expect(decide({ ...correction, validFrom: '2022-03-03' })).toBe('validFrom');
    expect(decide({ ...correction, validFrom: '2020-03-01' })).toBe('validFrom');
    // It mends a slip; it ends nothing.
    expect(decide({ ...correction, validUntil: '2026-03-01' })).toBe('validUntil');
    expect(decide({ ...correction, license: licenseUntil('2026-03-01') })).toBe('2021-03-02 2026-03-01');
    // A term of months that ran from the wrong day runs from the right one.
    const fixed = { ...correction, type: typeOf('FIXED', 60), license: licenseUntil('2026-03-01') };
    expect(decide({ ...fixed, validFrom: '2021-05-02' })).toBe('2021-05-02 2026-05-01');
    expect(decide({ ...fixed, validUntil: '2026-05-01' })).toBe('validUntil');
    expect(decide({ ...correction, type: typeOf('NONE'), license: licenseUntil(null), validFrom: '2021-05-02' })).toBe(
      '2021-05-02 null',
    );
  });
});
