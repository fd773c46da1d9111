import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Deadline, runWithDeadline } from '../../../db/deadline.ts';
import { Refusal } from '../../../subgraphs/kernel/refusal.ts';
import { listRefusals } from '../../../subgraphs/kernel/refusals/collector.ts';
import { checkSoleSubjects, planSheets, requireLines } from '../../../subgraphs/licenses/batch/batch.ts';
import { runLines } from '../../../subgraphs/licenses/batch/workflow.ts';
import { LICENSES_POLICY } from '../../../subgraphs/licenses/policy.ts';

const codesOf = (rule: () => unknown) => listRefusals(rule).map(({ code, field }) => `${code} ${field}`);
const line = (caseId: string, more: object = {}) => ({ caseId, blankNumber: null, duplicateBlanks: null, ...more });

describe('the blanks of lines', () => {
  test('follow the first one in the order of the lines, originals and duplicates', () => {
    const lines = [line('a'), line('b', { blankNumber: 'X7' }), line('c', { duplicateBlanks: ['D1'] }), line('d')];
    expect(planSheets(lines, 'KB001200000099', [1, 2, 1, 0])).toEqual([
      { blankNumber: 'KB001200000099', duplicateBlanks: ['KB001200000100'] },
      { blankNumber: 'X7', duplicateBlanks: [] },
      { blankNumber: 'KB001200000101', duplicateBlanks: ['D1'] },
      { blankNumber: 'KB001200000102', duplicateBlanks: [] },
    ]);
  });
  test('are missing without a first one', () => {
    expect(planSheets([line('a'), line('b', { blankNumber: 'X7' })], null, [1, 0])).toEqual([
      null,
      { blankNumber: 'X7', duplicateBlanks: [] },
    ]);
  });
  test.each(['', 'KB', '12 3', 'kb1', '1'.repeat(22)])('do not begin with %j', (first) => {
    expect(codesOf(() => planSheets([line('a', { blankNumber: 'X7' })], first, [0]))).toEqual([
      'FIELD_MALFORMED firstBlank',
    ]);
  });
  test('do not run over the last number', () => {
    expect(codesOf(() => planSheets([line('a'), line('b')], 'A99', [0, 0]))).toEqual(['FIELD_MALFORMED firstBlank']);
  });
});

test('a call has 1 to 100 lines', () => {
  expect(codesOf(() => requireLines([]))).toEqual(['FIELD_MALFORMED lines']);
  expect(codesOf(() => requireLines(Array(101)))).toEqual(['FIELD_TOO_LONG lines']);
  expect(codesOf(() => requireLines(Array(100)))).toEqual([]);
});

test('what two lines name is refused in both, and twice in one line in that line alone', () => {
  const subject = (name: string) => ({ field: 'case', kind: 'SUBJECT' as const, name });
  const blank = (name: string, field = 'blankNumber') => ({ field, kind: 'BLANK' as const, name });
  const checks = checkSoleSubjects([
    [subject('a'), blank('1')],
    [subject('b'), blank('1')],
    [subject('a'), blank('2')],
    [subject('c'), blank('a')],
  ]);
  expect(checks.map(codesOf)).toEqual([
    ['SUBJECT_TWICE case', 'BLANK_TWICE blankNumber'],
    ['BLANK_TWICE blankNumber'],
    ['SUBJECT_TWICE case'],
    [],
  ]);
});

test('many at once is decided by the row of one', () => {
  const { issueLicenses, issueLicense, deliverCertificates, deliverCertificate } = LICENSES_POLICY;
  expect(issueLicenses).toBe(issueLicense);
  expect(deliverCertificates).toBe(deliverCertificate);
  expect(LICENSES_POLICY.recallCertificates).toBe(LICENSES_POLICY.recallCertificate);
});

describe('running lines', () => {
  test('one bad line stops nothing, and two run at a time', async () => {
    let running = 0;
    let peak = 0;
    const results = await runLines([1, 2, 3, 4, 5], async (number) => {
      peak = Math.max(peak, ++running);
      await wait(5);
      running -= 1;
      if (number === 2) throw new Refusal('CASE_NOT_GRANTED', 'case');
      if (number === 4) throw new Error('a fault');
      return number;
    });
    expect(results.map(({ state }) => state)).toEqual(['DONE', 'REFUSED', 'DONE', 'FAILED', 'DONE']);
    expect(peak).toBe(2);
  });

  test('no line begins near the end of the request', async () => {
    const deadline = new Deadline(() => 'x');
    const states = await runWithDeadline(deadline, async () => {
      // The last line begins ten seconds before the end.
      deadline.begin('write', 10_150);
      return (await runLines(Array(40).fill(0), () => wait(50))).map(({ state }) => state);
    });
    deadline.clear();
    const reached = states.indexOf('NOT_REACHED');
    expect(reached).toBeGreaterThan(1);
    expect(reached).toBeLessThan(20);
    expect(new Set(states.slice(reached))).toEqual(new Set(['NOT_REACHED']));
    expect(new Set(states.slice(0, reached))).toEqual(new Set(['DONE']));
  });
});
