import type { Reader } from '../../../db/client.ts';
import type { Actor, Person } from '../actor.ts';
import { type GraphContext, getLoader, requirePerson } from '../http/context.ts';
import { type PageArguments, readPage, toConnection } from '../list/page.ts';
import { type ReadingScope, readingScopeOf, showsReader } from './reading.ts';
import { findReadings, listReadings, type ReadingFilter, type ReadingRow, readingOrder } from './reading-store.ts';
import type { ReadingTable } from './reading-tables.ts';

/** How a subgraph answers its record of readings. */

/** The record of readings of a subgraph, and the name of its list in the graph. */
interface ReadingRecord {
  db: Reader;
  table: ReadingTable;
  list: string;
}

/**
 * Returns a reading as a caller of this scope may see it: the person and the remark only for who oversees them. Two
 * subgraphs have records, so the id of a reading names the list too.
 */
function viewReading(row: ReadingRow, { list }: ReadingRecord, scope: ReadingScope) {
  const { serial, number, object, readerId, reader, organ, purpose, remark, at } = row;
  const person = showsReader(scope, row)
    ? { readerId, reader, remark }
    : { readerId: null, reader: null, remark: null };
  return {
    id: `${list}/${serial}`,
    number,
    object,
    organ: organ === null ? null : { id: organ },
    purpose,
    at,
    ...person,
  };
}

/** The arguments of a list of readings, apart from what each subgraph names its subject. */
type ReadingArguments = PageArguments & {
  filter?:
    | ({ [Field in keyof Omit<ReadingFilter, 'subjects' | 'organs'>]?: ReadingFilter[Field] | undefined } & {
        organ?: string | null | undefined;
      })
    | null
    | undefined;
};

/** Answers the list `list` of the readings that a person may see. Throws UNAUTHENTICATED for the public. */
export async function answerReadings(
  record: ReadingRecord,
  subjects: readonly string[] | null,
  args: ReadingArguments,
  actor: Actor,
) {
  const scope = readingScopeOf(requirePerson(actor));
  const { object = null, purpose = null, person = null, organ = null, from = null, to = null } = args.filter ?? {};
  const filter = {
    subjects,
    object,
    purpose,
    person,
    organs: organ === null ? null : [organ],
    from,
    to,
  };
  const { db, table, list } = record;
  const order = readingOrder(list, table);
  const page = await listReadings(db, table, scope, filter, readPage(args, order));
  return toConnection(page, order, (row) => viewReading(row, record, scope));
}

/**
 * Answers the newest readings of one subject, or null to who may see none of it. `isOwn`: the data is the person's.
 * All subjects of a request are read in one query.
 */
export async function loadReadings(
  record: ReadingRecord,
  subject: string,
  { person, isOwn, context }: { person: Person; isOwn: boolean; context: GraphContext },
) {
  const scope = readingScopeOf(person);
  if (!scope.all && scope.organs.length === 0 && !isOwn) return null;
  const rows = await getLoader<ReadingRow[]>(context, 'readings', async (subjects) => {
    const bySubject = await findReadings(record.db, record.table, scope, subjects);
    return subjects.map((one) => bySubject.get(one) ?? []);
  }).load(subject);
  return (rows ?? []).map((row) => viewReading(row, record, scope));
}
