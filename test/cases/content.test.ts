import { describe, expect, test } from 'vitest';
import type { LicenseFact } from '../../subgraphs/cases/case.ts';
import { requireChangeable } from '../../subgraphs/cases/content/check.ts';
import { changeLines, linesAfter, nameLines } from '../../subgraphs/cases/content/content.ts';
import { requireApplication } from '../../subgraphs/cases/reception/application.ts';
import { LICENSE_ACTIONS } from '../../subgraphs/kernel/license-acts.ts';
import { listAmended } from '../../subgraphs/kernel/license-type/changes.ts';
import type { LicenseTypeVersion } from '../../subgraphs/kernel/license-type/type.ts';
import { listRefusals } from '../../subgraphs/kernel/refusals/collector.ts';

/** What an act makes of the lines that stand on a license (制证信息). */

const toLines = (text: string) =>
  text === '' ? [] : text.split(' ').map((line) => ({ label: line[0] ?? '', text: line.slice(1) }));
const NONE: ReadonlySet<string> = new Set();
const STANDING = toLines('a1 b2 c3 d4 e5 f6');

describe('lines after an act', () => {
  test.each(LICENSE_ACTIONS)('%s without lines of its own leaves the standing ones', (action) => {
    expect(linesAfter(action, STANDING, [], NONE)).toEqual(STANDING);
  });

  test.each(['CHANGE', 'RENEW', 'RETAIN', 'TRANSFER', 'CORRECT'] as const)(
    '%s changes only the lines that it names',
    (action) => {
      expect(linesAfter(action, STANDING, toLines('c9'), NONE)).toEqual(toLines('a1 b2 c9 d4 e5 f6'));
      expect(linesAfter(action, STANDING, toLines('g7'), NONE)).toEqual([...STANDING, ...toLines('g7')]);
      expect(linesAfter(action, STANDING, toLines('b'), NONE)).toEqual(toLines('a1 c3 d4 e5 f6'));
      expect(linesAfter(action, STANDING, toLines('z'), NONE)).toEqual(STANDING);
    },
  );

  test.each(['REISSUE', 'CANCEL'] as const)('%s keeps them, whatever is named', (action) => {
    expect(linesAfter(action, STANDING, toLines('a9 b g7'), NONE)).toEqual(STANDING);
    // A license that was sealed before its type asked for the line.
    expect(linesAfter(action, STANDING, toLines('a9 g7'), new Set(['g']))).toEqual([...STANDING, ...toLines('g7')]);
  });

  test('an issue carries what is given', () => {
    expect(linesAfter('ISSUE', [], toLines('b2 a1'), NONE)).toEqual(toLines('b2 a1'));
  });
});

test('naming keeps a line that is taken out, changing does not', () => {
  expect(nameLines(toLines('a1 b2'), toLines('b c3'))).toEqual(toLines('a1 b c3'));
  expect(changeLines(toLines('a1 b2'), toLines('b c3'))).toEqual(toLines('a1 c3'));
});

test('an amendment lists what differs, and nothing else', () => {
  expect(listAmended(toLines('a1 b2 c3'), toLines('a1 b9 d4'))).toEqual([
    { label: 'b', before: '2', after: '9' },
    { label: 'c', before: '3', after: null },
    { label: 'd', before: null, after: '4' },
  ]);
  expect(listAmended(STANDING, STANDING.toReversed())).toEqual([]);
});

describe('what an act cannot change is refused', () => {
  const holder = { name: '甲公司', codeKind: 'USCC', code: 'C' };
  const license = { license: { holder, fields: toLines('a1 b2') } } as unknown as LicenseFact;
  const type = { lines: ['a', 'b', 'z'].map((label) => ({ label, required: true })) } as unknown as LicenseTypeVersion;
  const refusalsOf = (act: string, lines: string, applicant: object = {}) => {
    const subject = { act, delegation: {}, fields: toLines(lines), applicant: { ...holder, ...applicant } };
    return listRefusals(() => requireChangeable(subject as never, license, type)).map(({ field }) => field);
  };

  test('lines and another name by an act that keeps them, unless the line stands or is lacking', () => {
    expect(refusalsOf('REISSUE', 'a1 z9')).toEqual([]);
    expect(refusalsOf('REISSUE', 'a1 b9 c3', { name: '乙公司' })).toEqual([
      ...['fields[1].text', 'fields[2].text', 'applicant.name'],
    ]);
    expect(refusalsOf('CANCEL', 'z9')).toEqual(['fields[0].text']);
    expect(refusalsOf('CHANGE', 'b9 c3', { name: '乙公司' })).toEqual([]);
  });

  test('a transfer to the present holder', () => {
    expect(refusalsOf('TRANSFER', '')).toEqual(['applicant.code']);
    expect(refusalsOf('TRANSFER', '', { code: 'D' })).toEqual([]);
  });
});

test('a matter that issues takes no license that another issuing matter made', () => {
  const always = { validFrom: '2022-01-01', validTo: null };
  const periodOf = (licenseAction: string) => ({
    ...always,
    licenseAction,
    outcome: { kind: 'LICENSE', licenseType: 'T' },
  });
  const isRefused = (ownAct: string, madeBy: { matterId: string; act: string } | null) => {
    const licenseMatter = madeBy && { matterId: madeBy.matterId, delegations: [periodOf(madeBy.act)] };
    const facts = { type: null, offered: ['CORRECT'], today: '2026-03-02', matterId: 'A', licenseMatter };
    const applicant = { name: '甲公司', codeKind: 'USCC', code: '91000000MA0000001R' };
    const nobodyElse = { coOwnership: null, agent: null, contact: null };
    const application = { applicant, fields: [], licenseNumber: null, act: 'CORRECT', ...nobodyElse };
    const check = () => requireApplication(periodOf(ownAct) as never, application as never, null, facts as never);
    return listRefusals(check).some(({ code }) => code === 'LICENSE_UNKNOWN');
  };
  expect(isRefused('ISSUE', { matterId: 'B', act: 'ISSUE' })).toBe(true);
  expect(isRefused('ISSUE', { matterId: 'A', act: 'ISSUE' })).toBe(false);
  expect(isRefused('ISSUE', { matterId: 'B', act: 'RENEW' })).toBe(false);
  expect(isRefused('RENEW', { matterId: 'B', act: 'ISSUE' })).toBe(false);
  expect(isRefused('ISSUE', null)).toBe(false);
});
