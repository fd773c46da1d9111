import { describe, expect, test } from 'vitest';
import {
  BY_ID,
  BY_SERIAL,
  byValue,
  byValues,
  type CursorFormat,
  idPart,
  instantPart,
  microsecondPart,
  numberPart,
  readPage,
  serialPart,
  textPart,
  toConnection,
} from '../../subgraphs/kernel/http/page.ts';

const BY_INSTANT = byValues({ since: instantPart, serial: serialPart });
const BY_MICROSECOND = byValues({ since: microsecondPart, id: idPart });
const BY_YEAR = byValue(numberPart(4));

function writeCursor<Position>(format: CursorFormat<Position>, position: Position): string {
  const page = { rows: [position], hasNextPage: false };
  const { pageInfo } = toConnection(
    page,
    format,
    (row) => row,
    (row) => row,
  );
  return pageInfo.endCursor ?? '';
}

const encode = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString('base64url');
const wrongCursor = expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT', argument: 'after' } });

describe('a cursor', () => {
  test.each<[name: string, format: CursorFormat<never>, position: unknown, cursor: string]>([
    ['a serial number', BY_SERIAL as never, 12, encode(['12'])],
    ['an id', BY_ID as never, 'yudu-zrzyj', encode(['yudu-zrzyj'])],
    [
      'an instant and a number',
      BY_INSTANT as never,
      { since: new Date('2026-01-31T01:02:03.004Z'), serial: 5 },
      encode(['2026-01-31T01:02:03.004Z', '5']),
    ],
    [
      'a time in microseconds',
      BY_MICROSECOND as never,
      { since: '2026-01-31T01:02:03.004005Z', id: 'a' },
      encode(['2026-01-31T01:02:03.004005Z', 'a']),
    ],
  ])('of %s keeps its form and is read back', (_name, format, position, cursor) => {
    expect(writeCursor(format, position as never)).toBe(cursor);
    expect(readPage({ first: 1, after: cursor }, format)).toEqual({ first: 1, after: position });
  });

  test.each<[name: string, format: CursorFormat<never>, parts: unknown]>([
    ['no part', BY_SERIAL as never, []],
    ['a part too many', BY_SERIAL as never, ['1', '2']],
    ['a number instead of a text', BY_SERIAL as never, [1]],
    ['a sign', BY_SERIAL as never, ['-1']],
    ['16 digits', BY_SERIAL as never, ['1234567890123456']],
    ['5 digits of a year', BY_YEAR as never, ['12026']],
    ['an empty id', BY_ID as never, ['']],
    ['a text of another form', byValue(textPart(/^[a-z]+$/)) as never, ['A']],
    ['no second part', BY_INSTANT as never, ['2026-01-31T01:02:03.004Z']],
    ['the year 0', BY_INSTANT as never, ['0000-01-31T01:02:03.004Z', '1']],
    ['a day that does not exist', BY_INSTANT as never, ['2026-02-30T01:02:03.004Z', '1']],
    ['a month that does not exist', BY_MICROSECOND as never, ['2026-13-01T01:02:03.004005Z', 'a']],
    ['milliseconds', BY_MICROSECOND as never, ['2026-01-31T01:02:03.004Z', 'a']],
  ])('with %s is not of the list', (_name, format, parts) => {
    expect(() => readPage({ first: 1, after: encode(parts) }, format)).toThrow(wrongCursor);
  });
});
