import { describe, expect, test } from 'vitest';
import { listRenamed, relabel } from '../../subgraphs/kernel/license-type/renaming.ts';
import type { LicenseTypeVersion, PublishedLicenseType } from '../../subgraphs/kernel/license-type/type.ts';

/** A line keeps its key when a version of the type gives it another label. */

const versionOf = (version: number, labels: Readonly<Record<string, string>>) =>
  ({ version, lines: Object.entries(labels).map(([key, label]) => ({ key, label })) }) as unknown as LicenseTypeVersion;
const V1 = versionOf(1, { scope: '经营范围', area: '面积（公顷）', note: '备注' });
const V2 = versionOf(2, { scope: '经营项目', area: '面积（公顷）', note: '备注' });
/** Calls the note as the first version called the scope. */
const V3 = versionOf(3, { scope: '经营项目', area: '采伐面积', note: '经营范围' });
const PUBLISHED = { code: 'x', versions: [V1, V2, V3] } as PublishedLicenseType;

const toLines = (...labels: string[]) => labels.map((label) => ({ label, text: `${label}的内容` }));
const renamedFor = (type: LicenseTypeVersion | null, labels: string[], sealedBy?: number) =>
  listRenamed(PUBLISHED, type, { lines: toLines(...labels), sealedBy });

describe('a line of a license', () => {
  test('goes on under the label that the version of the case has for its key', () => {
    expect(renamedFor(V2, ['经营范围', '备注'])).toEqual([{ from: '经营范围', to: '经营项目' }]);
    expect(renamedFor(V1, ['经营项目'])).toEqual([{ from: '经营项目', to: '经营范围' }]);
    expect(renamedFor(V2, ['经营项目', '备注', '不在类型中'])).toEqual([]);
  });

  test('is known by the version that its record names, if a later one uses the label for another line', () => {
    const expected = [
      { from: '经营范围', to: '经营项目' },
      { from: '备注', to: '经营范围' },
    ];
    expect(renamedFor(V3, ['经营范围', '备注'], 1)).toEqual(expected);
    expect(relabel(toLines('经营范围', '备注'), expected)).toEqual([
      { label: '经营项目', text: '经营范围的内容' },
      { label: '经营范围', text: '备注的内容' },
    ]);
    // Without a version of the record, the label is that of the case's version.
    expect(renamedFor(V3, ['经营范围'])).toEqual([]);
  });

  test('of an early release is found in any width and with any brackets', () => {
    expect(renamedFor(V1, ['面积(公顷)'])).toEqual([{ from: '面积(公顷)', to: '面积（公顷）' }]);
    expect(renamedFor(V3, ['面积〔公顷〕'])).toEqual([{ from: '面积〔公顷〕', to: '采伐面积' }]);
  });

  test('keeps its label if another line of the license has the new one', () => {
    expect(renamedFor(V2, ['经营范围', '经营项目'])).toEqual([]);
  });

  test('keeps its label if no type is known', () => {
    expect(renamedFor(null, ['经营范围'])).toEqual([]);
    expect(listRenamed(null, V2, { lines: toLines('经营范围'), sealedBy: undefined })).toEqual([]);
  });
});
