import { expect, test } from 'vitest';
import { fitsRunning, HUB_TEMPLATE, lastRunning } from '../../subgraphs/kernel/license-type/number.ts';
import { type Holding, isEnding, listEndingBlanks } from '../../subgraphs/licenses/supply/supply.ts';

const box = (room: number, used: number, licenseType: string | null = null, organ = 'a'): Holding => ({
  organ,
  licenseType,
  room,
  used,
});

test.each([
  [999, 898, false],
  [999, 900, true],
  [10, 8, false],
  [10, 9, true],
  [Number.POSITIVE_INFINITY, 9_000_000, false],
])('of %d with %d used: %s', (room, used, expected) => {
  expect(isEnding({ room, used })).toBe(expected);
});

test('a template has room for as many numbers as its digits write', () => {
  expect(lastRunning('甲{YEAR}{RUNNING:3}号')).toBe(999);
  expect(lastRunning(HUB_TEMPLATE)).toBe(Number.POSITIVE_INFINITY);
  expect([999, 1000].map((running) => fitsRunning('甲{YEAR}{RUNNING:3}号', running))).toEqual([true, false]);
});

test.each<[string, Holding[], unknown[]]>([
  ['the only box', [box(10, 9)], [{ organ: 'a', licenseType: null, left: 1 }]],
  ['a box with enough left', [box(10, 8)], []],
  ['one of two boxes', [box(10, 10), box(10, 0)], []],
  ['both of two boxes', [box(10, 10), box(10, 9)], [{ organ: 'a', licenseType: null, left: 1 }]],
  ['a box of a type, with another one for every type', [box(10, 9, 'T'), box(10, 0)], []],
  [
    'a box for every type, with one of a type',
    [box(10, 9), box(10, 0, 'T')],
    [{ organ: 'a', licenseType: null, left: 1 }],
  ],
  [
    'a box, with one of another organ',
    [box(10, 9, 'T'), box(10, 0, 'T', 'b')],
    [{ organ: 'a', licenseType: 'T', left: 1 }],
  ],
])('what runs out of %s', (_, holdings, expected) => {
  expect(listEndingBlanks(holdings)).toEqual(expected);
});
