import type { Day } from '../day.ts';
import { Refusal } from '../refusal.ts';
import { findCitizenFault, findForeignerFault, findResidentFault, isCitizenNumber } from './citizen.ts';
import { isCountry, isPassportIssuer } from './country.ts';
import { findUsccFault, isUscc } from './uscc.ts';

/**
 * By what a holder or applicant is known (证件): the one table of kinds. A code is written so that no two people share
 * one: a passport and a foreign register name the country too, because their numbers are unique only there.
 *
 * A new kind is a row here, a value of `HolderCodeKind` in both schemas, and a label in `templates/sheet.typ`.
 */
interface IdentityKind {
  /** Kind of code in a record (CZZTDMLX, GB/T 36903-2018): its own list for organisations, GA/T 517 for people. */
  record: string;
  isPerson: boolean;
  /** As documents print it beside the code. */
  label: string;
  /** Returns what is wrong with a code in its normal form, or null. A birthday after `today` is wrong. */
  findFault: (code: string, today: Day | null) => string | null;
}

const pattern = (form: RegExp, words: string) => (code: string) => (form.test(code) ? null : words);

/** A number of another country: `USA-…` or `USA/…`. */
function foreign(form: RegExp, isIssuer: (country: string) => boolean, words: string) {
  return (code: string) => {
    if (!form.test(code)) return words;
    return isIssuer(code.slice(0, 3)) ? null : `${words}；前面的字母不是国家或地区代码`;
  };
}

export const IDENTITY_KINDS = {
  USCC: { record: '001', isPerson: false, label: '统一社会信用代码', findFault: findUsccFault },
  CITIZEN_NUMBER: { record: '111', isPerson: true, label: '公民身份号码', findFault: findCitizenFault },
  PASSPORT: {
    ...{ record: '414', isPerson: true, label: '护照（签发国-号码）' },
    findFault: foreign(
      /^[A-Z]{3}-(?=.*\d)[0-9A-Z]{5,15}$/,
      isPassportIssuer,
      '应为签发国三字母代码、“-”、护照号码，如 USA-123456789',
    ),
  },
  HK_MACAO_PERMIT: {
    ...{ record: '516', isPerson: true, label: '港澳居民来往内地通行证' },
    findFault: pattern(/^[HM]\d{8}(\d{2})?$/, '应为H或M加8位或10位数字'),
  },
  TAIWAN_PERMIT: {
    ...{ record: '511', isPerson: true, label: '台湾居民来往大陆通行证' },
    findFault: pattern(/^(\d{8}|\d{10}[A-Z]?)$/, '应为8位数字，旧证为10位数字和括号中的字母'),
  },
  RESIDENCE_PERMIT: {
    ...{ record: '154', isPerson: true, label: '港澳台居民居住证' },
    findFault: findResidentFault,
  },
  PERMANENT_RESIDENT: {
    ...{ record: '553', isPerson: true, label: '外国人永久居留身份证' },
    findFault: findForeignerFault,
  },
  FOREIGN_ORGANISATION: {
    ...{ record: '099', isPerson: false, label: '境外组织登记号（注册地/号码）' },
    findFault: foreign(
      /^[A-Z]{3}\/(?=.*\d)[0-9A-Z][0-9A-Z.-]{1,23}$/,
      isCountry,
      '应为注册地三字母代码、“/”、登记号码，如 HKG/1234567',
    ),
  },
} as const satisfies Record<string, IdentityKind>;

export type HolderCodeKind = keyof typeof IDENTITY_KINDS;
export const HOLDER_CODE_KINDS = Object.keys(IDENTITY_KINDS) as [HolderCodeKind, ...HolderCodeKind[]];

/** Kinds of code as records have them (持证主体代码类型, CZZTDMLX). */
export type RecordCodeKind = (typeof IDENTITY_KINDS)[HolderCodeKind]['record'];
export const RECORD_CODE_KINDS = HOLDER_CODE_KINDS.map((kind) => IDENTITY_KINDS[kind].record) as [
  RecordCodeKind,
  ...RecordCodeKind[],
];

/** Returns the kind that a record names. */
export function kindOfRecord(record: RecordCodeKind): HolderCodeKind {
  const kind = HOLDER_CODE_KINDS.find((name) => IDENTITY_KINDS[name].record === record);
  if (kind === undefined) throw new RangeError(`no kind of code ${record}`);
  return kind;
}

/** Whether a kind of code is a natural person's. */
export const isPersonKind = (kind: HolderCodeKind): boolean => IDENTITY_KINDS[kind].isPerson;

/** Whether a record is a natural person's. */
export const isPersonRecord = (record: RecordCodeKind): boolean => isPersonKind(kindOfRecord(record));

/** Returns a code as it is kept: half width, capital letters, without blanks. A typed code may differ in these. */
export function normaliseHolderCode(text: string): string {
  return text.normalize('NFKC').replace(/\s+/gu, '').toUpperCase();
}

/** Refuses HOLDER_CODE_INVALID unless `code` is a valid code of its kind on a day. */
export function requireHolderCode(kind: HolderCodeKind, code: string, field: string, today: Day): void {
  const fault = IDENTITY_KINDS[kind].findFault(code, today);
  if (fault !== null) throw new Refusal('HOLDER_CODE_INVALID', field, fault);
}

/**
 * Whether a text is the code of a holder: a right check character suffices for codes that have one. A code in an old
 * record is not judged by the rules of today.
 */
export function isHolderCode(text: string): boolean {
  return (
    isUscc(text) ||
    isCitizenNumber(text) ||
    HOLDER_CODE_KINDS.some((kind) => IDENTITY_KINDS[kind].findFault(text, null) === null)
  );
}

/** How many characters of a code stay visible at each end. The first form that fits counts; else none stays. */
const VISIBLE_ENDS: readonly { form: RegExp; head: number; tail: number }[] = [
  { form: /^(.{9,10}|[A-Z]\d{10})$/, head: 1, tail: 2 },
  { form: /^.{11,}$/, head: 4, tail: 4 },
];
const COUNTRY = /^[A-Z]{3}[-/](?=.)/;

/**
 * Masks a holder's code except for some characters at each end. The country of a passport stays visible; its number
 * keeps two characters at the end. Viewers without a reason to see more get this form.
 */
export function maskCode(code: string): string {
  const [country = ''] = COUNTRY.exec(code) ?? [];
  const ends = VISIBLE_ENDS.find(({ form }) => form.test(code)) ?? { head: 0, tail: 0 };
  const head = country === '' ? ends.head : country.length;
  const tail = country === '' ? ends.tail : 2;
  const hiddenCount = Math.max(code.length - head - tail, Math.min(code.length - head, 1));
  return `${code.slice(0, head)}${'*'.repeat(hiddenCount)}${code.slice(head + hiddenCount)}`;
}
