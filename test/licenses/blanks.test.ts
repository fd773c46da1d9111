import { describe, expect, test } from 'vitest';
import { catchRefusal } from '../../subgraphs/kernel/policy.ts';
import { describeBox, subjectOfBox } from '../../subgraphs/licenses/countersign/countersign.ts';
import { type Blank, listBlankNumbers, requireFitting } from '../../subgraphs/licenses/paper/paper.ts';

const FORESTRY = '11000000000090018B004';
const STOCKED: Blank = {
  number: 'KB100000001',
  digits: 8,
  organ: 'a',
  state: 'IN_STOCK',
  identifier: null,
  licenseType: null,
};
const codeOf = (act: () => unknown) => catchRefusal(act)?.code ?? null;

describe('a blank fits a license', () => {
  const need = { organ: 'a', licenseType: FORESTRY };
  test.each<[string, Partial<Blank> | null, string | null]>([
    ['of every type', {}, null],
    ['of its own type', { licenseType: FORESTRY }, null],
    ['not of another type', { licenseType: '11000000000090018B033' }, 'BLANK_OF_ANOTHER_TYPE'],
    ['not if another organ has it, whatever its type', { organ: 'b', licenseType: 'x' }, 'BLANK_OF_ANOTHER_ORGAN'],
    ['not if it is used', { state: 'PRINTED', licenseType: FORESTRY }, 'BLANK_USED'],
    ['not if it is on its way to another organ', { state: 'IN_TRANSIT' }, 'BLANK_IN_TRANSIT'],
    ['not if it is void', { state: 'VOIDED' }, 'BLANK_SPOILED'],
    ['not if nobody received it', null, 'BLANK_UNKNOWN'],
  ])('%s', (_, blank, code) => {
    expect(codeOf(() => requireFitting(blank && { ...STOCKED, ...blank }, need, 'blankNumber'))).toBe(code);
  });
});

describe('a range of blanks', () => {
  test('has prefix and digits, both ends included', () => {
    expect(listBlankNumbers({ prefix: 'KB1', digits: 8, from: 9, to: 10 })).toEqual(['KB100000009', 'KB100000010']);
    expect(listBlankNumbers({ prefix: 'KB1', digits: 6, from: 9, to: 10 })).toEqual(['KB1000009', 'KB1000010']);
    expect(listBlankNumbers({ prefix: 'KB1', digits: 2, from: 99, to: 99 })).toEqual(['KB199']);
    expect(listBlankNumbers({ prefix: 'KB1', digits: 9, from: 999_999_999, to: 999_999_999 })).toEqual([
      'KB1999999999',
    ]);
  });
  test.each([
    ['of nothing', { prefix: 'KB1', from: 2, to: 1 }, 'FIELD_MALFORMED'],
    ['from zero', { prefix: 'KB1', from: 0, to: 1 }, 'FIELD_MALFORMED'],
    ['of nine digits', { prefix: 'KB1', from: 99_999_999, to: 100_000_000 }, 'FIELD_MALFORMED'],
    ['of more digits than it has', { prefix: 'KB1', digits: 6, from: 999_999, to: 1_000_000 }, 'FIELD_MALFORMED'],
    ['without digits', { prefix: 'KB1', digits: 0, from: 1, to: 1 }, 'FIELD_MALFORMED'],
    ['of ten digits', { prefix: 'KB1', digits: 10, from: 1, to: 1 }, 'FIELD_MALFORMED'],
    ['with more than a thousand', { prefix: 'KB1', from: 1, to: 1001 }, 'FIELD_TOO_LONG'],
    ['with a prefix of other letters', { prefix: 'kb 1', from: 1, to: 1 }, 'FIELD_MALFORMED'],
  ])('%s is refused', (_, range, code) => expect(codeOf(() => listBlankNumbers({ digits: 8, ...range }))).toBe(code));
});

test('the subject of a box names its type, and is as earlier releases wrote it without one', () => {
  const box = { organ: 'yudu-slj', prefix: 'AA1', digits: 8, from: 1, to: 3, licenseType: null };
  expect(subjectOfBox(box)).toBe('yudu-slj AA1 1 3');
  const typed = subjectOfBox({ ...box, licenseType: FORESTRY });
  expect(typed).not.toBe(subjectOfBox(box));
  expect(describeBox(typed)).toBe(`空白证照 AA100000001 至 AA100000003 号，用于证照类型 ${FORESTRY}`);
  const short = subjectOfBox({ ...box, digits: 6 });
  expect(short).not.toBe(subjectOfBox(box));
  expect(describeBox(short)).toBe('空白证照 AA1000001 至 AA1000003 号');
});
