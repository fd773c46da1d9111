import { Refusal } from './refusal.ts';

const ISO_7064_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const LICENSE_OID = '1.2.156.3005.2';

/** The form of the hub's own ids. Any other text must not reach a column of type uuid. */
export const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Returns the check character of ISO 7064 MOD 37,36 over `body`, or null if a character is not 0–9 A–Z. */
export function computeMod3736Check(body: string): string | null {
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
  /** USCC of the organ that defines the type, plus 3 digits: 21 characters. */
  type: string;
  /** USCC of the issuing organ (证照颁发机构代码). */
  issuer: string;
  /** The license number or a serial that the office chooses: 0–9 A–Z. */
  serial: string;
  /** 1 for the first document of a serial, plus one for each new document. */
  version: number;
}

/** The serial that an identifier carries: the license number, or what the office chooses. */
export const LICENSE_SERIAL_PATTERN = /^[0-9A-Z]{1,36}$/;

const IDENTIFIER_PATTERN =
  /^1\.2\.156\.3005\.2\.([0-9A-Z]{18}\d{3})\.([0-9A-Z]{18})\.([0-9A-Z]{1,36})\.(\d{3})\.([0-9A-Z])$/;

/**
 * Writes the identifier of GB/T 36904-2018. The check character is ISO 7064 MOD 37,36 over the four parts without dots.
 * Throws RangeError if the parts do not make an identifier.
 */
export function writeLicenseIdentifier(parts: LicenseIdentifierParts): string {
  const version = String(parts.version).padStart(3, '0');
  const check = computeMod3736Check(`${parts.type}${parts.issuer}${parts.serial}${version}`);
  const identifier = `${LICENSE_OID}.${parts.type}.${parts.issuer}.${parts.serial}.${version}.${check}`;
  if (!IDENTIFIER_PATTERN.test(identifier))
    throw new RangeError(`not the parts of a license identifier: ${identifier}`);
  return identifier;
}

/**
 * The verdict on a license identifier: VALID, INVALID, or KNOWN_VARIANT. KNOWN_VARIANT has the right form, but the
 * check character that a known vendor computes. The hub accepts only VALID. The variant has a name to explain the
 * refusal.
 */
export type IdentifierVerdict =
  | { verdict: 'VALID' | 'KNOWN_VARIANT'; parts: LicenseIdentifierParts }
  | { verdict: 'INVALID'; parts: null };

/** Parses and judges a license identifier (GB/T 36904-2018). */
export function readLicenseIdentifier(text: string): IdentifierVerdict {
  const match = IDENTIFIER_PATTERN.exec(text);
  if (!match) return { verdict: 'INVALID', parts: null };
  const [, type = '', issuer = '', serial = '', version = '', check = ''] = match;
  const parts = { type, issuer, serial, version: Number(version) };
  const body = `${type}${issuer}${serial}${version}`;
  if (computeMod3736Check(body) === check) return { verdict: 'VALID', parts };
  return computeVariantCheck(body) === check
    ? { verdict: 'KNOWN_VARIANT', parts }
    : { verdict: 'INVALID', parts: null };
}

/**
 * Returns the check character as one vendor computes it: sums modulo 37 instead of the 36 of ISO 7064. Only one
 * identifier of that vendor is published. This is the simplest rule that yields it. The vendor has not stated a rule.
 */
function computeVariantCheck(body: string): string {
  let product = 37;
  for (const character of body) {
    const sum = (product + ISO_7064_ALPHABET.indexOf(character)) % 37 || 37;
    product = (sum * 2) % 37;
  }
  return ISO_7064_ALPHABET.charAt((37 - product) % 36);
}

/** Returns what the identifiers of a license share: type, issuer and serial. `identifier` must be valid. */
export const keyOfLicense = (identifier: string) => identifier.slice(0, -'.001.X'.length);

/** Returns the parts of a valid identifier. Refuses IDENTIFIER_INVALID otherwise. */
export function requireLicenseIdentifier(text: string, field: string): LicenseIdentifierParts {
  const result = readLicenseIdentifier(text);
  if (result.verdict !== 'VALID') throw new Refusal('IDENTIFIER_INVALID', field);
  return result.parts;
}
