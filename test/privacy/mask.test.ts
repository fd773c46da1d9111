import { describe, expect, test } from 'vitest';
import { maskCodes } from '../../subgraphs/kernel/privacy/mask.ts';

const CITIZEN = '11010519491231002X';
const USCC = '91000000MA0000001R';
const MOBILE = '13800138000';
const IDENTIFIER = '1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.J';

describe('codes in running text are masked', () => {
  test.each([
    [CITIZEN, '1101**********002X'],
    [USCC, '9100**********001R'],
    [MOBILE, '1380***8000'],
    [`法定代表人李晓明，${CITIZEN}，电话${MOBILE}。`, '法定代表人李晓明，1101**********002X，电话1380***8000。'],
    ['身份证号 110105 19491231 002X', '身份证号 1101************002X'],
    ['110105-19491231-002x', '1101************002x'],
    ['１１０１０５１９４９１２３１００２Ｘ', '１１０１**********００２Ｘ'],
    [`ID${CITIZEN}`, 'ID1101**********002X'],
    [`${USCC.toLowerCase()}`, '9100**********001r'],
    ['138 0013 8000', '138 *****8000'],
    ['+86 13800138000', '+86 1******8000'],
    ['008613800138000', '0086*******8000'],
    [`${CITIZEN} ${USCC}`, '1101**********002X 9100**********001R'],
  ])('%s', (text, masked) => {
    expect(maskCodes(text)).toBe(masked);
  });
});

describe('other texts stay as they are', () => {
  test.each([
    ['a day and numbers', '2026-11-29 办件 3607312026112900001，蓄积 126 立方米'],
    ['a wrong check character', '110105194912310020'],
    ['a landline', '0797-6233000'],
    ['an identifier of a license', IDENTIFIER],
    ['a SHA-256', '5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02'],
    ['base64url', 'eyJhbGciOiJFZERTQSJ9.WyIxMzgwMDEzODAwMCJd-91000000Ma0000001R_x'],
    ['a word of 18 letters of both cases', 'ABCDEFGHJKLMNPabcd'],
  ])('%s', (_, text) => {
    expect(maskCodes(text)).toBe(text);
  });
});

test('the own code is not masked, and the code of another beside it is', () => {
  expect(maskCodes(`${USCC}，${CITIZEN}`, CITIZEN)).toBe(`9100**********001R，${CITIZEN}`);
});
