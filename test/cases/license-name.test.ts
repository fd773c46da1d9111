import { expect, test } from 'vitest';
import { pickLicense } from '../../subgraphs/cases/reception/license-name.ts';
import { catchRefusal } from '../../subgraphs/kernel/policy.ts';
import { sampleRecord } from '../support/record.ts';

/** Which license an application means by a printed number that several licenses have. */

const TYPE = '11000000000090018B004';
const OTHER_TYPE = '11000000000090018B001';
const licenseOf = (licenseType: string, licenseName = '林木采伐许可证') =>
  ({ identifier: sampleRecord.ZZBS, license: { licenseType, licenseName } }) as never;
const place = {
  matter: { organs: [{ id: 'yudu-lyj', uscc: sampleRecord.ZZBFJGDM }] },
  delegation: { seals: { organ: 'yudu-lyj' }, outcome: { licenseType: TYPE } },
} as never;

test('that of the matter’s type, whatever else has the number', () => {
  const own = licenseOf(TYPE);
  expect(pickLicense([licenseOf(OTHER_TYPE), own], place)).toBe(own);
  expect(pickLicense([licenseOf(OTHER_TYPE)], place)).not.toBeNull();
  expect(pickLicense([], place)).toBeNull();
});

test('none, if several fit: the refusal names them, and no more than five', () => {
  const many = Array.from({ length: 7 }, (_, i) => licenseOf(TYPE, `证照${i}`));
  const refusal = catchRefusal(() => pickLicense(many, place));
  expect(refusal).toMatchObject({ code: 'LICENSE_NUMBER_AMBIGUOUS', field: 'licenseNumber' });
  expect(refusal?.message.match(/证照\d/g)).toEqual(['证照0', '证照1', '证照2', '证照3', '证照4']);
});
