const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const PATTERN = /^1\.2\.156\.3005\.2\.([0-9A-Z]{18}\d{3})\.([0-9A-Z]{18})\.([0-9A-Z]{1,36})\.(\d{3})\.([0-9A-Z])$/;

/** The parts of an electronic license identifier (GB/T 36904-2018) that the library compares. */
export interface Identifier {
  type: string;
  issuer: string;
  /** What it carries of the license number: see `isSerialOf`. */
  serial: string;
  version: number;
}

/** Parses an identifier. Returns null if its form or its check character (ISO 7064 MOD 37,36) is wrong. */
export function readIdentifier(text: string): Identifier | null {
  const [, type = '', issuer = '', serial = '', version = '', check = ''] = PATTERN.exec(text) ?? [];
  let sum = 36;
  for (const character of `${type}${issuer}${serial}${version}`) {
    sum = (((sum + ALPHABET.indexOf(character)) % 36 || 36) * 2) % 37;
  }
  const isValid = check !== '' && (sum + ALPHABET.indexOf(check)) % 36 === 1;
  return isValid ? { type, issuer, serial, version: Number(version) } : null;
}

/**
 * Whether a serial names a license number: it is the number's digits and capital letters. Where another license of the
 * issuer has that serial, `Z` and a digit follow. A license from paper whose number no identifier can carry has a
 * running serial: `DJ` and digits.
 */
export function isSerialOf(serial: string, number: string): boolean {
  const own = number.replaceAll(/[^0-9A-Z]/g, '');
  return (
    serial === own ||
    /^DJ\d{8,}$/.test(serial) ||
    (serial.startsWith(own.slice(0, 34)) && /^Z[1-9]$/.test(serial.slice(own.slice(0, 34).length)))
  );
}
