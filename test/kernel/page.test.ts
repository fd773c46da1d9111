import { sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bySerial, type Keyset, type KeysetRequest, selectPage } from '../../subgraphs/kernel/list/keyset-store.ts';
import {
  cutRows,
  DEFAULT_PAGE_ROWS,
  EMPTY_PAGE,
  idPart,
  instantPart,
  type ListOrder,
  microsecondPart,
  numberPart,
  type PageArguments,
  readPage,
  serialPart,
  textPart,
  toConnection,
} from '../../subgraphs/kernel/list/page.ts';

type Values = readonly (number | string | Date)[];

/** Orders by the values of a row in turn. */
function orderOf(name: string | null, ...parts: ListOrder<Values>['keys'][number]['part'][]): ListOrder<Values> {
  return { name, direction: 'ASC', keys: parts.map((part, i) => ({ part, readValue: (row) => row[i] ?? '' })) };
}

const BY_SERIAL = orderOf('things', serialPart);
const BY_ID = orderOf('things', idPart);
const BY_INSTANT = orderOf('things', instantPart, serialPart);
const BY_MICROSECOND = orderOf('things', microsecondPart, idPart);
const BY_YEAR = orderOf('things', numberPart(4));
const FEED = orderOf(null, serialPart);

function writeCursor(order: ListOrder<Values>, row: Values): string {
  const { pageInfo } = toConnection({ ...EMPTY_PAGE, rows: [row] }, order, (value) => value);
  expect(pageInfo.startCursor).toBe(pageInfo.endCursor);
  return pageInfo.endCursor ?? '';
}

const encode = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
const wrong = (argument: string) => expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT', argument } });

describe('a cursor', () => {
  test.each<[name: string, order: ListOrder<Values>, position: Values, parts: unknown]>([
    ['a serial number', BY_SERIAL, [12], ['things', '12']],
    ['an id', BY_ID, ['yudu-zrzyj'], ['things', 'yudu-zrzyj']],
    [
      'an instant and a number',
      BY_INSTANT,
      [new Date('2026-01-31T01:02:03.004Z'), 5],
      ['things', '2026-01-31T01:02:03.004Z', '5'],
    ],
    [
      'a time in microseconds',
      BY_MICROSECOND,
      ['2026-01-31T01:02:03.004005Z', 'a'],
      ['things', '2026-01-31T01:02:03.004005Z', 'a'],
    ],
    ['a feed, which readers keep', FEED, [12], ['12']],
  ])('of %s is read back', (_name, order, position, parts) => {
    expect(writeCursor(order, position)).toBe(encode(parts));
    expect(readPage({ first: 1, after: encode(parts) }, order)).toMatchObject({ isBackward: false, cursor: position });
    expect(readPage({ last: 1, before: encode(parts) }, order)).toMatchObject({ isBackward: true, cursor: position });
  });

  test.each<[name: string, order: ListOrder<Values>, parts: unknown]>([
    ['no part', BY_SERIAL, []],
    ['no name', BY_SERIAL, ['1']],
    ['the name of another list', BY_SERIAL, ['others', '1']],
    ['a part too many', BY_SERIAL, ['things', '1', '2']],
    ['a number instead of a text', BY_SERIAL, ['things', 1]],
    ['a sign', BY_SERIAL, ['things', '-1']],
    ['16 digits', BY_SERIAL, ['things', '1234567890123456']],
    ['5 digits of a year', BY_YEAR, ['things', '12026']],
    ['an empty id', BY_ID, ['things', '']],
    ['a text of another form', orderOf('things', textPart(/^[a-z]+$/)), ['things', 'A']],
    ['no second part', BY_INSTANT, ['things', '2026-01-31T01:02:03.004Z']],
    ['the year 0', BY_INSTANT, ['things', '0000-01-31T01:02:03.004Z', '1']],
    ['a day that does not exist', BY_INSTANT, ['things', '2026-02-30T01:02:03.004Z', '1']],
    ['a month that does not exist', BY_MICROSECOND, ['things', '2026-13-01T01:02:03.004005Z', 'a']],
    ['milliseconds', BY_MICROSECOND, ['things', '2026-01-31T01:02:03.004Z', 'a']],
    ['an object', BY_SERIAL, { 0: 'things', 1: '1' }],
  ])('with %s is not of the list', (_name, order, parts) => {
    expect(() => readPage({ first: 1, after: encode(parts) }, order)).toThrow(wrong('after'));
    expect(() => readPage({ last: 1, before: encode(parts) }, order)).toThrow(wrong('before'));
  });

  test('that is no JSON is not of the list', () => {
    expect(() => readPage({ after: 'AAAA' }, BY_SERIAL)).toThrow(wrong('after'));
  });
});

describe('the arguments of a page', () => {
  const cursor = encode(['things', '5']);

  test.each<[args: PageArguments, count: number, isBackward: boolean]>([
    [{}, DEFAULT_PAGE_ROWS, false],
    [{ first: null, after: null, last: null, before: null }, DEFAULT_PAGE_ROWS, false],
    [{ first: 3 }, 3, false],
    [{ last: 3 }, 3, true],
    [{ after: cursor }, DEFAULT_PAGE_ROWS, false],
    [{ before: cursor }, DEFAULT_PAGE_ROWS, true],
    [{ first: 100, after: '' }, 100, false],
  ])('%j are read', (args, count, isBackward) => {
    expect(readPage(args, BY_SERIAL)).toMatchObject({ count, isBackward });
  });

  test.each<[args: PageArguments, argument: string]>([
    [{ first: 0 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ first: 1.5 }, 'first'],
    [{ last: 0 }, 'last'],
    [{ last: -1 }, 'last'],
    [{ last: 101 }, 'last'],
    [{ first: 1, last: 1 }, 'last'],
    [{ after: cursor, before: cursor }, 'before'],
    [{ first: 1, before: cursor }, 'before'],
    [{ last: 1, after: cursor }, 'after'],
  ])('%j are refused', (args, argument) => {
    expect(() => readPage(args, BY_SERIAL)).toThrow(wrong(argument));
  });
});

/** A table of serial numbers that answers a keyset as the database would. */
function selectFrom(table: readonly number[], keyset: Keyset): { serial: number }[] {
  const dialect = new PgDialect();
  const words = keyset.orderBy.map((part) => dialect.sqlToQuery(part).sql).join();
  const { sql: text = '', params = [] } = keyset.condition ? dialect.sqlToQuery(keyset.condition) : {};
  const operator = /(>=|<=|>|<)/.exec(text)?.[1];
  const bound = Number(params[0]);
  const meets = (serial: number) =>
    operator === undefined ||
    { '>': serial > bound, '<': serial < bound, '>=': serial >= bound, '<=': serial <= bound }[operator];
  const sorted = table.filter(meets).sort((a, b) => (words.endsWith('asc') ? a - b : b - a));
  return sorted.slice(0, keyset.limit).map((serial) => ({ serial }));
}

describe.each(['ASC', 'DESC'] as const)('pages of a list, %s', (direction) => {
  const order = bySerial('things', sql.raw('serial'), direction);
  const listOf = (table: readonly number[]) =>
    table.toSorted((a, b) => (direction === 'ASC' ? a - b : b - a)).map((serial) => ({ serial }));
  const request = (count: number, isBackward: boolean, cursor: number | null): KeysetRequest => ({
    ...{ order, count, isBackward },
    cursor: cursor === null ? null : [cursor],
  });
  const anyTable = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 30 });
  const anyCount = fc.integer({ min: 1, max: 12 });
  const anyCursor = fc.option(fc.integer({ min: 0, max: 60 }));

  test('from the database and from memory are the same, and say rightly what lies beyond', async () => {
    const property = fc.asyncProperty(
      anyTable,
      anyCount,
      fc.boolean(),
      anyCursor,
      async (table, count, isBackward, cursor) => {
        const page = request(count, isBackward, cursor);
        const list = listOf(table);
        const actual = await selectPage(page, async (keyset) => selectFrom(table, keyset));
        expect(actual).toEqual(cutRows(list, page));
        const isBefore = ({ serial }: { serial: number }) =>
          cursor !== null && (direction === 'ASC' ? serial < cursor : serial > cursor);
        const rest = list.filter(
          (row) => cursor === null || (isBackward ? isBefore(row) : !isBefore(row) && row.serial !== cursor),
        );
        expect(actual.rows).toEqual(isBackward ? rest.slice(-count) : rest.slice(0, count));
        const others = list.length - rest.length > 0;
        const more = rest.length > count;
        expect([actual.hasPreviousPage, actual.hasNextPage]).toEqual(isBackward ? [more, others] : [others, more]);
      },
    );
    await fc.assert(property);
  });

  test('an extra statement runs only with a cursor, for one row', async () => {
    const limits = async (page: KeysetRequest) => {
      const seen: number[] = [];
      await selectPage(page, async (keyset) => {
        seen.push(keyset.limit);
        return selectFrom([1, 2, 3], keyset);
      });
      return seen;
    };
    expect(await limits(request(2, false, null))).toEqual([3]);
    expect(await limits(request(2, true, 2))).toEqual([3, 1]);
  });
});
