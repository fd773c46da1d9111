/** Unified social credit codes (统一社会信用代码, GB 32100-2015). */

const USCC_ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const ORGANISATION_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];

/** Registration departments (position 1), and the kinds that each registers (position 2). GB 32100-2015, table 2. */
const REGISTERED_KINDS: Readonly<Record<string, string>> = {
  '1': '1239',
  '2': '19',
  '3': '123459',
  '4': '19',
  '5': '1239',
  '6': '129',
  '7': '129',
  '8': '129',
  '9': '1239',
  A: '19',
  G: '19',
  N: '1239',
  Y: '1',
};

/** The country's own register: a division that is no province. */
const NATIONAL_REGISTER = '10';
/** Marks test codes, which no register gives. Those of earlier releases have a correct last character only. */
const TEST_DIVISION = '000000';

/** Provinces, autonomous regions and municipalities by the first two digits of a division (GB/T 2260). */
export const PROVINCES: ReadonlySet<string> = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71'.split(' '),
);

/**
 * Returns the check character over the first 17 characters. Returns null if the length differs or a character is
 * outside the standard's alphabet.
 */
export function computeUsccCheck(body: string): string | null {
  if (body.length !== 17) return null;
  let sum = 0;
  for (let i = 0; i < 17; i++) {
    const value = USCC_ALPHABET.indexOf(body.charAt(i));
    if (value < 0) return null;
    sum = (sum + value * 3 ** i) % 31;
  }
  return USCC_ALPHABET.charAt((31 - sum) % 31);
}

/** Returns the check character of an organisation code (组织机构代码, GB 11714) over its first 8 characters. */
function computeOrganisationCheck(body: string): string {
  const sum = ORGANISATION_WEIGHTS.reduce(
    (total, weight, i) => total + weight * ORGANISATION_ALPHABET.indexOf(body.charAt(i)),
    0,
  );
  const check = 11 - (sum % 11);
  return check === 10 ? 'X' : String(check % 11);
}

/** Whether a text is a code with a correct check character. `findUsccFault` judges its parts too. */
export function isUscc(code: string): boolean {
  return code.length === 18 && computeUsccCheck(code.slice(0, 17)) === code.charAt(17);
}

/** Returns what is wrong with a code, or null: form, registration, division, organisation code, check character. */
export function findUsccFault(code: string): string | null {
  const check = computeUsccCheck(code.slice(0, 17));
  if (code.length !== 18 || check === null) return '应为18位数字和大写字母（不含I、O、S、V、Z）';
  if (check !== code.charAt(17)) return '第18位校验码不符';
  if (!REGISTERED_KINDS[code.charAt(0)]?.includes(code.charAt(1))) return '第1、2位不是登记管理部门和机构类别代码';
  const province = code.slice(2, 4);
  if (code.slice(2, 8) === TEST_DIVISION) return null;
  if (!/^\d{6}$/.test(code.slice(2, 8)) || !(PROVINCES.has(province) || province === NATIONAL_REGISTER))
    return '第3至8位不是登记管理机关行政区划码';
  if (computeOrganisationCheck(code.slice(8, 16)) !== code.charAt(16)) return '第9至17位组织机构代码的校验码不符';
  return null;
}
