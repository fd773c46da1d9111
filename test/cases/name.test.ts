import { describe, expect, test } from 'vitest';
import { requireNameDot } from '../../subgraphs/cases/reception/name.ts';
import { listDescribed } from '../../subgraphs/kernel/pdf/described-letter.ts';
import { findUnprintable, requirePrintableText } from '../../subgraphs/kernel/pdf/document.ts';

/** Names as people have them: the dot, letters that the fonts lack, scripts besides Han. */

describe('the dot in a name', () => {
  test.each([...'.•‧∙⋅・･．。˙●⸱ꞏ'].map((dot) => `阿依${dot}古丽`))('%s is refused, with the right one', (name) => {
    expect(() => requireNameDot(name, 'applicant.name')).toThrow(
      expect.objectContaining({
        ...{ code: 'NAME_DOT_WRONG', field: 'applicant.name' },
        message: '姓名中的间隔号须为“·”（U+00B7）：应为“阿依·古丽”。',
      }),
    );
  });

  test.each(['阿依·古丽·买买提', 'Mary St. John', 'J.K.罗琳', '李晓明', "O'Neil"])('%s stays', (name) => {
    expect(() => requireNameDot(name, 'applicant.name')).not.toThrow();
  });

  test('several are corrected at once, with the blanks around them', () => {
    expect(() => requireNameDot('阿依 • 古丽・买买提', 'name')).toThrow('应为“阿依·古丽·买买提”');
  });
});

describe('a letter that the fonts lack', () => {
  const refuse = (text: string) => {
    try {
      requirePrintableText(text, { field: 'applicant.name' });
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('is refused with the way to describe it, and described it prints', () => {
    expect(refuse('李𠮟')).toContain('字库没有，无法打印，可写明字形，如〔⿰口丨 U+20B9F〕');
    expect(refuse('李〔⿰口七 U+20B9F〕')).toBeNull();
    expect(listDescribed('李〔⿰口七 U+20B9F〕明〔⿱⿰木木林 U+2A6A5〕')).toEqual([
      { description: '〔⿰口七 U+20B9F〕', letter: '\u{20b9f}' },
      { description: '〔⿱⿰木木林 U+2A6A5〕', letter: '\u{2a6a5}' },
    ]);
  });

  test.each([
    ['〔⿰口 U+20B9F〕', '不是字形描述'],
    ['〔⿰口七七 U+20B9F〕', '不是字形描述'],
    ['〔⿰口七〕', '不是字形描述'],
    ['〔⿰口A U+20B9F〕', '不是字形描述'],
    ['〔⿰口七 U+0041〕', '不是字形描述'],
    ['〔⿰木木 U+6797〕', '请直接写“林”'],
  ])('is not described by %s', (description, words) => {
    expect(refuse(`李${description}`)).toContain(words);
  });

  test('brackets without a sign of composition describe nothing', () => {
    expect(refuse('于府办发〔2022〕30号')).toBeNull();
  });
});

test.each(['བཀྲ་ཤིས།', 'ئۇيغۇر', 'ᠮᠣᠩᠭᠣᠯ', 'ꆈꌠꁱꂷ'])('%s has a font', (name) => {
  expect(findUnprintable(name)).toBeNull();
});
