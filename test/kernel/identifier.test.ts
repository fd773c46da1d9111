import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isCitizenNumber,
  isUscc,
  maskCode,
  readLicenseIdentifier,
  usccCheck,
  writeLicenseIdentifier,
} from '../../subgraphs/kernel/identifier.ts';

const CHECKS: Record<string, (text: string) => boolean> = {
  'license-identifier': (text) => readLicenseIdentifier(text).verdict === 'VALID',
  uscc: isUscc,
  'citizen-number': isCitizenNumber,
};

/** Vector files are named `<kind>.<rule>.txt`; one value a line. */
function vectors(folder: 'valid' | 'invalid') {
  const home = new URL(`../vectors/${folder}/`, import.meta.url);
  return readdirSync(home).flatMap((file) => {
    const [kind = ''] = file.split('.');
    const values = readFileSync(new URL(file, home), 'utf8').split('\n').filter(Boolean);
    return values.map((value) => ({ file, value, check: CHECKS[kind] ?? (() => folder === 'invalid') }));
  });
}

describe('vectors', () => {
  test.each(vectors('valid'))('valid: $file $value', ({ value, check }) => expect(check(value)).toBe(true));
  test.each(vectors('invalid'))('invalid: $file $value', ({ value, check }) => expect(check(value)).toBe(false));
  test('a vendor’s known variant is told apart from a typing error', () => {
    const variant = '1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M';
    expect(readLicenseIdentifier(variant).verdict).toBe('KNOWN_VARIANT');
    expect(readLicenseIdentifier(variant.replace(/M$/, 'D')).verdict).toBe('VALID');
    expect(readLicenseIdentifier(variant.replace(/M$/, '7')).verdict).toBe('INVALID');
  });
});

const alphanumeric = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'), { minLength: length, maxLength: length })
    .map((all) => all.join(''));
const parts = fc.record({
  type: fc
    .tuple(alphanumeric(18), fc.integer({ min: 0, max: 999 }))
    .map(([organ, n]) => organ + String(n).padStart(3, '0')),
  issuer: alphanumeric(18),
  serial: fc.integer({ min: 1, max: 36 }).chain(alphanumeric),
  version: fc.integer({ min: 1, max: 999 }),
});

describe('properties', () => {
  test('any parts are written and read back', () => {
    fc.assert(
      fc.property(parts, (given) => {
        expect(readLicenseIdentifier(writeLicenseIdentifier(given))).toEqual({ verdict: 'VALID', parts: given });
      }),
    );
  });
  test('one wrong character is always found', () => {
    fc.assert(
      fc.property(
        parts,
        fc.nat(),
        fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
        (given, at, character) => {
          const good = writeLicenseIdentifier(given);
          const start = '1.2.156.3005.2.'.length;
          const index = start + (at % (good.length - start));
          fc.pre(good.charAt(index) !== '.' && good.charAt(index) !== character);
          expect(readLicenseIdentifier(good.slice(0, index) + character + good.slice(index + 1)).verdict).not.toBe(
            'VALID',
          );
        },
      ),
    );
  });
  test('a USCC has one good check character, and a masked code shows its ends alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'0123456789ABCDEFGHJKLMNPQRTUWXY'), { minLength: 17, maxLength: 17 }),
        (all) => {
          const body = all.join('');
          const good = [...'0123456789ABCDEFGHJKLMNPQRTUWXY'].filter((check) => isUscc(body + check));
          expect(good).toEqual([usccCheck(body)]);
          expect(maskCode(body + good)).toBe(`${body.slice(0, 4)}**********${(body + good).slice(-4)}`);
        },
      ),
    );
  });
});
