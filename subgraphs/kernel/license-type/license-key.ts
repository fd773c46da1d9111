import { createHash } from 'node:crypto';

/**
 * How the hub names a license in its tables, events and ports. Numbers are unique per issuer and type, as printed. The
 * key is unique in the hub: the printed number, or, where a license of another issuer or type has that already, the
 * printed number with a mark of type and issuer. This is the only home of the rule. Nobody is shown a key.
 */

const MARK = /@[0-9a-f]{8}$/;

/** Within which numbers are unique: type code, and USCC of the issuer (证照颁发机构代码). */
export interface NumberScope {
  typeCode: string;
  uscc: string;
}

/** Returns the key of a license. `isFree`: no other license of the hub has its printed number as its key. */
export function licenseKey(printed: string, scope: NumberScope, isFree: boolean): string {
  return isFree ? printed : markedKey(printed, scope);
}

/** Returns the key that a license has if another issuer or type has its printed number already. */
export function markedKey(printed: string, { typeCode, uscc }: NumberScope): string {
  const mark = createHash('sha256').update(`${typeCode}.${uscc}`).digest('hex').slice(0, 8);
  return `${printed}@${mark}`;
}

/** Returns the number of a license as its paper shows it. */
export function printedNumber(key: string): string {
  return key.replace(MARK, '');
}

/** Whether a number ends as a key does that is not a printed number. No printed number may. */
export function endsInMark(number: string): boolean {
  return MARK.test(number);
}
