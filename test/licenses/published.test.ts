import { expect, test } from 'vitest';
import { readLicenseTypes } from '../../seeds/load.ts';
import { listPublished } from '../../subgraphs/licenses/verification/view.ts';
import { sampleRecord } from '../support/record.ts';

/** The public sees the lines that the version of the type publishes, and no others. */

const [seed] = readLicenseTypes().filter(({ code }) => code === '11000000000090018B033');
if (!seed) throw new Error('no such type');
const hidden = seed.lines.map((line) => ({ ...line, published: false }));
const type = {
  code: seed.code,
  versions: [
    { ...seed, version: 1, validTo: '2026-12-31' },
    { ...seed, lines: hidden, version: 2, validTo: null },
  ],
};
const KZ_NR = [
  { label: '经营范围', text: '示范' },
  { label: '备注', text: '内部' },
  { label: '法定代表人', text: '李晓明（兼）' },
];
const recordOf = (more: object) => ({ ...sampleRecord, KZ_NR, ...more });

test('lines of the version that the record names, without those it does not publish', () => {
  expect(listPublished(recordOf({ KZ_LXBB: 1 }), type).map(({ label }) => label)).toEqual(['经营范围', '法定代表人']);
  expect(listPublished(recordOf({ KZ_LXBB: 2 }), type)).toEqual([]);
});

test('none of a license whose version is not named or not known', () => {
  expect(listPublished(recordOf({}), type)).toEqual([]);
  expect(listPublished(recordOf({ KZ_LXBB: 3 }), type)).toEqual([]);
  expect(listPublished(recordOf({ KZ_LXBB: 1 }), null)).toEqual([]);
});

test('the number of a person’s document is left out of them, with its country or without', () => {
  const personal = { KZ_LXBB: 1, CZZT: 'JANE DOE', CZZTDM: 'USA-123456789', CZZTDMLX: '414' as const };
  const lines = [{ label: '经营范围', text: 'JANE DOE，USA-123456789，护照 123456789' }];
  const [line] = listPublished({ ...recordOf(personal), KZ_NR: lines }, type);
  expect(line?.text).toBe('J*******，***，护照 ***');
});

test('the name of a person who holds it is masked in them', () => {
  const personal = { KZ_LXBB: 1, CZZT: '李晓明', CZZTDMLX: '111' as const };
  expect(listPublished(recordOf(personal), type).map(({ text }) => text)).toEqual(['示范', '李**（兼）']);
});
