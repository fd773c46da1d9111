import { describe, expect, test } from 'vitest';
import { Refusal } from '../../subgraphs/kernel/refusal.ts';
import {
  describeTextProblem,
  findTextProblem,
  requireLine,
  requireLines,
  requireReason,
  type TextForm,
} from '../../subgraphs/kernel/text.ts';

const problemOf = (text: string, form: TextForm = 'LINES', maxChars = 100) => findTextProblem(text, { form, maxChars });

describe('the rule for text', () => {
  test.each([
    ['NUL', '\u0000', 'CONTROL'],
    ['ESC', '\u001b', 'CONTROL'],
    ['DEL', '\u007f', 'CONTROL'],
    ['a C1 control', '\u0090', 'CONTROL'],
    ['TAB', '\t', 'TAB'],
    ['CARRIAGE RETURN', '\r', 'LINE_BREAK'],
    ['NEXT LINE', '\u0085', 'LINE_BREAK'],
    ['LINE SEPARATOR', '\u2028', 'LINE_BREAK'],
    ['PARAGRAPH SEPARATOR', '\u2029', 'LINE_BREAK'],
    ['a high surrogate alone', '\ud842', 'LONE_SURROGATE'],
    ['a low surrogate alone', '\udfb7', 'LONE_SURROGATE'],
    ['RIGHT-TO-LEFT OVERRIDE', '\u202e', 'DIRECTION'],
    ['LEFT-TO-RIGHT ISOLATE', '\u2066', 'DIRECTION'],
    ['POP DIRECTIONAL ISOLATE', '\u2069', 'DIRECTION'],
    ['LEFT-TO-RIGHT MARK', '\u200e', 'DIRECTION'],
    ['ARABIC LETTER MARK', '\u061c', 'DIRECTION'],
    ['ZERO WIDTH SPACE', '\u200b', 'INVISIBLE'],
    ['ZERO WIDTH JOINER', '\u200d', 'INVISIBLE'],
    ['WORD JOINER', '\u2060', 'INVISIBLE'],
    ['BYTE ORDER MARK', '\ufeff', 'INVISIBLE'],
    ['SOFT HYPHEN', '\u00ad', 'INVISIBLE'],
    ['MONGOLIAN VOWEL SEPARATOR', '\u180e', 'INVISIBLE'],
    ['VARIATION SELECTOR-16', '\ufe0f', 'INVISIBLE'],
    ['VARIATION SELECTOR-17', '\u{e0100}', 'INVISIBLE'],
    ['TAG LATIN SMALL LETTER A', '\u{e0061}', 'INVISIBLE'],
    ['HANGUL FILLER', '\u3164', 'INVISIBLE'],
    ['U+FFFE', '\ufffe', 'NONCHARACTER'],
    ['U+FDD0', '\ufdd0', 'NONCHARACTER'],
    ['U+10FFFF', '\u{10ffff}', 'NONCHARACTER'],
    ['private use', '\ue000', 'PRIVATE_USE'],
    ['private use of plane 15', '\u{f0000}', 'PRIVATE_USE'],
  ])('refuses %s and says where it stands', (_name, character, kind) => {
    // A character outside the basic plane counts once.
    expect(problemOf(`甲𠮷${character}乙`)).toEqual({ kind, character, position: 3 });
    expect(problemOf(`甲𠮷${character}乙`, 'LINE')).toEqual({ kind, character, position: 3 });
  });

  test.each(['', ' ', '阿依·古丽', '甲\n乙', '𠮷', '😀', 'é', 'e\u0301', 'ئۇيغۇر', '〔2022〕30号', '\u3000', '\u00a0'])(
    'accepts %j',
    (text) => {
      expect(problemOf(text)).toBeNull();
    },
  );

  test('a line has no line break', () => {
    expect(problemOf('甲\n乙', 'LINE')).toEqual({ kind: 'LINE_BREAK', character: '\n', position: 2 });
  });

  test('a file may hold what file formats need, and no NUL or lone surrogate', () => {
    expect(problemOf('\ufeffa,b\r\n1,\t2\r\n', 'FILE')).toBeNull();
    expect(problemOf('a\u0000', 'FILE')).toMatchObject({ kind: 'CONTROL', position: 2 });
    expect(problemOf('a\ud800', 'FILE')).toMatchObject({ kind: 'LONE_SURROGATE', position: 2 });
  });

  test('counts characters, not code units', () => {
    expect(problemOf('𠮷'.repeat(100))).toBeNull();
    expect(problemOf('𠮷'.repeat(101))).toEqual({ kind: 'TOO_LONG', maxChars: 100 });
    expect(problemOf('a'.repeat(101))).toEqual({ kind: 'TOO_LONG', maxChars: 100 });
    expect(problemOf('a'.repeat(1_000_000))).toEqual({ kind: 'TOO_LONG', maxChars: 100 });
  });

  test('names the problem in words', () => {
    const words = (text: string) => describeTextProblem(problemOf(text) as never);
    expect(words('甲\u200b')).toBe('第2字 U+200B 是看不见的字符，请删去');
    expect(words('\u0000')).toBe('第1字 U+0000 是控制字符，请删去');
    expect(words('a'.repeat(101))).toBe('最多 100 字');
  });
});

describe('the refusals of the kernel', () => {
  const refusalOf = (run: () => void) => {
    try {
      run();
    } catch (error) {
      if (error instanceof Refusal) return [error.code, error.field];
      throw error;
    }
    return null;
  };
  test.each([
    ['甲', null],
    ['', 'FIELD_MALFORMED'],
    [' 甲', 'FIELD_MALFORMED'],
    ['甲\n', 'FIELD_MALFORMED'],
    ['甲\n乙', 'FIELD_MALFORMED'],
    ['甲\u200b', 'FIELD_MALFORMED'],
    ['甲'.repeat(6), 'FIELD_TOO_LONG'],
  ])('a line %j', (text, code) => {
    expect(refusalOf(() => requireLine(text, 5, 'name'))).toEqual(code && [code, 'name']);
  });
  test('lines may have line breaks, a reason may not be blank', () => {
    expect(refusalOf(() => requireLines('甲\n乙', 5, 'note'))).toBeNull();
    expect(refusalOf(() => requireReason('甲\n乙', 5))).toBeNull();
    expect(refusalOf(() => requireReason(' \n', 5))).toEqual(['REASON_MISSING', 'reason']);
  });
});
