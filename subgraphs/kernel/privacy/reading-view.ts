import { type ReadingScope, showsReader } from './reading.ts';
import type { ReadingRow } from './reading-store.ts';

/** Returns a reading as a caller of this scope may see it: the person and the remark only for who oversees them. */
export function viewReading(row: ReadingRow, scope: ReadingScope) {
  const { serial, number, object, readerId, reader, organ, purpose, remark, at } = row;
  const person = showsReader(scope, row)
    ? { readerId, reader, remark }
    : { readerId: null, reader: null, remark: null };
  return {
    id: String(serial),
    number,
    object,
    organ: organ === null ? null : { id: organ },
    purpose,
    at,
    ...person,
  };
}
