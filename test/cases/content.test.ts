import { describe, expect, test } from 'vitest';
import { changeLines, linesAfter, listAmended, nameLines } from '../../subgraphs/cases/content/content.ts';
import { LICENSE_ACTIONS } from '../../subgraphs/kernel/license-acts.ts';

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
