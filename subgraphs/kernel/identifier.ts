import { Refusal } from './refusal.ts';

const USCC_ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const ISO_7064_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const CITIZEN_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const LICENSE_OID = '1.2.156.3005.2';

/** An id of the hub's own, as it is written: anything else must not reach a column of that type. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The check character of a unified social credit code (统一社会信用代码, GB 32100-2015) over its first 17 characters,
 * or null where one of them is outside the standard's alphabet.
 */
export function usccCheck(body: string): string | null {
  if (body.length !== 17) return null;
  let sum = 0;
  for (let i = 0; i < 17; i++) {
    const value = USCC_ALPHABET.indexOf(body.charAt(i));
    if (value < 0) return null;
    sum = (sum + value * 3 ** i) % 31;
  }
  return USCC_ALPHABET.charAt((31 - sum) % 31);
}

/** Whether `code` is a unified social credit code with a good check character (GB 32100-2015). */
export function isUscc(code: string): boolean {
  return code.length === 18 && usccCheck(code.slice(0, 17)) === code.charAt(17);
}

/** Whether `code` is a citizen number (公民身份号码, GB 11643-1999) with a real birthday and a good check character. */
export function isCitizenNumber(code: string): boolean {
  if (!/^[1-9]\d{16}[\dX]$/.test(code)) return false;
  const born = `${code.slice(6, 10)}-${code.slice(10, 12)}-${code.slice(12, 14)}`;
  const birthday = new Date(`${born}T00:00:00Z`);
  if (Number.isNaN(birthday.getTime()) || !birthday.toISOString().startsWith(born)) return false;
  const sum = CITIZEN_WEIGHTS.reduce((total, weight, i) => total + weight * Number(code.charAt(i)), 0);
  return '10X98765432'.charAt(sum % 11) === code.charAt(17);
}

/** Kinds of holder code (持证主体代码类型, GB/T 36903-2018 element CZZTDMLX). */
export const HOLDER_CODE_KINDS = { USCC: '001', CITIZEN_NUMBER: '111' } as const;
export type HolderCodeKind = keyof typeof HOLDER_CODE_KINDS;

/** Refuses HOLDER_CODE_INVALID unless `code` is a good code of its kind. */
export function requireHolderCode(kind: HolderCodeKind, code: string, field: string): void {
  const good = kind === 'USCC' ? isUscc(code) : isCitizenNumber(code);
  if (!good) throw new Refusal('HOLDER_CODE_INVALID', field);
}

/** A holder's code with everything but the ends hidden; the form in which it is shown without a reason to see more. */
export function maskCode(code: string): string {
  return code.length <= 8
    ? '*'.repeat(code.length)
    : `${code.slice(0, 4)}${'*'.repeat(code.length - 8)}${code.slice(-4)}`;
}

/** The check character of ISO 7064 MOD 37,36 over `body`, or null where a character is not 0–9 A–Z. */
export function mod3736(body: string): string | null {
  let product = 36;
  for (const character of body) {
    const value = ISO_7064_ALPHABET.indexOf(character);
    if (value < 0) return null;
    const sum = (product + value) % 36 || 36;
    product = (sum * 2) % 37;
  }
  return ISO_7064_ALPHABET.charAt((37 - product) % 36);
}

/** The parts of an electronic license identifier (电子证照标识, GB/T 36904-2018). */
export interface LicenseIdentifierParts {
  /** USCC of the organ that defines the type, and 3 digits: 21 characters. */
  type: string;
  /** USCC of the issuing organ (证照颁发机构代码). */
  issuer: string;
  /** The license number or a serial of the office's choosing: 0–9 A–Z. */
  serial: string;
  /** 1 for the first document under a serial, one more for each new one. */
  version: number;
}

const IDENTIFIER_FORM =
  /^1\.2\.156\.3005\.2\.([0-9A-Z]{18}\d{3})\.([0-9A-Z]{18})\.([0-9A-Z]{1,36})\.(\d{3})\.([0-9A-Z])$/;

/** Writes the identifier of GB/T 36904-2018; the check character is ISO 7064 MOD 37,36 over the four parts, undotted. */
export function writeLicenseIdentifier(parts: LicenseIdentifierParts): string {
  const version = String(parts.version).padStart(3, '0');
  const check = mod3736(`${parts.type}${parts.issuer}${parts.serial}${version}`);
  const identifier = `${LICENSE_OID}.${parts.type}.${parts.issuer}.${parts.serial}.${version}.${check}`;
  if (!IDENTIFIER_FORM.test(identifier)) throw new RangeError(`not the parts of a license identifier: ${identifier}`);
  return identifier;
}

/**
 * What a text is as a license identifier: VALID, KNOWN_VARIANT (the form is right and the check character is the one a
 * known vendor computes), or INVALID. The hub accepts VALID alone; the variant is named so that a person is told why.
 */
export type IdentifierVerdict =
  | { verdict: 'VALID' | 'KNOWN_VARIANT'; parts: LicenseIdentifierParts }
  | { verdict: 'INVALID'; parts: null };

/** Reads and judges a license identifier (GB/T 36904-2018). */
export function readLicenseIdentifier(text: string): IdentifierVerdict {
  const match = IDENTIFIER_FORM.exec(text);
  if (!match) return { verdict: 'INVALID', parts: null };
  const [, type = '', issuer = '', serial = '', version = '', check = ''] = match;
  const parts = { type, issuer, serial, version: Number(version) };
  const body = `${type}${issuer}${serial}${version}`;
  if (mod3736(body) === check) return { verdict: 'VALID', parts };
  return variantCheck(body) === check ? { verdict: 'KNOWN_VARIANT', parts } : { verdict: 'INVALID', parts: null };
}

/**
 * The check character as one vendor computes it: sums reduced modulo 37 where ISO 7064 says 36. Only one identifier of
 * that vendor is published, so the rule is the simplest that yields it, not one the vendor has stated.
 */
function variantCheck(body: string): string {
  let product = 37;
  for (const character of body) {
    const sum = (product + ISO_7064_ALPHABET.indexOf(character)) % 37 || 37;
    product = (sum * 2) % 37;
  }
  return ISO_7064_ALPHABET.charAt((37 - product) % 36);
}

/** Refuses IDENTIFIER_INVALID unless `text` is a valid identifier; gives its parts. */
export function requireLicenseIdentifier(text: string, field: string): LicenseIdentifierParts {
  const read = readLicenseIdentifier(text);
  if (read.verdict !== 'VALID') throw new Refusal('IDENTIFIER_INVALID', field);
  return read.parts;
}
