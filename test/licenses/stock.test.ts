import { describe, expect, test } from 'vitest';
import { listRefusals } from '../../subgraphs/kernel/refusals/collector.ts';
import type { Blank } from '../../subgraphs/licenses/paper/paper.ts';
import { requireAllInStock } from '../../subgraphs/licenses/stock/stock.ts';

/** What leaves an organ's stock of blanks other than onto paper. */

const blank = (changes: Partial<Blank> = {}): Blank => ({
  ...{ number: 'x', digits: 8, organ: 'yudu-lyj', state: 'IN_STOCK', identifier: null, licenseType: null },
  ...changes,
});
const refusalsOf = (blanks: Readonly<Record<string, Blank | null>>) =>
  listRefusals(() => {
    const known = Object.entries(blanks).flatMap(([number, each]) => (each ? [[number, each] as const] : []));
    requireAllInStock(Object.keys(blanks), new Map(known), 'yudu-lyj');
  });

describe('a range leaves the stock', () => {
  test('if every blank of it is in the stock, of whatever type', () => {
    expect(refusalsOf({ A1: blank(), A2: blank({ licenseType: 'T' }) })).toEqual([]);
  });

  test('not with a blank that is used, another organ’s, void or unknown: each reason once, with its first blank', () => {
    const used = blank({ state: 'DELIVERED', identifier: 'i' });
    const faults = refusalsOf({
      ...{
        A1: blank(),
        A2: used,
        A3: used,
        A4: blank({ organ: 'yudu-sfj' }),
        A5: blank({ state: 'VOIDED' }),
        A6: null,
      },
    });
    expect(faults.map(({ code, field, message }) => [code, field, message.match(/A\d/)?.[0]])).toEqual([
      ['BLANK_USED', 'from', 'A2'],
      ['BLANK_OF_ANOTHER_ORGAN', 'from', 'A4'],
      ['BLANK_SPOILED', 'from', 'A5'],
      ['BLANK_UNKNOWN', 'from', 'A6'],
    ]);
  });
});
