import { type Day, isDay } from '../day.ts';
import { isCountry, isCountryNumber } from './country.ts';
import { PROVINCES } from './uscc.ts';

/** Numbers of 18 places that end in the check character of GB 11643: of citizens, residents and foreigners. */

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** Returns the check character (ISO 7064 MOD 11-2) over the first 17 digits. */
function computeCheck(body: string): string {
  const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(body.charAt(i)), 0);
  return '10X98765432'.charAt(sum % 11);
}

/** Returns the birthday that a number of 18 places states, YYYY-MM-DD. It need not be a real day. */
function readBirthday(code: string): string {
  return `${code.slice(6, 10)}-${code.slice(10, 12)}-${code.slice(12, 14)}`;
}

/**
 * Whether a text has the form of a citizen number (公民身份号码, GB 11643-1999), a real birthday and a correct check
 * character. `findCitizenFault` judges its parts too.
 */
export function isCitizenNumber(code: string): boolean {
  return /^[1-9]\d{16}[\dX]$/.test(code) && isDay(readBirthday(code)) && computeCheck(code) === code.charAt(17);
}

/** What a kind of number of 18 places has in its first six. */
interface Place {
  isValid: (code: string) => boolean;
  words: string;
}

const PROVINCE: Place = {
  isValid: (code) => PROVINCES.has(code.slice(0, 2)),
  words: '前2位不是省级行政区划代码',
};
/** 港澳台居民居住证: 810000 Hong Kong, 820000 Macao, 830000 Taiwan (港澳台居民居住证申领发放办法, art. 4). */
const RESIDENT: Place = {
  isValid: (code) => /^8[123]0000/.test(code),
  words: '前6位应为810000、820000或830000',
};
/** 外国人永久居留身份证 since 2023: 9, the province, the country by three digits. */
const FOREIGNER: Place = {
  isValid: (code) => code.startsWith('9') && PROVINCES.has(code.slice(1, 3)) && isCountryNumber(code.slice(3, 6)),
  words: '前6位应为9、省级代码2位、国籍代码3位',
};

/**
 * Returns what is wrong with a number, or null: form, place, a real birthday that has been on `today`, serial, check
 * character. Without `today` any real day will do.
 */
function findFault(code: string, today: Day | null, place: Place): string | null {
  if (!/^[1-9]\d{16}[\dX]$/.test(code)) return '应为18位数字，末位可为大写X';
  if (computeCheck(code) !== code.charAt(17)) return '第18位校验码不符';
  if (!place.isValid(code)) return place.words;
  if (!isDay(readBirthday(code))) return '第7至14位不是日期';
  if (today !== null && readBirthday(code) > today) return '第7至14位的出生日期尚未到来';
  if (code.slice(14, 17) === '000') return '第15至17位顺序码不能为000';
  return null;
}

export const findCitizenFault = (code: string, today: Day | null) => findFault(code, today, PROVINCE);
export const findResidentFault = (code: string, today: Day | null) => findFault(code, today, RESIDENT);

/** Like `findFault`, for both forms of the card: 18 digits since 2023, 3 letters and 12 digits before. */
export function findForeignerFault(code: string, today: Day | null): string | null {
  const [, country, month, day] = /^([A-Z]{3})\d{6}(\d{2})(\d{2})\d{2}$/.exec(code) ?? [];
  if (country === undefined) return findFault(code, today, FOREIGNER);
  if (!isCountry(country)) return '前3位不是国籍代码';
  // The year has two digits, so the 29th of February is taken for any of them.
  return isDay(`2000-${month}-${day}`) ? null : '第8至13位不是日期';
}
