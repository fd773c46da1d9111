import * as asn1js from 'asn1js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDer } from '../../subgraphs/licenses/verify/format/der.ts';
import { buildEvidence } from '../support/sealed-evidence.ts';
import { flipBit } from '../support/vectors.ts';

/** The strict DER reader. An accepted value has only one encoding, so asn1js must encode it to the same bytes. */

const isAccepted = (bytes: Uint8Array) => {
  try {
    parseDer(bytes);
    return true;
  } catch {
    return false;
  }
};
const fromHex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('parseDer accepts', () => {
  test.each([
    ['an empty sequence', '30 00'],
    ['a long length', `04 81 80 ${'00'.repeat(128)}`],
    ['the numbers 0, 127, 128, -1', '30 0d 02 01 00 02 01 7f 02 02 00 80 02 01 ff'],
    ['true and false', '30 06 01 01 ff 01 01 00'],
    ['a set in DER order', '31 06 02 01 01 02 01 02'],
    ['a bit string whose unused bits are zero', '03 02 06 c0'],
    ['a time', '17 0d 32 38 30 32 32 39 32 33 35 39 35 39 5a'],
    ['a time with a fraction', '18 11 32 30 32 36 30 31 30 31 30 30 30 30 30 30 2e 35 5a'],
  ])('%s', (_, text) => expect(isAccepted(fromHex(text))).toBe(true));
});

describe('parseDer refuses', () => {
  test.each([
    ['an empty input', ''],
    ['a tag alone', '30'],
    ['contents cut short', '04 02 00'],
    ['bytes after the end', '30 00 00'],
    ['an indefinite length', '30 80 00 00'],
    ['a length in long form that fits in short', '04 81 01 00'],
    ['a length with a leading zero', `04 82 00 80 ${'00'.repeat(128)}`],
    ['a length of five octets', '04 85 00 00 00 00 01 00'],
    ['a reserved length', '04 ff'],
    ['a tag of two octets', '1f 1f 00'],
    ['a constructed octet string', '24 03 04 01 00'],
    ['a primitive sequence', '10 00'],
    ['end-of-contents octets', '00 00'],
    ['a number without octets', '02 00'],
    ['a padded number', '02 02 00 7f'],
    ['a padded negative number', '02 02 ff 80'],
    ['true as 01', '01 01 01'],
    ['a boolean of two octets', '01 02 ff ff'],
    ['a null with contents', '05 01 00'],
    ['a bit string without its first octet', '03 00'],
    ['a bit string with eight unused bits', '03 02 08 00'],
    ['a bit string whose unused bits are set', '03 02 06 ff'],
    ['an empty bit string with unused bits', '03 01 01'],
    ['an empty identifier', '06 00'],
    ['an identifier cut short', '06 01 80'],
    ['an identifier with a padded arc', '06 03 2a 80 01'],
    ['a set out of order', '31 06 02 01 02 02 01 01'],
    ['a set with the same member twice', '31 06 02 01 01 02 01 01'],
    ['a child longer than its parent', '30 02 04 05'],
    ['a thirteenth month', '17 0d 32 36 31 33 30 31 30 30 30 30 30 30 5a'],
    ['a day that the month does not have', '17 0d 32 36 30 32 32 39 30 30 30 30 30 30 5a'],
    ['an hour 24', '17 0d 32 36 30 31 30 31 32 34 30 30 30 30 5a'],
    ['a minute 60', '17 0d 32 36 30 31 30 31 30 30 36 30 30 30 5a'],
    ['a time without seconds', '17 0b 32 36 30 31 30 31 30 30 30 30 5a'],
    ['a time in another time zone', '17 11 32 36 30 31 30 31 30 30 30 30 30 30 2b 30 38 30 30'],
    ['a fraction with a trailing zero', '18 12 32 30 32 36 30 31 30 31 30 30 30 30 30 30 2e 35 30 5a'],
    ['nested indefinite lengths', '30 80 '.repeat(4)],
  ])('%s', (_, text) => expect(isAccepted(fromHex(text))).toBe(false));
  test('nesting too deep', () => {
    let bytes = Buffer.alloc(0);
    for (let depth = 0; depth < 30; depth++) bytes = Buffer.concat([Buffer.from([0x30, bytes.length]), bytes]);
    expect(isAccepted(bytes)).toBe(false);
  });
});

describe('asn1js', () => {
  const encodeAgain = (bytes: Buffer) => Buffer.from(asn1js.fromBER(bytes).result.toBER());
  const signature = Buffer.from(buildEvidence({ detached: true }).signature ?? '');
  test('encodes a parsed signature to the same bytes', () => {
    expect(isAccepted(signature)).toBe(true);
    expect(encodeAgain(signature).equals(signature)).toBe(true);
  });
  test('encodes every accepted value to the same bytes', () => {
    const changedSignatures = fc
      .tuple(fc.nat(signature.length - 1), fc.nat(7))
      .map(([at, bit]) => flipBit(signature, at, 1 << bit));
    const inputs = fc.oneof(changedSignatures, fc.uint8Array({ maxLength: 40 }).map(Buffer.from));
    fc.assert(
      fc.property(inputs, (bytes) => {
        fc.pre(isAccepted(bytes));
        return asn1js.fromBER(bytes).offset === bytes.length && encodeAgain(bytes).equals(bytes);
      }),
      { numRuns: 300 },
    );
  });
});
