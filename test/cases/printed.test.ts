import { expect, test } from 'vitest';
import { changedLines, grantedLines } from '../../subgraphs/cases/decision/printed.ts';
import type { GrantContent } from '../../subgraphs/kernel/events/events.ts';

const holder = { name: '于都县甲公司', codeKind: 'USCC', code: '91000000MA0000001R' } as const;
const citizen = { name: '李晓明', codeKind: 'CITIZEN_NUMBER', code: '11010519491231002X' } as const;
const content = (overrides: Partial<GrantContent> = {}): GrantContent => ({
  ...{ matterId: 'yd2022-3-06', action: 'CHANGE', licenseName: '勘查许可证', licenseType: '11000000000090018B023' },
  ...{ licenseNumber: '勘1号', holder, fields: [{ label: '项目', text: '甲' }] },
  ...{ validFrom: '2026-12-01', validUntil: '2027-12-01' },
  ...overrides,
});

test('a decision says what the license is, and its lines; a cancellation only which license', () => {
  const labels = (granted: GrantContent) => grantedLines(granted, null).map(({ label }) => label);
  expect(labels(content())).toEqual(['证照名称', '证照编号', '项目', '有效期限']);
  expect(labels(content({ action: 'CANCEL' }))).toEqual(['证照名称', '证照编号']);
  expect(labels(content({ action: 'ISSUE', licenseNumber: null }))).toEqual(['证照名称', '项目', '有效期限']);
});

test('a transfer names both parties, a person by a masked code', () => {
  const license = { license: { holder } } as never;
  const lines = grantedLines(content({ action: 'TRANSFER', holder: citizen }), license);
  expect(lines[2]).toEqual({ label: '转让人', text: '于都县甲公司（91000000MA0000001R）' });
  expect(lines[3]?.text).toMatch(/^李晓明（1101.*\*.*）$/);
});

test('a period that becomes another one is a change like a line', () => {
  const before = { validFrom: '2026-12-01', validUntil: '2026-12-31' };
  const line = { label: '项目', before: '乙', after: '甲' };
  expect(changedLines(content({ validUntil: null }), before, [line])).toEqual([
    line,
    { label: '有效期限', before: '2026年12月1日至2026年12月31日', after: '2026年12月1日起，长期有效' },
  ]);
  expect(changedLines(content({ validUntil: '2026-12-31' }), before, [line])).toEqual([line]);
  expect(changedLines(content(), null, [])).toEqual([]);
});
