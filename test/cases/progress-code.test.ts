import { describe, expect, test } from 'vitest';
import {
  CODE_ALPHABET,
  CODE_CHARS,
  progressUrl,
  readCode,
  writeCode,
} from '../../subgraphs/cases/progress/progress.ts';

describe('the code on a receipt', () => {
  test('has 60 bits, in groups of four, without characters that look alike', () => {
    expect(new Set(CODE_ALPHABET).size ** CODE_CHARS).toBe(2 ** 60);
    expect(CODE_ALPHABET).not.toMatch(/[ILOU]/);
    expect(writeCode(Uint8Array.from({ length: CODE_CHARS }, (_, i) => i * 21))).toMatch(/^(\w{4}-){2}\w{4}$/);
    expect(256 % CODE_ALPHABET.length).toBe(0);
  });

  test.each([
    ['ABCD-EFGH-JKMN', 'ABCD-EFGH-JKMN'],
    ['abcdefghjkmn', 'ABCD-EFGH-JKMN'],
    [' ＡＢＣＤ－ｅｆｇｈ jkmn ', 'ABCD-EFGH-JKMN'],
    ['OIL0-1111-0000', '0110-1111-0000'],
    ['', ''],
    ['码', ''],
  ])('%j is read as %j', (typed, code) => {
    expect(readCode(typed)).toBe(code);
  });

  test('the address is that of the hub', () => {
    expect(progressUrl('https://hub.test/')).toBe('https://hub.test/progress');
    expect(progressUrl('https://hub.test/base//')).toBe('https://hub.test/base/progress');
  });
});
