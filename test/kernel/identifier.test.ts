import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  computeMod3736Check,
  readLicenseIdentifier,
  writeLicenseIdentifier,
} from '../../subgraphs/kernel/identifier.ts';
import { isCitizenNumber } from '../../subgraphs/kernel/identity/citizen.ts';
import { maskCode } from '../../subgraphs/kernel/identity/identity.ts';
import { computeUsccCheck, isUscc } from '../../subgraphs/kernel/identity/uscc.ts';

const CHECKS_BY_KIND: Record<string, (text: string) => boolean> = {
  'license-identifier': (text) => readLicenseIdentifier(text).verdict === 'VALID',
  uscc: isUscc,
  'citizen-number': isCitizenNumber,
};

/** Vector files of identifiers are named `<kind>.<rule>.txt` and have one value per line. */
function readVectors(folder: 'valid' | 'invalid') {
  const folderUrl = new URL(`../vectors/${folder}/`, import.meta.url);
  const files = readdirSync(folderUrl).filter((file) => file.endsWith('.txt'));
  return files.flatMap((file) => {
    const [kind = ''] = file.split('.');
    const values = readFileSync(new URL(file, folderUrl), 'utf8').split('\n').filter(Boolean);
    return values.map((value) => ({ file, value, check: CHECKS_BY_KIND[kind] ?? (() => folder === 'invalid') }));
  });
}

describe('vectors', () => {
  test.each(readVectors('valid'))('valid: $file $value', ({ value, check }) => expect(check(value)).toBe(true));
  test.each(readVectors('invalid'))('invalid: $file $value', ({ value, check }) => expect(check(value)).toBe(false));
  test('distinguishes the known variant of a vendor from a typing error', () => {
    const variant = '1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M';
    expect(readLicenseIdentifier(variant).verdict).toBe('KNOWN_VARIANT');
    expect(readLicenseIdentifier(variant.replace(/M$/, 'D')).verdict).toBe('VALID');
    expect(readLicenseIdentifier(variant.replace(/M$/, '7')).verdict).toBe('INVALID');
  });
});

const buildAlphanumeric = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'), { minLength: length, maxLength: length })
    .map((characters) => characters.join(''));
const parts = fc.record({
  type: fc
    .tuple(buildAlphanumeric(18), fc.integer({ min: 0, max: 999 }))
    .map(([organ, n]) => organ + String(n).padStart(3, '0')),
  issuer: buildAlphanumeric(18),
  serial: fc.integer({ min: 1, max: 36 }).chain(buildAlphanumeric),
  version: fc.integer({ min: 1, max: 999 }),
});

describe('properties', () => {
  test('any parts survive writing and reading', () => {
    fc.assert(
      fc.property(parts, (identifierParts) => {
        expect(readLicenseIdentifier(writeLicenseIdentifier(identifierParts))).toEqual({
          verdict: 'VALID',
          parts: identifierParts,
        });
      }),
    );
  });
  test('detects any single wrong character', () => {
    fc.assert(
      fc.property(
        parts,
        fc.nat(),
        fc.constantFrom(...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
        (identifierParts, position, character) => {
          const good = writeLicenseIdentifier(identifierParts);
          const start = '1.2.156.3005.2.'.length;
          const index = start + (position % (good.length - start));
          fc.pre(good.charAt(index) !== '.' && good.charAt(index) !== character);
          expect(readLicenseIdentifier(good.slice(0, index) + character + good.slice(index + 1)).verdict).not.toBe(
            'VALID',
          );
        },
      ),
    );
  });
  test('a USCC has exactly one correct check character, and a masked code shows only its ends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'0123456789ABCDEFGHJKLMNPQRTUWXY'), { minLength: 17, maxLength: 17 }),
        (characters) => {
          const body = characters.join('');
          const good = [...'0123456789ABCDEFGHJKLMNPQRTUWXY'].filter((check) => isUscc(body + check));
          expect(good).toEqual([computeUsccCheck(body)]);
          expect(maskCode(body + good)).toBe(`${body.slice(0, 4)}**********${(body + good).slice(-4)}`);
        },
      ),
    );
  });
  test('detects swapped neighbours, except one state in 36 for adjacent characters of the alphabet', () => {
    // MOD 37,36 is a hybrid system of ISO 7064. It detects every wrong character and nearly every swap of neighbours.
    // An exhaustive check finds 36 misses of 22 680: one state for each pair of adjacent characters of the alphabet.
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
    fc.assert(
      fc.property(parts, fc.nat(), (identifierParts, position) => {
        const good = writeLicenseIdentifier(identifierParts);
        const start = '1.2.156.3005.2.'.length;
        const index = start + (position % (good.length - start - 1));
        const [first, second] = [good.charAt(index), good.charAt(index + 1)];
        fc.pre(first !== '.' && second !== '.' && first !== second);
        const exchanged = `${good.slice(0, index)}${second}${first}${good.slice(index + 2)}`;
        const distance = Math.abs(alphabet.indexOf(first) - alphabet.indexOf(second));
        if (distance === 1 || distance === alphabet.length - 1) return;
        expect(readLicenseIdentifier(exchanged).verdict).not.toBe('VALID');
      }),
    );
    const undetected = [...alphabet].flatMap((first) =>
      [...alphabet].filter(
        (second) => first < second && computeMod3736Check(first + second) === computeMod3736Check(second + first),
      ),
    );
    expect(undetected).toHaveLength(1);
  });
});

const USCC_ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const uscc = fc
  .array(fc.constantFrom(...USCC_ALPHABET), { minLength: 17, maxLength: 17 })
  .map((characters) => characters.join(''))
  .map((body) => body + computeUsccCheck(body));
const citizenNumber = fc
  .tuple(
    fc.integer({ min: 110000, max: 659999 }),
    fc.date({ min: new Date('1900-01-01'), max: new Date('2025-12-31'), noInvalidDate: true }),
    fc.integer({ min: 0, max: 999 }),
  )
  .map(([area, birthDate, serial]) => {
    const body = `${area}${birthDate.toISOString().slice(0, 10).replaceAll('-', '')}${String(serial).padStart(3, '0')}`;
    return [...'0123456789X'].map((check) => body + check).find(isCitizenNumber) ?? body;
  });

describe.each([
  { name: 'a USCC (GB 32100)', good: uscc, alphabet: USCC_ALPHABET, accepts: isUscc },
  { name: 'a citizen number (GB 11643)', good: citizenNumber, alphabet: '0123456789X', accepts: isCitizenNumber },
])('$name', ({ good, alphabet, accepts }) => {
  test('is valid, and invalid with any one character changed', () => {
    fc.assert(
      fc.property(good, fc.nat(17), fc.constantFrom(...alphabet), (code, position, character) => {
        expect(accepts(code)).toBe(true);
        fc.pre(code.charAt(position) !== character);
        expect(accepts(code.slice(0, position) + character + code.slice(position + 1))).toBe(false);
      }),
    );
  });
  test('is invalid with two neighbours swapped', () => {
    fc.assert(
      fc.property(good, fc.nat(16), (code, position) => {
        fc.pre(code.charAt(position) !== code.charAt(position + 1));
        expect(
          accepts(
            code.slice(0, position) + code.charAt(position + 1) + code.charAt(position) + code.slice(position + 2),
          ),
        ).toBe(false);
      }),
    );
  });
  test('is invalid with an extra character, a missing character, or lower-case letters', () => {
    fc.assert(
      fc.property(good, fc.constantFrom(...alphabet), (code, character) => {
        expect(accepts(code + character)).toBe(false);
        expect(accepts(code.slice(0, -1))).toBe(false);
        fc.pre(/[A-Z]/.test(code));
        expect(accepts(code.toLowerCase())).toBe(false);
      }),
    );
  });
});
