import { describe, expect, test } from 'vitest';
import { foldText, listPairs, rankMatch } from '../../subgraphs/kernel/finding/fold.ts';

describe('a text to look for', () => {
  test.each([
    ['于府办发〔2022〕30号', '于府办发(2022)30号'],
    ['［甲］【乙】[丙](丁)（戊）', '(甲)(乙)(丙)(丁)(戊)'],
    ['ＡＢＣ　１２３', 'abc123'],
    [' 林业\u00a0局\t\n ', '林业局'],
    ['㈱ﾊﾟ½', '(株)パ1⁄2'],
    ['', ''],
    ['É', 'É'],
  ])('%j is compared as %j', (text, folded) => {
    expect(foldText(text)).toBe(folded);
    expect(foldText(folded)).toBe(folded);
  });

  test('is found exactly, by its beginning, or as a part', () => {
    expect(rankMatch('林业', ['于都林业', '林业'])).toBe(0);
    expect(rankMatch('林业', ['于都林业', '林业局'])).toBe(1);
    expect(rankMatch('林业', ['于都林业局'])).toBe(2);
    expect(rankMatch('林业', ['农业', ''])).toBeNull();
  });

  test('has pairs of characters, not of code units', () => {
    expect(listPairs('甲乙甲乙')).toEqual(['甲乙', '乙甲']);
    expect(listPairs('𠀀甲')).toEqual(['𠀀甲']);
    expect(listPairs('甲')).toEqual([]);
  });
});
