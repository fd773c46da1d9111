import { describe, expect, test } from 'vitest';
import type { LicenseFact } from '../../subgraphs/cases/case.ts';
import { EMPTY_REFUSALS, requireChange, requireFitting, toLabels } from '../../subgraphs/cases/content/check.ts';
import {
  changesHolder,
  changesLines,
  LICENSE_ACTIONS,
  type LicenseAction,
  periodMove,
} from '../../subgraphs/kernel/license-acts.ts';
import type { LicenseTypeVersion } from '../../subgraphs/kernel/license-type/type.ts';
import { catchRefusal } from '../../subgraphs/kernel/policy.ts';

const holder = { name: '甲公司', codeKind: 'USCC', code: '91000000MA0000001R' } as const;
const STANDING = [{ label: '采伐面积（公顷）', text: '4.6' }];
const PERIOD = { validFrom: '2026-03-02', validUntil: '2027-03-01' };
const line = {
  key: 'area',
  label: '采伐面积（公顷）',
  kind: 'DECIMAL',
  required: true,
  maxLength: 20,
  choices: [],
  pattern: null,
};
const typeOf = (kind: string) => ({ lines: [line], term: { kind, months: 12 } }) as unknown as LicenseTypeVersion;
const subject = (fields: typeof STANDING) => ({ act: 'CORRECT', applicant: holder, fields, delegation: {} }) as never;

describe('a correction (更正) corrects something', () => {
  const license = { license: { holder, fields: STANDING, ...PERIOD } } as unknown as LicenseFact;
  const refusalOf = (kind: string, fields: typeof STANDING, period: typeof PERIOD | null) => {
    try {
      requireChange(subject(fields), license, typeOf(kind), period);
      return null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  test('a line, or a day that the decision names', () => {
    expect(refusalOf('FIXED', [{ label: '采伐面积（公顷）', text: '6.4' }], null)).toBeNull();
    expect(refusalOf('FIXED', STANDING, PERIOD)).toBe('CORRECTION_EMPTY');
    expect(refusalOf('DATE_OF_CASE', STANDING, PERIOD)).toBe('CORRECTION_EMPTY');
    expect(refusalOf('DATE_OF_CASE', [], { ...PERIOD, validUntil: '2026-12-01' })).toBeNull();
    expect(refusalOf('FIXED', [], { ...PERIOD, validFrom: '2026-02-03' })).toBeNull();
  });

  test('before the decision, a day may be all that is wrong, of any term', () => {
    for (const kind of ['FIXED', 'YEARS', 'DATE_OF_CASE', 'NONE']) expect(refusalOf(kind, [], null), kind).toBeNull();
  });
});

describe('a change (变更) changes something', () => {
  const license = { license: { holder, fields: STANDING, ...PERIOD } } as unknown as LicenseFact;
  const codeOf = (act: LicenseAction, changes: object = {}, period: typeof PERIOD | null = null) =>
    catchRefusal(() => {
      const subject = { act, applicant: holder, fields: [], delegation: {}, ...changes } as never;
      requireChange(subject, license, typeOf('DATE_OF_CASE'), period);
    })?.code ?? null;

  test('a line or the name of the holder, at receipt as at the decision', () => {
    for (const period of [null, PERIOD, { ...PERIOD, validUntil: '2028-01-01' }]) {
      expect(codeOf('CHANGE', {}, period)).toBe('CHANGE_EMPTY');
      expect(codeOf('CHANGE', { fields: STANDING }, period)).toBe('CHANGE_EMPTY');
      expect(codeOf('CHANGE', { fields: [{ label: '采伐面积（公顷）', text: '5' }] }, period)).toBeNull();
      expect(codeOf('CHANGE', { applicant: { ...holder, name: '甲股份公司' } }, period)).toBeNull();
    }
  });

  test('every other act is something without a change of a line', () => {
    const acts = LICENSE_ACTIONS.filter((act) => codeOf(act, {}, PERIOD) !== null);
    expect(acts.toSorted()).toEqual(Object.keys(EMPTY_REFUSALS).toSorted());
    // A new period, another holder, another sheet, an end of its own.
    for (const act of LICENSE_ACTIONS.filter((each) => changesLines(each) && periodMove(each) === 'KEEPS'))
      expect([act, act in EMPTY_REFUSALS || changesHolder(act)]).toEqual([act, true]);
  });
});

test('a line is known by its key, and by its label in any width and with any brackets', () => {
  const type = typeOf('FIXED');
  for (const label of ['area', '采伐面积（公顷）', '采伐面积(公顷)', '采伐面积〔公顷〕 '])
    expect(toLabels(type, [{ label, text: '1' }])).toEqual([{ label: '采伐面积（公顷）', text: '1' }]);
  const unknown = toLabels(type, [{ label: '面积', text: '1' }]);
  expect(() => requireFitting(type, unknown, [])).toThrow('此类证照没有“面积”这一项');
  const long = [{ label: '采伐面积（公顷）', text: '1.000000000000001' }];
  expect(() => requireFitting(type, long, [])).toThrow('小数至多 10 位');
});
